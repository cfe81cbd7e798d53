"""A formula in time that a user writes. It can compute numbers and nothing else.

The text is bounded, parsed without being run, and every node of it has to be of a kind on a short
list, with names and functions out of our own tables; only then may simpleeval walk the tree, with
our own operators. All numbers are floats, so nothing grows; powers are bounded.
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
from pipeline.score.signal_lookup import hear
from pipeline.timing.signals import NAMES as HEARD
from pipeline.timing.signals import SMOOTH, Signal, Signals
from pipeline.timing.timecode import show_time

LONGEST_TEXT = 500
MOST_NODES = 200
DEEPEST = 24
GREATEST_BASE = 1e6
GREATEST_EXPONENT = 64.0


def _power(base: float, exponent: float) -> float:
    if abs(base) > GREATEST_BASE or abs(exponent) > GREATEST_EXPONENT:
        raise ValueError(f"powers are limited to a base of {GREATEST_BASE:g} and an exponent of {GREATEST_EXPONENT:g}")
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
    *_OPERATORS,
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.IfExp,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.Call,
)


class Expression:
    """A checked formula. Calling it with seconds gives its value there; it is a pure function."""

    def __init__(
        self, text: str, tree: ast.expr, key: str, seed: int, clock: "_Clock", heard: dict[str, Signal]
    ) -> None:
        self._text, self._tree, self._key, self._clock, self._heard = text, tree, key, clock, heard
        self._evaluator = SimpleEval(operators=_OPERATORS, functions=functions.functions(seed), names={})

    def __call__(self, t: float) -> float:
        """The value at ``t`` seconds. Raises ConfigError naming the time where there is none."""
        self._evaluator.names = self._clock.names(t) | {name: signal(t) for name, signal in self._heard.items()}
        try:
            value = float(self._evaluator.eval(self._text, previously_parsed=self._tree))
        except (ArithmeticError, ValueError) as error:
            raise ConfigError(self._key, self._text, f"cannot be computed at {show_time(t)}: {error}") from error
        if not isfinite(value):
            raise ConfigError(self._key, self._text, f"is not finite at {show_time(t)}")
        return value


class _Clock:
    """The names that stand for time. In Deforum's way of writing, ``t`` is the frame number."""

    def __init__(self, fps: Fraction, duration: float | None, frames: bool) -> None:
        self._fps, self._frames = float(fps), frames
        self._fixed = {"fps": float(fps), "pi": pi}
        if duration is not None:
            self._fixed["duration"] = duration
            if frames:
                self._fixed["max_f"] = float(round(duration * fps) - 1)

    def names(self, t: float) -> dict[str, float]:
        frame = t * self._fps
        return {"t": frame if self._frames else t, "frame": frame, **self._fixed}


def compile_expression(
    text: str,
    *,
    key: str,
    fps: Fraction,
    duration: float | None,
    seed: int = 0,
    frames: bool = False,
    signals: Signals | None = None,
) -> Expression:
    """Check ``text`` and make it a function of seconds. Raises ConfigError naming ``key``.

    Names are t and duration (seconds), frame, fps and pi, and those of the ``signals``; with ``frames`` t is the frame
    number.
    """
    if len(text) > LONGEST_TEXT:
        raise ConfigError(key, text[:40] + "…", f"an expression is at most {LONGEST_TEXT} characters long")
    clock = _Clock(fps, duration, frames)
    tree = _parse(text, key)
    names = (*clock.names(0.0), *(HEARD if signals else ()))
    _check(tree, text, key, names)
    body, heard = hear(tree.body, signals, text, key) if signals else (tree.body, {})
    return Expression(text, body, key, seed, clock, heard)


def _parse(text: str, key: str) -> ast.Expression:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(key, text, "not an expression in t, such as 1.2 + 0.1*sin(2*pi*t/8)") from error


def _check(tree: ast.Expression, text: str, key: str, names: tuple[str, ...]) -> None:
    """Refuse every node that is not on the list, and trees that are too large or too deep."""
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if count > MOST_NODES or depth > DEEPEST:
            raise ConfigError(key, text, "the expression is too long or too deeply nested")
        _check_node(node, text, key, names)
        children: list[ast.AST] = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call):
            children = list(node.args)  # the function's name has just been checked
        waiting.extend((child, depth + 1) for child in children)


def _check_node(node: ast.AST, text: str, key: str, names: tuple[str, ...]) -> None:
    if not isinstance(node, _NODES):
        raise ConfigError(key, text, f"{_plain(node)} has no place in an expression")
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise ConfigError(key, text, "only numbers may stand in an expression")
        try:
            node.value = float(node.value)
        except OverflowError as error:
            raise ConfigError(key, text, "a number in it is too large") from error
    elif isinstance(node, ast.Name) and node.id not in names:
        known = ", ".join(names)
        raise ConfigError(key, text, f"{node.id!r} is unknown; the names are {known}{nearest(node.id, names)}")
    elif isinstance(node, ast.Call):
        _check_call(node, text, key, SMOOTH if "beat" in names else ())


def _check_call(node: ast.Call, text: str, key: str, heard: tuple[str, ...]) -> None:
    known = (*functions.NAMES, *heard)
    if not isinstance(node.func, ast.Name) or node.func.id not in known:
        called = node.func.id if isinstance(node.func, ast.Name) else _plain(node.func)
        allowed = f"{called} is no function here; the functions are {', '.join(known)}"
        raise ConfigError(key, text, allowed + nearest(called, known))
    if node.keywords:
        raise ConfigError(key, text, "functions take plain numbers, without names")
    if node.func.id in functions.NAMES:
        functions.check_call(node.func.id, len(node.args), key, text)


def _plain(node: ast.AST) -> str:
    return type(node).__name__.lower()
