"""The usual program: how dream zooms are mostly made, as a baseline.

A model of what popular programs have in common, written for this comparison. Each frame builds the network from its
file of weights. The whole picture, not the change, goes through four octaves of ten steps, back and forth between NumPy
and torch. The network runs to the end of its features, past the target's layer. Three Gaussians smooth the gradient.
OpenCV zooms frames in eight bits; they are written as JPEG and joined by ffmpeg at the end. Weights need no gradient
here, as in the best of them.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision import models

from pipeline.dream import model_zoo
from pipeline.dream.network import IMAGENET
from pipeline.errors import RenderError
from pipeline.media import ffmpeg
from scripts.benchmarks.workload import Subject

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class UsualSettings:
    """The usual settings: octaves, their ratio, steps per octave, step size in normalised units, roll in pixels."""

    octaves: int = 4
    ratio: float = 1.8
    steps: int = 10
    rate: float = 0.09
    roll: int = 32
    zoom: float = 1.02  # per frame


class UsualProgram:
    """Renders the subject's network, target and size frame by frame, as files in a new folder in ``folder``.

    The objective is the mean of the target's channel, or the mean square of the whole layer. ``octaves`` are sizes
    (h, w), coarse to fine, instead of those of the settings.
    """

    def __init__(
        self, of: Subject, folder: Path, settings: UsualSettings, octaves: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._name, self._layer, self._channel = of.network.name, of.layer, of.channel
        self._device, self.settings = of.network.device, settings
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self._file = self.folder / "weights.pth"
        weights = of.network.model.state_dict()
        torch.save({name: tensor.cpu().contiguous() for name, tensor in weights.items()}, self._file)
        rng = np.random.default_rng(0)
        self.picture: Picture = (rng.random((*of.size, 3), dtype=np.float32) * 0.3 + 0.3).astype(np.float32)
        self.frames, self._rng = 0, rng
        factors = [settings.ratio**-octave for octave in reversed(range(settings.octaves))]
        height, width = of.size
        self._octaves = octaves or [(round(height * factor), round(width * factor)) for factor in factors]
        self._check()

    def frame(self) -> None:
        """Render the next frame."""
        model = self.build()
        activations: dict[str, Tensor] = {}
        dict(model.named_modules())[self._layer].register_forward_hook(
            lambda module, inputs, output: activations.update(out=output)
        )
        body: Callable[[Tensor], Any] = getattr(model, "features", model)
        picture = self._zoomed()
        mean, std = (np.array(each, dtype=np.float32) for each in IMAGENET)
        base = (picture - mean) / std
        for height, width in self._octaves:
            base = cv2.resize(base, (width, height))
            base = self._ascend(base, body, activations)
        self.picture = np.clip(base * std + mean, 0, 1).astype(np.float32)
        eight = (self.picture[..., ::-1] * 255).astype(np.uint8)
        cv2.imwrite(str(self.folder / f"{self.frames:06d}.jpg"), eight)
        self.frames += 1

    def join(self) -> None:
        """Join the frames to one video."""
        pattern = str(self.folder / "%06d.jpg")
        arguments = ["-framerate", "24", "-i", pattern, "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p"]
        ffmpeg.run([*arguments, "-y", str(self.folder / "joined.mp4")], doing="joining the frames")

    def _check(self) -> None:
        """Raise RenderError where the network cannot look at the smallest octave."""
        height, width = self._octaves[0]
        model = self.build()
        try:
            getattr(model, "features", model)(torch.zeros(1, 3, height, width, device=self._device))
        except (RuntimeError, ValueError) as error:
            least = f"{width}x{height} pixels, the usual program's smallest octave"
            raise RenderError(f"--size: {self._name} cannot look at {least}; give a larger one") from error

    def _ascend(self, base: Picture, body: Callable[[Tensor], Any], activations: dict[str, Tensor]) -> Picture:
        lower = ((0 - torch.tensor(IMAGENET[0])) / torch.tensor(IMAGENET[1])).to(self._device)
        upper = ((1 - torch.tensor(IMAGENET[0])) / torch.tensor(IMAGENET[1])).to(self._device)
        frame = torch.from_numpy(base.transpose(2, 0, 1).copy())[None].to(self._device)
        for step in range(self.settings.steps):
            down, right = self._rng.integers(-self.settings.roll, self.settings.roll + 1, 2).tolist()
            rolled = torch.roll(frame.detach(), (down, right), (2, 3)).requires_grad_(True)
            body(rolled)
            out, channel = activations["out"], self._channel
            (out.square().mean() if channel is None else out[:, channel].mean()).backward()
            assert rolled.grad is not None
            gradient = _smooth(rolled.grad, (step + 1) / self.settings.steps * 2 + 0.5)
            moved = rolled.detach() + self.settings.rate * gradient / (gradient.std() + 1e-8)
            moved = torch.max(torch.min(moved, upper.view(1, 3, 1, 1)), lower.view(1, 3, 1, 1))
            frame = torch.roll(moved, (-down, -right), (2, 3))
        result: Picture = frame.detach().cpu().numpy()[0].transpose(1, 2, 0)
        return result

    def _zoomed(self) -> Picture:
        if not self.frames:
            return self.picture
        height, width = self.picture.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 0, self.settings.zoom)
        read = cv2.imread(str(self.folder / f"{self.frames - 1:06d}.jpg"))
        assert read is not None
        zoomed: Picture = cv2.warpAffine(read[..., ::-1].astype(np.float32) / 255, matrix, (width, height))
        return zoomed

    def build(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            own = model_zoo.OWN.get(self._name)
            model = own.build() if own else _module(self._name)
        model.load_state_dict(torch.load(self._file, weights_only=True))
        for module in model.modules():
            if getattr(module, "inplace", False):
                module.inplace = False  # type: ignore[assignment]
        return model.eval().requires_grad_(False).to(self._device)


def _module(name: str) -> nn.Module:
    """The bare network as torchvision builds it before weights are loaded."""
    lean: dict[str, Any] = {"init_weights": False} if name.startswith(("vgg", "googlenet", "inception")) else {}
    if name.startswith(("googlenet", "inception")):
        lean |= {"aux_logits": False, "transform_input": True}
    model: nn.Module = models.get_model(name, weights=None, **lean)
    return model


def _smooth(gradient: Tensor, sigma: float) -> Tensor:
    """The sum of three Gaussians of nine pixels."""
    at, total = torch.arange(9, device=gradient.device) - 4.0, torch.zeros_like(gradient)
    for deviation in (sigma / 2, sigma, sigma * 2):
        line = (-(at**2) / (2 * deviation**2)).exp()
        kernel = (line[:, None] * line[None, :] / line.sum() ** 2).expand(3, 1, 9, 9)
        total = total + F.conv2d(F.pad(gradient, (4, 4, 4, 4), mode="reflect"), kernel, groups=3)
    return total
