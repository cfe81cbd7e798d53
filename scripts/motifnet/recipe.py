"""The three phases of MotifNet's training: plain, robust on small pictures, robust."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from pipeline.networks import motifnet
from pipeline.networks.motifnet import MotifNet
from pipeline.train import adversarial
from scripts.motifnet import net as net_module
from scripts.motifnet import scramble, step
from scripts.motifnet.checkpoint import read
from scripts.motifnet.dataset import Batch, Drawings, Pictures
from scripts.motifnet.digest import code, digest
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.net import trainable
from scripts.motifnet.precision import Arithmetic
from scripts.motifnet.step import Phase
from scripts.motifnet.train import train

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Recipe:
    """Settings of the training: steps of each phase, batch size, pixels, and the attack."""

    plain_steps: int
    small_steps: int
    robust_steps: int
    batch: int
    crop: int
    epsilon: float
    attack_steps: int

    def phases(self) -> tuple[Phase, ...]:
        """Robust training uses small pictures first, where a step costs less than half, then full crops."""
        crop, small = self.crop, self.crop * 2 // 3
        attack = {"epsilon": self.epsilon, "attack_steps": self.attack_steps, "batch": self.batch * 3 // 4}
        return (
            Phase("plain", self.plain_steps, 3e-3, self.batch, crop, small, seed=1),
            Phase("small", self.small_steps, 2e-3, crop=crop, side=small, floor=0.3, seed=2, **attack),
            Phase("robust", self.robust_steps, 1e-3, crop=crop, side=crop, ramp=0.1, melted=0.1, seed=3, **attack),
        )


def beginning(batch: int, crop: int) -> MotifNet:
    """The untrained network, the same every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        # The shipped weights started after these random numbers, which a timing run used to draw.
        trainable(len(MOTIFS))
        torch.rand(batch, 3, crop, crop)
        return trainable(len(MOTIFS))


def checkpoint_paths(phases: Sequence[Phase], drawings: Drawings, precision: str, cache: Path) -> list[Path]:
    """Each phase's checkpoint. Its name changes with everything the weights depend on, including the phases before."""
    source = code(step, adversarial, net_module, scramble, Pictures, Batch, Arithmetic, beginning)
    source += code(motifnet.BlurPool, motifnet.Conv, motifnet.Residual, MotifNet)
    parent, paths = digest(source, motifnet.WIDTHS, drawings.key(), precision), []
    for phase in phases:
        parent = digest(parent, asdict(phase))
        paths.append(cache / f"{phase.name}-{parent}.pt")
    return paths


def run_phases(
    phases: Sequence[Phase], paths: Sequence[Path], pictures: Pictures, arithmetic: Arithmetic, every: int,
    begin: Callable[[], MotifNet],
) -> list[MotifNet]:  # fmt: skip
    """Trains through all phases, each from the averaged weights of the one before; returns those of every phase.

    Resumes from the checkpoints at ``paths`` and writes one at every ``every``-th step.
    """
    nets = [begin()]
    for phase, path in zip(phases, paths, strict=True):
        start = trainable(len(MOTIFS))
        start.load_state_dict(nets[-1].state_dict())
        nets.append(train(start, pictures, phase, arithmetic, path, every))
    return nets[1:]


def load_trained(phase: Phase, path: Path) -> MotifNet | None:
    """The averaged weights at the end of a phase; None if ``path`` holds no finished training. Raises InputError."""
    saved = read(path, CPU) if path.exists() else {}
    if saved.get("step") != phase.steps:
        return None
    net = trainable(len(MOTIFS))
    net.load_state_dict(saved["mean"])
    return net.eval()
