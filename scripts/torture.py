"""Kills renders at random moments, resumes them, and compares the films with uninterrupted ones.

    python -m scripts.torture                      every codec and kind of film, 25 kills each; prints a table
    python -m scripts.torture --codecs h264 --kills 3
    python -m scripts.torture --codecs alpha-prores hdr10 reverse speed

Each kill ends the renderer, its ffmpeg or both with SIGKILL, or sends the renderer Ctrl-C (SIGINT). The same command is
repeated until the film is finished. A film is lost if its decoded frames differ from the uninterrupted one's; if only
the files differ, that is counted separately.
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

SUFFIXES = {
    "h264": ".mp4",
    "h265": ".mp4",
    "av1": ".mp4",
    "prores": ".mov",
    "ffv1": ".mkv",
    "vp9": ".webm",
    "gif": ".gif",
    "webp": ".webp",
    "png": "",
    "tiff": "",
    "exr": "",
    "dnxhr": ".mov",
    "hap": ".mov",
}
KINDS = {
    "alpha-prores": (".mov", "encode=prores", "encode.alpha=mask", "dream.mask=luma"),
    "alpha-vp9": (".webm", "encode=vp9", "encode.alpha=mask", "dream.mask=luma"),
    "alpha-png": ("", "encode=png", "encode.alpha=mask", "dream.mask=luma"),
    "alpha-exr": ("", "encode=exr", "encode.alpha=mask", "dream.mask=luma"),
    "hdr10": (".mp4", "encode=h265", "encode.color=hdr10"),
    "hlg": (".mp4", "encode=av1", "encode.color=hlg"),
    "reverse": (".mp4", "film.reverse=true"),
    "pingpong": (".mp4", "film.pingpong=true"),
    "speed": (".mp4", "film.speed=0s: 0.5, 1s: 2"),
    "interpolate": (".mp4", "encode.interpolate=48"),
    "bends": (".mp4", "camera.symmetry=5", "camera.swirl=40", "camera.lens=0.5", "camera.shear=[0.2,-0.1]"),
    "trails": (".mp4", "camera.zoom=0.7", "camera.shake=0.03", "camera.mirror=radial", "dream.echo=0.5"),
    "flight": (".mp4", "camera=flight", "camera.dolly=-0.3", "frame.stereo=side_by_side"),
    "sphere": (".mp4", "frame.projection=equirect", "frame.height=48", "camera.yaw=20"),
}
"""Kinds of films: their suffix and settings. Besides, every codec is one."""
KINDS = {**{codec: (suffix, f"encode={codec}") for codec, suffix in SUFFIXES.items()}, **KINDS}
LARGER = {"dnxhr": ("frame.width=256", "frame.height=128")}
SMALL = ("frame.width=96", "frame.height=64", "start.steps=3", "dream.octaves=2", "encode.quality=draft")
SMALL = (*SMALL, "network=motifnet")
VICTIMS = ("renderer", "ffmpeg", "both", "interrupt")
TIMEOUT_SECONDS = 900


@dataclass
class Result:
    """The films of one codec, each of ``frames`` frames: ``kills`` that hit, in ``runs`` runs."""

    codec: str
    kills: int = 0
    runs: int = 0
    films: int = 0
    frames: int = 0
    lost: int = 0
    other_bytes: int = 0
    seconds: float = 0.0

    def row(self) -> str:
        """The table's row."""
        return (
            f"{self.codec:12} {self.kills:6} {self.runs:5} {self.films:6} {self.frames:7} {self.lost:5} "
            f"{self.other_bytes:12} {self.seconds:8.0f}"
        )


def main(arguments: list[str] | None = None) -> int:
    """Test each codec; the exit code is the number of films that are lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codecs", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--kills", type=int, default=25, help="for each codec")
    parser.add_argument("--frames", type=int, default=60, help="of each film")
    parser.add_argument("--segment", type=int, default=6, help="frames")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the victims")
    options = parser.parse_args(arguments)
    results = []
    print("codec         kills  runs  films  frames  lost  other bytes  seconds")
    for codec in options.codecs:
        with tempfile.TemporaryDirectory() as folder:
            results.append(torture(codec, Path(folder), options))
        print(results[-1].row(), flush=True)
    lost, films = sum(result.lost for result in results), sum(result.films for result in results)
    print(f"{sum(result.kills for result in results)} kills, {lost} of {films} films lost")
    return lost


def torture(codec: str, folder: Path, options: argparse.Namespace) -> Result:
    """Render one film without a stop, then films that are killed until ``options.kills`` kills hit; compare them."""
    result, rng = Result(codec), random.Random(f"{options.seed} {codec}")
    settings = (
        *SMALL,
        *LARGER.get(codec, ()),
        *KINDS[codec][1:],
        f"duration={options.frames}f",
        f"segment={options.segment}",
    )
    whole, killed = (folder / name / f"film{KINDS[codec][0]}" for name in ("whole", "killed"))
    for film in (whole, killed):
        film.parent.mkdir()
    started = time.monotonic()
    process = render(whole, settings)
    wait_for_work(process, whole)
    loaded = time.monotonic()
    if finish(process):
        raise SystemExit(f"an uninterrupted render of {codec} failed: {last_error(whole)}")
    render_seconds = time.monotonic() - loaded
    whole_frames, whole_bytes = frames_of(whole), bytes_of(whole)
    result.frames = len(whole_frames)
    while result.kills < options.kills:
        result.films += 1
        while not is_finished(killed):
            process = render(killed, settings)
            result.runs += 1
            wait_for_work(process, killed)
            checkpoints = len(list(killed.with_name(f"{killed.name}.work").glob("*/[0-9]*.safetensors")))
            missing = 1 - checkpoints / (options.frames / options.segment)
            if result.kills < options.kills and strike(process, rng, render_seconds * max(0.1, missing)):
                result.kills += 1
            if finish(process) not in (0, 1, 130, -signal.SIGKILL):
                raise SystemExit(f"{codec}: the renderer ended with {process.returncode}: {last_error(killed)}")
            if result.runs > 5 * options.kills + 20:
                raise SystemExit(f"{codec}: no progress after {result.runs} runs: {last_error(killed)}")
        result.lost += frames_of(killed) != whole_frames
        result.other_bytes += bytes_of(killed) != whole_bytes
        shutil.rmtree(killed.parent)
        killed.parent.mkdir()
    result.seconds = time.monotonic() - started
    return result


def render(output: Path, settings: tuple[str, ...]) -> "subprocess.Popen[str]":
    """Start a renderer."""
    command = [sys.executable, "-m", "pipeline.render", f"output={output.name}", *settings]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    with output.parent.with_suffix(".txt").open("w") as errors:
        return subprocess.Popen(
            command, cwd=output.parent, stdout=subprocess.DEVNULL, stderr=errors, text=True, env=environment
        )


def wait_for_work(process: "subprocess.Popen[str]", film: Path) -> None:
    """Wait until the renderer has loaded everything and holds the film's lock."""
    lock = film.with_name(f"{film.name}.work") / "lock.json"
    while process.poll() is None:
        with suppress(OSError, ValueError):
            if json.loads(lock.read_text())["pid"] == process.pid:
                return
        time.sleep(0.005)


def strike(process: "subprocess.Popen[str]", rng: random.Random, seconds: float) -> bool:
    """Kill a random victim at a random moment of the next ``seconds``; False if it ended before."""
    victim = rng.choice(VICTIMS)
    deadline = time.monotonic() + rng.uniform(0.0, 1.0) * seconds
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
    if victim == "interrupt":
        kill(process.pid, signal.SIGINT)
    return victim != "ffmpeg" or bool(children)


def encoders(parent: int) -> list[int]:
    """The process ids of the ffmpegs that ``parent`` started."""
    processes = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text(errors="replace").rpartition(")")
        except OSError:
            continue
        if int(rest.split()[1]) == parent and "ffmpeg" in name:
            processes.append(int(path.parent.name))
    return processes


def kill(process: int, number: signal.Signals) -> None:
    """Send a signal to a process, which may have ended."""
    with suppress(ProcessLookupError):
        os.kill(process, number)


def finish(process: "subprocess.Popen[str]") -> int:
    """Wait for a renderer; its exit code."""
    return process.wait(TIMEOUT_SECONDS)


def last_error(film: Path) -> str:
    """The end of its renderer's standard error."""
    return film.parent.with_suffix(".txt").read_text()[-400:]


def is_finished(film: Path) -> bool:
    """Whether the film is complete and its work folder gone."""
    return film.exists() and not film.with_name(f"{film.name}.work").exists()


def frames_of(film: Path) -> list[bytes]:
    """The film's decoded frames."""
    if film.is_dir():
        return [path.read_bytes() for path in sorted(film.iterdir())]
    if film.suffix == ".webp":  # the probe opens no WebP
        with Image.open(film) as animation:
            return [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(animation)]
    return [frame.tobytes() for frame in decode(film)]


def bytes_of(film: Path) -> list[bytes]:
    """The file's bytes, or those of a folder's files."""
    return [path.read_bytes() for path in (sorted(film.iterdir()) if film.is_dir() else [film])]


if __name__ == "__main__":
    sys.exit(main())
