"""Train a small network of open_clip on drawn shapes with captions: python scripts/text_model.py FOLDER

FOLDER/open_clip_model.safetensors and the open_clip_config.json next to it are in open_clip's own layout. The network
knows the words of ``COLOURS`` and ``SHAPES``, enough to try ``text:"red circle"`` without a download.

It first learns to name shapes, then to draw them: the gradient of its similarity with a text, at a picture where the
shape is faint, blurred or another one, learns to point to the whole shape. A network that only names shapes tells them
by a few edges, and its dreams have colours but no shapes.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import open_clip
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Generator, Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

COLOURS = {
    "red": (0.85, 0.1, 0.1),
    "green": (0.1, 0.65, 0.15),
    "blue": (0.12, 0.2, 0.85),
    "yellow": (0.92, 0.82, 0.1),
}
SHAPES = ("circle", "cross", "triangle")
CAPTIONS = [f"{colour} {shape}" for colour, shape in product(COLOURS, SHAPES)]
SIDE = 32  # pixels
MODEL = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
NAMING, DRAWING = 400, 1800  # steps
BATCH = 32
NAMING_RATE, DRAWING_RATE = 3e-3, 1e-3
WHOLE = 0.3  # of the pictures have nothing left to draw
STAINS = 0.4  # deviation of their stains, at most
SCALE = 20.0  # of cosines, in the softmax
STARTS = (0.3, 0.25, 0.2, 0.1, 0.15)
"""How often drawing begins without the shape, from its blur, another shape, another colour, both."""


class Scene:
    """``count`` places for shapes on soft grounds; ``paint`` puts the shapes of captions there.

    Shapes are large and near the middle: where anything could be anywhere, gradients learn to draw blobs.
    """

    def __init__(self, count: int, generator: Generator, side: int = SIDE) -> None:
        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(count, *(shape or (1, 1)), generator=generator)

        at = torch.linspace(-1, 1, side)
        self._side, self._radius, turn = side, uniform(0.75, 0.95), uniform(-0.12, 0.12)
        room = (1 - 0.8 * self._radius).mul(0.5)
        x, y = at[None, None, :] - uniform(-1, 1) * room, at[None, :, None] - uniform(-1, 1) * room
        self._x, self._y = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
        cells = int(torch.randint(1, 7, (), generator=generator))
        ground = F.interpolate(uniform(0, 1, 3, cells, cells), size=(side, side), mode="bicubic")
        self.ground = uniform(0.2, 0.7, 1, 1, 1) + uniform(0, 0.5, 1, 1, 1) * (ground - 0.5)
        self._shade = uniform(-0.1, 0.1, 3, 1, 1)

    def paint(self, labels: Tensor) -> Tensor:
        """Numbers of captions ``(N,)`` → pictures ``(N, 3, side, side)``."""
        x, y, radius = self._x, self._y, self._radius
        near, far = torch.minimum(x.abs(), y.abs()), torch.maximum(x.abs(), y.abs())
        sides = [x * math.sin(turn) - y * math.cos(turn) for turn in (math.pi, math.pi / 3, -math.pi / 3)]
        inside = torch.stack(
            [
                radius - torch.hypot(x, y),
                torch.minimum(radius - far, 0.33 * radius - near),
                0.62 * radius - torch.stack(sides).amax(0),
            ]
        )
        mask = torch.sigmoid(inside[labels % len(SHAPES), torch.arange(len(labels))] * self._side / 2)[:, None]
        colour = torch.tensor(list(COLOURS.values()))[labels // len(SHAPES)][..., None, None] + self._shade
        return torch.lerp(self.ground, colour, mask)


def noisy(pictures: Tensor, most: float, generator: Generator) -> Tensor:
    """The pictures with white noise, of a deviation up to ``most``."""
    deviation = torch.rand(len(pictures), 1, 1, 1, generator=generator) * most
    return pictures + deviation * torch.randn(pictures.shape, generator=generator)


def blurred(pictures: Tensor, deviation: float) -> Tensor:
    """The pictures under a Gaussian."""
    kernel = torch.exp(-0.5 * (torch.arange(-12, 13) / deviation) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, 25)
    rows = F.conv2d(F.pad(pictures, (12, 12, 0, 0), mode="replicate"), kernel, groups=3)
    return F.conv2d(F.pad(rows, (0, 0, 12, 12), mode="replicate"), kernel.mT, groups=3)


def half_drawn(count: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Captions, pictures on the way to them, the directions that lead there, and how well each shows its caption.

    Pictures that have nothing left to draw have soft stains instead, so that a dream which is whole stays so.
    """
    labels = torch.randint(len(CAPTIONS), (count,), generator=generator)
    scene, kinds = Scene(count, generator), len(SHAPES)
    colour, shape = labels // kinds, labels % kinds
    other_shape = (shape + torch.randint(1, kinds, (count,), generator=generator)) % kinds
    other_colour = (colour + torch.randint(1, len(COLOURS), (count,), generator=generator)) % len(COLOURS)
    whole = scene.paint(labels)
    blur = blurred(whole, 1.5 + 6 * float(torch.rand((), generator=generator)))
    others = [
        scene.paint(other)
        for other in (colour * kinds + other_shape, other_colour * kinds + shape, other_colour * kinds + other_shape)
    ]
    kind = torch.multinomial(torch.tensor(STARTS), count, replacement=True, generator=generator)
    start = torch.stack([scene.ground, blur, *others])[kind, torch.arange(count)]
    is_whole = torch.rand(count, generator=generator) < WHOLE
    done = torch.where(is_whole, 1.0, 0.9 * torch.rand(count, generator=generator))[:, None, None, None]
    shown = torch.where(kind < 2, done.flatten().square(), 2.5 * (done.flatten() - 0.6).clamp(min=0))
    cells = int(torch.randint(2, 9, (), generator=generator))
    stains = F.interpolate(torch.randn(count, 3, cells, cells, generator=generator), size=(SIDE, SIDE), mode="bicubic")
    amount = STAINS * torch.rand(count, 1, 1, 1, generator=generator) * (done == 1)
    picture = torch.lerp(start, whole, done) + amount * stains
    return labels, noisy(picture, 0.15, generator), whole - picture, shown


class Training:
    """A network that learns from drawings."""

    def __init__(self) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model = open_clip.CLIP(**MODEL)
        self.model.token_embedding.requires_grad_(False)
        for block in self.model.visual.modules():
            if hasattr(block, "bn3"):
                torch.nn.init.ones_(block.bn3.weight)  # open_clip's 0 learns colours at once and shapes late
        usual = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
        self.mean, self.std = (torch.tensor(each).view(3, 1, 1) for each in usual)
        self._tokens = open_clip.SimpleTokenizer(context_length=MODEL["text_cfg"]["context_length"])(CAPTIONS)

    def cosines(self, pictures: Tensor) -> Tensor:
        """Pictures → how alike each is to each caption ``(N, captions)``."""
        texts = self.model.encode_text(self._tokens, normalize=True)
        cosines: Tensor = self.model.encode_image((pictures - self.mean) / self.std, normalize=True) @ texts.T
        return cosines

    def name(self, steps: int, generator: Generator) -> None:
        """Learn which caption a picture has."""
        for step in self._steps(steps, NAMING_RATE):
            labels = torch.randint(len(CAPTIONS), (BATCH * 3 // 2,), generator=generator)
            pictures = noisy(Scene(len(labels), generator).paint(labels), 0.2, generator)
            step(F.cross_entropy(SCALE * self.cosines(pictures), labels))

    def draw(self, steps: int, generator: Generator) -> None:
        """Learn where to change a picture for a caption. Statistics of batches stay: a picture has its own gradient."""
        self.model.eval()
        for step in self._steps(steps, DRAWING_RATE):
            likeness, named = self.drawing(generator)
            step(named - 2 * likeness)

    def drawing(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """The mean cosine between gradients of half-drawn pictures and what they lack, and the error of their names."""
        labels, pictures, directions, shown = half_drawn(BATCH, generator)
        with sdpa_kernel(SDPBackend.MATH):  # the only attention whose gradient has a gradient
            cosines = self.cosines(pictures.requires_grad_(True))
            own = cosines[torch.arange(BATCH), labels].sum()
            (gradient,) = torch.autograd.grad(own, pictures, create_graph=True)
        likeness = F.cosine_similarity(gradient.flatten(1), directions.flatten(1))
        named = F.cross_entropy(SCALE * cosines, labels, reduction="none") @ shown / shown.sum()
        return likeness.mean(), named

    def accuracy(self, generator: Generator) -> float:
        """The fraction of new pictures whose caption the network names."""
        self.model.eval()
        labels = torch.randint(len(CAPTIONS), (240,), generator=generator)
        with torch.no_grad():
            named = self.cosines(Scene(len(labels), generator).paint(labels)).argmax(1)
        return float((named == labels).float().mean())

    def save(self, folder: Path) -> None:
        """Write the network as open_clip does."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.model.state_dict(), folder / "open_clip_model.safetensors")
        pictures = {"mean": self.mean.flatten().tolist(), "std": self.std.flatten().tolist()}
        described = {"model_cfg": MODEL, "preprocess_cfg": pictures}
        (folder / "open_clip_config.json").write_text(json.dumps(described), encoding="utf-8")

    def _steps(self, count: int, rate: float) -> Iterator[Callable[[Tensor], None]]:
        """``count`` times a function that takes a step down a loss."""
        learned = [each for each in self.model.parameters() if each.requires_grad]
        optimizer = torch.optim.AdamW(learned, lr=rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, count, pct_start=0.15)

        def step(loss: Tensor) -> None:
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            schedule.step()

        for _ in range(count):
            yield step


def train(folder: Path, naming: int = NAMING, drawing: int = DRAWING) -> float:
    """Train, save, and return the fraction of new pictures whose caption the network names."""
    generator = torch.Generator().manual_seed(0)
    training = Training()
    training.name(naming, generator)
    training.draw(drawing, generator)
    training.save(folder)
    return training.accuracy(generator)


if __name__ == "__main__":
    print(f"{train(Path(sys.argv[1])):.0%} of new pictures are named right")
