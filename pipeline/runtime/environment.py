"""Environment variables for torch, and for programs that this one starts."""

import os
from pathlib import Path

import pipeline

# Spinning threads make a busy machine several times slower; torch reads these as it is imported.
PASSIVE_THREADS = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}


def use_passive_threads() -> None:
    """Let threads of torch wait without spinning, unless the user says otherwise. Call it before torch loads."""
    for name, value in PASSIVE_THREADS.items():
        os.environ.setdefault(name, value)


def child_environment() -> dict[str, str]:
    """The environment of a program of this package, which finds the package from any folder."""
    roots = [str(Path(pipeline.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**PASSIVE_THREADS, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots))}
