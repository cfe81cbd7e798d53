"""The settings of a training. No torch."""

from dataclasses import dataclass

from pipeline.config.setting import option, settings
from pipeline.errors import ConfigError
from pipeline.networks.generator_header import MAX_SIZES

MODELS = tuple(MAX_SIZES)
DREAMS = ".dreams.mp4"
"""Suffix of the film of dreams, next to the output."""
OWN = {"beta": "vae", "free_bits": "vae", "perceptual": "vae", "draws": "helmholtz"}
"""Settings of one model, and its name."""
SIZES = ("8", "16", "32", "64", "128", "256")


@dataclass
class TrainConfig:
    """Which model learns from which pictures, and how."""

    model: str = option(
        "vae", "variational autoencoder, Helmholtz machine, or generator against critic", choices=MODELS
    )
    pictures: str | None = option(
        None, "folder of pictures, or of a folder for each class; null: the project's own drawings"
    )
    size: str = option("64", "pixels on a picture's side", choices=SIZES)
    latent: int = option(48, "numbers of a latent point", low=1, high=1024)
    steps: int = option(3000, "steps of the training", low=1, high=10_000_000)
    batch: int = option(32, "pictures in a step", low=2, high=4096)
    rate: float | None = option(
        None, "step size of the optimiser at its highest; null: what suits the model", low=1e-6, high=1.0
    )
    beta: float = option(
        2.0, "vae: weight of the information in a latent point: higher, smoother and vaguer", low=0, high=100
    )
    free_bits: float = option(0.05, "vae: bits of each latent number that cost nothing", low=0, high=8)
    perceptual: float = option(
        1.0, "vae: weight of errors in MotifNet's features, against fog; 0: pixels alone", low=0, high=10
    )
    draws: int = option(
        1, "helmholtz: what it sees in a picture, drawn so often; 1 is wake-sleep, more is reweighted", low=1, high=64
    )
    dreams: bool = option(False, "a film of what the model dreams while it learns, next to the output")
    ages: bool = option(False, "keep five earlier states in the file, for imagine.age in a film")
    every: int = option(250, "steps between sample sheets, and between saved states", low=1, high=1_000_000)


def check_model(own: TrainConfig) -> None:
    """Raise ConfigError for a size or a setting that the model does not have."""
    largest = MAX_SIZES[own.model]
    if int(own.size) > largest:
        raise ConfigError("size", own.size, f"model={own.model} makes pictures of up to {largest} pixels")
    plain = TrainConfig()
    for key, _, value in settings(own):
        if OWN.get(key, own.model) != own.model and value != getattr(plain, key):
            raise ConfigError(key, value, f"it is of model={OWN[key]}, and this is model={own.model}")
