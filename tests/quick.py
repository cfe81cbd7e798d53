"""How property tests run: few enough examples to stay quick, no deadline on a busy machine."""

from hypothesis import settings

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
