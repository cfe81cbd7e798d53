"""How well beats are found: our tracker's and librosa's, on drawn songs whose beats are known.

    python -m scripts.compare_beats            the table
    python -m scripts.compare_beats --each     also a line for every song
    python -m scripts.compare_beats --quick    every fifth song
    python -m scripts.compare_beats --long 2   nothing but what a song of two hours takes

Clicks are those of the tests: 60 to 180 a minute, with hats off the beat, a tempo that drifts by 4 to 6 percent, noise;
every fourth is an accent. Of the alike ones none is, and nothing but loudness tells them from the hats between them.
Bands play drums, bass and chords by hand in nine styles. Mixed bands play the same styles at other tempi, with other
sounds, louder and softer instruments and singing. Our tracker was made with these at hand; fresh bands are its test:
sixteen styles that nobody looked at while it was made. ``--seed`` mixes them anew.

The first bar is not counted. Columns. *recall*: share of the true beats near which (70 ms) one was found; *precision*:
share of the found ones that are near a true one; the mean of all songs. *95 %*: songs with a recall of 0.95 or more,
and of these *clean* ones with a precision of 0.9 or more. *level*: songs that are clean, or would be if every second
beat or twice as many were true, too. *octave*: songs heard at half or double their tempo or further off; *other*: at no
tempo of theirs. *late*: median milliseconds of beats found near true ones. *CPU*: seconds of processor time for a
minute of sound, from samples on, the first call left out.

Below it, for ours: of the clean songs with bars of three and of four beats, how many have their bars where they are,
when told how many beats make one.

Without librosa (``pip install librosa``; the renderer does not need it) only ours is measured.
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
from pipeline.plan.song import hear
from tests.music.band import Band
from tests.music.drawn import Drawing
from tests.music.fresh import FRESH_TEMPI

NEAR = 0.07  # seconds
FIRST = 4  # beats that are not counted

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
# Kicks that are all alike, with hats between them that are 20 and 10 dB fainter, and a tempo that drifts.
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
    """The nine styles at tempi of theirs, each eight times."""
    rng = np.random.default_rng(seed)
    songs = []
    for style, tempi in TEMPI.items():
        for number in range(8):
            bpm = round(float(rng.uniform(0.93 * min(tempi), 1.07 * max(tempi))), 1)
            songs.append(Band(style, bpm, drift=(0.0, 0.02, 0.05)[number % 3], seed=seed + number, mixed=True))
    return tuple(songs)


def fresh(seed: int = 0) -> tuple[Band, ...]:
    """Each held-out style plain, and mixed and drifting, at both its tempi."""
    return tuple(
        Band(style, bpm, drift=0.05 * mix, seed=1000 * seed + 10 * place + number, mixed=bool(mix))
        for place, (style, tempi) in enumerate(FRESH_TEMPI.items())
        for number, bpm in enumerate(tempi)
        for mix in (0, 1)
    )


KINDS = ("clicks", "alike", "bands", "mixed", "fresh")


def songs_of(kind: str, seed: int) -> tuple[Drawing | Band, ...]:
    """All songs of a kind; ``seed`` counts for the fresh ones."""
    return {"clicks": CLICKS, "alike": ALIKE, "bands": BANDS, "mixed": mixed(), "fresh": fresh(seed)}[kind]


@dataclass
class Score:
    """What a tracker reached, song by song."""

    recall: list[float] = field(default_factory=list)
    precision: list[float] = field(default_factory=list)
    octaves: list[float] = field(default_factory=list)
    level: list[bool] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    cpu: float = 0.0
    sound: float = 0.0

    def add(self, found: Times, true: Times) -> None:
        """The beats that were found in a song, and those it has."""
        true = true[FIRST:]
        found = found[(found > true[0] - NEAR) & (found < true[-1] + NEAR)]
        if not len(found):
            found = np.array([-np.inf])
        miss = found[None] - true[:, None]
        self.recall.append(float((np.abs(miss).min(axis=1) < NEAR).mean()))
        self.precision.append(float((np.abs(miss).min(axis=0) < NEAR).mean()))
        self.late += miss[np.abs(miss) < NEAR].tolist()
        self.level.append(any(is_clean(found, beats) for beats in (true, true[::2], true[1::2], _doubled(true))))
        rate = float(np.median(np.diff(found))) if len(found) > 1 else np.inf
        self.octaves.append(float(np.log2(np.median(np.diff(true)) / rate)))

    def row(self) -> str:
        """The table's row, without its name."""
        recall, precision, octaves = np.array(self.recall), np.array(self.precision), np.array(self.octaves)
        own = np.abs(octaves) < 0.1
        whole = ~own & np.isfinite(octaves) & (np.abs(octaves - np.round(octaves)) < 0.1)
        good = recall >= 0.95
        clean = good & (precision >= 0.9)
        return (
            f"{recall.mean():7.3f} {precision.mean():10.3f} {good.sum():3}/{len(good)} {clean.sum():6} "
            f"{sum(self.level):6} {whole.sum():7} {(~own & ~whole).sum():6} {1000 * np.median(self.late or [0]):6.0f} "
            f"{60 * self.cpu / self.sound:8.2f}"
        )


def is_clean(found: Times, true: Times) -> bool:
    """Whether 95 % of the true beats are found, and nine in ten of the found ones are true."""
    miss = np.abs(found[None] - true[:, None]) < NEAR
    return bool(miss.any(axis=1).mean() >= 0.95 and miss.any(axis=0).mean() >= 0.9)


def _doubled(true: Times) -> Times:
    return np.sort(np.concatenate([true, (true[1:] + true[:-1]) / 2]))


def ours(samples: Samples) -> Times:
    """What the renderer hears."""
    features = extract([samples])
    return track(features, rises(features)).times


def bars_are_right(song: Drawing | Band, samples: Samples) -> bool | None:
    """Whether bars begin where they do, by the true number of beats; None where the beats themselves are not found."""
    features = extract([samples])
    rise = rises(features)
    beats, true = track(features, rise).times, song.beats()
    count = song.beats_per_bar if isinstance(song, Band) else 4
    if not is_clean(beats[beats > true[FIRST] - NEAR], true[FIRST:]):
        return None
    starts = beats[first_of_bars(accents(features, rise, beats), count) :: count]
    miss = np.abs(starts[None] - true[::count][:, None]) < NEAR
    return bool(miss.any(axis=1)[1:].mean() >= 0.9)


def librosas() -> dict[str, Tracker]:
    """Its tracker as it comes; untrimmed; with a tempo that may change; and its local pulse."""
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
    """All songs, heard by one tracker; ``each`` is its name where every song is to be told of."""
    score = Score()
    tracker(songs[0][1])
    for song, samples in songs:
        began = time.process_time()
        found = tracker(samples)
        score.cpu += time.process_time() - began
        score.sound += song.seconds
        score.add(found, song.beats())
        if each:
            print(f"{each:11} {score.recall[-1]:.2f} {score.precision[-1]:.2f} {score.octaves[-1]:+.2f} {song}")
    return score


def of_hours(hours: float) -> str:
    """What it takes to hear clicks for so many hours, in a process of its own, from the file on."""
    song = Drawing(122, seconds=3600 * hours)
    with tempfile.TemporaryDirectory() as folder:
        path = song.save(Path(folder) / "long.wav")
        with multiprocessing.get_context("spawn").Pool(1) as one:
            beats, cpu, megabytes = one.apply(_hear, (path,))
    true = len(song.beats())
    return f"{hours:g} hours: {cpu:.0f} s of processor time, {megabytes:.0f} MB more; {beats} beats found, {true} there"


def _hear(path: Path) -> tuple[int, float, float]:
    """How many beats are heard, seconds of processor time, megabytes at the peak over those before."""
    os.environ["XDG_CACHE_HOME"] = str(path.parent)
    before, began = _peak(), time.process_time()
    beats = len(hear(path).beats)
    return beats, time.process_time() - began, _peak() - before


def _peak() -> float:
    """Megabytes that this program took at most; not those of the one that began it, which getrusage adds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", action="store_true", help="a line for every song, too")
    parser.add_argument("--quick", action="store_true", help="every fifth song only")
    parser.add_argument("--songs", nargs="+", choices=KINDS, default=list(KINDS), help="which songs; all")
    parser.add_argument("--seed", type=int, default=0, help="of the fresh songs; 0")
    parser.add_argument("--long", type=float, metavar="HOURS", help="only what a song of so many hours takes")
    options = parser.parse_args()
    if options.long:
        print(of_hours(options.long))
        return
    trackers: dict[str, Tracker] = {"ours": ours}
    if importlib.util.find_spec("librosa"):
        trackers |= librosas()
    else:
        print("librosa is not installed (pip install librosa): only ours is measured")
    print("songs  tracker      recall  precision  95 %  clean  level  octave  other   late  CPU s/min")
    bars: dict[tuple[str, int], list[bool]] = {}
    for kind in options.songs:
        chosen = songs_of(kind, options.seed)[:: 5 if options.quick else 1]
        songs = [(song, song.samples()) for song in chosen]
        for name, tracker in trackers.items():
            print(f"{kind:6} {name:11} {measure(tracker, songs, each=name if options.each else '').row()}", flush=True)
        for song, samples in songs if kind != "alike" else ():  # which have no bars
            right = bars_are_right(song, samples)
            if right is not None:
                bars.setdefault((kind, song.beats_per_bar if isinstance(song, Band) else 4), []).append(right)
    for (kind, count), rights in sorted(bars.items()):
        print(f"{kind:6} bars of {count}: {sum(rights)} of {len(rights)}")


if __name__ == "__main__":
    main()
