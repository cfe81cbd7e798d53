"""Gestures by MIDI (mido, python-rtmidi): each knob, fader or key plays what it was taught by a click on the page."""

import logging
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import mido
import yaml
from platformdirs import user_config_path

from pipeline.cli import safe_yaml
from pipeline.errors import ConfigError, InputError, OutputError, RenderError
from pipeline.live.controls import Control
from pipeline.live.viewers import Viewers
from pipeline.runtime.files import write_bytes

log = logging.getLogger(__name__)

MAX_ENTRIES = 500
MAX_CHARACTERS = 200  # of what one knob plays
GESTURES = ("control", "do", "target", "scene")
HIGH = 0.5  # a knob that passes this fraction presses a button


class MidiMap:
    """What each knob plays: ``cc 1/21`` (channel/controller), ``note 1/36`` or ``pitch 1`` → one gesture.

    It is read from the YAML file ``path`` and written whenever it changes. Any thread may use it.
    """

    def __init__(self, path: Path, controls: Mapping[str, Control]) -> None:
        self._path, self._controls, self._lock = path, controls, threading.Lock()
        self._entries = _load(path) if path.exists() else {}
        self._positions: dict[str, float] = {}
        self._learning: dict[str, str] | None = None

    def learn(self, gesture: object) -> None:
        """The next knob that moves will play this ``gesture``; None cancels. Raises ConfigError."""
        learning = None if gesture is None else _gesture(gesture)
        with self._lock:
            self._learning = learning

    def forget(self, gesture: object) -> None:
        """No knob plays this ``gesture`` any more. Raises ConfigError, OutputError."""
        unwanted = _gesture(gesture)
        with self._lock:
            self._learning = None
            self._entries = {name: each for name, each in self._entries.items() if each != unwanted}
            self._save()

    def state(self) -> dict[str, Any]:
        """What the page shows: the gesture that waits for a knob, and that of every knob."""
        with self._lock:
            return {"learning": self._learning, "map": dict(self._entries)}

    def gesture(self, message: mido.Message) -> dict[str, Any] | None:
        """What a message plays; None for nothing, and for one that is learned now. Raises OutputError."""
        name, position = _knob(message)
        if not name:
            return None
        with self._lock:
            before, self._positions[name] = self._positions.get(name, 0.0), position
            if self._learning is not None and (position or not name.startswith("note")):
                if len(self._entries) < MAX_ENTRIES or name in self._entries:
                    self._entries[name] = self._learning
                self._learning = None
                self._save()
                return None
            played = self._entries.get(name)
        if played is None:
            return None
        if "control" not in played:
            return dict(played) if before < HIGH <= position or (name.startswith("note") and position) else None
        control = self._controls.get(played["control"])
        if control is None or (name.startswith("note") and not position):  # a key that is let go
            return None
        low, high = control.usual
        return {"control": control.key, "value": low + (high - low) * position}

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(self._path, yaml.safe_dump(self._entries, sort_keys=True, allow_unicode=True).encode())


class MidiInput:
    """Passes on what the MIDI ports named by ``ports`` play while it is entered: ``auto``, a part of a port's name, or
    ``virtual`` for a port of our own, to which other programs connect. Raises ConfigError, RenderError.
    """

    def __init__(self, ports: str, known: MidiMap, viewers: Viewers) -> None:
        self._map, self._viewers, self._ports = known, viewers, ExitStack()
        try:
            if ports == "virtual":
                names = ["dream-zoom"]
                self._ports.enter_context(mido.open_input(names[0], virtual=True, callback=self._play))
            else:
                names = _choose(ports, list(dict.fromkeys(mido.get_input_names())))
                for name in names:
                    self._ports.enter_context(mido.open_input(name, callback=self._play))
        except ModuleNotFoundError as error:
            raise RenderError(f"live.midi needs the package {error.name}: scripts/setup live installs it") from error
        except (OSError, ValueError, NotImplementedError) as error:
            self._ports.close()
            raise ConfigError("live.midi", ports, f"MIDI is not available ({error})") from error
        log.info(f"MIDI is received from {', '.join(names)}")

    def __enter__(self) -> "MidiInput":
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self._ports.close()

    def _play(self, message: mido.Message) -> None:
        """Called from the port's thread."""
        try:
            gesture = self._map.gesture(message)
        except (OutputError, OSError) as error:
            self._viewers.note(f"what MIDI plays is not stored: {error}")
            return
        if gesture is not None:
            self._viewers.send(gesture)


def map_path(written: str | None) -> Path:
    """The file of ``live.midi_map``; for null one in the user's settings."""
    return Path(written) if written else user_config_path("dream-zoom", appauthor=False) / "midi.yaml"


def _choose(ports: str, names: list[str]) -> list[str]:
    chosen = names if ports == "auto" else [name for name in names if ports.lower() in name.lower()]
    if not chosen:
        there = f"there are {', '.join(names)}" if names else "no MIDI device is connected"
        raise ConfigError("live.midi", ports, there)
    return chosen


def _knob(message: mido.Message) -> tuple[str, float]:
    """(name, position from 0 to 1) of what was moved; no name for other messages."""
    if message.type == "control_change":
        return f"cc {message.channel + 1}/{message.control}", message.value / 127
    if message.type in ("note_on", "note_off"):
        velocity = message.velocity if message.type == "note_on" else 0
        return f"note {message.channel + 1}/{message.note}", velocity / 127
    if message.type == "pitchwheel":
        return f"pitch {message.channel + 1}", (message.pitch + 8192) / 16383
    return "", 0.0


def _gesture(written: object) -> dict[str, str]:
    """The gesture that a knob may play. Raises ConfigError."""
    if isinstance(written, dict) and len(written) == 1:
        ((kind, value),) = written.items()
        if kind in GESTURES and isinstance(value, str) and 0 < len(value) <= MAX_CHARACTERS:
            return {kind: value}
    raise ConfigError("learn", str(written)[:80], f"a knob plays one of {', '.join(GESTURES)}")


def _load(path: Path) -> dict[str, dict[str, str]]:
    """The map in the file. Raises InputError."""
    entries = safe_yaml.parse(safe_yaml.read_text(path), f"live.midi_map={path}")
    try:
        return {name: _gesture(entry) for name, entry in list(entries.items())[:MAX_ENTRIES]}
    except ConfigError as error:
        raise InputError(f"live.midi_map={path}: {error}") from error
