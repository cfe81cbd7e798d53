"""From a command line to an exit code, for every program: Hydra composes the config, one job runs on it.

Nothing heavy is imported before the config is valid.
"""

import logging
import os
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from pipeline.cli import arguments, camera_choice, compose, from_film, help, messages, sweep
from pipeline.cli.from_film import Repeat
from pipeline.cli.sanitize import CONF
from pipeline.cli.sweep import DONE, FAILED, INTERRUPTED, Film
from pipeline.config import RenderConfig
from pipeline.errors import Interrupted, RenderError
from pipeline.plan import unread
from pipeline.runtime import interrupt
from pipeline.runtime.environment import use_passive_threads
from pipeline.runtime.progress import NoteHandler, lossy_output, notes_to, one_line

log = logging.getLogger(__name__)

Job = Callable[[RenderConfig, Path, str], None]
"""(config, folder of the run, name of what is made)."""
Render = Callable[[list[Film]], list[int]]
"""Makes the films of a command line; exit codes."""


def launch(job: Job, usage: str, *, in_parallel: bool = False, engines: Sequence[str] = ("local",)) -> None:
    """Run the job that the command line describes and exit: 0 done, 1 something to correct, 130 interrupted.

    ``usage`` begins the text of ``--help``. ``in_parallel``: the films of a sweep may run in processes side by side.
    ``engines`` are those that the job knows.
    """

    def render(films: list[Film]) -> list[int]:
        sweep.check_outputs(films)
        _note_engine(films, engines)
        return sweep.render(films, partial(_run, job), in_parallel=in_parallel)

    _start(render, usage, needs_all=False)


def launch_together(job: Callable[[list[Film]], None], usage: str) -> None:
    """The same for a job that makes one thing of all films of a sweep: the first mistake ends it."""

    def make(films: list[Film]) -> list[int]:
        _note_engine(films, ("local", "ray"))
        return [exit_code_of(lambda: _name_files(lambda: job(films)))]

    _start(make, usage, needs_all=True)


def _note_engine(films: list[Film], known: Sequence[str]) -> None:
    for engine in {film.config.engine for film in films}.difference(known):
        log.info(f"engine={engine} has no effect on what this command makes: it is made on this machine")


def _start(render: Render, usage: str, *, needs_all: bool) -> None:
    use_passive_threads()
    shows_traceback = os.environ.setdefault("HYDRA_FULL_ERROR", "1") != "1"  # "1": Hydra raises its errors
    interrupt.handle(_interrupt)
    folders: list[Path] = []
    codes: list[int] = []
    with lossy_output():
        try:
            with notes_to(NoteHandler()):
                codes.append(exit_code_of(lambda: codes.extend(_launch(render, usage, folders, needs_all=needs_all))))
        except Exception as error:
            sentence = _explain(error, folders)
            if not sentence or shows_traceback:
                raise
            complain(sentence)
            codes.append(FAILED)
        except KeyboardInterrupt:  # a second signal, after the message about the first
            codes.append(INTERRUPTED)
        finally:
            interrupt.ignore()  # from here on a signal must not change the exit code
            for folder in folders:
                _remove_empty(folder)
    sys.exit(max(codes, default=DONE))


def _launch(render: Render, usage: str, folders: list[Path], *, needs_all: bool) -> list[int]:
    """Compose the config and ``render``; the exit codes. Adds the runs' ``folders``, which Hydra makes.

    All films of a sweep are composed first, so that every mistake is reported at once, or the first if the job
    ``needs_all``.
    """
    options, repeat = _options(sys.argv[1:])
    if options.help:
        print(help.text(usage, full=options.help == "all"))  # noqa: T201 - the answer
        return [DONE]
    codes: list[int] = []
    films: list[Film] = []

    def run(tree: DictConfig) -> None:
        folders.append(Path(HydraConfig.get().runtime.output_dir))
        codes.append(exit_code_of(lambda: films.append(_film(tree, options, repeat))))
        if codes[-1] == DONE and HydraConfig.get().mode != RunMode.MULTIRUN:
            codes.extend(render([films.pop()]))
        if codes[-1] == INTERRUPTED or (needs_all and codes[-1] != DONE):  # ends a sweep
            sys.exit(codes[-1])

    compose.register()
    sys.argv[1:] = [*options.overrides, *options.flags]
    name = compose.REPEAT if repeat else "config"
    hydra.main(config_path=str(CONF), config_name=name, version_base="1.3")(run)()
    return [*codes, *(render(films) if films else ())]


def _options(typed: list[str]) -> tuple[Namespace, Repeat | None]:
    """The checked command line, and the film that it repeats. Raises RenderError."""
    typed, repeat = from_film.extract(typed)
    options = arguments.parse(typed)
    if not options.help:
        arguments.check(options)
    if repeat and options.config_name:
        raise RenderError("--config-name: a run repeats a film or begins from a file, not both")
    return options, repeat


def _film(tree: DictConfig, options: Namespace, repeat: Repeat | None) -> Film:
    """The film of one composed ``tree``, with notes in the log. Raises RenderError."""
    job = HydraConfig.get()
    if job.mode == RunMode.MULTIRUN:
        camera_choice.in_sweep(tree, job.overrides.task, options.config_dir)
    config = compose.read(tree)
    for note in repeat.notes(config) if repeat else ():
        log.info(note)
    typed = [re.split(r"[=@]", word.lstrip("+~"))[0] for word in job.overrides.task]
    for note in unread.notes(config, typed):
        log.info(note, extra={"once": True})
    if "jobs" in typed and job.mode != RunMode.MULTIRUN:
        log.info("jobs has no effect: it counts the films of a sweep (-m)")
    folder = Path(job.runtime.output_dir)
    name = str(job.runtime.choices.get("preset") or "dream")
    words = [
        *map(arguments.requote, (word for word in job.overrides.task if not word.startswith("jobs="))),
        *([f"from={repeat.path}"] if repeat else []),
    ]
    words += [f"--config-dir={options.config_dir}"] if options.config_dir else []
    words += [f"--config-name={options.config_name}"] if options.config_name else []
    return Film(config, folder, name, tuple(words))


def _run(job: Job, film: Film) -> int:
    """Run the job; the exit code. An empty folder of the run is removed."""
    try:
        return exit_code_of(lambda: _name_files(lambda: job(film.config, film.folder, film.name)))
    finally:
        _remove_empty(film.folder)


def exit_code_of(job: Callable[[], None]) -> int:
    """Run the job, report errors on stderr and return the exit code."""
    try:
        job()
    except RenderError as error:
        complain(str(error))
        return FAILED
    except (Interrupted, KeyboardInterrupt) as error:
        print(one_line(str(error) or "stopped"), file=sys.stderr)  # noqa: T201 - a stop is no error
        return INTERRUPTED
    except (ImportError, MemoryError) as error:
        if "pipeline" in str(getattr(error, "name", None)) or os.environ.get("HYDRA_FULL_ERROR") != "1":
            raise
        fault = f"a library cannot be loaded ({error})" if isinstance(error, ImportError) else "memory ran out"
        complain(f"{fault}; allow more memory (ulimit -v), or install again with scripts/setup")
        return FAILED
    return DONE


def _name_files(job: Callable[[], None]) -> None:
    """Run the job. Raises RenderError for an error of the system that names a file, such as a folder without access."""
    try:
        job()
    except OSError as error:
        if not error.filename:
            raise
        raise RenderError(f"{error.filename}: {error.strerror}") from error


def complain(sentence: str) -> None:
    """Print what is wrong on stderr."""
    print(one_line(f"error: {sentence}"), file=sys.stderr)  # noqa: T201 - errors belong here


def _explain(error: Exception, folders: list[Path]) -> str:
    """A sentence for what a user can correct before the job runs; empty for a fault of the program."""
    if messages.is_usage_error(error):
        return messages.explain(error)
    if isinstance(error, OSError) and not folders:  # Hydra makes the run's folder
        name = f"the folder of the run, {error.filename}," if error.filename else "this folder"
        return f"{name} cannot be used: {error.strerror}; give hydra.run.dir=FOLDER, or go elsewhere"
    return ""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _remove_empty(folder: Path) -> None:
    """Remove the run's folder if it is empty, and then those above it up to outputs/."""
    names = [path.name for path in folder.parents]
    above = folder.parents[: names.index("outputs") + 1] if "outputs" in names else ()
    for path in (folder, *above):
        try:
            path.rmdir()  # refuses where anything is left
        except OSError:
            return
