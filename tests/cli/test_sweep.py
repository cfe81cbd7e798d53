"""The films of a sweep side by side, in real processes: where they run, how they end, whatever happens."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli import sweep as crew
from pipeline.cli import sweep_places
from pipeline.cli.main import _told
from pipeline.cli.sweep import Crew, Order
from pipeline.config import RenderConfig
from pipeline.errors import ConfigError, Interrupted
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.segments import request

PATIENCE = 120.0  # seconds, on a machine that has much else to do
SMALL = (
    "frame.width=96",
    "frame.height=64",
    "frame.fps=12",
    "start.steps=2",
    "dream.octaves=2",
    "score.targets=[stage2]",
)


def order(folder: Path, seed: int, **settings: object) -> Order:
    config = RenderConfig(seed=seed, **settings)  # type: ignore[arg-type]
    return Order(config, folder, f"film{seed}", ("frame.width=96", f"seed={seed}"))


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# What is done in the place of films, in processes of their own.


def tell_place(order: Order) -> int:
    """Ends once another film is on its way, too."""
    place = os.environ.get("CUDA_VISIBLE_DEVICES", "unset")
    (order.folder / f"{order.name}.place").write_text(f"{place} {os.getpid()} {'torch' in sys.modules}")
    until(lambda: len(list(order.folder.glob("*.place"))) > 1)
    logging.getLogger("pipeline").info("on its way")
    print(f"{order.name}.mp4")
    return 0


def die_as_the_second(order: Order) -> int:
    if order.config.seed == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return 1 if order.config.seed == 3 else 0


def tell_port(order: Order) -> int:
    return order.config.preview.port or 0


def frame_without_end(order: Order) -> int:
    """Is asked to stop and never comes to the end of its frame."""

    def work() -> None:
        with Stop() as stop, Progress(3, order.name) as progress:
            progress.step("class:owl")
            (order.folder / f"{order.name}.begun").touch()
            until(lambda: stop.asked)
            (order.folder / f"{order.name}.asked").touch()
            if order.config.seed > 9:
                raise Interrupted("stopped")
            until(lambda: False)

    code = _told(work)
    (order.folder / f"{order.name}.ended").write_text(str(code))
    return code


LEADER = """
import sys
from pathlib import Path
from tests import test_crew
if __name__ == "__main__":
    orders = [test_crew.order(Path.cwd(), int(seed)) for seed in sys.argv[1:]]
    sys.exit(max(test_crew.Crew(["", ""], test_crew.frame_without_end).run(orders)))
"""


def lead(folder: Path, *seeds: str) -> "subprocess.Popen[str]":
    (folder / "leader.py").write_text(LEADER)
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "leader.py", *seeds]
    environment = {**os.environ, "PYTHONPATH": root}
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("visible", "count", "names"),
    [
        (None, 0, []),
        (None, 3, ["0", "1", "2"]),
        ("2,3", 2, ["2", "3"]),
        ("1", 1, ["1"]),
        ("0, 3,-1,2", 2, ["0", "3"]),  # what stands behind a wrong number does not count, says CUDA
        ("", 0, []),
        ("GPU-3f2a,GPU-77", 2, ["GPU-3f2a", "GPU-77"]),
    ],
)
def test_gpus_are_called_as_the_user_calls_them(visible: str | None, count: int, names: list[str]) -> None:
    assert sweep_places.named_gpus(visible, count) == names


@pytest.mark.parametrize(
    ("devices", "jobs", "gpus", "expected"),
    [
        (["auto"] * 5, None, ["0", "1"], ["0", "1"]),
        (["cuda"] * 2, None, ["2", "3", "5"], ["2", "3"]),
        (["auto"] * 5, 3, ["0", "1"], ["0", "1", "0"]),
        (["auto"] * 5, 1, ["0", "1"], [""]),
        (["auto"] * 3, None, [], [""]),
        (["auto"] * 3, 2, [], ["", ""]),
        (["cuda:1"] * 3, None, ["0", "1"], [""]),
        (["cpu", "auto"], None, ["0", "1"], [""]),
        (["cpu", "auto"], 2, ["0", "1"], ["0", "1"]),
        (["auto"], 4, ["0", "1"], [""]),
        (["auto"] * 3, 64, ["7"], ["7", "7", "7"]),
    ],
)
def test_places(devices: list[str], jobs: int | None, gpus: list[str], expected: list[str]) -> None:
    configs = [RenderConfig(device=device, jobs=jobs) for device in devices]
    assert sweep_places.places(configs, lambda: gpus) == expected


def test_gpus_are_not_counted_where_it_does_not_matter() -> None:
    def torch_would_be_loaded() -> list[str]:
        raise AssertionError

    for config in (RenderConfig(jobs=1), RenderConfig(device="cpu", jobs=2), RenderConfig(device="cuda:1")):
        sweep_places.places([config, config], torch_would_be_loaded)


def test_a_sweep_has_one_number_of_jobs() -> None:
    with pytest.raises(ConfigError, match="jobs=2,null: one number holds for all films of a sweep"):
        sweep_places.places([RenderConfig(jobs=2), RenderConfig(jobs=None)], list)


def test_a_film_is_called_by_what_it_has_of_its_own() -> None:
    typed = [("seed=1", "camera=zoom", "a=b"), ("seed=1", "camera=drift", "a=b"), ("seed=2", "camera=zoom", "a=b")]
    orders = [Order(RenderConfig(), Path(), "film", words) for words in typed]
    assert crew.labels(orders) == ["seed=1 camera=zoom", "seed=1 camera=drift", "seed=2 camera=zoom"]
    assert crew.labels([orders[0]] * 2) == ["film 1", "film 2"]


def test_each_film_has_a_process_and_a_gpu_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orders = [order(tmp_path, 1), order(tmp_path, 2), order(tmp_path, 3, device="cuda:1")]
    before = os.environ.get("CUDA_VISIBLE_DEVICES", "unset")
    assert Crew(["GPU-4", "1"], tell_place).run(orders) == [0, 0, 0]
    told = [(tmp_path / f"film{seed}.place").read_text().split() for seed in (1, 2, 3)]
    assert [place for place, _, _ in told] == ["GPU-4", "1", before]
    assert len({pid for _, pid, _ in told} | {str(os.getpid())}) == 4
    assert {loaded for _, _, loaded in told} == {"False"}, "torch would not see the GPU"
    out, err = capsys.readouterr()
    assert sorted(out.splitlines()) == ["film1.mp4", "film2.mp4", "film3.mp4"]
    assert sorted(err.splitlines()) == [f"[seed={seed}] note: on its way" for seed in (1, 2, 3)]


def test_a_process_that_is_killed_is_told_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = Crew(["", ""], die_as_the_second).run([order(tmp_path, seed) for seed in (1, 2, 3, 4)])
    assert sorted(codes) == [0, 0, 1, 1]
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("[seed=2] error: its process was ended by signal 9, as a system does when memory runs out")


def test_pages_of_films_side_by_side_have_ports_of_their_own() -> None:
    config = RenderConfig()
    config.preview.port = 9000
    assert [crew._placed(Order(config, Path(), "film"), number).config.preview.port for number in (0, 1)] == [
        9000,
        9001,
    ]
    assert config.preview.port == 9000


def test_how_many_at_a_time_makes_no_difference_to_a_film() -> None:
    assert request.film_settings(RenderConfig(jobs=3)) == request.film_settings(RenderConfig())


def test_a_film_of_a_sweep_is_found_where_another_sweep_stopped(tmp_path: Path) -> None:
    stopped, new = (tmp_path / "outputs" / "sweeps" / f"2026-11-{day}_10-00-00" / "1" for day in (20, 21))
    (stopped / "film.work").mkdir(parents=True)
    request.write(stopped / "film.work", RenderConfig(seed=2))
    assert request.find_unfinished(new, "film", RenderConfig(seed=2, jobs=2)) == stopped
    assert request.find_unfinished(new, "film", RenderConfig(seed=3)) is None
    assert (
        request.find_unfinished(tmp_path / "outputs" / "2026-11-21" / "10-00-00", "film", RenderConfig(seed=2)) is None
    )
    assert request.find_unfinished(tmp_path / "sweeps" / "mine" / "1", "film", RenderConfig(seed=2)) is None


def test_the_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    with lead(tmp_path, "1", "2", "3") as process:
        for step in ("begun", "asked"):
            until(lambda step=step: len(list(tmp_path.glob(f"*.{step}"))) == 2)  # type: ignore[misc]
            process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 130, errors
    assert {path.read_text() for path in tmp_path.glob("*.ended")} == {"130"}
    assert "Traceback" not in errors and "note: not begun: 1 of 3 films" in errors
    assert errors.count("every film stops after its frame; once more stops at once") == 1


def test_films_stop_when_the_process_that_leads_them_is_killed(tmp_path: Path) -> None:
    with lead(tmp_path, "11", "12", "13") as process:
        until(lambda: len(list(tmp_path.glob("*.begun"))) == 2)
        process.kill()
        process.communicate(timeout=PATIENCE)
    until(lambda: len(list(tmp_path.glob("*.ended"))) == 2)
    until(lambda: {path.read_text() for path in tmp_path.glob("*.ended")} == {"130"})
    assert not (tmp_path / "film13.begun").exists()


def sweep(folder: Path, *more: str) -> "subprocess.Popen[str]":
    asked = ("-m", "seed=1,2,3", *SMALL, "duration=40f", "segment=4", "output=film${seed}.mp4", *more)
    command = [sys.executable, "-m", "pipeline.render", *asked]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def entries(folder: Path) -> int:
    return sum(path.read_text().count("\n") for path in folder.glob("*.work/*/journal.jsonl"))


@pytest.mark.slow
def test_films_side_by_side_are_the_same_as_one_after_the_other_whatever_happens(tmp_path: Path) -> None:
    films = []
    for name in ("apart", "together"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "film3.mp4").write_bytes(b"precious")  # the third cannot be
    alone = sweep(tmp_path / "apart")
    said = alone.communicate(timeout=PATIENCE)
    assert alone.returncode == 1, said
    together = tmp_path / "together"
    for number in (signal.SIGINT, signal.SIGTERM):
        with sweep(together, "jobs=2") as process:
            there = entries(together)
            until(lambda there=there: entries(together) > there)  # type: ignore[misc]
            # Ctrl-C reaches the whole group, SIGTERM one process.
            (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
            errors = process.communicate(timeout=PATIENCE)[1]
        assert process.returncode == 130, errors
        assert "Traceback" not in errors and "stopped at once" not in errors
        assert {path.name for path in together.glob("film*.mp4")} == {"film3.mp4"}
    with sweep(together, "jobs=2") as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, err
    assert sorted(out.split()) == sorted(said[0].split())
    assert "note: resuming: " in err
    assert "error: film3.mp4 exists already" in err
    for seed in (1, 2):
        films = [tmp_path / name / f"film{seed}.mp4" for name in ("apart", "together")]
        assert films[0].read_bytes() == films[1].read_bytes()
    assert not list(together.glob("*.work"))
    assert not [path for path in together.glob("outputs/sweeps/*/*") if path.name != "multirun.yaml"]


def test_a_value_that_cannot_be_is_said_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    asked = ["-m", "seed=1,2", "jobs=0,65", "output=film.mp4"]
    command = [sys.executable, "-m", "pipeline.render", *asked]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert run.returncode == 1
    assert run.stderr.splitlines() == ["error: jobs=0: allowed is 1 to 64", "error: jobs=65: allowed is 1 to 64"] * 2
    assert not list(tmp_path.glob("*.mp4")) and not list(tmp_path.glob("outputs/sweeps/*/*/"))
