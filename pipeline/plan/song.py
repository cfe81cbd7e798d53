"""The song of a film: where the film begins in it, which beats and signals it gives the score, how it is heard."""

import hashlib
import logging
import math
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.config import AudioConfig
from pipeline.errors import ConfigError, InputError, RenderError
from pipeline.media.encode.codecs import find_codec, find_muxer
from pipeline.media.sound.decode import Decoder, check_song, missing_end
from pipeline.media.sound.song_audio import Soundtrack, song_codec
from pipeline.music import analysis as song_analysis
from pipeline.music.analysis import LEVELS, SongAnalysis
from pipeline.music.features import PER_SECOND, RATE, extract
from pipeline.music.structure import first_of_bars
from pipeline.runtime.cache import cache_folder
from pipeline.timing.beat_grid import Grid, even_grid
from pipeline.timing.signals import BANDS, Signals, SongSignals
from pipeline.timing.timecode import parse_time, show_time

log = logging.getLogger(__name__)

UNHEARD = 120.0  # beats per minute of a film without a song, or with one that has no beat
PHASES = 240  # of a beat, that are tried where only its length is given
NEAR = 0.02  # seconds by which an onset may usually miss its beat
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Song:
    """A song, and the second ``start`` of it at which the film begins."""

    path: Path
    analysis: SongAnalysis
    start: float

    @property
    def seconds(self) -> float:
        """How long it goes on from where the film begins."""
        return self.analysis.seconds - self.start

    def sections(self, config: AudioConfig, grid: Grid) -> list[tuple[float, int]]:
        """(second of the film, kind) of every section that the film comes to; the first begins with it.

        They begin on heard beats; where ``config`` corrects those, each begins with the nearest bar of the ``grid``.
        One that begins within the film's first half beat begins with it.
        """
        found: dict[float, int] = {}
        for at, kind in zip((self.analysis.sections - self.start).tolist(), self.analysis.kinds.tolist(), strict=True):
            if at > 0 and (config.bpm is not None or config.offset is not None):
                at = grid.time(grid.beats_per_bar * round(grid.beat(at) / grid.beats_per_bar))
            if at < self.seconds:
                found[at if at > grid.seconds / 2 else 0.0] = kind  # of those that began before the film the last
        return list(found.items())

    def sound(self, seconds: Fraction | float, config: AudioConfig, fps: Fraction) -> Soundtrack:
        """The song under a film of so many ``seconds``. Raises InputError."""
        fade = parse_time(config.fade_out, fps=fps, key="audio.fade_out", duration=float(seconds))
        whole = not self.start and not self.analysis.damage and abs(float(seconds) - self.seconds) < 1 / float(fps)
        codecs = (song_codec(self.path),)
        return Soundtrack(self.path, codecs, self.start, None, not self.start, float(seconds), fade, whole)

    def notes(self, config: AudioConfig, seconds: Fraction | float, video: Path, codec: str) -> list[str]:
        """What a person should know before ``video`` is made. ConfigError when it would replace the song."""
        if video.exists() and video.samefile(self.path):
            raise ConfigError("output", video, "this is the song itself; give the film another name")
        said = []
        if self.analysis.damage:
            what = f"what can be read of it lasts {show_time(self.analysis.seconds)}"
            said.append(f"{self.path} is damaged; {what} ({self.analysis.damage})")
        if config.bpm is None and self.analysis.bpm is None:
            said.append(f"no beat is heard in {self.path}; {UNHEARD:g} a minute are counted, audio.bpm= sets others")
        if float(seconds) > self.seconds + 0.5:
            said.append(f"the song ends after {show_time(self.seconds)}; silence follows")
        if config.kind != "none":
            with suppress(RenderError):  # a file of no such kind is refused where it is to be written
                said.append(self.sound(seconds, config, Fraction(24)).note(find_muxer(find_codec(codec), video)))
        return [note for note in said if note]


def plan_song(config: AudioConfig, fps: Fraction) -> Song:
    """Listen to the song of ``audio.path``. Raises InputError, and ConfigError for times that do not fit it."""
    if not config.path:
        raise ConfigError("audio.path", "null", "audio=file needs the song: audio.path=song.mp3")
    path = Path(config.path)
    analysis = hear(path)
    start = parse_time(config.start, fps=fps, key="audio.start", duration=analysis.seconds)
    if start >= analysis.seconds:
        raise ConfigError("audio.start", config.start, f"the song lasts {show_time(analysis.seconds)}")
    return Song(path, analysis, start)


def make_signals(config: AudioConfig, song: Song | None, fps: Fraction) -> Signals:
    """What the score can follow: the song as it was heard and as ``config`` corrects it, else a metronome."""
    offset = None if config.offset is None else parse_time(config.offset, fps=fps, key="audio.offset")
    if song is None:
        grid = even_grid(config.bpm or UNHEARD, config.beats_per_bar, offset or 0.0)
        return Signals(grid, config.attack, config.release)
    grid = _grid(config, song.analysis, song.start, offset)
    sections = [at for at, _ in song.sections(config, grid)]
    return Signals(grid, config.attack, config.release, _heard(song, sections))


def _grid(config: AudioConfig, analysis: SongAnalysis, start: float, offset: float | None) -> Grid:
    """The beats in seconds of the film."""
    if config.bpm is None and len(analysis.beats) > 2:
        beats, accents = analysis.beats, analysis.accents
        if offset is not None:
            return _from_offset(beats - start, offset - start, config.beats_per_bar)
        return _counted(beats - start, first_of_bars(accents, config.beats_per_bar), config.beats_per_bar)
    bpm = config.bpm or UNHEARD
    if offset is not None:
        return even_grid(bpm, config.beats_per_bar, offset - start)
    step = 60 / bpm
    beats = np.arange(_phase(analysis, step), analysis.seconds + step, step)
    bar = first_of_bars(_accents_at(analysis, beats), config.beats_per_bar)
    return even_grid(bpm, config.beats_per_bar, float(beats[0]) + bar * step - start)


def _from_offset(beats: Floats, offset: float, beats_per_bar: int) -> Grid:
    """The heard tempo, moved so that a bar begins at second ``offset``."""
    heard = Grid(beats.tolist(), 0, beats_per_bar)
    place = heard.beat(offset)
    index = math.floor(place)
    moved = np.array([heard.time(n + place - index) for n in range(len(beats))])
    return _counted(moved, index % beats_per_bar, beats_per_bar)


def _counted(beats: Floats, bar: int, beats_per_bar: int) -> Grid:
    """``beats`` of which number ``bar`` begins a bar, counted from the first bar of the film."""
    return Grid(beats.tolist(), -bar, beats_per_bar).since(0.0)


def _phase(analysis: SongAnalysis, step: float) -> float:
    """The second, less than ``step``, from which on beats of that length meet the most onsets."""
    times = np.concatenate([analysis.onsets[0], analysis.onsets_bass[0]])
    strengths = np.concatenate([analysis.onsets[1], analysis.onsets_bass[1]])
    phases = np.arange(PHASES) * step / PHASES
    fits = []
    for phase in phases:
        missed = (times - phase + step / 2) % step - step / 2
        fits.append(float((strengths * np.exp(-0.5 * (missed / NEAR) ** 2)).sum()))
    return float(phases[int(np.argmax(fits))])


def _accents_at(analysis: SongAnalysis, beats: Floats) -> Floats:
    """The accents of the heard beats that are near these beats, 0 for the others."""
    if not len(analysis.beats):
        return np.zeros(len(beats))
    after = np.searchsorted(analysis.beats, beats).clip(1, len(analysis.beats) - 1) if len(analysis.beats) > 1 else 0
    before = np.maximum(after - 1, 0)
    nearest = np.where(beats - analysis.beats[before] <= analysis.beats[after] - beats, before, after)
    near = np.abs(analysis.beats[nearest] - beats) < 0.07
    accents: Floats = np.where(near, analysis.accents[nearest], 0.0)
    return accents


def _heard(song: Song, sections: list[float]) -> SongSignals:
    analysis, start = song.analysis, song.start
    onsets = {"onset": analysis.onsets}
    onsets |= {f"onset_{band}": getattr(analysis, f"onsets_{band}") for band in BANDS}
    return SongSignals(
        levels=dict(zip(LEVELS, analysis.levels, strict=True)),
        rate=PER_SECOND,
        start=-start,
        onsets={name: ((times - start).tolist(), strengths.tolist()) for name, (times, strengths) in onsets.items()},
        sections=sections,
    )


VERSION = 3  # of how songs are heard: another one, another file
LONGEST = 4 * 3600.0  # seconds
LONG = 600.0  # seconds of song from which on a person is told to wait


def hear(path: Path, key: str = "audio.path") -> SongAnalysis:
    """What is heard in the song at ``path``, named by the setting ``key``: from the cache, or now.

    Raises InputError when it is not there or holds no sound.
    """
    check_song(path, key)
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{key}={path}: it cannot be read: {error.strerror}") from error
    kept = cache_folder("music") / f"{sha256[:32]}.v{VERSION}.npz"
    known = song_analysis.load(kept)
    if known is None:
        log.info(f"listening to {path.name}; this is done once")
        known = analyse(path)
        song_analysis.save(kept, known)
    return known


def analyse(path: Path) -> SongAnalysis:
    """What is heard in the song at ``path``, found out now. Raises InputError."""
    decoder = Decoder(path, RATE)
    features = extract(decoder.blocks())
    if features.seconds > LONGEST:
        raise InputError(f"{path} lasts {features.seconds / 3600:.1f} hours; allowed are {LONGEST / 3600:g}")
    return song_analysis.analyse(features, decoder.damage or missing_end(path))
