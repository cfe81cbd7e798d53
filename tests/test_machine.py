"""What a machine lacks or limits: output streams, libraries, memory. Each run is a process of its own, in a shell."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.media import ffmpeg

ROOT = Path(__file__).resolve().parent.parent
SMALL = ("frame.width=96", "frame.height=64", "duration=4f", "start.steps=1", "dream.octaves=1", "device=cpu")
SMALL = (*SMALL, "network=motifnet", "output=film.mp4")


def shell(folder: Path, around: str, *arguments: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the program in ``folder``, where ``around`` says RENDER; ``path`` goes before its modules."""
    render = shlex.join([sys.executable, "-m", "pipeline.render", *SMALL, *arguments])
    script = "set -o pipefail\n" + around.replace("RENDER", render)
    variables = {"PYTHONPATH": f"{path}:{ROOT}", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("streams", [">/dev/full 2>&-", "2>/dev/full <&- | true", "2>&1 | true", "<&- >&- 2>&-"])
def test_lost_output_streams_cost_no_film(tmp_path: Path, streams: str) -> None:
    run = shell(tmp_path, f"RENDER {streams}")
    assert (run.returncode, "Traceback" in run.stderr) == (0, False), run.stderr
    assert sorted(path.suffix for path in tmp_path.glob("film*")) == [".mp4", ".png", ".yaml"]


def test_help_survives_a_reader_that_leaves(tmp_path: Path) -> None:
    run = shell(tmp_path, "RENDER --help all | head -1")
    assert (run.returncode, run.stderr, len(run.stdout.splitlines())) == (0, "", 1)


def test_opencv_is_needed_for_footage_alone(tmp_path: Path) -> None:
    library = tmp_path / "modules" / "cv2"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    clip = ["-f", "lavfi", "-i", "testsrc2=s=96x64:d=0.5", str(tmp_path / "clip.mp4")]
    ffmpeg.run(clip, doing="drawing")
    noise = shell(tmp_path, "RENDER", path=str(library.parent))
    assert noise.returncode == 0, noise.stderr
    footage = shell(
        tmp_path, "RENDER", "preset=footage", "source.path=clip.mp4", "output=b.mp4", path=str(library.parent)
    )
    assert footage.returncode == 1
    assert "libGL.so.1" in footage.stderr and "opencv-python-headless" in footage.stderr
    assert "Traceback" not in footage.stderr and not (tmp_path / "b.mp4").exists()


def test_a_library_that_finds_no_memory_is_one_sentence(tmp_path: Path) -> None:
    run = shell(tmp_path, "ulimit -v 1500000; RENDER")
    assert run.returncode == 1
    *notes, error = run.stderr.splitlines()
    assert all(note.startswith("note: ") for note in notes)
    assert error.startswith("error: ") and "ulimit -v" in error


def test_another_ffmpeg_between_stop_and_resume_is_named(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(
        f'#!/bin/sh\ncase "$*" in *-version*) echo "ffmpeg version 1.2.3 x";; *) exec {ffmpeg.binary()} "$@";; esac\n'
    )
    other.chmod(0o755)
    part = shell(tmp_path, "RENDER frames=0..2")
    (tmp_path / "film.mp4").unlink()
    run = shell(tmp_path, f"IMAGEIO_FFMPEG_EXE={other} RENDER")
    assert (part.returncode, run.returncode) == (0, 1)
    assert "versions.ffmpeg: " in run.stderr and "→ 1.2.3" in run.stderr and "overwrite=true" in run.stderr


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="gives up the rights of root")
def test_files_without_permission_are_named(tmp_path: Path) -> None:
    script = """
import locale, os
from pathlib import Path
from pipeline.cli import arguments
from pipeline.config.limits import LimitsConfig
from pipeline.errors import RenderError
from pipeline.plan.input_files import check_footage, check_weights
os.setgroups([]); os.setgid(54321); os.setuid(54321)
for check in (
    lambda: check_footage("file", LimitsConfig()),
    lambda: check_footage("folder", LimitsConfig()),
    lambda: check_weights(Path("file"), LimitsConfig()),
    lambda: arguments.parse(["--config-dir=folder"]),
):
    try:
        check()
    except RenderError as error:
        print(error)
"""
    tmp_path.chmod(0o755)
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        (tmp_path / name).chmod(0)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", f"import os\nos.chdir({str(tmp_path)!r})\n{script}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = run.stdout.splitlines()
    assert len(lines) == 4 and all("cannot be read: permission denied" in line for line in lines), run


def test_signals_while_python_ends_keep_the_exit_code(tmp_path: Path) -> None:
    late = "import atexit, os; atexit.register(lambda: [os.kill(os.getpid(), n) for n in (1, 2, 15)]); "
    start = "import sys; from pipeline import render; sys.argv[1:] = ['-c', 'job', 'seed=3']; render.main()"
    run = subprocess.run(
        [sys.executable, "-c", late + start], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0 and "seed: 3" in run.stdout and not run.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_folders_need_not_be_utf8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9 \xff")
    (folder / "deep").mkdir(parents=True)
    clip = ["-f", "lavfi", "-i", "testsrc2=s=96x64:d=0.2", "-f", "lavfi", "-i", "sine=d=0.2", str(folder / "clip.mp4")]
    ffmpeg.run(clip, doing="drawing")
    shutil.copy(ROOT / "pipeline" / "networks" / "motifnet.safetensors", folder / "own.safetensors")
    footage = ("preset=footage", "source.path=clip.mp4", "duration=null", "network.weights=own.safetensors")
    run = shell(folder, "RENDER", *footage, "output=deep/f.mkv")
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in (folder / "deep").iterdir()) == ["f.mkv", "f.mkv.poster.png", "f.mkv.run.yaml"]
    run = shell(folder, "RENDER", "-m", "seed=1,2", "jobs=2", "output=null", "frames=7..9")
    assert run.stderr.count("error: frames=7..9: needs FIRST..END") == 2, run.stderr
    run = shell(tmp_path, "RENDER", f"output={folder}/f.mp4")
    assert run.returncode == 1 and "this is not UTF-8 text; rename it" in run.stderr


@pytest.mark.parametrize("program", ["/bin/true", "/tmp", "/nonexistent/ffmpeg"])
def test_what_is_no_ffmpeg_is_one_sentence(tmp_path: Path, program: str) -> None:
    run = shell(tmp_path, f"IMAGEIO_FFMPEG_EXE={program} RENDER")
    assert run.returncode == 1 and run.stderr.startswith("error: ") and program in run.stderr
    assert "Traceback" not in run.stderr and not list(tmp_path.glob("film*"))
