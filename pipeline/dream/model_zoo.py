"""The networks by name: the embedded one, and torchvision's with their published weights and short layer names."""

import re
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torchvision import models

from pipeline.config import NetworkConfig
from pipeline.dream.feature_extractor import LOGITS
from pipeline.dream.network import Network
from pipeline.dream.weights import Weights, find_weights, fit
from pipeline.errors import ConfigError, nearest
from pipeline.networks import motifnet


def build(config: NetworkConfig) -> Network:
    """The network that ``config`` names, on the CPU, weights loaded and verified.

    Raises ConfigError for an unknown name, InputError for weights that are missing, damaged or of another network.
    """
    if config.name == "motifnet":
        path = Path(config.weights) if config.weights else motifnet.WEIGHTS
        weights = find_weights("motifnet", str(path), None)
        with torch.random.fork_rng(devices=[]):  # its first weights are drawn for nothing
            model: nn.Module = fit(motifnet.DreamingMotifNet(), weights, "motifnet")
        plain = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))  # it centres its input itself
        return Network("motifnet", model, motifnet.CLASSES, weights, class_layer="verdict", normalisation=plain)
    known = models.list_models(module=models)
    if config.name not in known:
        raise ConfigError(
            "network.name",
            config.name,
            f"no such network{nearest(config.name, ['motifnet', *known])}",
        )
    published = _published(config.name)
    weights = find_weights(config.name, config.weights, published.url)
    return dress(config.name, fit(architecture(config.name), weights, config.name), weights)


def dress(name: str, model: nn.Module, weights: Weights) -> Network:
    """A torchvision model with the names its layers and classes go by."""
    family = re.split(r"[_\d]", name)[0]
    return Network(
        name,
        model,
        tuple(_published(name).meta["categories"]),
        weights,
        short_names=_short_names(model, family),
        # SqueezeNet's logits are cut off at 0; the map before that also says how far a class is.
        class_layer="classifier.1" if family == "squeezenet" else LOGITS,
        channel_dim=3 if family == "swin" else 1,
    )


def _published(name: str) -> Any:
    """The first ImageNet weights published: recipes since then classify better and dream worse."""
    known = models.get_model_weights(name)
    return known["IMAGENET1K_V1"] if "IMAGENET1K_V1" in known.__members__ else next(iter(known))


def architecture(name: str) -> nn.Module:
    """The bare network on the meta device; auxiliary heads, which only training uses, are left out."""
    extra: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        extra = {"aux_logits": False, "transform_input": True, "init_weights": False}
    model: nn.Module
    try:
        with torch.device("meta"):
            model = models.get_model(name, weights=None, **extra)
    except NotImplementedError:  # a few compute their widths with tensors; theirs are drawn for nothing
        with torch.random.fork_rng(devices=[]):
            model = models.get_model(name, weights=None, **extra)
    return model


def _short_names(model: nn.Module, family: str) -> dict[str, str]:
    """The field's own names for some layers: ``fire9``, ``conv4_3``, ``dense3``, ``stage5``; shallow to deep."""
    if family == "vgg":
        return _vgg_names(cast(nn.Sequential, model.features))
    if family == "squeezenet":
        features = cast(nn.Sequential, model.features).named_children()
        fires = [f"features.{index}" for index, module in features if type(module).__name__ == "Fire"]
        return {f"fire{n}": name for n, name in enumerate(fires, start=2)} | {"conv10": "classifier.1"}
    pattern = {
        "densenet": (r"features\.denseblock(\d+)", "dense"),
        "convnext": (r"features\.(\d+)", "stage"),
        "efficientnet": (r"features\.(\d+)", "stage"),
        "mobilenet": (r"features\.(\d+)", "stage"),
        "regnet": (r"trunk_output\.block(\d+)", "stage"),
    }.get(family)
    if pattern is None:
        return {}
    found = ((re.fullmatch(pattern[0], name), name) for name, _ in model.named_modules())
    return {f"{pattern[1]}{match.group(1)}": name for match, name in found if match}


def _vgg_names(features: nn.Sequential) -> dict[str, str]:
    found, block, number = {}, 1, 0
    for index, module in enumerate(features):
        if isinstance(module, nn.Conv2d):
            number += 1
            found[f"conv{block}_{number}"] = f"features.{index}"
        elif isinstance(module, nn.ReLU):
            found[f"relu{block}_{number}"] = f"features.{index}"
        elif isinstance(module, nn.MaxPool2d):
            found[f"pool{block}"] = f"features.{index}"
            block, number = block + 1, 0
    return found
