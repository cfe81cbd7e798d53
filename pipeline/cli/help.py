"""The text of ``--help``: the settings to begin with and every preset; of ``--help all``: everything."""

from collections.abc import Iterable
from dataclasses import Field
from pathlib import Path
from textwrap import fill
from typing import Any

from pipeline.cli.compose import make_config
from pipeline.cli.sanitize import CONF, choices
from pipeline.config import settings

RENDER = """\
Renders a film that a neural network dreams, and prints where it is.

    python -m pipeline.render preset=fractal_zoom
    python -m pipeline.render preset=portrait start.path=photo.jpg duration=12s
    python -m pipeline.render score.targets='[class:lion,class:daisy]' camera.zoom=1.3
    python -m pipeline.render from=film.mp4 seed=8

{settings}
"""
SCORE = """\
Draws the score of a film, every number and target over time, and renders nothing.

    python -m pipeline.score preset=fractal_zoom
    python -m pipeline.score preset=bestiary output=score.png export=score.json

output=score.png names the picture; without it, it is score.png in the run's folder under outputs/, and for
output=film.mp4 it is film.mp4.score.png. export=score.json also writes the score as data: fps, frames, lanes (a value
per frame for each number) and targets (their weights per frame). With .otio, .edl or .csv instead of .json it writes
shots, transitions and cues for editors, with .camera.csv, .camera.jsx (After Effects) or .camera.py (Blender) the
camera's path. It has all settings of python -m pipeline.render.

{settings}
"""
FIRST = (
    *("output", "duration", "seed", "frame.width", "frame.height", "start.path", "source.path", "audio.path"),
    *("network.name", "score.targets", "camera.zoom", "dream.strength", "device"),
)
WORDS = """\
Times: 8s, 1m30s, 96f (frames), 25% (of the film), 4b (beats), 2bar. All rates are per second.

Targets: block10 (a layer), block10:77 (a channel), block10:77@0.5x0.3 (a neuron at a position), dir:block10:12..40
(from one channel to another), diverse:block10:3+17+40 (channels that differ), class:lion, guide:photo.jpg (the features
of a picture), text:"a cathedral of bones" (what words describe). -1*class:lion means less of it,
'class:lion + 0.5*block10' a sum; class:owl@motifnet is of another network. "class:lion{left}" dreams in one part of the
frame (left, right, top, bottom, center, circle(x,y,r), mask.png, or not and one of these), "class:lion[coarse]" on the
large octaves only ([fine], [0.2..0.6]); these need quotes: 'score.targets=["class:lion{left}"]'.

A number marked ~ can change over time: '0s: 1.2, 4s: 1.6 in-out, 8s: 1' (keyframes; linear, in, out, in-out, hold or
bezier(x1,y1,x2,y2)), '1.4 + 0.2*sin(2*pi*t/8)' (an expression in t, frame, fps, duration), or Deforum's
'0:(1.02), 60:(1.05)'. With audio.path=song.mp3 or audio.bpm= expressions also have beat, bar, onset, bass, mid, treble
and loud, as in '1.2 + 0.6*bass'.

from=film.mp4 repeats the run of a film, from the record inside it or from its run.yaml: it has all its settings except
output and overwrite. What you type wins, and files (such as start.path) have to be named again.
--config-dir=FOLDER adds your own presets, as FOLDER/preset/mine.yaml.
--cfg job prints the whole configuration and renders nothing.
-m renders one film for each value of a list, as in -m seed=1,2,3: one on each GPU, or jobs=2 at a time.
python -m pipeline.score draws the settings over time before anything is rendered; with export=score.json as data
too."""
LOOKS = "look=NAME chooses what appears: {looks}."
MORE = """\
{looks}
quality=draft, hd or uhd sets the size; format=reel, square, portrait45, cinema, sphere (360°) or dome the shape."""
EXIT_CODES = "Exit codes: 0 done, 1 something for you to correct, 130 interrupted. --help all lists every setting."


def text(usage: str, *, full: bool) -> str:
    """``usage`` with the settings in place of ``{settings}``."""
    rows = {key: row(key, item, value) for key, item, value in settings(make_config())}
    if full:
        groups = sorted(path.name for path in CONF.iterdir() if path.is_dir())
        chosen = table((f"{group}=", ", ".join(choices(group))) for group in groups)
        body = f"Choices (group=choice):\n\n{chosen}\n\n"
        body += f"Settings (setting=value; [default]):\n\n{table(rows.values())}\n\n{WORDS}"
    else:
        presets = [(f"preset={name}", _first_comment(CONF / "preset" / f"{name}.yaml")) for name in choices("preset")]
        looks = fill(LOOKS.format(looks=", ".join(choices("look"))), 120, subsequent_indent=" " * 4)
        more = MORE.format(looks=looks)
        body = (
            f"Settings to begin with:\n\n{table(rows[key] for key in FIRST)}\n\nPresets:\n\n{table(presets)}\n\n{more}"
        )
    return f"{usage.replace('{settings}', body)}\n{EXIT_CODES}"


def row(key: str, item: "Field[Any]", value: Any) -> tuple[str, str]:
    """A setting and what it means, with its default and limits."""
    low, high, options = (item.metadata[name] for name in ("low", "high", "choices"))
    limits = " | ".join(options) if options else f"{low:g} to {high:g}" if high is not None else ""
    limits += "~" * item.metadata["curve"]
    default = "null" if value is None else str(value).lower() if isinstance(value, bool) else value
    return f"{key}=", f"[{default}] {item.metadata['help']}" + (f" ({limits})" if limits else "")


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Rows of a name and its meaning, in two columns."""
    return "\n".join(f"  {name}".ljust(25) + f" {meaning}" for name, meaning in rows)


def _first_comment(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line[2:] for line in lines if line.startswith("# ") and "@package" not in line), "")
