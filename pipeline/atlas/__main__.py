"""``python -m pipeline.atlas``: draw a picture for the channels and classes of a network."""

import sys
from pathlib import Path

from pipeline.atlas import cli
from pipeline.atlas.config import AtlasConfig
from pipeline.cli.main import launch
from pipeline.config import RenderConfig
from pipeline.runtime.interrupt import postponed


def main() -> None:
    """Draw the atlas that the command line describes and exit as ``python -m pipeline.render`` does."""
    own, sys.argv[1:] = cli.split_arguments(sys.argv[1:])

    def job(config: RenderConfig, folder: Path, name: str) -> None:
        draw(config, cli.parse(own), folder)

    launch(job, cli.usage(), engines=("local", "ray"))


def draw(config: RenderConfig, atlas_config: AtlasConfig, folder: Path) -> None:
    """Draw the atlas of ``config.network`` into ``config.output``, else ``folder``, and print its files."""
    from pipeline.atlas.selection import check_layers
    from pipeline.farm.ray_cluster import check_installed
    from pipeline.plan.input_files import check_color_files
    from pipeline.targets.layer_names import known_layers

    cli.check_constant(config)
    check_installed(config)
    check_color_files(config.color, config.limits)
    known = known_layers(config.network.full_name)
    if known is not None:
        check_layers(atlas_config, known)

    with postponed():
        from pipeline.atlas.make_atlas import make_atlas

    for path in make_atlas(config, atlas_config, Path(config.output) if config.output else folder):
        print(path)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
