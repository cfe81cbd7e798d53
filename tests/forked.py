"""Runs the program many times without starting Python each time: one server process imports it and forks for each run.

Each run is a process with its own exit code, working folder and standard output.
"""

import json
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

PATIENCE_SECONDS = 120.0  # for what was killed to end, on a busy machine

SERVER = """
import gc, json, os, signal, sys, traceback
import torch, pipeline.film
from pipeline import render
from pipeline.cli.compose import make_config
from tests import troubles
make_config(["frame.width=96", "score.targets=['class:owl']"])  # warms the caches that every run inherits
gc.freeze()
gc.disable()  # a run is too short for it
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if not child:
        signal.alarm(job["seconds"])  # ends a run that hangs
        os.chdir(job["folder"])
        for number, name in ((0, os.devnull), (1, job["output"] + ".out"), (2, job["output"] + ".err")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.argv = ["render", *job["arguments"]]
        if job["event"]:
            troubles.arm(job["event"])
        code = 0
        try:
            render.main()
        except SystemExit as error:
            code = error.code or 0
        except BaseException:
            traceback.print_exc()
            code = 99
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(0)
"""


@dataclass(frozen=True)
class Run:
    """The exit code and the output of a run."""

    code: int
    out: str
    err: str


class Program:
    """``python -m pipeline.render``, ready to be run again and again; a context that ends its process."""

    def __init__(self, scratch: Path) -> None:
        self._output = scratch / "output"
        command = [sys.executable, "-c", SERVER]
        root = Path(__file__).resolve().parent.parent
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._server.communicate(timeout=PATIENCE_SECONDS)
        finally:
            self._server.kill()

    def run(self, *arguments: str, folder: Path, seconds: int = 60, event: str = "") -> Run:
        """Run it in ``folder``; after ``seconds`` it is killed, and the exit code is below 0.

        ``event`` names one of ``troubles.EVENTS``, which then happens during the run.
        """
        assert self._server.stdin is not None and self._server.stdout is not None
        job = {
            "folder": str(folder),
            "arguments": arguments,
            "output": str(self._output),
            "seconds": seconds,
            "event": event,
        }
        print(json.dumps(job), file=self._server.stdin, flush=True)
        if not select.select([self._server.stdout], [], [], seconds + PATIENCE_SECONDS)[0]:
            self._server.kill()
            raise AssertionError(f"{arguments}: the run did not end")
        code = int(self._server.stdout.readline())
        out, err = (self._output.with_suffix(ending).read_text(encoding="utf-8") for ending in (".out", ".err"))
        return Run(code, out, err)
