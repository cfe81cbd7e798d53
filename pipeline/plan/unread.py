"""Settings that a film never reads: they are noted or refused, never ignored silently."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import fields
from typing import Any

from pipeline.config import CONSTANT_OCTAVES, RenderConfig, octave_scales
from pipeline.config.camera import NO_RATES, CameraRates, is_neutral
from pipeline.errors import ConfigError
from pipeline.networks.imagine_plan import encodes_start
from pipeline.plan import shot_list
from pipeline.plan.frame_size import requested_size
from pipeline.targets.target import TEXT_NETWORK


def notes(config: RenderConfig, typed: Iterable[str]) -> list[str]:
    """A note for each of the ``typed`` keys, of settings or groups, that no shot of the film reads."""
    shots = (
        [shot_list.shot_config(config, entry) for _, entry in shot_list.entries(config)] if config.film else [config]
    )
    reasons = [unread(shot) for shot in shots]
    common = {key: why for key, why in reasons[0].items() if all(key in other for other in reasons)}
    if config.film != shot_list.AUTO:
        common["presets"] = "only film=auto has presets"
    why = {key: common.get(key, common.get(f"{key}.kind", "")) for key in typed}
    return [f"{key} has no effect: {reason}" for key, reason in why.items() if reason]


def unread(config: RenderConfig) -> dict[str, str]:
    """Setting → why a shot with this config does not read it."""
    return {key: why for keys, is_unread, why in RULES if is_unread(config) for key in keys.split()}


def _has_footage(config: RenderConfig) -> bool:
    return config.source.kind != "none"


def _walks_by_itself(config: RenderConfig) -> bool:
    return config.source.kind == "imagine" and "," not in str(config.imagine.z)


def _imagines_nothing(config: RenderConfig) -> bool:
    return "imagine" not in (config.start.kind, config.source.kind)


def _has_picture(config: RenderConfig) -> bool:
    return config.start.kind == "image" and not _has_footage(config)


def _has_music(config: RenderConfig) -> bool:
    audio = config.audio
    return any(each is not None for each in (audio.path, audio.bpm, audio.markers, audio.signals))


def _uses_no_stem(config: RenderConfig) -> bool:
    text = repr((config.camera, config.dream, config.flow, config.color, config.score))
    return not any(re.search(rf"\b(onset_)?{re.escape(str(name))}\b", text) for name in config.audio.stems or ())


def _has_guide(config: RenderConfig) -> bool:
    return config.score.kind == "guided" or "guide:" in _targets(config)


def _targets(config: RenderConfig) -> str:
    return str((config.score.targets or config.network.default_targets, config.score.keys))


def _stands_still(config: RenderConfig) -> bool:
    without = {"center", "pan", "truck", "pedestal", "yaw", "pitch", "roll", *NO_RATES}
    without |= {"dolly"} if config.frame.projection == "flat" else set()  # all around it heads for the centre
    return all(is_neutral(config.camera, each.name) for each in fields(CameraRates) if each.name not in without)


def _stays_in_plane(config: RenderConfig) -> bool:
    return all(map(_is_zero, (config.camera.dolly, config.camera.truck, config.camera.pedestal)))


def _has_no_momentum(config: RenderConfig) -> bool:
    return _is_zero(config.dream.momentum) and _is_zero(config.dream.coarse_momentum)


def _octaves(config: RenderConfig) -> int:
    """How many a frame has; ``dream.octaves`` where its size comes from footage, which is not known here."""
    if not _has_footage(config):
        with suppress(ConfigError):  # a size of 0 comes from the footage of another shot
            return len(octave_scales(config.dream, min(requested_size(config.frame, None))))
    return config.dream.octaves


def _is_zero(value: Any) -> bool:
    return str(value) in ("0", "0.0")


def _score(*kinds: str) -> Callable[[RenderConfig], bool]:
    return lambda config: config.score.kind in kinds


_NO_GENERATOR = "no generator makes pictures (start=imagine, source=imagine, dream.prior=0.3)"

RULES: tuple[tuple[str, Callable[[RenderConfig], bool], str], ...] = (
    ("imagine.z imagine.fit imagine.to imagine.age", _imagines_nothing, _NO_GENERATOR),
    (
        "imagine.weights imagine.model imagine.truncation",
        lambda c: _imagines_nothing(c) and _is_zero(c.dream.prior),
        _NO_GENERATOR,
    ),
    ("imagine.model", lambda c: c.imagine.weights is not None, "imagine.weights names a file"),
    ("imagine.to", lambda c: "encode:to" not in str(c.imagine.z), "no picture is encode:to (imagine.z)"),
    ("imagine.speed", lambda c: not _walks_by_itself(c), "it is of a walk without keyframes (source=imagine)"),
    ("start.background", lambda c: c.start.kind != "image", "there is no picture (start=image)"),
    (
        "start.path",
        lambda c: _has_footage(c) and c.dream.tone != "start" and not encodes_start(c),
        "the film begins with its footage",
    ),
    ("start.size start.noise start.unfold", _has_picture, "the film begins with a picture, not with noise"),
    (
        "start.kind start.size start.noise start.unfold start.steps start.boost",
        _has_footage,
        "the film begins with its footage",
    ),
    (
        "source.path source.start source.end source.fps source.salvage source.background source.cut",
        lambda c: c.source.kind in ("none", "imagine"),
        "there is no footage (source=video)",
    ),
    (
        "flow.kind flow.style flow.persistence flow.reset flow.still flow.keep_light flow.warmup flow.preset flow.side",
        lambda c: not _has_footage(c),
        "flow follows footage, and there is none (source=video)",
    ),
    ("flow.keep_light", lambda c: c.flow.style != "residual", "it is of flow.style=residual"),
    ("flow.preset", lambda c: c.flow.kind != "dis", "it is of flow=dis"),
    ("flow.side", lambda c: c.flow.kind == "none", "no flow is estimated (flow=none)"),
    ("frame.eyes", lambda c: c.frame.stereo == "none", "it is of frame.stereo"),
    ("camera.center", _stands_still, "the camera neither zooms nor turns"),
    (
        "camera.relief",
        lambda c: c.frame.stereo == "none" and _stays_in_plane(c),
        "the camera does not fly (camera.dolly, truck or pedestal)",
    ),
    (
        "depth.weights depth.large",
        lambda c: _is_zero(c.camera.relief) or _has_footage(c) or (c.frame.stereo == "none" and _stays_in_plane(c)),
        "there is no flight over a relief (camera=flight)",
    ),
    ("depth.large", lambda c: c.depth.weights is None, "it is of depth.weights=FILE"),
    (
        "camera.fov",
        lambda c: not isinstance(c.camera.fov, str) and _is_zero(c.camera.yaw) and _is_zero(c.camera.pitch),
        "the camera neither turns (camera.yaw, camera.pitch) nor changes its field of view",
    ),
    ("camera.shake_rate", lambda c: _is_zero(c.camera.shake), "the camera does not shake (camera.shake=0)"),
    ("dream.octave_ratio dream.coarse_momentum", lambda c: _octaves(c) == 1, "there is one octave only"),
    ("dream.detail dream.crispness", lambda c: c.dream.octaves == 1, "there is one octave only (dream.octaves=1)"),
    ("dream.echo_seconds", lambda c: _is_zero(c.dream.echo), "there are no trails (dream.echo=0)"),
    ("dream.momentum dream.coarse_momentum dream.interval", _has_footage, "steps do not follow what moves in footage"),
    ("dream.interval", _has_no_momentum, "only steps that go on (dream.momentum) may leave frames out"),
    ("dream.interval", lambda c: _octaves(c) <= CONSTANT_OCTAVES, "it is for the third octave and larger ones"),
    ("dream.exponent dream.crispness", lambda c: c.dream.precondition != "fourier", "it is of precondition=fourier"),
    ("dream.tone_mean dream.tone_contrast", lambda c: c.dream.tone != "hold", "they are of dream.tone=hold"),
    ("dream.tone_rate", lambda c: c.dream.tone == "free", "tone drifts (dream.tone=free)"),
    ("score.hold score.fade", _score("constant", "guided"), "this score does not change"),
    ("score.hold", _score("beats"), "score=beats counts with score.every"),
    (
        "score.hold",
        lambda c: c.score.kind == "keys" or (_score("fractal")(c) and bool(c.score.keys)),
        "keys have times",
    ),
    ("score.every", lambda c: c.score.kind != "beats", "it is of score=beats"),
    ("score.keys", lambda c: c.score.kind not in ("keys", "fractal"), "it is of score=keys and score=fractal"),
    ("score.targets", _score("keys"), "score=keys has its targets in score.keys"),
    (
        "score.targets",
        lambda c: bool(c.score.random_channels and c.score.layers) and _score("cycle", "beats", "fractal")(c),
        "score.random_channels takes channels of score.layers",
    ),
    (
        "score.layers",
        lambda c: (
            bool(c.score.targets or c.network.default_targets)
            and not _has_guide(c)
            and not c.score.random_channels
            and _score("cycle", "beats", "fractal", "constant")(c)
        ),
        "score.targets says what to dream, and score.random_channels=8 draws channels of these layers",
    ),
    ("network.guide_layer", lambda c: not _has_guide(c), "no picture is dreamed after (guide:photo.jpg)"),
    ("network.class_names", lambda c: "class:" not in _targets(c), "no class is dreamed (class:17)"),
    (
        "network.others",
        lambda c: (
            not any(
                f"@{name}" in _targets(c) or (name == TEXT_NETWORK and "text:" in _targets(c))
                for name in c.network.others or {}
            )
        ),
        "no target names one of them, as class:17@NAME does",
    ),
    ("score.guide", lambda c: c.score.kind != "guided", "it is of score=guided"),
    ("score.random_channels", _score("constant", "guided", "layers", "walk", "keys"), "this score draws no channels"),
    (
        "score.targets",
        lambda c: c.score.kind == "layers" and bool(c.score.layers),
        "score=layers goes through score.layers",
    ),
    ("mask.channel", lambda c: c.mask.path is None, "there is no mask (dream.mask=FILE)"),
    (
        "mask.invert mask.feather",
        lambda c: c.mask.path is None and c.dream.mask == "none",
        "there is no mask (dream.mask=)",
    ),
    ("color.palette_strength", lambda c: c.color.palette is None, "there is no palette (color.palette=)"),
    ("audio.start audio.tracker", lambda c: c.audio.path is None, "there is no song (audio.path=song.mp3)"),
    ("audio.tracker", lambda c: c.audio.bpm is not None, "audio.bpm says where beats are"),
    ("audio.stems", _uses_no_stem, "no number follows one of them"),
    (
        "audio.fade_out",
        lambda c: c.audio.kind == "none" or (c.audio.path is None and not _has_footage(c)),
        "the film has no sound",
    ),
    ("audio.attack audio.release", lambda c: not _has_music(c), "there is no music (audio.path= or audio.bpm=)"),
    ("farm.chunk farm.pre_roll", lambda c: not _has_footage(c), "only footage renders in pieces (source=video)"),
    ("farm.pre_roll", lambda c: c.farm.chunk is None, "footage is not divided (farm.chunk=)"),
    (
        "farm.mixed farm.cpus farm.gpus farm.lease ray.address ray.dashboard",
        lambda c: c.engine == "local",
        "this machine renders everything (engine=local)",
    ),
    (
        "farm.cpus farm.gpus farm.lease ray.address ray.dashboard",
        lambda c: c.engine == "script",
        "the batch system decides (engine=script)",
    ),
    ("ray.dashboard", lambda c: c.ray.address is not None, "the cluster at ray.address runs already"),
    (
        "encode.quality",
        lambda c: c.encode.codec in ("ffv1", "tiff", "exr"),
        "FFV1, TIFF and EXR have one quality",
    ),
    ("encode.cover", lambda c: "cover" not in c.encode.also, "it is of encode.also=[cover]"),
)
"""(settings, whether a config does not read them, why)."""
