"""The settings of a training. No torch."""

from dataclasses import dataclass

from pipeline.config.setting import option
from pipeline.networks.trained_header import BASES

SIZES = ("48", "64", "80", "96", "112", "128", "160", "192", "224")


@dataclass
class TrainConfig:
    """Which network learns which pictures, and how."""

    pictures: str | None = option(None, "folder with a folder of pictures for each class, or with pictures alone")
    base: str = option("motifnet", "network whose weights the training starts from", choices=BASES)
    steps: int = option(600, "steps of the training", low=1, high=10_000_000)
    batch: int = option(32, "pictures in a step", low=4, high=4096)
    size: str = option("64", "pixels on a picture's side", choices=SIZES)
    rate: float = option(2e-3, "step size of the optimiser at its highest", low=1e-6, high=1.0)
    attack: float = option(
        1.0,
        "adversarial training: how far pictures are moved towards a wrong answer (L2 on 64x64 pixels); 0: not",
        low=0,
        high=20,
    )
    attack_steps: int = option(1, "gradient steps of this attack", low=1, high=50)
    augment: float = option(1.0, "how much pictures are turned, cropped and recoloured at random", low=0, high=2)
    nothing: float = option(
        0.35,
        "fraction of pictures that are scrambled or blurred and teach what is no motif; textures: 0",
        low=0,
        high=0.8,
    )
    clusters: int = option(6, "classes in a folder without folders, by similarity", low=2, high=100)
    every: int = option(50, "steps between saved states", low=1, high=1_000_000)
