"""An atlas from its settings to its files: chosen, drawn, measured, bound."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.atlas import contact_sheet, page
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.renderer import Artist
from pipeline.atlas.selection import SHARES, Chapter, Names, Subject, blend, chapters, of_subjects, pairs
from pipeline.atlas.similarity import CLOSE, raised
from pipeline.atlas.store import Drawn
from pipeline.config import RenderConfig
from pipeline.dream import model_zoo
from pipeline.dream.precision import choose_arithmetic
from pipeline.runtime.device import choose_device
from pipeline.runtime.files import check_writable, write_bytes

log = logging.getLogger(__name__)

BLENDS = "blends"  # what the sheet of mixtures is called


@dataclass(frozen=True)
class Outline:
    """What an atlas is to hold."""

    chapters: tuple[Chapter, ...]
    blends: tuple[Subject, ...]

    @property
    def subjects(self) -> list[Subject]:
        """Everything that has to be drawn, each once."""
        return list(dict.fromkeys([*(each for part in self.chapters for each in part.subjects), *self.blends]))


def make(config: RenderConfig, wanted: AtlasConfig, folder: Path) -> list[Path]:
    """Draw what was never drawn and write all files into ``folder``; the files. Raises RenderError, Interrupted."""
    device, network = choose_device(config.device, config.deterministic), model_zoo.build(config.network)
    outline = _outline(wanted, Names(network.named, network.classes, network.class_layer), config.seed)
    artist = Artist(network, wanted, config.dream, config.seed)
    for layers in dict.fromkeys(subject.layers for subject in outline.subjects):
        artist.check(layers)
    named = [*(part.name for part in outline.chapters), *([BLENDS] if outline.blends else [])]
    paths = [contact_sheet.path_of(folder, name, wanted.sheet) for name in named]
    paths += [folder / "atlas.html"] if wanted.page else []
    for path in paths:
        check_writable(path, overwrite=config.overwrite)
    arithmetic = choose_arithmetic(config.precision, config.network, device)
    network.to(device, *arithmetic, config.deterministic)
    drawn = dict(zip(outline.subjects, artist.draw(outline.subjects), strict=True))
    book = [(part.name, part.total, [drawn[subject] for subject in part.subjects]) for part in outline.chapters]
    for name, _, pictures in book:
        _tell(name, pictures)
    sheets = [
        *book,
        *([(BLENDS, len(outline.blends), [drawn[each] for each in outline.blends])] * bool(outline.blends)),
    ]
    for path, (name, total, pictures) in zip(paths, sheets, strict=False):
        facts = f"{len(pictures)} of {total}" if len(pictures) < total else f"{total}"
        side = wanted.thumb or wanted.size
        sheet = contact_sheet.contact_sheet(f"{network.name} · {name}", facts, pictures, side)
        write_bytes(path, contact_sheet.as_file(sheet, wanted.sheet))
    if wanted.page:
        write_bytes(paths[-1], page.as_html(network.name, book, artist.blends()).encode())
    return paths


def _outline(wanted: AtlasConfig, names: Names, seed: int) -> Outline:
    """Raises ConfigError for what the network lacks. With ``blend`` alone it is about those two."""
    asked = pairs(wanted, names)
    mixed = tuple(blend(*pair, share) for pair in asked for share in SHARES)
    if asked and not wanted.layers:
        return Outline(tuple(of_subjects([each for pair in asked for each in pair], names)), mixed)
    return Outline(tuple(chapters(wanted, names, seed)), mixed)


def _tell(name: str, drawn: Sequence[Drawn]) -> None:
    """Say how many channels answer to their own picture as strongly as to any other of the sheet."""
    good = raised(drawn)
    others = ", ".join(each.subject.target for each, fine in zip(drawn, good, strict=True) if not fine)
    share = f"{name}: {int(good.sum())} of {len(good)} answer most to their own picture, within {CLOSE:.0%}"
    log.info(f"{share}" + (f"; not {others}" if others else ""))
