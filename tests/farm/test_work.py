"""What workers do with shots, stills of a sheet and pictures of an atlas: the same as one machine."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import pytest
from torch import Tensor

from pipeline import film
from pipeline.atlas import picture_work
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.renderer import Renderer
from pipeline.atlas.selection import PictureTarget
from pipeline.config import RenderConfig
from pipeline.farm import engines, worker
from pipeline.farm.executor import Parcel, Task
from pipeline.runtime.interrupt import Stop
from pipeline.variations import still_work
from tests.farm.films import FOUR, TINY, digest, render
from tests.test_shot import planned

SIDE = 32


def travelled(task: Task, folder: Path, **changed: object) -> list[Parcel]:
    """The results of a task whose data became text on its way."""
    parcel = task.pack()
    data = json.loads(json.dumps({**parcel.data, **changed}))
    return list(worker.run(Parcel(data, parcel.blobs), folder, Stop()))


def test_still_of_a_worker_is_that_of_one_machine(tmp_path: Path) -> None:
    words = (*TINY, "duration=1s", "score.targets=[class:owl]")
    here, away = planned(tmp_path, *words), planned(tmp_path, *words, "engine=ray")
    (expected,) = still_work.task("still 1", here, 0.5, SIDE, Stop()).here()
    task = still_work.task("still 1", away, 0.5, SIDE, Stop())
    (result,) = travelled(task, tmp_path)
    assert (still_work.picture_of(result) == still_work.picture_of(expected)).all()
    assert not task.fault(result) and task.fault(Parcel(result.data, {"picture": b"x"}))
    other = {**task.pack().data["machine"], "versions.numpy": "1.0"}
    (refused,) = travelled(task, tmp_path, machine=other)
    assert [text.split(" ")[:2] for text in refused.data["different"]] == [["versions.numpy:", "1.0"]]
    assert len(travelled(task, tmp_path, machine=other, mixed=True)) == 1


def test_pictures_of_a_worker_are_those_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, atlas = planned(tmp_path, *TINY, "engine=ray").config, AtlasConfig(size=SIDE, steps=2)
    network = picture_work.load_network(config)
    layer = next(iter(network.layers))
    targets = [PictureTarget(f"{layer}:{n}", "", ((layer, n, 1.0),)) for n in (1, 3)]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
    expected = Renderer(network, atlas, config.dream, config.seed).draw(targets)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "many"))
    renderer = Renderer(network, atlas, config.dream, config.seed)
    (task,) = picture_work.tasks(config, atlas, renderer, [targets])
    (result,) = travelled(task, tmp_path)
    pictures = picture_work.pictures_of(result, renderer)
    assert pictures is not None and [picture.target for picture in pictures] == targets
    for picture, same in zip(pictures, expected, strict=True):
        assert (picture.pixels == same.pixels).all() and (picture.traces == same.traces).all()
    assert task.fault(Parcel(result.data, {**result.blobs, "pixels-0": b"x"}))


class InThisProcess:
    """Does the tasks of engine=ray one after the other, as plain data."""

    def __init__(self, config: RenderConfig, folder: Path, threads: int, device: str, stop: Stop) -> None:
        self._stop = stop

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def map(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Parcel]]:
        for task in tasks:
            with TemporaryDirectory() as folder:
                for result in travelled(task, Path(folder)):
                    assert not task.fault(result)
                    yield task, result


@dataclass
class Follower:
    """A listener, as the live page is one."""

    frames: list[tuple[int, str]] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        assert frame.shape == (1, 3, 64, 96)
        self.frames.append((index, label))

    def segment(self, path: Path, first: int, frames: int) -> None:
        assert path.is_file()
        self.segments.append(frames)


def test_one_display_and_the_page_follow_all_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines, "RayExecutor", InThisProcess)
    plan = planned(tmp_path, *TINY, FOUR, "engine=ray", f"output={tmp_path}/film.mp4")
    follower, total = Follower(), sum(shot.frames for shot in plan.shots)
    film.render(plan, [follower])
    assert sum(follower.segments) == total
    assert all(label for _, label in follower.frames) and len(follower.frames) == len(follower.segments)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("film ")]
    assert lines[-1].startswith(f"film {total}/{total}")
    render(tmp_path / "one", FOUR)
    assert digest(tmp_path) == digest(tmp_path / "one")
