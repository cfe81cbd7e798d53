"""Environment variables for torch, and for programs that this one starts."""

import os
from pathlib import Path

import pipeline

# Threads that spin for long make a busy machine several times slower; threads that never do, an idle one by half, since
# passes of light networks wait for each other every few microseconds. torch reads these as it is imported.
PASSIVE_THREADS = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}


def use_passive_threads() -> None:
    """Let waiting threads of torch sleep soon, unless the user says otherwise. Call it before torch loads."""
    for name, value in PASSIVE_THREADS.items():
        os.environ.setdefault(name, value)


def child_environment() -> dict[str, str]:
    """The environment of a program of this package, which finds the package from any folder."""
    roots = [str(Path(pipeline.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**PASSIVE_THREADS, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots))}
