"""``python -m pipeline.atlas``: draw what the channels and classes of a network see."""

import sys
from pathlib import Path

from pipeline.atlas import cli
from pipeline.atlas.config import AtlasConfig
from pipeline.cli.main import launch
from pipeline.config import RenderConfig


def main() -> None:
    """Draw the atlas that the command line describes and exit as ``python -m pipeline.render`` does."""
    own, sys.argv[1:] = cli.divide(sys.argv[1:])

    def job(config: RenderConfig, folder: Path, name: str) -> None:
        draw(config, cli.read(own), folder)

    launch(job, cli.usage())


def draw(config: RenderConfig, wanted: AtlasConfig, folder: Path) -> None:
    """Draw the pictures that are ``wanted`` of ``config.network`` and bind them in ``config.output``, else ``folder``;
    say which files these are.
    """
    from pipeline.atlas.selection import check_layers
    from pipeline.targets.layer_names import known_layers

    cli.check_look(config.dream)
    known = known_layers(config.network.name)
    if known is not None:
        check_layers(wanted, known)

    from pipeline.atlas import atlas

    for path in atlas.make(config, wanted, Path(config.output) if config.output else folder):
        print(path)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
