"""The relief of a flight from a depth network: a file of the user's, whose layout its tensors show.

Known are Depth Anything V2, and the segmentation networks of torchvision with one channel. Files are read as those of
``network.weights``: nothing in them is run.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.config import DepthConfig
from pipeline.dream.weights import find_weights, load_weights
from pipeline.dream.weights_file import read_checkpoint
from pipeline.errors import ConfigError, InputError
from pipeline.motion.relief import SIDE, blur, nearness, standardised
from pipeline.networks.dpt import DepthAnything, head_for, layers_for
from pipeline.runtime.files import sha256_of

Depth = Callable[[Tensor], Tensor]
"""A canvas ``(1, 3, H, W)`` → how near its parts are, ``(1, 1, h, w)`` in (-1, 1)."""

NETWORK_SIDE = 252  # pixels of the short side that the network looks at
SMOOTH_PIXELS = 4  # standard deviation of a blur at the relief's size: edges bend instead of tearing
FLOOR = 0.02  # of the mean: what varies less is flat
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, on which these networks were trained
HEAD_WIDTH = 64  # of an attention head of DINOv2
LAYOUTS = "Depth Anything V2, and torchvision's lraspp, deeplabv3 and fcn with one channel"


def depth_of(config: DepthConfig, device: torch.device) -> Depth:
    """What says how near things are. Raises InputError for a file that holds no depth network."""
    if config.weights is None:
        return nearness
    return _load(config.weights, sha256_of(Path(config.weights)), config.large == "far", device)


class NetworkDepth:
    """How near the parts of a canvas are to a depth ``network``, whose input's sides ``multiple`` divides.

    ``is_far``: its large numbers are distances.
    """

    def __init__(self, network: nn.Module, multiple: int, is_far: bool, device: torch.device) -> None:
        self._network, self._multiple, self._is_far = network, multiple, is_far
        self._mean, self._deviation = (torch.tensor(each, device=device).view(1, 3, 1, 1) for each in (MEAN, DEVIATION))

    @torch.no_grad()
    def __call__(self, canvas: Tensor) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] → ``(1, 1, h, w)`` in (-1, 1), on average about 0."""
        short = min(canvas.shape[2:])
        height, width = (
            max(1, round(side * NETWORK_SIDE / short / self._multiple)) * self._multiple for side in canvas.shape[2:]
        )
        frame = F.interpolate(canvas.float(), size=(height, width), mode="bilinear", antialias=True)
        out = self._network((frame.clamp(0, 1) - self._mean) / self._deviation)
        level: Tensor = out["out"] if isinstance(out, dict) else out
        if not level.isfinite().all():
            raise InputError("depth.weights: the depth network gives numbers that are not finite")
        scale = min(1.0, SIDE / short)
        size = [max(8, round(side * scale)) for side in canvas.shape[2:]]
        level = F.interpolate(level, size=size, mode="bilinear", antialias=True)
        if self._is_far:
            level = -level.clamp(min=1e-3 * float(level.abs().max()) + 1e-9).log()
        floor = 0.1 if self._is_far else FLOOR * float(level.double().abs().mean()) + 1e-9
        return standardised(blur(level, SMOOTH_PIXELS * min(size) / SIDE), floor).to(canvas.dtype)


@lru_cache(maxsize=1)
def _load(path: str, sha256: str, is_far: bool, device: torch.device) -> NetworkDepth:
    try:
        tensors = read_checkpoint(Path(path), ())
        build = _transformer if "depth_head.projects.0.weight" in tensors else _torchvision
        network, multiple = build(tensors)
        load_weights(network, find_weights("", path, None), "a depth network", _without_unused)
    except KeyError as error:
        example = next(iter(tensors), "")
        words = f"it is of no depth network that is known ({LAYOUTS}); it has {example}"
        raise InputError(f"depth.weights={path}: {words}") from error
    except ValueError as error:
        raise InputError(f"depth.weights={path}: {error}") from error
    except InputError as error:
        raise InputError(str(error).replace("network.weights", "depth.weights")) from error
    return NetworkDepth(network.eval().requires_grad_(False).to(device), multiple, is_far, device)


def _transformer(tensors: Mapping[str, Tensor]) -> tuple[nn.Module, int]:
    """(the network, sides of its patches). KeyError for a file of another layout."""
    try:
        from timm.models.vision_transformer import VisionTransformer
    except ModuleNotFoundError as missing:
        raise ConfigError("depth.weights", "…", "Depth Anything needs timm: pip install timm") from missing
    patches = tensors["pretrained.patch_embed.proj.weight"]
    width, patch = len(patches), patches.shape[3]
    blocks = sum(name.startswith("pretrained.blocks.") and name.endswith(".norm1.weight") for name in tensors)
    places = tensors["pretrained.pos_embed"].shape[1] - 1
    with torch.device("meta"):
        vit = VisionTransformer(
            img_size=round(places**0.5) * patch,
            patch_size=patch,
            embed_dim=width,
            depth=blocks,
            num_heads=max(1, width // HEAD_WIDTH),
            init_values=1.0,
            num_classes=0,
            dynamic_img_size=True,
        )
    return DepthAnything(vit, head_for(tensors), layers_for(blocks)), patch


def _torchvision(tensors: Mapping[str, Tensor]) -> tuple[nn.Module, int]:
    """(the network, what divides its sides well). KeyError for a file of another layout, ValueError for several
    channels.
    """
    from torchvision.models import segmentation

    heads = {"lraspp": "classifier.cbr.0.weight", "deeplabv3": "classifier.0.convs.0.0.weight"}
    heads["fcn"] = last = "classifier.4.weight"
    bodies = {"resnet101": "backbone.layer3.22.conv1.weight", "resnet50": "backbone.layer1.0.conv1.weight"}
    head = next((name for name, tensor in heads.items() if tensor in tensors), "")
    body = next((name for name, tensor in bodies.items() if tensor in tensors), "mobilenet_v3_large")
    build = getattr(segmentation, f"{head}_{body}", None)
    if build is None:
        raise KeyError(head)
    last = "classifier.high_classifier.weight" if head == "lraspp" else last
    if len(tensors[last]) != 1:
        raise ValueError(f"it has {len(tensors[last])} channels; a depth network has one")
    with torch.device("meta"):
        network: nn.Module = build(weights=None, weights_backbone=None, num_classes=1)
    return network, 32


def _without_unused(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that are not for training alone."""
    return {
        name: tensor
        for name, tensor in state.items()
        if not name.startswith("aux_classifier.") and name != "pretrained.mask_token"
    }
