"""A network of ours with a new head, for training; its file."""

import copy
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.networks.class_evidence import ClassEvidence
from pipeline.networks.metadata import with_sorted_header
from pipeline.networks.trained_header import FORMAT
from pipeline.runtime.files import write_bytes

HEADS = {"motifnet": "head"}  # of the others: classifier
FIRST = {"motifnet": "stage3"}
FIRST_OF_OTHERS = "block6"
"""The first layer whose weights change. Those before know edges, strokes and colours, which all pictures share."""


class Classifier(nn.Module):
    """RGB ``(N, 3, H, W)`` in [0, 1] → logits ``(N, classes + 1)``; the last is for *nothing*, which is no class."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, base: str, classes: int, seed: int) -> None:
        super().__init__()
        network = model_zoo.build(NetworkConfig(name=base))
        self.base, self.weights = base, network.weights
        self.body, self.head_name = network.model, HEADS.get(base, "classifier")
        is_learned = False
        for name, part in self.body.named_children():
            is_learned = is_learned or name == FIRST.get(base, FIRST_OF_OTHERS)
            part.requires_grad_(is_learned)
        old = self.body.get_submodule(self.head_name)
        assert isinstance(old, nn.Conv2d)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = nn.Conv2d(old.in_channels, classes + 1, 1)
        setattr(self.body, self.head_name, head)
        self.body.verdict = nn.Identity()
        for name, colours in zip(("mean", "deviation"), model_zoo.OWN[base].normalisation, strict=True):
            self.register_buffer(name, torch.tensor(colours).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.body((x - self.mean) / self.deviation).float().mean((2, 3))
        return logits

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """What the optimiser changes: the new head faster than what was trained before."""
        head = list(self.head.parameters())
        body = [each for each in self.body.parameters() if each.requires_grad and all(each is not own for own in head)]
        return [{"params": body, "rate": rate * 0.3}, {"params": head, "rate": rate}]

    @property
    def head(self) -> nn.Conv2d:
        """The convolution to classes."""
        head = self.body.get_submodule(self.head_name)
        assert isinstance(head, nn.Conv2d)
        return head

    def finished(self) -> "Classifier":
        """A copy for dreaming, whose body ends in the evidence for each class at each place against all others.

        *Nothing* stays a class: colours alone tell a few classes apart, but no picture from a blurred one.
        """
        result = copy.deepcopy(self).eval().requires_grad_(False)
        result.body.verdict = ClassEvidence()
        return result


def write_network(finished: Classifier, classes: tuple[str, ...], card: dict[str, Any], path: Path) -> None:
    """Write a finished classifier's weights in half precision, with class names and card. Raises OutputError."""
    tensors = finished.body.state_dict()
    weights = {name: tensor.cpu().to(torch.float16).contiguous() for name, tensor in tensors.items()}
    words = {"classes": json.dumps(classes), "card": json.dumps(card, sort_keys=True)}
    content = save(weights, {"format": FORMAT, "base": finished.base, **words})
    write_bytes(path, with_sorted_header(content))
