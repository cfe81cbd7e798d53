"""A small classifier that says what a generator's pictures show, independent of MotifNet and of the generator.

It has another architecture and is trained from scratch, on drawings of another seed, of other sizes, tilted further and
half of them before clouds. In training they are turned, tinted and made soft, because a generator's pictures are soft.
"""

from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from scripts.motifnet import subjects
from scripts.motifnet.motifs import MOTIFS

STYLE = replace(subjects.STYLE, radius=(0.34, 0.48), bend=0.08, flat_backgrounds=0.5, loyalty=0.7)
MAX_TURN_DEGREES = 20.0
COUNT, SEED = 110, 1009  # drawings of each class; the generator's have seed 3
SIDE, BATCH, EPOCHS = 48, 64, 7


class Judge(nn.Module):
    """``(N, 3, 48, 48)`` in [0, 1] → logits ``(N, 42)``."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, width, is_halved in ((3, 24, 1), (24, 48, 1), (48, 96, 0), (96, 96, 1), (96, 160, 0)):
            layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if is_halved else []
        last = nn.Linear(160 * 9, len(MOTIFS))
        self.body = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(3), nn.Flatten(), nn.Dropout(0.3), last)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.body(x * 2 - 1)
        return logits


@torch.no_grad()
def probabilities(judge: Judge, pictures: Tensor) -> Tensor:
    """Of each class, in pictures ``(n, 3, H, W)`` in [0, 1]."""
    parts = [F.interpolate(part, size=(SIDE, SIDE), mode="bilinear", antialias=True) for part in pictures.split(42)]
    return torch.cat([judge(part).softmax(1) for part in parts])


def load_judge(path: Path) -> Judge:
    """The judge from this file; drawn for, trained and saved there if it is missing: about five minutes."""
    judge = Judge()
    if path.is_file():
        judge.load_state_dict(torch.load(path, weights_only=True))
    else:
        images = torch.from_numpy(subjects.draw_subjects(COUNT, 64, SEED, STYLE, MAX_TURN_DEGREES)).flatten(0, 1)
        torch.manual_seed(5)
        _train(judge, F.interpolate(images.float() / 255, size=(SIDE, SIDE), mode="area"))
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(judge.state_dict(), path)
    return judge.eval()


@torch.enable_grad()
def _train(judge: Judge, images: Tensor) -> None:
    """Train on ten of eleven drawings, and print how many of the others it names right."""
    labels = torch.arange(len(MOTIFS)).repeat_interleave(COUNT)
    held_out = torch.arange(len(labels)) % 11 == 0
    x, y, steps = images[~held_out], labels[~held_out], int((~held_out).sum()) // BATCH
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=EPOCHS * steps)
    rng = torch.Generator().manual_seed(1)
    for _ in tqdm(range(EPOCHS), "judge"):
        for batch in torch.randperm(len(y), generator=rng)[: steps * BATCH].view(steps, BATCH):
            loss = F.cross_entropy(judge(_augmented(x[batch], rng)), y[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    judge.eval()
    answers = probabilities(judge, images[held_out]).argmax(1)
    print(f"independent judge: {float((answers == labels[held_out]).float().mean()):.1%} of its held-out drawings")


def _augmented(x: Tensor, rng: torch.Generator) -> Tensor:
    """Mirrored, turned, scaled, moved, softened, tinted and noisy ``(n, 3, S, S)``."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng) - 0.5

    turn, scale, shift = 0.4 * uniform(len(x)), 1 + 0.4 * uniform(len(x)), 0.25 * uniform(len(x), 2)
    cos, sin = turn.cos() * scale, turn.sin() * scale
    moves = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], 1).view(-1, 2, 3)
    x = x.flip(3) if float(uniform(1)) < 0 else x
    grid = F.affine_grid(moves, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    if float(uniform(1)) < 0:
        side = int(torch.randint(20, 48, (1,), generator=rng))
        x = F.interpolate(F.interpolate(x, size=(side, side), mode="area"), size=(SIDE, SIDE), mode="bilinear")
    x = x * (1 + 0.5 * uniform(len(x), 3, 1, 1)) + 0.2 * uniform(len(x), 3, 1, 1)
    return (x + 0.03 * torch.randn(x.shape, generator=rng)).clamp(0, 1)
