"""Asks three classifiers what they see in a generator's samples and dreams, and prints how often they name the class.

    python scripts/judge_imagination.py                          the embedded generator: ten minutes, once; then four
    python scripts/judge_imagination.py --weights generator.safetensors --count 8
    python scripts/judge_imagination.py --strict                 by a judge that colours do not help: an hour, once
    python scripts/judge_imagination.py --films off.mkv on.mkv   how long each subject of a film lasts

MotifNet was trained on drawings by the same functions, in any pose, and the generator learned by its features. The
*independent* judge is another architecture, trained here from scratch on other drawings
(``scripts/imagination_judge.py``). The third is the default network,
which has never seen a drawing of the project: a sample belongs to the class whose mean feature (of drawings that the
generator learned from) is nearest. Fresh drawings show how well each judge does. Dreams are pictures whose latent
point was moved until they fire MotifNet's class, from the class itself.

The strict judge is that of MotifNet's own dreams (``scripts/motifnet/evaluate.py``), in place of the independent one:
it was trained on sharp drawings in any colours, before any ground, in any pose, and knows nothing of soft pictures.
"""

import argparse
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.cli.compose import make_config
from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.imagine.pictures import read_drawings
from pipeline.inputs.latent_ascent import ascend
from pipeline.media.decode.probe import decode, probe
from pipeline.networks import motifnet
from pipeline.networks.generator import Generator
from pipeline.networks.trained_generator import load_generator
from scripts.imagination_judge import Judge, load_judge, probabilities
from scripts.motifnet import evaluate

LAYER = "block13"  # of the default network
SIDE = 128  # pixels at which the judges look
LEARNED = 8  # drawings of each class whose mean feature stands for it
JUDGE = Path("outputs/imagination-judge.pt")
STRICT = evaluate.Recipe(steps=700, count=96)


@torch.no_grad()
def main(arguments: list[str] | None = None) -> int:
    """Print a table: truncation, and the per cent that each judge names right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="file of a generator; default: the embedded one")
    parser.add_argument("--count", type=int, default=4, help="samples of each class")
    parser.add_argument("--dreams", type=int, default=1, help="dreams of each class")
    parser.add_argument("--strict", action="store_true", help="ask the judge of MotifNet's dreams instead")
    parser.add_argument("--films", type=Path, nargs="+", help="say of these films how long a subject lasts")
    options = parser.parse_args(arguments)
    if options.films:
        judge = load_judge(JUDGE)
        for film in options.films:
            print(film_measures(judge, film), flush=True)
        return 0
    names = strict_names() if options.strict else independent_names()
    net, classes = load_generator(options.weights).generator, len(motifnet.CLASSES)
    learned, held_out = read_drawings(net.shape.size).split()
    means = torch.stack([features(learned.images[learned.labels == n][:LEARNED]).mean(0) for n in range(classes)])
    labels = torch.arange(classes).repeat_interleave(options.count)
    noise = torch.randn(len(labels), net.shape.latent, generator=torch.Generator().manual_seed(1))
    rows = {"drawings": torch.cat([held_out.images[held_out.labels == n][: options.count] for n in range(classes)])}
    rows |= {f"truncation {t}": as_bytes(net(noise * t, torch.eye(classes)[labels])) for t in (0.0, 0.7, 1.0)}
    rows |= {"dreams": dreams(net, options.dreams)} if options.dreams else {}
    title = "strict" if options.strict else "independent"
    print(f"{'':16}MotifNet  {title:>11}  default network")
    for name, pictures in rows.items():
        expected = torch.arange(classes).repeat_interleave(len(pictures) // classes)
        motif = torch.cat([motifnet_names(part) for part in pictures.split(42)])
        independent = names(pictures.float() / 255)
        other = torch.cat([features(part) @ means.T for part in pictures.split(42)]).argmax(1)
        shares = [float((answer == expected).float().mean()) for answer in (motif, independent, other)]
        missed = sorted({motifnet.CLASSES[n] for n in expected[independent != expected].tolist()})
        print(f"{name:16}{shares[0]:8.1%}{shares[1]:13.1%}{shares[2]:17.1%}  {title}, missed: {missed}", flush=True)
    return 0


def independent_names() -> Callable[[Tensor], Tensor]:
    """Pictures ``(n, 3, S, S)`` in [0, 1] → class indices of the independent judge."""
    judge = load_judge(JUDGE)
    return lambda pictures: probabilities(judge, pictures).argmax(1)


def strict_names() -> Callable[[Tensor], Tensor]:
    """Pictures ``(n, 3, 64, 64)`` in [0, 1] → class indices of the judge of MotifNet's dreams."""
    judge = evaluate.load_judge(STRICT, JUDGE.parent, torch.device("cpu"), 2)
    return lambda pictures: evaluate.classify(judge, pictures)[1][:, : len(motifnet.CLASSES)].argmax(1)


def dreams(net: Generator, count: int) -> Tensor:
    """Pictures of ``net`` as bytes, ``count`` for each class, by gradient ascent on MotifNet's classes."""
    network, pictures = model_zoo.build(NetworkConfig(name="motifnet")), []
    for label in range(len(motifnet.CLASSES)):
        for seed in range(count):

            def value(picture: Tensor, label: int = label) -> Tensor:
                return network.activations(picture, ["verdict"])["verdict"][0, label].mean()

            pictures.append(as_bytes(net(*ascend(net, value, label, seed, 0.7))))
    return torch.cat(pictures)


def as_bytes(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] as bytes."""
    return (pictures * 255).to(torch.uint8)


def film_measures(judge: Judge, film: Path) -> str:
    """The median change between frames, of 255, and the longest time for which the judge names each class.

    It looks at the middle square of each frame, and at squares of two thirds of its height.
    """
    frames = torch.from_numpy(np.stack(list(decode(film)))).permute(0, 3, 1, 2)
    fps, (height, width) = float(probe(film).fps), frames.shape[2:]
    change = (frames[1:].float() - frames[:-1].float()).abs().mean((1, 2, 3)).median()
    side, left = height * 2 // 3, (width - height) // 2
    views = [frames[..., left : left + height]]
    views += [
        frames[:, :, top : top + side, start : start + side]
        for top in range(0, height - side + 1, side // 4)
        for start in range(0, width - side + 1, side // 3)
    ]
    parts = [probabilities(judge, view.float() / 255) for view in views]
    named = torch.stack(parts).amax(0) >= 0.5
    longest, now = torch.zeros(named.shape[1]), torch.zeros(named.shape[1])
    for frame in named:
        now = (now + 1) * frame
        longest = torch.maximum(longest, now)
    order = longest.argsort(descending=True)[:4].tolist()
    words = ", ".join(f"{motifnet.CLASSES[n]} {float(longest[n]) / fps:.1f} s" for n in order if longest[n])
    return f"{film}: median change {float(change):.1f} of 255; longest: {words or 'none'}"


def motifnet_names(pictures: Tensor) -> Tensor:
    """Class indices of bytes ``(n, 3, S, S)``."""
    return motifnet.load()(_enlarge(pictures)).mean((2, 3)).argmax(1)


@cache
def default_network() -> Network:
    """The network with which the program dreams by default."""
    return model_zoo.build(make_config([]).network)


def features(pictures: Tensor) -> Tensor:
    """Unit features ``(n, C)`` of bytes ``(n, 3, S, S)`` in the default network."""
    network = default_network()
    maps = [network.activations(picture[None], [LAYER])[LAYER].mean((2, 3)) for picture in _enlarge(pictures)]
    return F.normalize(torch.cat(maps), dim=1)


def _enlarge(pictures: Tensor) -> Tensor:
    return F.interpolate(pictures.float() / 255, size=(SIDE, SIDE), mode="bilinear", align_corners=False)


if __name__ == "__main__":
    sys.exit(main())
