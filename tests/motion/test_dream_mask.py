"""Masks of one's own: still and moving, by brightness or opacity, inverted, feathered, over footage."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipeline import Film
from pipeline.errors import RenderError
from pipeline.media import ffmpeg
from pipeline.motion.dream_mask import DreamMask, MaskFrames, change
from scripts.torture import encoders
from tests.media.drawing import video

SMALL = {"network": "motifnet", "frame": {"width": 96, "height": 64, "fps": 12}, "start": {"steps": 1}}
SMALL |= {"dream": {"octaves": 1, "strength": 3}, "score": {"kind": "constant", "targets": ["stage2"]}}
GREY = "color=c=0x808080:s=96x64:r=12:d=1"


def left_half(path: Path, *, alpha: bool = False) -> Path:
    """A mask whose left half is white, or opaque."""
    picture = np.zeros((64, 96, 4), np.uint8)
    picture[:, :48] = 255
    picture[..., 3] = picture[..., 0] if alpha else 255
    picture[..., :3] = 0 if alpha else picture[..., :3]
    Image.fromarray(picture).save(path)
    return path


def sides(first: Tensor, last: Tensor) -> tuple[float, float]:
    """How much the left and the right third changed."""
    change = (last - first).abs().mean(1)[0]
    return float(change[:, :32].mean()), float(change[:, 64:].mean())


def test_frames_can_be_read_in_any_order() -> None:
    def read(first: int) -> Iterator[Tensor]:
        for number in range(first, 9):
            yield torch.full((1, 3, 2, 2), number / 10)

    mask = MaskFrames(read)
    assert [round(float(mask(n).mean()), 3) for n in (0, 1, 1, 2, 5, 0)] == [0, 0.1, 0.1, 0.2, 0.5, 0]
    opaque = MaskFrames(lambda first: read(1), lambda first: read(3))  # over white it is lighter by 0.2
    assert float(opaque(4).mean()) == pytest.approx(0.8)


def test_invert_and_feather_change_every_mask() -> None:
    drawn, canvas = torch.zeros(1, 1, 64, 96), torch.zeros(1, 3, 64, 96)
    drawn[..., :48] = 1
    inverted = DreamMask(None, 24, True, 0.0).mask(drawn, 0.0, canvas)
    soft = DreamMask(None, 24, False, 0.1).mask(drawn, 0.0, canvas)
    assert inverted is not None and soft is not None
    assert torch.equal(inverted, 1 - drawn)
    row = soft[0, 0, 32]
    assert float(row[47] + row[48]) == pytest.approx(1, abs=0.01) and float(row[44] - row[51]) > 0.3
    assert float(row[20]) > 0.99 and float(row[75]) < 0.01
    assert DreamMask(None, 24, True, 0.1).mask(None, 0.0, canvas) is None


def test_change_is_what_was_added() -> None:
    added = torch.zeros(1, 3, 64, 96)
    added[..., :48] = 0.03
    where = change(added)
    assert float(where[..., 20].mean()) == pytest.approx(0.5, abs=0.01) and float(where[..., 80].mean()) < 0.01


@pytest.mark.parametrize(("kind", "invert"), [("luma", False), ("alpha", False), ("luma", True)])
def test_still_mask_confines_the_dream(tmp_path: Path, kind: str, invert: bool) -> None:
    Image.new("RGB", (96, 64), (128, 128, 128)).save(tmp_path / "grey.png")
    mask = left_half(tmp_path / "mask.png", alpha=kind == "alpha")
    start = {"kind": "image", "path": tmp_path / "grey.png", "steps": 1}
    words = (f"dream.mask={mask}", "camera=static", "dream.tone=free")
    film = Film(*words, **{**SMALL, "start": start}, duration="3f", mask={"channel": kind, "invert": invert})
    assert film.config.mask.path == str(mask)
    first, *_, last = [torch.full((1, 3, 64, 96), 128 / 255), *film]
    left, right = sides(first, last)
    dreamed, other = (right, left) if invert else (left, right)
    assert dreamed > 0.02 and other < dreamed / 10


def test_moving_mask_follows_the_footage(tmp_path: Path) -> None:
    clip = video(tmp_path / "clip.mp4", GREY)
    moving = video(tmp_path / "mask.mkv", "color=c=black:s=96x64:r=12:d=1", "-vf",
                   "drawbox=c=white:t=fill:w=48:enable='gte(n,8)'", "-c:v", "ffv1")  # fmt: skip
    words = ("preset=footage", f"source.path={clip}", "source.start=6f", f"dream.mask={moving}", "flow.warmup=1")
    frames = list(Film(*words, "flow=none", **SMALL, duration="5f", encode={"codec": "png", "alpha": "mask"}))
    grey = torch.full((1, 3, 64, 96), 128 / 255)
    strength = [sides(grey, frame[:, :3]) for frame in frames]
    assert max(strength[1]) < 0.02 < strength[4][0] and strength[4][1] < strength[4][0] / 4
    alpha = [frame[:, 3] for frame in frames]  # the mask's frame 8 is the film's frame 2
    assert [round(float(each.mean()), 2) for each in alpha] == [0, 0, 0.5, 0.5, 0.5]
    assert not encoders(os.getpid())  # what decoded the mask has ended


def test_loop_with_a_moving_mask_is_noted(tmp_path: Path) -> None:
    moving, still = video(tmp_path / "mask.mkv", GREY, "-c:v", "ffv1"), left_half(tmp_path / "mask.png")
    for mask, notes in ((moving, 1), (still, 0)):
        plan = Film(f"dream.mask={mask}", "loop=true", "duration=12f", **SMALL).plan
        assert sum("the mask moves" in note for note in plan.notes) == notes


def test_shot_can_have_a_mask_of_its_own(tmp_path: Path) -> None:
    mask = left_half(tmp_path / "mask.png")
    shots = (
        f"film=[{{duration: 4f, dream.mask: '{mask}'}}, {{duration: 4f, dream: {{mask: '{mask}'}}}}, {{duration: 4f}}]"
    )
    plans = Film(shots, **SMALL).plan.shots
    assert [shot.mask.path if shot.mask else None for shot in plans] == [mask, mask, None]


def test_mask_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    opaque, sound = left_half(tmp_path / "mask.png"), tmp_path / "sound.mov"
    ffmpeg.run(["-f", "lavfi", "-i", "sine=d=0.2", f"file:{sound}"], doing="drawing")
    masks = tmp_path / "masks"
    masks.mkdir()
    left_half(masks / "0.png")
    (masks / "1.png").write_bytes(opaque.read_bytes()[:60])
    for words, part in (
        ((f"dream.mask={opaque}", "mask.channel=alpha"), r"mask\.channel=alpha: \S+mask\.png is opaque everywhere"),
        ((f"dream.mask={sound}",), r"dream\.mask: \S+sound\.mov holds no pictures"),
        ((f"dream.mask={masks}",), r"dream\.mask: \S+masks is damaged at 0\.04 s \([^;]*$"),  # salvage is for footage
    ):
        with pytest.raises(RenderError, match=part):
            _ = Film(*words, **SMALL).plan


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("dream.mask=moton",), r"dream.mask=moton: there is no such file; words are none.*did you mean motion"),
        (("encode.alpha=mask",), "encode.alpha=mask: h264 holds no opacity; .*prores"),
        (("encode=vp9", "encode.alpha=mask", "dream.mask=luma"), r"\.mp4 holds no opacity with vp9"),
        (("encode=prores", "encode.alpha=mask"), "encode.alpha=mask: there is no mask"),
        (("encode=prores", "encode.alpha=dream"), "encode.alpha=dream: it compares with footage"),
        (("mask.feather=2",), "mask.feather=2.0: allowed is 0 to 0.5"),
    ],
)
def test_wrong_masks_are_named(words: tuple[str, ...], part: str) -> None:
    with pytest.raises(RenderError, match=part):
        _ = Film(*words, **SMALL).plan
