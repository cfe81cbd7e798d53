"""The settings that name files. What stands in them are letters: ``${`` in the name of an input refers to nothing."""

import re
from typing import Any

from pipeline.config.literal import literal
from pipeline.config.render import NAMED_FILES

FILES = (*NAMED_FILES, "dream.mask")
INPUTS = tuple(key for key in FILES if key != "output")
STEMS = "audio.stems."  # and a name
_OF_ANOTHER_NETWORK = re.compile(r"network\.others\.[^.]+\.(weights|class_names)")
TARGETS = ("score.targets", "score.keys", "network.default_targets")  # whose targets may name pictures and masks


def of_shot(key: str) -> str:
    """The key of a setting, without the list of shots in which it stands."""
    return key.removeprefix("film.").removeprefix("presets.")


def is_file(key: str) -> bool:
    """Whether the setting names a file, also one of another network."""
    return key in FILES or key.startswith(STEMS) or bool(_OF_ANOTHER_NETWORK.fullmatch(key))


def is_literal(key: str) -> bool:
    """Whether the value of the setting is letters, also in a shot."""
    own = of_shot(key)
    return own != "output" and (is_file(own) or own.startswith(TARGETS))


def literal_files(node: Any, key: str = "") -> Any:
    """A table of settings with literal names of inputs, for OmegaConf; ``key`` is that of the table."""
    if isinstance(node, dict):
        return {name: literal_files(value, f"{key}.{name}".strip(".")) for name, value in node.items()}
    if isinstance(node, list) and not is_literal(key):
        return [literal_files(value, key) for value in node]
    return literal(node) if is_literal(key) else node


def escaped_once(text: str) -> str:
    """Text of a command line as letters for OmegaConf; what is escaped there already stays."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\$\{", r"\1\\${", text)
