"""The studio's server: what it refuses, uploads, checks of settings, and what it offers."""

import io
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import torch
from PIL import Image

from pipeline.cli.sanitize import choices
from pipeline.config import EncodeConfig, RenderConfig, settings
from pipeline.errors import OutputError
from pipeline.media.encode.encoder import Encoder
from pipeline.studio.uploads import Uploads, WrongType
from scripts.frame_cases import draw_song
from tests.studio.stage import TINY, Studio, studio

LIMIT_MB = 1


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio whose queue stands still."""
    with studio(tmp_path_factory.mktemp("studio"), f"studio.upload_mb={LIMIT_MB}") as started:
        started.post("hold", on_hold=True)
        yield started


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 90, 40)).save(buffer, "PNG")
    return buffer.getvalue()


def uploaded(running: Studio) -> list[str]:
    return sorted(path.name for path in (running.folder / "outputs" / "studio" / "uploads").iterdir())


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("state.json", {}, 200),
        ("state.json", {"Host": "evil.example"}, 403),
        ("state.json", {"Origin": "http://evil.example"}, 403),
        ("/state.json", {}, 403),
        ("/wrong-token/state.json", {}, 403),
    ],
)
def test_only_its_own_page_may_ask(running: Studio, path: str, headers: dict[str, str], status: int) -> None:
    assert running.ask(path, **headers)[0] == status


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": None}])
def test_only_its_own_page_may_send(running: Studio, headers: dict[str, str | None]) -> None:
    """A POST without an Origin comes from no browser's page."""
    before = uploaded(running)
    for path, data in (("hold", {"on_hold": False}), ("upload?name=a.png", png()), ("/upload?name=a.png", png())):
        assert running.ask(path, data, **headers)[0] == 403
    assert running.get("state.json")["on_hold"] and uploaded(running) == before


def test_no_path_leads_out_of_the_studio(running: Studio) -> None:
    (running.folder / "secret.png").write_bytes(png())
    for path in (
        *(
            "uploads/..%2fqueue.json",
            "uploads/../queue.json",
            "uploads/..%2f..%2f..%2fsecret.png",
            "uploads/%2fetc%2fpasswd",
        ),
        *(
            "gallery/preset/..%2f..%2fREADME.jpg",
            "gallery/../spiral.jpg",
            "file/1/0",
            "file/0/-1",
            "../studio.py",
            "routes.py",
        ),
    ):
        assert running.ask(path)[0] in (403, 404), path


def test_an_upload_gets_a_clean_name_and_its_type_by_content(running: Studio) -> None:
    for name, expected in (
        ("../../evil $(x) photo.mp3", "evil-x-photo.png"),
        ("ééé.PNG", "ééé.png"),
        ("..", "file.png"),
    ):
        status, body = running.ask(f"upload?name={quote(name)}", png())
        assert status == 200 and expected.encode() in body.replace(b"\\u00e9", "é".encode())
        assert expected in uploaded(running)
    assert running.ask("uploads/evil-x-photo.png")[1] == png()
    again = running.ask("upload?name=evil-x-photo.png", png())[1]
    assert b'"evil-x-photo.png"' in again  # the same content needs no second file


def test_an_upload_is_deleted_unless_a_film_needs_it(running: Studio) -> None:
    assert running.ask("upload?name=old.png", png() + b" ")[0] == 200
    words = [*TINY, "preset=portrait", "start.path=outputs/studio/uploads/old.png"]
    number = running.post("add", kind="render", words=words)["number"]
    assert b"needs it" in running.ask("delete", {"name": "old.png"})[1]
    running.post("act", number=number, action="remove")
    running.post("delete", name="old.png")
    assert "old.png" not in uploaded(running)
    for name in ("old.png", "../queue.json", "", "."):
        assert running.ask("delete", {"name": name})[0] == 400


@pytest.mark.parametrize(
    "words",
    [
        ["start=image", "start.path='outputs/studio/uploads/old.png'"],
        ["score.guide=./outputs/studio/uploads/../uploads/old.png", "score=guided"],
        ["film=[{duration: 1s, start.kind: image, start.path: outputs/studio/uploads/old.png}]"],
        ["score.targets=['guide:outputs/studio/uploads/old.png']"],
        ["start=image", "start.path=outputs/studio/uploads/old.png|outputs/studio/uploads/older.png"],
    ],
)
def test_an_upload_stays_however_a_film_names_it(running: Studio, words: list[str]) -> None:
    for name, rest in (("old.png", b" "), ("older.png", b"  ")):
        assert running.ask(f"upload?name={name}", png() + rest)[0] == 200
    kind = "variations" if "|" in words[-1] else "render"
    number = running.post("add", kind=kind, words=[*TINY[1:], "network=efficientnet_lite0", *words])["number"]
    assert b"needs it" in running.ask("delete", {"name": "old.png"})[1]
    running.post("act", number=number, action="remove")
    end = time.monotonic() + 60
    while running.ask("delete", {"name": "old.png"})[0] != 200:  # a sketch takes a moment to stop
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_preset_that_a_film_needs_keeps_its_content(running: Studio) -> None:
    assert running.post("preset", name="needed", words=[*TINY])["name"] == "needed"
    words = ["--config-dir=outputs/studio/conf", "preset=needed"]
    number = running.post("add", kind="render", words=words)["number"]
    change = {"name": "needed", "words": [*TINY, "seed=5"], "overwrite": True}
    assert b"needs it" in running.ask("preset", change)[1]
    running.post("act", number=number, action="remove")
    assert running.ask("preset", change)[0] == 200
    (running.folder / "outputs/studio/conf/preset/needed.yaml").unlink()


def test_a_clip_is_a_clip(running: Studio, tmp_path: Path) -> None:
    with Encoder(tmp_path / "a.mp4", width=64, height=48, fps=Fraction(8), encode=EncodeConfig()) as encoder:
        for index in range(8):
            encoder.write(torch.full((1, 3, 48, 64), index / 8))
    status, body = running.ask("upload?name=holiday.txt", encoder.part.read_bytes())
    assert status == 200 and b'"kind":"clip"' in body
    answer = running.post("check", words=["preset=footage", "source.path=outputs/studio/uploads/holiday.mp4"])
    assert answer["error"] == "" and answer["summary"].startswith("64x48, 8 fps, 8 frames")


def test_a_song_is_a_song(running: Studio, tmp_path: Path) -> None:
    draw_song(tmp_path / "song.wav")
    status, body = running.ask("upload?name=my%20song.wav", (tmp_path / "song.wav").read_bytes())
    assert status == 200 and b'"kind":"song"' in body
    answer = running.post("check", words=["preset=music_video", "audio.path=outputs/studio/uploads/my-song.wav"])
    assert answer["error"] == "" and "8s" in answer["summary"]


@pytest.mark.parametrize("content", [b"", b"hello", b"#EXTM3U\nfile:///etc/passwd\n", b"<svg xmlns='x'/>", png()[:60]])
def test_other_files_are_refused(running: Studio, content: bytes) -> None:
    before = uploaded(running)
    assert running.ask("upload?name=clip.mp4", content)[0] == 415
    assert uploaded(running) == before


def test_a_picture_of_too_many_pixels_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in (64 * 48, 64 * 48 - 1):
        monkeypatch.setattr("pipeline.studio.uploads.MAX_PIXELS", limit)
        with Uploads(tmp_path, 10**6).receive("a.png") as incoming:
            incoming.write(png())
            if limit == 64 * 48:
                incoming.finish(tmp_path)
                continue
            with pytest.raises(WrongType, match=r"^a\.png has 0\.00307 million pixels; allowed are 0\.003071"):
                incoming.finish(tmp_path)


def test_a_full_disk_leaves_room_for_the_next_upload(tmp_path: Path) -> None:
    uploads, limits = Uploads(tmp_path, 10**6), resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (100, 100_000) * 4:  # in the buffer until the end, and not
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))  # Python ignores the signal
        try:
            with pytest.raises(OutputError, match=r"a\.png cannot be stored"), uploads.receive("a.png") as incoming:
                incoming.write(bytes(size))
                incoming.finish(tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_uploads_reads_no_photograph(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"damaged since")
    (tmp_path / "a.gif").write_bytes(b"either")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing")
    assert [(each.name, each.kind) for each in Uploads(tmp_path, 1).newest()] == [("a.png", "photograph")]


def test_a_large_upload_is_cut_off(running: Studio) -> None:
    before = uploaded(running)
    where = urlsplit(running.address)
    for head in ("Content-Length: 1000000000", "Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", where.port or 0), 30) as connection:
            lines = f"Host: {where.netloc}\r\nOrigin: http://{where.netloc}\r\n{head}"
            connection.sendall(f"POST {where.path}upload?name=a.mp4 HTTP/1.1\r\n{lines}\r\n\r\n".encode())
            sent = 0
            try:
                while sent < 200 * LIMIT_MB * 1_000_000:
                    chunk = b"x" * 100_000
                    connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk) if "chunked" in head else chunk)
                    sent += len(chunk)
            except OSError:
                pass
            else:
                raise AssertionError("all of it was taken")
            assert sent < 20_000_000  # what the buffers of both sides hold
    assert running.get("state.json")["on_hold"] and uploaded(running) == before


def test_sockets_are_bounded(running: Studio) -> None:
    """Two hundred uploads that never come to their end."""
    where = urlsplit(running.address)
    head = f"Host: {where.netloc}\r\nOrigin: http://{where.netloc}\r\nContent-Length: 999999\r\n\r\n"
    folder = running.folder / "outputs" / "studio" / "uploads"
    opened: list[socket.socket] = []
    end = time.monotonic() + 30
    try:
        for number in range(200):
            opened.append(connection := socket.create_connection(("127.0.0.1", where.port or 0), 20))
            connection.sendall(f"POST {where.path}upload?name=a.png HTTP/1.1\r\n{head}".encode())
            while number == 0 and not list(folder.glob(".*.part")):
                assert time.monotonic() < end
                time.sleep(0.05)
        time.sleep(1)
        assert 1 <= len(list(folder.glob(".*.part"))) <= 4
    finally:
        for connection in opened:
            connection.close()
    end = time.monotonic() + 30
    while running.ask("state.json")[0] != 200 or list(folder.glob(".*.part")):
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("words", "key", "sentence"),
    [
        (["camera.zoom=99"], "camera.zoom", "camera.zoom=99: allowed is 0.05 to 20"),
        (["preset=spirl"], "preset", "did you mean spiral"),
        (["camera.zom=2"], "camera.zom", "did you mean camera.zoom"),
        (["preset=portrait"], "start.path", "start=image needs the picture"),
        (["duration=3x"], "duration", "the units are"),
        (["score.targets=[block99]", "network=motifnet"], "score.targets", "block99"),
    ],
)
def test_errors_are_those_of_the_command_line(running: Studio, words: list[str], key: str, sentence: str) -> None:
    answer = running.post("check", words=words)
    assert answer["key"] == key and sentence in answer["error"]


@pytest.mark.parametrize(
    "word",
    ["hydra.run.dir=/tmp/x", "--config-dir=/tmp", "-m", "from=film.mp4", "preview.port=1", "seed=${oc.env:HOME}"],
)
def test_words_that_are_no_setting_of_a_film_are_refused(running: Studio, word: str) -> None:
    assert running.post("check", words=[word])["error"]
    before = running.get("state.json")["jobs"]
    for kind in ("render", "variations"):
        assert running.ask("add", {"kind": kind, "words": [f"{word}|1"]})[0] == 400
    assert running.get("state.json")["jobs"] == before


@pytest.mark.parametrize(
    "word", ["output=a\0.mp4", "at=\0", "seed=1\n", "output=\udc80.mp4", "output=" + "x" * 300 + ".mp4"]
)
def test_words_that_no_process_takes_are_refused(running: Studio, word: str) -> None:
    before = running.get("state.json")["jobs"]
    for kind in ("render", "storyboard", "variations"):
        status, body = running.ask("add", {"kind": kind, "words": [*TINY, word]})
        assert status == 400 and b'"error"' in body
    assert running.get("state.json")["jobs"] == before


def test_names_that_the_system_refuses_are_named(running: Studio) -> None:
    for key in ("source.path", "audio.path", "color.lut"):
        words = [*TINY, *(["source=video"] if key == "source.path" else []), f"{key}={'x' * 300}.mp4"]
        assert "File name too long" in running.post("check", words=words)["error"]


def test_a_path_with_dots_or_bars_is_no_variation(running: Studio) -> None:
    for name in ("../missing.png", "1..2", "'a|b.png'"):
        words = [*TINY, "start=image", f"start.path={name}"]
        status, body = running.ask("add", {"kind": "variations", "words": words})
        assert status == 400 and f"{name.strip(chr(39))}: there is no such file".encode() in body
    number = running.post("add", kind="variations", words=[*TINY, "seed=1..2"])["number"]
    running.post("act", number=number, action="remove")


def test_every_alternative_is_checked(running: Studio) -> None:
    for word in ("seed=1|2|x", "preset=spiral|nothing", "camera.zoom=1.2|-3", "dream.octaves=9..40"):
        status, body = running.ask("add", {"kind": "variations", "words": [*TINY, word]})
        assert status == 400 and word.partition("=")[0].encode() in body, body


def test_a_storyboard_may_name_its_sheet(running: Studio) -> None:
    number = running.post("add", kind="storyboard", words=[*TINY, "output=sheet.png"])["number"]
    running.post("act", number=number, action="remove")
    status, body = running.ask("add", {"kind": "storyboard", "words": [*TINY, "preset=triptych"]})
    assert status == 400 and b"storyboard is of one shot" in body


def test_a_second_studio_leaves_uploads_alone(running: Studio) -> None:
    part = running.folder / "outputs" / "studio" / "uploads" / ".99.part"
    part.touch()
    command = [sys.executable, "-m", "pipeline.studio", "studio.port=0"]
    second = subprocess.run(command, cwd=running.folder, capture_output=True, text=True, timeout=120)
    assert second.returncode == 1 and "another studio" in second.stderr and part.exists()
    part.unlink()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.studio", "studio.port=0", "studio.folder=/proc/nope"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "studio.folder=/proc/nope" in done.stderr


def test_a_studio_without_a_film_ends_without_words(tmp_path: Path) -> None:
    with studio(tmp_path) as running:
        running.started.process.terminate()
        assert running.started.ended() == 0 and len(running.started.lines) == 1


@pytest.mark.parametrize(
    "message", [b"", b"[]", b"{", b"[" * 100_000, b'{"words": 7}', b'{"words": [1]}', b"x" * 400_000]
)
def test_what_is_no_message_is_refused(running: Studio, message: bytes) -> None:
    for path in ("check", "add", "act", "preset"):
        status, body = running.ask(path, message)
        assert status in (400, 413) or (path == "check" and b'"error"' in body)


def test_the_page_offers_every_preset_look_and_setting(running: Studio) -> None:
    data = running.get("setup.json")
    assert {each["name"] for each in data["presets"]} == set(choices("preset"))
    assert {each["name"] for each in data["looks"]} == set(choices("look"))
    rows = {row["key"]: row for row in data["settings"]}
    for key, item, _ in settings(RenderConfig()):
        group = key.partition(".")[0]
        if group not in ("limits", "preview") and key not in ("jobs", "frames", "shots"):
            assert key in rows or group in rows, key
            assert key not in rows or rows[key]["help"] == item.metadata["help"]
    assert set(data["main_settings"]) <= rows.keys()
    for each in (*data["presets"], *data["looks"]):
        group = "preset" if each in data["presets"] else "look"
        assert running.ask(f"gallery/{group}/{each['name']}.jpg")[0] == (200 if each["picture"] else 404)


def test_the_timeline_saves_a_preset_that_gives_the_same_film(running: Studio) -> None:
    words = [*TINY[1:], "preset=spiral", "look=fur", "network=efficientnet_lite0", "duration=4s"]
    words += ["camera.zoom=0s: 1.2, 2s: 1.6 in-out, 25%: 1", "audio.bpm=120"]
    line = running.post("timeline", words=words)
    zoom = next(lane for lane in line["lanes"] if lane["key"] == "camera.zoom")
    assert zoom["shots"][0]["points"] == [
        {"at": 0.0, "value": 1.2, "easing": ""},
        {"at": 1.0, "value": 1.0, "easing": ""},
        {"at": 2.0, "value": 1.6, "easing": "in-out"},
    ]
    assert zoom["curve"][0] == 1.2 and zoom["curve"][-1] == 1.6
    assert line["music"]["beats"][:3] == [0.0, 0.5, 1.0] and len(line["targets"]) >= 2
    shots = '{preset: spiral, duration: 2s}, {preset: spiral, duration: 3s, camera.zoom: "0s: 1, 1s: 2"}'
    line = running.post("timeline", words=[*TINY, f"film=[{shots}]"])
    zoom = next(lane for lane in line["lanes"] if lane["key"] == "camera.zoom")
    assert [[point["at"] for point in shot["points"]] for shot in zoom["shots"]] == [[0.0], [2.0, 3.0]]
    assert [shot["start"] for shot in line["shots"]] == [0.0, 2.0]
    assert running.post("timeline", words=[*TINY, "score=walk", "score.targets=[stage4:61]"])["targets"]
    made = running.post("preset", name="mine", words=words)
    own = ["--config-dir=outputs/studio/conf", "preset=mine"]
    assert running.post("check", words=own)["values"] == running.post("check", words=words)["values"]
    assert (running.folder / made["path"]).read_text().startswith("# @package _global_\n")
    assert "mine" in {each["name"] for each in running.get("setup.json")["presets"]}
    assert b"press Save again" in running.ask("preset", {"name": "mine", "words": words})[1]
    assert running.post("preset", name="mine", words=words, overwrite=True) == made
    for name in ("spiral", "../x", "", "a b", "x" * 99):
        assert running.ask("preset", {"name": name, "words": words})[0] == 400
