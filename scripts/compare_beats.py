"""Accuracy of beat tracking: our tracker and librosa's, on synthetic songs with known beats.

    python -m scripts.compare_beats            the table
    python -m scripts.compare_beats --each     the table, and a line for every song
    python -m scripts.compare_beats --quick    every fifth song
    python -m scripts.compare_beats --long 2   only the time and memory for a song of two hours

Songs. *clicks* are those of the tests: 60 to 180 a minute, with hats off the beat, a tempo that drifts by 4 to 6 per
cent, and noise; every fourth click is an accent. *alike* clicks have no accents: only loudness separates them from the
hats between them. *bands* play drums, bass and chords in nine styles, with the timing of human players. *mixed* bands
play the same styles at other tempi, with other sounds, louder and softer instruments and singing. Our tracker was
developed on these; *fresh* bands are its test: sixteen styles that were held out. ``--seed`` mixes them differently.

Columns, without each song's first bar. *recall*: fraction of the true beats with a detected beat within 70 ms;
*precision*: fraction of the detected beats near a true one; means over all songs. *95 %*: songs with a recall of at
least 0.95, and of these *clean* ones with a precision of at least 0.9. *level*: songs that are clean, or would be if
every second beat, or twice as many, were true. *octave*: songs detected at half or double their tempo or further off;
*other*: at an unrelated tempo. *late*: median delay in milliseconds of detected beats near true ones. *CPU*: seconds of
processor time per minute of sound, from samples on, without the first call.

Below the table, for ours: how many of the clean songs with bars of three and of four beats have correct bars, given the
number of beats per bar.

Without librosa (``pip install librosa``; the renderer does not need it) only our tracker is measured.
"""

import argparse
import importlib.util
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from pipeline.media.sound.decode import RATE, Samples
from pipeline.music.beats import track
from pipeline.music.features import extract
from pipeline.music.onsets import rises
from pipeline.music.structure import accents, first_of_bars
from pipeline.plan.song import analyse_cached
from tests.music.band import Band
from tests.music.drawn import Drawing
from tests.music.fresh import FRESH_TEMPI

TOLERANCE = 0.07  # seconds between a detected and a true beat
SKIPPED_BEATS = 4  # at the start of each song

Times = NDArray[np.float64]
Tracker = Callable[[Samples], Times]

CLICKS = tuple(
    Drawing(bpm, **how)  # type: ignore[arg-type]
    for bpm in (60, 75, 90, 108, 120, 140, 160, 180)
    for how in (
        {"click": "kick", "drift": 0.04, "noise": 0.02},
        {"click": "blip", "hats": 0.9, "noise": 0.05},
        {"click": "clap", "eighths": True, "drift": 0.04},
        {"click": "kick", "hats": 0.0, "noise": 0.15, "drift": 0.06},
    )
)
# Identical kicks, with hats 20 and 10 dB fainter between them, and a tempo that drifts.
ALIKE = tuple(
    Drawing(bpm, click=click, hats=hats, drift=0.04, noise=0.01, alike=True)
    for bpm in (60, 66, 72, 78, 84, 96, 120, 150, 180)
    for click, hats in (("kick", 0.1), ("kick", 0.3), ("deep", 0.13), ("deep", 0.4))
)
TEMPI = {
    "rock": (92, 126, 150),
    "house": (118, 128),
    "ballad": (68, 76),
    "funk": (98, 108),
    "reggae": (74, 84),
    "breaks": (160, 174),
    "waltz": (96, 150),
    "shuffle": (88, 130),
    "piano": (80, 110),
}
BANDS = tuple(
    Band(style, bpm, drift=drift, seed=seed)
    for style, tempi in TEMPI.items()
    for seed, bpm in enumerate(tempi)
    for drift in (0.0, 0.05)
)


def mixed(seed: int = 100) -> tuple[Band, ...]:
    """Each of the nine styles eight times, at typical tempi."""
    rng = np.random.default_rng(seed)
    songs = []
    for style, tempi in TEMPI.items():
        for number in range(8):
            bpm = round(float(rng.uniform(0.93 * min(tempi), 1.07 * max(tempi))), 1)
            songs.append(Band(style, bpm, drift=(0.0, 0.02, 0.05)[number % 3], seed=seed + number, mixed=True))
    return tuple(songs)


def fresh(seed: int = 0) -> tuple[Band, ...]:
    """Each held-out style at both its tempi: plain, and mixed with drift."""
    return tuple(
        Band(style, bpm, drift=0.05 * mix, seed=1000 * seed + 10 * place + number, mixed=bool(mix))
        for place, (style, tempi) in enumerate(FRESH_TEMPI.items())
        for number, bpm in enumerate(tempi)
        for mix in (0, 1)
    )


KINDS = ("clicks", "alike", "bands", "mixed", "fresh")


def songs_of(kind: str, seed: int) -> tuple[Drawing | Band, ...]:
    """All songs of a kind; ``seed`` is for the fresh ones."""
    return {"clicks": CLICKS, "alike": ALIKE, "bands": BANDS, "mixed": mixed(), "fresh": fresh(seed)}[kind]


@dataclass
class Score:
    """Measures of a tracker, song by song."""

    recall: list[float] = field(default_factory=list)
    precision: list[float] = field(default_factory=list)
    octaves: list[float] = field(default_factory=list)
    level: list[bool] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    cpu: float = 0.0
    sound: float = 0.0

    def add(self, beats: Times, true: Times) -> None:
        """Add a song: its detected and its true beats."""
        true = true[SKIPPED_BEATS:]
        beats = beats[(beats > true[0] - TOLERANCE) & (beats < true[-1] + TOLERANCE)]
        if not len(beats):
            beats = np.array([-np.inf])
        error = beats[None] - true[:, None]
        self.recall.append(float((np.abs(error).min(axis=1) < TOLERANCE).mean()))
        self.precision.append(float((np.abs(error).min(axis=0) < TOLERANCE).mean()))
        self.late += error[np.abs(error) < TOLERANCE].tolist()
        self.level.append(any(is_clean(beats, level) for level in (true, true[::2], true[1::2], _doubled(true))))
        rate = float(np.median(np.diff(beats))) if len(beats) > 1 else np.inf
        self.octaves.append(float(np.log2(np.median(np.diff(true)) / rate)))

    def row(self) -> str:
        """The table's row, without its name."""
        recall, precision, octaves = np.array(self.recall), np.array(self.precision), np.array(self.octaves)
        right = np.abs(octaves) < 0.1
        whole = ~right & np.isfinite(octaves) & (np.abs(octaves - np.round(octaves)) < 0.1)
        good = recall >= 0.95
        clean = good & (precision >= 0.9)
        late = 1000 * np.median(self.late or [0])
        return (
            f"{recall.mean():7.3f} {precision.mean():10.3f} {good.sum():3}/{len(good)} {clean.sum():6} "
            f"{sum(self.level):6} {whole.sum():7} {(~right & ~whole).sum():6} {late:6.0f} "
            f"{60 * self.cpu / self.sound:8.2f}"
        )


def is_clean(beats: Times, true: Times) -> bool:
    """Whether 95 % of the true beats are detected, and 90 % of the detected ones are true."""
    near = np.abs(beats[None] - true[:, None]) < TOLERANCE
    return bool(near.any(axis=1).mean() >= 0.95 and near.any(axis=0).mean() >= 0.9)


def _doubled(true: Times) -> Times:
    return np.sort(np.concatenate([true, (true[1:] + true[:-1]) / 2]))


def ours(samples: Samples) -> Times:
    """Our tracker."""
    features = extract([samples])
    return track(features, rises(features)).times


def has_right_bars(song: Drawing | Band, samples: Samples) -> bool | None:
    """Whether detected bars start at true ones, given the beats per bar; None if the beats are not clean."""
    features = extract([samples])
    rise = rises(features)
    beats, true = track(features, rise).times, song.beats()
    count = song.beats_per_bar if isinstance(song, Band) else 4
    if not is_clean(beats[beats > true[SKIPPED_BEATS] - TOLERANCE], true[SKIPPED_BEATS:]):
        return None
    starts = beats[first_of_bars(accents(features, rise, beats), count) :: count]
    near = np.abs(starts[None] - true[::count][:, None]) < TOLERANCE
    return bool(near.any(axis=1)[1:].mean() >= 0.9)


def librosa_trackers() -> dict[str, Tracker]:
    """librosa's tracker with its defaults; untrimmed; with a varying tempo; and its local pulse."""
    import librosa

    def strength(samples: Samples) -> NDArray[np.float32]:
        return np.asarray(librosa.onset.onset_strength(y=samples, sr=RATE))

    def usual(samples: Samples) -> Times:
        return np.asarray(librosa.beat.beat_track(y=samples, sr=RATE, units="time")[1])

    def untrimmed(samples: Samples) -> Times:
        return np.asarray(librosa.beat.beat_track(y=samples, sr=RATE, units="time", trim=False)[1])

    def following(samples: Samples) -> Times:
        onsets = strength(samples)
        tempo = librosa.feature.tempo(onset_envelope=onsets, sr=RATE, aggregate=None)
        beats = librosa.beat.beat_track(onset_envelope=onsets, sr=RATE, bpm=tempo, trim=False, units="time")[1]
        return np.asarray(beats)

    def pulse(samples: Samples) -> Times:
        level = librosa.beat.plp(onset_envelope=strength(samples), sr=RATE)
        return np.asarray(librosa.frames_to_time(np.flatnonzero(librosa.util.localmax(level)), sr=RATE))

    return {"beat_track": usual, "untrimmed": untrimmed, "following": following, "plp": pulse}


def measure(tracker: Tracker, songs: list[tuple[Drawing | Band, Samples]], *, each: str = "") -> Score:
    """Measure one tracker on all songs; ``each`` is its name if every song is printed."""
    score = Score()
    tracker(songs[0][1])
    for song, samples in songs:
        started = time.process_time()
        beats = tracker(samples)
        score.cpu += time.process_time() - started
        score.sound += song.seconds
        score.add(beats, song.beats())
        if each:
            print(f"{each:11} {score.recall[-1]:.2f} {score.precision[-1]:.2f} {score.octaves[-1]:+.2f} {song}")
    return score


def measure_long_song(hours: float) -> str:
    """Time and memory to analyse clicks of so many hours, from the file, in a subprocess."""
    song = Drawing(122, seconds=3600 * hours)
    with tempfile.TemporaryDirectory() as folder:
        path = song.save(Path(folder) / "long.wav")
        with multiprocessing.get_context("spawn").Pool(1) as one:
            beats, cpu, megabytes = one.apply(_analyse, (path,))
    true = len(song.beats())
    return f"{hours:g} hours: {cpu:.0f} s of processor time, {megabytes:.0f} MB more; {beats} beats detected of {true}"


def _analyse(path: Path) -> tuple[int, float, float]:
    """(beats, seconds of processor time, megabytes at the peak above those before)."""
    os.environ["XDG_CACHE_HOME"] = str(path.parent)
    before, started = _peak(), time.process_time()
    beats = len(analyse_cached(path).beats)
    return beats, time.process_time() - started, _peak() - before


def _peak() -> float:
    """Peak memory of this process in megabytes; getrusage would include the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", action="store_true", help="also a line for every song")
    parser.add_argument("--quick", action="store_true", help="every fifth song only")
    parser.add_argument("--songs", nargs="+", choices=KINDS, default=list(KINDS), help="which songs; all")
    parser.add_argument("--seed", type=int, default=0, help="of the fresh songs; 0")
    parser.add_argument("--long", type=float, metavar="HOURS", help="only time and memory for a song of so many hours")
    options = parser.parse_args()
    if options.long:
        print(measure_long_song(options.long))
        return
    trackers: dict[str, Tracker] = {"ours": ours}
    if importlib.util.find_spec("librosa"):
        trackers |= librosa_trackers()
    else:
        print("librosa is not installed (pip install librosa): only ours is measured")
    print("songs  tracker      recall  precision  95 %  clean  level  octave  other   late  CPU s/min")
    bars: dict[tuple[str, int], list[bool]] = {}
    for kind in options.songs:
        chosen = songs_of(kind, options.seed)[:: 5 if options.quick else 1]
        songs = [(song, song.samples()) for song in chosen]
        for name, tracker in trackers.items():
            print(f"{kind:6} {name:11} {measure(tracker, songs, each=name if options.each else '').row()}", flush=True)
        for song, samples in songs if kind != "alike" else ():  # they have no bars
            right = has_right_bars(song, samples)
            if right is not None:
                bars.setdefault((kind, song.beats_per_bar if isinstance(song, Band) else 4), []).append(right)
    for (kind, count), results in sorted(bars.items()):
        print(f"{kind:6} bars of {count}: {sum(results)} of {len(results)}")


if __name__ == "__main__":
    main()
