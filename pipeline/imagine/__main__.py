"""``python -m pipeline.imagine train``: train a generative model on pictures."""

import sys
from pathlib import Path

from pipeline.cli import own_settings
from pipeline.cli.main import complain, launch
from pipeline.config import RenderConfig
from pipeline.imagine.config import DREAMS, TrainConfig, check_model
from pipeline.runtime.files import check_writable
from pipeline.runtime.interrupt import postponed

USAGE = """\
Trains a generative model on pictures. It learns what is behind them, and invents new ones: a film starts from its
pictures, or walks through them.

    python -m pipeline.imagine train output=generator.safetensors
    python -m pipeline.imagine train pictures=FOLDER size=128 output=generator.safetensors
    python -m pipeline.imagine train model=helmholtz size=32 --dreams output=generator.safetensors

Folders in FOLDER are classes. Sample sheets appear next to the output. After Ctrl-C or a crash the same command
resumes. --dreams (dreams=true) makes a film of what the model dreams while it learns.

Settings of a training (setting=value; [default]):

{own}

It also reads these settings of a render: output=, overwrite=, resume=, seed=, device=, precision=.
"""


def main() -> None:
    """Train the model that the command line describes and exit as ``python -m pipeline.render`` does."""
    command, arguments = sys.argv[1:2], sys.argv[2:]
    if command and command[0] in ("--help", "-h"):
        arguments = command + arguments
    elif command != ["train"]:
        complain("python -m pipeline.imagine needs a command: train (--help describes it)")
        sys.exit(1)
    arguments = ["dreams=true" if word == "--dreams" else word for word in arguments]
    own, sys.argv[1:] = own_settings.split(arguments, TrainConfig())

    def job(config: RenderConfig, folder: Path, name: str) -> None:
        train(config, own_settings.parse(own, TrainConfig()), folder)

    launch(job, USAGE.format(own=own_settings.table(TrainConfig())))


def train(config: RenderConfig, own: TrainConfig, folder: Path) -> None:
    """Train and write the generator to ``config.output``, else into ``folder``; prints its path."""
    output = Path(config.output) if config.output else folder / "generator.safetensors"
    check_model(own)
    check_writable(output, overwrite=config.overwrite)
    if own.dreams:
        check_writable(output.with_suffix(DREAMS), overwrite=config.overwrite, key="dreams=true: ")

    with postponed():
        from pipeline.imagine.session import train_mind

    print(train_mind(config, own, output))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
