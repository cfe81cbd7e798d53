"""Draws motifs, trains MotifNet on them, judges its dreams, writes weights and contact sheets.

    python -m scripts.train_motifnet              everything, with the recipe behind the shipped weights
    python -m scripts.train_motifnet --judge      only judge the dreams of the weights at --out
    python -m scripts.train_motifnet --sheets     only draw the contact sheets of the weights at --out
    python -m scripts.train_motifnet --smoke      everything in a minute, as a test

Drawings and checkpoints stay in the cache folder. An interrupted run resumes; other options, motifs or code start
again. The new weights go to the cache folder too, and replace those at --out unless the old ones do better under
attack. --smoke writes only to outputs/motifnet-smoke. On a GPU you can afford more:
``--count 2000 --size 192 --crop 144 --robust-steps 30000 --attack-steps 3``.
"""

import argparse
import os
import sys
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# On a busy machine OpenMP's spinning threads slow every step down two to four times; torch reads this once.
from pipeline.runtime.environment import PASSIVE_THREADS

os.environ.update({**PASSIVE_THREADS, **os.environ})

import torch
from torch import nn

from pipeline.errors import ConfigError, RenderError, nearest
from pipeline.networks.motifnet import MotifNet
from pipeline.runtime.device import choose_device
from scripts.motifnet import contact_sheets, evaluate, export
from scripts.motifnet import precision as arithmetic
from scripts.motifnet.dataset import Drawings, Pictures, draw
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.net import blend, fold, trainable
from scripts.motifnet.options import parse
from scripts.motifnet.precision import DTYPES, Arithmetic
from scripts.motifnet.recipe import Recipe, beginning, checkpoint_paths, load_trained, run_phases
from scripts.motifnet.train import accuracy

ATTACK_EPSILON, ATTACK_STEPS = 3.0, 5
"""Accuracy under attack is measured within this epsilon (of a 64-pixel crop) and steps."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; the exit code is 1 after an error, 130 after Ctrl-C."""
    try:
        options = parse(arguments, __doc__ or "")
        try:
            _run(options, _device(options.device))
        except KeyboardInterrupt:
            print(f"\nstopped: {options.cache} holds the work so far; the same command resumes", file=sys.stderr)
            return 130
    except (RenderError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace, device: torch.device) -> None:
    if not (options.judge or options.sheets):
        _train_all(options, device)
        return
    net = _load_current(options.out)
    if options.judge:
        precision = arithmetic.resolve_precision(options.cache, options.precision)
        _judge(options, net, _twin(options, precision), device)
    if options.sheets:
        contact_sheets.write(net, options.docs, device, options.sheet_steps)


def _device(name: str) -> torch.device:
    kinds = ("cpu", "cuda", "mps", "auto")
    if name.partition(":")[0] not in kinds:
        raise ConfigError("--device", name, f"allowed are cpu, cuda, cuda:N, mps and auto{nearest(name, kinds)}")
    try:
        return choose_device(name)
    except RuntimeError as error:
        raise ConfigError("--device", name, "no device has this number") from error


def _train_all(options: argparse.Namespace, device: torch.device) -> None:
    """Draws, trains, measures, judges, and writes contact sheets."""
    _load_replaced(options.out)
    validation = draw(Drawings(options.check, options.size, seed=2), options.cache, options.workers)
    pictures = draw(_drawings(options), options.cache, options.workers)
    precision = arithmetic.resolve_precision(options.cache, options.precision)
    precision = precision or arithmetic.fastest(trainable(len(MOTIFS)), device, options.crop, options.batch)
    arithmetic.write_precision(precision, options.cache)
    how = Arithmetic(device, DTYPES[precision])
    phases = _recipe(options).phases()
    paths = checkpoint_paths(phases, _drawings(options), precision, options.cache)
    plain, small, late = run_phases(
        phases, paths, pictures, how, options.save_every, lambda: beginning(options.batch, options.crop)
    )
    robust = blend(small, late)  # the mean of both dreams cleaner than either
    for name, net in (("plain", plain), ("robust", robust)):
        _report(name, net, validation, how, options.crop)
    out, docs = place_weights(fold(robust.cpu()), options, validation, how)
    _judge(options, export.read(out), plain.cpu(), device)
    contact_sheets.write(export.read(out), docs, device, options.sheet_steps)


def _drawings(options: argparse.Namespace) -> Drawings:
    return Drawings(options.count, options.size, seed=1)


def _recipe(options: argparse.Namespace) -> Recipe:
    return Recipe(
        options.plain_steps, options.small_steps, options.robust_steps, options.batch, options.crop,
        options.epsilon, options.attack_steps,
    )  # fmt: skip


def _twin(options: argparse.Namespace, precision: str | None) -> MotifNet | None:
    """The plainly trained network from the cache; prints a note if there is none."""
    phases = _recipe(options).phases()
    # A cache without a note of its precision holds no checkpoint of this training, or a copied one.
    names = [precision] if precision else list(DTYPES)
    paths = [checkpoint_paths(phases, _drawings(options), name, options.cache)[0] for name in names]
    twin = next((net for net in (load_trained(phases[0], path) for path in paths) if net is not None), None)
    if twin is None:
        print(f"the cache has no plain twin, so its rows are missing: {' or '.join(map(str, paths))} does not exist")
    return twin


def _load_replaced(path: Path) -> MotifNet | None:
    """The weights that a run replaces; None if there are none, or of other classes. Raises InputError."""
    if not path.exists():
        return None
    net = export.read(path)
    return net if export.classes(path) == list(MOTIFS) else None


def _load_current(path: Path) -> MotifNet:
    """The weights to judge. Raises InputError if they are missing or trained on other motifs."""
    net = export.read(path)
    if export.classes(path) != list(MOTIFS):
        raise ConfigError("--out", path, "the weights' classes are not the motifs of this version")
    return net


def place_weights(
    net: MotifNet, options: argparse.Namespace, validation: Pictures, how: Arithmetic
) -> tuple[Path, Path]:  # fmt: skip
    """Writes the weights, unless the old ones do better; returns their path and the folder for contact sheets."""
    fresh = options.cache / "motifnet.safetensors"
    export.write(net, fresh)
    old = _load_replaced(options.out)
    if old is not None and options.out.read_bytes() != fresh.read_bytes():
        old_accuracy = _report(str(options.out), old.to(how.device), validation, how, options.crop)
        if old_accuracy > _report(str(fresh), export.read(fresh).to(how.device), validation, how, options.crop):
            docs = options.cache / "docs"
            print(f"{options.out} stays: it does better under attack; new weights: {fresh}, contact sheets: {docs}")
            return fresh, docs
    export.write(net, options.out)
    return options.out, options.docs


def _report(name: str, net: nn.Module, pictures: Pictures, how: Arithmetic, crop: int) -> float:
    """Prints the accuracy, clean and under attack, and returns the latter."""
    epsilon, steps = ATTACK_EPSILON, ATTACK_STEPS
    clean = accuracy(net, pictures, how, crop)
    attacked = accuracy(net, pictures, how, crop, epsilon * crop / 64, steps)
    print(f"{name}: accuracy {clean:.1%}, under attack ({steps} steps, L2 ε {epsilon * crop / 64:.1f}) {attacked:.1%}")
    return attacked


def _judge(options: argparse.Namespace, net: MotifNet, plain: MotifNet | None, device: torch.device) -> None:
    """Prints how an independent network classifies both networks' dreams."""
    recipe = evaluate.Recipe(
        options.judge_steps, options.dreams, options.dream_steps, options.judge_count, options.size
    )
    nets = {"robust": net} | ({"plain": fold(plain)} if plain is not None else {})
    evaluate.report(nets, recipe, options.cache, device, options.workers)


if __name__ == "__main__":
    sys.exit(main())
