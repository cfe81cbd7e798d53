"""From a command line to an exit code, for every command: Hydra composes the config, one job is done with it.

The only module that knows Hydra's runtime. Nothing heavy is imported before the config is valid.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pipeline import command, gate, repeat
from pipeline.config import RenderConfig
from pipeline.errors import Interrupted, RenderError
from pipeline.repeat import Repeat

DONE, AT_FAULT, INTERRUPTED = 0, 1, 130

Job = Callable[[RenderConfig, Path, str], None]
"""(config, folder of the run, name of what is made)."""


def launch(job: Job, usage: str) -> None:
    """Do the job that the command line asks for and exit with 0 (done), 1 (something to put right) or 130
    (interrupted). ``usage`` is what ``--help`` says.
    """
    # Spinning threads that wait for each other make a busy machine several times slower; read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    full_error = os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra lets its errors through to us
    for name in ("SIGTERM", "SIGHUP"):  # not every system has both
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _on_signal)
    asked = any(word.startswith(("-h", "--he", "--hy")) for word in sys.argv[1:])
    command.register(usage if asked else "")
    codes: list[int] = []
    begun: list[DictConfig] = []
    try:
        sys.argv[1:], repeated = _arguments(sys.argv[1:])

        def run(tree: DictConfig) -> None:
            begun.append(tree)
            codes.append(_run(job, tree, repeated))
            if codes[-1] == INTERRUPTED:  # a sweep ends here too
                sys.exit(INTERRUPTED)

        name = command.REPEAT if repeated else "config"
        hydra.main(config_path=str(command.CONF), config_name=name, version_base="1.3")(run)()
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the verdict is spoken; a late Ctrl-C must not change it
    sys.exit(max(codes, default=DONE))


def complain(sentence: str) -> None:
    """Say what is wrong on standard error."""
    _say(f"error: {sentence}")


def _say(sentence: str) -> None:
    """On one line, whatever a file's name or a value holds: nothing in it can move the cursor."""
    line = "".join(letter if letter.isprintable() else " " for letter in " ".join(sentence.split()))
    print(line, file=sys.stderr)  # noqa: T201 - errors and notes belong here


def _explain(error: Exception, begun: bool) -> str:
    """A sentence for what a user can put right before the job has begun; empty for a fault of the program."""
    if command.is_usage_error(error):
        return command.explain(error)
    if isinstance(error, OSError) and not begun:  # Hydra makes the run's folder itself
        where = f"the folder of the run, {error.filename}," if error.filename else "this folder"
        return f"{where} cannot be used: {error.strerror}; give hydra.run.dir=FOLDER, or go elsewhere"
    return ""


def _arguments(typed: list[str]) -> tuple[list[str], Repeat | None]:
    """What Hydra is to read, once it has been found harmless, and the run that is repeated. Raises RenderError."""
    arguments, repeated = repeat.take(command.normalise(typed))
    if repeated and any(word.startswith(("--config-n", "-cn")) for word in arguments):
        raise RenderError("--config-name: a run is repeated from a film or begun from a file, not both")
    return gate.check_arguments(arguments), repeated


def _run(job: Job, tree: DictConfig, repeated: Repeat | None) -> int:
    """Do the job for one composed ``tree``; the exit code. Errors are said, not raised: a sweep goes on."""
    hydra_config = HydraConfig.get()
    folder = Path(hydra_config.runtime.output_dir)
    try:
        config = command.read(tree)
        for note in repeated.check(config) if repeated else ():
            _say(f"note: {note}")
        job(config, folder, str(hydra_config.runtime.choices.get("preset") or "dream"))
    except RenderError as error:
        complain(str(error))
        return AT_FAULT
    except (Interrupted, KeyboardInterrupt) as error:
        complain(str(error) or "interrupted")
        return INTERRUPTED
    finally:
        _remove_empty(folder)
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
