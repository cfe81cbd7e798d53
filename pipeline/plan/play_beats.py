"""The beats of a score to listen to: a video of its chart with the song and a click on each beat."""

import logging
from dataclasses import replace
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.media.sound import clicks
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.score_chart import LEFT, RIGHT, WIDTH
from pipeline.plan.score_data import ScoreFrames
from pipeline.runtime import files

log = logging.getLogger(__name__)

MAX_SECONDS = 120.0


def check(plan: FilmPlan, picture: Path) -> Path:
    """The video's path, next to the chart. Raises ConfigError without a song, OutputError if it cannot be written."""
    if plan.song is None:
        raise ConfigError("play", "true", "there is no song to listen to; give audio.path=song.mp3")
    video = picture.with_name(f"{picture.stem}.clicks.mp4")
    files.check_writable(video, overwrite=plan.config.overwrite)
    return video


def write(plan: FilmPlan, score: ScoreFrames, picture: Path, video: Path) -> None:
    """Write the video, of two minutes at most. Raises InputError, OutputError."""
    assert plan.song is not None and score.music is not None
    whole = float(plan.seconds)
    seconds = min(whole, MAX_SECONDS)
    if seconds < whole:
        log.info(f"play=true plays the first {MAX_SECONDS:g} seconds; audio.start= and duration= choose others")
    sound = replace(plan.song.sound(seconds, plan.config.audio, plan.fps), unchanged=False)
    beats = [second for second in score.music.beats if second < seconds]
    samples = clicks.click_samples(seconds, beats, score.music.bars)
    with files.atomic_write(video, overwrite=plan.config.overwrite) as part:
        clicks.write(part, picture, sound, samples, (LEFT, WIDTH - RIGHT, whole))
