"""Fits the weights that score a chain of beats (``pipeline/music/beat_scoring.py``) to synthetic songs.

    python -m scripts.fit_beat_weights    takes minutes; prints the table

The songs are 300 random ones (``tests/music/grammar.py``) and the clicks, bands and mixed bands of
``scripts/compare_beats.py``; its fresh bands are held out as the test. A candidate chain is right if it has 95 % of the
song's beats and 90 % of its own are true. Conditional logistic regression gives the weights that make the right chains
likeliest. Evidence on the beat can only count for a chain, evidence between beats only against it.
"""

import sys
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from pipeline.music.beat_scoring import WEIGHTS, measures, onset_signals
from pipeline.music.beats import candidates
from pipeline.music.features import PER_SECOND, extract
from pipeline.music.onsets import rises
from scripts.compare_beats import BANDS, CLICKS, SKIPPED_BEATS, TOLERANCE, is_clean, mixed
from tests.music.band import Band
from tests.music.drawn import Drawing
from tests.music.grammar import draw_style

Floats = NDArray[np.float64]
Song = tuple[Floats, NDArray[np.bool_]]

SEEDS = range(1000, 1300)
WEIGHT_DECAY = 0.3  # of the sum of squared weights
CLICK_WEIGHT = 5.0  # clicks count more: they are clear, and must be right
ITERATIONS, LEARNING_RATE = 4000, 0.02


def random_songs() -> list[Band]:
    """Random songs, one for each seed."""
    return [Band("any", draw_style(n)[1], 22.0, (0.0, 0.02, 0.05)[n % 3], seed=n, mixed=True) for n in SEEDS]


def clicks() -> list[Drawing]:
    """The clicks, and some more."""
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


def candidate_chains(song: Band | Drawing) -> Song:
    """(measures, whether it is right) of all candidate chains of a song."""
    features = extract([song.samples()])
    rise = rises(features)
    signals = onset_signals(features, rise)
    chains, true = candidates(rise, signals), song.beats()[SKIPPED_BEATS:]
    times = [frames / PER_SECOND for frames in chains]
    times = [each[(each > true[0] - TOLERANCE) & (each < true[-1] + TOLERANCE)] for each in times]
    if not chains:
        return np.zeros((0, len(WEIGHTS))), np.zeros(0, bool)
    return np.stack([measures(signals, frames) for frames in chains]), np.array(
        [is_clean(each, true) for each in times]
    )


def fit(songs: list[Song], counts: list[float], limits: tuple[Floats, Floats]) -> Floats:
    """The likeliest weights within ``limits``, with ``counts`` as weights of the songs; Adam (Kingma and Ba 2015)."""
    table, right = np.concatenate([song[0] for song in songs]), np.concatenate([song[1] for song in songs])
    starts = np.cumsum([0, *(len(song[0]) for song in songs[:-1])])
    owner = np.repeat(np.arange(len(songs)), [len(song[0]) for song in songs])
    weights, first, second = np.zeros(table.shape[1]), np.zeros(table.shape[1]), np.zeros(table.shape[1])
    for iteration in range(1, ITERATIONS + 1):
        score = table @ weights
        likely = np.exp(score - np.maximum.reduceat(score, starts)[owner])
        all_, good = (np.add.reduceat(likely * mask, starts)[owner] for mask in (1.0, right))
        slope = (np.array(counts)[owner] * (likely * right / good - likely / all_)) @ table - 2 * WEIGHT_DECAY * weights
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        move = (first / (1 - 0.9**iteration)) / (np.sqrt(second / (1 - 0.999**iteration)) + 1e-9)
        weights = np.clip(weights + LEARNING_RATE * (1 - iteration / ITERATIONS) * move, *limits)
    return weights


def main() -> None:
    """Print the weights, and in how many songs they choose a right chain."""
    kinds = {"random": random_songs(), "clicks": clicks(), "bands": BANDS, "mixed": mixed()}
    chains = {kind: [candidate_chains(song) for song in songs] for kind, songs in kinds.items()}
    labelled = [(song, CLICK_WEIGHT if kind == "clicks" else 1.0) for kind, songs in chains.items() for song in songs]
    labelled = [pair for pair in labelled if pair[0][1].any()]
    low, high = np.full(len(WEIGHTS), -np.inf), np.full(len(WEIGHTS), np.inf)
    low[:5], high[5:20] = 0, 0
    low[20:22] = 0
    fitted = fit([song for song, _ in labelled], [count for _, count in labelled], (low, high)).round(1)
    for kind, songs in chains.items():
        for name, weights in (("now", WEIGHTS), ("new", fitted)):
            count = sum(bool(right[int((table @ weights).argmax())]) for table, right in songs if len(table))
            print(f"{kind:6} {name}: {count} of {len(songs)}")
    print(np.array2string(fitted, separator=", ", max_line_width=88))


if __name__ == "__main__":
    main()
