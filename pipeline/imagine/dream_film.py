"""A film of what a model dreams while it learns: the same dreams in every frame, so one watches them take shape."""

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from pipeline.config import EncodeConfig
from pipeline.image import resize
from pipeline.imagine.config import DREAMS, TrainConfig
from pipeline.media.decode.image_file import load_still, write_png
from pipeline.media.encode.encoder import Encoder
from pipeline.runtime.files import move_into_place

FPS = Fraction(24)
MAX_FRAMES = 240
COLUMNS, ROWS = 8, 5
MIN_SIDE = 64  # pixels of a dream in the film
ENCODE = EncodeConfig(codec="h264", quality="good", bits="8")
Dreams = Callable[[Tensor, Tensor], Tensor]
"""(noise, class weights) → pictures."""


class DreamFilm:
    """Frames are PNG files in a folder next to the film until it is complete, so a training that resumes has them."""

    def __init__(self, output: Path, config: TrainConfig, classes: int) -> None:
        self.path = output.with_suffix(DREAMS)
        self._folder = output.with_name(f"{output.name}.dreams")
        self._stride = -(-config.steps // MAX_FRAMES)
        self._side = max(MIN_SIDE, int(config.size))
        count = COLUMNS * ROWS
        self._noise = torch.randn(count, config.latent, generator=torch.Generator().manual_seed(1))
        shown = torch.arange(count)
        self._weights = torch.eye(classes)[shown * classes // count if classes > count else shown % classes]

    def add(self, step: int, dreams: Dreams) -> None:
        """Draw the frame of this step, if it has one."""
        if step % self._stride:
            return
        pictures = dreams(self._noise, self._weights).float().cpu().clamp(0, 1)
        pictures = resize(pictures, (self._side, self._side))
        grid = pictures.view(ROWS, COLUMNS, *pictures.shape[1:]).permute(0, 3, 1, 4, 2)
        sheet = grid.reshape(ROWS * self._side, COLUMNS * self._side, 3)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_png((sheet * 255 + 0.5).to(torch.uint8).numpy(), self._folder / f"{step // self._stride:05}.png")

    def write(self) -> None:
        """Encode the frames and delete their folder. Raises EncoderError and OutputError."""
        if not self._folder.is_dir():  # this run began after the last step
            return
        width, height = COLUMNS * self._side, ROWS * self._side
        with Encoder(self.path, width=width, height=height, fps=FPS, encode=ENCODE) as encoder:
            for picture in sorted(self._folder.glob("*.png")):
                encoder.write(load_still(picture, width=width, height=height))
        move_into_place(encoder.part, self.path, overwrite=True)
        self.clear()

    def clear(self) -> None:
        """Delete the frames."""
        shutil.rmtree(self._folder, ignore_errors=True)
