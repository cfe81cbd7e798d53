"""From a command line to an exit code, for every command: Hydra composes the config, one job is done with it.

The only module that knows Hydra's runtime. Nothing heavy is imported before the config is valid.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from pipeline.cli import compose, from_film, sanitize, sweep
from pipeline.cli.from_film import Repeat
from pipeline.cli.sweep import AT_FAULT, DONE, INTERRUPTED, Order
from pipeline.config import RenderConfig
from pipeline.errors import Interrupted, RenderError
from pipeline.runtime.progress import NoteHandler, notes_to, one_line

log = logging.getLogger(__name__)

Job = Callable[[RenderConfig, Path, str], None]
"""(config, folder of the run, name of what is made)."""


def launch(job: Job, usage: str, *, spread: bool = False) -> None:
    """Do the job that the command line asks for and exit with 0 (done), 1 (something to put right) or 130
    (interrupted). ``usage`` is what ``--help`` says. With ``spread`` those of a sweep may be done side by side.
    """
    # Spinning threads that wait for each other make a busy machine several times slower; read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    full_error = os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra lets its errors through to us
    for name in ("SIGTERM", "SIGHUP"):  # not every system has both
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _on_signal)
    asked = any(word.startswith(("-h", "--he", "--hy")) for word in sys.argv[1:])
    compose.register(usage if asked else "")
    codes: list[int] = []
    begun: list[Path] = []
    try:
        with notes_to(NoteHandler()):
            _compose(job, codes, begun, spread=spread)
    except KeyboardInterrupt:
        codes.append(INTERRUPTED)
    except RenderError as error:
        complain(str(error))
        codes.append(AT_FAULT)
    except Exception as error:
        words = _explain(error, bool(begun))
        if not words or full_error != "1":
            raise
        complain(words)
        codes.append(AT_FAULT)
    finally:
        for folder in begun:
            _remove_empty(folder)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the verdict is spoken; a late Ctrl-C must not change it
    sys.exit(max(codes, default=DONE))


def _compose(job: Job, codes: list[int], begun: list[Path], *, spread: bool) -> None:
    """Have Hydra compose what the command line asks for, and do it: ``begun`` in these folders, it gives these
    ``codes``. A sweep is read to its end first, so that all that is wrong with it is said at once.
    """
    sys.argv[1:], repeated = _arguments(sys.argv[1:])
    orders: list[Order] = []

    def run(tree: DictConfig) -> None:
        begun.append(Path(HydraConfig.get().runtime.output_dir))
        codes.append(_told(lambda: orders.append(_order(tree, repeated))))
        if codes[-1] == DONE and HydraConfig.get().mode != RunMode.MULTIRUN:
            codes.append(_do(job, orders.pop()))
        if codes[-1] == INTERRUPTED:  # a sweep ends here too
            sys.exit(INTERRUPTED)

    name = compose.REPEAT if repeated else "config"
    hydra.main(config_path=str(compose.CONF), config_name=name, version_base="1.3")(run)()
    if orders:
        codes += sweep.make(orders, partial(_do, job), spread=spread)


def complain(sentence: str) -> None:
    """Say what is wrong on standard error."""
    print(one_line(f"error: {sentence}"), file=sys.stderr)  # noqa: T201 - errors belong here


def _explain(error: Exception, begun: bool) -> str:
    """A sentence for what a user can put right before the job has begun; empty for a fault of the program."""
    if compose.is_usage_error(error):
        return compose.explain(error)
    if isinstance(error, OSError) and not begun:  # Hydra makes the run's folder itself
        where = f"the folder of the run, {error.filename}," if error.filename else "this folder"
        return f"{where} cannot be used: {error.strerror}; give hydra.run.dir=FOLDER, or go elsewhere"
    return ""


def _arguments(typed: list[str]) -> tuple[list[str], Repeat | None]:
    """What Hydra is to read, once it has been found harmless, and the run that is repeated. Raises RenderError."""
    arguments, repeated = from_film.take(compose.normalise(typed))
    if repeated and any(word.startswith(("--config-n", "-cn")) for word in arguments):
        raise RenderError("--config-name: a run is repeated from a film or begun from a file, not both")
    return sanitize.check_arguments(arguments), repeated


def _order(tree: DictConfig, repeated: Repeat | None) -> Order:
    """What is to be made of one composed ``tree``; notes about it are said. Raises RenderError kinds."""
    told = HydraConfig.get()
    config = compose.read(tree)
    for note in repeated.check(config) if repeated else ():
        log.info(note)
    name = str(told.runtime.choices.get("preset") or "dream")
    return Order(config, Path(told.runtime.output_dir), name, tuple(told.overrides.task))


def _do(job: Job, order: Order) -> int:
    """Do the job; the exit code. The run's folder goes where nothing was put there."""
    try:
        return _told(lambda: job(order.config, order.folder, order.name))
    finally:
        _remove_empty(order.folder)


def _told(work: Callable[[], None]) -> int:
    """Do the work; the exit code. Errors are said, not raised: a sweep goes on."""
    try:
        work()
    except RenderError as error:
        complain(str(error))
        return AT_FAULT
    except (Interrupted, KeyboardInterrupt) as error:
        complain(str(error) or "interrupted")
        return INTERRUPTED
    return DONE


def _on_signal(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _remove_empty(folder: Path) -> None:
    """Take the run's folder away again when nothing was put there, and those above it that are empty then."""
    names = [path.name for path in folder.parents]
    above = folder.parents[: names.index("outputs") + 1] if "outputs" in names else ()
    for path in (folder, *above):
        try:
            path.rmdir()  # refuses where anything is left
        except OSError:
            return
