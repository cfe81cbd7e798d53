"""What trainings of generators share: steps with seeds of their own, saved states, sheets, a measure, dreams."""

import copy
import logging
import math
from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import ClassVar, Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.errors import Interrupted
from pipeline.imagine import sheet
from pipeline.imagine.config import TrainConfig
from pipeline.imagine.dream_film import DreamFilm
from pipeline.imagine.generator_file import half
from pipeline.networks.generator import Generator
from pipeline.networks.generator_header import Shape
from pipeline.networks.trained_generator import MODELS
from pipeline.pictures.folder import Pictures
from pipeline.pictures.labelled_sheet import write_sheet
from pipeline.pictures.trainer import Setting, Trainer
from pipeline.runtime.interrupt import Stop

log = logging.getLogger(__name__)

WARM_UP = 0.03  # of the steps
AVERAGE = 0.995  # of the weights that are written: a running mean over about 200 steps
AGES = (0.0, 0.02, 0.06, 0.15, 0.4)
"""Fractions of the steps at which earlier weights are kept."""
MAX_MEASURED = 512  # pictures
Net = TypeVar("Net", bound=Generator)


class Training(ABC, Generic[Net]):
    """The training of a generator on ``pictures``; ``run`` resumes where ``setting.state`` ends.

    A model fills in its loss, its measure on held-out pictures (lower is better) and how it dreams.
    """

    measured: ClassVar[str]
    """The measure's name on the card."""
    unit: ClassVar[str]
    """What a line about it says after the number."""
    rate: ClassVar[float] = 2e-3
    """Step size of the optimiser unless ``rate=`` says otherwise."""
    betas: ClassVar[tuple[float, float]] = (0.9, 0.99)

    def __init__(self, config: TrainConfig, pictures: Pictures, setting: Setting, film: DreamFilm | None) -> None:
        self.config, self.setting, self.film = config, setting, film
        self.learned, self.held_out = pictures.split()
        shape = Shape(int(config.size), config.latent, len(pictures.classes))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            net = MODELS[config.model](shape)
        self.net: Net = net.to(setting.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean: Net = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.step_size = self.rate if config.rate is None else config.rate
        self.optimizer = torch.optim.AdamW(self.net.parameters(), self.step_size, betas=self.betas, weight_decay=0.01)
        self.optimizers: tuple[torch.optim.Optimizer, ...] = (self.optimizer,)
        self.history: list[tuple[int, float]] = []
        self.ages: list[dict[str, Tensor]] = []
        key = repr((asdict(config), pictures.sha256(), str(setting.dtype), setting.device.type, setting.seed))
        self.trainer = Trainer(setting, self.net, self.mean, self.optimizer, key)

    @abstractmethod
    def step(self, step: int) -> None:
        """Learn from one batch."""

    @abstractmethod
    def measure(self) -> float:
        """How well the averaged weights know the held-out pictures."""

    def finish(self) -> Generator:
        """The averaged generator, ready to make pictures."""
        return self.mean

    def dreams(self, noise: Tensor, weights: Tensor) -> Tensor:
        """Pictures ``(N, 3, size, size)`` of the averaged weights, the same noise in every frame of the film."""
        pictures: Tensor = self.mean(noise, weights)
        return pictures

    def run(self) -> None:
        """Train to the last step. The first Ctrl-C finishes and saves a step, then raises Interrupted."""
        saved, steps = self.trainer.restore(), self.config.steps
        first, self.history = saved["step"], [(int(step), float(value)) for step, value in saved.get("history", ())]
        self.ages = list(saved.get("ages", ()))
        aged = {max(1, round(age * steps)) for age in AGES} if self.config.ages else set()
        with Stop("step") as stop:
            for step in range(first, steps):
                self._schedule(step)
                self.step(step)
                done = step + 1
                if self.film is not None:
                    with torch.no_grad():
                        self.film.add(step, self.dreams)
                if done in aged:
                    self.ages.append(half(self.finish().drawing_state()))
                is_due = done % self.config.every == 0 or done == steps
                if is_due:
                    self._report(done)
                if is_due or stop.requested:
                    self.trainer.save(done, history=self.history, ages=self.ages)
                if stop.requested and done < steps:
                    raise Interrupted(f"stopped after step {done}; the same command resumes")
        if self.film is not None:
            self.film.write()

    def batch(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Bytes ``(batch, 3, size, size)`` to learn from as floats, half of them mirrored, and their classes."""
        chosen = torch.randint(len(self.learned.labels), (self.config.batch,), generator=generator)
        x = self.learned.images[chosen].float()
        mirrored = torch.rand(len(x), generator=generator) < 0.5
        x[mirrored] = x[mirrored].flip(-1)
        return self.on_device(x), self.weights(self.learned.labels[chosen])

    def measured_batches(self) -> list[tuple[Tensor, Tensor]]:
        """Held-out pictures as ``batch`` has them."""
        size = self.config.batch
        parts = zip(
            torch.split(self.held_out.images[:MAX_MEASURED], size),
            torch.split(self.held_out.labels, size),
            strict=False,
        )
        return [(self.on_device(x.float()), self.weights(labels)) for x, labels in parts]

    def weights(self, labels: Tensor) -> Tensor:
        """Class weights ``(N, classes)`` on the device."""
        return F.one_hot(labels, len(self.learned.classes)).float().to(self.setting.device)

    def on_device(self, x: Tensor) -> Tensor:
        """A batch of maps as the device likes it."""
        return x.to(self.setting.device, memory_format=torch.channels_last)

    def autocast(self) -> torch.autocast:
        """The context of the setting's dtype."""
        return torch.autocast(self.setting.device.type, self.setting.dtype, self.setting.dtype != torch.float32)

    def _schedule(self, step: int) -> None:
        steps = self.config.steps
        warm = min(1.0, (step + 1) / max(1.0, WARM_UP * steps))
        factor = warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.step_size * factor

    def _report(self, done: int) -> None:
        value = self.measure()
        self.history.append((done, round(value, 4)))
        log.info(f"step {done} of {self.config.steps}: {value:.3f} {self.unit}")
        write_sheet(sheet.sample(self.finish(), sheet.SAMPLES, 0), self.learned.classes, self.setting.sheet)
