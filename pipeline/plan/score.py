"""The score of a plan: one function for the render and for the picture of the score, so that they cannot disagree."""

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.config import NetworkConfig, RenderConfig
from pipeline.errors import ConfigError
from pipeline.plan.shot_plan import ShotPlan, targets_of
from pipeline.score.score import Score, build
from pipeline.score.shot_context import ShotContext, SimilarChannels
from pipeline.score.target_weights import parse_targets
from pipeline.targets.layer_names import KNOWN, Layers, known_layers, weights_file
from pipeline.targets.neighbours import Neighbours, Order

log = logging.getLogger(__name__)


def build_score(plan: ShotPlan, layers: Layers, similar: SimilarChannels) -> Score:
    """The score of a plan for a network with these layers. Raises ConfigError, also for a missing layer or channel."""
    config = plan.config
    settings = replace(
        config.score,
        kind="constant" if config.score.kind == "guided" else config.score.kind,
        targets=targets_of(config.score, config.network),
        layers=config.score.layers or config.network.layers,
    )
    context = ShotContext(
        fps=plan.fps,
        seconds=(plan.handles.loop_period or plan.frames) / float(plan.fps),
        scales=plan.scales(),
        channels=layers.count,
        similar=similar,
        signals=plan.signals,
        camera=config.camera,
        dream=replace(config.dream, octaves=plan.octaves),
        flow=config.flow,
        seed=config.seed,
        shot=plan.index,
        is_loop=plan.handles.loop_period > 0,
    )
    score = build(settings, context)
    for target in score.targets():
        if target.layer:
            count = layers.count(target.layer, "score.targets")
            channels = target.channels if target.channel is None else (target.channel,)
            if max(channels, default=0) >= count:
                raise ConfigError("score.targets", target, f"{target.layer} has channels 0 to {count - 1}")
    return score


def neighbours_of(network: NetworkConfig, sha256: str, layers: Layers) -> Neighbours:
    """Which channels of this network, whose weights have this SHA-256, are alike.

    What the cache does not know is found out with a network of its own, in float32 on the CPU: everywhere the same.
    """

    def compare(layer: str) -> Order:
        from pipeline.dream import channel_similarity, model_zoo

        log.info(f"finding out which channels of {layer} are alike; this is done once")
        return channel_similarity.compare(model_zoo.build(network), layer)

    return Neighbours(sha256, layers, compare)


def guide_layer(config: RenderConfig) -> str:
    """Where guides are compared that do not name a layer: the first of ``score.layers``, else the network's
    ``guide_layer``, else the first of its own targets or layers that are layers; empty when there is none.
    """
    own = [target.layer for target in parse_targets(config.network.targets, "network.targets") if target.layer]
    mine = [config.network.guide_layer] if config.network.guide_layer else []
    named = [*config.score.layers, *mine, *own, *config.network.layers]
    return named[0] if named else ""


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
    known: Neighbours | None = None

    def neighbours(layer: str, channel: int) -> Sequence[int]:
        nonlocal known
        known = known or neighbours_of(config, _sha256(config), layers)
        return known.neighbours(layer, channel)

    return build_score(plan, layers, neighbours)


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
