"""Sizes of the image pyramid, and the way between them."""

from functools import lru_cache
from itertools import count

from pipeline.image import fit

PRIMES = (2, 3, 5, 7)


def octave_size(size: tuple[int, int], short_side: float) -> tuple[int, int]:
    """As ``fit``, but each side of a smaller size is the nearest that a Fourier transform is quick with.

    A side with a large prime factor takes up to five times as long; the nearest one without is at most a few per cent
    away, mostly less than one.
    """
    found = fit(size, short_side)
    return found if found == size else (_quick(found[0]), _quick(found[1]))


@lru_cache(maxsize=1024)
def quick_side(least: int) -> int:
    """The least side from ``least`` on that a Fourier transform is quick with, and even: halves are quicker still."""
    return next(n for n in count(least + least % 2, 2) if _is_quick(n))


@lru_cache(maxsize=1024)
def _quick(side: int) -> int:
    """The number nearest to ``side`` whose prime factors are all among ``PRIMES``; of two the greater."""
    return next(n for away in count() for n in (side + away, side - away) if _is_quick(n))


def _is_quick(number: int) -> bool:
    for prime in PRIMES:
        while number > 1 and number % prime == 0:
            number //= prime
    return number == 1
