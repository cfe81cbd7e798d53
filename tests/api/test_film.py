"""Films from Python: checked at once, iterated as tensors, rendered to files, with target kinds of one's own."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline import Film, TargetObjective, register_target
from pipeline.dream.target_kinds import OBJECTIVES
from pipeline.errors import InputError, RenderError
from pipeline.media.encode.lossless import read_frames
from pipeline.targets.target import PREFIXES

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "python.md"
SMALL = {"network": "motifnet", "frame": {"width": 96, "height": 64, "fps": 12}, "start": {"steps": 2}}
SMALL |= {"dream": {"octaves": 2}, "score.targets": ["class:flower", "class:coral"]}


class Deviation(TargetObjective):
    """How much a layer differs from place to place."""

    separable = False
    one_measure = False

    def means(self, activation: Tensor, index: Tensor | None = None) -> Tensor:
        return torch.stack([activation.mean(), activation.square().mean()])

    def combine(self, measures: Tensor) -> Tensor:
        return (measures[1] - measures[0] ** 2).clamp(min=1e-12).sqrt()


@pytest.fixture
def deviation() -> Iterator[str]:
    register_target("deviation", Deviation)
    yield "deviation"
    del OBJECTIVES["deviation"], PREFIXES["deviation"]


def test_file_holds_the_frames_that_one_iterates_over(tmp_path: Path) -> None:
    film = Film.from_preset("fractal_zoom", seed=3, duration="4f", encode="ffv1", **SMALL)
    shown: list[Tensor] = []
    path = film.render(tmp_path / "zoom.mkv", on_frame=lambda index, frame, label: shown.append(frame))
    frames = list(film)
    assert len(frames) == len(film) == 4 and film.size == (64, 96) and film.fps == 12
    assert all(torch.equal(a, b) for a, b in zip(frames, shown, strict=True))
    assert all((a - b).abs().max() < 0.6 / 255 for a, b in zip(frames, read_frames([path]), strict=True))
    again = Film.from_file(path, seed=4)
    assert again.config.seed == 4 and again.config.score.targets == ["class:flower", "class:coral"]


def test_settings_on_the_page_make_a_film() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"Film": Film}
    exec(blocks[1], names)
    assert (len(names["film"]), names["film"].size) == (48, (180, 320))


def test_film_of_two_shots_gives_all_its_frames() -> None:
    shots = [{"duration": "2f", "score": {"targets": ["class:flower"]}}, {"duration": "3f", "transition": "cut"}]
    film = Film(film=shots, **SMALL)
    assert [tuple(frame.shape) for frame in film] == [(1, 3, 64, 96)] * 5


def test_registered_target_is_dreamed(deviation: str) -> None:
    films = [
        Film(score={"kind": "constant", "targets": targets}, duration="1f", **{**SMALL, "score.targets": targets})
        for targets in (["stage3"], ["deviation:stage3"], ["deviation:stage3:1+2{left}"])
    ]
    layer, whole, left = (next(iter(film)) for film in films)
    assert not torch.equal(layer, whole)
    assert (left - whole).abs().mean() > 0.01


@pytest.mark.parametrize("kind", ["class", "x", "Big", "two words"])
def test_kind_needs_a_name_of_its_own(kind: str) -> None:
    with pytest.raises(ValueError, match="a name of its own"):
        register_target(kind, Deviation)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"seeed": 3}, "did you mean seed"),
        ({"preset": "fractal_zom"}, "fractal_zoom"),
        ({"duration": "soon"}, "duration=soon"),
        ({"score.targets": ["deviatoin:stage3"]}, "write a target as"),
        ({"frame": {"width": -4}}, "frame.width=-4"),
    ],
)
def test_wrong_setting_is_one_sentence(settings: dict[str, object], part: str) -> None:
    with pytest.raises(RenderError, match=part):
        _ = Film(**settings).plan


def test_file_that_is_no_film_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no film")
    with pytest.raises(InputError, match=r"notes\.mp4"):
        Film.from_file(tmp_path / "notes.mp4")


def test_frames_of_an_hdr_film_that_is_shown_forth_and_back() -> None:
    words = ("network=motifnet", "start.steps=1", "dream.octaves=1", "duration=4f", "film.pingpong=true")
    frame = {"width": 96, "height": 64, "fps": 12}
    frames = list(Film(*words, frame=frame, encode={"codec": "h265", "color": "hdr10", "also": ["cover"]}))
    assert [tuple(each.shape) for each in frames] == 6 * [(1, 3, 64, 96)]
