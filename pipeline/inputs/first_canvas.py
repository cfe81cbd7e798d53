"""The canvas before any dream: noise, a photograph, or a picture that a generator makes."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from pipeline.config import RenderConfig, StartConfig
from pipeline.image import fit, resize
from pipeline.inputs.latent_ascent import Value, ascend
from pipeline.inputs.latent_walk import LatentWalk, in_frame
from pipeline.inputs.prior import class_weights
from pipeline.media.decode.image_file import load_still
from pipeline.networks.imagine_plan import ImaginePlan
from pipeline.networks.trained_generator import load_generator
from pipeline.runtime.seeding import START, generator
from pipeline.targets.target import TargetWeights


def first_canvas(config: StartConfig, size: tuple[int, int], seed: int, shot: int) -> Tensor:
    """``(1, 3, h, w)`` on the CPU: the photograph in full size (H, W), or noise at its smallest size."""
    height, width = size
    if config.kind == "image":
        red, green, blue = config.background
        return load_still(Path(str(config.path)), width=width, height=height, background=(red, green, blue))
    small = fit(size, min(config.size, min(size)))
    noise = torch.randn(1, 3, *small, generator=generator(seed, shot, 0, START))
    grey: Tensor = 0.45 + config.noise * noise
    return grey.clamp(0, 1)


def imagined_canvas(
    plan: ImaginePlan, config: RenderConfig, size: tuple[int, int], value: Value, device: torch.device
) -> Tensor:
    """``(1, 3, h, w)``: the generator's first picture, at the size from which the canvas grows to (H, W).

    ``value`` is what a dreamed one raises, of pictures on ``device``.
    """
    imagine = config.imagine
    small, place = fit(size, min(config.start.size, min(size))), plan.places[0]
    if not place.is_dreamed:
        return resize(LatentWalk(plan, imagine, size).picture(0.0), small).clamp(0, 1)
    net = load_generator(plan.path).generator

    def raised(picture: Tensor) -> Tensor:
        return value(picture.to(device)).cpu()

    with torch.no_grad():
        picture = net(*ascend(net, raised, place.label, place.seed, imagine.truncation))
    return resize(in_frame(picture, size, imagine.fit), small).clamp(0, 1)


def begin_at_targets(plan: ImaginePlan, targets: TargetWeights) -> ImaginePlan:
    """The plan; a dreamed picture without a class begins at the heaviest target that is a class of the generator."""
    first = plan.places[0]
    weights = class_weights(targets, plan.header.classes)
    if not first.is_dreamed or first.label is not None or weights is None:
        return plan
    return replace(plan, places=(replace(first, label=int(weights.argmax())), *plan.places[1:]))
