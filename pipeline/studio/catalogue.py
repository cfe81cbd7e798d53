"""What the page offers: presets and looks with their pictures, choices, and every setting with its help. No torch."""

import re
from pathlib import Path
from typing import Any

from pipeline.cli.file_settings import FILES
from pipeline.cli.sanitize import CONF, choices
from pipeline.config import RenderConfig, settings
from pipeline.plan.transition_table import TRANSITIONS

GALLERY = CONF.parent / "docs" / "gallery"
WITH_PICTURES = ("preset", "look")
GROUP_OF = {"network.name": "network", "encode.codec": "encode", "start.kind": "start", "source.kind": "source"}
GROUP_OF |= {"score.kind": "score", "audio.kind": "audio", "flow.kind": "flow"}
"""Settings that a group chooses, and the group: it also sets what belongs to the choice."""
GROUP_HELP = {
    "camera": "how the camera moves; each number of it can be set too",
    "format": "shape of the frame: reel (9:16), square, portrait45 (4:5) or cinema (2.39:1)",
    "quality": "size of the frame: draft (480x270), hd (1920x1080) or uhd (3840x2160)",
}
FILE_KINDS = {"start.path": "photograph", "score.guide": "photograph", "source.path": "clip", "audio.path": "song"}
"""Settings that name a file of the user's, and which kind of upload it is."""
UNLISTED_SETTINGS = ("jobs", "frames", "shots", "preview.on", "preview.port")
MAIN_SETTINGS = (
    *("duration", "seed", "quality", "format", "camera", "camera.zoom", "camera.rotate", "score.targets", "score.hold"),
    *("dream.strength", "dream.detail", "color.palette", "color.saturation", "loop"),
)
"""The settings that matter, in the order of the page."""


def catalogue(config_dir: Path) -> dict[str, Any]:
    """All of it, with the user's own presets."""
    groups = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name not in WITH_PICTURES)
    items = {key: (item, value) for key, item, value in settings(RenderConfig())}
    help_of = {group: items[key][0].metadata["help"] for key, group in GROUP_OF.items()} | GROUP_HELP
    rows = [
        {"key": group, "help": help_of.get(group, ""), "choices": choices(group), "curve": False} for group in groups
    ]
    rows += [
        _row(key, item.metadata, value)
        for key, (item, value) in items.items()
        if key not in (*UNLISTED_SETTINGS, *GROUP_OF) and not key.startswith("limits.")
    ]
    order = {key: place for place, key in enumerate(MAIN_SETTINGS)}
    rows.sort(key=lambda row: (order.get(row["key"], len(order)), row["key"]))
    return {
        "presets": [*map(_own_preset, own_presets(config_dir)), *_entries("preset")],
        "looks": _entries("look"),
        "settings": rows,
        "file_kinds": FILE_KINDS,
        "main_settings": MAIN_SETTINGS,
        "transitions": list(TRANSITIONS),
        "config_dir": str(config_dir),
    }


def own_presets(config_dir: Path) -> list[Path]:
    """The files of the user's own presets."""
    return sorted(config_dir.glob("preset/*.yaml"))


def picture(group: str, name: str) -> Path | None:
    """The still of a preset or look; None if there is none."""
    if group not in WITH_PICTURES or name not in choices(group):
        return None
    paths = (GALLERY / f"{group}-{name}{suffix}" for suffix in (".jpg", ".png"))
    return next((path for path in paths if path.is_file()), None)


def _entries(group: str) -> list[dict[str, Any]]:
    result = []
    for name in choices(group):
        text = (CONF / group / f"{name}.yaml").read_text(encoding="utf-8")
        comment = _first_comment(text)
        result.append(
            {
                "name": name,
                "words": re.sub(r"(:? \w+\.(path|guide|to)=\S+)+", ".", comment),
                "needs": re.findall(r"\b(\w+\.(?:path|guide))=", comment),
                "picture": picture(group, name) is not None,
                "own": False,
                "shots": "\nfilm:" in text,
            }
        )
    return result


def _own_preset(path: Path) -> dict[str, Any]:
    return {"name": path.stem, "words": "Your own preset.", "needs": [], "picture": False, "own": True, "shots": False}


def _row(key: str, data: Any, value: Any) -> dict[str, Any]:
    kind = "bool" if isinstance(value, bool) else "file" if key in FILES else "list" if isinstance(value, list) else ""
    row = {name: data[name] for name in ("help", "low", "high", "choices", "curve", "usual")}
    return {"key": key, "kind": kind, **row}


def _first_comment(text: str) -> str:
    return next((line[2:] for line in text.splitlines() if line.startswith("# ") and "@package" not in line), "")
