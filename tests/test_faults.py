"""Faults of a running render: the messages, and that nothing is lost. The cases are in data/render_faults.yaml.

After each fault the same command is given again; the film must be that of a quiet run, byte for byte.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline.media.decode.image_file import write_png
from pipeline.runtime.files import sha256_of
from pipeline.segments.lock import RenderLock
from tests.counted import probe_and_count
from tests.forked import Program, Run
from tests.test_reliability import DATA, matches

ARGUMENTS = (
    *("frame.width=96", "frame.height=64", "frame.fps=12", "duration=14f", "start.steps=2", "dream.octaves=2"),
    *(
        "network=motifnet",
        "segment=4",
        "encode.quality=draft",
        "start=image",
        "start.path=photo.png",
        "output=film.mp4",
    ),
)
SHOT_FOLDER = Path("film.mp4.work") / "shot-001"
CASES = [
    pytest.param(case, id=case["fault"])
    for case in yaml.safe_load((DATA / "render_faults.yaml").read_text(encoding="utf-8"))
]


@dataclass(frozen=True)
class Scene:
    """The program, and a folder with a photograph in which it renders."""

    program: Program
    folder: Path

    def run(self, *more: str, event: str = "") -> Run:
        return self.program.run(*ARGUMENTS, *more, folder=self.folder, event=event)

    def stop_after_ten_frames(self) -> Path:
        """Render ten frames of fourteen; the shot's folder."""
        assert self.run(event="SIGINT at frame 9").code == 130
        return self.folder / SHOT_FOLDER


def flip(shot: Path, name: str) -> None:
    """Flip one bit at three quarters of a file: of the journal, in the entry of the second segment."""
    data = bytearray((shot / name).read_bytes())
    data[len(data) * 3 // 4] ^= 16
    (shot / name).write_bytes(data)


def cut(shot: Path, name: str) -> None:
    (shot / name).write_bytes((shot / name).read_bytes()[:-40])


def remove(shot: Path, name: str) -> None:
    (shot / name).unlink()


def leave_lock(shot: Path, host: str = "") -> None:
    holder = {"pid": 2, "since": 0} | ({"host": host} if host else {})
    (shot.parent / "lock.json").write_text(json.dumps(holder))


def other_photo(shot: Path) -> None:
    write_png(np.full((64, 96, 3), 90, np.uint8), shot.parent.parent / "photo.png")


DAMAGES: dict[str, Callable[..., None]] = {
    function.__name__: function for function in (flip, cut, remove, leave_lock, other_photo)
}


def write_photo(folder: Path) -> None:
    pixels = np.random.default_rng(5).integers(60, 200, (64, 96, 3)).astype(np.uint8)
    write_png(pixels, folder / "photo.png")


def mount_small_disk(folder: Path) -> None:
    """A file system of four megabytes at ``folder``; skips where it cannot be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    write_photo(folder)


def run_with_fault(scene: Scene, case: dict[str, Any]) -> Run:
    """Let the fault happen; the run that meets it."""
    more = case.get("more", [])
    if "during" in case:
        if case["during"].startswith("full disk"):
            mount_small_disk(scene.folder)
        return scene.run(*more, event=case["during"])
    shot = scene.stop_after_ten_frames()
    if case["damage"] == ["lock_here"]:
        with RenderLock(scene.folder / "film.mp4.work" / "lock", Path("film.mp4")):
            return scene.run(*more)
    if case["damage"]:
        name, *arguments = case["damage"]
        DAMAGES[name](shot, *arguments)
    return scene.run(*more)


@pytest.fixture(scope="module")
def quiet(program: Program, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The SHA-256 of the film that nothing happens to."""
    folder = tmp_path_factory.mktemp("quiet")
    write_photo(folder)
    assert program.run(*ARGUMENTS, folder=folder).code == 0
    return sha256_of(folder / "film.mp4")


@pytest.fixture
def scene(program: Program, tmp_path: Path) -> Iterator[Scene]:
    write_photo(tmp_path)
    yield Scene(program, tmp_path)
    subprocess.run(["umount", "-l", str(tmp_path)], capture_output=True, check=False)


@pytest.mark.parametrize("case", CASES)
def test_fault_is_reported_and_loses_nothing(scene: Scene, quiet: str, case: dict[str, Any]) -> None:
    run = run_with_fault(scene, case)
    film = scene.folder / "film.mp4"
    assert run.code == case["code"], run.err
    for words in case["lines"]:
        assert any(matches(line, words) for line in run.err.splitlines()), run.err
    assert "Traceback" not in run.err
    assert not list(scene.folder.glob(".*part")) + list(scene.folder.glob("film.mp4.work/*/.*part"))
    if case.get("during") == "film appears":
        assert film.read_bytes() == b"precious"
        assert scene.run("overwrite=true").code == 0
    elif case["code"]:
        assert not film.exists()
        recover(scene, case)
    assert sha256_of(film) == quiet
    assert not (scene.folder / "film.mp4.work").exists()


def recover(scene: Scene, case: dict[str, Any]) -> None:
    """Put right what a person would put right, and give the same command again."""
    (scene.folder / "ballast").unlink(missing_ok=True)
    if case.get("damage") == ["leave_lock", "elsewhere"]:
        (scene.folder / "film.mp4.work" / "lock.json").unlink()
    if case.get("damage") == ["other_photo"]:
        write_photo(scene.folder)
    again = scene.run()
    assert again.code == 0, again.err
    if case.get("during") != "folder deleted":
        assert any(matches(line, "note: …of 14 frames") for line in again.err.splitlines()), again.err


def test_killed_render_resumes_after_its_segments(scene: Scene, quiet: str) -> None:
    assert scene.run(event="SIGKILL").code == -9
    run = scene.run()
    assert any(matches(line, "note: …4 of 14 frames") for line in run.err.splitlines()), run.err
    assert sha256_of(scene.folder / "film.mp4") == quiet


@pytest.mark.parametrize(("event", "code"), [("SIGKILL before the preview", -9), ("full disk before the preview", 1)])
def test_preview_and_cover_follow_after_a_fault(scene: Scene, event: str, code: int) -> None:
    if code == 1:
        mount_small_disk(scene.folder)
    run = scene.run("encode.also=[preview,cover]", event=event)
    assert run.code == code and "Traceback" not in run.err, run.err
    assert code < 0 or "No space left on device" in run.err, run.err
    also = [scene.folder / f"film.mp4.{name}" for name in ("preview.mp4", "cover.png")]
    assert not any(path.exists() for path in also)
    film = sha256_of(scene.folder / "film.mp4")  # it was finished
    (scene.folder / "ballast").unlink(missing_ok=True)
    run = scene.run("encode.also=[preview,cover]")
    assert run.code == 0 and "resuming: 14 of 14 frames" in run.err, run.err
    assert sha256_of(scene.folder / "film.mp4") == film
    assert probe_and_count(also[0]).frames == 14 and also[1].stat().st_size
    assert not (scene.folder / "film.mp4.work").exists()


def test_every_damage_and_mount_command_is_used() -> None:
    cases = [case.values[0] for case in CASES]
    assert {case["damage"][0] for case in cases if case.get("damage")} == {*DAMAGES, "lock_here"}
    assert len({case["fault"] for case in cases}) == len(cases) >= 28
    assert shutil.which("mount")
