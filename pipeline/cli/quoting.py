"""What people type, as Hydra reads it: plus signs and quotes where its grammar asks for them. No torch."""

import re

from pipeline.config import RenderConfig, settings

APPENDED = ("preset", "quality")  # groups outside the defaults list; a plain preset=x is understood too
FILES = ("output", "start.path", "source.path", "audio.path", "network.weights", "score.guide")
SHORT = {"preview": "preview.on"}  # what people write for a group's switch
SWEEPS = ("choice(", "range(", "interval(", "glob(", "sort(", "shuffle(")  # Hydra's own words in -m


def normalise(arguments: list[str]) -> list[str]:
    """What people write → what Hydra reads: ``preset=x`` with the plus that groups outside the defaults list need;
    keyframes, expressions and names of files in quotes, for their commas, parentheses and letters of all scripts.
    """
    plain = tuple(f"{group}=" for group in APPENDED)
    moving = tuple(f"{key}=" for key, item, _ in settings(RenderConfig()) if item.metadata["curve"])
    told, sweeps = [], {"-m", "--multirun"} & set(arguments)
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key in SHORT:
            argument = f"{SHORT[key]}={value}"
        if key.lstrip("+") in FILES:
            argument = f"{key}={_quoted(value, sweep=bool(sweeps))}"
        plain_text = re.search(r"[:(\s]", value) and not re.search(r"[\"'\[]", value)
        if argument.startswith(moving) and plain_text and not value.startswith(SWEEPS):
            argument = f'{key}="{value}"'
        if key == "shots" and not sweeps and re.fullmatch(r"[\d.,\s]+", value):
            argument = f'shots="{value}"'
        told.append(f"+{argument}" if argument.startswith(plain) else argument)
    return told


def _quoted(value: str, *, sweep: bool) -> str:
    """The name of a file as Hydra reads it back letter by letter, unless it is quoted, null or several for a sweep."""
    if value in ("", "null") or value[0] in "\"'" or "${" in value or (sweep and re.search(r"[,(]", value)):
        return value
    slashes = len(value) - len(value.rstrip("\\"))
    doubled = re.sub(r'(\\*)"', r"\1\1\"", value) + "\\" * slashes  # Hydra reads those before a quote in pairs
    return f'"{doubled}"'
