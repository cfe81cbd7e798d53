"""Makes an atlas: selects targets, draws pictures, writes sheets and the page."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pipeline.atlas import contact_sheet, page, picture_work
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.renderer import Batch, Renderer
from pipeline.atlas.selection import (
    BLEND_WEIGHTS,
    LayerSection,
    Names,
    PictureTarget,
    blend,
    pairs,
    sections,
    sections_of,
)
from pipeline.atlas.similarity import TOLERANCE, prefers_own
from pipeline.atlas.store import Picture
from pipeline.color.grade import Grade
from pipeline.config import ColorConfig, RenderConfig
from pipeline.farm.engines import open_executor
from pipeline.image import from_array
from pipeline.inputs.grade import build_grade
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.runtime.files import check_writable, write_bytes
from pipeline.runtime.interrupt import Stop

log = logging.getLogger(__name__)

BLENDS = "blends"  # the name of the sheet of blends


@dataclass(frozen=True)
class Contents:
    """The contents of an atlas."""

    sections: tuple[LayerSection, ...]
    blends: tuple[PictureTarget, ...]

    @property
    def targets(self) -> list[PictureTarget]:
        """All targets, each once."""
        return list(dict.fromkeys([*(each for section in self.sections for each in section.targets), *self.blends]))


def make_atlas(config: RenderConfig, atlas: AtlasConfig, folder: Path) -> list[Path]:
    """Draw what is not in the cache, write all files to ``folder`` and return them. Raises RenderError, Interrupted."""
    network = picture_work.load_network(config)
    contents = _contents(atlas, Names(network.named, network.classes, network.class_layer), config.seed)
    renderer = Renderer(network, atlas, config.dream, config.seed, config.imagine)
    for layers in dict.fromkeys(target.layers for target in contents.targets):
        renderer.check(layers)
    sheet_names = [*(part.name for part in contents.sections), *([BLENDS] if contents.blends else [])]
    paths = [contact_sheet.path_of(folder, name, atlas.sheet) for name in sheet_names]
    paths += [folder / "atlas.html"] if atlas.page else []
    for path in paths:
        check_writable(path, overwrite=config.overwrite)
    grade = build_grade(config.color, torch.device("cpu"))
    draw = partial(_draw_elsewhere, config, atlas, renderer) if config.engine == "ray" else None
    colored = [_color(picture, grade, config.color) for picture in renderer.draw(contents.targets, draw)]
    drawn = dict(zip(contents.targets, colored, strict=True))
    drawn_sections = [(part.name, part.total, [drawn[target] for target in part.targets]) for part in contents.sections]
    for name, _, pictures in drawn_sections:
        _log_preferences(name, pictures)
    sheets = [
        *drawn_sections,
        *([(BLENDS, len(contents.blends), [drawn[each] for each in contents.blends])] * bool(contents.blends)),
    ]
    for path, (name, total, pictures) in zip(paths, sheets, strict=False):
        facts = f"{len(pictures)} of {total}" if len(pictures) < total else f"{total}"
        side = atlas.thumb or atlas.size
        sheet = contact_sheet.contact_sheet(f"{network.name} · {name}", facts, pictures, side)
        write_bytes(path, contact_sheet.as_file(sheet, atlas.sheet))
    if atlas.page:
        blends = [_color(picture, grade, config.color) for picture in renderer.blends()]
        write_bytes(paths[-1], page.as_html(network.name, drawn_sections, blends).encode())
    return paths


def _draw_elsewhere(
    config: RenderConfig, atlas: AtlasConfig, renderer: Renderer, batches: Sequence[Batch], stop: Stop
) -> Iterator[list[Picture]]:
    """Draw the batches on the workers of ``engine=``."""
    with open_executor(config, renderer.network.device.type, stop) as executor:
        for _, result in executor.map(picture_work.tasks(config, atlas, renderer, batches)):
            pictures = picture_work.pictures_of(result, renderer) or []
            for picture in pictures:
                renderer.store.put(picture)
            yield pictures


def _color(picture: Picture, grade: Grade | None, color: ColorConfig) -> Picture:
    """The picture in the colours of a film's finished frames; the cache keeps the dream's."""
    if grade is None:
        return picture
    frames = [grade(from_array(pixels / 255.0), color) for pixels in picture.pixels]
    return replace(picture, pixels=np.stack([to_bytes(frame) for frame in frames]))


def _contents(atlas: AtlasConfig, names: Names, seed: int) -> Contents:
    """With ``blend`` alone only those targets. Raises ConfigError for what the network does not have."""
    chosen_pairs = pairs(atlas, names)
    blends = tuple(blend(*pair, weight) for pair in chosen_pairs for weight in BLEND_WEIGHTS)
    if chosen_pairs and not atlas.layers:
        return Contents(tuple(sections_of([each for pair in chosen_pairs for each in pair], names)), blends)
    return Contents(tuple(sections(atlas, names, seed)), blends)


def _log_preferences(name: str, pictures: Sequence[Picture]) -> None:
    """Log how many channels prefer their own picture to all others of the sheet."""
    own = prefers_own(pictures)
    others = ", ".join(each.target.target for each, is_own in zip(pictures, own, strict=True) if not is_own)
    text = f"{name}: {int(own.sum())} of {len(own)} channels prefer their own picture, within {TOLERANCE:.0%}"
    log.info(text + (f"; not {others}" if others else ""))
