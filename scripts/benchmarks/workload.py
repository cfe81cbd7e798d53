"""What benchmarks run: a network, a film planned on it, and the network's bare passes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path

import torch
from hydra import compose as compose_config
from hydra import initialize_config_dir
from torch import Tensor, nn

from pipeline.build import build_shot
from pipeline.cli import compose as command
from pipeline.config import REFERENCE_PIXELS, RenderConfig, octave_scales
from pipeline.dream import model_zoo
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.network import Network
from pipeline.dream.octave_sizes import octave_size
from pipeline.dream.precision import choose_arithmetic
from pipeline.dream.weighted_objective import Objective
from pipeline.dream.weights import Weights
from pipeline.plan.planner import plan_film
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.device import choose_device
from pipeline.shot import Shot
from pipeline.targets.target import Target, parse_target


@dataclass(frozen=True)
class Subject:
    """A film planned on a network. ``layer`` is the full name of the target's layer, ``channel`` its channel there
    (None: all), ``trained`` whether the weights are real: random ones take as long.
    """

    plan: ShotPlan
    network: Network
    target: Target
    layer: str
    channel: int | None
    trained: bool

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.plan.height, self.plan.width

    def shot(self) -> Shot:
        """The film's shot, as a render builds it."""
        return build_shot(self.plan, self.network)

    def dreamer(self) -> Dreamer:
        """A new dreamer for this film."""
        return Dreamer(Objective(self.network), self.plan.config.dream)

    def octaves(self) -> list[tuple[int, int]]:
        """The sizes (h, w) at which a frame is dreamed."""
        dreamer, short = self.dreamer(), min(self.size)
        scales = octave_scales(self.plan.config.dream, short)
        fitting = [scale for scale in scales if dreamer.fits(scale, {self.target: 1.0})]
        return [octave_size(self.size, scale * REFERENCE_PIXELS) for scale in fitting]

    def bare(
        self, change: Callable[[nn.Module], Callable[[Tensor], dict[str, Tensor]]] | None = None
    ) -> Callable[[], None]:
        """A job of a frame's bare passes: the cut network, changed by ``change``, forward and backward to its input."""
        half = self.network.precision != torch.float32
        extractor = self.network.extractor(frozenset({self.layer}), half)
        module = change(extractor) if change else extractor
        generator = torch.Generator().manual_seed(0)
        memory = self.network.memory_format
        leaves = [torch.randn(1, 3, *size, generator=generator) for size in self.octaves()]
        leaves = [leaf.to(self.network.device).contiguous(memory_format=memory) for leaf in leaves]
        seeds: dict[int, Tensor] = {}

        def passes() -> None:
            with torch.autocast(self.network.device.type, self.network.precision, half):
                for number, leaf in enumerate(leaves):
                    for _ in range(self.plan.config.dream.steps):
                        activation = module(leaf.requires_grad_(True))[self.layer]
                        seed = seeds.setdefault(number, torch.ones_like(activation))
                        torch.autograd.grad(activation, leaf, seed)
            wait(self.network.device)

        return passes


def wait(device: torch.device) -> None:
    """Wait until the device is idle."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def settings(
    name: str, size: tuple[int, int], *, device: str = "auto", more: Sequence[str] = (), weights: str = ""
) -> RenderConfig:
    """A zoom of ``size`` (h, w) toward the network's own first target; ``more`` are overrides.

    Raises RenderError for what cannot be.
    """
    given = [f"network={name}", f"frame.height={size[0]}", f"frame.width={size[1]}", f"device={device}"]
    given += ["camera=zoom", "score=constant", "duration=100000f", "start.steps=0"]
    given += ["dream.interval=1", *more]  # every frame makes all the passes that ``Subject.bare`` makes
    with initialize_config_dir(str(command.CONF), version_base="1.3"):
        config = command.read(compose_config("config", given))
    config.score.targets = [str(config.network.default_targets[0])]
    config.network.weights = weights or None
    return config


def subject(
    name: str, size: tuple[int, int], folder: Path, *, device: str = "auto", more: Sequence[str] = ()
) -> Subject:
    """What ``settings`` describes, its network on its device.

    ``name`` is a network, or ``name=FILE`` with its weights. Without a file torchvision's get random weights.
    """
    name, _, weights = name.partition("=")
    config = settings(name, size, device=device, more=more, weights=weights)
    target = parse_target(str(config.score.targets[0]), "network.default_targets")
    trained = bool(weights) or name in model_zoo.OWN
    network = model_zoo.build(config.network) if trained else untrained(name)
    place = choose_device(config.device)
    network.to(place, *choose_arithmetic(config.precision, config.network, place), config.deterministic)
    named = Objective(network).resolve(target)
    channel = named.channels[0] if named.channels else None
    film = plan_film(config, folder, "film")
    return Subject(replace(film.shots[0], notes=film.notes), network, target, named.layer, channel, trained)


def untrained(name: str) -> Network:
    """A torchvision network whose weights are drawn so that its activations keep their size."""
    return model_zoo.dress(name, drawn(model_zoo.architecture(name)), Weights(Path("random"), "0" * 64))


def drawn(model: nn.Module) -> nn.Module:
    """The model with random weights, batch normalisation as it is before training."""
    model, generator = model.to_empty(device="cpu"), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if tensor.dim() > 1:
                tensor.normal_(0, sqrt(2 / tensor[0].numel()), generator=generator)
            else:
                tensor.fill_(1 if key.endswith(("running_var", "weight", "layer_scale")) else 0)
    return model
