"""Networks of timm: any classifier that takes frames of any size, with the weights that its authors published.

Transformers interpolate their position embeddings; the last row and column of patches are padded.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.config import NetworkConfig
from pipeline.dream.layout import Tokens
from pipeline.dream.network import Anatomy, Network
from pipeline.dream.weights import Weights, find_weights, load_weights
from pipeline.dream.weights_file import name_classes
from pipeline.errors import ConfigError, InputError, nearest

try:
    import timm
    from huggingface_hub import try_to_load_from_cache
    from timm.data import ImageNetInfo, infer_imagenet_subset
    from timm.layers import get_notrace_functions, get_notrace_modules
except ModuleNotFoundError as missing:
    raise ConfigError("network", "timm", "install it with: pip install timm") from missing

# What transformers are told to take frames of any size, the first that the network knows.
FREE_SIZES: tuple[dict[str, bool], ...] = (
    {"dynamic_img_size": True},
    {"strict_img_size": False},
    {},
)
_PART = re.compile(r"(block|stage|layer|level)s?[._]?(\d+)(?:\.(?:blocks?\.|layers?\.)?(\d+))?")


def build(config: NetworkConfig, imagenet: tuple[str, ...]) -> Network:
    """The network of ``config``, on the CPU, weights loaded; ``imagenet`` are the names of ImageNet's classes.

    Raises ConfigError for an unknown name, InputError for weights that are missing, damaged or of another network.
    """
    name = config.name
    known = timm.list_pretrained() if "." in name else timm.list_models()
    if name not in known:
        raise ConfigError("network.name", name, f"timm has no such network{nearest(name, known)}")
    weights = _find_weights(name, config.weights)
    model = architecture(name)
    load_weights(model, weights, name, lambda state: _convert(state, model))
    return dress(name, model, weights, imagenet, config.class_names)


def architecture(name: str) -> nn.Module:
    """The network with random weights. Not on the meta device: tables that no file has must be filled."""
    with torch.random.fork_rng(devices=[]):
        for options in FREE_SIZES:
            with suppress(TypeError):  # it does not know the options
                model: nn.Module = timm.create_model(name, pretrained=False, **options)
                break
    if hasattr(getattr(model, "patch_embed", None), "dynamic_img_pad"):
        model.patch_embed.dynamic_img_pad = True  # type: ignore[union-attr]
    return model


def dress(
    name: str, model: nn.Module, weights: Weights, imagenet: tuple[str, ...], class_names: str | None = None
) -> Network:
    """A model of timm as a network, with short names of its layers and its classes."""
    published: Any = model.pretrained_cfg
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", None)
    patch = (patch, patch) if isinstance(patch, int) else patch
    prefix = getattr(model, "num_prefix_tokens", None)
    names = {short: full for full, _ in model.named_modules() if (short := _short_name(full))}
    anatomy = Anatomy(
        {short: full for short, full in names.items() if "." not in short},
        names,
        normalisation=(published["mean"], published["std"]),
        tokens=Tokens(patch, prefix) if patch and prefix is not None else None,
        leaves=(*get_notrace_modules(), *get_notrace_functions()),
    )
    has_classes = getattr(model, "num_classes", 0) > 0
    classes = name_classes(model, _labels(model) or imagenet, class_names) if has_classes else ()
    return Network(f"timm/{name}", model, classes, weights, anatomy)


def _find_weights(name: str, given: str | None) -> Weights:
    """The given file, else the published one from the cache of timm's host or of torch, else a download."""
    if given is not None:
        return find_weights(name, given, None)
    published = timm.get_pretrained_cfg(name)
    if published is None or not published.has_weights:
        raise InputError(f"timm publishes no weights for {name}; name a file with network.weights=FILE")
    if not published.hf_hub_id:
        return find_weights(name, None, published.url)
    hub, file = published.hf_hub_id, published.hf_hub_filename or "model.safetensors"
    cached = try_to_load_from_cache(hub, file)
    url = f"https://huggingface.co/{hub}/resolve/main/{file}"
    return find_weights(name, cached if isinstance(cached, str) else None, url, f"{name}{Path(file).suffix}")


def _convert(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The tensors under timm's names, for its own resolution; of other programs' files as timm converts them."""
    expected = model.state_dict()
    sizes = (name for name in expected if "pos_embed" in name)
    if expected.keys() <= state.keys() and all(state[name].shape == expected[name].shape for name in sizes):
        return dict(state)
    convert = getattr(import_module(type(model).__module__), "checkpoint_filter_fn", None)
    return dict(convert(dict(state), model)) if convert else dict(state)


def _labels(model: nn.Module) -> tuple[str, ...]:
    """The names of the classes of larger ImageNets; empty for other networks."""
    subset = infer_imagenet_subset(model)
    names = ImageNetInfo(subset).label_descriptions() if subset and subset != "imagenet-1k" else []
    return tuple(name.partition(",")[0] for name in names)


def _short_name(full: str) -> str:
    """``blocks.3`` → ``block3``, ``stages.2.blocks.5`` → ``stage2.5``; empty for other modules."""
    match = _PART.fullmatch(full)
    return "" if match is None else f"{match[1]}{match[2]}" + (f".{match[3]}" if match[3] else "")
