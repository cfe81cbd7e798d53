"""The plan of one shot: sizes, times and files, checked before anything heavy loads. No torch."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path

from pipeline.config import HIDDEN_SECONDS, CameraConfig, NetworkConfig, RenderConfig, ScoreConfig, octave_scales
from pipeline.config.camera import is_neutral
from pipeline.config.limits import LimitsConfig
from pipeline.errors import ConfigError, InputError, nearest
from pipeline.networks.imagine_plan import ImaginePlan
from pipeline.plan.footage import FootagePlan
from pipeline.plan.frame_size import even, requested_size
from pipeline.plan.handles import Handles
from pipeline.plan.imagine import has_prior, plan_imagine
from pipeline.plan.input_files import check_color_files, check_picture, check_weights
from pipeline.plan.mask import MaskPlan
from pipeline.plan.other_networks import check_others
from pipeline.runtime.opencv import opencv
from pipeline.score.target_weights import parse_targets
from pipeline.targets.class_names import read_class_names
from pipeline.targets.region import SIDES
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import parse_time

MIN_OPENING_FRAMES = 8
FRAMES_ONLY = (
    ("mirror", "none", "is not mirrored"),
    ("symmetry", "0", "is not mirrored"),
    ("relief", "0", "has no relief"),
)
"""(setting of the camera, its neutral value, why footage has no other)."""
SPHERE_SETTINGS = ("zoom", "rotate", "pan", "center", "dolly", "yaw", "pitch", "roll", "shake_rate")
"""The settings of the camera that a film all around has."""


@dataclass(frozen=True)
class ShotPlan:
    """What one shot renders: sizes in pixels (even), times in frames.

    The first ``opening`` frames show the noise unfolding. ``guides`` and ``masks`` are the images that targets name.
    ``signals`` start with the shot. ``notes`` are for the user. A hidden dream counts as
    ``hidden_seconds`` of the film, in a sketch as more.
    """

    config: RenderConfig
    width: int
    height: int
    fps: Fraction
    frames: int
    opening: int
    guides: frozenset[str]
    masks: frozenset[str]
    signals: Signals
    footage: FootagePlan | None = None
    imagine: ImaginePlan | None = None
    mask: MaskPlan | None = None
    notes: tuple[str, ...] = ()
    index: int = 0
    handles: Handles = Handles()
    hidden_seconds: float = HIDDEN_SECONDS

    @property
    def is_sphere(self) -> bool:
        """Whether the canvas is the whole sphere."""
        return self.config.frame.projection != "flat"

    def scales(self) -> list[float]:
        """Scales of the octaves by which the score tells them apart, coarse to fine, at most 1."""
        scales = octave_scales(self.config.dream, min(self.width, self.height))
        return list(dict.fromkeys(min(scale, 1.0) for scale in scales))


def plan_shot(
    config: RenderConfig, seconds: float, fps: Fraction, signals: Signals, footage: FootagePlan | None
) -> ShotPlan:
    """The plan of a shot that lasts ``seconds``.

    Raises ConfigError for values that do not fit together, InputError for missing files.
    """
    frames = round(seconds * fps)
    has_source = config.source.kind != "none"
    opening = _opening(config, seconds, fps, signals)
    if config.network.weights is not None:
        check_weights(Path(config.network.weights), config.limits)
    if config.depth.weights is not None:
        check_weights(Path(config.depth.weights), config.limits, "depth.weights")
    check_others(config.network, config.limits)
    if config.network.class_names is not None:
        read_class_names(Path(config.network.class_names))
    check_color_files(config.color, config.limits)
    for name, plain, words in FRAMES_ONLY if has_source else ():
        value = getattr(config.camera, name)
        if str(value) not in (plain, "0.0"):
            raise ConfigError(f"camera.{name}", value, f"footage {words}: camera.{name}={plain}")
    if config.frame.projection != "flat":
        _check_sphere(config, has_source)
    if config.frame.stereo != "none":
        _check_stereo(config)
    if config.encode.alpha != "none" and (config.frame.projection == "dome" or config.frame.stereo != "none"):
        raise ConfigError("encode.alpha", config.encode.alpha, "a dome and two eyes have no opacity")
    guides, masks = _images(config.score, config.network, config.limits)
    width, height, notes = _size(config, footage)
    if config.flow.still is not None:
        parse_time(config.flow.still, fps=fps, key="flow.still", duration=seconds)
    if has_source and config.flow.kind == "dis":
        opencv()  # also for a shot that comes late in its film
    return ShotPlan(
        config=config,
        width=width,
        height=height,
        fps=fps,
        frames=frames,
        opening=opening,
        guides=guides,
        masks=masks,
        signals=signals,
        footage=footage,
        imagine=plan_imagine(config, seconds, fps, signals),
        notes=(*notes, *(footage.clip.notes if footage else ())),
    )


def _check_sphere(config: RenderConfig, has_source: bool) -> None:
    """Raise ConfigError for what a film all around does not have."""
    if config.start.kind == "imagine" or has_prior(config):
        key = "start" if config.start.kind == "imagine" else "dream.prior"
        raise ConfigError("frame.projection", config.frame.projection, f"a generator's pictures are flat ({key})")
    if has_source:
        raise ConfigError("frame.projection", config.frame.projection, "footage is flat")
    words = "a film all around turns and flies: zoom, rotate, pan, dolly, yaw, pitch, roll"
    for name in (each.name for each in fields(CameraConfig) if each.name not in SPHERE_SETTINGS):
        if not is_neutral(config.camera, name):
            raise ConfigError(f"camera.{name}", getattr(config.camera, name), words)
    width, height = requested_size(config.frame, None)
    is_dome = config.frame.projection == "dome"
    if abs(width - (1 if is_dome else 2) * height) > 2:  # sides are rounded to even
        words = "a film all around is twice as wide as high (format=sphere), a dome as wide as high (format=dome)"
        raise ConfigError("frame.width, frame.height", f"{width}x{height}", words)


def _check_stereo(config: RenderConfig) -> None:
    """Raise ConfigError unless there is a relief for two eyes."""
    stereo, words = config.frame.stereo, ""
    if config.frame.projection != "flat":
        words = "a film all around has no relief"
    elif str(config.camera.relief) in ("0", "0.0"):
        words = "two eyes need a relief: camera=flight, or camera.relief=0.7"
    if words:
        raise ConfigError("frame.stereo", stereo, words)


def _size(config: RenderConfig, footage: FootagePlan | None) -> tuple[int, int, list[str]]:
    """(width, height, notes)."""
    clip = (footage.clip.width, footage.clip.height) if footage else None
    requested = requested_size(config.frame, clip)
    width, height = (even(side, config.frame.scale) for side in requested)
    if width * height > config.limits.megapixels * 1e6:
        allowed = f"{width}x{height} pixels; allowed are {config.limits.megapixels:g} million (limits.megapixels)"
        raise ConfigError("frame.width, frame.height", "x".join(map(str, requested)), allowed)
    notes = [
        f"frame.{name}={side} becomes {rounded}: video needs even sizes"
        for name, side, rounded in (("width", requested[0], width), ("height", requested[1], height))
        if config.frame.scale == 1 and side != rounded
    ]
    return width, height, notes


def _opening(config: RenderConfig, seconds: float, fps: Fraction, signals: Signals) -> int:
    """How many frames show the noise unfolding."""
    unfold = parse_time(config.start.unfold, fps=fps, key="start.unfold", duration=seconds, grid=signals.grid)
    if config.start.kind == "image":
        if not config.start.path:
            raise ConfigError("start.path", "null", "start=image needs the picture: start.path=photo.jpg")
        check_picture("start.path", config.start.path, Path(config.start.path), config.limits)
    if config.source.kind != "none" or config.start.kind == "image":
        return 0
    opening = min(round(seconds * fps), round(unfold * fps))
    if 0 < opening < MIN_OPENING_FRAMES:
        allowed = f"allowed is 0s, or {MIN_OPENING_FRAMES} frames and more"
        raise ConfigError("start.unfold", config.start.unfold, allowed)
    return opening


def _images(config: ScoreConfig, network: NetworkConfig, limits: LimitsConfig) -> tuple[frozenset[str], frozenset[str]]:
    """The files of guides and of masks that targets name. Raises InputError for a missing one."""
    written: list[tuple[str, object]] = [("score.targets", targets_of(config, network))]
    for number, entry in enumerate(config.keys):
        if isinstance(entry, Mapping) and entry.get("see") is not None:
            written.append((f"score.keys[{number}].see", entry["see"]))
    guides, masks = set(), set()
    for key, value in written:
        for target in parse_targets(value, key):
            region = target.region
            if target.kind == "guide":
                _check_image(key, str(target), target.name, "", limits)
                guides.add(target.name)
            if region is not None and region.shape == "file":
                _check_image(key, str(target), region.file, nearest(region.file, SIDES), limits)
                masks.add(region.file)
    return frozenset(guides), frozenset(masks)


def _check_image(key: str, target: str, file: str, hint: str, limits: LimitsConfig) -> None:
    if not os.path.lexists(file):
        raise InputError(f"{key}={target}: there is no file {file}{hint}")
    check_picture(key, target, Path(file), limits)


def targets_of(config: ScoreConfig, network: NetworkConfig) -> list[object]:
    """The targets of a score: ``score.targets``, by default those of the network.

    A walk starts at a channel of ``score.layers`` or of its own; a guided score adds its picture to its targets.
    """
    if config.kind == "guided":
        if not config.guide:
            raise ConfigError("score.guide", "null", "score=guided needs the picture: score.guide=photo.jpg")
        return [*config.targets, {f"guide:{config.guide}": 1.0}]
    return config.targets or ([] if config.kind == "walk" else network.default_targets)
