"""The films of a sweep side by side, in real processes: where they render and how they end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import pipeline
from pipeline.cli.sweep import FAILED, INTERRUPTED, Film, Sweep, labels, plan_slots, visible_gpus
from pipeline.config import RenderConfig
from pipeline.config.render import INPUT_FILES
from pipeline.errors import ConfigError
from pipeline.plan.shot_list import nested
from pipeline.segments import request
from tests.forked import Program
from tests.processes import ending

TIMEOUT = 120.0  # seconds, on a busy machine
SMALL = ("frame.width=96", "frame.height=64", "frame.fps=12", "start.steps=2", "dream.octaves=2")
FILM = (*SMALL, "network=motifnet", "duration=24f", "segment=4")


def until(happens: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("visible", "count", "names"),
    [
        (None, 0, []),
        (None, 3, ["0", "1", "2"]),
        ("2,3", 2, ["2", "3"]),
        ("0, 3,-1,2", 2, ["0", "3"]),  # CUDA ignores what follows a wrong number
        ("", 0, []),
        ("GPU-3f2a,GPU-77", 2, ["GPU-3f2a", "GPU-77"]),
    ],
)
def test_gpus_have_the_names_that_cuda_reads(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, count: int, names: list[str]
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == names


@pytest.mark.parametrize(
    ("devices", "jobs", "gpus", "slots"),
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
    ],
)
def test_one_slot_per_gpu_or_job(devices: list[str], jobs: int | None, gpus: list[str], slots: list[str]) -> None:
    assert plan_slots([RenderConfig(device=device, jobs=jobs) for device in devices], lambda: gpus) == slots


def test_gpus_are_counted_only_where_it_matters() -> None:
    def imports_torch() -> list[str]:
        raise AssertionError

    for config in (RenderConfig(jobs=1), RenderConfig(device="cpu", jobs=2), RenderConfig(device="cuda:1")):
        plan_slots([config, config], imports_torch)


def test_sweep_has_one_number_of_jobs() -> None:
    with pytest.raises(ConfigError, match="jobs=2,null"):
        plan_slots([RenderConfig(jobs=2), RenderConfig(jobs=None)], list)


def test_label_is_what_differs() -> None:
    words = [("seed=1", "camera=zoom", "a=b"), ("seed=1", "camera=drift", "a=b"), ("seed=2", "camera=zoom", "a=b")]
    films = [Film(RenderConfig(), Path(), "film", arguments) for arguments in words]
    assert labels(films) == ["seed=1 camera=zoom", "seed=1 camera=drift", "seed=2 camera=zoom"]
    assert labels([films[0]] * 2) == ["film 1", "film 2"]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose ``pipeline.render`` prints its arguments and GPU instead of rendering."""
    (tmp_path / "root" / "pipeline").mkdir(parents=True)
    (tmp_path / "root" / "pipeline" / "__init__.py").touch()
    (tmp_path / "root" / "pipeline" / "render.py").write_text(
        "import os, sys\n"
        "print('note: on', os.environ.get('CUDA_VISIBLE_DEVICES'), file=sys.stderr)\n"
        "print(*sys.argv[1:])\n"
        "os.kill(os.getpid(), 9) if 'die=1' in sys.argv else sys.exit('die=0' not in sys.argv)\n"
    )
    monkeypatch.setattr(pipeline, "__file__", str(tmp_path / "root" / "pipeline" / "__init__.py"))
    return tmp_path


def film(folder: Path, *arguments: str, **settings: object) -> Film:
    return Film(RenderConfig(**settings), folder, "film", arguments)  # type: ignore[arg-type]


def test_each_film_has_its_gpu_folder_and_label(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    films = [film(fake / f"a {n}", "die=0", f"seed={n}") for n in (1, 2)]
    films.append(film(fake / "b", "die=0", "seed=3", device="cuda:1"))
    assert Sweep(films, ["GPU-4", "GPU-4"]).run() == [0, 0, 0]
    out, err = capsys.readouterr()
    assert f'die=0 seed=1 hydra.run.dir="{os.path.relpath(fake)}/a 1"' in out.splitlines()
    own = os.environ.get("CUDA_VISIBLE_DEVICES")
    assert sorted(err.splitlines()) == [
        "[seed=1] note: on GPU-4", "[seed=2] note: on GPU-4", f"[seed=3] note: on {own}"
    ]  # fmt: skip


def test_killed_film_is_reported_and_others_go_on(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    films = [film(fake, f"die={number}") for number in (0, 1, 2)]
    assert Sweep(films, ["", ""]).run() == [0, FAILED, 1]
    assert "[die=1] error: its process was ended by signal 9" in capsys.readouterr().err


def test_films_at_a_time_have_pages_at_other_ports(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = RenderConfig()
    config.preview.port = 9000
    assert Sweep([Film(config, fake, "film", ("die=0",))] * 2, ["", ""]).run() == [0, 0]
    assert sorted(line[-4:] for line in capsys.readouterr().out.splitlines()) == ["9000", "9001"]


def test_jobs_make_no_difference_to_a_film() -> None:
    assert request.film_settings(RenderConfig(jobs=3)) == request.film_settings(RenderConfig())


def test_film_of_a_sweep_resumes_where_another_sweep_stopped(tmp_path: Path) -> None:
    stopped, new = (tmp_path / "outputs" / "sweeps" / f"2026-11-{day}_10-00-00" / "1" for day in (20, 21))
    (stopped / "film.mp4.work").mkdir(parents=True)
    request.write(stopped / "film.mp4.work", RenderConfig(seed=2))
    assert request.find_unfinished(new, "film", RenderConfig(seed=2, jobs=2)) == stopped
    assert request.find_unfinished(new, "film", RenderConfig(seed=3)) is None
    assert (
        request.find_unfinished(tmp_path / "outputs" / "2026-11-21" / "10-00-00", "film", RenderConfig(seed=2)) is None
    )
    assert request.find_unfinished(tmp_path / "sweeps" / "mine" / "1", "film", RenderConfig(seed=2)) is None


@pytest.mark.parametrize("shot", [False, True])
@pytest.mark.parametrize("key", [key for key in INPUT_FILES if key != "audio.stems"] + ["audio.stems.drums"])
def test_film_of_a_sweep_with_an_edited_file_is_another(tmp_path: Path, key: str, shot: bool) -> None:
    file, config = tmp_path / "file", RenderConfig()
    settings = nested({key: str(file)})
    if shot:
        config.film = [settings]
    else:
        ((group, values),) = settings.items()
        ((name, value),) = values.items()
        setattr(getattr(config, group), name, value)
    digests = set()
    for content in ("a", "b", "b"):
        file.write_text(content)
        digests.add(request.digest(config))
    assert len(digests) == 2


def sweep(folder: Path, *more: str) -> "subprocess.Popen[str]":
    words = ("-m", "seed=1,2,3", *FILM, "output=film${seed}.mp4", *more)
    command = [sys.executable, "-m", "pipeline.render", *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(pipeline.__file__).resolve().parents[1])}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, process_group=0)


def segments(folder: Path) -> int:
    return sum(path.read_text().count("\n") for path in folder.glob("*.work/*/journal.jsonl"))


def test_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    with ending(sweep(tmp_path, "jobs=2", "start.steps=400")) as process:
        until(lambda: len(list(tmp_path.glob("film*.work/lock"))) == 2)
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.3)
        errors = process.communicate(timeout=TIMEOUT)[1]
    assert process.returncode == INTERRUPTED, errors
    assert "Traceback" not in errors and not (tmp_path / "film3.mp4.work").exists()


@pytest.mark.slow
def test_stopped_films_side_by_side_equal_films_alone(program: Program, tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    for folder in (alone, together):
        folder.mkdir()
    for seed in (1, 2):
        assert program.run(f"seed={seed}", *FILM, f"output=film{seed}.mp4", folder=alone).code == 0
    (together / "film3.mp4").write_bytes(b"precious")  # the third is refused
    with ending(sweep(together, "jobs=2")) as process:
        until(lambda: segments(together))
        os.kill(process.pid, signal.SIGTERM)  # Ctrl-C would reach the whole group
        errors = process.communicate(timeout=TIMEOUT)[1]
    assert process.returncode == INTERRUPTED, errors
    assert "Traceback" not in errors and "stopped at once" not in errors
    assert {path.name for path in together.glob("film*.mp4")} == {"film3.mp4"}
    with ending(sweep(together, "jobs=2")) as process:
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == FAILED, err
    assert sorted(out.split()) == sorted(path.name for path in alone.iterdir())
    assert "error: film3.mp4 exists already" in err
    for seed in (1, 2):
        films = [folder / f"film{seed}.mp4" for folder in (alone, together)]
        assert films[0].read_bytes() == films[1].read_bytes()
    assert not list(together.glob("*.work"))
    assert not [path for path in together.glob("outputs/sweeps/*/*") if path.name != "multirun.yaml"]


@pytest.mark.parametrize(
    ("swept", "advice"), [("seed=1,2", "write 'output=x-${seed}.mp4'"), ("camera=zoom,drift,spiral", "leave it out")]
)
def test_films_of_one_name_are_refused_first(program: Program, tmp_path: Path, swept: str, advice: str) -> None:
    run = program.run("-m", swept, *SMALL, "output=x.mp4", folder=tmp_path)
    words = f"error: output=x.mp4: {swept.count(',') + 1} films of the sweep would have this name; {advice}"
    assert (run.code, run.err.strip()) == (1, words)
    assert not list(tmp_path.rglob("x*"))


@pytest.mark.parametrize(
    ("words", "cameras"),
    [
        (["camera=zoom,static"], {"1.5-0.0", "1.0-0.0"}),
        (["camera=zoom", "move=orbit,arc"], {"1.12-18", "1.05-0.0"}),
    ],
)
def test_cameras_of_a_sweep_win_over_the_preset(
    program: Program, tmp_path: Path, words: list[str], cameras: set[str]
) -> None:
    film = (*SMALL, "network=motifnet", "preset=bestiary", "score.targets=[stage4]", "duration=2f")
    run = program.run("-m", *words, *film, "output=${camera.zoom}-${camera.rotate}.mp4", folder=tmp_path)
    assert run.code == 0, run.err
    assert {path.stem for path in tmp_path.glob("*.mp4")} == cameras


@pytest.mark.parametrize("output", [(), ("output=film-${seed}.mp4",)])
def test_finished_films_of_a_sweep_are_not_rendered_again(
    program: Program, tmp_path: Path, output: tuple[str, ...]
) -> None:
    Image.effect_noise((96, 64), 60).save(tmp_path / "my photo.png")
    words = (*SMALL, "duration=2f", "preset=portrait", "start.path=my photo.png", "network=motifnet", *output)
    first = program.run("-m", "seed=1,2", *words, folder=tmp_path)
    again = program.run("-m", "seed=2,3", *words, folder=tmp_path)
    assert (first.code, again.code) == (0, 0), first.err + again.err
    assert again.err.count("is finished already") == 1
    assert set(again.out.split()[:3]) == set(first.out.split()[3:])
    assert len(set(first.out.split()) | set(again.out.split())) == 9
    Image.effect_noise((96, 64), 60).save(tmp_path / "my photo.png")
    changed = program.run("-m", "seed=1,2", *words, folder=tmp_path)
    assert "is finished already" not in changed.err
    assert changed.code == bool(output)  # another film has the name


def test_mistakes_in_a_sweep_are_reported_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.render", "-m", "seed=1,2", "jobs=0,65", "output=film.mp4"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT)
    assert run.returncode == FAILED
    assert run.stderr.splitlines() == ["error: jobs=0: allowed is 1 to 64", "error: jobs=65: allowed is 1 to 64"] * 2
    assert not list(tmp_path.glob("*.mp4")) and not list(tmp_path.glob("outputs/sweeps/*/*/"))
