"""Target kinds from outside: registered, they are written, mixed and tiled like the built-in ones."""

import re

from pipeline.dream.target_kinds import OBJECTIVES
from pipeline.dream.target_objective import TargetObjective
from pipeline.targets.target import PREFIXES, Prefix, Target

__all__ = ["Prefix", "TargetObjective", "register_target"]

_KIND = re.compile(r"[a-z]{2,}")  # a single letter would be a Windows drive
_LAYER = re.compile(r"(?P<layer>[A-Za-z_][\w./-]*)(?::(?P<channels>\d{1,7}(?:\+\d{1,7})*))?")


def register_target(kind: str, objective: type[TargetObjective], prefix: Prefix | None = None) -> None:
    """Make ``kind:…`` a target of this Python process.

    ``objective`` is a subclass of TargetObjective with ``means`` (what to average over the activation map) and, if the
    measures are not the scalar itself, ``combine``; ``separable = False`` where the gradient of ``combine`` depends on
    the measures. ``prefix`` reads and writes what follows the colon; without it that is ``kind:LAYER``, or
    ``kind:LAYER:3+17`` with ``channels``. A kind may be registered again, which replaces it in films built later.

    Raises ValueError for a name that is not two or more small letters, or that the program has already.
    """
    is_built_in = kind in OBJECTIVES and kind not in _REGISTERED
    if not _KIND.fullmatch(kind) or is_built_in:
        raise ValueError(f"{kind!r}: a new kind of target has a name of its own, of two or more small letters")
    _REGISTERED.add(kind)
    form = f"{kind}:LAYER, or {kind}:LAYER:3+17 for some of its channels"
    PREFIXES[kind] = prefix or Prefix(_read, _write, form)
    OBJECTIVES[kind] = objective


_REGISTERED: set[str] = set()


def _read(text: str) -> dict[str, object] | None:
    match = _LAYER.fullmatch(text)
    if match is None:
        return None
    channels = tuple(int(number) for number in (match["channels"] or "").split("+") if number)
    return {"layer": match["layer"], "channels": channels}


def _write(target: Target) -> str:
    channels = "+".join(map(str, target.channels))
    return f"{target.layer}:{channels}" if channels else target.layer
