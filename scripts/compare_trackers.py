"""Accuracy of beat tracking: the built-in tracker and those of other packages, on recordings and on drawn songs.

    python -m scripts.compare_trackers --songs FOLDER    recordings of tests/data/recorded_beats.yaml, by file name
    python -m scripts.compare_trackers                   drawn songs only
    python -m scripts.compare_trackers --hours 2         time and memory to analyse a song of two hours

Columns: *bpm*, the median tempo of the detected beats; *F*, the F-measure of the beats within 70 ms of the reference;
*level*, the best F where half or twice as many beats may be right; *onset*, mean onset strength at the beats relative
to the song's mean. Drawn songs: mean F, and how many songs have an F of 0.95.

How the reference was made, without a tracker: pictures of each recording's constant-Q spectrum and onset curve were
read bar by bar. *Let's Go Fishin'*: the bass plays 3 + 3 + 2 eighths of 170 ms in the verses' breaks and one note
every four eighths below the voice, so a bar has 1.356 s and the beat is 88.5 a minute; 117.5, which is often named,
is the three eighths. *Vibe Ace*: snare and chords lie on a grid of 130.00 a minute to within 8 ms (standard
deviation). *Sugar Plum Fairy*: plucked strings play every eighth; the harp's run from 69 to 81 s has no countable
beat and is left out. *Hungarian Dance*: quarters, each placed by hand on the bass, between bass notes halfway. The
trumpet loop is of a pack of loops at 90. *1918*, *funkyrobot* (resources of the package arcade) and *house_lo* (an
example of pygame-ce) are sequenced: the even grid of 188.0, 93.0 and 134.73 a minute whose phase has the strongest
onsets. Beats were then moved to the nearest peak of the low onsets and looked at again over the spectrum.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import yaml
from numpy.typing import NDArray

from pipeline.errors import RenderError
from pipeline.media.sound.decode import Decoder
from pipeline.music.features import PER_SECOND, Samples, extract
from pipeline.music.onsets import beat_onsets, rises
from pipeline.music.trackers import check_tracker, find_beats
from pipeline.plan.song import analyse
from tests.music.band import Band
from tests.music.drawn import Drawing, f_measure
from tests.music.fresh import FRESH_TEMPI

Times = NDArray[np.float64]
REFERENCE = Path(__file__).resolve().parent.parent / "tests" / "data" / "recorded_beats.yaml"
SKIPPED_BEATS = 4  # at the start of each drawn song
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
FRESH = tuple(
    Band(style, bpm, drift=0.05 * mix, seed=10 * place + number, mixed=bool(mix))
    for place, (style, tempi) in enumerate(FRESH_TEMPI.items())
    for number, bpm in enumerate(tempi)
    for mix in (0, 1)
)
DRAWN = {"clicks": CLICKS, "alike": ALIKE, "bands": BANDS, "fresh": FRESH}


def recorded_beats() -> dict[str, list[Times]]:
    """Name → its passages of reference beats."""
    songs: dict[str, list[Times]] = {}
    for name, anchors in yaml.safe_load(REFERENCE.read_text(encoding="utf-8")).items():
        numbers, seconds = np.array(anchors).T
        songs.setdefault(name.split(",")[0], []).append(np.interp(np.arange(numbers[-1] + 1), numbers, seconds))
    return songs


def levels(passages: list[Times]) -> Iterator[list[Times]]:
    """The passages; with every second beat, from the first or from the second; with twice as many."""
    yield passages
    for first in (0, 1):
        yield [beats[first::2] for beats in passages]
    yield [np.interp(np.arange(2 * len(beats) - 1) / 2, np.arange(len(beats)), beats) for beats in passages]


def beats_of(tracker: str, samples: Samples) -> tuple[Times, float]:
    """(the beats, mean onset strength at them relative to the song's)."""
    features = extract([samples])
    rise = rises(features)
    beats = find_beats(tracker, features, rise, lambda: samples)[0]
    onsets = beat_onsets(features, rise)
    frames = np.round(beats * PER_SECOND).astype(int).clip(2, len(onsets) - 3)
    near = np.max([onsets[frames + shift] for shift in range(-2, 3)], axis=0) if len(beats) else np.zeros(1)
    return beats, float(near.mean() / max(float(onsets.mean()), 1e-9))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, help="folder of the recordings")
    parser.add_argument("--every", type=int, default=1, help="every n-th drawn song")
    parser.add_argument("--hours", type=float, help="only time and memory for a song of so many hours")
    options = parser.parse_args()
    if options.hours:
        print(long_song(options.hours))
        return
    trackers = ["builtin"]
    for name in ("librosa", "beat_this"):
        try:
            check_tracker(name)
            trackers.append(name)
        except RenderError as error:
            print(error)
    for name, passages in recorded_beats().items() if options.songs else ():
        path = next(options.songs.glob(f"{name}.*"), None)
        if path is None:
            continue
        samples = np.concatenate(list(Decoder(path).blocks()))
        bpm = 60 / np.median(np.diff(np.concatenate(passages)))
        print(f"\n{name}: {bpm:.1f} bpm")
        for tracker in trackers:
            beats, onset = beats_of(tracker, samples)
            best = max(f_measure(beats, level) for level in levels(passages))
            rate = 60 / np.median(np.diff(beats)) if len(beats) > 1 else 0
            measure = f_measure(beats, passages)
            print(f"  {tracker:10} bpm {rate:6.1f}  F {measure:.2f}  level {best:.2f}  onset {onset:.2f}")
    for kind, songs in DRAWN.items():
        for tracker in trackers:
            started = time.process_time()
            chosen = songs[:: options.every]
            values = [f_measure(beats_of(tracker, s.samples())[0], [s.beats()[SKIPPED_BEATS:]]) for s in chosen]
            cpu = (time.process_time() - started) / len(chosen)
            right = sum(value >= 0.95 for value in values)
            print(f"{kind:7} {tracker:10} F {np.mean(values):.3f}  {right:2} of {len(values)}  {cpu:.2f} s each")


def long_song(hours: float) -> str:
    """Time and memory to analyse clicks of so many hours, from a file."""
    import resource
    import tempfile

    song = Drawing(122, seconds=3600 * hours)
    with tempfile.TemporaryDirectory() as folder:
        path = song.save(Path(folder) / "long.wav")
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        beats = len(analyse(path).beats)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return (
        f"{hours:g} h: {time.process_time() - started:.0f} s, {grown:.0f} MB more; {beats} of {len(song.beats())} beats"
    )


if __name__ == "__main__":
    main()
