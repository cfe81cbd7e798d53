"""The camera of a film all around: it turns and flies ahead on the sphere, which has no border.

Flying ahead moves every direction away from the heading along a great circle, tan(θ/2) growing like a zoom. Together
with rotations these are the Lorentz transformations of directions, so any mixture of both is one 4×4 matrix, the
exponential of its rate: exact at any frame rate.
"""

import math

import torch
from torch import Tensor

from pipeline.config import CameraRates
from pipeline.motion.camera import Camera
from pipeline.projection.sphere import directions, sample


class SphereCamera(Camera):
    """Moves an equirectangular canvas, by zoom, dolly, rotate, pan, yaw, pitch and roll; it heads for ``center``."""

    def moved(self, canvas: Tensor, rates: CameraRates, before: CameraRates, index: int) -> Tensor:
        """The canvas ``(1, C, H, W)`` one frame later."""
        return move(canvas, rates, 1 / self.fps)


def move(canvas: Tensor, rates: CameraRates, seconds: float) -> Tensor:
    """Canvas ``(1, C, H, W)`` → the canvas that the camera sees ``seconds`` later, in one bicubic resample."""
    rate = generator(rates)
    if not rate.any():
        return canvas
    back = torch.linalg.matrix_exp(-rate * seconds).tolist()
    x, y, z = directions(canvas)
    _, right, down, ahead = (row[0] + row[1] * x + row[2] * y + row[3] * z for row in back)
    return sample(canvas, (right, down, ahead))


def generator(rates: CameraRates) -> Tensor:
    """The rate at which directions (1, x, y, z) move, as a 4×4 matrix in float64."""
    lon, lat = (rates.center[0] - 0.5) * 2 * math.pi, (rates.center[1] - 0.5) * math.pi
    heading = (math.sin(lon) * math.cos(lat), math.sin(lat), math.cos(lon) * math.cos(lat))
    growth, turn = math.log(rates.zoom) + rates.dolly, math.radians(rates.rotate)
    yaw = math.radians(rates.yaw) + 2 * math.pi * rates.pan[0]
    pitch, roll = math.radians(rates.pitch) - math.pi * rates.pan[1], math.radians(rates.roll)
    # Turns of the picture about the axes: clockwise about the heading; roll, yaw and pitch turn it the other way.
    about = [turn * part for part in heading]
    about = [about[0] - pitch, about[1] - yaw, about[2] - roll]
    matrix = torch.zeros(4, 4, dtype=torch.float64)
    for axis in range(3):
        matrix[0, axis + 1] = matrix[axis + 1, 0] = -growth * heading[axis]
        first, second = (axis + 1) % 3, (axis + 2) % 3
        matrix[second + 1, first + 1] += about[axis]
        matrix[first + 1, second + 1] -= about[axis]
    return matrix
