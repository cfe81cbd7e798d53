"""The score of a shot: one function for the render and for its chart, so that they cannot disagree."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.config import NetworkConfig, RenderConfig, ScoreConfig
from pipeline.errors import ConfigError
from pipeline.plan.shot_plan import ShotPlan, targets_of
from pipeline.runtime.files import sha256_of
from pipeline.score.score import Score, build
from pipeline.score.shot_context import ShotContext, SimilarChannels
from pipeline.score.target_weights import parse_targets
from pipeline.targets.layer_names import KNOWN, Layers, known_layers, weights_file
from pipeline.targets.neighbours import Neighbours, Order
from pipeline.targets.target import Target

log = logging.getLogger(__name__)


def build_score(plan: ShotPlan, layers: Layers, similar: SimilarChannels) -> Score:
    """The score of a plan for a network with these layers. Raises ConfigError, also for a missing layer or channel."""
    settings = score_settings(plan.config)
    if not (settings.targets or settings.layers):
        settings = replace(settings, layers=[_usual_layer(plan.config.network, layers)])
    score = build(settings, score_context(plan, layers, similar))
    for target in score.targets():
        check_channels(target, layers)
    return score


def _usual_layer(network: NetworkConfig, layers: Layers) -> str:
    """The layer that a network without settings dreams of, with a note: two thirds down, motifs are parts of things."""
    main = layers.main()
    layer = main[2 * len(main) // 3]
    choice = f"network={network.library or 'torchvision'} network.name={network.name}"
    advice = f"python -m pipeline.atlas {choice} draws others ({', '.join(main)})"
    log.info(f"{network.full_name} has no targets of its own and dreams of {layer}; {advice}", extra={"once": True})
    return layer


def score_settings(config: RenderConfig) -> ScoreConfig:
    """The settings of the score, with those that its network decides."""
    return replace(
        config.score,
        kind="constant" if config.score.kind == "guided" else config.score.kind,
        targets=targets_of(config.score, config.network),
        layers=config.score.layers or config.network.layers,
    )


def score_context(plan: ShotPlan, layers: Layers, similar: SimilarChannels) -> ShotContext:
    """The shot of a plan, as its score needs it."""
    config = plan.config
    return ShotContext(
        fps=plan.fps,
        seconds=(plan.handles.loop_period or plan.frames) / float(plan.fps),
        scales=plan.scales(),
        channels=layers.count,
        similar=similar,
        signals=plan.signals,
        camera=config.camera,
        dream=config.dream,
        flow=config.flow,
        color=config.color,
        seed=config.seed,
        shot=plan.index,
        is_loop=plan.handles.loop_period > 0,
    )


def check_channels(target: Target, layers: Layers) -> None:
    """Raise ConfigError for a target's layer or channel that is not there, where its network is known."""
    known = known_layers(target.network) if target.network else layers
    if target.layer and known is not None:
        layers = known
        count = layers.count(target.layer, "score.targets")
        channels = target.channels if target.channel is None else (target.channel,)
        if max(channels, default=0) >= count:
            raise ConfigError("score.targets", target, f"{target.layer} has channels 0 to {count - 1}")


def neighbours_of(network: NetworkConfig, sha256: str, layers: Layers) -> Neighbours:
    """Similar channels of this network, whose weights have this SHA-256.

    What is not cached is computed with a separate network in float32 on the CPU, to be the same on every machine.
    """

    def compare(layer: str) -> Order:
        from pipeline.dream import channel_similarity, model_zoo

        log.info(f"comparing the channels of {layer}; this is done once")
        return channel_similarity.compare(model_zoo.build(network), layer)

    return Neighbours(sha256, layers, compare)


def guide_layer(config: RenderConfig) -> str:
    """The layer of guides that do not name one: the first of ``score.layers``, else the network's ``guide_layer``, else
    the first layer among its targets, else its first layer; empty when there is none.
    """
    targets = [target.layer for target in parse_targets(config.network.default_targets, "network.default_targets")]
    layers = [*config.score.layers, config.network.guide_layer, *targets, *config.network.layers]
    return next((layer for layer in layers if layer), "")


def check_score(plan: ShotPlan) -> None:
    """Raise ConfigError for an impossible score, if the network's layers are known without loading it."""
    if known_layers(plan.config.network.full_name):
        plan_score(plan)


def plan_score(plan: ShotPlan) -> Score:
    """The shot's score. Loads its network only if its layers are not known, or for a walk through a layer whose
    channels were never compared.
    """
    config = plan.config.network
    layers = known_layers(config.full_name) or _layers_of(config)
    cached: Neighbours | None = None

    def neighbours(layer: str, channel: int) -> Sequence[int]:
        nonlocal cached
        cached = cached or neighbours_of(config, _weights_sha256(config), layers)
        return cached.neighbours(layer, channel)

    return build_score(plan, layers, neighbours)


def _layers_of(config: NetworkConfig) -> Layers:
    from pipeline.dream import model_zoo

    return model_zoo.build(config).named


def _weights_sha256(config: NetworkConfig) -> str:
    """SHA-256 of the weights that the render will load."""
    torch_home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch")
    hub = Path(torch_home, "hub", "checkpoints").expanduser()
    shipped = KNOWN.with_name("motifnet.safetensors")
    published = shipped if config.name == "motifnet" else hub / weights_file(config.full_name)
    path = Path(config.weights) if config.weights else published
    if not path.is_file():
        from pipeline.dream import model_zoo

        return model_zoo.build(config).weights.sha256
    return sha256_of(path)
