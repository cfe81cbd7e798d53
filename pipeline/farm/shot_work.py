"""Renders pieces of shots on a worker and gives each segment as soon as it is finished.

What the frames depend on (settings, inputs, versions, device) must be the same as on the machine that joins the film.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.build import Networks, build_shot
from pipeline.dream.network import Network
from pipeline.errors import DreamError, InputError
from pipeline.farm import worker
from pipeline.farm.chunk_shots import open_chunks, open_shot
from pipeline.farm.executor import Parcel
from pipeline.farm.outbox import Outbox, Pulse
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.device import device_name, is_out_of_memory
from pipeline.runtime.interrupt import Stop
from pipeline.segments import checkpoint, fingerprint, record
from pipeline.segments.checkpoint import Position
from pipeline.segments.resume import resume
from pipeline.segments.shot_render import ShotRender, cue_digest, encoder, layout_of
from pipeline.segments.store import SegmentStore
from pipeline.segments.writer import SegmentWriter
from pipeline.shot import Shot

MACHINE_KEYS = ("versions.", "device.", "program")  # of a fingerprint: what differs between kinds of machines


@dataclass(frozen=True)
class Work:
    """A task on a worker: its plain data, the folder of its segments, the film's plan and networks, its shots."""

    task: Parcel
    folder: Path
    plan: FilmPlan
    networks: Networks
    stop: Stop
    shots: dict[int, ShotRender] = field(default_factory=dict)


def run(task: Parcel, settings: Any, folder: Path, stop: Stop) -> Iterator[Parcel]:
    """Render the pieces of the task into ``folder``; a result for each segment, and one about every second.

    The only result tells what is ``different`` on this machine, if it is. Raises RenderError kinds, and Interrupted
    when the ``stop`` is requested.
    """
    data = task.data
    plan, networks = _prepare(json.dumps(settings, sort_keys=True))
    work = Work(task, folder, plan, networks, stop)
    for name, content in task.blobs.items():
        if name.startswith("shot-"):
            path = folder / Path(name).parent.name / Path(name).name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    before: ShotRender | None = None
    for piece in data["pieces"]:
        render, differences = _open(work, piece)
        is_other = [text for text in differences if not text.startswith(MACHINE_KEYS)]
        if is_other or (differences and not data["mixed"]):
            yield Parcel({"different": is_other or differences, "is_machine": not is_other})
            return
        position = _position(work, piece, before)
        kind = {key: render.record[key] for key in ("program", "versions", "device")} if differences else {}
        for result in _render(work, render, range(piece["start"], piece["stop"]), position):
            yield Parcel({**result.data, "shot": piece["shot"], "kind": kind}, result.blobs)
        before = render


def shot_facts(plan: ShotPlan, network: Network, shot: Shot, device: torch.device) -> dict[str, Any]:
    """The record of a shot that this machine renders."""
    weights, name = network.weights, device_name(device)
    names = sorted({target.network for target in shot.score.targets()} - {""})
    others = {name: network.companions[name].weights.sha256 for name in names}
    computation = record.Computation(
        weights.path.name, weights.sha256, name, network.precision, network.channels_last, others
    )
    return record.shot_record(plan, computation)


@lru_cache(1)
def _prepare(settings: str) -> tuple[FilmPlan, Networks]:
    """The plan and the networks of a film, kept for the next task of the same film."""
    config = worker.read_config(json.loads(settings))
    return plan_film(config, Path("farm"), "film"), worker.networks(
        config.device, config.precision, config.deterministic
    )


def _open(work: Work, piece: dict[str, Any]) -> tuple[ShotRender, list[str]]:
    """(the shot of a piece with the segments in the task's folder, what is different on this machine)."""
    number = int(piece["shot"])
    render, spec = _shot(work, number, piece["spec"])
    work.shots[number] = render
    return render, fingerprint.differences(piece["spec"], spec)


def _shot(work: Work, number: int, before: dict[str, Any]) -> tuple[ShotRender, fingerprint.Spec]:
    plan = work.plan.shots[number]
    network = work.networks.find(plan, before)
    shot = build_shot(plan, network)
    facts = shot_facts(plan, network, shot, work.networks.device)
    spec = record.frames_spec(facts, plan)
    folder = work.folder / f"shot-{number + 1:03}"
    folder.mkdir(parents=True, exist_ok=True)
    store = SegmentStore(folder, layout_of(plan), fingerprint.digest(spec), cue_digest(shot, plan.scales()))
    return ShotRender(plan, shot, store, facts), spec


def _position(work: Work, piece: dict[str, Any], before: ShotRender | None) -> Position:
    """Where a piece begins: after the canvas that the task brought, or the last one of the piece before."""
    number, name = piece["shot"], piece.get("canvas")
    layout = layout_of(work.plan.shots[number])
    first = layout.first(piece["start"])
    if name:
        path = work.folder / "canvas.safetensors"
        path.write_bytes(work.task.blobs[name])
        saved = checkpoint.load(path, piece["canvas_sha256"])
        if saved is None:
            raise InputError("the canvas of the task is damaged")
        return Position(first, *saved) if first else Position(0, saved[0][:, :3])
    if before is not None and work.plan.shots[number].handles.continues and not piece["start"]:
        last = before.store.last_checkpoint()
        assert last is not None
        return Position(0, last[0][:, :3])
    return Position(first, pre_roll=layout.pre_roll(piece["start"]))


def _render(work: Work, render: ShotRender, numbers: range, position: Position) -> Iterator[Parcel]:
    """Render these segments, from the first one that the folder lacks, in a thread; results as they come."""
    done = numbers.start
    while done in numbers and render.store.has_segment(done):
        done += 1
    if done == numbers.stop:
        return
    position = position if done == numbers.start else render.store.position(done)
    outbox = Outbox(render.store, deletes=not work.plan.config.loop and bool(work.task.data.get("deletes")))
    write = partial(_write, work, render, range(done, numbers.stop), position, outbox)
    thread = threading.Thread(target=outbox.guard, args=(write,))
    thread.start()
    try:
        while (result := outbox.results.get()) is not None:
            yield result
    except BaseException:
        work.stop.requested = True
        raise
    finally:
        thread.join()
    if outbox.error is not None:
        error = outbox.error
        if isinstance(error, RuntimeError | MemoryError) and is_out_of_memory(error):
            raise DreamError("the device ran out of memory") from error
        raise error


def _write(work: Work, render: ShotRender, numbers: range, position: Position, outbox: Outbox) -> None:
    plan, shot, store = render.plan, render.shot, render.store
    torch.set_num_threads(int(work.task.data["threads"]))
    length = sum(map(store.layout.length, numbers))
    is_cuda = shot.canvas.device.type == "cuda"
    with ExitStack() as stack:
        stack.callback(shot.dreamer.close)
        opened = open_chunks(
            plan, partial(open_shot, plan, shot, partial(_pre_roll, work)), stack, position.dreams_from
        )
        progress = stack.enter_context(Pulse(length, f"shot {plan.index + 1}", outbox))
        writer = stack.enter_context(
            SegmentWriter(
                store, partial(encoder, plan, from_gpu=is_cuda), plan.width * plan.height, is_cuda, work.stop, [outbox]
            )
        )
        writer.write(numbers, position, resume(opened, position, work.stop, progress), progress)


def _pre_roll(work: Work) -> Iterator[Tensor]:
    return (work.shots[0] if 0 in work.shots else _shot(work, 0, {})[0]).pre_roll()
