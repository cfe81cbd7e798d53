"""The films of a sweep (``-m``): one after the other in this process, or several at a time in processes of their own.

Each process runs the command line of one film. ``CUDA_VISIBLE_DEVICES`` gives it its GPU, so that neither its settings
nor its record depend on the other films. This process prints what they print, and passes signals on to them.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any

from pipeline.cli import safe_yaml
from pipeline.config import RenderConfig, settings
from pipeline.errors import ConfigError
from pipeline.farm.executor import LocalExecutor, Parcel, Task
from pipeline.farm.ray_cluster import one_for_all
from pipeline.runtime import interrupt
from pipeline.runtime.environment import child_environment

log = logging.getLogger(__name__)

DONE, FAILED, INTERRUPTED = 0, 1, 130
ANY_GPU = ("auto", "cuda")  # devices that CUDA_VISIBLE_DEVICES can move to another GPU


@dataclass(frozen=True)
class Film:
    """A film to render: its config, the folder of its run, its name, and the arguments that describe it."""

    config: RenderConfig
    folder: Path
    name: str
    arguments: tuple[str, ...] = ()


def render(films: Sequence[Film], job: Callable[[Film], int], *, in_parallel: bool) -> list[int]:
    """Run ``job`` on the films one after the other, or render them ``in_parallel``; their exit codes.

    Raises ConfigError for a sweep over ``jobs``. With engine=ray all films share one Ray.
    """
    with one_for_all([film.config for film in films] if in_parallel else ()):
        return _render(films, job, in_parallel=in_parallel)


def _render(films: Sequence[Film], job: Callable[[Film], int], *, in_parallel: bool) -> list[int]:
    slots = plan_slots([film.config for film in films], visible_gpus) if in_parallel else [""]
    if len(slots) > 1:
        log.info(f"{len(films)} films, {len(slots)} at a time")
        return Sweep(films, slots).run()
    codes, faults = [], []
    for film in films:
        try:
            codes.append(job(film))
        except Exception as fault:  # a fault of the program does not stop the other films
            faults.append(fault)
        if codes and codes[-1] == INTERRUPTED:
            break
    if faults:
        raise faults[0]
    return codes


def check_outputs(films: Sequence[Film]) -> None:
    """Raise ConfigError if two films would have the same name."""
    outputs = [str(Path(film.config.output).absolute()) for film in films if film.config.output]
    for film in films:
        output = film.config.output
        if output and (count := outputs.count(str(Path(output).absolute()))) > 1:
            differing = {
                word.partition("=")[0] for word in film.arguments if not all(word in f.arguments for f in films)
            }
            names, path = {key for key, _, _ in settings(film.config)}, Path(output)
            examples = [path.with_name(f"{path.stem}-${{{key}}}{path.suffix}") for key in sorted(differing & names)[:1]]
            advice = f"write 'output={examples[0]}'" if examples else "leave it out"
            raise ConfigError("output", output, f"{count} films of the sweep would have this name; {advice}")


def plan_slots(configs: Sequence[RenderConfig], gpus: Callable[[], Sequence[str]]) -> list[str]:
    """One entry for each film that renders at a time: the CUDA_VISIBLE_DEVICES of its process, "" to leave it.

    ``gpus`` is called only where it matters, since it imports torch. Raises ConfigError.
    """
    jobs = list(dict.fromkeys(config.jobs for config in configs))
    if len(jobs) > 1:
        written = ",".join("null" if number is None else str(number) for number in jobs)
        raise ConfigError("jobs", written, "all films of a sweep share one number")
    if len(configs) < 2 or jobs == [1]:
        return [""]
    movable = [config.device in ANY_GPU for config in configs]
    names = list(gpus()) if any(movable) else []
    count = min(len(configs), jobs[0] or (len(names) if all(movable) else 1))
    return [names[number % len(names)] if names else "" for number in range(count)] if count > 1 else [""]


def visible_gpus() -> list[str]:
    """The names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them (numbers or UUIDs)."""
    with interrupt.postponed():
        import torch

    names, count = os.environ.get("CUDA_VISIBLE_DEVICES"), torch.cuda.device_count()
    return [name.strip() for name in names.split(",")][:count] if names else [str(number) for number in range(count)]


def labels(films: Sequence[Film]) -> list[str]:
    """What each film is called: the arguments in which it differs from the others."""
    common = set(films[0].arguments).intersection(*(film.arguments for film in films))
    names = [safe_yaml.shown(" ".join(word for word in film.arguments if word not in common)) for film in films]
    return [name or f"film {number}" for number, name in enumerate(names, 1)]


class Sweep:
    """Renders films in processes, one for each slot at a time. The first Ctrl-C, SIGTERM or SIGHUP lets every film
    finish its frame and begins no other; a second one stops them at once.
    """

    def __init__(self, films: Sequence[Film], slots: Sequence[str]) -> None:
        self._films, self._slots = films, slots
        self._free = SimpleQueue[int]()
        self._processes = set[subprocess.Popen[str]]()
        self._stops = 0

    def run(self) -> list[int]:
        """Render all; their exit codes."""
        for number in range(len(self._slots)):
            self._free.put(number)
        handlers = interrupt.handle(self._stop)
        try:
            tasks = [
                Task(str(number), partial(self._render, film, label))
                for number, (film, label) in enumerate(zip(self._films, labels(self._films), strict=True))
            ]
            codes = {int(task.name): result.data["code"] for task, result in LocalExecutor(len(self._slots)).map(tasks)}
            return [codes[number] for number in range(len(tasks))]
        finally:
            interrupt.restore(handlers)

    def _render(self, film: Film, label: str) -> Iterator[Parcel]:
        """Render one film in a process, print its lines and yield its exit code."""
        yield Parcel({"code": self._run(film, label)})

    def _run(self, film: Film, label: str) -> int:
        slot = self._free.get()
        try:
            if self._stops:
                return INTERRUPTED
            with self._start(film, slot) as process:
                self._processes.add(process)
                if self._stops:  # the signal came before the line above
                    process.terminate()
                for line in filter(str.strip, process.stderr or ()):
                    print(f"[{label}] {line.rstrip()}", file=sys.stderr)  # noqa: T201
                for line in process.stdout or ():
                    print(line.rstrip(), flush=True)  # noqa: T201
            self._processes.discard(process)
            return self._exit_code(process.returncode, label)
        finally:
            self._free.put(slot)

    def _start(self, film: Film, slot: int) -> "subprocess.Popen[str]":
        port, gpu = film.config.preview.port, self._slots[slot] if film.config.device in ANY_GPU else ""
        folder = os.path.relpath(film.folder).replace('"', '\\"')  # the folders above may be no UTF-8
        command = [sys.executable, "-P", "-m", "pipeline.render", *film.arguments, f'hydra.run.dir="{folder}"']
        if film.config.engine == "ray" and film.config.ray.address:
            command = [word for word in command if not word.startswith("ray.address=")]
            command += [f"ray.address={film.config.ray.address}"]
        command += [f"preview.port={(port + slot) % 65536}"] if port else []
        environment = child_environment() | ({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # A process group of its own: a terminal's Ctrl-C reaches it through this process alone, and once.
        return subprocess.Popen(command, env=environment, process_group=0, text=True, **pipes)

    def _exit_code(self, code: int, label: str) -> int:
        if code in (DONE, FAILED, INTERRUPTED):
            return code
        if self._stops:  # before its handlers were there
            return INTERRUPTED
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        memory = ", as the system does when memory runs out" if code == -signal.SIGKILL else ""
        text = f"[{label}] error: its process was ended by {reason}{memory}; the same command resumes the film"
        print(text, file=sys.stderr)  # noqa: T201
        return FAILED

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1
        for process in list(self._processes):
            process.terminate()  # not SIGINT, which prints a traceback while Python starts
