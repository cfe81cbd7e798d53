"""engine=ray: the bytes of one machine, whatever is killed; on the loopback alone.

Ray runs in processes of its own, never in the one of the tests: it ends its process when its cluster is gone.
"""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from pipeline.config import RenderConfig
from pipeline.errors import ConfigError, RenderError
from pipeline.farm.ray_cluster import connect, is_installed
from pipeline.farm.ray_engine import gpu_share
from pipeline.render import make
from tests.farm.films import TINY, digest, render
from tests.processes import WAIT_SECONDS, is_ray_worker, started

needs_ray = pytest.mark.skipif(not is_installed(), reason="Ray is not installed: pip install dream-zoom[farm]")
FILM = "film=[{preset: spiral, duration: 32f},{duration: 4f, transition: zoom_through},{seed: 2, duration: 32f}]"
SEGMENTS = 8 + 1 + 8
RAY = {"RAY_memory_monitor_refresh_ms": "0"}  # else Ray ends its workers where others fill the memory


def lines(folder: Path) -> list[str]:
    return [line for path in folder.glob("film.mp4.work/*/journal.jsonl") for line in path.read_text().splitlines()]


def listening() -> set[str]:
    """The addresses that processes of Ray listen on."""
    if shutil.which("ss") is None:
        return set()
    command = ["ss", "-ltnpH"]
    report = subprocess.run(command, capture_output=True, text=True, check=True, timeout=WAIT_SECONDS).stdout
    return {line.split()[3] for line in report.splitlines() if any(n in line for n in ("ray", "gcs_server"))}


@needs_ray
@pytest.mark.slow
def test_killed_and_stopped_film_has_the_bytes_of_one_machine(tmp_path: Path) -> None:
    many = tmp_path / "many"
    command = [sys.executable, "-m", "pipeline.render", *TINY, FILM, "engine=ray", "farm.cpus=1", "keep_segments=true"]
    command += [f"output={many}/film.mp4"]
    with started(command, OMP_NUM_THREADS=str(torch.get_num_threads()), **RAY) as program:
        program.until(lambda: lines(many))
        token = many / "film.mp4.work" / "ray-token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert all("127.0.0.1" in address for address in listening())
        os.kill(next(filter(is_ray_worker, program.members())), signal.SIGKILL)
        program.until(lambda: "it is tried again" in program.err)
        count = len(lines(many))
        program.until(lambda: len(lines(many)) > count)
        program.process.send_signal(signal.SIGINT)
        assert program.ended(WAIT_SECONDS) == 130
        assert "the same command resumes" in program.err
        assert program.out == ""
    assert 0 < len(lines(many)) < SEGMENTS
    render(many, FILM, "keep_segments=true")
    assert len(lines(many)) == SEGMENTS  # none twice
    render(tmp_path / "one", FILM)
    assert digest(many) == digest(tmp_path / "one")


@needs_ray
@pytest.mark.slow
def test_tasks_of_a_cluster(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (96, 64), (1, 2, 3)).save(photo)
    render(tmp_path / "film", "start=image", f"start.path={photo}", "duration=200f", "engine=script")
    task = tmp_path / "film" / "film.mp4.work" / "task-001" / "task.json"
    command = [sys.executable, "-m", "tests.farm.cluster", str(task), str(photo), str(tmp_path)]
    with started(command, OMP_NUM_THREADS="1", **RAY) as program:
        assert program.ended(2 * WAIT_SECONDS) == 0, program.err
    report = json.loads((tmp_path / "report.json").read_text())
    assert re.match(r"shot 7 failed 3 times, on .*: this version knows no task 'nonsense'", report["nonsense"]["words"])
    assert report["nonsense"]["machines"] == 2
    tries = 3  # once without the photo, once frozen
    assert report["hung"] == {"is_killed": True, "machines": 2, "tries": tries, "gpus": 0.5}
    first, second, local = report["sharing"].pop("addresses")
    assert first == second and first.startswith("127.0.0.1:") and local is None
    assert report["sharing"] == {"nodes": 1, "is_open": True, "is_closed": True}
    assert report["sheet"]


def test_tasks_share_a_gpu_by_the_memory_that_one_took() -> None:
    assert [gpu_share(fraction) for fraction in (0.04, 0.3, 0.95)] == [0.05, 0.35, 1.0]
    assert gpu_share(0.1, before=0.35) == 0.35


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:9", "no Ray cluster answers there"),
        ("ray://127.0.0.1:10001", "auto, or HOST:PORT"),
        ("localhost", "auto, or HOST:PORT"),
    ],
)
def test_address_without_a_cluster_is_named(tmp_path: Path, address: str, words: str) -> None:
    config = RenderConfig()
    config.ray.address = address
    with pytest.raises(ConfigError, match=rf"ray\.address={address}: .*{words}"):
        connect(config.ray, tmp_path)


def test_ray_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RenderError, match=r"engine=ray needs Ray: pip install 'dream-zoom\[farm\]'"):
        make(RenderConfig(engine="ray"), tmp_path, "film")
