"""Masters with opacity and in HDR, and films that play in another order, survive kills and full disks."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.runtime.files import sha256_of
from tests.counted import probe_and_count
from tests.forked import Program
from tests.media.drawing import draw
from tests.test_faults import mount_small_disk

SMALL = (
    *("frame.width=96", "frame.height=64", "frame.fps=12", "duration=10f", "start.steps=2", "dream.octaves=1"),
    *("segment=4", "encode.quality=draft", "network=motifnet"),
)
KINDS = {
    "opacity": ("film.mov", 10, ("encode=prores", "encode.alpha=mask", "dream.mask=luma")),
    "HDR": ("film.mp4", 10, ("encode=h265", "encode.color=hdr10")),
    "backwards": ("film.mp4", 10, ("film.reverse=true",)),
    "forth and back, faster": ("film.mp4", 24, ("film.pingpong=true", "film.speed=1.5", "encode.interpolate=24")),
}
"""Name, frames and settings of a film."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount_small_disk(folder)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("kind", KINDS)
def test_master_survives_kills_and_full_disks(program: Program, tmp_path: Path, disk: Path, kind: str) -> None:
    name, frames, words = KINDS[kind]
    command = (*SMALL, *words, f"output={name}")
    assert program.run(*command, folder=tmp_path).code == 0
    plays = kind not in ("opacity", "HDR")
    for event in ("SIGKILL", "full disk", *(("SIGKILL while showing", "full disk while showing") if plays else ())):
        run = program.run(*command, folder=disk, event=event)
        assert run.code == (-9 if "SIGKILL" in event else 1) and "Traceback" not in run.err, (event, run.err)
        assert "SIGKILL" in event or "No space left on device" in run.err, (event, run.err)
        assert not (disk / name).exists() and (disk / f"{name}.work").exists()
        (disk / "ballast").unlink(missing_ok=True)
    run = program.run(*command, folder=disk)
    assert run.code == 0 and "of 10 frames" in run.err, run.err
    assert sha256_of(disk / name) == sha256_of(tmp_path / name)
    assert probe_and_count(disk / name).frames == frames
    assert not (disk / f"{name}.work").exists()


def test_full_disk_costs_no_film_its_sound(program: Program, tmp_path: Path, disk: Path) -> None:
    """The decoded sound is larger than the disk, on which the film has room."""
    song = draw(tmp_path / "song.wav", "-f", "lavfi", "-i", "anoisesrc=d=20:r=48000:a=0.1", "-ac", "2")
    sound = ("audio=file", f"audio.path={song}", "frame.fps=1", "duration=20s", "output=film.mp4")
    run = program.run(*SMALL, *sound, "encode.loudness=-14", folder=disk)
    assert run.code == 1 and "No space left on device" in run.err, run.err
    assert not (disk / "film.mp4").exists() and (disk / "film.mp4.work").exists()
    assert program.run(*SMALL, *sound, folder=disk).code == 0
    assert probe_and_count(disk / "film.mp4").frames == 20
