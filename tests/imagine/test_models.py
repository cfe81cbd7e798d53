"""A generator of any model works in films by the same settings."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from pipeline.config import CameraRates, DreamConfig, FlowConfig, ImagineConfig, RenderConfig, SourceConfig, StartConfig
from pipeline.cue import Cue
from pipeline.imagine.generator_file import write_generator
from pipeline.inputs.first_canvas import imagined_canvas
from pipeline.inputs.latent_walk import LatentWalk
from pipeline.inputs.prior import Prior
from pipeline.media.decode.image_file import save_png
from pipeline.motion.camera import Camera
from pipeline.motion.stage import Zoom
from pipeline.networks.generator_header import Shape
from pipeline.networks.trained_generator import MODELS, load_generator
from pipeline.plan.imagine import plan_imagine
from pipeline.targets.target import Target
from pipeline.timing.beat_grid import even_grid
from pipeline.timing.signals import Signals

SIZE = (32, 48)
SIGNALS = Signals(even_grid(120, 4), attack=0.01, release=0.25)


@pytest.fixture(params=MODELS)
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The file of a generator that has not learned anything."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        net = MODELS[request.param](Shape(16, 6, 2))
    path = tmp_path / "generator.safetensors"
    write_generator(net, request.param, {"size": 16, "latent": 6}, {"classes": ["blue", "red"]}, path)
    return str(path)


def test_walk_start_and_prior_take_any_model(weights: str, tmp_path: Path) -> None:
    photograph = str(tmp_path / "photograph.png")
    save_png(torch.linspace(0, 1, 32).expand(1, 3, 24, 32), Path(photograph))
    imagine = ImagineConfig(weights=weights, z="0s: encode, 1s: class:red seed:3")
    start = StartConfig(kind="imagine", path=photograph)
    config = RenderConfig(imagine=imagine, start=start, source=SourceConfig(kind="imagine"))
    plan = plan_imagine(config, 2.0, Fraction(12), SIGNALS)
    assert plan is not None
    walk = LatentWalk(plan, imagine, SIZE, 12.0)
    pictures = [walk.picture(n / 12) for n in range(13)]
    assert all(picture.shape == (1, 3, *SIZE) for picture in pictures)
    steps = [float((a - b).abs().mean()) for a, b in pairwise(pictures)]
    assert max(steps) < float((pictures[0] - pictures[-1]).abs().mean()) * 0.6

    start_config = RenderConfig(imagine=ImagineConfig(weights=weights, z="dream"), start=start)
    dreamed = plan_imagine(start_config, 2.0, Fraction(12), SIGNALS)
    assert dreamed is not None
    canvas = imagined_canvas(dreamed, start_config, SIZE, torch.mean, torch.device("cpu"))
    assert canvas.shape[1] == 3 and canvas.isfinite().all()

    stage = Prior(Zoom(Camera(lambda index: CameraRates(), 12.0), SIZE), load_generator(Path(weights)), 0.7, 12.0, 0.5)
    cue = Cue(0.0, CameraRates(), DreamConfig(prior=0.5), FlowConfig(), lambda scale: {Target("class", "red"): 1.0}, "")
    grey = torch.full((1, 3, *SIZE), 0.2)
    assert float((stage.advance(grey, cue, 0) - grey).abs().mean()) > 0.01
