"""One entry of the queue: a film or a sketch, its command line and its state."""

from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.studio.command import Words

SKETCHES = ("storyboard", "variations")
RENDERS = ("render",)
STATES = ("waiting", "running", "stopping", "paused", "done", "failed")
ENDED = ("done", "failed")


@dataclass
class Job:
    """``work`` measures how long it takes (see ``Checked.work``); ``seconds`` is the time that it has had so far.

    ``next_state`` follows when its process has stopped, "" for one that is removed then. ``folder`` is that of its run,
    ``products`` the files that it makes, ``inputs`` the files that it reads, as absolute paths. ``started``
    is when its process started for the first time, in seconds since 1970.
    """

    number: int
    kind: str
    words: Words
    title: str
    frames: int = 0
    fps: float = 0.0
    width: int = 0
    height: int = 0
    work: float = 0.0
    state: str = "waiting"
    next_state: str = "paused"
    message: str = ""
    files: list[str] = field(default_factory=list)
    seconds: float = 0.0
    pid: int = 0
    folder: str = ""
    products: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    started: float = 0.0

    @property
    def is_active(self) -> bool:
        """Whether its process runs."""
        return self.state in ("running", "stopping")

    def as_data(self) -> dict[str, Any]:
        """All fields, for the file of the queue."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Job":
        """From the file of the queue. Raises TypeError, KeyError or ValueError for anything else."""
        words = tuple(map(str, data["words"]))
        data = {"next_state" if key == "then" else key: value for key, value in data.items()}  # of earlier versions
        lists = {key: list(map(str, data.get(key, ()))) for key in ("files", "products", "inputs")}
        job = cls(**{**data, **lists, "words": words})
        if job.kind not in (*SKETCHES, *RENDERS) or job.state not in STATES:
            raise ValueError(job.kind)
        return job
