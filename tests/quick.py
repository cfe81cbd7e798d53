"""Settings of property tests: few examples, no deadline on a busy machine."""

from hypothesis import settings

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
