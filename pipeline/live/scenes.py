"""Presets and looks as scenes: what they set of numbers and targets can be played with one gesture."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from omegaconf import OmegaConf

from pipeline.cli.sanitize import CONF, choices
from pipeline.cli.shot_presets import expand
from pipeline.config import RenderConfig
from pipeline.errors import RenderError
from pipeline.plan.shot_list import over_config

LOOK = "look: "  # before the names of scenes that leave numbers as they are
PLAYED = ("camera", "dream", "color", "score")
TURNING = ("cycle", "fractal", "beats")
UNPLAYED = ("guided", "walk")  # kinds of score: one needs a picture, one may have to compare channels for minutes


def scene_configs(config: RenderConfig) -> Iterator[tuple[str, RenderConfig]]:
    """(name, settings) of every look, and of every preset that is one shot and needs no picture as a target.

    They lie on top of ``config``, and only their numbers and targets count: size, network and start stay.
    """
    for name in choices("look"):
        look: Any = OmegaConf.to_container(OmegaConf.load(CONF / "look" / f"{name}.yaml"))
        score = replace(config.score, targets=look["score"]["targets"], layers=[], random_channels=0, keys=[])
        kind = score.kind if score.kind in TURNING else "cycle"
        yield f"{LOOK}{name}", replace(config, score=replace(score, kind=kind))
    for name in choices("preset"):
        try:
            entry: dict[str, Any] = expand("scene", {"preset": name})
            played = {section: entry[section] for section in PLAYED if section in entry}
            merged = over_config(replace(config, film=[]), played)
        except RenderError:  # a film of several shots
            continue
        if merged.score.kind not in UNPLAYED:
            yield name, merged
