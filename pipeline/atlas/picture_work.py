"""Pictures of an atlas as a task: drawn on a worker."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.renderer import Renderer
from pipeline.atlas.selection import PictureTarget
from pipeline.atlas.store import Picture, picture_of
from pipeline.cli import own_settings
from pipeline.config import RenderConfig
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.dream.precision import choose_arithmetic
from pipeline.errors import Interrupted
from pipeline.farm import inputs, packing, worker
from pipeline.farm.executor import Parcel, Task
from pipeline.runtime.device import choose_device
from pipeline.runtime.interrupt import Stop

ATLAS_SETTINGS = ("diversity", "size", "steps", "via")  # that change pictures
RENDER_SETTINGS = ("network", "dream", "imagine", "seed", "precision", "deterministic", "device")


def load_network(config: RenderConfig) -> Network:
    """The network of an atlas on its device."""
    device, network = choose_device(config.device, config.deterministic), model_zoo.build(config.network)
    arithmetic = choose_arithmetic(config.precision, config.network, device)
    return network.to(device, *arithmetic, config.deterministic)


def tasks(config: RenderConfig, atlas: AtlasConfig, renderer: Renderer, batches: Sequence[Any]) -> list[Task]:
    """Batches of targets as tasks for workers."""
    settings = packing.task_settings(config, renderer.network.device.type)
    settings = {name: settings[name] for name in RENDER_SETTINGS}
    names = inputs.settings_names(settings)
    files = inputs.list_inputs(names, [renderer.network.weights.path])
    common = {
        **packing.common("pictures", settings, names, files),
        "machine": dict(worker.machine(settings["device"], config.deterministic)),
        "mixed": config.farm.mixed,
        "atlas": {name: getattr(atlas, name) for name in ATLAS_SETTINGS},
    }

    def task(batch: Sequence[PictureTarget]) -> Task:
        parcel = Parcel({**common, "targets": [asdict(target) for target in batch]})
        name = f"pictures {batch[0].target} to {batch[-1].target}"

        def fault(result: Parcel) -> str:
            return "" if pictures_of(result, renderer) is not None else "pictures were damaged on their way"

        return Task(name, lambda: iter(()), lambda: parcel, inputs.paths_of(files), fault)

    return [task(batch) for batch in batches]


def run(task: Parcel, settings: Any, folder: Path, stop: Stop) -> Iterator[Parcel]:
    """Draw the pictures of a task; what is in this machine's cache is not drawn again."""
    atlas = own_settings.parse([f"{name}={value}" for name, value in task.data["atlas"].items()], AtlasConfig())
    config, network = _network(json.dumps(settings, sort_keys=True))
    renderer = Renderer(network, atlas, config.dream, config.seed, config.imagine)
    targets = [_target(entry) for entry in task.data["targets"]]
    pictures = {target: renderer.cached(target) for target in targets}
    missing = [target for target, picture in pictures.items() if picture is None]
    drawn = renderer.draw_batch(missing, lambda: stop.requested) if missing else []
    if drawn is None:
        raise Interrupted
    pictures |= {picture.target: picture for picture in drawn}
    yield _packed([picture for picture in pictures.values() if picture is not None])


def pictures_of(result: Parcel, renderer: Renderer) -> list[Picture] | None:
    """The pictures of a result; None if they are damaged."""
    pictures = []
    try:
        for number, entry in enumerate(result.data["targets"]):
            target = _target(entry["target"])
            pixels = np.frombuffer(result.blobs[f"pixels-{number}"], np.uint8).reshape(entry["pixels"])
            traces = np.frombuffer(result.blobs[f"traces-{number}"], np.float32).reshape(entry["traces"])
            picture = picture_of(target, pixels, traces, renderer.shape(target))
            if picture is None:
                return None
            pictures.append(picture)
    except (KeyError, TypeError, ValueError):
        return None
    return pictures


def _packed(pictures: Sequence[Picture]) -> Parcel:
    facts = [
        {"target": asdict(picture.target), "pixels": picture.pixels.shape, "traces": picture.traces.shape}
        for picture in pictures
    ]
    blobs = {f"pixels-{number}": picture.pixels.tobytes() for number, picture in enumerate(pictures)}
    blobs |= {f"traces-{number}": picture.traces.tobytes() for number, picture in enumerate(pictures)}
    return Parcel({"targets": facts}, blobs)


def _target(entry: Any) -> PictureTarget:
    parts = tuple((str(layer), int(channel), float(weight)) for layer, channel, weight in entry["parts"])
    return PictureTarget(str(entry["target"]), str(entry["words"]), parts)


@lru_cache(1)
def _network(settings: str) -> tuple[RenderConfig, Network]:
    """The config of a task and its network, kept for the next task of the same atlas."""
    config = worker.read_config(json.loads(settings))
    return config, load_network(config)
