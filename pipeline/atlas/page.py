"""The atlas as one self-contained HTML file: pictures, style and script are inside."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.atlas.similarity import is_silent, neighbours
from pipeline.atlas.store import Picture
from pipeline.media.encode.image_grid import as_bytes, cell_positions, row_count

COLUMNS, PER_SPRITE = 8, 48  # pictures in a row of a sprite and in a sprite; browsers decode sprites near the view
WEBP_QUALITY = 78

Section = tuple[str, int, Sequence[Picture]]
"""(layer's name, number of its channels, pictures)."""


def as_html(network: str, sections: Sequence[Section], blends: Sequence[Picture]) -> str:
    """The page with all sections, and those blends whose parts are in it."""
    data = {
        "network": f"network={network}",
        "sections": [_section(*section) for section in sections],
        "blends": _blends(sections, blends),
    }
    count = sum(len(pictures) for _, _, pictures in sections)
    layers = f"{len(sections)} layers, shallow to deep" if len(sections) > 1 else sections[0][0]
    here = Path(__file__)
    style, script = (here.with_suffix(suffix).read_text(encoding="utf-8") for suffix in (".css", ".js"))
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    values = {
        "POLICY": html.escape(policy),
        "TITLE": html.escape(f"Atlas of {network}"),
        "FACTS": html.escape(f"{count} pictures of {layers}. A click copies the target."),
        "STYLE": style,
        # Escaped so that no name can close the script element.
        "DATA": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "SCRIPT": script,
    }
    page = here.with_suffix(".html").read_text(encoding="utf-8")
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: values[match[1]], page)


def _section(name: str, total: int, pictures: Sequence[Picture]) -> dict[str, Any]:
    copies, count = len(pictures[0].pixels), len(pictures)
    unit = "classes" if name == "classes" else "channels"
    parts = [pictures[start : start + PER_SPRITE] for start in range(0, count, PER_SPRITE)]
    return {
        "name": name,
        "facts": f"{total} {unit}" if count == total else f"{count} of {total} {unit}",
        "columns": COLUMNS,
        "each": PER_SPRITE,
        "copies": copies,
        "sprites": [_sprite([each.pixels[copy] for each in part]) for part in parts for copy in range(copies)],
        "items": [
            {"target": each.target.target, "words": each.target.words, "kin": similar, "silent": is_silent(each)}
            for each, similar in zip(pictures, neighbours(pictures), strict=True)
        ],
    }


def _blends(sections: Sequence[Section], blends: Sequence[Picture]) -> list[dict[str, Any]]:
    """The blends of which both parts are in the page."""

    def order(each: Picture) -> tuple[tuple[str, ...], float]:
        return each.target.layers, each.target.parts[1][2] / each.target.parts[0][2]

    names = {each.target.parts[0][:2]: each.target.target for _, _, pictures in sections for each in pictures}
    items = []
    for each in sorted(blends, key=order):
        pair = [names[part[:2]] for part in each.target.parts if part[:2] in names]
        if len(pair) == len(each.target.parts):
            items.append({"target": each.target.target, "pair": pair, "picture": _sprite([each.pixels[0]])})
    return items


def _sprite(pictures: Sequence[Any]) -> str:
    """The pictures in rows of ``COLUMNS`` as one WebP in a data URI."""
    side, count = pictures[0].shape[0], len(pictures)
    sheet = np.zeros((row_count(count, COLUMNS) * side, min(COLUMNS, count) * side, 3), np.uint8)
    for picture, (x, y) in zip(pictures, cell_positions(count, COLUMNS, (side, side), 0, (0, 0)), strict=True):
        sheet[y : y + side, x : x + side] = picture
    content = as_bytes(Image.fromarray(sheet), "WEBP", quality=WEBP_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
