"""What the frames of a shot depend on, as plain data: two runs with the same spec render the same frames."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import OutputError
from pipeline.runtime.files import write_json

Spec = Mapping[str, Any]
"""Dotted key → number, text, list or None."""

SHOWN = 6  # differences that are told one by one


def write(path: Path, spec: Spec) -> None:
    """Write it, whole or not at all. Raises OutputError."""
    write_json(path, dict(sorted(spec.items())), indent=1)


def read(path: Path) -> dict[str, Any] | None:
    """The spec that was written there; None when there is none that makes sense."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def digest(spec: Spec) -> str:
    """SHA-256 of the whole spec, in hexadecimal."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def differences(before: Spec, now: Spec) -> list[str]:
    """``key: was → is`` for every key whose values differ, in the order of their names."""
    plain = json.loads(json.dumps(dict(now)))  # as it would be read back: tuples are lists there
    return [
        f"{key}: {_shown(before.get(key))} → {_shown(plain.get(key))}"
        for key in sorted({*before, *plain})
        if before.get(key) != plain.get(key)
    ]


def refuse(before: Spec | None, now: Spec, film: Path, folder: Path) -> None:
    """Raise OutputError, telling the differences; ``before`` is None where what was can no longer be read."""
    found = ["its spec.json is damaged"] if before is None else differences(before, now)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    raise OutputError(
        f"{folder} holds a part of {film} that was rendered differently ({'; '.join(found[:SHOWN])}{more}); "
        "give overwrite=true to render it anew, or another output="
    )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
