"""A still of a sheet as a task: drawn on this machine or on a worker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.dream.network import Network
from pipeline.farm import inputs, packing, worker
from pipeline.farm.executor import Parcel, Task
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film
from pipeline.runtime.interrupt import Stop
from pipeline.storyboard.sketch import draft, still


def task(name: str, plan: FilmPlan, seconds: float, short_side: int, stop: Stop) -> Task:
    """The frame of a film at a time, drawn small."""
    if plan.config.engine != "ray":
        return Task(name, lambda: iter((_draw(plan, seconds, short_side, stop),)))
    network = _network(plan)
    names = inputs.film_names(plan)
    weights = [each.weights.path for each in (network, *network.companions.values())]
    files, device = inputs.list_inputs(names, weights), network.device.type
    data = {
        **packing.common("still", packing.task_settings(plan.request, device), names, files),
        "machine": dict(worker.machine(device, plan.config.deterministic)),
        "mixed": plan.config.farm.mixed,
        "seconds": seconds,
        "short_side": short_side,
    }
    return Task(name, lambda: iter(()), lambda: Parcel(data), inputs.paths_of(files), _fault)


def run(task: Parcel, settings: Any, folder: Path, stop: Stop) -> Iterator[Parcel]:
    """Draw the still of a task."""
    plan = plan_film(worker.read_config(settings), folder, "still")
    yield _draw(plan, float(task.data["seconds"]), int(task.data["short_side"]), stop)


def picture_of(result: Parcel) -> NDArray[np.uint8]:
    """The picture ``(H, W, 3)`` of a result."""
    return np.frombuffer(result.blobs["picture"], np.uint8).reshape(result.data["shape"])


def _draw(plan: FilmPlan, seconds: float, short_side: int, stop: Stop) -> Parcel:
    small = draft(plan.shots[0], short_side)
    picture = to_bytes(still(small, _network(plan), seconds, lambda: stop.requested).frame)
    return Parcel({"shape": picture.shape}, {"picture": picture.tobytes()})


def _network(plan: FilmPlan) -> Network:
    """The network of a film's first shot; each is loaded once for each way to compute."""
    config = plan.config
    return worker.networks(config.device, config.precision, config.deterministic).find(plan.shots[0], {})


def _fault(result: Parcel) -> str:
    try:
        picture_of(result)
    except (KeyError, TypeError, ValueError):
        return "a still was damaged on its way"
    return ""
