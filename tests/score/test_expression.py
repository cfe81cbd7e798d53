"""Expressions compute numbers; anything else is an error and never runs."""

import builtins
import math
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.curve import parse_curve
from pipeline.score.expression import Expression, parse_expression
from tests.quick import QUICK

ATTACKS = [
    "__import__('os').system('true')",
    "__import__",
    "().__class__.__bases__[0].__subclasses__()",
    "t.__class__",
    "(1).__class__",
    "sin.__globals__",
    "noise.func.__globals__['math']",
    "t.real",
    "9**9**9",
    "9.9**9.9**9.9**9.9",
    "(1e6)**65",
    "(1e7)**2",
    "2**(-1e9)",
    "10**400",
    "1" + "0" * 450,
    "'a'*10**9",
    "'a'",
    "b'a'",
    "x" * 501,
    "1+" * 300 + "1",
    "(" * 250,
    "-" * 400 + "t",
    "+".join(["t"] * 240),
    "sin(" * 60 + "t" + ")" * 60,
    "[x for x in (1,2)]",
    "[[0 for a in range(9**9)] for b in range(9**9)]",
    "{1: 2}",
    "{x for x in ()}",
    "sum(x for x in range(10**9))",
    "lambda: 1",
    "(lambda x: x)(1)",
    "f'{t}'",
    "f'{t:>99999999}'",
    "(x := 5)",
    "x = 5",
    "import os",
    "t; t",
    "t\nt",
    "min(*[1]*10**9)",
    "max(*(1,2))",
    "min(t)",
    "clip(t, lo=0, hi=1)",
    "sin(**{})",
    "sin",
    "sin + 1",
    "sin(cos)",
    "sin(1, 2)",
    "exp(exp(exp(99)))",
    "exp(1e9)",
    "sqrt(-1)",
    "(-1)**0.5",
    "log(0)",
    "1/0",
    "1 % 0",
    "1 // 0",
    "floor(1e308*10)",
    "noise(1e308*10)",
    "1e308*10 - 1e308*10",
    "open('/etc/passwd')",
    "eval('1')",
    "exec('1')",
    "print(1)",
    "globals()",
    "abs.__self__",
    "t[0]",
    "t[0:1]",
    "(1, 2)",
    "...",
    "None",
    "True",
    "1j",
    "await t",
    "yield",
    "t if True else t",
    "t @ t",
    "1 << 999999999",
    "~t",
    "not t",
    "t in (1, 2)",
    "t is t",
    "fps.denominator",
    "unknown",
    "\x00",
    "\ud800",
    "1if t else",
    "",
    " ",
]


def formula(text: str, duration: float | None = 8.0, seed: int = 0) -> Expression:
    return parse_expression(text, key="camera.zoom", fps=Fraction(25), duration=duration, seed=seed)


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text[:24]))
def test_attacks_are_errors_and_never_run(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    for name in ("eval", "exec", "open", "print", "globals"):
        monkeypatch.setattr(builtins, name, lambda *args, name=name, **kwargs: ran.append(name))
    fastest = math.inf
    for _ in range(3):  # the best of three: other work on the machine is not the question
        start = time.thread_time()
        with pytest.raises(ConfigError) as caught:
            parse_curve(text, key="camera.zoom", fps=Fraction(25), duration=8.0)
        fastest = min(fastest, time.thread_time() - start)
    assert caught.value.key == "camera.zoom"
    assert ran == []
    assert fastest < 0.05


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.2 + 0.1*sin(2*pi*t/8)", 1.3),
        ("t**2", 4.0),
        ("-t + +3", 1.0),
        ("frame / fps", 2.0),
        ("duration", 8.0),
        ("7 // 2 + 7 % 2", 4.0),
        ("1.5 if t < 4 else 1", 1.5),
        ("1.5 if t < 1 or 4 < t else 1", 1.0),
        ("(1 < t < 3) * 5", 5.0),
        ("min(t, 1) + max(t, 3, 4)", 5.0),
        ("clip(t, 0, 1.5)", 1.5),
        ("smoothstep(0, 4, t)", 0.5),
        ("tri(t/8)", 0.5),
        ("saw(t/8)", 0.25),
        ("pulse(t/8) + pulse(t/8, 0.2)", 1.0),
        ("exp(log(t)) + sqrt(t*2) + abs(-1) + floor(1.9) + cos(0)", 7.0),
        ("noise(t) - noise(t)", 0.0),
    ],
)
def test_value_at_two_seconds(text: str, value: float) -> None:
    assert formula(text)(2.0) == pytest.approx(value)


def test_calls_are_pure() -> None:
    wave = formula("t + noise(t)")
    first = [wave(t / 7) for t in range(50)]
    assert [wave(t / 7) for t in reversed(range(50))] == first[::-1]


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'tim' is unknown; the names are t, frame, fps, pi, duration"):
        formula("tim")
    with pytest.raises(ConfigError, match=r"sinus is not a function here; .*did you mean sin\b"):
        formula("sinus(t)")
    with pytest.raises(ConfigError, match="'duration' is unknown"):
        formula("duration", duration=None)
    with pytest.raises(ConfigError, match=r"clip\(\) takes 3 numbers, not 2"):
        formula("clip(t, 1)")


@QUICK
@given(st.floats(-1e4, 1e4), st.integers(0, 2**70))
def test_noise_is_bounded_and_continuous(t: float, seed: int) -> None:
    wave = formula("noise(t)", seed=seed)
    assert -1.0 <= wave(t) <= 1.0
    assert abs(wave(t + 1e-4) - wave(t)) < 1e-3


def test_noise_changes_and_has_streams() -> None:
    wave, other = formula("noise(t)"), formula("noise(t, 1)")
    values = [wave(t / 5) for t in range(1000)]
    assert max(values) > 0.8 and min(values) < -0.8
    assert abs(sum(values)) / 1000 < 0.15
    assert values != [other(t / 5) for t in range(1000)]


@QUICK
@given(st.text(max_size=60))
def test_any_text_computes_or_is_an_error(text: str) -> None:
    try:
        value = formula(text)(1.0)
    except ConfigError:
        return
    assert math.isfinite(value)


@QUICK
@given(st.text("t()+-*/.,0123456789e <>=sincoxpminaclp:", max_size=40))
def test_any_near_expression_computes_or_is_an_error(text: str) -> None:
    try:
        value = parse_curve(text, key="k", fps=Fraction(24), duration=1.0).at(0.5)
    except ConfigError:
        return
    assert math.isfinite(value)
