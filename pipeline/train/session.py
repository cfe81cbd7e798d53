"""One training from settings to a file: pictures, classes, device, states, the finished network with its card."""

import logging
import shlex
from dataclasses import asdict, replace
from pathlib import Path

import torch

from pipeline.config import RenderConfig
from pipeline.errors import InputError
from pipeline.networks.trained_header import MAX_CLASSES, NOTHING, class_names
from pipeline.pictures.folder import Pictures, read_folder
from pipeline.pictures.trainer import Setting
from pipeline.runtime.device import choose_device, training_dtype
from pipeline.train.classifier import write_network
from pipeline.train.clusters import with_clusters
from pipeline.train.config import TrainConfig
from pipeline.train.training import Training

log = logging.getLogger(__name__)
MIN_IN_CLASS = 4
MARGIN = 1.25  # pixels that are read, to those that are learned: random crops
MEASURED_ATTACK = 1.0  # L2 on 64×64 pixels


def train_network(config: RenderConfig, own: TrainConfig, output: Path) -> Path:
    """Train, resuming an earlier run of the same settings; returns ``output``. Raises RenderError kinds."""
    device = choose_device(config.device, config.deterministic)
    pictures = _pictures(config, own)
    state = output.with_name(f"{output.name}.training")
    if not config.resume:
        state.unlink(missing_ok=True)
    dtype = training_dtype(config.precision, device)
    training = Training(own, pictures, Setting(device, dtype, config.seed, state, output.with_suffix(".sheet.png")))
    training.run()
    epsilon = MEASURED_ATTACK * int(own.size) / 64
    accuracy, attacked = training.accuracy(), training.accuracy(epsilon)
    held_out = len(training.held_out.labels)
    counts = torch.bincount(pictures.labels, minlength=len(pictures.classes)).tolist()
    card = {
        "base": {"name": own.base, "sha256": training.net.weights.sha256},
        "pictures": {
            "folder": Path(pictures.source).resolve().name,
            "classes": dict(zip(pictures.classes, counts, strict=True)),
            "sha256": pictures.sha256(),
        },
        "settings": asdict(replace(own, pictures=None)) | {"seed": config.seed},
        "accuracy": {"clean": accuracy, "attacked": attacked, "attack": f"5 steps within {epsilon:g} (L2)"},
        "measured_on": f"{held_out} pictures that training never used",
    }
    log.info(f"{accuracy:.0%} of {held_out} pictures that were not learned are right, {attacked:.0%} under attack")
    training.write_sheet()
    write_network(training.mean.finished(), class_names((*pictures.classes, NOTHING)), card, output)
    state.unlink(missing_ok=True)
    words = shlex.join([f"network={output}", f"score.targets=[class:{pictures.classes[0]}]"])
    log.info(f"python -m pipeline.render {words} dreams of them")
    return output


def _pictures(config: RenderConfig, own: TrainConfig) -> Pictures:
    """The pictures with classes. Raises InputError for too few or too many."""
    folder = Path(str(own.pictures))
    pictures = read_folder(folder, round(int(own.size) * MARGIN), config.limits)
    if len(pictures.classes) == 1:
        return with_clusters(pictures, own.base, own.clusters, config.seed)
    counts = torch.bincount(pictures.labels, minlength=len(pictures.classes)).tolist()
    for name, count in zip(pictures.classes, counts, strict=True):
        if count < MIN_IN_CLASS:
            raise InputError(
                f"pictures={folder}: the class {name} has {count} pictures; a class needs {MIN_IN_CLASS} and more"
            )
    if len(counts) > MAX_CLASSES:
        raise InputError(f"pictures={folder}: it has {len(counts)} folders; allowed are {MAX_CLASSES} classes")
    return replace(pictures, classes=class_names(pictures.classes))
