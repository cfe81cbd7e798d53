"""What a worker does with a task: it gets the files that the task names, then does the work of its kind.

A task is plain data. Its settings are checked here as those of a command line are.
"""

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

import pipeline
from pipeline.build import Networks
from pipeline.config import RenderConfig, validate
from pipeline.errors import InputError
from pipeline.farm import inputs
from pipeline.farm.executor import Parcel
from pipeline.media import ffmpeg
from pipeline.plan.shot_list import over_config
from pipeline.runtime.device import choose_device, device_name
from pipeline.runtime.interrupt import Stop
from pipeline.segments import fingerprint, record
from pipeline.segments.fingerprint import Spec

WORK = {
    "shot": "pipeline.farm.shot_work",
    "still": "pipeline.variations.still_work",
    "pictures": "pipeline.atlas.picture_work",
}
"""The kinds of tasks, and the modules whose ``run(task, settings, folder, stop)`` yields the results."""


def run(task: Parcel, folder: Path, stop: Stop, fetch: inputs.Fetch | None = None) -> Iterator[Parcel]:
    """Do the task, with files in ``folder``; its results.

    The only result names files that are ``missing`` if there are some, unless ``fetch`` gets them; or what is
    ``different`` on this machine. Raises RenderError kinds, and Interrupted when the ``stop`` is requested.
    """
    data = task.data
    if data.get("work") not in WORK:
        raise InputError(f"this version knows no task {data.get('work')!r}")
    files = inputs.read_inputs(data["inputs"])
    absent = inputs.missing(files)
    if absent and fetch is None:
        yield Parcel({"missing": absent})
        return
    if absent and fetch is not None:
        inputs.fetch_missing(files, fetch)
    torch.set_num_threads(int(data["threads"]))
    settings = inputs.with_local_paths(data["config"], files)
    if "machine" in data:
        config = read_config(settings)
        different = fingerprint.differences(data["machine"], machine(config.device, config.deterministic))
        if different and not data["mixed"]:
            yield Parcel({"different": different, "is_machine": True})
            return
    yield from import_module(WORK[data["work"]]).run(task, settings, folder, stop)


def machine(device: str, deterministic: bool) -> Spec:
    """What the results of a task depend on besides its settings and files: versions, device, threads."""
    versions = {"ffmpeg": ffmpeg.version(), **record.package_versions(record.COMPUTING_PACKAGES)}
    return {
        "program": f"dream-zoom {pipeline.__version__}",
        **{f"versions.{name}": version for name, version in versions.items()},
        "device.name": device_name(choose_device(device, deterministic)),
        "device.threads": torch.get_num_threads(),
    }


@lru_cache(4)
def networks(device: str, precision: str, deterministic: bool) -> Networks:
    """The networks that this process loads, kept for its next task."""
    return Networks(choose_device(device, deterministic), precision, deterministic)


def read_config(settings: Any) -> RenderConfig:
    """The checked config of a task's settings. Raises RenderError."""
    try:
        config = over_config(RenderConfig(), settings)
    except Exception as error:
        raise InputError(f"the settings of the task are not those of this version: {error}") from error
    validate(config)
    return config
