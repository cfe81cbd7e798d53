"""Targets: what the network amplifies, as users write it.

    stage4                    a whole layer
    stage4:61                 one of its channels
    stage4:61@0.5x0.3         a neuron: that channel at one place, x × y in fractions of the frame
    dir:stage4:12>40          from one channel of a layer to another: less of 12, more of 40 (also 12..40)
    diverse:stage4:3,17,40    several channels, each in places of its own (also 3+17+40)
    class:great white shark   a class that the network knows by name
    guide:photo.jpg           the features of an image; guide:stage4:photo.jpg those of one layer
    text:"a cathedral"        what a text describes, also in single quotes or, without brackets and @ in it, in none
    class:owl{left}           only in a region of the frame, see region.py
    class:owl@motifnet        of another network than the film's; before the region and the octaves
    class:owl[coarse]         …[fine], …[0.2..0.6]: only on these octaves, by scale (1 = full size)

Whether a layer, channel or class exists is up to the network, not to this grammar.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

from pipeline.errors import ConfigError, nearest
from pipeline.targets.region import Region, decimal, parse_region

MAX_CHANNELS, MAX_CHARACTERS = 32, 1000
SCALE_TOLERANCE = 1e-6
_DECIMAL = r"(?:\d+(?:\.\d*)?|\.\d+)"
_NAME = r"[A-Za-z_][\w./-]*"
_LAYER = re.compile(rf"(?P<layer>{_NAME})(?::(?P<channel>\d{{1,7}})(?:@(?P<x>{_DECIMAL})x(?P<y>{_DECIMAL}))?)?")
_DIRECTION = re.compile(rf"(?P<layer>{_NAME})\s*:\s*(?P<channels>\d{{1,7}}\s*(?:>|\.\.)\s*\d{{1,7}})")
_SEVERAL = re.compile(rf"(?P<layer>{_NAME})\s*:\s*(?P<channels>\d{{1,7}}(?:\s*[,+]\s*\d{{1,7}})+)")
# At least two letters and no slash: C:/photo.jpg is a file.
_GUIDE = re.compile(r"(?P<layer>[A-Za-z_][\w.-]+):(?P<file>.+)", re.DOTALL)
_OCTAVES = re.compile(r"(?P<rest>.*)\[(?P<inside>[^\[\]]*)\]", re.DOTALL)
_REGION = re.compile(r"(?P<rest>.*)\{(?P<inside>[^{}]*)\}", re.DOTALL)
_NETWORK = re.compile(r"(?P<rest>.+)@(?P<network>[A-Za-z][\w./-]*)", re.DOTALL)
_FILE_WITH_AT = re.compile(r"[^.]*@.*|.*@.*\.(jpe?g|png|webp|tiff?|gif|bmp|avif)", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(r"""(["'])(?P<words>\s*(?!\s|\1)(?:(?!\1).)+)\1(?P<rest>.*)""", re.DOTALL)
TEXT = re.compile(r"""text:\s*("[^"]*"|'[^']*')""")  # a text in quotes, within other words
TEXT_NETWORK = "clip"  # of text: targets that name none
_RANGE = re.compile(rf"({_DECIMAL})\s*\.\.\s*({_DECIMAL})")


@dataclass(frozen=True)
class Binding:
    """The octaves of a target: ``coarse``, ``fine`` or a closed range of scales."""

    word: str = ""
    low: float = 0.0
    high: float = 1.0

    def covers(self, scale: float, coarsest: float = 0.0) -> bool:
        """Whether the octave of ``scale`` (1 = full size) is one of them.

        ``coarse`` and ``fine`` meet at the geometric mean of ``coarsest`` and 1; an octave just there belongs to both,
        and so does a single one.
        """
        middle = sqrt(max(coarsest, 0.0))
        if coarsest >= 1.0 and self.word:
            return True
        if self.word == "coarse":
            return scale <= middle + SCALE_TOLERANCE
        if self.word == "fine":
            return scale >= middle - SCALE_TOLERANCE
        return self.low - SCALE_TOLERANCE <= scale <= self.high + SCALE_TOLERANCE

    def __str__(self) -> str:
        return f"[{self.word or f'{decimal(self.low)}..{decimal(self.high)}'}]"


@dataclass(frozen=True)
class Target:
    """One target; ``str(target)`` is its canonical notation.

    Kind ``layer`` has ``layer``, ``channel`` and ``place``; ``dir`` and ``diverse`` a ``layer`` and ``channels``;
    ``class`` and ``text`` a ``name``; ``guide`` a file's ``name`` and perhaps a ``layer``. ``place`` is (x, y) in
    fractions of the frame from the left and the top. ``network`` is empty for the film's own.
    """

    kind: str
    layer: str = ""
    channel: int | None = None
    place: tuple[float, float] | None = None
    name: str = ""
    octaves: Binding | None = None
    channels: tuple[int, ...] = ()
    region: Region | None = None
    network: str = ""

    def bare(self) -> str:
        """The notation without region and octaves."""
        usual = PREFIXES[self.kind].network if self.kind != "layer" else ""
        network = f"@{self.network}" if self.network != usual else ""
        if self.kind == "layer":
            channel = "" if self.channel is None else f":{self.channel}"
            place = "" if self.place is None else "@" + "x".join(map(decimal, self.place))
            return f"{self.layer}{channel}{place}{network}"
        return f"{self.kind}:{PREFIXES[self.kind].write(self)}{network}"

    def on_all_octaves(self) -> "Target":
        """The same target without its octave binding."""
        return self if self.octaves is None else replace(self, octaves=None)

    def __str__(self) -> str:
        return self.bare() + "".join(str(part) for part in (self.region, self.octaves) if part is not None)


@dataclass(frozen=True)
class Prefix:
    """A kind of target written ``prefix:…``: how the text behind the colon is read and written.

    ``read`` gives the fields of the target, None where the text does not fit; ``form`` says how to write one;
    ``network`` is that of targets that name none, empty for the film's own.
    """

    read: Callable[[str], dict[str, Any] | None]
    write: Callable[[Target], str]
    form: str
    network: str = ""


def _guide(text: str) -> dict[str, Any]:
    match = _GUIDE.fullmatch(text)
    return {"name": text} if match is None else {"layer": match["layer"], "name": match["file"].strip()}


def _text(text: str) -> dict[str, Any] | None:
    words = " ".join(text.split())
    return None if ('"' in words and "'" in words) or words[0] in "\"'" else {"name": words}


def _channels(pattern: re.Pattern[str]) -> Callable[[str], dict[str, Any] | None]:
    def read(text: str) -> dict[str, Any] | None:
        match = pattern.fullmatch(text)
        channels = tuple(map(int, re.findall(r"\d+", match["channels"]))) if match else ()
        if match is None or len(set(channels)) < len(channels) or len(channels) > MAX_CHANNELS:
            return None
        return {"layer": match["layer"], "channels": channels}

    return read


PREFIXES = {
    "class": Prefix(lambda text: {"name": text}, lambda target: target.name, "class:NAME"),
    "guide": Prefix(
        _guide, lambda target: f"{target.layer and target.layer + ':'}{target.name}", "guide:FILE or guide:LAYER:FILE"
    ),
    "text": Prefix(
        _text,
        lambda target: f"'{target.name}'" if '"' in target.name else f'"{target.name}"',
        'text:"WORDS", with one kind of quotes around the words and not in them',
        TEXT_NETWORK,
    ),
    "dir": Prefix(
        _channels(_DIRECTION),
        lambda target: f"{target.layer}:" + ">".join(map(str, target.channels)),
        "a direction as dir:LAYER:12>40, or 12..40, from one channel to another",
    ),
    "diverse": Prefix(
        _channels(_SEVERAL),
        lambda target: f"{target.layer}:" + ",".join(map(str, target.channels)),
        f"2 to {MAX_CHANNELS} different channels as diverse:LAYER:3,17,40, or 3+17+40",
    ),
}
_FORMS = (
    "write a target as layer, layer:77, layer:77@0.5x0.3, dir:layer:12>40, diverse:layer:3,17, class:NAME,"
    " guide:FILE or text:WORDS, with @NETWORK after it for another network, {left} for a region of the frame and"
    " [coarse], [fine] or [0.2..0.6] for octaves"
)

TargetWeights = dict[Target, float]
"""Target → weight. No weight is 0; without targets there is nothing to amplify."""


def parse_target(text: str, key: str) -> Target:
    """The target that ``text`` names. Raises ConfigError naming ``key``."""
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS:
        raise ConfigError(key, repr(text[:40]), _FORMS)
    prefix, colon, name = text.partition(":")
    kind = prefix if colon and prefix in PREFIXES else None
    quoted = _QUOTED.fullmatch(name.strip()) if kind == "text" else None
    if quoted:  # any letters stand between the quotes
        name = f"_{quoted['rest']}"
    # File names may end in brackets of their own.
    rest, octaves, region = _split(name.strip() if kind else text, text, key, is_file=kind == "guide")
    match, network = _NETWORK.fullmatch(rest), ""
    if match and (kind != "guide" or not _FILE_WITH_AT.fullmatch(rest)):
        rest, network = match["rest"].rstrip(), match["network"]
    if kind is None:
        return replace(_parse_layer(rest, text, key), octaves=octaves, region=region, network=network)
    if not rest:
        raise ConfigError(key, text, f"a name has to follow {prefix}:, for example class:lion")
    fields = PREFIXES[kind].read(quoted["words"] if quoted else rest)
    if fields is None or (quoted and rest != "_"):
        raise ConfigError(key, text, f"write {PREFIXES[kind].form}")
    network = network or PREFIXES[kind].network
    return Target(kind, octaves=octaves, region=region, network=network, **fields)


def _parse_layer(rest: str, text: str, key: str) -> Target:
    match = _LAYER.fullmatch(rest)
    if match is None:
        prefix = rest.partition(":")[0]
        hint = nearest(prefix, [f"{name}:" for name in PREFIXES]) if ":" in rest else ""
        raise ConfigError(key, text, _FORMS + hint)
    channel = None if match["channel"] is None else int(match["channel"])
    if match["x"] is None:
        return Target("layer", match["layer"], channel)
    place = (float(match["x"]), float(match["y"]))
    if max(place) > 1:
        raise ConfigError(key, text, "a place is x by y in fractions of the frame, 0 to 1")
    return Target("layer", match["layer"], channel, place)


def _split(rest: str, text: str, key: str, *, is_file: bool) -> tuple[str, Binding | None, Region | None]:
    """Take ``{…}`` and ``[…]`` off the end of ``rest``, in either order, each at most once."""
    octaves: Binding | None = None
    region: Region | None = None
    while True:
        match = _REGION.fullmatch(rest)
        if match is not None:
            if region is not None:
                raise ConfigError(key, text, "a target has one region")
            region = parse_region(match["inside"], text, key)
            rest = match["rest"].rstrip()
            continue
        match = _OCTAVES.fullmatch(rest)
        binding = match and _parse_binding(match["inside"].strip().lower(), text, key)
        if match is None or (not binding and is_file):
            return rest, octaves, region
        if not binding:
            raise ConfigError(key, text, "octaves are [coarse], [fine] or scales such as [0.2..0.6]")
        if octaves is not None:
            raise ConfigError(key, text, "a target is bound to octaves once")
        octaves, rest = binding, match["rest"].rstrip()


def _parse_binding(inside: str, text: str, key: str) -> Binding | None:
    if inside in ("coarse", "fine"):
        return Binding(word=inside)
    limits = _RANGE.fullmatch(inside)
    if limits is None:
        return None
    low, high = float(limits[1]), float(limits[2])
    if not low <= high <= 1:
        raise ConfigError(key, text, "octave scales run from low to high within 0..1")
    return Binding(low=low, high=high)
