"""Asks another network what it sees in class dreams, and prints how often it names the class that was dreamed.

    python scripts/judge_classes.py --judge squeezenet1_0.safetensors                  40 classes, three seeds: hours
    python scripts/judge_classes.py --judge squeezenet1_0.safetensors --seeds 1 --classes lion castle --sheet seen.png

Three ways to dream: the program's own class dreams; plain gradient ascent on the class's evidence (raw gradients, one
size, no noise); and MotifNet's classes, as far as ImageNet has them, where any of ImageNet's kinds of them counts. All
are stills of a zoom with the same frames and size. The judge, a SqueezeNet trained on ImageNet, looks at each still
whole and at its four quarters. ``mean``: the class is among the five likeliest of the mean over these views; ``any``:
among the five likeliest of one view. ``chance`` is what ``any`` would be for five views of five random classes.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor
from tqdm import tqdm

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.build import build_shot
from pipeline.cli.compose import make_config
from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.plan.planner import plan_film

CLASSES = [
    "lion",
    "tiger",
    "zebra",
    "giant panda",
    "golden retriever",
    "pug",
    "tabby",
    "red fox",
    "African elephant",
    "brown bear",
    "hummingbird",
    "peacock",
    "flamingo",
    "king penguin",
    "bald eagle",
    "macaw",
    "goldfish",
    "great white shark",
    "jellyfish",
    "starfish",
    "snail",
    "monarch",
    "ladybug",
    "bee",
    "dragonfly",
    "tarantula",
    "American lobster",
    "tree frog",
    "common iguana",
    "Indian cobra",
    "castle",
    "palace",
    "church",
    "mosque",
    "beacon",
    "strawberry",
    "pineapple",
    "daisy",
    "analog clock",
    "volcano",
]
DRAWN = {
    "owl": range(24, 25),
    "cat": range(281, 286),
    "dog": range(151, 269),
    "lion": range(291, 292),
    "butterfly": range(321, 327),
    "snake": range(52, 69),
    "castle": range(483, 484),
    "dome": range(538, 539),
    "honeycomb": range(599, 600),
    "coral": range(973, 974),
    "jellyfish": range(107, 108),
    "starfish": range(327, 328),
    "nautilus": range(117, 118),
    "beetle": range(300, 308),
}
"""MotifNet's classes and the indices of ImageNet's that are the same or kinds of them."""
PLAIN = ["octaves=1", "precondition=none", "color_correlation=0", "noise=0", "fill=0"]
PLAIN += ["momentum=0", "coarse_momentum=0"]
WAYS = ("program", "plain ascent", "MotifNet")
VIEW = 224  # pixels of what the judge looks at
TOP = 5
VIEWS = 5


class Dream(NamedTuple):
    """A still to render: its ``way``, the ``name`` of its class, what the judge may say, and its settings."""

    way: str
    name: str
    right: Sequence[int]
    settings: Sequence[str]


def dreams(names: Sequence[str], network: Network) -> Iterator[Dream]:
    """The stills of these classes, in all ``WAYS``. Raises ConfigError for a class that ImageNet has not."""
    for name in names:
        index = network.class_index(name, "--classes")
        yield Dream("program", name, [index], [f'score.targets=["class:{name}"]'])
        settings = [f"dream.{setting}" for setting in PLAIN]
        yield Dream("plain ascent", name, [index], [f'score.targets=["classifier:{index}"]', *settings])
    for name, right in DRAWN.items():
        yield Dream("MotifNet", name, right, ["network=motifnet", f'score.targets=["class:{name}"]'])


def still(network: Network, settings: Sequence[str], size: int, frames: int) -> Tensor:
    """The last frame ``(1, 3, size, size)`` of a short zoom."""
    square = [f"frame.width={size}", f"frame.height={size}", f"duration={frames}f"]
    config = make_config(["score=constant", "camera=zoom", "precision=float32", *square, *settings])
    shot = build_shot(plan_film(config, Path.cwd(), "still").shots[0], network)
    *_, canvas = (shot.canvas, *shot.begin())
    *_, last = shot.render(canvas)
    return last.frame


def opinions(judge: Network, frame: Tensor) -> Tensor:
    """The judge's probabilities of the classes, ``(views, classes)``: the whole frame and its four quarters."""
    whole = F.interpolate(frame, size=(VIEW, VIEW), mode="bicubic", antialias=True)
    large = F.interpolate(frame, size=(2 * VIEW, 2 * VIEW), mode="bicubic", antialias=True)
    quarters = [large[..., y : y + VIEW, x : x + VIEW] for y in (0, VIEW) for x in (0, VIEW)]
    views = [view.clamp(0, 1) for view in (whole, *quarters)]
    with torch.no_grad():
        return torch.cat([judge.activations(view, ["logits"])["logits"].softmax(1) for view in views])


def hits(logits: Tensor, right: Sequence[int]) -> tuple[bool, bool]:
    """Whether one of these classes is among the first five of the mean, and of any view."""
    return _named(logits.mean(0), right), any(_named(view, right) for view in logits)


def _named(probabilities: Tensor, right: Sequence[int]) -> bool:
    return bool(set(probabilities.topk(TOP).indices.tolist()) & set(right))


def draw_sheet(path: Path, stills: Sequence[tuple[str, Tensor]], columns: int) -> None:
    """Save the stills, each with its words below."""
    cell, line = 192, 14
    rows = -(-len(stills) // columns)
    image = Image.new("RGB", (columns * cell, rows * (cell + line)))
    pen = ImageDraw.Draw(image)
    for number, (words, frame) in enumerate(stills):
        x, y = number % columns * cell, number // columns * (cell + line)
        pixels = (frame[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255).round().astype(np.uint8)
        image.paste(Image.fromarray(pixels).resize((cell, cell)), (x, y))
        pen.text((x + 2, y + cell), words[:34])
    image.save(path)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, required=True, help="weights of SqueezeNet 1.0")
    parser.add_argument("--classes", nargs="+", default=CLASSES, metavar="NAME")
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--size", type=int, default=256, help="pixels of a still's side")
    parser.add_argument("--frames", type=int, default=12, help="frames before the still")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="settings of all dreams")
    parser.add_argument("--sheet", type=Path, help="saves all stills, with what the judge sees in them")
    options = parser.parse_args(arguments)

    def build(config: NetworkConfig) -> Network:
        return model_zoo.build(config).to(torch.device("cpu"), torch.float32, deterministic=True)

    judge = build(NetworkConfig(name="squeezenet1_0", weights=str(options.judge)))
    networks = dict.fromkeys(("program", "plain ascent"), build(make_config(options.set).network))
    networks["MotifNet"] = build(make_config(["network=motifnet", *options.set]).network)
    tasks = [task for task in dreams(options.classes, networks["program"]) if task.way in options.ways]
    hits_by_kind: dict[str, list[tuple[bool, bool]]] = {}
    stills = []
    for seed in options.seeds:
        for task in tqdm(tasks, f"seed {seed}", disable=None):
            settings = [*task.settings, *options.set, f"seed={seed}"]
            frame = still(networks[task.way], settings, options.size, options.frames)
            logits = opinions(judge, frame)
            hits_by_kind.setdefault(task.way, []).append(hits(logits, task.right))
            stills.append((f"{task.name}: {judge.classes[int(logits.mean(0).argmax())]}", frame))
    print(f"{'':14}stills  mean  any")
    for way, results in hits_by_kind.items():
        mean, anywhere = (sum(column) / len(results) for column in zip(*results, strict=True))
        print(f"{way:14}{len(results):6}  {mean:4.0%}  {anywhere:4.0%}")
    print(f"{'chance':14}{'':6}        {VIEWS * TOP / len(judge.classes):4.1%}")
    if options.sheet:
        draw_sheet(options.sheet, stills, 10)


if __name__ == "__main__":
    main()
