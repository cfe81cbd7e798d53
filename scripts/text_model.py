"""Train a small network of open_clip on drawn shapes with captions: python scripts/text_model.py FOLDER

FOLDER/open_clip_model.safetensors and the open_clip_config.json next to it are in open_clip's own layout. The network
knows the words of ``COLOURS`` and ``SHAPES``, enough to try ``text:"red circle"`` without a download.
"""

import json
import math
import sys
from itertools import product
from pathlib import Path

import open_clip
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

COLOURS = {
    "red": (0.85, 0.1, 0.1),
    "green": (0.1, 0.65, 0.15),
    "blue": (0.12, 0.2, 0.85),
    "yellow": (0.92, 0.82, 0.1),
}
SHAPES = ("circle", "square", "triangle")
CAPTIONS = [f"{colour} {shape}" for colour, shape in product(COLOURS, SHAPES)]
MODEL = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
SIDE, BATCH, STEPS = 64, 32, 500
FOOLED = 0.02  # how far every step first moves the pixels against the network: robust networks dream better


def draw(labels: Tensor, generator: torch.Generator, side: int = SIDE) -> Tensor:
    """Numbers of captions ``(N,)`` → pictures ``(N, 3, side, side)`` in [0, 1]: the shape anywhere on a soft noise."""
    count = len(labels)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *(shape or (1, 1)), generator=generator)

    at = torch.linspace(-1, 1, side)
    radius, angle = uniform(0.5, 0.8), uniform(-0.2, 0.2)
    x, y = at[None, None, :] - uniform(-0.2, 0.2), at[None, :, None] - uniform(-0.2, 0.2)
    x, y = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    corners = [x * math.sin(turn) - y * math.cos(turn) for turn in (math.pi, math.pi / 3, -math.pi / 3)]
    inside = torch.stack(
        [
            radius - torch.hypot(x, y),
            0.85 * radius - torch.maximum(x.abs(), y.abs()),
            0.55 * radius - torch.stack(corners).amax(0),
        ]
    )
    mask = torch.sigmoid(inside[labels % len(SHAPES), torch.arange(count)] * side / 2)[:, None]
    colour = torch.tensor(list(COLOURS.values()))[labels // len(SHAPES)][..., None, None]
    colour = colour + uniform(-0.1, 0.1, 3, 1, 1)
    cells = int(torch.randint(1, 9, (), generator=generator))
    ground = F.interpolate(uniform(0.0, 1.0, 3, cells, cells), size=(side, side), mode="bicubic")
    picture = torch.lerp(uniform(0.2, 0.7, 1, 1, 1) + 0.3 * (ground - 0.5), colour, mask)
    return (picture + uniform(0, 0.06, 1, 1, 1) * torch.randn(picture.shape, generator=generator)).clamp(0, 1)


def train(folder: Path, steps: int = STEPS) -> float:
    """Train, save, and return the fraction of new pictures whose caption the network names."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model = open_clip.CLIP(**MODEL)
    for block in model.visual.modules():
        if hasattr(block, "bn3"):
            torch.nn.init.ones_(block.bn3.weight)  # open_clip's 0 learns colours at once and shapes late
    tokens = open_clip.SimpleTokenizer(context_length=MODEL["text_cfg"]["context_length"])(CAPTIONS)
    mean, std = (
        torch.tensor(each).view(3, 1, 1) for each in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )

    def logits(pictures: Tensor) -> Tensor:
        texts = model.encode_text(tokens, normalize=True)
        return 20 * model.encode_image((pictures - mean) / std, normalize=True) @ texts.T

    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    for step in range(steps):
        labels = torch.randint(len(CAPTIONS), (BATCH,), generator=generator)
        pictures = draw(labels, generator)
        if step > 2 * steps // 3:
            pictures.requires_grad_(True)
            (gradient,) = torch.autograd.grad(F.cross_entropy(logits(pictures), labels), pictures)
            pictures = (pictures.detach() + FOOLED * gradient.sign()).clamp(0, 1)
        loss = F.cross_entropy(logits(pictures), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    labels = torch.randint(len(CAPTIONS), (240,), generator=generator)
    with torch.no_grad():
        right = float((logits(draw(labels, generator)).argmax(1) == labels).float().mean())
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    described = {"model_cfg": MODEL, "preprocess_cfg": {"mean": mean.flatten().tolist(), "std": std.flatten().tolist()}}
    (folder / "open_clip_config.json").write_text(json.dumps(described), encoding="utf-8")
    return right


if __name__ == "__main__":
    print(f"{train(Path(sys.argv[1])):.0%} of new pictures are named right")
