"""``python -m pipeline.render``: compose the config, render, say where the video is.

The only module that knows Hydra's runtime. torch is imported once the config has been found valid.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pipeline import command
from pipeline.config import RenderConfig
from pipeline.errors import Interrupted, RenderError

DONE, AT_FAULT, INTERRUPTED = 0, 1, 130


def main() -> None:
    """Run what the command line asks for and exit with 0 (done), 1 (something to put right) or 130 (interrupted)."""
    # Spinning threads that wait for each other make a busy machine several times slower; read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    full_error = os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra lets its errors through to us
    signal.signal(signal.SIGTERM, _on_signal)
    sys.argv[1:] = command.normalise(sys.argv[1:])
    command.register()
    codes: list[int] = []

    def job(tree: DictConfig) -> None:
        codes.append(run(tree))
        if codes[-1] == INTERRUPTED:  # a sweep ends here too
            sys.exit(INTERRUPTED)

    try:
        hydra.main(config_path=str(command.CONF), config_name="config", version_base="1.3")(job)()
    except KeyboardInterrupt:
        codes.append(INTERRUPTED)
    except Exception as error:
        if not command.is_usage_error(error) or full_error != "1":
            raise
        _complain(command.explain(error))
        codes.append(AT_FAULT)
    sys.exit(max(codes, default=DONE))


def run(tree: DictConfig) -> int:
    """Render what the composed ``tree`` says; the exit code. Errors are said, not raised: a sweep goes on."""
    hydra_config = HydraConfig.get()
    folder = Path(hydra_config.runtime.output_dir)
    try:
        config = command.read(tree)
        name = str(hydra_config.runtime.choices.get("preset") or "dream")
        render(config, folder, name)
    except RenderError as error:
        _complain(str(error))
        return AT_FAULT
    except (Interrupted, KeyboardInterrupt) as error:
        _complain(str(error) or "interrupted")
        return INTERRUPTED
    finally:
        _remove_empty(folder)
    return DONE


def render(config: RenderConfig, folder: Path, name: str) -> None:
    """Check what needs no torch, then make the film ``name`` in ``folder``, or at ``config.output``."""
    from pipeline.plan import make_plan

    plan = make_plan(config, folder, name)

    from pipeline import film

    made = film.render(plan)
    for path in (made.video, made.poster, made.record):
        print(path)  # noqa: T201 - the answer


def _on_signal(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _complain(sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr)  # noqa: T201 - errors belong here


def _remove_empty(folder: Path) -> None:
    """Take the run's folder away again when nothing was put there, with the day's folder if that is empty too."""
    for path in (folder, folder.parent):
        try:
            path.rmdir()
        except OSError:
            return


if __name__ == "__main__":
    main()
