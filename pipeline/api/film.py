"""A film as a Python object: settings that are checked at once, frames as tensors, a file on request."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from torch import Tensor

from pipeline.build import Networks, build_shot, open_footage
from pipeline.cli import compose, from_film
from pipeline.cli.arguments import command_line, in_quotes
from pipeline.errors import ConfigError
from pipeline.media.encode.lossless import read_frames
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film
from pipeline.plan.score import check_score
from pipeline.plan.shot_plan import ShotPlan
from pipeline.render import make
from pipeline.runtime.device import choose_device
from pipeline.runtime.interrupt import Stop
from pipeline.storyboard.sketch import draft, still

OnFrame = Callable[[int, Tensor, str], None]
"""(frame number, frame ``(1, 3, H, W)`` in [0, 1], names of its targets)."""


class Film:
    """A film that can be rendered.

    ``words`` are settings as one types them: ``Film("preset=spiral", "camera.zoom=1.3")``. ``settings`` are the same as
    Python values; a table holds the settings of a group: ``Film(look="fur", frame={"width": 96, "height": 64})``.
    Iterating over the film renders its frames, ``(1, 3, H, W)`` in [0, 1], sRGB, on the render's device.

    Raises RenderError, whose message is one sentence, for settings that cannot be; pipeline/errors.py has its kinds.
    """

    def __init__(self, *words: str, **settings: Any) -> None:
        self.words = (*words, *(word for key, value in settings.items() for word in _words(key, value)))
        rest, self._repeat = from_film.extract(list(self.words))
        self.config = compose.typed_config(rest, compose.REPEAT if self._repeat else "config")

    @classmethod
    def from_preset(cls, name: str, *words: str, **settings: Any) -> Self:
        """A film of a preset, such as ``fractal_zoom``; docs/gallery.md shows them all. Raises RenderError."""
        return cls(f"preset={name}", *words, **settings)

    @classmethod
    def from_file(cls, path: str | Path, *words: str, **settings: Any) -> Self:
        """A film that was rendered before, by the record inside it or by its ``run.yaml``. Raises RenderError."""
        return cls(f"from={path}", *words, **settings)

    @cached_property
    def plan(self) -> FilmPlan:
        """Shots, sizes, times and files. Raises RenderError for files and values that do not fit together."""
        plan = plan_film(self.config, Path(), "film")
        for shot in plan.shots:
            if shot.config.score.kind != "walk":  # may have to load the network first
                check_score(shot)
        return plan

    @property
    def command(self) -> str:
        """The command line that renders the same film."""
        return command_line(self.words)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of a frame in pixels."""
        return self.plan.height, self.plan.width

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        return self.plan.shown_fps

    def __len__(self) -> int:
        """The number of frames."""
        return self.plan.shown_frames

    def __iter__(self) -> Iterator[Tensor]:
        """The frames in order, as they are before they are encoded.

        A film of several shots, a loop, and one that plays otherwise than it is dreamed, are rendered to a temporary
        file first and read from there with 16 bits per colour. Raises RenderError kinds.
        """
        if len(self.plan.shots) > 1 or self.config.loop or self.plan.playback:
            return self._through_file()
        return self._frames(self.plan.shots[0])

    def render(self, path: str | Path, *, overwrite: bool = False, on_frame: OnFrame | None = None) -> Path:
        """Render the film to ``path`` and return that; a contact sheet and a record appear next to it.

        As on the command line: a film that is finished already stays, and one that was stopped resumes.
        ``encode="prores"`` and the other settings of docs/formats.md choose the format. ``on_frame`` is called with
        every frame that is rendered now. Raises RenderError kinds, and Interrupted after Ctrl-C.
        """
        config = replace(self.config, output=str(path), overwrite=overwrite or self.config.overwrite)
        listeners = [_Listener(on_frame)] if on_frame else []
        return make(config, Path(path).parent, Path(path).stem, listeners)[0]

    def still(self, seconds: float, short_side: int = 144) -> Tensor:
        """A sketch ``(1, 3, h, w)`` of the moment at ``seconds``, made in a few steps. Raises RenderError kinds.

        ``short_side`` is in pixels. The film itself has finer motion, so its frame there differs in detail.
        """
        if len(self.plan.shots) > 1:
            raise ConfigError("film", "…", "a sketched still is of a film of one shot")
        shot = draft(self.plan.shots[0], short_side)
        with Stop() as stop:
            return still(shot, self._networks().find(shot, {}), seconds, lambda: stop.requested).frame

    def __repr__(self) -> str:
        return f"Film({', '.join(map(repr, self.words))})"

    def _networks(self) -> Networks:
        config = self.config
        device = choose_device(config.device, config.deterministic)
        return Networks(device, config.precision, config.deterministic)

    def _frames(self, plan: ShotPlan) -> Iterator[Tensor]:
        with ExitStack() as stack:
            shot = build_shot(plan, self._networks().find(plan, {}))
            stack.callback(shot.dreamer.close)
            shot = open_footage(plan, shot, stack)
            canvas = shot.canvas
            for grown in shot.begin():
                canvas = grown
            for step in shot.render(canvas):
                yield step.frame

    def _through_file(self) -> Iterator[Tensor]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "film.mkv")
            encode = replace(self.config.encode, codec="ffv1", bits="16", quality="good", color="auto", also=[])
            make(replace(self.config, encode=encode, output=str(path)), path.parent, path.stem)
            yield from read_frames([path])


@dataclass(frozen=True)
class _Listener:
    """Passes frames on and takes no notice of finished segments."""

    on_frame: OnFrame

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        self.on_frame(index, frame, label)

    def segment(self, path: Path, first: int, frames: int) -> None:
        pass


def _words(key: str, value: Any) -> Iterator[str]:
    """A setting, or the settings of a group, as one types them."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _words(f"{key}.{name}", inner)
    else:
        yield f"{key}={value if isinstance(value, str) else _typed(value)}"


def _typed(value: Any) -> str:
    """A value in the grammar of the command line; texts inside lists are quoted."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return in_quotes(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{_typed(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(map(_typed, value)) + "]"
    return str(value)
