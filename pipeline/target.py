"""What a user writes to say what the network is asked to see: one target.

    stage4                  everything a layer answers to
    stage4:61               one channel of it
    stage4:61@0.5x0.3       that channel at one place, x × y as fractions of the frame
    class:great white shark a class the network knows by name
    guide:photo.jpg         what the network sees in a picture
    dir:photos              the pictures of a folder
    class:owl[coarse]       …[fine], …[0.2..0.6]: only on these octaves, by scale (1 = full size)

Whether a layer, channel or class exists is the network's business, not the grammar's.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import sqrt
from typing import Literal

from pipeline.errors import ConfigError, nearest

Kind = Literal["layer", "class", "guide", "dir"]
_NAMED: dict[str, Kind] = {"class": "class", "guide": "guide", "dir": "dir"}
_FORMS = (
    "write a target as layer, layer:77, layer:77@0.5x0.3, class:NAME or guide:FILE,"
    " with [coarse], [fine] or [0.2..0.6] after it to bind it to octaves"
)
_DECIMAL = r"(?:\d+(?:\.\d*)?|\.\d+)"
_LAYER = re.compile(
    rf"(?P<layer>[A-Za-z_][\w./-]*)(?::(?P<channel>\d{{1,7}})(?:@(?P<x>{_DECIMAL})x(?P<y>{_DECIMAL}))?)?"
)
_SUFFIX = re.compile(r"(?P<rest>.*)\[(?P<inside>[^\[\]]*)\]", re.DOTALL)
_RANGE = re.compile(rf"({_DECIMAL})\s*\.\.\s*({_DECIMAL})")
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Binding:
    """The octaves that a target is seen on: ``coarse``, ``fine`` or a closed range of scales."""

    word: str = ""
    low: float = 0.0
    high: float = 1.0

    def covers(self, scale: float, coarsest: float = 0.0) -> bool:
        """Whether the octave of ``scale`` (1 = full size) is meant.

        ``coarse`` and ``fine`` divide at the geometric middle between ``coarsest`` and 1; an octave
        just there belongs to both, so that with a single octave nothing is lost.
        """
        middle = sqrt(max(coarsest, 0.0))
        if coarsest >= 1.0 and self.word:
            return True
        if self.word == "coarse":
            return scale <= middle + _TOLERANCE
        if self.word == "fine":
            return scale >= middle - _TOLERANCE
        return self.low - _TOLERANCE <= scale <= self.high + _TOLERANCE

    def __str__(self) -> str:
        return f"[{self.word or f'{_decimal(self.low)}..{_decimal(self.high)}'}]"


@dataclass(frozen=True)
class Target:
    """One target. Kind ``layer`` has ``layer``, ``channel`` and ``place``, the others a ``name``.

    ``place`` is (x, y) in fractions of the frame, from the left and the top. ``str(target)`` is the
    canonical way to write it.
    """

    kind: Kind
    layer: str = ""
    channel: int | None = None
    place: tuple[float, float] | None = None
    name: str = ""
    octaves: Binding | None = None

    def unbound(self) -> str:
        """The canonical text without the octave binding: what the network has to find."""
        if self.kind != "layer":
            return f"{self.kind}:{self.name}"
        channel = "" if self.channel is None else f":{self.channel}"
        place = "" if self.place is None else "@" + "x".join(map(_decimal, self.place))
        return f"{self.layer}{channel}{place}"

    def __str__(self) -> str:
        return self.unbound() + ("" if self.octaves is None else str(self.octaves))


@lru_cache(maxsize=4096)
def parse_target(text: str, key: str) -> Target:
    """The target that ``text`` names. Raises ConfigError naming ``key``."""
    written = text.strip()
    if not written or len(written) > 1000:
        raise ConfigError(key, repr(written[:40]), _FORMS)
    prefix, colon, name = written.partition(":")
    kind = _NAMED.get(prefix) if colon else None
    if kind is None:
        return _parse_layer(written, key)
    rest, octaves = _split_binding(name.strip(), written, key, strict=kind == "class")
    if not rest:
        raise ConfigError(key, written, f"a name has to follow {prefix}:, for example class:lion")
    return Target(kind, name=rest, octaves=octaves)


def _parse_layer(written: str, key: str) -> Target:
    rest, octaves = _split_binding(written, written, key, strict=True)
    match = _LAYER.fullmatch(rest)
    if match is None:
        prefix = rest.partition(":")[0]
        hint = nearest(prefix, [f"{name}:" for name in _NAMED]) if ":" in rest else ""
        raise ConfigError(key, written, _FORMS + hint)
    channel = None if match["channel"] is None else int(match["channel"])
    place = None
    if match["x"] is not None:
        place = (float(match["x"]), float(match["y"]))
        if not (place[0] <= 1 and place[1] <= 1):
            raise ConfigError(key, written, "a place is x by y in fractions of the frame, 0 to 1")
    return Target("layer", match["layer"], channel, place, octaves=octaves)


def _split_binding(text: str, written: str, key: str, *, strict: bool) -> tuple[str, Binding | None]:
    """Take ``[…]`` off the end. File names may end in brackets of their own: not ``strict``."""
    match = _SUFFIX.fullmatch(text)
    if match is None:
        return text, None
    octaves = _parse_binding(match["inside"].strip().lower(), written, key)
    if octaves is None:
        if strict:
            raise ConfigError(key, written, "octaves are [coarse], [fine] or scales such as [0.2..0.6]")
        return text, None
    if _split_binding(match["rest"].rstrip(), written, key, strict=strict)[1] is not None:
        raise ConfigError(key, written, "a target is bound to octaves once")
    return match["rest"].rstrip(), octaves


def _parse_binding(inside: str, written: str, key: str) -> Binding | None:
    if inside in ("coarse", "fine"):
        return Binding(word=inside)
    limits = _RANGE.fullmatch(inside)
    if limits is None:
        return None
    low, high = float(limits[1]), float(limits[2])
    if not low <= high <= 1:
        raise ConfigError(key, written, "octave scales run from low to high within 0..1")
    return Binding(low=low, high=high)


def _decimal(number: float) -> str:
    """``number`` in digits, without an exponent, so that parsing gives the same float."""
    digits = f"{Decimal(repr(number)):f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
