"""Reads checkpoints of trained networks: nested tables, prefixed names, other numbers of classes, grey first layers.

Nothing in a file is executed: pickles are read with ``weights_only``.
"""

import argparse
import codecs
import logging
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.errors import InputError
from pipeline.networks.caffemodel import read_caffemodel
from pipeline.targets.class_names import read_class_names

log = logging.getLogger(__name__)
MAX_DEPTH = 4  # of nested tables
GREY = (0.299, 0.587, 0.114)  # brightness of red, green and blue
_SCALAR = np.float64(0).__reduce__()[0]  # what makes a number of numpy again
# What training scripts store next to the weights. None of it runs anything.
_PLAIN: list[Any] = [
    *(argparse.Namespace, codecs.encode, np.dtype, *(type(np.dtype(kind)) for kind in ("f4", "f8", "i4", "i8"))),
    *((_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
]


def read_checkpoint(path: Path, names: Collection[str]) -> dict[str, Tensor]:
    """The tensors in a file for a network whose tensors have these ``names``, without wrappers and prefixes.

    Of several tables (``state_dict``, ``model``, ``ema`` …) the one with most of the names; of equal ones the average
    (``ema``). Raises InputError for a file that is no checkpoint.
    """
    tables = list(_tables(_load(path, path.suffix == ".safetensors")))
    if not tables:
        raise InputError(f"network.weights={path}: not a table of tensors")
    _, best = max(tables, key=lambda each: (len(_parts(each[1], names)), "ema" in each[0], len(each[1])))
    return _parts(best, names) or _without_common_prefix(best)


def fit_network(model: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Make ``model`` and the tensors of a file agree where they may: the number of classes, a grey first layer."""
    head, last = _weighted(model)[-1]
    weight = state.get(f"{head}.weight")
    if weight is not None and weight.shape[1:] == last.weight.shape[1:] and len(weight) != len(last.weight):
        for name, old in list(last.named_parameters(recurse=False)):
            shape = (len(weight), *old.shape[1:])
            setattr(last, name, nn.Parameter(torch.empty(shape, device="meta"), requires_grad=False))
        setattr(last, "out_features" if isinstance(last, nn.Linear) else "out_channels", len(weight))
    stem, first = _weighted(model)[0]
    grey = state.get(f"{stem}.weight")
    if (
        grey is not None
        and grey.shape == (len(first.weight), 1, *first.weight.shape[2:])
        and first.weight.shape[1] == 3
    ):
        state[f"{stem}.weight"] = grey.float() * torch.tensor(GREY).view(1, 3, 1, 1)
        note = f"network.weights={path.name} is for grey pictures: it looks at the brightness of each frame"
        log.info(note, extra={"once": True})


def name_classes(model: nn.Module, usual: tuple[str, ...], file: str | None) -> tuple[str, ...]:
    """The names of the classes: those in the file, else the usual ones where there are as many, else numbers."""
    names, count = read_class_names(Path(file)) if file else usual, len(_weighted(model)[-1][1].weight)
    if file and len(names) != count:
        raise InputError(f"network.class_names={file}: it has {len(names)} names; the network has {count} classes")
    return names if len(names) == count else tuple(map(str, range(count)))


def _weighted(model: nn.Module) -> list[tuple[str, nn.Linear | nn.Conv2d]]:
    return [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Linear | nn.Conv2d)]


def _load(path: Path, safe: bool) -> Any:
    try:
        if safe:
            return load_file(path)
        if path.suffix == ".caffemodel":
            return read_caffemodel(path)
        with warnings.catch_warnings(), torch.serialization.safe_globals(_PLAIN):
            warnings.simplefilter("ignore")  # about pickles, which are refused in the next line
            return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError) as error:
        kind = "safetensors file" if safe else "file of weights"
        raise InputError(f"network.weights={path}: not a readable {kind} ({error})") from error
    except ValueError as error:
        raise InputError(f"network.weights={path}: it is damaged ({error})") from error
    except Exception as error:  # torch.load fails in many ways on files that are not its own
        advice = "save model.state_dict(), not the model"
        message = f"network.weights={path}: not a file of plain weights; nothing in it was run; {advice}"
        raise InputError(message) from error


def _tables(tree: Any, key: str = "", depth: int = MAX_DEPTH) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Every table of tensors in nested tables, with the keys that lead to it."""
    if not isinstance(tree, Mapping) or not depth:
        return
    table = {str(name): value for name, value in tree.items() if isinstance(value, Tensor)}
    if table:
        yield key, table
    for name, value in tree.items():
        yield from _tables(value, f"{key}.{name}", depth - 1)


def _parts(table: Mapping[str, Tensor], names: Collection[str]) -> dict[str, Tensor]:
    """The tensors under the prefix (``module.``, ``model.`` …) with which most of ``names`` are there; {} if none is.

    Of a file without prefix all tensors, also those of other names.
    """
    prefixes = Counter(name[: -len(each)] for name in table for each in _endings(name) if each in names)
    if not prefixes:
        return {}
    prefix = prefixes.most_common(1)[0][0]
    return {name.removeprefix(prefix): tensor for name, tensor in table.items() if name.startswith(prefix)}


def _endings(name: str) -> Iterator[str]:
    """``a.b.c`` → ``a.b.c``, ``b.c``, ``c``."""
    parts = name.split(".")
    return (".".join(parts[start:]) for start in range(len(parts)))


def _without_common_prefix(table: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors by their names without the words before dots that all of them begin with."""
    first = f"{next(iter(table)).partition('.')[0]}."
    if not all(name.startswith(first) for name in table):
        return dict(table)
    return _without_common_prefix({name.removeprefix(first): tensor for name, tensor in table.items()})
