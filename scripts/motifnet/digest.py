"""Names for cached files, which change with everything the content depends on."""

import ast
import hashlib
import inspect
import json
import textwrap
from typing import Any


def digest(*parts: Any) -> str:
    """Twelve characters that change with any part; parts are JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def code(*things: Any) -> str:
    """The source of functions, classes and modules without comments, docstrings and layout."""
    trees = (ast.parse(textwrap.dedent(inspect.getsource(thing))) for thing in things)
    return "\n".join(ast.unparse(_WithoutDocstrings().visit(tree)) for tree in trees)


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        docstring = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if docstring else node
