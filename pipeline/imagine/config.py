"""The settings of a training. No torch."""

from dataclasses import dataclass

from pipeline.config.setting import option

MODELS = ("vae",)
SIZES = ("8", "16", "32", "64", "128", "256")


@dataclass
class TrainConfig:
    """Which model learns from which pictures, and how."""

    model: str = option("vae", "variational autoencoder", choices=MODELS)
    pictures: str | None = option(
        None, "folder of pictures, or of a folder for each class; null: the project's own drawings"
    )
    size: str = option("64", "pixels on a picture's side", choices=SIZES)
    latent: int = option(48, "numbers of a latent point", low=1, high=1024)
    steps: int = option(3000, "steps of the training", low=1, high=10_000_000)
    batch: int = option(32, "pictures in a step", low=2, high=4096)
    rate: float = option(2e-3, "step size of the optimiser at its highest", low=1e-6, high=1.0)
    beta: float = option(
        2.0, "weight of the information in a latent point: higher, smoother and vaguer", low=0, high=100
    )
    free_bits: float = option(0.05, "bits of each latent number that cost nothing", low=0, high=8)
    perceptual: float = option(
        1.0, "weight of errors in MotifNet's features, against fog; 0: pixels alone", low=0, high=10
    )
    every: int = option(250, "steps between sample sheets, and between saved states", low=1, high=1_000_000)
