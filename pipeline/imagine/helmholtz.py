"""The training of the Helmholtz machine: wake-sleep, and reweighted wake-sleep.

Hinton, Dayan, Frey and Neal, *The wake-sleep algorithm for unsupervised neural networks*, 1995. Awake, the recognition
network says which units stand for a picture, and the generative network learns to make the picture from them. Asleep,
the generative network dreams a picture, and the recognition network learns what it was made of. Reweighted (Bornschein
and Bengio 2015): several draws for each picture, weighted by how well they explain it, teach both networks awake.
"""

import math

import torch
from torch import Tensor, nn

from pipeline.imagine.train import AVERAGE, Training
from pipeline.networks.helmholtz import HelmholtzMachine

FLOOR = 1e-3  # of the mean absolute error, in [0, 1]


class HelmholtzTraining(Training[HelmholtzMachine]):
    """The training of a Helmholtz machine."""

    measured = "free_energy"
    unit = "bits per dimension of free energy on held-out pictures"

    def step(self, step: int) -> None:
        """A step of wake and a step of sleep, in which no gradient passes through a unit."""
        net, generator, draws = self.net, self.trainer.generator(step), self.config.draws
        x, weights = self.batch(generator)
        x, weights = self._pixels(x, generator).repeat(draws, 1, 1, 1), weights.repeat(draws, 1)
        dimensions = x[0].numel()
        with self.autocast():
            with torch.no_grad():
                layers = net.recognise(x, weights, self._noise(len(x), generator))
            joint, error = net.log_joint(x, layers, weights)
            if draws == 1:
                wake = -joint.mean()
            else:
                recognised = net.log_recognition(x, layers, weights)
                shares = (joint - recognised).detach().view(draws, -1).softmax(0).flatten()
                wake = -(shares * (joint + recognised)).sum() * draws / len(x)
            with torch.no_grad():
                dreamed, fantasy = net.dream(self._noise(self.config.batch, generator), weights[: self.config.batch])
            asleep = fantasy + net.error * _laplace(torch.rand(fantasy.shape, generator=generator)).to(fantasy)
            sleep = -net.log_recognition(asleep, dreamed, weights[: self.config.batch]).mean()
        self.optimizer.zero_grad(set_to_none=True)
        ((wake + sleep) / dimensions).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        self.optimizer.step()
        net.error.lerp_(error, 0.02 if step else 1.0).clamp_(min=FLOOR)
        self.trainer.average(step, AVERAGE)

    def measure(self) -> float:
        """The variational free energy of held-out pictures in bits per dimension of bytes, one draw for each."""
        net, total, count = self.mean, 0.0, 0
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for x, weights in self.measured_batches():
                x = self._pixels(x, generator)
                layers = net.recognise(x, weights, self._noise(len(x), generator))
                energy = net.log_recognition(x, layers, weights) - net.log_joint(x, layers, weights)[0]
                total, count = total + float(energy.double().sum()), count + len(x)
        return (total / count / (3 * net.shape.size**2) + math.log(256)) / math.log(2)

    def dreams(self, noise: Tensor, weights: Tensor) -> Tensor:
        """What it dreams asleep: every unit drawn, on or off."""
        units = self._noise(len(noise), torch.Generator().manual_seed(0))
        return self.mean.dream(units, weights)[1]

    def _pixels(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Bytes as continuous numbers in [0, 1]."""
        return (x + torch.rand(x.shape, generator=generator).to(x.device)) / 256

    def _noise(self, count: int, generator: torch.Generator) -> list[Tensor]:
        shapes = self.net.layer_shapes
        return [torch.randn(count, *shape, generator=generator).to(self.setting.device) for shape in shapes]


def _laplace(uniform: Tensor) -> Tensor:
    """Uniform noise → Laplace noise of scale 1."""
    centred = (uniform - 0.5) * (1 - 1e-6)
    return -centred.sign() * torch.log1p(-2 * centred.abs())
