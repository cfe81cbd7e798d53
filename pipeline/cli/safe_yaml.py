"""What others wrote, as plain data: YAML bounded before it is built, without tags, anchors, code or reach outside."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pipeline.errors import InputError, RenderError
from pipeline.runtime.files import check_regular

LARGEST = 256 * 1024  # bytes of a file of settings, and of a record
MOST = 20_000  # values in it
DEEPEST = 16  # lists and tables within each other
LONGEST = 80  # characters of a foreign name that are shown
_BRACKETS = {"[": 1, "{": 1, "(": 1, "]": -1, "}": -1, ")": -1}
_REFERENCE = re.compile(r"\$\{[\w.\[\]]*\}")
_TAGGED = "a tag (!) may not stand in it: it is read as plain data"
_ANCHORED = "anchors (&) and aliases (*) may not stand in it; write the values out"
_DEEP = f"lists and tables stand within each other at most {DEEPEST} deep"


def read_text(path: Path, largest: int = LARGEST) -> str:
    """The text of a small file. Raises InputError for anything else, devices and pipes before they are opened."""
    check_regular(path, str(path))
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
        if len(content) > largest:
            raise InputError(f"{path} is larger than {largest // 1024} kB; that is no file of settings")
        return content.decode("utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8") from error


def parse(text: str, named: str) -> dict[str, Any]:
    """The table that the YAML ``text`` holds, references in it unresolved. Raises InputError naming ``named``."""
    try:
        _scan(text, named)
        tree = OmegaConf.load(StringIO(text))
        plain = OmegaConf.to_container(tree, resolve=False)
    except yaml.YAMLError as error:
        _check_depth(text, error, named)
        raise InputError(f"{named} is no YAML that can be read: {_words(error)}") from error
    except ValueError as error:
        raise InputError(f"{named} is no table of settings: a number or a date in it is too long, or none") from error
    except (OmegaConfBaseException, OSError) as error:  # OSError: OmegaConf's word for a file that is one value
        raise InputError(f"{named} is no table of settings: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(plain, dict):
        raise InputError(f"{named} is no table of settings; write key: value")
    return {str(key): value for key, value in plain.items()}


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) for every value in tables and lists; entries of a list have the key of the list."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{prefix}.{key}".strip("."))
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, prefix)
    else:
        yield prefix, node


def keys(node: Any) -> Iterator[str]:
    """Every key in tables, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys(value)


def reaches_outside(value: object) -> bool:
    """Whether a text asks OmegaConf for more than another setting: ``${oc.env:HOME}``, ``${${a}:b}``."""
    return isinstance(value, str) and "${" in _REFERENCE.sub("", value)


def check_nesting(text: str, named: str) -> None:
    """Raise RenderError for brackets so deep that readers of them would run out of stack."""
    if _too_deep(text) is not None:
        raise RenderError(f"{named}: brackets stand within each other at most {DEEPEST} deep")


def shown(name: object) -> str:
    """A foreign name on one line: nothing in it can move the cursor, and it has an end."""
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(name))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _scan(text: str, named: str) -> None:
    """Walk over the YAML without building it."""
    depth = count = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        where = f"line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(f"{named}, {where}: {_ANCHORED}")
        if getattr(event, "tag", None):
            raise InputError(f"{named}, {where}: {_TAGGED}")
        starts = isinstance(event, yaml.CollectionStartEvent)
        depth += starts - isinstance(event, yaml.CollectionEndEvent)
        count += starts or isinstance(event, yaml.ScalarEvent)
        if depth > DEEPEST:
            raise InputError(f"{named}, {where}: {_DEEP}")
        if count > MOST:
            raise InputError(f"{named} holds more than {MOST} values; that is no file of settings")


def _check_depth(text: str, error: yaml.YAMLError, named: str) -> None:
    """Raise InputError where YAML's reader gave up at brackets too deep: it looks ahead, and may have its own limit."""
    mark = getattr(error, "problem_mark", None)
    place = _too_deep(text[: mark.index] if mark else text)
    if place is not None:
        line = text.count("\n", 0, place) + 1
        raise InputError(f"{named}, line {line}: {_DEEP}") from error


def _too_deep(text: str) -> int | None:
    """Where more brackets stand within each other than may."""
    depth = 0
    for place, letter in enumerate(text):
        depth += _BRACKETS.get(letter, 0)
        if depth > DEEPEST:
            return place
    return None


def _words(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    words = " ".join(str(problem or getattr(error, "reason", None) or "it is malformed").split())
    return f"{words} in line {mark.line + 1}" if mark else words
