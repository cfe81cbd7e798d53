"""The options of the training command, checked."""

import argparse
import math
import os
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.networks import motifnet

MIN_PIXELS = 32
"""The smallest side of MotifNet's input."""

SMOKE: dict[str, Any] = {
    "cache": Path("outputs/motifnet-smoke"),
    "out": Path("outputs/motifnet-smoke/shipped/motifnet.safetensors"),
    "docs": Path("outputs/motifnet-smoke/shipped/docs"),
    "count": 4,
    "check": 2,
    "size": 96,
    "crop": 64,
    "batch": 8,
    "plain_steps": 3,
    "small_steps": 3,
    "robust_steps": 3,
    "judge_steps": 3,
    "judge_count": 4,
    "dreams": 1,
    "dream_steps": 1,
    "sheet_steps": 1,
}
"""A tiny run of everything, which touches neither the shipped weights nor their cache."""


def parse(arguments: list[str] | None, about: str) -> argparse.Namespace:
    """The options, checked. Raises ConfigError; argparse itself exits with 2 on an unknown word."""
    parser = _parser(about)
    if parser.parse_args(arguments).smoke:
        parser.set_defaults(**SMOKE)  # typed options win
    options = parser.parse_args(arguments)
    _check(options)
    return options


def _parser(about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m scripts.train_motifnet", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--cache", type=Path, default=Path("outputs/motifnet"), help="drawings and checkpoints")
    add("--out", type=Path, default=motifnet.WEIGHTS, help="where the trained weights go")
    add("--docs", type=Path, default=Path("docs/motifnet"), help="where the contact sheets go")
    add("--device", default="auto", help="cpu, cuda, …; by default a GPU where there is one")
    add("--precision", choices=("auto", "float32", "bfloat16"), default="auto",
        help="of training; auto: as the cache's training began, or else the faster")  # fmt: skip
    add("--workers", type=int, default=os.cpu_count() or 1, help="drawing processes")
    add("--count", type=int, default=448, help="pictures drawn for each class")
    add("--check", type=int, default=24, help="further pictures for each class, to measure accuracy on")
    add("--size", type=int, default=128, help="of the pictures, pixels")
    add("--crop", type=int, default=96, help="of the pictures in training, pixels")
    add("--batch", type=int, default=64)
    add("--plain-steps", type=int, default=700)
    add("--small-steps", type=int, default=9000, help="of robust training on small pictures")
    add("--robust-steps", type=int, default=3000, help="of robust training on full crops")
    add("--epsilon", type=float, default=3.0, help="of the attack in training, L2 on a 64-pixel crop")
    add("--attack-steps", type=int, default=1)
    add("--save-every", type=int, default=50, help="steps between checkpoints")
    add("--judge-count", type=int, default=96, help="pictures drawn for each class for the judge")
    add("--judge-steps", type=int, default=700)
    add("--dreams", type=int, default=2, help="for each class, to be judged")
    add("--dream-steps", type=int, default=20, help="on each octave of a judged dream")
    add("--sheet-steps", type=int, default=28, help="on each octave of a dream on the sheets")
    add("--judge", action="store_true", help="judge the weights at --out; train nothing")
    add("--sheets", action="store_true", help="draw the contact sheets of the weights at --out; train nothing")
    add("--smoke", action="store_true", help="a tiny run of everything, in a folder of its own")
    return parser


def _check(options: argparse.Namespace) -> None:
    for name in ("workers", "count", "check", "plain_steps", "small_steps", "robust_steps", "attack_steps",
                 "save_every", "judge_count", "judge_steps", "dreams", "dream_steps", "sheet_steps"):  # fmt: skip
        _check_range(options, name, 1)
    _check_range(options, "batch", 2)
    _check_range(options, "epsilon", 0)
    # The smallest of three octaves of a judged dream, and the crop of the phase on small pictures.
    _check_range(options, "size", math.ceil(MIN_PIXELS * 1.5**2))
    _check_range(options, "crop", MIN_PIXELS * 3 // 2, options.size, f" (--size={options.size})")
    for name, path in (("cache", options.cache), ("docs", options.docs)):
        if path.exists() and not path.is_dir():
            raise ConfigError(f"--{name}", path, "is not a folder")
    if options.out.is_dir():
        raise ConfigError("--out", options.out, "is a folder; give a file for the weights")


def _check_range(options: argparse.Namespace, name: str, low: int, high: float = math.inf, source: str = "") -> None:
    value, words = getattr(options, name), f"at least {low}" if high == math.inf else f"{low} to {high:g}{source}"
    if not (low <= value <= high and math.isfinite(value)):
        raise ConfigError(f"--{name.replace('_', '-')}", value, f"allowed is {words}")
