"""Draws motifs, trains MotifNet on them, judges its dreams, and writes weights and contact sheets.

    python -m scripts.train_motifnet              everything, with the recipe behind the shipped weights
    python -m scripts.train_motifnet --judge      only name and measure the dreams of trained weights
    python -m scripts.train_motifnet --smoke      the whole chain in a minute, to see that it works

Drawings and checkpoints stay in the cache folder; a run that was interrupted goes on where it stopped.
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

from pipeline.networks import motifnet
from pipeline.networks.motifnet import MotifNet
from scripts.motifnet import export, judge, sheets
from scripts.motifnet.dataset import Drawings, Pictures, draw
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.net import blend, fold, trainable
from scripts.motifnet.train import Arithmetic, Phase, accuracy, fastest, train

ATTACK = (3.0, 5)
"""Accuracy under attack is measured within this epsilon (of a 64-pixel crop) by this many steps."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the steps that the command line asks for."""
    options = _parse(arguments)
    torch.manual_seed(0)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    cache: Path = options.cache
    validation = draw(Drawings(options.check, options.size, seed=2), cache, options.workers)
    if options.judge:
        plain, robust = _trained(cache)
        _judge(options, plain, robust, device)
        return
    pictures = draw(Drawings(options.count, options.size, seed=1), cache, options.workers)
    arithmetic = fastest(trainable(len(MOTIFS)), device, options.crop, options.batch)
    plain, robust = _train(options, pictures, arithmetic)
    for name, net in (("plain", plain), ("robust", robust)):
        _report(name, net, validation, arithmetic, options.crop)
    export.write(fold(robust.cpu()), options.out)
    _judge(options, plain.cpu(), robust.cpu(), device)
    sheets.write(export.read(options.out), options.docs, options.sheet_steps)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--cache", type=Path, default=Path("outputs/motifnet"), help="drawings and checkpoints")
    add("--out", type=Path, default=motifnet.WEIGHTS, help="where the trained weights go")
    add("--docs", type=Path, default=Path("docs/motifnet"), help="where the contact sheets go")
    add("--device", default="", help="cpu, cuda, …; by default a GPU where there is one")
    add("--workers", type=int, default=os.cpu_count() or 1, help="drawing processes")
    add("--count", type=int, default=448, help="pictures drawn for each class")
    add("--check", type=int, default=24, help="further pictures for each class, to measure accuracy on")
    add("--size", type=int, default=128, help="of the pictures, pixels")
    add("--crop", type=int, default=96, help="that training sees, pixels")
    add("--batch", type=int, default=64)
    add("--plain-steps", type=int, default=700)
    add("--small-steps", type=int, default=9000, help="of robust training on small pictures")
    add("--robust-steps", type=int, default=3000, help="of robust training on full crops")
    add("--epsilon", type=float, default=3.0, help="of the attack in training, L2 on a 64-pixel crop")
    add("--attack-steps", type=int, default=1)
    add("--judge-count", type=int, default=96, help="pictures drawn for each class for the judge")
    add("--judge-steps", type=int, default=700)
    add("--dreams", type=int, default=2, help="for each class, to be judged")
    add("--dream-steps", type=int, default=20, help="on each octave of a judged dream")
    add("--sheet-steps", type=int, default=28, help="on each octave of a dream on the sheets")
    add("--judge", action="store_true", help="judge trained weights; train nothing")
    add("--smoke", action="store_true", help="a tiny run of everything")
    options = parser.parse_args(arguments)
    if options.smoke:
        tiny = {"count": 4, "check": 2, "size": 96, "crop": 64, "batch": 8, "plain_steps": 3}
        tiny |= {
            "small_steps": 3,
            "robust_steps": 3,
            "judge_steps": 3,
            "judge_count": 4,
            "dreams": 1,
            "dream_steps": 1,
            "sheet_steps": 1,
        }
        vars(options).update(tiny)
    return options


def _train(options: argparse.Namespace, pictures: Pictures, arithmetic: Arithmetic) -> tuple[MotifNet, MotifNet]:
    """The plainly trained network and, grown from it, the robust one; both averaged over steps.

    Both see small pictures first, where a step costs less than half, then full crops. What
    is returned lies half way between the ends of both: it dreams cleaner than either.
    """
    crop, small, epsilon = options.crop, options.crop * 2 // 3, options.epsilon
    attack = {"epsilon": epsilon, "attack_steps": options.attack_steps, "batch": options.batch * 3 // 4}
    phases = (
        Phase("plain", options.plain_steps, 3e-3, options.batch, crop, small, seed=1),
        Phase("small", options.small_steps, 2e-3, crop=crop, side=small, floor=0.3, seed=2, **attack),
        Phase("robust", options.robust_steps, 1e-3, crop=crop, side=crop, ramp=0.1, melted=0.1, seed=3, **attack),
    )
    nets = [trainable(len(MOTIFS))]
    for phase in phases:
        start = trainable(len(MOTIFS))
        start.load_state_dict(nets[-1].state_dict())
        nets.append(train(start, pictures, phase, arithmetic, options.cache))
    return nets[1], blend(nets[2], nets[3])


def _trained(cache: Path) -> tuple[MotifNet, MotifNet]:
    """The networks that an earlier run left in the cache."""
    nets = []
    for name in ("plain", "small", "robust"):
        net = trainable(len(MOTIFS))
        net.load_state_dict(torch.load(cache / f"{name}.pt", weights_only=True)["mean"])
        nets.append(net.eval())
    return nets[0], blend(nets[1], nets[2])


def _report(name: str, net: nn.Module, pictures: Pictures, arithmetic: Arithmetic, crop: int) -> None:
    epsilon, steps = ATTACK
    clean = accuracy(net, pictures, arithmetic, crop)
    attacked = accuracy(net, pictures, arithmetic, crop, epsilon * crop / 64, steps)
    print(f"{name}: accuracy {clean:.1%}, under attack ({steps} steps, L2 ε {epsilon * crop / 64:.1f}) {attacked:.1%}")


def _judge(options: argparse.Namespace, plain: MotifNet, robust: MotifNet, device: torch.device) -> None:
    """Prints how an independent network names and measures both networks' dreams."""
    recipe = judge.Recipe(options.judge_steps, options.dreams, options.dream_steps, options.judge_count, options.size)
    judge.report({"robust": fold(robust), "plain": fold(plain)}, recipe, options.cache, device, options.workers)


if __name__ == "__main__":
    main()
