"""Sizes of the octaves, chosen for fast Fourier transforms."""

from functools import lru_cache
from itertools import count

from pipeline.image import fit

FAST_PRIMES = (2, 3, 5, 7)


def octave_size(size: tuple[int, int], short_side: float) -> tuple[int, int]:
    """As ``fit``, but each side of a smaller size is the nearest with a fast Fourier transform.

    A side with a large prime factor takes up to five times as long; the nearest one without is at most a few per cent
    away, mostly less than one.
    """
    fitted = fit(size, short_side)
    return fitted if fitted == size else (_nearest_fast(fitted[0]), _nearest_fast(fitted[1]))


@lru_cache(maxsize=1024)
def fast_side(minimum: int) -> int:
    """The smallest even side from ``minimum`` on with a fast Fourier transform."""
    return next(n for n in count(minimum + minimum % 2, 2) if _is_fast(n))


@lru_cache(maxsize=1024)
def _nearest_fast(side: int) -> int:
    """The number nearest to ``side`` whose prime factors are all among ``FAST_PRIMES``; of two the larger."""
    return next(n for away in count() for n in (side + away, side - away) if _is_fast(n))


def _is_fast(number: int) -> bool:
    for prime in FAST_PRIMES:
        while number > 1 and number % prime == 0:
            number //= prime
    return number == 1
