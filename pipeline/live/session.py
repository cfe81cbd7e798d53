"""``session.yaml``: the record of what is played, which ``from=session.yaml`` renders as any film.

It is a film's record whose numbers are keyframes. It is replaced as a whole, so that it is complete at any moment.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import OutputError
from pipeline.live.instrument import Instrument
from pipeline.runtime.files import write_bytes
from pipeline.timing.timecode import format_time, parse_time

log = logging.getLogger(__name__)

SAVE_SECONDS = 0.5  # between two versions of the file
MAX_CHARACTERS = 18_000  # of one number's keyframes; a config allows limits.text
MAX_TARGET_CHARACTERS = 6_000
COLUMNS = 110


def shot_settings(instrument: Instrument, seconds: float, *, is_fractal: bool) -> dict[str, Any]:
    """The settings of a shot of ``seconds`` that plays what the instrument played."""
    result: dict[str, Any] = {"duration": format_time(round(seconds, 6))}
    for key, track in instrument.numbers.items():
        text = track.text(MAX_CHARACTERS)
        section, name, *axis = key.split(".")
        if axis:
            result.setdefault(section, {}).setdefault(name, []).append(_number_or_text(text))
        else:
            result.setdefault(section, {})[name] = _number_or_text(text)
    weights = {
        str(target): _number_or_text(track.text(MAX_TARGET_CHARACTERS)) for target, track in instrument.weights.items()
    }
    kind = "fractal" if is_fractal else "constant"
    result["score"] = {"kind": kind, "targets": [weights], "random_channels": 0, "keys": []}
    return result


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


@dataclass
class Session:
    """What was played so far: ``record`` is that of the first shot, ``shots`` the settings of those that ended."""

    record: Mapping[str, Any]
    shots: list[dict[str, Any]] = field(default_factory=list)

    def as_data(self, current: dict[str, Any]) -> dict[str, Any]:
        """The record of a film of all shots, ``current`` the last of them; one without frames is left out."""
        shots = [shot for shot in (*self.shots, current) if shot["duration"] != "0s"] or [current]
        config = dict(self.record["config"])
        if len(shots) == 1:
            only = dict(shots[0])
            if "source" in only:  # after a crash its recording may end a moment earlier
                only["duration"] = None
            for name, value in only.items():
                config[name] = {**config.get(name, {}), **value} if isinstance(value, dict) else value
        else:
            whole = sum(parse_time(shot["duration"], fps=Fraction(1), key="duration") for shot in shots)
            has_song = "audio.path" in self.record["inputs"]  # a film is as long as its song, unless it says so
            config |= {"film": shots, "duration": format_time(round(whole, 6)) if has_song else None}
        return {**self.record, "config": config}


class Saver:
    """Writes the newest version of a session to ``path`` from a thread, while it is entered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._newest: dict[str, Any] | None = None
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)

    def __enter__(self) -> "Saver":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()

    def save(self, data: dict[str, Any]) -> None:
        """Write ``data`` soon; returns at once."""
        with self._changed:
            self._newest = data
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._over)
                data, self._newest = self._newest, None
            if data is None:
                return
            try:
                text = yaml.dump(data, Dumper=DUMPER, sort_keys=False, allow_unicode=True, width=COLUMNS)
                write_bytes(self.path, text.encode())
            except OutputError as error:
                log.warning(f"the session is not saved: {error}", extra={"once": True})


class _NoAliases(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes lists that occur twice out, since readers of records allow no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


DUMPER = _NoAliases
