"""engine=ray: the bytes of one machine, whatever is killed; on the loopback alone."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from pipeline.config import RenderConfig
from pipeline.errors import ConfigError, DreamError, RenderError
from pipeline.farm.executor import Parcel, Task
from pipeline.farm.ray_cluster import is_installed
from pipeline.farm.ray_engine import RayExecutor
from pipeline.render import make
from pipeline.runtime.files import sha256_of
from pipeline.runtime.interrupt import Stop
from tests.farm.films import TINY, digest, render

needs_ray = pytest.mark.skipif(not is_installed(), reason="Ray is not installed: pip install dream-zoom[farm]")
FILM = "film=[{preset: spiral, duration: 12f},{duration: 4f, transition: zoom_through},{seed: 2, duration: 4f}]"
TIMEOUT = 240.0  # seconds, on a busy machine


def run_program(folder: Path, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "pipeline.render", *TINY, FILM, "engine=ray", "farm.cpus=1"]
    command += [f"output={folder}/film.mp4", *words]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
    )


def workers(program: "subprocess.Popen[str]") -> list[int]:
    """The processes that do tasks of this program's Ray."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            is_worker = b"ray::perform" in (path / "cmdline").read_bytes()
            environment = (path / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if is_worker and f"FARM_TEST={program.args[-1]}".encode() in environment:  # type: ignore[index]
            found.append(int(path.name))
    return found


def lines(folder: Path) -> list[str]:
    return [line for path in folder.glob("film.mp4.work/*/journal.jsonl") for line in path.read_text().splitlines()]


def until_segments(folder: Path, count: int, program: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + TIMEOUT
    while len(lines(folder)) < count:
        assert program.poll() is None, program.stderr and program.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def listening() -> set[str]:
    """The addresses that processes of Ray listen on."""
    if shutil.which("ss") is None:
        return set()
    report = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    return {line.split()[3] for line in report.splitlines() if any(n in line for n in ("ray", "gcs_server"))}


@needs_ray
@pytest.mark.slow
def test_stopped_and_killed_film_has_the_bytes_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many, last = tmp_path / "many", "keep_segments=true"
    monkeypatch.setenv("FARM_TEST", last)
    with run_program(many, last) as program:
        until_segments(many, 1, program)
        token = many / "film.mp4.work" / "ray-token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert all("127.0.0.1" in address for address in listening())
        program.send_signal(signal.SIGINT)
        _, words = program.communicate(timeout=TIMEOUT)
    assert program.returncode == 130 and "the same command resumes" in words
    before = len(lines(many))
    with run_program(many, last) as program:
        until_segments(many, before + 1, program)
        for number in workers(program)[:1]:
            os.kill(number, signal.SIGKILL)
        paths, words = program.communicate(timeout=TIMEOUT)
    assert program.returncode == 0, words
    assert [Path(line).suffix for line in paths.splitlines()] == [".mp4", ".png", ".yaml"]
    assert len(lines(many)) == 3 + 1 + 1  # no segment twice
    render(tmp_path / "one", FILM)
    assert digest(many) == digest(tmp_path / "one")


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayExecutor]:
    config = RenderConfig()
    config.farm.cpus = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with RayExecutor(config, tmp_path_factory.mktemp("token"), 1, "cpu", Stop()) as running:
            yield running


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_task_that_fails_three_times_has_its_own_sentence(executor: RayExecutor) -> None:
    task = Task("shot 7", lambda: iter(()), lambda: Parcel({"work": "nonsense"}))
    with pytest.raises(DreamError, match=r"shot 7 failed 3 times, on .*: this version knows no task 'nonsense'"):
        list(executor.map([task]))


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_inputs_travel_to_a_machine_that_lacks_them(
    executor: RayExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (96, 64), tuple(os.urandom(3))).save(photo)  # in no cache
    render(tmp_path, "start=image", f"start.path={photo}", "duration=4f", "engine=script")
    text = (tmp_path / "film.mp4.work" / "task-001" / "task.json").read_text()
    elsewhere = str(tmp_path / "elsewhere" / "photo.png")
    data = json.loads(text.replace(str(photo), elsewhere))
    results = [
        result
        for _, result in executor.map(
            [Task("shot 1", lambda: iter(()), lambda: Parcel(data), {photo: sha256_of(photo)})]
        )
    ]
    assert [result.data["segment"] for result in results if "segment" in result.data] == [0]


@needs_ray
def test_address_without_a_cluster_is_named(tmp_path: Path) -> None:
    config = RenderConfig()
    config.ray.address = "127.0.0.1:9"
    with pytest.raises(ConfigError, match=r"ray\.address=127\.0\.0\.1:9: no Ray cluster answers there"):
        RayExecutor(config, tmp_path, 1, "cpu", Stop()).__enter__()


def test_ray_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RenderError, match=r"engine=ray needs Ray: pip install 'dream-zoom\[farm\]'"):
        make(RenderConfig(engine="ray"), tmp_path, "film")
