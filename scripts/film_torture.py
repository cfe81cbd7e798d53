"""Renders a film of many shots over a song, kills the renderer several times, and compares the films.

    python -m scripts.film_torture                     20 shots, 3 minutes, 5 kills
    python -m scripts.film_torture --seconds 9 --shots 4 --kills 2

The song is synthetic. The film is rendered once without a stop, and once with kills: the renderer gets SIGKILL just
after random numbers of finished segments, and the same command is repeated until the film is finished. Then one shot is
changed and the film rendered again. The exit code is the number of failures.
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
from pipeline.runtime.files import sha256_of
from scripts.torture import finish, kill, last_error, render, wait_for_work

SAMPLE_RATE = 22_050  # of the song, in Hz
FPS = 8
SMALL = (
    *("frame.width=64", "frame.height=36", f"frame.fps={FPS}", "dream.octaves=1", "dream.steps=1", "start.steps=2"),
    *("encode.quality=draft", "segment=24", "keep_segments=true", "audio.path=../song.wav", "audio.bpm=120"),
    "network=motifnet",
)
# The shots, in turn. Only a zoom_through depends on the shot before it.
SHOT_KINDS = (
    "{camera: zoom%s}",
    "{camera: drift, transition: crossfade, fade: 1b%s}",
    "{camera: spiral, transition: zoom_through%s}",
    "{camera: static, score: walk, transition: dip, fade: 6f%s}",
    "{camera.rotate: 12*beat, transition: cut%s}",
)
LAST_KILL = 0.8  # fraction of the segments finished at the last kill, so that a faster run is hit too
MAX_DELAY_SECONDS = 0.05  # from a segment to a kill, which then hits the next one as it is dreamed or written
CHANGED_SHOT = 4  # counted from 1; it gets another seed, and no shot depends on it


def main(arguments: list[str] | None = None) -> int:
    """Render, kill, resume, change a shot; print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180.3, help="of the song")
    parser.add_argument("--shots", type=int, default=20, help=f"at least {CHANGED_SHOT}")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    options = parser.parse_args(arguments)
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_song(folder / "song.wav", options.seconds)
        settings = (*SMALL, film_setting(options))
        whole, killed = (folder / kind / "film.mp4" for kind in ("whole", "killed"))
        render_seconds = render_whole(whole, settings)
        frames, count = count_frames(whole), len(segments(whole))
        # Kills follow counts of segments, not seconds, because the machine's speed varies from run to run.
        last = max(options.kills, round(LAST_KILL * count))
        counts = sorted(rng.sample(range(1, last + 1), options.kills))
        moments = [(number, rng.uniform(0.0, MAX_DELAY_SECONDS)) for number in counts]
        finished, runs = render_with_kills(killed, settings, moments)
        equal = sha256_of(whole) == sha256_of(killed)
        changed = render_change(killed, (*SMALL, film_setting(options, change=True)))
        seconds = sound_seconds(whole)
    expected = round(options.seconds * FPS)
    places = ", ".join(f"{number / count:.0%}" for number in finished)
    print(f"{options.shots} shots over a song of {options.seconds:g} s: {frames} frames, {expected} expected")
    print(f"sound: {seconds:.4f} s; pictures: {frames / FPS:.4f} s; rendered in {render_seconds:.0f} s without a stop")
    print(f"{len(finished)} kills, at {places} of the segments; {runs} runs; {'the same' if equal else 'other'} bytes")
    print(f"shot {CHANGED_SHOT} changed; rendered again: {', '.join(map(str, changed))}")
    failures = [frames != expected, abs(seconds - frames / FPS) > 1e-3, not equal, changed != [CHANGED_SHOT]]
    return sum(failures) + (len(finished) < options.kills)


def write_song(path: Path, seconds: float) -> None:
    """Kicks at 120 beats a minute, every other eight bars with a chord."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    kicks = 0.7 * np.sin(2 * np.pi * 55 * (t % 0.5)) * np.exp(-(t % 0.5) * 18)
    chord = sum(0.06 * np.sin(2 * np.pi * hertz * t) for hertz in (220, 277, 330)) * (t // 16 % 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(((kicks + chord).clip(-1, 1) * 32767).astype("<i2").tobytes())


def film_setting(options: argparse.Namespace, *, change: bool = False) -> str:
    """``film=`` with shots of equal length; the last one ends with the song."""
    each = f", duration: {options.seconds / options.shots:.3f}s"
    entries = [SHOT_KINDS[number % len(SHOT_KINDS)] % each for number in range(options.shots)]
    if change:
        entries[CHANGED_SHOT - 1] = entries[CHANGED_SHOT - 1].replace(each, f"{each}, seed: 99")
    return f"film=[{','.join(entries)}]"


def render_whole(film: Path, settings: tuple[str, ...]) -> float:
    """Render without a stop; the seconds from the first frame on."""
    film.parent.mkdir()
    process = render(film, settings)
    wait_for_work(process, film)
    started = time.monotonic()
    if finish(process):
        raise SystemExit(f"the uninterrupted render failed: {last_error(film)}")
    return time.monotonic() - started


def render_with_kills(film: Path, settings: tuple[str, ...], moments: list[tuple[int, float]]) -> tuple[list[int], int]:
    """Render, killed once for each of ``moments`` (finished segments, seconds after); (segments at each kill, runs)."""
    film.parent.mkdir()
    finished: list[int] = []
    for runs in range(1, len(moments) + 3):
        process = render(film, settings)
        wait_for_work(process, film)
        if len(finished) < len(moments) and wait_for_segments(process, film, *moments[len(finished)]):
            kill(process.pid, signal.SIGKILL)
            finished.append(len(segments(film)))
        if finish(process) == 0:
            return finished, runs
        if process.returncode != -signal.SIGKILL:
            raise SystemExit(f"a resumed render failed: {last_error(film)}")
    raise SystemExit(f"the render makes no progress: {last_error(film)}")


def wait_for_segments(process: "subprocess.Popen[str]", film: Path, count: int, after: float) -> bool:
    """Wait for ``count`` segments and ``after`` seconds; whether the process still runs then."""
    while len(segments(film)) < count and process.poll() is None:
        time.sleep(0.005)
    with suppress(subprocess.TimeoutExpired):
        process.wait(after)
    return process.poll() is None


def render_change(film: Path, settings: tuple[str, ...]) -> list[int]:
    """Render the film with other settings; the numbers of the shots with new segments."""
    before = segments(film)
    process = render(film, (*settings, "overwrite=true"))
    if finish(process):
        raise SystemExit(f"the changed render failed: {last_error(film)}")
    after = segments(film)
    return sorted({int(path.parent.name.removeprefix("shot-")) for path in after if before.get(path) != after[path]})


def segments(film: Path) -> dict[Path, tuple[int, int]]:
    """The finished segments, with inode and time of the last change."""
    work, stats = film.with_name(f"{film.name}.work"), {}
    for path in work.glob("shot-*/[0-9]*"):
        if path.suffix in (".mp4", ".nut"):
            with suppress(FileNotFoundError):  # the renderer has just joined it
                stats[path] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return stats


def sound_seconds(film: Path) -> float:
    """The length of the film's decoded sound."""
    arguments = ["-i", f"file:{film}", "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "s16le", "pipe:1"]
    return len(ffmpeg.run(arguments, doing="decoding")) / 2 / 48000


if __name__ == "__main__":
    sys.exit(main())
