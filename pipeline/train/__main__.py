"""``python -m pipeline.train``: train a network on pictures of your own."""

import sys
from pathlib import Path

from pipeline.cli import own_settings
from pipeline.cli.main import launch
from pipeline.config import RenderConfig
from pipeline.errors import ConfigError, OutputError
from pipeline.runtime.files import check_writable
from pipeline.runtime.interrupt import postponed
from pipeline.train.config import TrainConfig

USAGE = """\
Trains a network on pictures of your own; then films dream of them.

    python -m pipeline.train pictures=FOLDER output=mine.safetensors
    python -m pipeline.render network=mine.safetensors score.targets='[class:NAME]'

Folders in FOLDER are classes. Without folders, similar pictures become a class. A sheet of dreams appears next to the
output every minute. After Ctrl-C or a crash the same command resumes.

Settings of a training (setting=value; [default]):

{own}

It also reads these settings of a render: output=, overwrite=, resume=, seed=, device=, precision=.
"""


def main() -> None:
    """Train the network that the command line describes and exit as ``python -m pipeline.render`` does."""
    own, sys.argv[1:] = own_settings.split(sys.argv[1:], TrainConfig())

    def job(config: RenderConfig, folder: Path, name: str) -> None:
        train(config, own_settings.parse(own, TrainConfig()), folder)

    launch(job, USAGE.format(own=own_settings.table(TrainConfig())))


def train(config: RenderConfig, own: TrainConfig, folder: Path) -> None:
    """Train and write the network to ``config.output``, else into ``folder``; prints its path. Raises RenderError."""
    if own.pictures is None:
        raise ConfigError("pictures", None, "give a folder of pictures, with a folder for each class")
    output = Path(config.output) if config.output else folder / "network.safetensors"
    if output.suffix != ".safetensors":
        raise OutputError(f"output={output}: a network is a .safetensors file; give output={output.stem}.safetensors")
    check_writable(output, overwrite=config.overwrite)

    with postponed():
        from pipeline.train.session import train_network

    print(train_network(config, own, output))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
