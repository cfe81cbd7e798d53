"""The command line: real processes, networks and files, read back with a real decoder."""

import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from omegaconf import OmegaConf

from pipeline.media.decode.image_file import load_still, write_png
from pipeline.media.decode.probe import decode, read_frame
from pipeline.media.encode.mux import read_record
from tests.counted import probe_and_count
from tests.forked import Program
from tests.processes import ending

SMALL = ("frame.width=96", "frame.height=64", "frame.fps=12", "duration=6f", "start.steps=4", "dream.octaves=2")


def render(*arguments: str, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.render", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout)


def frames(path: Path) -> np.ndarray:
    return np.stack(list(decode(path)))


def test_film_from_noise_has_poster_and_record(tmp_path: Path) -> None:
    run = render(*SMALL, "output=films/zoom.mp4", "frame.fps=30000/1001", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stderr.splitlines()[0] == "note: 96x64, 29.97 fps, 6 frames, 0.2s"
    video, poster, record = (tmp_path / line for line in run.stdout.split())
    facts = probe_and_count(video)
    assert (facts.width, facts.height, facts.frames) == (96, 64, 6)
    assert facts.fps == Fraction(30000, 1001)
    assert (facts.codec, facts.pixel_format) == ("h264", "yuv420p")
    assert (facts.colour_space, facts.colour_range) == ("bt709", "tv")
    assert poster.name == "zoom.mp4.poster.png"
    load_still(poster, width=64, height=64)
    run_record = OmegaConf.load(record)
    assert run_record.network.name == "efficientnet_lite0"
    assert len(run_record.network.sha256) == 64
    assert run_record.config.frame.width == 96
    assert run_record.speed.frames == 6
    assert "output" not in run_record.config
    assert run_record.versions.ffmpeg
    whole = OmegaConf.to_container(run_record)
    assert isinstance(whole, dict)
    del whole["speed"], whole["request"]  # they are about the run, not the film
    assert OmegaConf.to_container(OmegaConf.create(read_record(video))) == whole
    assert {path.name for path in video.parent.iterdir()} == {"zoom.mp4", "zoom.mp4.poster.png", "zoom.mp4.run.yaml"}
    assert not (tmp_path / "outputs").exists()  # no empty run folder is left behind


def test_default_output_is_the_run_folder(tmp_path: Path) -> None:
    run = render(*SMALL, "+preset=spiral", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    paths = [Path(line) for line in run.stdout.split()]
    assert [path.name for path in paths] == ["spiral.mp4", "poster.png", "run.yaml"]
    assert len({path.parent for path in paths}) == 1
    assert all(path.is_file() and "outputs" in path.parts for path in paths)


def test_seed_decides_the_frames(program: Program, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        run = program.run(*SMALL, f"output={name}.mp4", f"seed={seed}", folder=tmp_path)
        assert run.code == 0, run.err
    first, again, other = (frames(tmp_path / f"{name}.mp4") for name in "abc")
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5


def test_odd_size_becomes_even_with_a_note(program: Program, tmp_path: Path) -> None:
    odd = ("frame.width=97", "frame.height=63")
    run = program.run(*SMALL[2:], *odd, "output=odd.mp4", folder=tmp_path)
    assert run.code == 0, run.err
    assert "frame.width=97 becomes 98" in run.err
    facts = probe_and_count(tmp_path / "odd.mp4")
    assert (facts.width, facts.height) == (98, 64)


def test_film_can_open_with_the_unfolding(program: Program, tmp_path: Path) -> None:
    larger = ("frame.width=192", "frame.height=128", "duration=10f", "dream.detail=1")
    run = program.run(*SMALL, *larger, "start.unfold=8f", "start.size=16", "output=o.mp4", folder=tmp_path)
    assert run.code == 0, run.err
    shown = frames(tmp_path / "o.mp4").astype(float)
    assert len(shown) == 10
    # Detail comes last: the first frame is an enlarged picture of 22 pixels.
    whole = torch.from_numpy(shown).permute(0, 3, 1, 2)
    small = F.interpolate(whole, size=(32, 48), mode="bicubic", antialias=True)
    fine = (whole - F.interpolate(small, size=(128, 192), mode="bicubic")).std(dim=(1, 2, 3)) / whole.std(dim=(1, 2, 3))
    assert float(fine[:5].min()) < 0.5 * float(fine[-1]), fine


def test_film_begins_with_the_photograph(program: Program, tmp_path: Path) -> None:
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, 48:] = (200, 150, 40)
    write_png(picture, tmp_path / "photo.png")
    run = program.run(*SMALL, "start=image", "start.path=photo.png", "camera=static", "output=p.mp4", folder=tmp_path)
    assert run.code == 0, run.err
    first = read_frame(tmp_path / "p.mp4", 0)
    assert first[:, 60:].mean() > first[:, :36].mean() + 40


def test_overwrite_replaces_a_film(program: Program, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"precious")
    run = program.run(*SMALL, "output=film.mp4", "overwrite=true", folder=tmp_path)
    assert run.code == 0, run.err
    assert probe_and_count(film).frames == 6


WITHOUT_TORCH = [
    *(["--help"], ["--cfg", "job"], ["dream.octaves=many"], ["output=film.txt"], ["camera.zoom=1+"], ["device=foo"]),
    *(["score.targets=[stage9]"], ["score.targets=[stage4:960]"], ["score.fade=9s"], ["camera.center=[a,b]"]),
]


@pytest.mark.parametrize("arguments", WITHOUT_TORCH, ids=" ".join)
def test_help_and_config_errors_load_no_torch(tmp_path: Path, arguments: list[str]) -> None:
    code = f"import sys; sys.argv = ['render', *{arguments!r}]\nfrom pipeline import render\n"
    code += "try: render.main()\nfinally: print('torch loaded:', 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "torch loaded: False" in run.stdout
    if arguments == ["--help"]:
        assert "camera.zoom=" in run.stdout and "fractal_zoom" in run.stdout


def test_same_command_resumes_an_interrupted_film(tmp_path: Path) -> None:
    arguments = [*SMALL, "network=motifnet", "duration=30f", "segment=5", "output=long.mp4"]
    command = [sys.executable, "-m", "pipeline.render", *arguments]
    with ending(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)) as process:
        journal, deadline = tmp_path / "long.mp4.work" / "shot-001" / "journal.jsonl", time.monotonic() + 120
        while not journal.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == ["long.mp4.work"]
    stopped = re.search(
        r"stopped; (\d+) of 30 frames are kept in long.mp4.work; the same command resumes there", errors
    )
    assert stopped, errors
    run = render(*arguments, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert f"resuming: {stopped[1]} of 30 frames" in run.stderr
    assert probe_and_count(tmp_path / "long.mp4").frames == 30
    assert not (tmp_path / "long.mp4.work").exists()


def test_same_command_resumes_without_output(tmp_path: Path) -> None:
    arguments = [*SMALL, "+preset=spiral", "network=motifnet", "duration=20f", "segment=5"]
    command = [sys.executable, "-m", "pipeline.render", *arguments]
    with ending(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)) as process:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("outputs/*/*/spiral.mp4.work/*/journal.jsonl")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=60)
    run = render(*arguments, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "resuming: " in run.stderr
    assert len(list((tmp_path / "outputs").glob("*/*"))) == 1
