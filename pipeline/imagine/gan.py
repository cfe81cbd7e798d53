"""The training of the GAN: a generator against a critic.

Hinge losses, a critic that looks through a network which is trained already, and DiffAugment on whatever it sees keep
the two in step on few pictures. Written weights are a running mean. An encoder learns alongside, from made pictures, to
say from which noise they came.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.imagine.config import TrainConfig
from pipeline.imagine.critic import Critic, augment
from pipeline.imagine.dream_film import DreamFilm
from pipeline.imagine.kernel_distance import features, kernel_distance
from pipeline.imagine.train import AVERAGE, Training
from pipeline.networks.gan import Gan
from pipeline.pictures.folder import Pictures
from pipeline.pictures.trainer import Setting


class GanTraining(Training[Gan]):
    """The training of a generative adversarial network."""

    measured = "kernel_distance"
    unit = "thousandths of kernel distance to held-out pictures (KID)"
    rate = 1e-3
    betas = (0.0, 0.99)

    def __init__(self, config: TrainConfig, pictures: Pictures, setting: Setting, film: DreamFilm | None) -> None:
        super().__init__(config, pictures, setting, film)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            critic = Critic(self.net.shape, setting.device)
        self.critic: Critic = critic.to(setting.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), self.step_size, betas=self.betas)
        self.trainer.parts |= {"critic": self.critic, "critic_optimizer": self.critic_optimizer}
        self.optimizers = (self.optimizer, self.critic_optimizer)

    def step(self, step: int) -> None:
        """A step of the critic, and one of the generator and its encoder on the same pictures."""
        generator, critic = self.trainer.generator(step), self.critic
        x, weights = self.batch(generator)
        noise = torch.randn(len(x), self.net.shape.latent, generator=generator).to(x.device)
        with self.autocast():
            made = self.net(noise, weights)
            maps = critic.look(augment(made, generator))
            with torch.no_grad():
                real = critic.look(augment(x / 255, generator))
            answers = critic(real, weights), critic([each.detach() for each in maps], weights)
            loss = F.relu(1 - answers[0]).mean() + F.relu(1 + answers[1]).mean()
        self._descend(self.critic_optimizer, loss)
        with self.autocast():
            critic.requires_grad_(False)
            loss = -critic(maps, weights).mean()
            critic.requires_grad_(True)
            mean, _ = self.net.encoder(made.detach(), weights)
            loss = loss + (mean - noise).square().mean()
        self._descend(self.optimizer, loss)
        self.trainer.average(step, AVERAGE)

    def measure(self) -> float:
        """The kernel distance of as many samples, of the same classes, to the held-out pictures."""
        generator, made = torch.Generator().manual_seed(0), []
        batches = self.measured_batches()
        with torch.no_grad():
            for _, weights in batches:
                noise = torch.randn(len(weights), self.net.shape.latent, generator=generator)
                made.append(self.mean(noise.to(weights.device), weights))
        real = features(torch.cat([x for x, _ in batches]) / 255)
        return kernel_distance(real, features(torch.cat(made)))

    def _descend(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
