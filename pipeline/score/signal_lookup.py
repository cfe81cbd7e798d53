"""The signals that an expression names: found before it runs, so that running it only looks numbers up."""

import ast

from pipeline.errors import ConfigError
from pipeline.timing.signals import NAMES, SMOOTH, Signal, Signals

LONGEST = 60.0  # seconds of attack or release


def hear(tree: ast.expr, signals: Signals, text: str, key: str) -> tuple[ast.expr, dict[str, Signal]]:
    """The checked ``tree`` with plain names where it named or called signals, and what these names stand for.

    Raises ConfigError naming ``key``.
    """
    listener = _Listener(signals, text, key)
    heard = listener.visit(tree)
    assert isinstance(heard, ast.expr)
    return heard, listener.found


class _Listener(ast.NodeTransformer):
    def __init__(self, signals: Signals, text: str, key: str) -> None:
        self._signals, self._text, self._key = signals, text, key
        self.found: dict[str, Signal] = {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in NAMES:
            self.found[node.id] = self._signals.find(node.id)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        if node.func.id not in SMOOTH:
            node.args = [self.visit(argument) for argument in node.args]
            return node
        constants = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        times = [value for value in constants if isinstance(value, float)]
        if len(times) < len(node.args) or not 1 <= len(times) <= 2 or not all(0 <= t <= LONGEST for t in times):
            allowed = f"{node.func.id}(attack, release) takes one or two plain numbers of seconds from 0 to {LONGEST:g}"
            raise ConfigError(self._key, self._text, allowed)
        name = f"{node.func.id}({', '.join(f'{time:g}' for time in times)})"  # no name that could be written
        self.found[name] = self._signals.find(node.func.id, *times)
        return ast.Name(name, ast.Load())
