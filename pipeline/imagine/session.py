"""One training from settings to a file: pictures, device, states, the finished generator with its card."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.config import RenderConfig
from pipeline.imagine.config import TrainConfig
from pipeline.imagine.dream_film import DreamFilm
from pipeline.imagine.gan import GanTraining
from pipeline.imagine.generator_file import write_generator
from pipeline.imagine.helmholtz import HelmholtzTraining
from pipeline.imagine.pictures import read_drawings
from pipeline.imagine.train import Training
from pipeline.imagine.vae import VaeTraining
from pipeline.pictures.folder import read_folder
from pipeline.pictures.trainer import Setting
from pipeline.runtime.device import choose_device, training_dtype

TRAININGS: dict[str, type[Training[Any]]] = {"vae": VaeTraining, "helmholtz": HelmholtzTraining, "gan": GanTraining}


def train_mind(config: RenderConfig, own: TrainConfig, output: Path) -> Path:
    """Train, resuming an earlier run of the same settings; returns ``output``. Raises RenderError kinds."""
    device = choose_device(config.device, config.deterministic)
    size = int(own.size)
    pictures = read_folder(Path(own.pictures), size, config.limits) if own.pictures else read_drawings(size)
    state = output.with_name(f"{output.name}.training")
    film = DreamFilm(output, own, len(pictures.classes)) if own.dreams else None
    if not config.resume:
        state.unlink(missing_ok=True)
        if film:
            film.clear()
    setting = Setting(
        device, training_dtype(config.precision, device), config.seed, state, output.with_suffix(".sheet.png")
    )
    training = TRAININGS[own.model](own, pictures, setting, film)
    training.run()
    card = {
        "classes": list(pictures.classes),
        "pictures": {"source": pictures.source, "count": len(pictures.labels), "sha256": pictures.sha256()},
        "settings": asdict(own) | {"seed": config.seed},
        training.measured: training.history,
        "measured_on": f"{len(training.held_out.labels)} pictures that training never used",
    }
    shape = {"size": size, "latent": own.latent, "ages": len(training.ages)}
    write_generator(training.finish(), own.model, shape, card, output, training.ages)
    state.unlink(missing_ok=True)
    return output
