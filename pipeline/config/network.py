"""Which network dreams, with which weights and layers."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option
from pipeline.errors import ConfigError

NETWORKS = (
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "motifnet",
    "squeezenet1_0",
    "squeezenet1_1",
    "googlenet",
    "bvlc_googlenet",
    "inception_v3",
    "vgg16",
    "vgg19",
    "resnet50",
    "densenet121",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "convnext_tiny",
)


@dataclass
class NetworkConfig:
    """The network that dreams."""

    name: str = option(
        "efficientnet_lite0", "efficientnet_lite0 to 2, motifnet, or one of torchvision, timm, open_clip"
    )
    library: str = option(
        "", "whose network it is: timm, open_clip, or empty for all others", choices=("", "timm", "open_clip")
    )
    weights: str | None = option(None, "file of weights, .safetensors or .pth; null: from the cache, else a download")
    others: Any = option(
        None, "networks that targets name, as class:cliff@places: {places: {name: resnet50, weights: places.pth}}"
    )
    class_names: str | None = option(
        None, "file with the names of the classes, one a line; null: ImageNet's if there are as many, else numbers"
    )
    crops: int = option(4, "random crops of the frame that open_clip's networks look at in each step", low=1, high=64)
    min_crop: float = option(0.4, "size of the smallest crop, of the frame's short side", low=0.1, high=1)
    layers: list[str] = option([], "layers of randomly drawn channels, if score.layers is empty")
    default_targets: list[Any] = option([], "targets if score.targets is empty")
    class_support: list[Any] = option(
        [], "what calms class targets: a weighted sum of layers added to each, for a weight of 1"
    )
    stochastic_depth: float = option(
        0.0,
        "how likely a step for classes leaves out the last residual block, earlier ones less; whole animals, faster",
        low=0,
        high=1,
    )
    guide_layer: str = option(
        "",
        "layer of guides that name none; empty: that of the first of network.default_targets, else of network.layers",
    )
    precision: str = option(
        "float32",
        "what precision=auto means on CPUs with bfloat16 instructions",
        choices=("float32", "bfloat16"),
    )
    channels_last: Any = option(
        "auto", "memory layout of activations; auto is false; on CUDA in half precision it is always true"
    )

    @property
    def full_name(self) -> str:
        """The name among the networks of all libraries."""
        return f"{self.library}/{self.name}" if self.library else self.name


def check_channels_last(channels_last: Any) -> None:
    """Raise ConfigError unless it is a value of ``network.channels_last``."""
    if channels_last != "auto" and not isinstance(channels_last, bool):
        raise ConfigError("network.channels_last", channels_last, "allowed are auto, true and false")
