"""Browsers that stall cost the dream nothing, and too many are turned away."""

import asyncio
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import torch

from pipeline.live.viewers import MAX_COMMANDS, MAX_VIEWERS, PICTURES_AHEAD, Viewer, Viewers


def test_no_picture_is_encoded_for_a_stalled_browser() -> None:
    numbers = list[int]()
    with closing(asyncio.new_event_loop()) as loop, Viewers() as viewers:
        viewer = Viewer(loop, asyncio.Event())
        viewers.add(viewer)
        for value in range(40):
            viewers.show(torch.full((1, 3, 8, 16), value / 40))
            time.sleep(0.01)
            picture, _ = viewers.news(viewer, numbers[-1] if numbers else 0, 0)
            numbers += [picture[0]] if picture else []
        assert len(numbers) == PICTURES_AHEAD
        viewers.ready(viewer)  # it woke up; one picture may have been in the making when it stalled
        end, picture = time.monotonic() + 20, None
        while picture is None and time.monotonic() < end:
            picture, _ = viewers.news(viewer, numbers[-1], 0)
        assert picture is not None and picture[0] <= numbers[-1] + 2


def test_cost_of_stalled_browsers_is_measured() -> None:
    command = [sys.executable, "scripts/measure_live.py", "stalls", "--rounds", "1", "--seconds", "0.5"]
    root = Path(__file__).parents[2]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=240)
    costs = re.findall(r"(\d+) stalled: .* frames a second, (\S+) % processor", run.stdout)
    assert [int(count) for count, _ in costs] == [1, 200]


def test_viewers_and_gestures_are_bounded() -> None:
    loop = asyncio.new_event_loop()
    viewers = Viewers()
    added = [viewers.add(Viewer(loop, asyncio.Event())) for _ in range(MAX_VIEWERS + 3)]
    assert added == [True] * MAX_VIEWERS + [False] * 3
    for number in range(MAX_COMMANDS + 5):
        viewers.send({"number": number})
    assert [each["number"] for each in viewers.commands()] == list(range(5, MAX_COMMANDS + 5))
    loop.close()
