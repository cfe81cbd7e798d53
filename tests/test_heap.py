"""What is freed is kept: the second time a large block costs nothing."""

import platform
import subprocess
import sys

import pytest

CHURN = """
import resource, sys
import torch
from pipeline import heap
if sys.argv[1] == "keep":
    heap.keep()
for n in range(6):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(1 << 24).add_(1)  # 64 megabytes
    last = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(last)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked to keep memory")
def test_a_block_that_was_freed_is_used_again_without_asking_the_system() -> None:
    faults = {}
    for how in ("keep", "leave"):
        done = subprocess.run([sys.executable, "-c", CHURN, how], capture_output=True, text=True, check=True)
        faults[how] = int(done.stdout)
    assert faults["keep"] < 50
    assert faults["leave"] > 100  # else this test shows nothing
