"""Where shots are rendered: on this machine, on a Ray cluster, or by commands of a batch system."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option

ENGINES = ("local", "ray", "script")


@dataclass
class FarmConfig:
    """How a film is divided among workers (engine=ray and engine=script)."""

    chunk: Any = option(
        None,
        "length of the pieces of footage that render independently, such as 20s; null: a whole shot."
        " Frames after a piece begins differ a little, with every engine",
    )
    pre_roll: Any = option(
        "2s", "footage before such a piece that is dreamed and thrown away, unless a scene begins there"
    )
    mixed: bool = option(
        False, "let workers with other versions or another device render too; the film then has other bytes"
    )
    cpus: int | None = option(
        None, "processor cores of a task; null: the threads that this machine renders with", low=1, high=1024
    )
    gpus: float | None = option(
        None,
        "GPUs of a task, 0.5 for two tasks on one; null: by the memory that the first task takes",
        low=0.01,
        high=1,
    )
    lease: float = option(
        600.0,
        "seconds without a frame after which a task counts as hung and goes to another worker",
        low=60,
        high=86_400,
    )
