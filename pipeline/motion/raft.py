"""Optical flow by RAFT (Teed, Deng 2020), torchvision's small model: for GPUs, where it is quicker than DIS on the CPU.

Never downloaded: the weights are looked for in torch's cache, verified and read without unpickling code.
"""

import hashlib
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import FlowConfig
from pipeline.errors import ConfigError, InputError
from pipeline.motion.optical_flow import Estimate, Motion

FILE = "raft_small_C_T_V2-01064c6d.pth"  # ends in the beginning of its SHA-256
URL = f"https://download.pytorch.org/models/{FILE}"
EIGHT = 8  # pixels that sides are a multiple of
LEAST = 128  # pixels a side that its pyramid needs


def raft(config: FlowConfig, device: torch.device) -> Estimate:
    """(previous, current) ``(1, 3, H, W)`` → Motion on ``device``. Raises ConfigError without CUDA, InputError."""
    if device.type != "cuda":
        raise ConfigError("flow.kind", "raft", f"raft needs device=cuda, and this is {device.type}; take flow.kind=dis")
    model = _model(find_weights()).to(device)

    def estimate(previous: Tensor, current: Tensor) -> Motion:
        before, now = (_fitted(frame.to(device), config.side) for frame in (previous, current))
        with torch.no_grad():
            both = model(torch.cat([now, before]), torch.cat([before, now]))[-1]
        return Motion(both[:1].clone(), both[1:].clone())

    return estimate


def find_weights() -> Path:
    """The file in torch's cache. Raises InputError when it is missing or not the published one."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if not path.is_file():
        raise InputError(f"flow.kind=raft needs {path}; fetch it from {URL}, or take flow.kind=dis")
    published = FILE.removesuffix(".pth").rpartition("-")[2]
    if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(published):
        raise InputError(f"{path} is damaged: its SHA-256 does not begin with {published}; fetch {URL} again")
    return path


def _model(path: Path) -> torch.nn.Module:
    from torchvision.models.optical_flow import raft_small

    model: torch.nn.Module = raft_small(weights=None)
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model.eval().requires_grad_(False)


def _fitted(frame: Tensor, side: int) -> Tensor:
    """Frame ``(1, 3, H, W)`` in [0, 1] → the size that is estimated at, in [-1, 1] as RAFT was trained."""
    height, width = frame.shape[2:]
    factor = max(min(1.0, side / min(height, width)), LEAST / min(height, width))
    size = tuple(max(1, round(extent * factor / EIGHT)) * EIGHT for extent in (height, width))
    return 2 * F.interpolate(frame, size=size, mode="bilinear", antialias=True, align_corners=False) - 1
