"""Weight files: a given file, torchvision's cache or a download. Hashed on every load, never unpickled."""

import re
import urllib.error
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import Tensor, nn

from pipeline.dream.weights_file import fit_network, read_checkpoint
from pipeline.errors import InputError
from pipeline.runtime.files import sha256_of

# Whole SHA-256 of published files, where they are publicly attested; the names of others carry its first digits.
PUBLISHED = {
    "vgg16-397923af.pth": "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    "resnet50-0676ba61.pth": "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
}


@dataclass(frozen=True)
class Weights:
    """A file of weights and the SHA-256 of its whole content, in hexadecimal."""

    path: Path
    sha256: str


def find_weights(network: str, given: str | None, url: str | None, name: str = "") -> Weights:
    """The file to load: ``given``, else torch's cache, else a download of ``url`` into that cache, as ``name``.

    A published file has the beginning of its SHA-256 in its name. The whole hash is written next to the file when it is
    first verified, and must be the same from then on. Raises InputError where there is no file, or another than the
    published one.
    """
    if given is not None:
        path = Path(given)
        if not path.is_file():
            raise InputError(f"network.weights={given}: there is no such file")
        return Weights(path, _sha256_of(path))
    assert url is not None
    path = Path(torch.hub.get_dir()) / "checkpoints" / (name or Path(urlparse(url).path).name)
    published = _published_hash(path.name)
    if not path.is_file():
        _download(network, url, path, published)
    weights, pin = Weights(path, _sha256_of(path)), path.with_name(f"{path.name}.sha256")
    published = max(published, _read_pin(pin), key=len)
    if not weights.sha256.startswith(published):
        raise InputError(
            f"{path} is damaged: its SHA-256 begins {weights.sha256[:8]}, the published one {published[:8]}; "
            f"delete it, or fetch {url} again"
        )
    with suppress(OSError):  # the cache may be read-only
        pin.write_text(weights.sha256, encoding="ascii")
    return weights


def load_weights(
    model: nn.Module,
    weights: Weights,
    network: str,
    convert: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = dict,
) -> nn.Module:
    """``model`` with its tensors from the file, in float32, and with as many classes as the file has.

    Raises InputError when the file is of another network.

    ``convert`` renames and combines the tensors of the file; it may raise KeyError or RuntimeError.
    """
    expected = model.state_dict()
    tensors = read_checkpoint(weights.path, expected)
    try:
        state = convert({name: tensor for name, tensor in tensors.items() if not _is_auxiliary(name)})
    except (KeyError, IndexError, RuntimeError) as error:
        raise InputError(f"network.weights={weights.path}: these are not weights of {network} ({error})") from error
    fit_network(model, state, weights.path)
    expected = model.state_dict()
    missing = [n for n in expected if n not in state and not n.endswith("num_batches_tracked")]
    foreign = [n for n in state if n not in expected]
    wrong = [n for n in expected if n in state and state[n].shape != expected[n].shape]
    if missing or foreign or wrong:
        reason = f"it lacks {missing[0]}" if missing else f"{foreign[0]} is not of this network" if foreign else ""
        if wrong:
            shapes = f"{tuple(state[wrong[0]].shape)} instead of {tuple(expected[wrong[0]].shape)}"
            reason = f"{wrong[0]} has shape {shapes}"
        raise InputError(f"network.weights={weights.path}: these are not weights of {network}: {reason}")
    for name, tensor in expected.items():
        if name in state and tensor.is_floating_point() and (problem := _problem(state[name])):
            raise InputError(f"network.weights={weights.path}: {name} {problem}")
    for name in expected:  # counters that old files lack and inference does not read
        state.setdefault(name, torch.zeros((), dtype=torch.long))
    state = {n: t.float() if t.is_floating_point() else t for n, t in state.items()}
    if not all(bool(t.isfinite().all()) for t in state.values() if t.is_floating_point()):
        raise InputError(f"network.weights={weights.path}: it holds numbers that are not finite")
    if not any(bool(t.any()) for t in state.values() if t.dim() > 1):
        raise InputError(f"network.weights={weights.path}: all its weights are 0; there is nothing to dream with")
    model.load_state_dict(state, assign=True)
    return model


def _problem(tensor: Tensor) -> str:
    """What keeps a tensor from being a plain table of numbers; empty if nothing does."""
    if tensor.is_meta:
        return "has a shape but no numbers (a meta tensor); save the network after its weights are loaded"
    if tensor.is_quantized:
        return "is quantised; save it with dequantize()"
    if tensor.layout != torch.strided or tensor.is_nested:
        return "is sparse or nested; save it with to_dense()"
    if not tensor.is_floating_point():
        kind = str(tensor.dtype).removeprefix("torch.")
        return f"holds {kind} numbers; save the original floating-point weights"
    return ""


def _is_auxiliary(name: str) -> bool:
    """Whether only training uses the tensor, or a program that counts operations."""
    return name.startswith(("aux1.", "aux2.", "AuxLogits.", "loss1.", "loss2.")) or name.endswith(
        ("total_ops", "total_params")
    )


def _published_hash(name: str) -> str:
    """The SHA-256 of a published file, or as much of it as its name tells."""
    match = re.search(r"-([0-9a-f]{8,64})\.", name)
    return PUBLISHED.get(name, match.group(1) if match else "")


def _read_pin(path: Path) -> str:
    """The SHA-256 from an earlier load; empty where there is none."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if re.fullmatch(r"[0-9a-f]{64}", text) else ""


def _sha256_of(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _download(network: str, url: str, path: Path, published: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix=published or None)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise InputError(
            f"the network {network} needs weights that could not be downloaded: fetch {url} elsewhere and put it at "
            f"{path}, or name a file with network.weights=FILE"
        ) from error
