"""An independent judge: what a stranger sees in the dreams.

Another architecture, trained from scratch on drawings of another seed and another style, at half the
resolution. It names dreams of ``class:X`` that were grown from noise. It has met scrambled motifs
too, as a class of their own, so that it does not take an owl's feathers for an owl.

Every network dreams twice: as the *program* dreams, octave upon octave with a weighed gradient, and by
its *bare* gradient on one octave. The program's way gives any network broad strokes and whole forms, a
plainly trained twin as well; what a network draws of itself shows in its bare gradient.
"""

import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.networks.motifnet import MotifNet
from scripts.motifnet import scramble
from scripts.motifnet.checkpoint import read, write
from scripts.motifnet.compose import Style
from scripts.motifnet.dataset import Batch, Drawings, Pictures, draw
from scripts.motifnet.digest import code, digest
from scripts.motifnet.dreams import Growth, grow, seen
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.prefetch import ahead

STYLE = Style(radius=(0.24, 0.66), bend=0.1, light=0.8, flat_backgrounds=0.6, grain=0.05, loyalty=0.0)

SCRAMBLED = 0.3
"""Share of pictures of objects that the judge meets scrambled."""


@dataclass(frozen=True)
class Recipe:
    """``steps`` of training; ``count`` drawings and ``dreams`` for each class, ``dream_steps`` on each octave."""

    steps: int = 700
    dreams: int = 2
    dream_steps: int = 20
    count: int = 160
    size: int = 128


class Judge(nn.Module):
    """``(N, 3, H, W)`` in [0, 1] → features ``(N, 160)``, logits ``(N, classes)``; ReLU, max pools, zero borders."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = [nn.Conv2d(3, 24, 5, stride=2, padding=2), nn.ReLU()]
        for inputs, width in ((24, 48), (48, 48), (48, 96), (96, 96), (96, 160)):
            if width > inputs > 24:
                blocks.append(nn.MaxPool2d(2))
            blocks += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        self.body = nn.Sequential(*blocks)
        self.last = nn.Linear(160, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body((x - 0.5) * 4).mean((2, 3))
        return features, self.last(features)


@dataclass(frozen=True)
class Verdict:
    """``right``: share named right; ``sure``: share named right with a probability of a half and more;
    ``trust``: mean probability of the right name; ``kid``: distance to drawings; ``classes``: share right of each."""

    right: float
    sure: float
    trust: float
    kid: float
    classes: list[float]


def report(
    nets: dict[str, MotifNet], recipe: Recipe, cache: Path, device: torch.device, workers: int
) -> dict[str, Verdict]:
    """Trains the judge, lets it name the dreams of every network, prints the table and returns it.

    The keys are ``fresh drawings``, ``name, bare`` and ``name, program``.
    """
    drawings = Drawings(recipe.count, recipe.size, 3, STYLE)
    pictures = draw(drawings, cache, workers)
    fresh = draw(Drawings(max(2, recipe.count // 8 * 2), recipe.size, 4, STYLE), cache, workers)
    judge = _trained(pictures, recipe, device, cache / f"judge-{_name(drawings, recipe)}.pt")
    features, logits = _look(judge, _halved(fresh.images.to(device).float() / 255))
    real = features[::2]
    verdicts = {"fresh drawings": _verdict(features[1::2], logits[1::2], real)}
    for name, net in nets.items():
        for bare in (True, False):
            dreams = _dreams(net.to(device).requires_grad_(False), recipe, bare, device)
            verdicts[f"{name}, {'bare' if bare else 'program'}"] = _verdict(*_look(judge, _halved(dreams)), real)
    print("                   named right   surely   confidence   KID to drawings")
    for name, found in verdicts.items():
        print(f"{name:18} {found.right:11.1%} {found.sure:8.1%} {found.trust:12.2f} {found.kid:17.3f}")
    for name, found in list(verdicts.items())[1:]:
        weak = [f"{n} {v:.0%}" for n, v in zip(MOTIFS, found.classes, strict=True) if v < 1]
        print(f"{name}: named wrong at times: " + (", ".join(weak) or "none"))
    return verdicts


def _name(drawings: Drawings, recipe: Recipe) -> str:
    """Changes with all that the judge's weights come from."""
    return digest(drawings.key(), recipe.steps, SCRAMBLED, code(Judge, _train, _halved, Pictures, Batch, scramble))


def _trained(pictures: Pictures, recipe: Recipe, device: torch.device, path: Path) -> Judge:
    """The judge from the cache, or trained and kept there."""
    if not path.exists():
        write(_train(pictures, recipe, device).state_dict(), path)
    judge = Judge(len(MOTIFS) + 1).to(device, memory_format=torch.channels_last)
    try:
        judge.load_state_dict(read(path, device))
    except RuntimeError as error:
        raise InputError(f"{path}: holds no judge; without the file it is trained anew") from error
    return judge.eval()


def _train(pictures: Pictures, recipe: Recipe, device: torch.device) -> Judge:
    torch.manual_seed(7)
    judge = Judge(len(MOTIFS) + 1).to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(judge.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=max(recipe.steps, 4))
    crop = recipe.size * 7 // 8

    def cut(step: int) -> Batch:
        return pictures.cut(64, crop, np.random.default_rng([9, step]), SCRAMBLED)

    with closing(ahead(cut, range(recipe.steps))) as batches:
        for batch in tqdm(batches, "judge", recipe.steps, mininterval=5):
            x, labels = batch.on(device)
            loss = F.cross_entropy(judge(_halved(x))[1], labels, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return judge.eval()


def _halved(x: Tensor) -> Tensor:
    """Half the size: the judge sees shapes, not the fine print that a network writes for itself."""
    return F.interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True, align_corners=False)


@torch.no_grad()
def _look(judge: Judge, images: Tensor) -> tuple[Tensor, Tensor]:
    parts = [judge(part) for part in images.split(64)]
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def _dreams(net: MotifNet, recipe: Recipe, bare: bool, device: torch.device) -> Tensor:
    """Dreams of all classes, class after class, by the bare gradient or the program's way: ``(n, 3, size, size)``."""
    growth = Growth(size=recipe.size, steps=recipe.dream_steps)
    if bare:
        # The border, where evidence counts double, moves about; else a bare gradient draws nowhere else.
        growth = replace(growth, octaves=1, steps=2 * recipe.dream_steps, bare=True, amount=0.025, jitter=0.5)
    layer = "head" if bare else "verdict"
    start, dreams = time.perf_counter(), []
    for label in tqdm(range(len(MOTIFS)), "dreaming", mininterval=5):
        dreams.append(grow(seen(net, layer, label), growth, 100 + label, recipe.dreams, device))
    print(f"{len(MOTIFS) * recipe.dreams} dreams in {time.perf_counter() - start:.0f} s")
    return torch.cat(dreams)


def _verdict(features: Tensor, logits: Tensor, real: Tensor) -> Verdict:
    """What the judge's features and logits of pictures, equally many of each class, come to."""
    labels = torch.arange(len(MOTIFS), device=logits.device).repeat_interleave(len(logits) // len(MOTIFS))
    hits = (logits.argmax(1) == labels).float()
    trust = logits.softmax(1).gather(1, labels[:, None])[:, 0]
    by_class = hits.view(len(MOTIFS), -1).mean(1).tolist()
    return Verdict(
        float(hits.mean()),
        float((trust >= 0.5).float().mean()),
        float(trust.mean()),
        kernel_distance(real, features),
        by_class,
    )


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """The kernel distance of Bińkowski et al. 2018 between features ``(n, d)`` and ``(m, d)``; 0 for the same source.

    Every feature vector is brought to unit mean square first: dreams excite all features more than
    drawings do, and what is asked is which features, not how much.
    """
    a, b = (x / x.square().mean(1, keepdim=True).sqrt() for x in (a, b))

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    n, m = len(a), len(b)
    within_a = (kernel(a, a).sum() - kernel(a, a).diagonal().sum()) / (n * (n - 1))
    within_b = (kernel(b, b).sum() - kernel(b, b).diagonal().sum()) / (m * (m - 1))
    return float(within_a + within_b - 2 * kernel(a, b).mean())
