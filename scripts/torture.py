"""Kills renders at random moments, resumes them, and compares the films with ones that were never interrupted.

    python -m scripts.torture                      every codec, 25 kills each; prints a table
    python -m scripts.torture --codecs h264 --kills 3

The renderer, its ffmpeg, or both are ended with SIGKILL, or the renderer is asked to stop (SIGINT) now and then. A film
is resumed until it is finished. It is lost when its decoded frames differ from the uninterrupted one's; where only the
files differ, that is counted beside it.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image, ImageSequence

from pipeline.media.decode.probe import decode

ENDINGS = {
    "h264": ".mp4",
    "h265": ".mp4",
    "av1": ".mp4",
    "prores": ".mov",
    "ffv1": ".mkv",
    "vp9": ".webm",
    "gif": ".gif",
    "webp": ".webp",
    "png": "",
}
SMALL = ("frame.width=96", "frame.height=64", "start.steps=3", "dream.octaves=2", "encode.quality=draft")
VICTIMS = ("renderer", "ffmpeg", "both", "polite")


@dataclass
class Score:
    """What became of the films of one codec: ``kills`` that hit them in ``runs`` runs, frames of a film."""

    codec: str
    kills: int = 0
    runs: int = 0
    films: int = 0
    frames: int = 0
    lost: int = 0
    other_bytes: int = 0
    seconds: float = 0.0


def main(arguments: list[str] | None = None) -> int:
    """Tortures one film of each codec; the exit code is the number of films that came out different."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codecs", nargs="+", default=list(ENDINGS), choices=list(ENDINGS))
    parser.add_argument("--kills", type=int, default=25, help="for each codec")
    parser.add_argument("--frames", type=int, default=60, help="of each film")
    parser.add_argument("--segment", type=int, default=6, help="frames")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the victims")
    options = parser.parse_args(arguments)
    scores = []
    print("codec     kills  runs  films  frames  lost  other bytes  seconds")
    for codec in options.codecs:
        with tempfile.TemporaryDirectory() as folder:
            score = torture(codec, Path(folder), options)
        scores.append(score)
        print(
            f"{codec:8} {score.kills:6} {score.runs:5} {score.films:6} {score.frames:7} {score.lost:5} "
            f"{score.other_bytes:12} {score.seconds:8.0f}",
            flush=True,
        )
    lost = sum(score.lost for score in scores)
    print(f"{sum(score.kills for score in scores)} kills, {lost} of {sum(score.films for score in scores)} films lost")
    return lost


def torture(codec: str, folder: Path, options: argparse.Namespace) -> Score:
    """Makes one film in peace, then as many under fire as the kills need, and compares them."""
    score, dice = Score(codec), random.Random(f"{options.seed} {codec}")
    settings = (*SMALL, f"encode={codec}", f"duration={options.frames}f", f"segment={options.segment}")
    peace, war = (folder / name / f"film{ENDINGS[codec]}" for name in ("peace", "war"))
    for film in (peace, war):
        film.parent.mkdir()
    began = time.monotonic()
    process = render(peace, settings)
    wait_for_work(process, peace)
    quiet = time.monotonic()
    if finish(process):
        raise SystemExit(f"an uninterrupted render of {codec} failed: {said(peace)}")
    usual, wanted, content = time.monotonic() - quiet, pictures(peace), files(peace)
    score.frames = len(wanted)
    while score.kills < options.kills:
        score.films += 1
        while not finished(war):
            process = render(war, settings)
            score.runs += 1
            wait_for_work(process, war)
            missing = 1 - len(list(war.with_name("film.work").glob("*/[0-9]*.safetensors"))) / (
                options.frames / options.segment
            )
            if score.kills < options.kills and strike(process, dice, usual * max(0.1, missing)):
                score.kills += 1
            if finish(process) not in (0, 1, 130, -signal.SIGKILL):
                raise SystemExit(f"{codec}: the renderer ended with {process.returncode}: {said(war)}")
            if score.runs > 5 * options.kills + 20:
                raise SystemExit(f"{codec}: it does not get on: {said(war)}")
        score.lost += pictures(war) != wanted
        score.other_bytes += files(war) != content
        shutil.rmtree(war.parent)
        war.parent.mkdir()
    score.seconds = time.monotonic() - began
    return score


def render(output: Path, settings: tuple[str, ...]) -> "subprocess.Popen[str]":
    """A renderer at work."""
    command = [sys.executable, "-m", "pipeline.render", f"output={output.name}", *settings]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    with output.parent.with_suffix(".txt").open("w") as errors:
        return subprocess.Popen(
            command, cwd=output.parent, stdout=subprocess.DEVNULL, stderr=errors, text=True, env=environment
        )


def wait_for_work(process: "subprocess.Popen[str]", film: Path) -> None:
    """Wait until the renderer has loaded everything and begins."""
    lock = film.with_name(f"{film.stem}.work") / "lock"
    while process.poll() is None:
        with suppress(OSError, ValueError):
            if json.loads(lock.read_text())["pid"] == process.pid:
                return
        time.sleep(0.005)


def strike(process: "subprocess.Popen[str]", dice: random.Random, within: float) -> bool:
    """Hit a running film at a random moment of the next seconds; whether it was still there to be hit."""
    victim = dice.choice(VICTIMS)
    deadline = time.monotonic() + dice.uniform(0.0, 1.0) * within
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    children = encoders(process.pid)
    if victim in ("ffmpeg", "both"):
        for child in children:
            kill(child, signal.SIGKILL)
    if victim in ("renderer", "both"):
        kill(process.pid, signal.SIGKILL)
    if victim == "polite":
        kill(process.pid, signal.SIGINT)
    return victim != "ffmpeg" or bool(children)


def encoders(parent: int) -> list[int]:
    """The process numbers of the ffmpegs that ``parent`` started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text(errors="replace").rpartition(")")
        except OSError:
            continue
        if int(rest.split()[1]) == parent and "ffmpeg" in name:
            found.append(int(path.parent.name))
    return found


def kill(process: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(process, number)


def finish(process: "subprocess.Popen[str]") -> int:
    """Wait for a renderer; its exit code."""
    return process.wait(900)


def said(film: Path) -> str:
    """The end of what its renderer said."""
    return film.parent.with_suffix(".txt").read_text()[-400:]


def finished(film: Path) -> bool:
    """Whether the film stands under its name."""
    return film.exists() and not film.with_name(f"{film.stem}.work").exists()


def pictures(film: Path) -> list[bytes]:
    """The film's decoded frames."""
    if film.is_dir():
        return [path.read_bytes() for path in sorted(film.iterdir())]
    if film.suffix == ".webp":  # which ffmpeg is never asked to open
        with Image.open(film) as animation:
            return [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(animation)]
    return [frame.tobytes() for frame in decode(film)]


def files(film: Path) -> list[bytes]:
    """The file's bytes, or those of a folder's files."""
    return [path.read_bytes() for path in (sorted(film.iterdir()) if film.is_dir() else [film])]


if __name__ == "__main__":
    sys.exit(main())
