"""Judges dreams with an independent network: which class does it recognise?

The judge has another architecture and is trained from scratch on drawings of another seed and another style, at
half the resolution. It classifies dreams of ``class:X`` that were grown from noise. Scrambled motifs are a class of
their own in its training, so it does not mistake an owl's feathers for an owl.

Every network dreams twice: as the *program* does, on several octaves with a preconditioned gradient, and with its
*bare* gradient on one octave. The program's method gives any network broad strokes and whole shapes, a plainly
trained twin as well; the bare gradient shows what the network draws by itself.
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
from scripts.motifnet.dreams import Growth, activation_of, grow
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.prefetch import prefetch

STYLE = Style(radius=(0.24, 0.66), bend=0.1, light=0.8, flat_backgrounds=0.6, grain=0.05, loyalty=0.0)

SCRAMBLED = 0.3
"""Fraction of the pictures of objects that are scrambled in the judge's training."""


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
class Result:
    """``accuracy``; ``confident``: fraction with a probability of the right class of at least a half;
    ``confidence``: its mean probability; ``kid``: distance to drawings; ``classes``: accuracy of each class."""

    accuracy: float
    confident: float
    confidence: float
    kid: float
    classes: list[float]


def report(
    nets: dict[str, MotifNet], recipe: Recipe, cache: Path, device: torch.device, workers: int
) -> dict[str, Result]:
    """Trains the judge, classifies the dreams of every network, prints the table and returns it.

    The keys are ``fresh drawings``, ``name, bare`` and ``name, program``.
    """
    judge = load_judge(recipe, cache, device, workers)
    fresh = draw(Drawings(max(2, recipe.count // 8 * 2), recipe.size, 4, STYLE), cache, workers)
    features, logits = classify(judge, halved(fresh.images.to(device).float() / 255))
    real = features[::2]
    results = {"fresh drawings": _result(features[1::2], logits[1::2], real)}
    for name, net in nets.items():
        for bare in (True, False):
            dreams = judged_dreams(net.to(device).requires_grad_(False), recipe, bare, device)
            results[f"{name}, {'bare' if bare else 'program'}"] = _result(*classify(judge, halved(dreams)), real)
    print("                      accuracy confident   confidence   KID to drawings")
    for name, row in results.items():
        print(f"{name:18} {row.accuracy:11.1%} {row.confident:9.1%} {row.confidence:12.2f} {row.kid:17.3f}")
    for name, row in list(results.items())[1:]:
        weak = [f"{n} {v:.0%}" for n, v in zip(MOTIFS, row.classes, strict=True) if v < 1]
        print(f"{name}: not always recognised: " + (", ".join(weak) or "none"))
    return results


def _name(drawings: Drawings, recipe: Recipe) -> str:
    """Changes with everything the judge's weights depend on."""
    return digest(drawings.key(), recipe.steps, SCRAMBLED, code(Judge, _train, halved, Pictures, Batch, scramble))


def load_judge(recipe: Recipe, cache: Path, device: torch.device, workers: int) -> Judge:
    """The judge from the cache; drawn for, trained and saved there if it is missing."""
    drawings = Drawings(recipe.count, recipe.size, 3, STYLE)
    path = cache / f"judge-{_name(drawings, recipe)}.pt"
    if not path.exists():
        with torch.enable_grad():
            write(_train(draw(drawings, cache, workers), recipe, device).state_dict(), path)
    judge = Judge(len(MOTIFS) + 1).to(device, memory_format=torch.channels_last)
    try:
        judge.load_state_dict(read(path, device))
    except RuntimeError as error:
        raise InputError(f"{path}: holds no judge; delete it to train one") from error
    return judge.eval()


def _train(pictures: Pictures, recipe: Recipe, device: torch.device) -> Judge:
    torch.manual_seed(7)
    judge = Judge(len(MOTIFS) + 1).to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(judge.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=max(recipe.steps, 4))
    crop = recipe.size * 7 // 8

    def cut(step: int) -> Batch:
        return pictures.cut(64, crop, np.random.default_rng([9, step]), SCRAMBLED)

    with closing(prefetch(cut, range(recipe.steps))) as batches:
        for batch in tqdm(batches, "judge", recipe.steps, mininterval=5):
            x, labels = batch.on(device)
            loss = F.cross_entropy(judge(halved(x))[1], labels, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return judge.eval()


def halved(x: Tensor) -> Tensor:
    """Half the size: the judge classifies shapes, not the fine texture that a network adds for itself."""
    return F.interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True, align_corners=False)


@torch.no_grad()
def classify(judge: Judge, images: Tensor) -> tuple[Tensor, Tensor]:
    parts = [judge(part) for part in images.split(64)]
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def judged_dreams(net: MotifNet, recipe: Recipe, bare: bool, device: torch.device) -> Tensor:
    """Dreams of all classes, with the bare gradient or as the program does: ``(n, 3, size, size)``."""
    growth = Growth(size=recipe.size, steps=recipe.dream_steps)
    if bare:
        # Large jitter moves the border, where evidence counts double; a bare gradient would draw only there.
        growth = replace(growth, octaves=1, steps=2 * recipe.dream_steps, bare=True, amount=0.025, jitter=0.5)
    layer = "head" if bare else "verdict"
    start, dreams = time.perf_counter(), []
    for label in tqdm(range(len(MOTIFS)), "dreaming", mininterval=5):
        dreams.append(grow(activation_of(net, layer, label), growth, 100 + label, recipe.dreams, device))
    print(f"{len(MOTIFS) * recipe.dreams} dreams in {time.perf_counter() - start:.0f} s")
    return torch.cat(dreams)


def _result(features: Tensor, logits: Tensor, real: Tensor) -> Result:
    """The result for features and logits of pictures, equally many of each class."""
    labels = torch.arange(len(MOTIFS), device=logits.device).repeat_interleave(len(logits) // len(MOTIFS))
    hits = (logits.argmax(1) == labels).float()
    confidence = logits.softmax(1).gather(1, labels[:, None])[:, 0]
    by_class = hits.view(len(MOTIFS), -1).mean(1).tolist()
    return Result(
        float(hits.mean()),
        float((confidence >= 0.5).float().mean()),
        float(confidence.mean()),
        kernel_distance(real, features),
        by_class,
    )


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """The kernel distance of Bińkowski et al. 2018 between features ``(n, d)`` and ``(m, d)``; 0 for the same source.

    Every feature vector is scaled to unit mean square first: dreams excite all features more than drawings do,
    and which features matters here, not how much.
    """
    a, b = (x / x.square().mean(1, keepdim=True).sqrt() for x in (a, b))

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    n, m = len(a), len(b)
    within_a = (kernel(a, a).sum() - kernel(a, a).diagonal().sum()) / (n * (n - 1))
    within_b = (kernel(b, b).sum() - kernel(b, b).diagonal().sum()) / (m * (m - 1))
    return float(within_a + within_b - 2 * kernel(a, b).mean())
