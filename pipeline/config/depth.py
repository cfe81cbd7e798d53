"""How near the parts of a picture are in a flight."""

from dataclasses import dataclass

from pipeline.config.setting import option


@dataclass
class DepthConfig:
    """Where the relief of a flight and of two eyes comes from (``camera.relief``)."""

    weights: str | None = option(
        None,
        "file of a depth network: Depth Anything V2, or a segmentation network of torchvision with one channel; "
        "null: the relief comes from the picture's own contrasts",
    )
    large: str = option(
        "near",
        "what large numbers of the depth network mean: near (Depth Anything) or far (distances, as in metres)",
        choices=("near", "far"),
    )
