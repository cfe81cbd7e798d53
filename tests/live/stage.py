"""Live sessions for tests: in this process with gestures at given frames, or as a program."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from pipeline.cli.compose import make_config
from pipeline.live import session_setup
from pipeline.live.config import LiveConfig
from pipeline.live.viewers import Viewers
from tests.processes import Started, started

TINY = ("network=motifnet", "frame.width=96", "frame.height=64", "dream.octaves=2", "start.steps=4")


class Script(Viewers):
    """Viewers that make gestures before given frames, and keep every frame."""

    def __init__(self, gestures: Mapping[int, Sequence[dict[str, Any]]]) -> None:
        super().__init__()
        self.gestures, self.frames, self.states = dict(gestures), list[Tensor](), list[dict[str, Any]]()
        self.output: list[str] = []

    def show(self, frame: Tensor) -> None:
        self.frames.append(frame)

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.states.append(dict(state))

    def note(self, text: str) -> None:
        self.output.append(text)

    def commands(self) -> list[dict[str, Any]]:
        shown = sum(state["label"] != "growing" for state in self.states)
        return list(self.gestures.pop(shown, ()))


def play(folder: Path, gestures: Mapping[int, Sequence[dict[str, Any]]], *overrides: str, **live: Any) -> Script:
    """Play a session into ``folder``/session.yaml; ``gestures`` by the number of frames shown before them."""
    script = Script(gestures)
    config = make_config([*TINY, *overrides, f"output={folder / 'session.yaml'}"])
    settings = LiveConfig(**{"page": False, "size": "96x64", "fps": 4.0, **live})
    session_setup.play(config, settings, folder, "live", script)
    return script


@dataclass
class Program:
    """A running ``python -m pipeline.live`` in ``folder``: its page's address and OSC port."""

    started: Started
    folder: Path
    address: str = ""
    osc: int = 0


@contextmanager
def program(folder: Path, *arguments: str) -> Iterator[Program]:
    """The program, serving its page; it is killed at the end."""
    command = [sys.executable, "-m", "pipeline.live", *TINY, "live.size=96x64", "live.port=0", "live.wall=0"]
    with started([*command, *arguments], folder) as running:
        address, port = running.line(r"page is at (http://\S+)"), 0
        if any(word.startswith("live.osc") for word in arguments):
            port = int(running.line(r"OSC messages are received at [\d.]+:(\d+)"))
        yield Program(running, folder, address, port)
