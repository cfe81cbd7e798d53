"""Every row of the last table in docs/reliability.md, run: what happens to a render, what is said, what is kept.

After each fault the same command is given again, and the film must be that of a quiet run, byte for byte.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pipeline.media.decode.image_file import write_png
from pipeline.runtime.files import digest
from pipeline.segments.lock import Lock
from tests.forked import Program, Run
from tests.test_reliability import DOCS, RUNNING, pattern

ASKED = (
    *("frame.width=96", "frame.height=64", "frame.fps=12", "duration=14f", "start.steps=2", "dream.octaves=2"),
    *("segment=4", "encode.quality=draft", "start=image", "start.path=photo.png", "output=film.mp4"),
)
SHELF = Path("film.work") / "shot-001"
ROW = re.compile(r"\| (?P<what>[^|]+) \| (?P<code>\d+) \| (?P<said>.+) \|")


@dataclass(frozen=True)
class Scene:
    """Where a fault happens: ``folder`` holds a photograph, ``again`` says whether the same command then succeeds."""

    program: Program
    folder: Path

    def run(self, *more: str, trouble: str = "") -> Run:
        return self.program.run(*ASKED, *more, folder=self.folder, trouble=trouble)

    def stopped(self) -> Path:
        """The shelf of a film that was stopped after ten frames of fourteen."""
        assert self.run(trouble="SIGINT at frame 9").code == 130
        return self.folder / SHELF


def rows() -> Iterator[tuple[str, int, str]]:
    for line in DOCS.read_text(encoding="utf-8").partition(f"## {RUNNING}")[2].splitlines():
        match = ROW.fullmatch(line)
        if match:
            yield match["what"], int(match["code"]), match["said"]


ROWS = list(rows())
Fault = Callable[[Scene], Run]


def during(trouble: str, *more: str) -> Fault:
    """The fault is something that happens while the film is rendered."""
    return lambda scene: scene.run(*more, trouble=trouble)


def after(damage: Callable[[Path], None], *more: str) -> Fault:
    """The fault is done to a film that was stopped; then the same command is given, with ``more``."""

    def fault(scene: Scene) -> Run:
        damage(scene.stopped())
        return scene.run(*more)

    return fault


def flip(name: str) -> Callable[[Path], None]:
    """One bit of one file."""

    def damage(shelf: Path) -> None:
        path = shelf / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 16
        path.write_bytes(data)

    return damage


def cut(name: str) -> Callable[[Path], None]:
    return lambda shelf: (shelf / name).write_bytes((shelf / name).read_bytes()[:-40]) and None


def remove(name: str) -> Callable[[Path], None]:
    return lambda shelf: (shelf / name).unlink()


def leave_lock(shelf: Path, host: str = "") -> None:
    told = {"pid": 2, "since": 0} | ({"host": host} if host else {})
    (shelf.parent / "lock").write_text(json.dumps(told))


def other_photograph(shelf: Path) -> None:
    write_png(np.full((64, 96, 3), 90, np.uint8), shelf.parent.parent / "photo.png")


def rendered_twice(scene: Scene) -> Run:
    scene.stopped()
    with Lock(scene.folder / "film.work" / "lock", Path("film.mp4")):
        return scene.run()


def on_a_small_disk(trouble: str) -> Fault:
    """In a file system of a few megabytes, mounted for it."""

    def fault(scene: Scene) -> Run:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(scene.folder)], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip("a small file system cannot be mounted here")
        photograph(scene.folder)
        return scene.run(trouble=trouble)

    return fault


FAULTS: dict[str, Fault] = {
    "Ctrl-C": during("SIGINT"),
    "SIGTERM": during("SIGTERM"),
    "the terminal is closed (SIGHUP)": during("SIGHUP"),
    "Ctrl-C just as a segment ends": during("SIGINT between segments"),
    "Ctrl-C twice": during("SIGINT twice"),
    "ffmpeg is killed": during("SIGKILL to ffmpeg"),
    "ffmpeg hangs (SIGSTOP)": during("SIGSTOP to ffmpeg", "encode.patience=1"),
    "the disk fills up": on_a_small_disk("full disk"),
    "the disk is full when the film is joined": on_a_small_disk("full disk at the end"),
    "the work folder is deleted": during("folder deleted"),
    "another file takes the film's name": during("film appears"),
    "the clock jumps": during("clock"),
    "a second render of the same film": rendered_twice,
    "the lock of a render that was killed": after(leave_lock),
    "a lock of another machine": after(lambda shelf: leave_lock(shelf, "elsewhere")),
    "a bit of a segment flips": after(flip("00001.mp4")),
    "a segment is cut short": after(cut("00000.mp4")),
    "a segment is missing": after(remove("00001.mp4")),
    "a bit of a checkpoint flips": after(flip("00001.safetensors")),
    "a checkpoint is missing": after(remove("00001.safetensors")),
    "a bit of the journal flips": after(flip("journal.jsonl")),
    "the journal is cut short": after(cut("journal.jsonl")),
    "a bit of the open segment's frames flips": after(flip("open-00002.raw")),
    "a bit of the open segment's canvas flips": after(flip("open-00002.safetensors")),
    "the list of what it was rendered for is damaged": after(cut("spec.json")),
    "another picture under the same name": after(other_photograph),
    "other settings": after(lambda shelf: None, "seed=3", "dream.jitter=8"),
    "another segment length": after(lambda shelf: None, "segment=5"),
}


def photograph(folder: Path) -> None:
    picture = np.random.default_rng(5).integers(60, 200, (64, 96, 3)).astype(np.uint8)
    write_png(picture, folder / "photo.png")


@pytest.fixture(scope="module")
def quiet(program: Program, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The SHA-256 of the film that nothing happens to."""
    folder = tmp_path_factory.mktemp("quiet")
    photograph(folder)
    assert program.run(*ASKED, folder=folder).code == 0
    return digest(folder / "film.mp4")


@pytest.fixture
def scene(program: Program, tmp_path: Path) -> Iterator[Scene]:
    photograph(tmp_path)
    yield Scene(program, tmp_path)
    subprocess.run(["umount", "-l", str(tmp_path)], capture_output=True, check=False)


@pytest.mark.parametrize(("what", "code", "said"), ROWS, ids=[row[0] for row in ROWS])
def test_what_happens_is_said_and_what_was_rendered_is_kept(
    scene: Scene, quiet: str, what: str, code: int, said: str
) -> None:
    run = FAULTS[what](scene)
    film = scene.folder / "film.mp4"
    assert run.code == code, run.err
    lines = run.err.strip().splitlines()
    for sentence in re.findall(r"`(.+?)`", said):
        assert any(re.fullmatch(pattern(sentence), line) for line in lines), run.err
    assert "Traceback" not in run.err
    assert not list(scene.folder.glob(".*part")) + list(scene.folder.glob("film.work/*/.*part"))
    if what == "another file takes the film's name":
        assert film.read_bytes() == b"precious"
        assert scene.run("overwrite=true").code == 0
    elif code:
        assert not film.exists()
        recover(scene, what)
    assert digest(film) == quiet
    assert not (scene.folder / "film.work").exists()


def recover(scene: Scene, what: str) -> None:
    """Put right what a person would put right, and give the same command again."""
    (scene.folder / "ballast").unlink(missing_ok=True)
    if "another machine" in what:
        (scene.folder / "film.work" / "lock").unlink()
    if what == "another picture under the same name":
        photograph(scene.folder)
    again = scene.run()
    assert again.code == 0, again.err
    if what != "the work folder is deleted":
        assert "note: going on: " in again.err


def test_a_killed_render_says_nothing_and_keeps_what_was_finished(scene: Scene, quiet: str) -> None:
    assert scene.run(trouble="SIGKILL").code == -9
    run = scene.run()
    assert "note: going on: 4 of 14 frames are there" in run.err
    assert digest(scene.folder / "film.mp4") == quiet


def test_the_table_is_all_there() -> None:
    assert [what for what, _, _ in ROWS] == list(FAULTS)
    assert shutil.which("mount")
