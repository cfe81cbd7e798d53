"""How much speaks for a chain of beats: the weights of ``pipeline/music/beat_scoring.py``, found on drawn songs.

    python -m scripts.fit_beat_weights    minutes; prints the table

Songs are 300 that seeds draw (``tests/music/grammar.py``), and the clicks, bands and mixed bands of
``scripts/compare_beats.py``; its fresh bands are kept out, they are the test. Of the chains found in a song those with
95 % of its beats and nine in ten right are right; conditional logistic regression finds the weights with which the
right ones are likeliest. What lies on the beat may only speak for a chain, what lies between beats only against it.
"""

import sys
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from pipeline.music.beat_scoring import WEIGHTS, evidence, traits
from pipeline.music.beats import candidates
from pipeline.music.features import PER_SECOND, extract
from pipeline.music.onsets import rises
from scripts.compare_beats import BANDS, CLICKS, FIRST, is_clean, mixed
from tests.music.band import Band
from tests.music.drawn import Drawing
from tests.music.grammar import draw_style

Floats = NDArray[np.float64]
Song = tuple[Floats, NDArray[np.bool_]]

SEEDS = range(1000, 1300)
SHRUNK = 0.3  # what the sum of the squared weights costs
OFTEN = 5.0  # times that clicks count: they are clear, and must be right
ROUNDS, STEP = 4000, 0.02


def drawn() -> list[Band]:
    """Songs that seeds draw."""
    return [Band("any", draw_style(n)[1], 22.0, (0.0, 0.02, 0.05)[n % 3], seed=n, mixed=True) for n in SEEDS]


def clicks() -> list[Drawing]:
    """The clicks and some more of them."""
    rng = np.random.default_rng(5)
    songs = list(CLICKS)
    for number in range(48):
        click = ("kick", "blip", "clap")[number % 3]
        hats = 0.0 if number % 6 > 3 else float(rng.uniform(0.2, 0.9))
        bpm, drift, noise = rng.uniform(56, 186), rng.uniform(0, 0.06), rng.choice([0, 0.02, 0.05, 0.15])
        songs.append(
            Drawing(bpm, click=click, hats=hats, eighths=number % 4 == 1, noise=noise, drift=drift, seed=number)
        )
    return songs


def examine(song: Band | Drawing) -> Song:
    """(traits, rightness) of all chains that are found in a song."""
    features = extract([song.samples()])
    rise = rises(features)
    clear = evidence(features, rise)
    chains, true = candidates(rise, clear), song.beats()[FIRST:]
    times = [frames / PER_SECOND for frames in chains]
    heard = [each[(each > true[0] - 0.07) & (each < true[-1] + 0.07)] for each in times]
    if not chains:
        return np.zeros((0, len(WEIGHTS))), np.zeros(0, bool)
    return np.stack([traits(clear, frames) for frames in chains]), np.array([is_clean(each, true) for each in heard])


def weigh(songs: list[Song], counts: list[float], limits: tuple[Floats, Floats]) -> Floats:
    """The likeliest weights within the limits, each song counted so often, by gradient ascent (Adam: Kingma and Ba
    2015)."""
    table, right = np.concatenate([song[0] for song in songs]), np.concatenate([song[1] for song in songs])
    starts = np.cumsum([0, *(len(song[0]) for song in songs[:-1])])
    owner = np.repeat(np.arange(len(songs)), [len(song[0]) for song in songs])
    weights, first, second = np.zeros(table.shape[1]), np.zeros(table.shape[1]), np.zeros(table.shape[1])
    for turn in range(1, ROUNDS + 1):
        fit = table @ weights
        likely = np.exp(fit - np.maximum.reduceat(fit, starts)[owner])
        all_, good = (np.add.reduceat(likely * mask, starts)[owner] for mask in (1.0, right))
        slope = (np.array(counts)[owner] * (likely * right / good - likely / all_)) @ table - 2 * SHRUNK * weights
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        move = (first / (1 - 0.9**turn)) / (np.sqrt(second / (1 - 0.999**turn)) + 1e-9)
        weights = np.clip(weights + STEP * (1 - turn / ROUNDS) * move, *limits)
    return weights


def main() -> None:
    """The weights, and in how many songs they choose a right chain."""
    kinds = {"drawn": drawn(), "clicks": clicks(), "bands": BANDS, "mixed": mixed()}
    heard = {kind: [examine(song) for song in songs] for kind, songs in kinds.items()}
    known = [(song, OFTEN if kind == "clicks" else 1.0) for kind, songs in heard.items() for song in songs]
    known = [pair for pair in known if pair[0][1].any()]
    low, high = np.full(len(WEIGHTS), -np.inf), np.full(len(WEIGHTS), np.inf)
    low[:5], high[5:20] = 0, 0
    low[20:22] = 0
    found = weigh([song for song, _ in known], [count for _, count in known], (low, high)).round(1)
    for kind, songs in heard.items():
        for name, weights in (("now", WEIGHTS), ("new", found)):
            count = sum(bool(right[int((table @ weights).argmax())]) for table, right in songs if len(table))
            print(f"{kind:6} {name}: {count} of {len(songs)}")
    print(np.array2string(found, separator=", ", max_line_width=88))


if __name__ == "__main__":
    main()
