"""Targets with texts on a command line: ``[text:"a lion, asleep"{left}, block10]`` as Hydra's grammar can read it."""

import re

from pipeline.targets.target import TEXT


def quote_texts(value: str) -> str:
    """A list whose entries with texts in quotes are in quotes as a whole; entries that already are stay as they are."""
    if not value.startswith("[") or not TEXT.search(value):
        return value
    result, entry, quote, depth = "", "", "", 0
    for letter in re.findall(r"\\.|.", value, re.DOTALL):
        if quote or letter in ('"', "'"):
            quote = letter if not quote else "" if letter == quote else quote
        elif letter in "{(" or (letter == "[" and entry.strip()):  # a region or octaves
            depth += 1
        elif depth and letter in "})]":
            depth -= 1
        elif letter in "[]," and not depth:
            result, entry = result + _quote(entry) + letter, ""
            continue
        entry += letter
    return result + _quote(entry)


def in_quotes(value: str) -> str:
    """The text in quotes, as Hydra's grammar reads it back letter by letter."""
    slashes = len(value) - len(value.rstrip("\\"))
    doubled = re.sub(r'(\\*)"', r"\1\1\"", value) + "\\" * slashes  # Hydra reads those before a quote in pairs
    return f'"{doubled}"'


def _quote(entry: str) -> str:
    bare = entry.strip()
    return in_quotes(bare) if TEXT.search(bare) and bare[0] not in "\"'{" else entry
