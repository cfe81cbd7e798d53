"""Names for what lies in the cache: another name wherever something else would come out."""

import ast
import hashlib
import inspect
import json
import textwrap
from typing import Any


def digest(*parts: Any) -> str:
    """Twelve characters that change with any part; parts are what JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def code(*things: Any) -> str:
    """The source of functions, classes and modules without comments, docstrings and layout: only what runs."""
    trees = (ast.parse(textwrap.dedent(inspect.getsource(thing))) for thing in things)
    return "\n".join(ast.unparse(_Silent().visit(tree)) for tree in trees)


class _Silent(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        words = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if words else node
