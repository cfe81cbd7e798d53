"""The user's mask: a picture or a video that says where to dream. No torch."""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pipeline.config import RenderConfig, SourceConfig
from pipeline.config.renamed import MASK_WORDS
from pipeline.errors import ConfigError, InputError, nearest
from pipeline.media.decode.color import has_alpha
from pipeline.plan.footage import ClipLibrary, FootagePlan
from pipeline.plan.input_files import check_picture
from pipeline.runtime.files import check_regular


@dataclass(frozen=True)
class MaskPlan:
    """The mask in ``path``; ``video`` are its pictures in time, None for a still."""

    path: Path
    video: FootagePlan | None = None


def plan_mask(
    config: RenderConfig, clips: ClipLibrary, fps: Fraction, frames: int
) -> tuple[MaskPlan | None, list[str]]:
    """(the mask, notes). One over footage begins where the footage does. Raises InputError, ConfigError."""
    if config.mask.path is None:
        return None, []
    written, path = config.mask.path, Path(config.mask.path)
    if not path.is_dir() and "%" not in path.name:
        if not os.path.lexists(path):
            words = f"there is no such file; words are {', '.join(MASK_WORDS)}{nearest(written, MASK_WORDS)}"
            raise InputError(f"dream.mask={written}: {words}")
        check_regular(path, f"dream.mask={written}")
        if _is_picture(path):
            check_picture("dream.mask", written, path, config.limits)
            _check_channel(config, _has_opacity(path))
            return MaskPlan(path), []
    has_footage = config.source.kind == "video"
    source = SourceConfig(kind="video", path=written, start=config.source.start if has_footage else "0s", cut=0)
    try:
        video = clips.plan(source, str(fps))
    except ConfigError as error:
        raise ConfigError(f"{error.key} of dream.mask", error.value, error.allowed) from error
    except InputError as error:
        words = str(error).partition("; source.")[0].replace("source.path", "dream.mask")  # salvage is for footage
        raise InputError(words if words.startswith("dream.mask") else f"dream.mask: {words}") from error
    assert video is not None
    facts, files = video.clip.facts, video.clip.files
    _check_channel(config, has_alpha(facts.pixel_format) if facts else _has_opacity(files[0]))
    late = frames - video.frames
    return MaskPlan(path, video), [f"the mask ends {late} frames before the film; its last picture stays"] * (late > 0)


def _check_channel(config: RenderConfig, has_opacity: bool) -> None:
    if config.mask.channel == "alpha" and not has_opacity:
        words = f"{config.mask.path} is opaque everywhere; mask.channel=luma takes its brightness"
        raise ConfigError("mask.channel", "alpha", words)


def _has_opacity(picture: Path) -> bool:
    from pipeline.media.decode.open_image import open_image

    with open_image(picture) as image:
        return image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema() != (255, 255)


def _is_picture(path: Path) -> bool:
    from pipeline.media.decode.open_image import image_size

    try:
        image_size(path)
    except InputError:
        return False
    return True
