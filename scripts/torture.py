"""Kills renders at random moments, resumes them, and compares the films with ones that were never interrupted.

    python -m scripts.torture                      every codec, 25 kills each; prints a table
    python -m scripts.torture --codecs h264 --kills 3

The renderer, its ffmpeg, or both are ended with SIGKILL, or the renderer is asked to stop (SIGINT) now and then. A film
is resumed until it is finished. It is lost when its decoded frames differ from the uninterrupted one's; ``bytes`` says
whether even the files are the same.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.media.video import decode

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
    """What became of one film: ``kills`` that hit it, ``runs`` that it took, frames compared."""

    codec: str
    kills: int
    runs: int
    frames: int
    same_frames: bool
    same_bytes: bool
    seconds: float


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
    print("codec     kills  runs  frames  decoded  bytes  seconds")
    for codec in options.codecs:
        with tempfile.TemporaryDirectory() as folder:
            score = torture(codec, Path(folder), options)
        scores.append(score)
        decoded, same = ("same" if equal else "DIFFER" for equal in (score.same_frames, score.same_bytes))
        print(
            f"{codec:8} {score.kills:6} {score.runs:5} {score.frames:7}  {decoded:7}  {same:6} {score.seconds:6.0f}",
            flush=True,
        )
    lost = sum(not score.same_frames for score in scores)
    print(f"{sum(score.kills for score in scores)} kills, {lost} of {len(scores)} films lost")
    return lost


def torture(codec: str, folder: Path, options: argparse.Namespace) -> Score:
    """Makes one film in peace and one under fire, and compares them."""
    began = time.monotonic()
    dice = random.Random(f"{options.seed} {codec}")
    settings = (*SMALL, f"encode={codec}", f"duration={options.frames}f", f"segment={options.segment}")
    peace, war = (folder / name / f"film{ENDINGS[codec]}" for name in ("peace", "war"))
    for film in (peace, war):
        film.parent.mkdir()
    quiet = time.monotonic()
    finish(render(peace, settings))
    usual = time.monotonic() - quiet
    kills = runs = 0
    while not finished(war):
        process = render(war, settings)
        runs += 1
        if kills < options.kills and strike(process, dice, usual):
            kills += 1
        code = finish(process, may_fail=True)
        if code not in (0, 1, 130, -signal.SIGKILL):
            raise SystemExit(f"{codec}: the renderer ended with {code}")
        if runs > 4 * options.kills + 10:
            raise SystemExit(f"{codec}: it does not get on")
    first, second = pictures(peace), pictures(war)
    return Score(
        codec, kills, runs, len(first), first == second, content(peace) == content(war), time.monotonic() - began
    )


def render(output: Path, settings: tuple[str, ...]) -> "subprocess.Popen[str]":
    """A renderer at work."""
    command = [sys.executable, "-m", "pipeline.render", f"output={output.name}", *settings]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    with output.parent.with_suffix(".txt").open("w") as errors:
        return subprocess.Popen(
            command, cwd=output.parent, stdout=subprocess.DEVNULL, stderr=errors, text=True, env=environment
        )


def strike(process: "subprocess.Popen[str]", dice: random.Random, usual: float) -> bool:
    """Hit a running film at a random moment; whether it was still there to be hit."""
    victim = dice.choice(VICTIMS)
    deadline = time.monotonic() + dice.uniform(0.15, 1.0) * usual
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        time.sleep(0.005)
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


def finish(process: "subprocess.Popen[str]", *, may_fail: bool = False) -> int:
    """Wait for a renderer; its exit code."""
    code = process.wait(600)
    if code and not may_fail:
        raise SystemExit(f"an uninterrupted render ended with {code}")
    return code


def finished(film: Path) -> bool:
    """Whether the film stands under its name."""
    return film.exists() and not film.with_name(f"{film.stem}.work").exists()


def pictures(film: Path) -> list[bytes]:
    """The film's decoded frames."""
    if film.is_dir():
        return [path.read_bytes() for path in sorted(film.iterdir())]
    return [frame.tobytes() for frame in decode(film)]


def content(film: Path) -> list[bytes]:
    """The file's bytes, or those of a folder's files."""
    return [path.read_bytes() for path in (sorted(film.iterdir()) if film.is_dir() else [film])]


if __name__ == "__main__":
    sys.exit(main())
