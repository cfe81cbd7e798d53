"""Makes docs/gallery.md: a still of every preset and look, with the command that renders its film.

    python scripts/gallery.py                          renders all of them; a minute or two each on two cores
    python scripts/gallery.py --only spiral fur        some of them; the page shows all that are in the folder
    python scripts/gallery.py --missing                those that have no still yet
    python scripts/gallery.py --at 5s --set seed=7     the frame at another second; a setting laid over all films

Presets that need a picture, a clip or a song say so in their first comment (``start.path=photo.jpg``). They get an
octopus as scripts/motifnet draws it, drifting clouds, or bars of kicks and chords. Each still is a frame of the real
render. Exit code 1 names what fails, and a gallery that is too large.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from tqdm import tqdm

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.cli.compose import make_config
from pipeline.errors import RenderError
from pipeline.plan.planner import plan_film
from pipeline.timing.timecode import parse_time
from scripts.frame_cases import ROOT, draw_song
from scripts.motifnet.compose import Style, picture
from scripts.motifnet.motifs import MOTIFS

WIDTH, HEIGHT = 640, 360  # pixels of pictures and stills
CLIP_SECONDS, CLIP_FPS = 5, 24
JPEG_QUALITY, MAX_BYTES = 85, 12_000_000  # of all stills
DEFAULT_AT = "3s"
MOMENTS = {
    "0.3s": "silk",
    "0.5s": "fractal_zoom spiral birds deep_sea fur insects savanna serpents temples volcanoes wildlife",
    "1s": "ascent bestiary animals eyes gardens jewels origami pearls",
    "2s": "kaleidoscope",
    "2.5s": "footage",
    "4.6s": "masks",
    "5s": "latent_walk",
    "5.5s": "sleep",
    "7.5s": "breathing reef shells",
    "8s": "morph",
    "9s": "triptych",
}
"""Times of the stills of some presets and looks."""
AT = {name: at for at, names in MOMENTS.items() for name in names.split()}
TIMEOUT_SECONDS = 3600
GROUPS = {"preset": "Presets", "look": "Looks"}
INTRODUCTION = """\
# Gallery

A still of every preset and every look, and the command that renders its film. Another `seed=` makes another film of
the same kind, and presets and looks combine: `scripts/render preset=spiral look=fur`.

`python scripts/gallery.py` makes this page.
"""


@dataclass(frozen=True)
class Entry:
    """A preset or look: its ``group`` and name, what its first comment says, the ``files`` it needs, by setting."""

    group: str
    name: str
    words: str
    files: dict[str, str]

    @property
    def command(self) -> str:
        """What renders its film."""
        return " ".join(
            ["scripts/render", f"{self.group}={self.name}", *(f"{key}={file}" for key, file in self.files.items())]
        )

    @property
    def still(self) -> str:
        """The name of its picture."""
        return f"{self.group}-{self.name}.jpg"


def entries() -> list[Entry]:
    """All presets and looks."""
    result = []
    for group in GROUPS:
        for path in sorted((ROOT / "conf" / group).glob("*.yaml")):
            lines = path.read_text(encoding="utf-8").splitlines()
            comment = next((line[2:] for line in lines if line.startswith("# ") and "@package" not in line), "")
            files = dict(re.findall(r"\b(\w+\.(?:path|to))=(\S+)", comment))
            words = re.sub(r"(:? \w+\.(path|to)=\S+)+", ".", comment)
            result.append(Entry(group, path.stem, words, files))
    return result


def draw_picture(path: Path, motif: str) -> None:
    """A picture of a motif on its ground."""
    scene = picture(list(MOTIFS).index(motif), WIDTH, np.random.default_rng(5), Style(radius=(0.24, 0.3), loyalty=1.0))
    top = (WIDTH - HEIGHT) // 2
    pixels = (scene[top : top + HEIGHT].clip(0, 1) * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(path)


def fractal_noise(height: int, width: int, cells: int, generator: torch.Generator) -> Tensor:
    """``(height, width)`` around 0: clouds as large as the height over ``cells``, with ever smaller and weaker ones."""
    total = torch.zeros(1, 1, height, width)
    for octave in range(6):
        rows = cells * 2**octave
        coarse = torch.randn(1, 1, rows + 3, round(rows * width / height) + 3, generator=generator)
        total += F.interpolate(coarse, size=(height, width), mode="bicubic") * 0.55**octave
    return total[0, 0]


def draw_clip(path: Path) -> None:
    """Clouds that drift across the sky in two layers, each at its own speed."""
    generator = torch.Generator().manual_seed(1)
    near, far = (fractal_noise(HEIGHT, 2 * WIDTH, cells, generator) for cells in (2, 3))
    rows = torch.linspace(0, 1, HEIGHT)[:, None]
    sky = torch.stack([0.16 + 0.6 * rows, 0.36 + 0.45 * rows, 0.66 + 0.22 * rows], dim=-1)
    frames = []
    for part in np.linspace(0, 1, CLIP_SECONDS * CLIP_FPS):
        moved, slow = round(part * WIDTH / 2), round(part * WIDTH / 4)
        density = (near[:, moved : moved + WIDTH] + 0.6 * far[:, slow : slow + WIDTH])[..., None]
        shade = ((density - 0.8) / 1.5).clamp(0, 1)
        light = torch.tensor([1.0, 0.93, 0.84]) * (1 - 0.45 * shade)
        scene = torch.lerp(sky.expand_as(light), light, ((density - 0.1) / 1.3).clamp(0, 1))
        frames.append((scene.clamp(0, 1) * 255).round().to(torch.uint8).numpy().tobytes())
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(CLIP_FPS), "-i", "-"]
    encode = ["-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, *encode], input=b"".join(frames), check=True)


INPUTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "start.path": ("photo.png", lambda path: draw_picture(path, "octopus")),
    "imagine.to": ("other.png", lambda path: draw_picture(path, "mushroom")),
    "source.path": ("clip.mp4", draw_clip),
    "audio.path": ("song.wav", draw_song),
}


def render(entry: Entry, folder: Path, at: str, more: Sequence[str]) -> Image.Image:
    """The still of a film at this time, rendered in ``folder``. Raises RenderError, RuntimeError."""
    words = [f"{entry.group}={entry.name}"]
    for key in entry.files:
        name, draw_file = INPUTS[key]
        if not (folder / name).exists():
            draw_file(folder / name)
        words.append(f"{key}={folder / name}")
    words += more
    plan = plan_film(make_config(words), folder, entry.name)
    seconds = parse_time(at, fps=plan.fps, key="--at", duration=float(plan.frames / plan.fps))
    frame = min(round(seconds * plan.fps), plan.frames - 1)
    output = folder / entry.still
    one = [f"frames={frame}..{frame + 1}", "segment=8", "encode=png", f"output={output.with_suffix('')}"]
    command = [sys.executable, "-P", "-m", "pipeline.render", *words, *one]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    if run.returncode:
        raise RuntimeError((run.stderr.strip() or f"exit code {run.returncode}").splitlines()[-1])
    (still,) = output.with_suffix("").glob("*.png")
    with Image.open(still) as image:
        return image.convert("RGB")


def page(folder: Path) -> str:
    """The page of all stills in ``folder``/gallery."""
    text = INTRODUCTION
    for group, title in GROUPS.items():
        cells = [
            f"![{each.name}](gallery/{each.still})<br>{each.words}<br>`{each.command}`"
            for each in entries()
            if each.group == group and (folder / "gallery" / each.still).exists()
        ]
        rows = [" | ".join([*cells[n : n + 2], *[""] * (2 - len(cells[n : n + 2]))]) for n in range(0, len(cells), 2)]
        text += "\n".join(["", f"## {title}", "", "| | |", "|---|---|", *(f"| {row} |" for row in rows), ""])
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Render stills, write the page, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="presets and looks to render")
    parser.add_argument("--missing", action="store_true", help="render those without a still")
    parser.add_argument("--at", help=f"time of all stills; by default {DEFAULT_AT}, or a moment of its own")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="settings of all films")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs", help="where the page goes")
    options = parser.parse_args(arguments)
    every = entries()
    unknown = set(options.only or ()) - {each.name for each in every}
    if unknown:
        parser.error(f"no such preset or look: {', '.join(sorted(unknown))}; there are {[e.name for e in every]}")
    stills = options.folder / "gallery"
    stills.mkdir(parents=True, exist_ok=True)
    chosen = [each for each in every if not options.only or each.name in options.only]
    chosen = [each for each in chosen if not (options.missing and (stills / each.still).exists())]
    faults = []
    with tempfile.TemporaryDirectory() as scratch:
        for entry in tqdm(chosen, "gallery", disable=None):
            try:
                at = options.at or AT.get(entry.name, DEFAULT_AT)
                still = render(entry, Path(scratch), at, options.set)
            except (RenderError, RuntimeError, subprocess.TimeoutExpired) as error:
                faults.append(f"{entry.group}={entry.name}: {error}")
                continue
            still.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
            still.save(stills / entry.still, quality=JPEG_QUALITY, optimize=True, progressive=True)
    (options.folder / "gallery.md").write_text(page(options.folder), encoding="utf-8")
    size = sum(path.stat().st_size for path in stills.glob("*.jpg"))
    faults += [f"the stills have {size / 1e6:.1f} MB; allowed are {MAX_BYTES / 1e6:.0f}"] if size > MAX_BYTES else []
    print(f"{options.folder / 'gallery.md'}: {len(list(stills.glob('*.jpg')))} stills, {size / 1e6:.1f} MB")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
