"""``python -m pipeline.atlas``: draw what the channels and classes of a network see."""

import sys
from pathlib import Path

from pipeline.atlas import words
from pipeline.config import AtlasConfig, RenderConfig
from pipeline.launch import launch


def main() -> None:
    """Draw the atlas that the command line describes and exit as ``python -m pipeline.render`` does."""
    own, sys.argv[1:] = words.divide(sys.argv[1:])

    def job(config: RenderConfig, folder: Path, name: str) -> None:
        draw(config, words.read(own), folder)

    launch(job, words.usage())


def draw(config: RenderConfig, wanted: AtlasConfig, folder: Path) -> None:
    """Draw the pictures that are ``wanted`` of ``config.network`` and bind them in ``config.output``, else ``folder``;
    say which files these are.
    """
    from pipeline.atlas.choice import check_layers
    from pipeline.layers import known_layers

    words.check_look(config.dream)
    known = known_layers(config.network.name)
    if known is not None:
        check_layers(wanted, known)

    from pipeline.atlas import book

    for path in book.make(config, wanted, Path(config.output) if config.output else folder):
        print(path)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
