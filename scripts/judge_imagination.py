"""Asks two classifiers what they see in a generator's samples, and prints how often they name the class.

    python scripts/judge_imagination.py                          the embedded generator: a few minutes
    python scripts/judge_imagination.py --weights generator.safetensors --count 8

MotifNet was trained on drawings by the same functions, in any pose, so it knows the motifs but is no stranger. The
other judge is the default network, which has never seen a drawing of the project: a sample belongs to the class whose
mean feature (of drawings that the generator learned from) is nearest. Fresh drawings show how well each judge does.
"""

import argparse
import sys
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.cli.compose import make_config
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.imagine.pictures import read_drawings
from pipeline.networks import motifnet
from pipeline.networks.trained_generator import load_generator

LAYER = "block13"  # of the default network
SIDE = 128  # pixels at which the judges look
LEARNED = 8  # drawings of each class whose mean feature stands for it


@torch.no_grad()
def main(arguments: list[str] | None = None) -> int:
    """Print a table: truncation, and the per cent that each judge names right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="file of a generator; default: the embedded one")
    parser.add_argument("--count", type=int, default=4, help="samples of each class")
    options = parser.parse_args(arguments)
    net, classes = load_generator(options.weights).generator, len(motifnet.CLASSES)
    learned, held_out = read_drawings(net.shape.size).split()
    means = torch.stack([features(learned.images[learned.labels == n][:LEARNED]).mean(0) for n in range(classes)])
    labels = torch.arange(classes).repeat_interleave(options.count)
    noise = torch.randn(len(labels), net.shape.latent, generator=torch.Generator().manual_seed(1))
    fresh = torch.cat([held_out.images[held_out.labels == n][: options.count] for n in range(classes)])
    rows = {"drawings": fresh} | {
        f"truncation {t}": (net(noise * t, torch.eye(classes)[labels]) * 255).to(torch.uint8) for t in (0.0, 0.7, 1.0)
    }
    print(f"{'':16}MotifNet  default network")
    for name, pictures in rows.items():
        motif = torch.cat([motifnet_names(part) for part in pictures.split(42)])
        other = torch.cat([features(part) @ means.T for part in pictures.split(42)]).argmax(1)
        shares = [float((answer == labels).float().mean()) for answer in (motif, other)]
        print(f"{name:16}{shares[0]:8.1%}{shares[1]:12.1%}", flush=True)
    return 0


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
