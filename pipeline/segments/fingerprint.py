"""The fingerprint of a shot: everything its frames depend on, as plain data. Equal fingerprints, equal frames."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config.renamed import RENAMED
from pipeline.errors import OutputError
from pipeline.runtime.files import write_json

Spec = Mapping[str, Any]
"""Dotted key → number, text, list or None."""

MAX_LISTED_DIFFERENCES = 6


def write(path: Path, spec: Spec) -> None:
    """Write the file atomically. Raises OutputError."""
    write_json(path, dict(sorted(spec.items())), indent=1)


def read(path: Path) -> dict[str, Any] | None:
    """The spec in this file; None if it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def digest(spec: Spec) -> str:
    """SHA-256 of the whole spec, in hexadecimal."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def differences(before: Spec, now: Spec) -> list[str]:
    """``key: was → is`` for every key with different values, sorted; a key that was renamed since is the same key."""
    before = {RENAMED.get(key, key): value for key, value in before.items()}
    plain = json.loads(json.dumps(dict(now)))  # as read back from a file: tuples become lists
    return [
        f"{key}: {_format(before.get(key))} → {_format(plain.get(key))}"
        for key in sorted({*before, *plain})
        if before.get(key) != plain.get(key)
    ]


def refuse(before: Spec | None, now: Spec, film: Path, folder: Path) -> None:
    """Raise OutputError with the differences; ``before`` is None when it is unreadable."""
    listed = ["its spec.json is damaged"] if before is None else differences(before, now)
    extra = len(listed) - MAX_LISTED_DIFFERENCES
    more = f" and {extra} more" if extra > 0 else ""
    raise OutputError(
        f"{folder} holds a part of {film} that was rendered differently "
        f"({'; '.join(listed[:MAX_LISTED_DIFFERENCES])}{more}); "
        "give overwrite=true to render it again from the start, or another output="
    )


def _format(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
