"""The mask of a dream: the user's, still or moving, together with what the footage draws."""

from collections.abc import Callable, Generator, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.cue import Cue
from pipeline.image import luma, resize
from pipeline.motion.relief import blur

ReadFrames = Callable[[int], Iterator[Tensor]]
"""Frame number → the pictures ``(1, 3, H, W)`` in [0, 1] from there on."""
WarmUp = Callable[[Tensor, Cue, Tensor | None, int], Tensor]
FULL_CHANGE = 0.06  # root mean square of what the dream changed that counts as wholly dreamed
CHANGE_BLUR = 1 / 60  # of the short side


class MaskFrames:
    """The frames of a mask in order, ``(1, 1, H, W)`` in [0, 1].

    ``on_black`` are its pictures over black, whose brightness counts; with ``on_white``, the same over white, the
    opacity does.
    """

    def __init__(self, on_black: ReadFrames, on_white: ReadFrames | None = None) -> None:
        self._read = [on_black, *([on_white] if on_white else [])]
        self._open: list[Iterator[Tensor]] = []
        self._at, self._frame = -1, torch.empty(0)

    def __call__(self, index: int) -> Tensor:
        """Frame ``index``; fast if it is the last one again, or follows it."""
        if index != self._at:
            if not self._open or index != self._at + 1:
                self._open = [read(index) for read in self._read]
            pictures = [next(reader) for reader in self._open]
            change = pictures[-1] - pictures[0]
            self._frame = luma(pictures[0]) if len(pictures) == 1 else (1 - change.mean(1, keepdim=True)).clamp(0, 1)
            self._at = index
        return self._frame

    def close(self) -> None:
        """End reading; a later call starts again."""
        for reader in self._open:
            if isinstance(reader, Generator):  # of a video; the program that decodes it ends
                reader.close()
        self._open, self._at = [], -1


class DreamMask:
    """The mask of a shot: ``frames`` by number at ``fps``, inverted or not, its edges feathered over a fraction of the
    short side.
    """

    def __init__(self, frames: MaskFrames | None, fps: float, invert: bool, feather: float) -> None:
        self._frames, self._fps, self._invert, self._feather = frames, fps, invert, feather

    def mask(self, drawn: Tensor | None, seconds: float, canvas: Tensor) -> Tensor | None:
        """``(1, 1, h, w)`` in [0, 1] for this canvas, with what the footage has ``drawn``; None: everywhere."""
        size = (canvas.shape[2], canvas.shape[3])
        if self._frames is not None:
            own = resize(self._frames(round(seconds * self._fps)).to(canvas.device), size).clamp(0, 1)
            drawn = own if drawn is None else drawn * own
        if drawn is None:
            return None
        drawn = 1 - drawn if self._invert else drawn
        return blur(drawn, self._feather * min(size)).clamp(0, 1) if self._feather else drawn

    def close(self) -> None:
        """End reading the frames."""
        if self._frames is not None:
            self._frames.close()

    def warm_up(self, plain: WarmUp, seconds: Callable[[int], float]) -> WarmUp:
        """Hidden dreams within the mask; ``seconds`` of their numbers."""

        def masked(canvas: Tensor, cue: Cue, mask: Tensor | None, number: int) -> Tensor:
            return plain(canvas, cue, self.mask(mask, seconds(number), canvas), number)

        return masked


def change(added: Tensor) -> Tensor:
    """How much each place was changed, ``(1, 1, h, w)`` in [0, 1], from what was ``added`` ``(1, 3, h, w)``."""
    energy = blur(added.square().mean(1, keepdim=True), CHANGE_BLUR * min(added.shape[2:])).clamp(min=0)
    return (energy.sqrt() / FULL_CHANGE).clamp(0, 1)


def fit_alpha(alpha: Tensor | None, frame: Tensor) -> Tensor:
    """The alpha channel of this frame; opaque without one."""
    if alpha is None:
        return torch.ones_like(frame[:, :1])
    size = (frame.shape[2], frame.shape[3])
    return F.interpolate(alpha, size=size, mode="bilinear", align_corners=False).to(frame.dtype)
