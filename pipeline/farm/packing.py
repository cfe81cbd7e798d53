"""What all tasks of a film, a sheet or an atlas have in common, as plain data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from pipeline.config import RenderConfig
from pipeline.farm import inputs
from pipeline.farm.inputs import Input

RUN_SETTINGS = ("output", "frames", "shots", "jobs", "engine", "ray", "preview", "overwrite", "resume")
"""Settings of the run on this machine, which a worker does not need."""


def task_settings(config: RenderConfig, device: str) -> dict[str, Any]:
    """The settings that a worker needs; ``device`` is the kind of this machine's device."""
    settings = {key: value for key, value in asdict(config).items() if key not in RUN_SETTINGS}
    farm = {name: settings["farm"][name] for name in ("chunk", "pre_roll")}
    return settings | {"device": worker_device(config, device), "farm": farm}


def worker_device(config: RenderConfig, device: str) -> str:
    """The device of workers: of the kind of this machine's ``device``, or any."""
    return "auto" if config.farm.mixed else device


def common(work: str, settings: Mapping[str, Any], names: Iterable[str], files: Sequence[Input]) -> dict[str, Any]:
    """The kind of ``work``, its settings with absolute paths of the inputs of these ``names``, and its ``files``."""
    return {
        "work": work,
        "config": inputs.absolute(settings, names),
        "inputs": [asdict(each) for each in files],
        "threads": torch.get_num_threads(),
    }
