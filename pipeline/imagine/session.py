"""One training from settings to a file: pictures, device, states, the finished mind with its card."""

from dataclasses import asdict
from pathlib import Path

import torch

from pipeline.config import RenderConfig
from pipeline.imagine.config import TrainConfig
from pipeline.imagine.mind_file import write_mind
from pipeline.imagine.pictures import read_drawings
from pipeline.imagine.train import Training
from pipeline.pictures.folder import read_folder
from pipeline.pictures.trainer import Setting
from pipeline.runtime.device import DTYPES, choose_device, has_bfloat16


def train_mind(config: RenderConfig, own: TrainConfig, output: Path) -> Path:
    """Train, resuming an earlier run of the same settings; returns ``output``. Raises RenderError kinds."""
    device = choose_device(config.device, config.deterministic)
    size = int(own.size)
    pictures = read_folder(Path(own.pictures), size, config.limits) if own.pictures else read_drawings(size)
    state = output.with_name(f"{output.name}.training")
    if not config.resume:
        state.unlink(missing_ok=True)
    setting = Setting(device, _dtype(config.precision, device), config.seed, state, output.with_suffix(".sheet.png"))
    training = Training(own, pictures, setting)
    training.run()
    card = {
        "classes": list(pictures.classes),
        "pictures": {"source": pictures.source, "count": len(pictures.labels), "sha256": pictures.sha256()},
        "settings": asdict(own) | {"seed": config.seed},
        "bits_per_dimension": training.history,
        "measured_on": f"{len(training.held_out.labels)} pictures that training never used",
    }
    shape = {"size": size, "latent": own.latent}
    write_mind(training.finish(), own.model, shape, card, output)
    state.unlink(missing_ok=True)
    return output


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of convolutions."""
    if precision != "auto":
        return DTYPES[precision]
    fast = device.type == "cuda" or (device.type == "cpu" and has_bfloat16())
    return torch.bfloat16 if fast else torch.float32
