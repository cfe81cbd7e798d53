"""Renders a film of many shots over a song, kills the renderer again and again, and compares what comes out.

    python -m scripts.film_torture                     20 shots, 3 minutes, 5 kills
    python -m scripts.film_torture --seconds 9 --shots 4 --kills 2

The song is drawn here. The film is rendered in peace once, and once under fire: the renderer is ended with SIGKILL when
random numbers of segments are there, a moment after, and the same command is given again until the film is there. Then
one shot is changed and the film is asked for once more. The exit code is the number of things that are not as they
should be.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
import wave
from contextlib import suppress
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from pipeline.media import ffmpeg
from pipeline.media.decode.probe import count_frames
from pipeline.runtime.files import digest
from scripts.torture import finish, kill, render, said, wait_for_work

RATE = 22_050  # samples of the song per second
FPS = 8
SMALL = (
    *("frame.width=64", "frame.height=36", f"frame.fps={FPS}", "dream.octaves=1", "dream.steps=1", "start.steps=2"),
    *("encode.quality=draft", "segment=24", "keep_segments=true", "audio.path=../song.wav", "audio.bpm=120"),
)
# What the shots are, in turn. None but the zoom through needs what comes before it.
KINDS = (
    "{camera: zoom%s}",
    "{camera: drift, transition: crossfade, fade: 1b%s}",
    "{camera: spiral, transition: zoom_through%s}",
    "{camera: static, score: walk, transition: dip, fade: 6f%s}",
    "{camera.rotate: 12*beat, transition: cut%s}",
)
LATEST = 0.8  # share of the segments that are there at the last kill, so that a render which is then quicker is hit too
AFTER = 0.05  # seconds after a segment within which a kill falls: while the next is dreamed, or written
CHANGED = 4  # the shot, counted from 1, that gets another seed: none goes on from it


def main(arguments: list[str] | None = None) -> int:
    """Renders, kills, resumes, changes a shot; prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180.3, help="of the song")
    parser.add_argument("--shots", type=int, default=20, help=f"at least {CHANGED}")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    options = parser.parse_args(arguments)
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_song(folder / "song.wav", options.seconds)
        settings = (*SMALL, shots(options))
        peace, war = (folder / kind / "film.mp4" for kind in ("peace", "war"))
        usual = in_peace(peace, settings)
        frames, whole = count_frames(peace), len(segments(peace))
        # Counts, not seconds: a machine that is busy now and idle then renders faster than in peace, or slower.
        counts = sorted(dice.sample(range(1, max(options.kills, round(LATEST * whole)) + 1), options.kills))
        moments = [(count, dice.uniform(0.0, AFTER)) for count in counts]
        kept, runs = under_fire(war, settings, moments)
        places = ", ".join(f"{count / whole:.0%}" for count in kept)
        same, rendered = digest(peace) == digest(war), changed(war, (*SMALL, shots(options, change=True)))
        heard = sound_seconds(peace)
    wanted = round(options.seconds * FPS)
    print(f"{options.shots} shots over a song of {options.seconds:g} s: {frames} frames, {wanted} wanted")
    print(f"sound in the film: {heard:.4f} s; pictures: {frames / FPS:.4f} s; rendered in {usual:.0f} s without a stop")
    equal = "the same bytes" if same else "other bytes"
    print(f"{len(kept)} kills, when {places} of the segments were there; {runs} runs; {equal} as in peace")
    print(f"shot {CHANGED} changed: rendered again were the shots {', '.join(map(str, rendered))}")
    wrong = [frames != wanted, abs(heard - frames / FPS) > 1e-3, not same, rendered != [CHANGED]]
    return sum(wrong) + (len(kept) < options.kills)


def draw_song(path: Path, seconds: float) -> None:
    """Kicks at 120 beats a minute, every other eight bars with a chord."""
    t = np.arange(round(seconds * RATE)) / RATE
    kicks = 0.7 * np.sin(2 * np.pi * 55 * (t % 0.5)) * np.exp(-(t % 0.5) * 18)
    chord = sum(0.06 * np.sin(2 * np.pi * hertz * t) for hertz in (220, 277, 330)) * (t // 16 % 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(((kicks + chord).clip(-1, 1) * 32767).astype("<i2").tobytes())


def shots(options: argparse.Namespace, *, change: bool = False) -> str:
    """The list of shots, equally long; the last one ends with the song."""
    each = f", duration: {options.seconds / options.shots:.3f}s"
    entries = [KINDS[number % len(KINDS)] % each for number in range(options.shots)]
    if change:
        entries[CHANGED - 1] = entries[CHANGED - 1].replace(each, f"{each}, seed: 99")
    return f"film=[{','.join(entries)}]"


def in_peace(film: Path, settings: tuple[str, ...]) -> float:
    """Renders without a stop; the seconds of work that it took."""
    film.parent.mkdir()
    process = render(film, settings)
    wait_for_work(process, film)
    began = time.monotonic()
    if finish(process):
        raise SystemExit(f"the uninterrupted render failed: {said(film)}")
    return time.monotonic() - began


def under_fire(film: Path, settings: tuple[str, ...], moments: list[tuple[int, float]]) -> tuple[list[int], int]:
    """Renders and is killed once for each of ``moments``: so many finished segments, and seconds after; how many were
    there each time, and how many runs it took.
    """
    film.parent.mkdir()
    kept: list[int] = []
    for runs in range(1, len(moments) + 3):
        process = render(film, settings)
        wait_for_work(process, film)
        if len(kept) < len(moments) and wait_for_segments(process, film, *moments[len(kept)]):
            kill(process.pid, signal.SIGKILL)
            kept.append(len(segments(film)))
        if finish(process) == 0:
            return kept, runs
        if process.returncode != -signal.SIGKILL:
            raise SystemExit(f"a render that went on failed: {said(film)}")
    raise SystemExit(f"it does not get on: {said(film)}")


def wait_for_segments(process: "subprocess.Popen[str]", film: Path, count: int, after: float) -> bool:
    """Wait until ``count`` segments are there, and ``after`` seconds; whether the process still runs then."""
    while len(segments(film)) < count and process.poll() is None:
        time.sleep(0.005)
    with suppress(subprocess.TimeoutExpired):
        process.wait(after)
    return process.poll() is None


def changed(film: Path, settings: tuple[str, ...]) -> list[int]:
    """Asks for the film with other settings; the numbers of the shots of which any segment was written anew."""
    before = segments(film)
    process = render(film, (*settings, "overwrite=true"))
    if finish(process):
        raise SystemExit(f"the changed render failed: {said(film)}")
    after = segments(film)
    return sorted({int(path.parent.name.removeprefix("shot-")) for path in after if before.get(path) != after[path]})


def segments(film: Path) -> dict[Path, tuple[int, int]]:
    """The pictures of all finished segments, with which file each is and when it was written."""
    work = film.with_name(f"{film.stem}.work")
    found = [path for path in work.glob("shot-*/[0-9]*") if path.suffix in (".mp4", ".nut")]
    told = {}
    for path in found:
        with suppress(FileNotFoundError):  # which the renderer has just joined
            told[path] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return told


def sound_seconds(film: Path) -> float:
    """How long the film's sound is, decoded."""
    listen = ["-i", f"file:{film}", "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "s16le", "pipe:1"]
    return len(ffmpeg.run(listen, doing="listening")) / 2 / 48000


if __name__ == "__main__":
    sys.exit(main())
