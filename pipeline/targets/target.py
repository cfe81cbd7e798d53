"""What a user writes to say what the network is asked to see: one target.

    stage4                    everything a layer answers to
    stage4:61                 one channel of it
    stage4:61@0.5x0.3         that channel at one place, x × y as fractions of the frame
    dir:stage4:12>40          from one channel of a layer to another: less of 12, more of 40 (also 12..40)
    diverse:stage4:3,17,40    several channels, each at places of its own (also 3+17+40)
    class:great white shark   a class the network knows by name
    guide:photo.jpg           what the network sees in a picture; guide:stage4:photo.jpg what one layer of it sees
    class:owl{left}           only in a part of the frame (see region.py)
    class:owl[coarse]         …[fine], …[0.2..0.6]: only on these octaves, by scale (1 = full size)

Whether a layer, channel or class exists is the network's business, not the grammar's.
"""

import re
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

from pipeline.errors import ConfigError, nearest
from pipeline.targets.region import Region, decimal, parse_region

Kind = Literal["layer", "class", "guide", "dir", "diverse"]
_NAMED: dict[str, Kind] = {"class": "class", "guide": "guide", "dir": "dir", "diverse": "diverse"}
MOST_DIVERSE = 32
_FORMS = (
    "write a target as layer, layer:77, layer:77@0.5x0.3, dir:layer:12>40, diverse:layer:3,17, class:NAME or"
    " guide:FILE, with {left} after it for a part of the frame and [coarse], [fine] or [0.2..0.6] for octaves"
)
_DECIMAL = r"(?:\d+(?:\.\d*)?|\.\d+)"
_NAME = r"[A-Za-z_][\w./-]*"
_LAYER = re.compile(rf"(?P<layer>{_NAME})(?::(?P<channel>\d{{1,7}})(?:@(?P<x>{_DECIMAL})x(?P<y>{_DECIMAL}))?)?")
_SEVERAL = {
    "dir": re.compile(rf"(?P<layer>{_NAME})\s*:\s*(?P<channels>\d{{1,7}}\s*(?:>|\.\.)\s*\d{{1,7}})"),
    "diverse": re.compile(rf"(?P<layer>{_NAME})\s*:\s*(?P<channels>\d{{1,7}}(?:\s*[,+]\s*\d{{1,7}})+)"),
}
_WANTED = {
    "dir": "write a direction as dir:LAYER:12>40, or 12..40, from one channel to another",
    "diverse": f"write 2 to {MOST_DIVERSE} different channels as diverse:LAYER:3,17,40, or 3+17+40",
}
# At least two letters and no slash: C:/photo.jpg is a file.
_GUIDE = re.compile(r"(?P<layer>[A-Za-z_][\w.-]+):(?P<file>.+)", re.DOTALL)
_OCTAVES = re.compile(r"(?P<rest>.*)\[(?P<inside>[^\[\]]*)\]", re.DOTALL)
_REGION = re.compile(r"(?P<rest>.*)\{(?P<inside>[^{}]*)\}", re.DOTALL)
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
        return f"[{self.word or f'{decimal(self.low)}..{decimal(self.high)}'}]"


@dataclass(frozen=True)
class Target:
    """One target. Kind ``layer`` has ``layer``, ``channel`` and ``place``; ``dir`` and ``diverse`` a ``layer`` and
    ``channels``; ``class`` a ``name``; ``guide`` a file's ``name`` and perhaps a ``layer``.

    ``place`` is (x, y) in fractions of the frame, from the left and the top. ``str(target)`` is the
    canonical way to write it.
    """

    kind: Kind
    layer: str = ""
    channel: int | None = None
    place: tuple[float, float] | None = None
    name: str = ""
    octaves: Binding | None = None
    channels: tuple[int, ...] = ()
    region: Region | None = None

    def bare(self) -> str:
        """The canonical text without region and octaves: what the network has to find."""
        if self.kind == "layer":
            channel = "" if self.channel is None else f":{self.channel}"
            place = "" if self.place is None else "@" + "x".join(map(decimal, self.place))
            return f"{self.layer}{channel}{place}"
        if self.kind in _SEVERAL:
            return f"{self.kind}:{self.layer}:" + (">" if self.kind == "dir" else ",").join(map(str, self.channels))
        return f"{self.kind}:{self.layer and self.layer + ':'}{self.name}"

    def on_all_octaves(self) -> "Target":
        """The same target without its octave binding."""
        return self if self.octaves is None else replace(self, octaves=None)

    def __str__(self) -> str:
        return self.bare() + "".join(str(part) for part in (self.region, self.octaves) if part is not None)


TargetWeights = dict[Target, float]
"""Target → weight. No weight is 0; without targets there is nothing to amplify."""


def parse_target(text: str, key: str) -> Target:
    """The target that ``text`` names. Raises ConfigError naming ``key``."""
    written = text.strip()
    if not written or len(written) > 1000:
        raise ConfigError(key, repr(written[:40]), _FORMS)
    prefix, colon, name = written.partition(":")
    kind = _NAMED.get(prefix) if colon else None
    # File names may end in brackets of their own.
    rest, octaves, region = _split(name.strip() if kind else written, written, key, strict=kind != "guide")
    if kind and not rest:
        raise ConfigError(key, written, f"a name has to follow {prefix}:, for example class:lion")
    target = _parse_layer(rest, written, key) if kind is None else _parse_named(kind, rest, written, key)
    return replace(target, octaves=octaves, region=region)


def _parse_named(kind: Kind, rest: str, written: str, key: str) -> Target:
    if kind == "class":
        return Target(kind, name=rest)
    if kind == "guide":
        match = _GUIDE.fullmatch(rest)
        return Target(kind, name=rest) if match is None else Target(kind, match["layer"], name=match["file"].strip())
    match = _SEVERAL[kind].fullmatch(rest)
    channels = tuple(map(int, re.findall(r"\d+", match["channels"]))) if match else ()
    if match is None or len(set(channels)) < len(channels) or len(channels) > MOST_DIVERSE:
        raise ConfigError(key, written, _WANTED[kind])
    return Target(kind, match["layer"], channels=channels)


def _parse_layer(rest: str, written: str, key: str) -> Target:
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
    return Target("layer", match["layer"], channel, place)


def _split(text: str, written: str, key: str, *, strict: bool) -> tuple[str, Binding | None, Region | None]:
    """Take ``{…}`` and ``[…]`` off the end, in either order, each once."""
    octaves: Binding | None = None
    region: Region | None = None
    while True:
        match = _REGION.fullmatch(text)
        if match is not None:
            if region is not None:
                raise ConfigError(key, written, "a target has one region")
            region = parse_region(match["inside"], written, key)
            text = match["rest"].rstrip()
            continue
        match = _OCTAVES.fullmatch(text)
        found = match and _parse_binding(match["inside"].strip().lower(), written, key)
        if match is None or (not found and not strict):
            return text, octaves, region
        if not found:
            raise ConfigError(key, written, "octaves are [coarse], [fine] or scales such as [0.2..0.6]")
        if octaves is not None:
            raise ConfigError(key, written, "a target is bound to octaves once")
        octaves, text = found, match["rest"].rstrip()


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
