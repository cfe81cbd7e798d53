"""The atlas as one page that needs nothing beside it: pictures, style and script stand in the file."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.atlas.similarity import kin, silent
from pipeline.atlas.store import Drawn

COLUMNS, EACH = 8, 48  # pictures in a row of a sprite, and in a sprite: a browser decodes what is near
QUALITY = 78  # of WebP


def as_html(network: str, chapters: Sequence[tuple[str, int, Sequence[Drawn]]], mixed: Sequence[Drawn]) -> str:
    """The page: for every chapter its name, the number of channels that the layer has, and what was drawn of it."""
    data = {
        "network": f"network={network}",
        "chapters": [_chapter(*chapter) for chapter in chapters],
        "blends": _blends(chapters, mixed),
    }
    count = sum(len(drawn) for _, _, drawn in chapters)
    many = f"{len(chapters)} layers, shallow to deep" if len(chapters) > 1 else chapters[0][0]
    here = Path(__file__)
    style, script = (here.with_suffix(suffix).read_text(encoding="utf-8") for suffix in (".css", ".js"))
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    words = {
        "POLICY": html.escape(policy),
        "TITLE": html.escape(f"Atlas of {network}"),
        "FACTS": html.escape(f"{count} pictures of {many}. A click copies the target."),
        "STYLE": style,
        # No name in it may end the script that holds it.
        "DATA": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "SCRIPT": script,
    }
    page = here.with_suffix(".html").read_text(encoding="utf-8")
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: words[match[1]], page)


def _chapter(name: str, total: int, drawn: Sequence[Drawn]) -> dict[str, Any]:
    copies = len(drawn[0].pictures)
    unit = "classes" if name == "classes" else "channels"
    parts = [drawn[start : start + EACH] for start in range(0, len(drawn), EACH)]
    return {
        "name": name,
        "facts": f"{total} {unit}" if len(drawn) == total else f"{len(drawn)} of {total} {unit}",
        "columns": COLUMNS,
        "each": EACH,
        "copies": copies,
        "sprites": [_sprite([each.pictures[copy] for each in part]) for part in parts for copy in range(copies)],
        "items": [
            {"target": each.subject.target, "words": each.subject.words, "kin": near, "silent": silent(each)}
            for each, near in zip(drawn, kin(drawn), strict=True)
        ],
    }


def _blends(chapters: Sequence[tuple[str, int, Sequence[Drawn]]], mixed: Sequence[Drawn]) -> list[dict[str, Any]]:
    """The mixtures of which both parts are in the page."""
    names = {each.subject.parts[0][:2]: each.subject.target for _, _, drawn in chapters for each in drawn}
    found = []
    for each in sorted(
        mixed, key=lambda each: (each.subject.layers, each.subject.parts[1][2] / each.subject.parts[0][2])
    ):
        pair = [names[part[:2]] for part in each.subject.parts if part[:2] in names]
        if len(pair) == len(each.subject.parts):
            found.append({"target": each.subject.target, "pair": pair, "picture": _sprite([each.pictures[0]])})
    return found


def _sprite(pictures: Sequence[Any]) -> str:
    """The pictures in rows of COLUMNS as one WebP picture in a data URI."""
    side = pictures[0].shape[0]
    rows = -(-len(pictures) // COLUMNS)
    sheet = np.zeros((rows * side, min(COLUMNS, len(pictures)) * side, 3), np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, COLUMNS)
        sheet[row * side : (row + 1) * side, column * side : (column + 1) * side] = picture
    file = BytesIO()
    Image.fromarray(sheet).save(file, "WEBP", quality=QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
