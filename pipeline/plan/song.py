"""The song of a film: where the film starts in it, its beats and signals for the score, its sound."""

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from pipeline.config import AudioConfig
from pipeline.errors import ConfigError, InputError, RenderError
from pipeline.media.encode.codecs import find_codec, find_muxer
from pipeline.media.sound.decode import Decoder, check_song, missing_end
from pipeline.media.sound.song_audio import Soundtrack, first_track
from pipeline.music import analysis as song_analysis
from pipeline.music.analysis import LEVELS, SongAnalysis
from pipeline.music.features import PER_SECOND, RATE, extract
from pipeline.music.structure import first_of_bars
from pipeline.music.trackers import check_tracker
from pipeline.plan.song_grid import DEFAULT_BPM, count_beats, song_grid
from pipeline.runtime.cache import cache_folder
from pipeline.runtime.files import sha256_of
from pipeline.score import functions
from pipeline.timing.beat_grid import Grid, even_grid
from pipeline.timing.markers import Markers, read_markers
from pipeline.timing.recorded_signals import read_signals
from pipeline.timing.signals import BANDS, NAMES, Signals, SongSignals
from pipeline.timing.timecode import parse_time, show_time

log = logging.getLogger(__name__)

MAX_BEAT_SECONDS = 3.0  # of a beat: a grid may end so much after its song
MAX_STEM_SECONDS = 0.5  # by which a stem is longer or shorter than its song
MIN_SECTION_SECONDS = 1.0  # before the first cue, to be a section of its own
CACHE_VERSION = 7  # of the analysis
MAX_SONG_SECONDS = 4 * 3600.0


@dataclass(frozen=True)
class Song:
    """A song; the film starts at its second ``start``."""

    path: Path
    analysis: SongAnalysis
    start: float
    markers: Markers = field(default_factory=Markers)
    stems: Mapping[str, SongAnalysis] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Length from ``start`` on."""
        return self.analysis.seconds - self.start

    def sections(self, config: AudioConfig, grid: Grid) -> list[tuple[float, int]]:
        """(second of the film, kind) of every section in the film; the first starts at 0.

        Sections start on detected beats; if ``config`` corrects those, on the nearest bar of the ``grid``. A section
        that starts within the first half beat starts at 0.
        """
        sections: dict[float, int] = {}
        for at, kind in zip((self.analysis.sections - self.start).tolist(), self.analysis.kinds.tolist(), strict=True):
            if at > 0 and not self.markers.cues and (config.bpm is not None or config.downbeat is not None):
                at = grid.time(grid.beats_per_bar * round(grid.beat(at) / grid.beats_per_bar))
            if at < self.seconds:
                sections[at if at > grid.seconds / 2 else 0.0] = kind  # the last one before the film wins
        return list(sections.items())

    def sound(self, seconds: Fraction | float, config: AudioConfig, fps: Fraction) -> Soundtrack:
        """The song under a film of ``seconds``. Raises InputError."""
        fade = parse_time(config.fade_out, fps=fps, key="audio.fade_out", duration=float(seconds))
        whole = not self.start and not self.analysis.damage and abs(float(seconds) - self.seconds) < 1 / float(fps)
        tracks = (first_track(self.path),)
        return Soundtrack(self.path, tracks, self.start, None, not self.start, float(seconds), fade, whole)

    def notes(self, config: AudioConfig, seconds: Fraction | float, video: Path, codec: str) -> list[str]:
        """Notes for the user. Raises ConfigError if ``video`` is the song itself."""
        if video.exists() and video.samefile(self.path):
            raise ConfigError("output", video, "this is the song itself; give the film another name")
        notes = []
        if self.analysis.damage:
            what = f"what can be read of it lasts {show_time(self.analysis.seconds)}"
            notes.append(f"{self.path} is damaged; {what} ({self.analysis.damage})")
        if config.bpm is None and self.analysis.bpm is None:
            notes.append(f"no beat is detected in {self.path}; {DEFAULT_BPM:g} bpm are assumed, audio.bpm= sets others")
        count = self.markers.beats_per_bar
        if count and count != config.beats_per_bar and config.bpm is None:
            notes.append(f"{config.markers} has {count} beats in a bar; audio.beats_per_bar={count} counts them so")
        if late := [name for at, name in self.markers.cues if at > self.analysis.seconds]:
            names = ", ".join(late[:4]) + (", …" if late[4:] else "")
            notes.append(f"the song lasts {show_time(self.analysis.seconds)}; later in {config.markers}: {names}")
        if float(seconds) > self.seconds + 0.5:
            notes.append(f"the song ends after {show_time(self.seconds)}; silence follows")
        if config.kind != "none":
            with suppress(RenderError):  # an unknown kind of file is refused when it is written
                notes.append(self.sound(seconds, config, Fraction(24)).note(find_muxer(find_codec(codec), video)))
        return [note for note in notes if note]


def plan_song(config: AudioConfig, fps: Fraction) -> Song:
    """Analyse the song of ``audio.path``. Raises InputError, and ConfigError for times that do not fit it."""
    if not config.path:
        raise ConfigError("audio.path", "null", "audio=file needs the song: audio.path=song.mp3")
    path = Path(config.path)
    analysis = analyse_cached(path, tracker=config.tracker)
    markers = read_markers(config.markers, fps, config.path) if config.markers else Markers()
    cues = Grid((0.0, 1.0), 0, 1, {name: at for at, name in markers.cues})
    start = parse_time(config.start, fps=fps, key="audio.start", duration=analysis.seconds, grid=cues)
    if start >= analysis.seconds:
        raise ConfigError("audio.start", config.start, f"the song lasts {show_time(analysis.seconds)}")
    return Song(path, _with_markers(analysis, markers), start, markers, _plan_stems(config, analysis.seconds))


def _plan_stems(config: AudioConfig, seconds: float) -> dict[str, SongAnalysis]:
    """The analyses of ``audio.stems``, by name. Raises ConfigError, InputError."""
    stems = {}
    for name, path in (config.stems or {}).items():
        analysis = analyse_cached(Path(path), f"audio.stems.{name}", config.tracker)
        if abs(analysis.seconds - seconds) > MAX_STEM_SECONDS:
            lengths = f"it lasts {show_time(analysis.seconds)}, the song {show_time(seconds)}"
            raise ConfigError(f"audio.stems.{name}", path, f"{lengths}; a stem is as long as its song")
        stems[name] = analysis
    return stems


def check_stems(config: AudioConfig) -> None:
    """Raise ConfigError unless ``audio.stems`` are names and files that can be signals of a song."""
    if config.stems is None:
        return
    if not isinstance(config.stems, Mapping) or not all(isinstance(path, str) for path in config.stems.values()):
        raise ConfigError("audio.stems", config.stems, "write names and files, as {drums: d.wav, voice: v.wav}")
    if not config.path:
        raise ConfigError("audio.stems", config.stems, "stems are parts of a song; give audio.path=song.mp3 as well")
    taken = {*functions.NAMES, "t", "frame", "fps", "pi", "duration", "max_f", *NAMES} - {*LEVELS}
    for name in config.stems:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", str(name)) or name in taken or str(name).startswith("onset_"):
            allowed = f"a stem's name is lower-case letters, digits and _, and no other name of an expression ({name})"
            raise ConfigError("audio.stems", config.stems, allowed)


def _with_markers(analysis: SongAnalysis, markers: Markers) -> SongAnalysis:
    """The analysis with beats, bars and sections of the markers, where these have them.

    Sections begin at cues; those whose names differ only in a number (``verse 1``, ``verse 2``) are of one kind.
    """
    if len(markers.beats) > 2:
        beats = np.array([at for at in markers.beats if at < analysis.seconds + MAX_BEAT_SECONDS])
        accents = np.isin(beats, markers.bars).astype(np.float64)
        analysis = replace(analysis, beats=beats, accents=accents)
    cues = [(at, re.sub(r"[\s\d]+$", "", name).lower()) for at, name in markers.cues if at < analysis.seconds]
    if cues:
        cues = cues if cues[0][0] < MIN_SECTION_SECONDS else [(0.0, ""), *cues]
        kinds = {name: number for number, name in enumerate(dict.fromkeys(name for _, name in cues))}
        starts = np.array([0.0, *(at for at, _ in cues[1:])])
        analysis = replace(analysis, sections=starts, kinds=np.array([kinds[name] for _, name in cues]))
    return analysis


def make_signals(config: AudioConfig, song: Song | None, fps: Fraction) -> Signals:
    """What the score can follow: recorded signals, the song with the corrections in ``config``, or a metronome."""
    if config.signals is not None:
        recorded = read_signals(config.signals)
        return recorded.as_signals(config.attack, config.release, config.bpm or DEFAULT_BPM, config.beats_per_bar)
    downbeat = None if config.downbeat is None else parse_time(config.downbeat, fps=fps, key="audio.downbeat")
    if song is None:
        markers = read_markers(config.markers, fps, config.path) if config.markers else Markers()
        has_beats = len(markers.beats) > 2 and config.bpm is None
        grid = even_grid(config.bpm or DEFAULT_BPM, config.beats_per_bar, downbeat or 0.0)
        if has_beats:
            beats = np.array(markers.beats)
            bar = first_of_bars(np.isin(beats, markers.bars).astype(np.float64), config.beats_per_bar)
            grid = count_beats(beats, bar, config.beats_per_bar)
        grid = replace(grid, cues={name: at for at, name in markers.cues})
        return Signals(grid, config.attack, config.release, assumed=config.bpm is None and not has_beats)
    grid = song_grid(config, song.analysis, song.start, downbeat)
    grid = replace(grid, cues={name: at - song.start for at, name in song.markers.cues})
    sections = [at for at, _ in song.sections(config, grid)]
    return Signals(grid, config.attack, config.release, _song_signals(song, sections))


def _song_signals(song: Song, sections: list[float]) -> SongSignals:
    analysis, start = song.analysis, song.start
    onsets = {"onset": analysis.onsets}
    onsets |= {f"onset_{band}": getattr(analysis, f"onsets_{band}") for band in BANDS}
    onsets |= {f"onset_{name}": stem.onsets for name, stem in song.stems.items()}
    loud = LEVELS.index("loud")
    levels = {**dict(zip(LEVELS, analysis.levels, strict=True)), **{n: s.levels[loud] for n, s in song.stems.items()}}
    return SongSignals(
        levels=levels,
        rate=PER_SECOND,
        start=-start,
        onsets={name: ((times - start).tolist(), strengths.tolist()) for name, (times, strengths) in onsets.items()},
        sections=sections,
    )


def analyse_cached(path: Path, key: str = "audio.path", tracker: str = "auto") -> SongAnalysis:
    """The analysis of the song at ``path``, which the setting ``key`` names, from the cache if it is there.

    Raises InputError for a missing file or one without sound, ConfigError for a ``tracker`` that is not installed.
    """
    check_tracker(tracker)
    check_song(path, key)
    try:
        sha256 = sha256_of(path)
    except OSError as error:
        raise InputError(f"{key}={path}: it cannot be read: {error.strerror}") from error
    cached = cache_folder("music") / f"{sha256[:32]}.{tracker}.v{CACHE_VERSION}.npz"
    analysis = song_analysis.load(cached)
    if analysis is None:
        log.info(f"listening to {path.name}; this is done once")
        analysis = analyse(path, tracker)
        song_analysis.save(cached, analysis)
    return analysis


def analyse(path: Path, tracker: str = "auto") -> SongAnalysis:
    """The analysis of the song at ``path``, without the cache. Raises InputError."""
    decoder = Decoder(path, RATE)
    features = extract(decoder.blocks())
    if features.seconds > MAX_SONG_SECONDS:
        raise InputError(f"{path} lasts {features.seconds / 3600:.1f} hours; allowed are {MAX_SONG_SECONDS / 3600:g}")
    damage = decoder.damage or missing_end(path)
    return song_analysis.analyse(features, damage, tracker, lambda: np.concatenate(list(Decoder(path, RATE).blocks())))
