"""Trains a generator: steps with seeds of their own, saved states, sample sheets, a measure on held-out pictures."""

import copy
import logging
import math
from dataclasses import asdict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.errors import Interrupted
from pipeline.imagine import sheet, vae
from pipeline.imagine.config import TrainConfig
from pipeline.networks.generator import Generator
from pipeline.networks.mind_header import Shape
from pipeline.pictures.folder import Pictures
from pipeline.pictures.labelled_sheet import write_sheet
from pipeline.pictures.trainer import Setting, Trainer
from pipeline.runtime.interrupt import Stop

log = logging.getLogger(__name__)

WARM_UP = 0.03  # of the steps
AVERAGE = 0.995  # of the weights that are written: a running mean over about 200 steps
MAX_MEASURED = 512  # pictures


class Training:
    """The training of a variational autoencoder on ``pictures``; ``run`` resumes where ``setting.state`` ends."""

    def __init__(self, config: TrainConfig, pictures: Pictures, setting: Setting) -> None:
        self.config, self.setting = config, setting
        self.learned, self.held_out = pictures.split()
        shape = Shape(int(config.size), config.latent, len(pictures.classes))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            net = Generator(shape)
        self.net: Generator = net.to(setting.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean: Generator = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), config.rate, betas=(0.9, 0.99), weight_decay=0.01)
        self.history: list[tuple[int, float]] = []
        has_features = config.perceptual > 0 and shape.size >= 32  # MotifNet's smallest picture
        self._features = vae.drawn_features(setting.device) if has_features else None
        key = repr((asdict(config), pictures.sha256(), str(setting.dtype), setting.device.type, setting.seed))
        self._trainer = Trainer(setting, self.net, self.mean, self.optimizer, key)

    def run(self) -> None:
        """Train to the last step. The first Ctrl-C finishes and saves a step, then raises Interrupted."""
        saved = self._trainer.restore()
        first, self.history = saved["step"], [(int(step), float(bits)) for step, bits in saved.get("history", ())]
        with Stop("step") as stop:
            for step in range(first, self.config.steps):
                self._step(step)
                done = step + 1
                if done % self.config.every == 0 or done == self.config.steps or stop.requested:
                    if done % self.config.every == 0 or done == self.config.steps:
                        self._report(done)
                    self._trainer.save(done, history=self.history)
                if stop.requested and done < self.config.steps:
                    raise Interrupted(f"stopped after step {done}; the same command resumes")

    def measure(self) -> float:
        """Bits per dimension of the held-out pictures under the averaged weights: the negative ELBO."""
        net, totals = self.mean, torch.zeros(2, dtype=torch.float64)
        images, labels = self.held_out.images[:MAX_MEASURED], self.held_out.labels[:MAX_MEASURED]
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for start in range(0, len(labels), self.config.batch):
                x = images[start : start + self.config.batch].float()
                draws = (
                    torch.rand(x.shape, generator=generator),
                    torch.randn(len(x), net.shape.latent, generator=generator),
                )
                weights = self._weights(labels[start : start + len(x)])
                parts = vae.Weights(perceptual=0)
                _, error, divergence = vae.loss(net, *self._move(x, weights, draws), parts, None)
                totals += torch.tensor([float(error), float(divergence)]) * len(x)
        error, divergence = (totals / len(labels)).tolist()
        return vae.bits_per_dimension(error, float(net.error), divergence, images[0].numel())

    def finish(self) -> Generator:
        """The averaged generator with each class's mean and deviation of latent points."""
        net, pictures = self.mean, self.learned
        sums = torch.zeros(3, net.shape.classes, net.shape.latent, dtype=torch.float64)
        with torch.no_grad():
            for start in range(0, len(pictures.labels), 64):
                x, labels = pictures.images[start : start + 64].float() / 255, pictures.labels[start : start + 64]
                weights = self._weights(labels).to(self.setting.device)
                mean, log_variance = (part.double().cpu() for part in net.encoder(x.to(self.setting.device), weights))
                for number, part in enumerate((mean, mean.square() + log_variance.exp())):
                    sums[number].index_add_(0, labels, part)
        counts = torch.bincount(pictures.labels, minlength=net.shape.classes).clamp(min=1)[:, None]
        centre = sums[0] / counts
        net.centre.copy_(centre)
        net.spread.copy_((sums[1] / counts - centre.square()).clamp(min=1e-4).sqrt())
        return net

    def _step(self, step: int) -> None:
        config = self.config
        generator = self._trainer.generator(step)
        chosen = torch.randint(len(self.learned.labels), (config.batch,), generator=generator)
        x = self.learned.images[chosen].float()
        mirrored = torch.rand(config.batch, generator=generator) < 0.5
        x[mirrored] = x[mirrored].flip(-1)
        draws = torch.rand(x.shape, generator=generator), torch.randn(len(x), config.latent, generator=generator)
        x, weights, draws = self._move(x, self._weights(self.learned.labels[chosen]), draws)
        for group in self.optimizer.param_groups:
            warm = min(1.0, (step + 1) / max(1.0, WARM_UP * config.steps))
            group["lr"] = config.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / config.steps)))
        parts = vae.Weights(config.beta, config.free_bits, config.perceptual)
        with torch.autocast(self.setting.device.type, self.setting.dtype, self.setting.dtype != torch.float32):
            total, error, _ = vae.loss(self.net, x, weights, draws, parts, self._features)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        self.net.error.lerp_(error, 0.02 if step else 1.0)
        self._trainer.average(step, AVERAGE)

    def _weights(self, labels: Tensor) -> Tensor:
        return F.one_hot(labels, len(self.learned.classes)).float()

    def _move(
        self, x: Tensor, weights: Tensor, draws: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        device = self.setting.device
        moved = x.to(device, memory_format=torch.channels_last)
        return moved, weights.to(device), (draws[0].to(device), draws[1].to(device))

    def _report(self, done: int) -> None:
        bits = self.measure()
        self.history.append((done, round(bits, 4)))
        log.info(f"step {done} of {self.config.steps}: {bits:.3f} bits per dimension on held-out pictures (ELBO)")
        write_sheet(sheet.sample(self.finish(), sheet.SAMPLES, 0), self.learned.classes, self.setting.sheet)
