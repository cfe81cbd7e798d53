"""Text that OmegaConf would take for a reference to a setting, as letters."""

import re
from typing import Any


def literal(node: Any) -> Any:
    """The table, list or value with every ``${`` in its texts escaped, so that OmegaConf resolves it to itself."""
    if isinstance(node, dict):
        return {key: literal(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [literal(value) for value in node]
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", node) if isinstance(node, str) else node
