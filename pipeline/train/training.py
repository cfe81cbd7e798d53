"""The training of a classifier: steps with seeds of their own, saved states, a sheet of dreams every minute."""

import copy
import logging
import math
import time
from dataclasses import asdict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.errors import Interrupted
from pipeline.pictures.folder import Pictures
from pipeline.pictures.trainer import Setting, Trainer
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.train.adversarial import attack
from pipeline.train.augment import augment, spoil
from pipeline.train.classifier import Classifier
from pipeline.train.config import TrainConfig
from pipeline.train.dream_sheet import write_dreams

log = logging.getLogger(__name__)

WARM_UP, FLOOR = 0.05, 0.02  # of the steps; of the rate, at the end
RAMP = 0.3  # of the steps, in which the attack grows
AVERAGE = 0.99  # of the weights that are written: a running mean over about 100 steps
SHEET_SECONDS = 60.0
SHEET_COST = 10.0  # times as long as a sheet takes, on slow machines, until the next
MAX_MEASURED = 500  # pictures


class Training:
    """The training of a network on ``pictures``; ``run`` resumes where ``setting.state`` ends."""

    def __init__(self, config: TrainConfig, pictures: Pictures, setting: Setting) -> None:
        self.config, self.setting = config, setting
        self.learned, self.held_out = pictures.split()
        self.net = Classifier(config.base, len(pictures.classes), setting.seed).to(setting.device)
        self.mean = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.net.parameter_groups(config.rate), config.rate, weight_decay=0.02)
        parts = (asdict(config), pictures.sha256(), str(setting.dtype), setting.device.type, setting.seed)
        key = repr((*parts, self.net.weights.sha256))
        self._trainer = Trainer(setting, self.net, self.mean, self.optimizer, key)

    def run(self) -> None:
        """Train to the last step. The first Ctrl-C finishes and saves a step, then raises Interrupted."""
        first, next_sheet = self._trainer.restore()["step"], time.monotonic() + SHEET_SECONDS
        steps = self.config.steps
        with Stop("step") as stop, Progress(steps, "training", first, unit="steps") as progress:
            for step in range(first, steps):
                loss = self._step(step)
                done = step + 1
                progress.step(f"loss {loss:.2f}")
                if done % self.config.every == 0 or done == steps or stop.requested:
                    self._trainer.save(done)
                if stop.requested and done < steps:
                    raise Interrupted(f"stopped after step {done}; the same command resumes")
                if (start := time.monotonic()) > next_sheet and done < steps:
                    log.info(f"step {done}: {self.accuracy():.0%} of the other pictures right; {self.setting.sheet}")
                    self.write_sheet()
                    next_sheet = start + max(SHEET_SECONDS, SHEET_COST * (time.monotonic() - start))

    def write_sheet(self) -> None:
        """Write the sheet of dreams of the averaged weights."""
        write_dreams(self.mean.finished(), self.learned, self.setting.sheet)

    def accuracy(self, epsilon: float = 0.0) -> float:
        """Fraction of the pictures held out that are recognised, also when attacked within ``epsilon``."""
        finished, side = self.mean.finished(), int(self.config.size)
        images, labels = self.held_out.images[:MAX_MEASURED], self.held_out.labels[:MAX_MEASURED]
        generator, right = torch.Generator().manual_seed(0), 0
        for x, own in zip(torch.split(images, 32), torch.split(labels, 32), strict=True):
            x = F.interpolate(x.float() / 255, size=(side, side), mode="bilinear", antialias=True)
            x, own = x.to(self.setting.device), own.to(self.setting.device)
            if epsilon:
                x = attack(self.mean, x, own, epsilon, 5, generator)
            finished.body.verdict = nn.Identity()
            with torch.no_grad():
                right += int((finished(x).argmax(1) == own).sum())
        return right / max(1, len(labels))

    def _step(self, step: int) -> float:
        config, setting = self.config, self.setting
        generator = self._trainer.generator(step)
        chosen = torch.randint(len(self.learned.labels), (config.batch,), generator=generator)
        x, labels = self.learned.images[chosen].float() / 255, self.learned.labels[chosen].clone()
        x = augment(x, int(config.size), config.augment, generator)
        for n in (torch.rand(config.batch, generator=generator) < config.nothing).nonzero().flatten().tolist():
            x[n], labels[n] = spoil(x[n], generator), len(self.learned.classes)
        x, labels = x.to(setting.device), labels.to(setting.device)
        if config.attack:
            reach = config.attack * int(config.size) / 64 * min(1.0, 0.1 + step / (RAMP * config.steps))
            self.net.eval()
            x = attack(self._logits, x, labels, reach, config.attack_steps, generator)
        loss = F.cross_entropy(self._logits(x), labels, label_smoothing=0.05)
        warm = min(1.0, (step + 1) / (WARM_UP * config.steps + 1))
        cosine = FLOOR + (1 - FLOOR) * (0.5 + 0.5 * math.cos(math.pi * step / config.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * warm * cosine
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_((each for each in self.net.parameters() if each.requires_grad), 2.0)
        self.optimizer.step()
        self._trainer.average(step, AVERAGE)
        return float(loss.detach())

    def _logits(self, x: Tensor) -> Tensor:
        with torch.autocast(self.setting.device.type, self.setting.dtype, self.setting.dtype != torch.float32):
            logits: Tensor = self.net(x)
        return logits
