"""The sound of a film: what is heard under each of its shots, and for how long. No torch."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from pipeline.media.sound.mix import EDGE, Medley, Part
from pipeline.media.sound.source_audio import Sound, is_mono
from pipeline.plan.handles import Link


def lay(shots: Sequence[tuple[Sound | None, Link, int]], fps: Fraction, fade_out: float = 0.0) -> Medley | None:
    """The sounds of all shots, of each (its sound, its link, its count of frames); None where all are silent.

    Under a crossfade both are heard, as loud together as each alone; under a dip one falls, then the other rises. What
    goes on in the next shot as it is in the file is not faded. Raises InputError.
    """
    parts: list[Part] = []
    for part in _parts(shots, fps):
        if parts and parts[-1].goes_on(part):
            parts[-1] = replace(parts[-1], end=part.end, fall=part.fall)
        else:
            parts.append(part)
    frames = sum(frames - link.unshown for _, link, frames in shots)
    return Medley(tuple(parts), float(frames / fps), fade_out) if parts else None


def _parts(shots: Sequence[tuple[Sound | None, Link, int]], fps: Fraction) -> Iterator[Part]:
    """What is heard of each shot by itself."""
    frame = 0  # of the film, with which the shot begins
    for number, (sound, link, frames) in enumerate(shots):
        frame -= link.head
        following = shots[number + 1][1].transition if number + 1 < len(shots) else "cut"
        rise, fall = float(link.head / fps), float(link.tail / fps)
        # A dip is black in its middle: one half of it is heard with each shot.
        late, early = (rise / 2 if link.transition == "dip" else 0.0), (fall / 2 if following == "dip" else 0.0)
        if sound is not None:
            yield Part(
                sound.path,
                sound.start + late,
                float(frame / fps) + late,
                float((frame + frames) / fps) - early,
                max(EDGE, rise - late),
                max(EDGE, fall - early),
                is_mono(sound.path),
            )
        frame += frames
