"""Expressions in time, such as ``1.2 + 0.1*sin(2*pi*t/8)``, that can do nothing but compute numbers.

The text is bounded and parsed without being run; every node must be of a known kind, every name and function in our own
tables. Only then simpleeval walks the tree with our own operators. All numbers are floats, so nothing grows; powers are
bounded. Names of signals are looked up before anything runs.
"""

import ast
import operator
import warnings
from collections.abc import Callable
from fractions import Fraction
from math import isfinite, pi

from simpleeval import SimpleEval

from pipeline.errors import ConfigError, nearest
from pipeline.score import functions
from pipeline.timing.signals import Signal, Signals
from pipeline.timing.timecode import show_time

MAX_CHARACTERS, MAX_NODES, MAX_DEPTH = 500, 200, 24
MAX_BASE, MAX_EXPONENT = 1e6, 64.0
MAX_RELEASE_SECONDS = 60.0


def _power(base: float, exponent: float) -> float:
    if abs(base) > MAX_BASE or abs(exponent) > MAX_EXPONENT:
        raise ValueError(f"powers are limited to a base of {MAX_BASE:g} and an exponent of {MAX_EXPONENT:g}")
    result = base**exponent
    if isinstance(result, complex):
        raise ValueError("a negative number has no such root")
    return float(result)


_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_NODES = (
    *(*_OPERATORS, ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.BoolOp, ast.And, ast.Or),
    *(ast.Constant, ast.Name, ast.Load, ast.Call),
)


class Expression:
    """A checked expression: a pure function of seconds. ``names`` are the variables, as functions of seconds."""

    def __init__(self, text: str, tree: ast.expr, key: str, seed: int, names: dict[str, Signal]) -> None:
        self._text, self._tree, self._key, self._names = text, tree, key, names
        self._evaluator = SimpleEval(operators=_OPERATORS, functions=functions.functions(seed), names={})

    def __call__(self, t: float) -> float:
        """The value at ``t`` seconds. Raises ConfigError naming the time if it cannot be computed there."""
        self._evaluator.names = {name: value(t) for name, value in self._names.items()}
        try:
            value = float(self._evaluator.eval(self._text, previously_parsed=self._tree))
        except (ArithmeticError, ValueError) as error:
            raise ConfigError(self._key, self._text, f"cannot be computed at {show_time(t)}: {error}") from error
        if not isfinite(value):
            raise ConfigError(self._key, self._text, f"is not finite at {show_time(t)}")
        return value


def parse_expression(
    text: str,
    *,
    key: str,
    fps: Fraction,
    duration: float | None,
    seed: int = 0,
    in_frames: bool = False,
    signals: Signals | None = None,
) -> Expression:
    """A checked expression in t and duration (seconds), frame, fps, pi and the names of ``signals``.

    With ``in_frames`` t is the frame number. Raises ConfigError naming ``key``.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(key, text[:40] + "…", f"an expression is at most {MAX_CHARACTERS} characters long")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(key, text, "not an expression in t, such as 1.2 + 0.1*sin(2*pi*t/8)") from error
    names = _time_names(fps, duration, in_frames)
    smooth = signals.smooth if signals else ()
    _check(tree, text, key, (*names, *(signals.names if signals else ())), (*functions.NAMES, *smooth))
    body = tree.body
    if signals:
        lookup = _SignalLookup(signals, text, key)
        body = lookup.visit(body)
        names |= lookup.signals
        if signals.assumed and lookup.signals:
            what = f"{next(iter(lookup.signals)).partition('(')[0]} follows music, and there is none"
            raise ConfigError(key, text, f"{what}; give audio.path=song.mp3, or a tempo as audio.bpm=120")
    return Expression(text, body, key, seed, names)


def _time_names(fps: Fraction, duration: float | None, in_frames: bool) -> dict[str, Signal]:
    rate = float(fps)
    names: dict[str, Signal] = {"t": (lambda t: t * rate) if in_frames else (lambda t: t)}
    names |= {"frame": lambda t: t * rate, "fps": lambda t: rate, "pi": lambda t: pi}
    if duration is not None:
        names["duration"] = lambda t: duration
        if in_frames:
            last = float(round(duration * fps) - 1)
            names["max_f"] = lambda t: last
    return names


class _SignalLookup(ast.NodeTransformer):
    """Replaces calls of signals by plain names, and collects the signals behind these."""

    def __init__(self, signals: Signals, text: str, key: str) -> None:
        self._from, self._text, self._key = signals, text, key
        self.signals: dict[str, Signal] = {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._from.names:
            self.signals[node.id] = self._from.signal(node.id)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        if node.func.id not in self._from.smooth:
            node.args = [self.visit(argument) for argument in node.args]
            return node
        constants = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        times = [value for value in constants if isinstance(value, float) and 0 <= value <= MAX_RELEASE_SECONDS]
        if len(times) < len(node.args) or not 1 <= len(times) <= 2:
            limit = f"from 0 to {MAX_RELEASE_SECONDS:g}"
            allowed = f"{node.func.id}(attack, release) takes one or two plain numbers of seconds {limit}"
            raise ConfigError(self._key, self._text, allowed)
        name = f"{node.func.id}({', '.join(f'{time:g}' for time in times)})"  # not a name that a user could write
        self.signals[name] = self._from.signal(node.func.id, *times)
        return ast.Name(name, ast.Load())


def _check(tree: ast.Expression, text: str, key: str, names: tuple[str, ...], called: tuple[str, ...]) -> None:
    """Raise ConfigError for nodes that are not allowed, and for trees that are too large or too deep."""
    queue: list[tuple[ast.AST, int]] = [(tree, 0)]
    count = 0
    while queue:
        node, depth = queue.pop()
        count += 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise ConfigError(key, text, "the expression is too long or too deeply nested")
        _check_node(node, text, key, names, called)
        # The name of a function is checked with its call.
        children = list(node.args) if isinstance(node, ast.Call) else list(ast.iter_child_nodes(node))
        queue.extend((child, depth + 1) for child in children)


def _check_node(node: ast.AST, text: str, key: str, names: tuple[str, ...], called: tuple[str, ...]) -> None:
    if not isinstance(node, _NODES):
        raise ConfigError(key, text, f"{type(node).__name__.lower()} is not allowed in an expression")
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise ConfigError(key, text, "an expression contains only numbers")
        try:
            node.value = float(node.value)
        except OverflowError as error:
            raise ConfigError(key, text, "a number in it is too large") from error
    elif isinstance(node, ast.Name) and node.id not in names:
        allowed = f"{node.id!r} is unknown; the names are {', '.join(names)}{nearest(node.id, names)}"
        raise ConfigError(key, text, allowed)
    elif isinstance(node, ast.Call):
        _check_call(node, text, key, called)


def _check_call(node: ast.Call, text: str, key: str, names: tuple[str, ...]) -> None:
    if not isinstance(node.func, ast.Name) or node.func.id not in names:
        called = node.func.id if isinstance(node.func, ast.Name) else type(node.func).__name__.lower()
        allowed = f"{called} is not a function here; the functions are {', '.join(names)}{nearest(called, names)}"
        raise ConfigError(key, text, allowed)
    if node.keywords:
        raise ConfigError(key, text, "functions take plain numbers, without names")
    if node.func.id in functions.NAMES:
        functions.check_call(node.func.id, len(node.args), key, text)
