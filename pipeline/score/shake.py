"""A hand that holds the camera: smooth noise, the same at any frame rate."""

from collections.abc import Callable

from pipeline.score.functions import noise
from pipeline.timing.smoothstep import smoothstep

STEP_SECONDS = 1 / 25  # of the table of wobbles; independent of the frame rate
DEGREES = 30.0  # that a shake of one short side would turn the picture
OCTAVES = ((1.0, 0.75), (2.1, 0.25))  # (rate, weight) of the noise: a slow sway and a finer tremor


class Shake:
    """Where the hand holds the camera. ``amount`` in short sides of the frame and ``rate`` in wobbles per second are
    functions of seconds. With a ``period`` the hand returns after so many seconds.
    """

    def __init__(
        self, amount: Callable[[float], float], rate: Callable[[float], float], seed: int, period: float | None = None
    ) -> None:
        self._amount, self._rate, self._seed, self._period = amount, rate, seed, period
        self._wobbles = [0.0]  # until each step of the table

    def pose(self, seconds: float) -> tuple[float, float, float]:
        """(right, down, degrees clockwise) of the picture at this second."""
        amount = self._amount(seconds)
        if amount == 0:
            return 0.0, 0.0, 0.0
        right, down, turn = (amount * self._axis(seconds, axis) for axis in range(3))
        return right, down, DEGREES * turn

    def _axis(self, seconds: float, axis: int) -> float:
        value = self._noise(self._phase(seconds), axis)
        if self._period is None:
            return value
        back = self._noise(self._phase(seconds) - self._phase(self._period), axis)
        share = smoothstep(min(1.0, max(0.0, seconds / self._period)))
        return value + share * (back - value)

    def _noise(self, phase: float, axis: int) -> float:
        return sum(weight * noise(self._seed, rate * phase, 3 * n + axis) for n, (rate, weight) in enumerate(OCTAVES))

    def _phase(self, seconds: float) -> float:
        """Wobbles from second 0 on, by trapezoids."""
        last = int(seconds / STEP_SECONDS)
        while len(self._wobbles) <= last:
            start = (len(self._wobbles) - 1) * STEP_SECONDS
            mean = (self._rate(start) + self._rate(start + STEP_SECONDS)) / 2
            self._wobbles.append(self._wobbles[-1] + mean * STEP_SECONDS)
        start = last * STEP_SECONDS
        return self._wobbles[last] + (self._rate(start) + self._rate(seconds)) / 2 * (seconds - start)
