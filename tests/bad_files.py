"""Writes a folder of bad files for the tests, and a few good ones that they need."""

import json
import os
import pickle
import shutil
import struct
import zlib
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

from pipeline.media import ffmpeg

TEST_VIDEO = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=12:duration=1")
TONE = ("-f", "lavfi", "-i", "sine=duration=1")
ENCODE = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-threads", "1")
TOO_MANY_BYTES = 300_000  # for a settings file


class Trap:
    """Unpickling it runs a command that creates a file."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch sprung",)


def write(folder: Path) -> None:
    """Write all files."""
    folder.mkdir(parents=True)
    _write_pictures(folder)
    _write_footage(folder)
    _write_weights(folder)
    _write_settings(folder / "mine" / "preset")
    _write_records(folder)
    for name in ("pipe", "pipe.mp4"):
        os.mkfifo(folder / name)
    (folder / "a_folder").mkdir()
    (folder / "folder.mp4").mkdir()
    (folder / "text.txt").write_text("this is a text\n", encoding="utf-8")
    (folder / "gone.jpg").symlink_to("nowhere.jpg")
    (folder / "gone.mp4").symlink_to("nowhere.mp4")
    (folder / "link.mp4").symlink_to("taken.mp4")
    (folder / "sheet.mp4.poster.png").symlink_to("photo.jpg")
    for name in ("empty.jpg", "empty.mp4", "empty.pth", "taken.mp4", "near.mp4.poster.png"):
        (folder / name).touch()


def _write_pictures(folder: Path) -> None:
    Image.effect_noise((120, 80), 60).convert("RGB").save(folder / "photo.jpg")
    whole = (folder / "photo.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (4, 4)).save(folder / "small.png")
    data = (folder / "small.png").read_bytes()
    header = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    (folder / "vast.png").write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])
    (folder / "small.png").unlink()


def _write_footage(folder: Path) -> None:
    ffmpeg.run([*TEST_VIDEO, *ENCODE, str(folder / "clip.mp4")], doing="writing")
    latin = folder / "latin.avi"
    ffmpeg.run([*TEST_VIDEO, "-c:v", "mpeg4", "-metadata", "title=XXXX", str(latin)], doing="writing")
    latin.write_bytes(latin.read_bytes().replace(b"XXXX", "café".encode("latin-1")))
    whole = (folder / "clip.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    ffmpeg.run([*TONE, "-c:a", "aac", str(folder / "sound.mp4")], doing="writing")
    (folder / "list.mp4").write_text("ffconcat version 1.0\nfile 'clip.mp4'\n", encoding="utf-8")
    (folder / "stream.mp4").write_text("#EXTM3U\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n", encoding="utf-8")
    (folder / "frames").mkdir()
    for number in (1, 2, 4):
        shutil.copy(folder / "photo.jpg", folder / "frames" / f"{number}.jpg")


def _write_weights(folder: Path) -> None:
    (folder / "trap.pth").write_bytes(pickle.dumps({"weight": Trap()}))
    torch.save({"weight": Trap()}, folder / "zip.pth")
    save_file({"weight": torch.zeros(2)}, folder / "other.safetensors")
    (folder / "endless.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}")
    overlapping = {name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for name in ("a", "b")}
    for name, head in (("overlap", json.dumps(overlapping).encode()), ("letters", b"\xff\xfe\xfd\xfc")):
        (folder / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(8))


def _write_settings(folder: Path) -> None:
    folder.mkdir(parents=True)
    whole = "# @package _global_\n"
    called = "    _target_: os.system\n    command: touch sprung\n"
    texts = {
        "code": whole + "hydra:\n  callbacks:\n   call:\n" + called,
        "target": whole + "score:\n  keys:\n  - at: 1s\n" + called,
        "package": "# @package hydra.callbacks\ncall:\n" + called,
        "launcher": whole + "defaults:\n  - override /hydra/launcher: joblib\n",
        "placed": whole + "defaults:\n  - /preset@hydra.callbacks: code\n",
        "home": whole + "duration: ${oc.env:HOME}\n",
        "tagged": whole + "seed: !!python/object/apply:os.system [touch sprung]\n",
        "bomb": whole + "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "circle": whole + "a: &a [*a]\n",
        "deep": whole + "seed: " + "[" * 5000 + "]" * 5000 + "\n",
        "large": whole + "#" * TOO_MANY_BYTES,
        "many": whole + "score:\n  targets: [" + "a, " * 30000 + "]\n",
        "list": whole + "- seed\n",
        "word": whole + "seed\n",
        "twice": whole + "seed: 1\nseed: 2\n",
        "torn": whole + "seed: [1\n",
        "digits": whole + "seed: " + "9" * 10000 + "\n",
        "unknown": whole + "dream:\n  octave: 3\n",
        "wrong": whole + "dream:\n  octaves: many\n",
    }
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00seed")


def _write_records(folder: Path) -> None:
    head = "program: dream-zoom 9.9\nconfig:\n"
    texts = {
        "newer": head + "  dream:\n    lucid: true\n",
        "wide": head + "  frame:\n    width: wide\n",
        "low": head + "  seed: -3\n",
        "reaching": head + "  duration: ${oc.env:HOME}\n",
        "tagged": head + "  seed: !!python/object/apply:os.system [touch sprung]\n",
        "large": head + "#" * TOO_MANY_BYTES,
        "photo": head + "  start: {kind: image, path: /etc/secret/lion.jpg}\n",
        "clip": head + "  source: {kind: video}\ninputs:\n  source.path: {name: lake.mp4, sha256: ''}\n",
        "masked": head + "  score: {targets: ['class:owl{/etc/mask.png}']}\n",
        "escaping": head + '  start: {kind: image, path: "/x/\\e[2Jlion.jpg"}\n',
        "empty": "program: dream-zoom 0.1.0\n",
    }
    for name, text in texts.items():
        (folder / f"{name}.run.yaml").write_text(text, encoding="utf-8")
    for name in ("newer", "photo"):
        tag = ["-metadata", f"comment={texts[name]}"]
        copy = ["-i", str(folder / "clip.mp4"), "-c", "copy", *tag]
        ffmpeg.run([*copy, str(folder / f"{name}.mp4")], doing="writing")
