"""What is freed is kept: after a few rounds a large block costs nothing, and what is kept stays bounded."""

import json
import platform
import subprocess
import sys

import pytest

BLOCK = 64 << 20  # bytes; twice of what glibc ever keeps by itself
CHURN = f"""
import json, resource, sys
import torch
from pipeline.runtime import device
if sys.argv[1] == "keep":
    device.keep_freed_memory()
faults, held = [], []
for n in range(60):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones({BLOCK // 4}).add_(1)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    held.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
print(json.dumps([faults, held]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked to keep memory")
def test_a_block_that_was_freed_is_used_again_without_asking_the_system() -> None:
    faults, held = {}, {}
    for how in ("keep", "leave"):
        done = subprocess.run([sys.executable, "-c", CHURN, how], capture_output=True, text=True, check=True)
        faults[how], held[how] = json.loads(done.stdout)
    # A small block that is still in use beside a freed one keeps it from being joined to what is free behind it, and
    # then the next large one is taken from there: so a few rounds go by until the holes fit.
    assert max(faults["keep"][30:]) < 50
    assert min(faults["leave"][30:]) > 100  # else this test shows nothing
    assert held["keep"][-1] - held["keep"][0] < 10 * BLOCK
