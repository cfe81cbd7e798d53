"""Presets as scenes: what they set of numbers and targets can be played with one gesture."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from omegaconf import OmegaConf

from pipeline.cli.sanitize import choices
from pipeline.cli.shot_presets import expand
from pipeline.config import RenderConfig
from pipeline.errors import RenderError

PLAYED = ("camera", "dream", "score")
UNPLAYED = ("guided", "walk")  # kinds of score: one needs a picture, one may have to compare channels for minutes


def scene_configs(config: RenderConfig) -> Iterator[tuple[str, RenderConfig]]:
    """(name, settings) of every preset that is one shot and needs no picture as a target, on top of ``config``.

    Only its numbers and targets count: size, network and start stay.
    """
    for name in choices("preset"):
        try:
            entry: dict[str, Any] = expand("scene", {"preset": name})
            base = OmegaConf.structured(replace(config, film=[]))
            chosen = OmegaConf.create({section: entry[section] for section in PLAYED if section in entry})
            merged = OmegaConf.to_object(OmegaConf.merge(base, chosen))
        except RenderError:  # a film of several shots
            continue
        assert isinstance(merged, RenderConfig)
        if merged.score.kind not in UNPLAYED:
            yield name, merged
