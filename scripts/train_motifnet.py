"""Draws motifs, trains MotifNet on them, judges its dreams, and writes weights and contact sheets.

    python -m scripts.train_motifnet              everything, with the recipe behind the shipped weights
    python -m scripts.train_motifnet --judge      only name and measure the dreams of the weights at --out
    python -m scripts.train_motifnet --sheets     only draw the contact sheets of the weights at --out
    python -m scripts.train_motifnet --smoke      the whole chain in a minute, to see that it works

Drawings and checkpoints stay in the cache folder; a run that was interrupted goes on where it stopped, and
other options, motifs or code begin anew. The new weights lie in the cache folder too, and take the place of
those at --out unless these do better under attack. --smoke keeps all it writes in outputs/motifnet-smoke.
On a GPU more is affordable: ``--count 2000 --size 192 --crop 144 --robust-steps 30000 --attack-steps 3``.
"""

import argparse
import os
import sys
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# On a busy machine OpenMP's spinning makes every step two to four times slower; torch reads this once.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

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
from scripts.motifnet.recipe import Recipe, beginning, follow, places, trained
from scripts.motifnet.train import accuracy

ATTACK = (3.0, 5)
"""Accuracy under attack is measured within this epsilon (of a 64-pixel crop) by this many steps."""


def main(arguments: list[str] | None = None) -> int:
    """Runs what the command line asks for and returns the exit code: 1 after one sentence, 130 after Ctrl-C."""
    try:
        options = parse(arguments, __doc__ or "")
        try:
            _run(options, _device(options.device))
        except KeyboardInterrupt:
            where = f"what was drawn and trained stands in {options.cache}; the same command goes on from there"
            print(f"\nstopped: {where}", file=sys.stderr)
            return 130
    except (RenderError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace, device: torch.device) -> None:
    if not (options.judge or options.sheets):
        _everything(options, device)
        return
    net = _known(options.out)
    if options.judge:
        precision = arithmetic.kept(options.cache, options.precision)
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


def _everything(options: argparse.Namespace, device: torch.device) -> None:
    """Draws, trains, measures, judges and shows."""
    _standing(options.out)
    validation = draw(Drawings(options.check, options.size, seed=2), options.cache, options.workers)
    pictures = draw(_drawings(options), options.cache, options.workers)
    precision = arithmetic.kept(options.cache, options.precision)
    precision = precision or arithmetic.fastest(trainable(len(MOTIFS)), device, options.crop, options.batch)
    arithmetic.settle(precision, options.cache)
    how = Arithmetic(device, DTYPES[precision])
    phases = _recipe(options).phases()
    paths = places(phases, _drawings(options), precision, options.cache)
    plain, small, late = follow(
        phases, paths, pictures, how, options.save_every, lambda: beginning(options.batch, options.crop)
    )
    robust = blend(small, late)  # half way between the ends of both: it dreams cleaner than either
    for name, net in (("plain", plain), ("robust", robust)):
        _report(name, net, validation, how, options.crop)
    out, docs = _place(fold(robust.cpu()), options, validation, how)
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
    """The plainly trained network of the cache, with a note where it holds none."""
    phases = _recipe(options).phases()
    # A cache without a note of its precision holds no checkpoint of this training, or one that came from elsewhere.
    names = [precision] if precision else list(DTYPES)
    paths = [places(phases, _drawings(options), name, options.cache)[0] for name in names]
    found = next((net for net in (trained(phases[0], path) for path in paths) if net is not None), None)
    if found is None:
        print(f"no plain twin in the cache, whose rows are left out: {' or '.join(map(str, paths))} is not there")
    return found


def _standing(path: Path) -> MotifNet | None:
    """The weights that a run would replace; None where there are none, or of other classes. Raises InputError."""
    if not path.exists():
        return None
    net = export.read(path)
    return net if export.classes(path) == list(MOTIFS) else None


def _known(path: Path) -> MotifNet:
    """Weights to be judged. Raises InputError where they are missing or were trained on other motifs."""
    net = export.read(path)
    if export.classes(path) != list(MOTIFS):
        raise ConfigError("--out", path, "the weights' classes are not the motifs that are drawn")
    return net


def _place(
    net: MotifNet, options: argparse.Namespace, validation: Pictures, how: Arithmetic
) -> tuple[Path, Path]:  # fmt: skip
    """Writes the weights, in place of those that stand unless these do better; returns where, and where sheets go."""
    fresh = options.cache / "motifnet.safetensors"
    export.write(net, fresh)
    before = _standing(options.out)
    if before is not None and options.out.read_bytes() != fresh.read_bytes():
        stood = _report(str(options.out), before.to(how.device), validation, how, options.crop)
        if stood > _report(str(fresh), export.read(fresh).to(how.device), validation, how, options.crop):
            docs = options.cache / "docs"
            print(f"{options.out} stays: it does better under attack; the new weights are {fresh}, their sheets {docs}")
            return fresh, docs
    export.write(net, options.out)
    return options.out, options.docs


def _report(name: str, net: nn.Module, pictures: Pictures, how: Arithmetic, crop: int) -> float:
    """Prints the accuracy, clean and under attack, and returns the latter."""
    epsilon, steps = ATTACK
    clean = accuracy(net, pictures, how, crop)
    attacked = accuracy(net, pictures, how, crop, epsilon * crop / 64, steps)
    print(f"{name}: accuracy {clean:.1%}, under attack ({steps} steps, L2 ε {epsilon * crop / 64:.1f}) {attacked:.1%}")
    return attacked


def _judge(options: argparse.Namespace, net: MotifNet, plain: MotifNet | None, device: torch.device) -> None:
    """Prints how an independent network names and measures both networks' dreams."""
    recipe = evaluate.Recipe(
        options.judge_steps, options.dreams, options.dream_steps, options.judge_count, options.size
    )
    nets = {"robust": net} | ({"plain": fold(plain)} if plain is not None else {})
    evaluate.report(nets, recipe, options.cache, device, options.workers)


if __name__ == "__main__":
    sys.exit(main())
