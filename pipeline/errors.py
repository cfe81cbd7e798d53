"""What a user reads when something is wrong.

    RenderError                 anything a user can put right; exit code 1
    ├── ConfigError             a setting has an impossible value
    ├── InputError              a file that is read is missing, unreadable or not what it should be
    ├── OutputError             a file that is written cannot be written
    ├── EncoderError            ffmpeg stopped, hung or lost frames
    └── DreamError              the dream itself cannot go on
    Interrupted                 Ctrl-C or SIGTERM; exit code 130

Every message is one clear sentence: what, which value, what is allowed, the nearest name. It is shown
as it stands, without a traceback. This module imports nothing heavy, so that errors answer at once.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class RenderError(Exception):
    """Something the user can put right. ``str(error)`` is the whole message."""


class ConfigError(RenderError):
    """A setting has an impossible value.

    ``key`` is the dotted name of the setting, ``value`` what was given, ``allowed`` what may stand there.
    """

    def __init__(self, key: str, value: object, allowed: str) -> None:
        super().__init__(f"{key}={value!s}: {allowed}")
        self.key, self.value, self.allowed = key, value, allowed


class InputError(RenderError):
    """A file that is read is missing, unreadable or not what it should be."""


class OutputError(RenderError):
    """A file that is written cannot be written."""


class EncoderError(RenderError):
    """ffmpeg stopped, hung or lost frames; the message ends with ffmpeg's own last words."""


class DreamError(RenderError):
    """The dream itself cannot go on."""


class Interrupted(Exception):
    """The user asked to stop. Deliberately no RenderError: nothing is wrong."""


def nearest(name: str, names: Iterable[str], count: int = 3, cutoff: float = 0.5) -> str:
    """`` (did you mean a, b or c?)`` for the names nearest to ``name``, or an empty string; ``cutoff`` 0 takes any."""
    known = {candidate.lower(): candidate for candidate in names}
    close = [known[match] for match in get_close_matches(name.lower(), known, n=count, cutoff=cutoff)]
    if not close:
        return ""
    listed = close[0] if len(close) == 1 else ", ".join(close[:-1]) + " or " + close[-1]
    return f" (did you mean {listed}?)"
