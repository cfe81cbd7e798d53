"""Optical flow by RAFT (Teed, Deng 2020), torchvision's small model: faster on a GPU than DIS on the CPU.

Nothing is downloaded: the weights have to be in torch's cache; they are verified and loaded without unpickling code.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import FlowConfig
from pipeline.errors import ConfigError, InputError
from pipeline.motion.optical_flow import Estimate, Motion
from pipeline.runtime.files import sha256_of

FILE = "raft_small_C_T_V2-01064c6d.pth"  # ends in the first digits of its SHA-256
URL = f"https://download.pytorch.org/models/{FILE}"
SIDE_MULTIPLE = 8  # pixels
MIN_PIXELS = 128  # a side, for its pyramid


def raft(config: FlowConfig, device: torch.device) -> Estimate:
    """The estimator on ``device``. Raises ConfigError without CUDA, InputError without its weights."""
    model = load_model(device).to(device)

    def estimate(previous: Tensor, current: Tensor) -> Motion:
        before, now = (_resized(frame.to(device), config.side) for frame in (previous, current))
        with torch.no_grad():
            both = model(torch.cat([now, before]), torch.cat([before, now]))[-1]
        return Motion(both[:1].clone(), both[1:].clone())

    return estimate


def load_model(device: torch.device) -> torch.nn.Module:
    """The network, still on the CPU, for use on ``device``. Raises as ``raft`` does."""
    from torchvision.models.optical_flow import raft_small

    if device.type != "cuda":
        raise ConfigError("flow.kind", "raft", f"raft needs device=cuda, not {device.type}; use flow.kind=dis")
    path = find_weights()
    with torch.random.fork_rng(devices=[]):
        model = raft_small(weights=None)
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch.load fails in many ways on files that are not its own
        raise InputError(f"{path}: these are not the weights of raft_small; download {URL} again") from error
    return model.eval().requires_grad_(False)  # type: ignore[no-any-return]


def find_weights() -> Path:
    """The file in torch's cache. Raises InputError if it is missing or damaged."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if not path.is_file():
        raise InputError(f"flow.kind=raft needs {path}; download it from {URL}, or use flow.kind=dis")
    digits = FILE.removesuffix(".pth").rpartition("-")[2]
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if not digest.startswith(digits):
        raise InputError(f"{path} is damaged: its SHA-256 does not start with {digits}; download {URL} again")
    return path


def _resized(frame: Tensor, side: int) -> Tensor:
    """Frame ``(1, 3, H, W)`` in [0, 1] → in the size for the estimate, in [-1, 1] as in RAFT's training."""
    height, width = frame.shape[2:]
    factor = max(min(1.0, side / min(height, width)), MIN_PIXELS / min(height, width))
    size = tuple(max(1, round(extent * factor / SIDE_MULTIPLE)) * SIDE_MULTIPLE for extent in (height, width))
    return 2 * F.interpolate(frame, size=size, mode="bilinear", antialias=True, align_corners=False) - 1
