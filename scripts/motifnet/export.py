"""Writes and reads the weight file that the program ships."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from pipeline.errors import InputError
from pipeline.networks.motifnet import MotifNet
from scripts.motifnet.motifs import MOTIFS


def write(net: MotifNet, path: Path) -> None:
    """Writes a folded network as half-precision safetensors with the class names in its header."""
    weights = {name: tensor.detach().half().contiguous() for name, tensor in net.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(weights, partial, metadata={"classes": ",".join(MOTIFS)})
    partial.chmod(0o644)
    partial.replace(path)
    print(f"{path}: {sum(t.numel() for t in weights.values()):,} numbers, {path.stat().st_size / 1e6:.2f} MB")


def read(path: Path) -> MotifNet:
    """The folded network in such a file, frozen, with as many classes as it has.

    Raises InputError if the file is missing or holds something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        weights = {name: tensor.float() for name, tensor in load_file(path).items()}
        with torch.device("meta"):
            net = MotifNet(len(weights["head.bias"]))
        net.load_state_dict(weights, assign=True)
    except (SafetensorError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"{path}: holds no weights of MotifNet") from error
    return net.eval().requires_grad_(False)


def classes(path: Path) -> list[str]:
    """The class names in such a file's header; empty if it has none."""
    with safe_open(path, "pt") as file:
        return [name for name in (file.metadata() or {}).get("classes", "").split(",") if name]
