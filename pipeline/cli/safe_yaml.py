"""Settings from other people's files as plain data: bounded, without tags, aliases or references to the outside."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf._utils import get_yaml_loader
from omegaconf.errors import OmegaConfBaseException

from pipeline.config.literal import literal
from pipeline.errors import InputError, RenderError
from pipeline.runtime.files import check_regular

MAX_BYTES = 256 * 1024
MAX_VALUES = 20_000
MAX_DEPTH = 16  # lists and tables inside each other
MAX_SHOWN = 80  # characters of a foreign name in a message
TOO_DEEP = f"lists and tables may nest at most {MAX_DEPTH} deep"
_BRACKETS = {**dict.fromkeys("[{(", 1), **dict.fromkeys(")}]", -1)}
_REFERENCE = re.compile(r"\$\{[\w.\[\]]*\}")
_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)\\\$\{")


def read_text(path: Path) -> str:
    """The text of a small regular file. Raises InputError; never opens devices or pipes."""
    check_regular(path, str(path))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InputError(f"{path} is larger than {MAX_BYTES // 1024} kB; that is no file of settings")
        return content.decode("utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text") from error


def parse(text: str, name: str) -> dict[str, Any]:
    """Parse YAML ``text`` into a table; references stay as written. Raises InputError, which begins with ``name``."""
    try:
        check_brackets(text, name)  # before YAML's parser, which may have a lower limit and other words for it
        _check_events(text, name)
        tree = yaml.load(text, Loader=get_yaml_loader())  # safe, and reads numbers as OmegaConf does
        plain = OmegaConf.to_container(OmegaConf.create(literal(tree)), resolve=True)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = " ".join(str(getattr(error, "problem", None) or getattr(error, "reason", error)).split())
        line = f" in line {mark.line + 1}" if mark else ""
        raise InputError(f"{name} is not valid YAML: {problem}{line}") from error
    except ValueError as error:
        raise InputError(f"{name} is no table of settings: a number is too long, or a date is none") from error
    except (OmegaConfBaseException, OSError) as error:  # OSError: OmegaConf's, for a file of one value
        raise InputError(f"{name} is no table of settings: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(plain, dict):
        raise InputError(f"{name} is no table of settings; write key: value")
    return {str(key): value for key, value in plain.items()}


def check_brackets(text: str, name: str) -> None:
    """Raise RenderError for brackets nested so deep that a recursive parser would run out of stack."""
    depth = 0
    for index, letter in enumerate(text):
        depth = max(0, depth + _BRACKETS.get(letter, 0))
        if depth > MAX_DEPTH:
            raise RenderError(f"{name}, line {text.count(chr(10), 0, index) + 1}: {TOO_DEEP}")


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every value in tables and lists; entries of a list have the key of the list."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{prefix}.{key}".strip("."))
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, prefix)
    else:
        yield prefix, node


def keys(node: Any) -> Iterator[str]:
    """Every key of the tables in ``node``, at any depth."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if isinstance(node, dict):
            yield str(key)
        yield from keys(value)


def reaches_outside(value: object) -> bool:
    """Whether a text refers to anything but another setting: ``${oc.env:HOME}``, ``${${a}:b}``."""
    return isinstance(value, str) and "${" in _REFERENCE.sub("", _ESCAPED.sub("", value))


def shown(name: object) -> str:
    """A foreign name, short and printable, so that it cannot move the cursor."""
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(name))
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _check_events(text: str, name: str) -> None:
    """Check depth, size, tags and aliases in YAML's event stream, before anything is built."""
    depth = count = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        starts = isinstance(event, yaml.CollectionStartEvent)
        depth += starts - isinstance(event, yaml.CollectionEndEvent)
        count += starts or isinstance(event, yaml.ScalarEvent)
        problem = ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            problem = "anchors (&) and aliases (*) are not allowed; write the values out"
        elif getattr(event, "tag", None):
            problem = "tags (!) are not allowed: settings are plain data"
        elif depth > MAX_DEPTH:
            problem = TOO_DEEP
        elif count > MAX_VALUES:
            problem = f"a file of settings has at most {MAX_VALUES} values"
        if problem:
            raise InputError(f"{name}, line {event.start_mark.line + 1}: {problem}")
