"""The score of a plan: one function for the render and for the picture of the score, so that they cannot disagree."""

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.config import NetworkConfig, RenderConfig, settings
from pipeline.errors import ConfigError
from pipeline.plan.shot_plan import ShotPlan, targets_of
from pipeline.score import score
from pipeline.score.channel_sampling import Neighbours
from pipeline.score.score import Limits, Score
from pipeline.score.target_weights import written_targets
from pipeline.targets.layer_names import KNOWN, Layers, known_layers, weights_file
from pipeline.targets.neighbours import Kin, Order

log = logging.getLogger(__name__)


def compose(plan: ShotPlan, layers: Layers, neighbours: Neighbours) -> Score:
    """The plan's score for a network with these layers. Raises ConfigError, also for a layer that is not there."""
    config = plan.config
    curves = _curves(config)
    played = score.build(
        kind="constant" if config.score.kind == "guided" else config.score.kind,
        targets=targets_of(config.score, config.network),
        layers=config.score.layers or config.network.layers,
        draw=config.score.draw,
        hold=config.score.hold,
        every=config.score.every,
        fade=config.score.fade,
        seed=config.seed,
        shot=plan.index,
        fps=plan.fps,
        duration=(plan.handles.loop_period or plan.frames) / float(plan.fps),
        loops=plan.handles.loop_period > 0,
        channels=layers.count,
        neighbours=neighbours,
        keys=config.score.keys,
        curves={name: written for name, (written, _) in curves.items()},
        limits={name: limits for name, (_, limits) in curves.items()},
        scales=plan.scales(),
        signals=plan.signals,
    )
    for target in played.targets():
        if target.layer:
            count = layers.count(target.layer, "score.targets")
            named = target.channels if target.channel is None else (target.channel,)
            if max(named, default=0) >= count:
                raise ConfigError("score.targets", target, f"{target.layer} has channels 0 to {count - 1}")
    return played


def kin_of(network: NetworkConfig, sha256: str, layers: Layers) -> Kin:
    """Which channels of this network, whose weights have this SHA-256, are alike.

    What the cache does not know is found out with a network of its own, in float32 on the CPU: everywhere the same.
    """

    def compare(layer: str) -> Order:
        from pipeline.dream import channel_similarity, model_zoo

        log.info(f"finding out which channels of {layer} are alike; this is done once")
        return channel_similarity.compare(model_zoo.build(network), layer)

    return Kin(sha256, layers, compare)


def guide_layer(config: RenderConfig) -> str:
    """Where guides are compared that do not name a layer: the first of ``score.layers``, else the network's
    ``guide_layer``, else the first of its own targets or layers that are layers; empty when there is none.
    """
    own = [target.layer for target in written_targets(config.network.targets, "network.targets") if target.layer]
    mine = [config.network.guide_layer] if config.network.guide_layer else []
    named = [*config.score.layers, *mine, *own, *config.network.layers]
    return named[0] if named else ""


def _curves(config: RenderConfig) -> dict[str, tuple[Any, Limits]]:
    """Every number that the score may move, by its name: how it is written, and its least and greatest value."""
    found: dict[str, tuple[Any, Limits]] = {}
    for key, item, value in settings(config):
        if item.metadata["curve"]:
            limits = (item.metadata["low"], item.metadata["high"])
            pair = zip("xy", value, strict=True) if isinstance(value, list) else [("", value)]
            found |= {f"{key}.{axis}".rstrip("."): (written, limits) for axis, written in pair}
    return found


def check_score(plan: ShotPlan) -> None:
    """Raise ConfigError for a score that cannot be played, if the network is a known one."""
    if known_layers(plan.config.network.name):
        score_of(plan)


def score_of(plan: ShotPlan) -> Score:
    """The plan's score, without loading its network where that is a known one.

    A walk through a layer whose channels were never compared does load it, once.
    """
    config = plan.config.network
    layers = known_layers(config.name) or _layers_of(config)
    kin: Kin | None = None

    def neighbours(layer: str, channel: int) -> Sequence[int]:
        nonlocal kin
        kin = kin or kin_of(config, _sha256(config), layers)
        return kin.neighbours(layer, channel)

    return compose(plan, layers, neighbours)


def _layers_of(config: NetworkConfig) -> Layers:
    from pipeline.dream import model_zoo

    return model_zoo.build(config).named


def _sha256(config: NetworkConfig) -> str:
    """Of the network's weights, wherever the render will find them."""
    torch_home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch")
    hub = Path(torch_home, "hub", "checkpoints").expanduser()
    shipped = KNOWN.with_name("motifnet.safetensors")
    published = shipped if config.name == "motifnet" else hub / weights_file(config.name)
    path = Path(config.weights) if config.weights else published
    if not path.is_file():
        from pipeline.dream import model_zoo

        return model_zoo.build(config).weights.sha256
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
