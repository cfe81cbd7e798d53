"""What every generator can do, whatever model it is: noise and classes to pictures, and pictures back to noise."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from pipeline.networks.generator_header import Shape


class Generator(nn.Module, ABC):
    """A class-conditional generator. Neighbouring noise makes neighbouring pictures, and gradients reach the noise.

    Classes come as weights that sum to 1, so it also has what lies between an owl and a rose.
    """

    encoding: str
    """What the names of weights begin with that only ``invert`` uses."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def drawing_state(self) -> dict[str, Tensor]:
        """The weights that make pictures."""
        return {name: each for name, each in self.state_dict().items() if not name.startswith(self.encoding)}

    @abstractmethod
    def forward(self, noise: Tensor, weights: Tensor) -> Tensor:
        """Standard normal noise ``(N, latent)``, class weights ``(N, classes)`` → RGB ``(N, 3, S, S)`` in [0, 1]."""

    @abstractmethod
    def invert(self, picture: Tensor, weights: Tensor) -> Tensor:
        """The noise from which these pictures come, as the generator's encoder estimates it."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device
