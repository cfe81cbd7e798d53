"""MotifNet for training: batch normalisation after every convolution and a smooth stem, folded away for export."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.motifnet import MotifNet


class SmoothConv(nn.Module):
    """The stem's 5×5 kernel as a learned 3×3 one blurred by [1 2 1]: it cannot prefer single pixels.

    ``(N, 3, H, W) → (N, outputs, ⌈H / 2⌉, ⌈W / 2⌉)``.
    """

    binomial: Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, 3, 3, 3) * 0.25)
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("binomial", torch.outer(row, row)[None, None])

    def kernel(self) -> Tensor:
        """The effective kernel ``(outputs, 3, 5, 5)``."""
        planes = self.weight.flatten(0, 1)[:, None]
        return F.conv2d(planes, self.binomial, padding=2).view(-1, 3, 5, 5)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), self.kernel().to(x.dtype), stride=2)


def trainable(classes: int) -> MotifNet:
    """An untrained MotifNet with one class more, *nothing*, and batch normalisation after all but the head."""
    net = MotifNet(classes + 1)
    width = net.stage1[0].out_channels
    net.stage1[0] = nn.Sequential(SmoothConv(width), nn.BatchNorm2d(width))
    _normalise(net)
    for name, module in net.named_modules():
        if name.endswith(".second"):
            nn.init.constant_(module[1].weight, 0.2)  # residual branches start weak
    return net


def _normalise(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and child.kernel_size != (1, 1):
            bare = nn.Conv2d(child.in_channels, child.out_channels, 3, padding=1, padding_mode="reflect", bias=False)
            setattr(module, name, nn.Sequential(bare, nn.BatchNorm2d(child.out_channels)))
        elif not isinstance(child, SmoothConv):
            _normalise(child)


@torch.no_grad()
def blend(a: MotifNet, b: MotifNet) -> MotifNet:
    """The mean of two networks, one of which was trained from the other: it knows motifs of both sizes.

    After Wortsman et al., *Model soups*, 2022.
    """
    middle = copy.deepcopy(a)
    for mine, theirs in zip(middle.state_dict().values(), b.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs.to(mine.device), 0.5)
    return middle.eval()


def fold(net: MotifNet) -> MotifNet:
    """``net`` in evaluation mode as a plain MotifNet: no batch normalisation, no class *nothing*.

    Half the evidence for *nothing* and half the mean of all classes are subtracted from the evidence of every class.
    Which class wins, and by how much, stays the same; but what is left is evidence for this class alone, and for a
    whole object. Dreams of the raw evidence are textures; without the mean they become shapes that all look alike.
    """
    plain = MotifNet(net.head.out_channels - 1)
    modules = dict(net.named_modules())
    state: dict[str, Tensor] = {}
    for name, module in plain.named_modules():
        if not isinstance(module, nn.Conv2d):
            continue
        trained = modules[name]
        if isinstance(trained, nn.Sequential):
            conv, norm = trained[0], trained[1]
            kernel = conv.kernel() if isinstance(conv, SmoothConv) else conv.weight
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            state[f"{name}.weight"] = (kernel * scale[:, None, None, None]).detach()
            state[f"{name}.bias"] = (norm.bias - norm.running_mean * scale).detach()
        else:
            for part in ("weight", "bias"):
                whole = getattr(trained, part).detach()
                state[f"{name}.{part}"] = whole[:-1] - 0.5 * (whole[-1:] + whole.mean(0, keepdim=True))
    plain.load_state_dict(state)
    return plain.eval()
