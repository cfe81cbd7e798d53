"""Settings with several values, ``seed=1..8`` or ``score.targets=[block10]|[block12]`` → a sweep in Hydra's grammar."""

import re
from collections.abc import Iterator, Sequence
from math import prod

from pipeline.cli.arguments import APPENDED, FOLDERS, normalise
from pipeline.config import RenderConfig, settings
from pipeline.errors import ConfigError, RenderError

MAX_STILLS = 64
SINGLE = ("output", "overwrite")  # settings of the sheet
_RANGE = re.compile(r"([+-]?\d{1,9})\.\.([+-]?\d{1,9})")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}


def sweep_arguments(arguments: Sequence[str]) -> list[str]:
    """The command line of ``-m`` for all combinations of the values. Raises RenderError for too many."""
    counts, result = [], []
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if argument.startswith("-") or not equals:
            result.append(argument)
            continue
        if key in FOLDERS:
            raise ConfigError(key, text, "output= names the sheet, and no film has a folder")
        values = [text] if key in SINGLE else list(_values(key, text))
        counts.append(len(values))
        # Each value gets its quotes before a comma can separate it from the next one.
        words = [normalise(f"{key}={value}") for value in values]
        result.append(",".join([words[0], *(word.partition("=")[2] for word in words[1:])]))
    check_count(prod(counts))
    has_mode = any(word.startswith("-") and not word.startswith(("--config", "-cd", "-cn")) for word in result)
    return result if has_mode else [*result, "-m"]


def check_count(stills: int) -> None:
    """Raise RenderError for more stills than a sheet has."""
    if stills > MAX_STILLS:
        raise RenderError(f"these settings make {stills} stills; a sheet has at most {MAX_STILLS}")


def alternatives(argument: str) -> list[str]:
    """``seed=1..8`` → ``seed=1`` and ``seed=8``: a setting with each of its values, of a range the first and the last.

    Raises RenderError.
    """
    key, equals, text = argument.partition("=")
    values = [text] if argument.startswith("-") or not equals else list(_values(key, text))
    if len(values) > 2 and len(split(text)) == 1:
        values = [values[0], values[-1]]
    return [f"{key}{equals}{value}" for value in values]


def command_words(arguments: Sequence[str]) -> tuple[str, ...]:
    """The arguments that render one of the films: without those of the sheet, and groups as people type them."""
    words = [word.removeprefix("+") if word[1:].startswith(APPENDED) else word for word in arguments]
    words = [word if re.search(r"[\"'{]", word) else word.replace("\\:", ":") for word in words]
    return tuple(word for word in words if word.partition("=")[0] not in SINGLE)


def split(text: str) -> list[str]:
    """The alternatives of ``text``, at each ``|`` outside brackets and quotes."""
    pieces, open_brackets, quote = [""], list[str](), ""
    for letter in text:
        if letter == "|" and not open_brackets and not quote:
            pieces.append("")
            continue
        pieces[-1] += letter
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in _BRACKETS:
            open_brackets.append(_BRACKETS[letter])
        elif open_brackets and letter == open_brackets[-1]:
            open_brackets.pop()
    return [piece.strip() for piece in pieces]


def _values(key: str, text: str) -> Iterator[str]:
    pieces = split(text)
    if len(pieces) > 1 and "" in pieces:
        raise ConfigError(key, text, "an alternative is empty; write them as in seed=1|2|5")
    for piece in pieces:
        match = _RANGE.fullmatch(piece) if key.lstrip("+") in _numbers() else None
        yield from _numbers_between(key, int(match[1]), int(match[2])) if match else [piece]


def _numbers_between(key: str, first: int, last: int) -> Iterator[str]:
    if first > last:
        raise ConfigError(key, f"{first}..{last}", "a range goes up, as in 1..8")
    check_count(last - first + 1)
    return map(str, range(first, last + 1))


def _numbers() -> set[str]:
    """The settings whose values are numbers."""
    is_number = {
        key: item.metadata["low"] is not None or item.metadata["curve"] for key, item, _ in settings(RenderConfig())
    }
    return {key for key, number in is_number.items() if number}
