"""Browsers that stall cost the dream nothing, and too many are turned away."""

import asyncio
import time

import torch

from pipeline.live.viewers import MAX_COMMANDS, MAX_VIEWERS, PICTURES_AHEAD, Viewer, Viewers


def test_no_picture_is_encoded_for_a_stalled_browser() -> None:
    loop = asyncio.new_event_loop()
    viewer, numbers = Viewer(loop, asyncio.Event()), []
    with Viewers() as viewers:
        viewers.add(viewer)
        for value in range(40):
            viewers.show(torch.full((1, 3, 8, 16), value / 40))
            time.sleep(0.01)
            picture, _ = viewers.news(viewer, numbers[-1] if numbers else 0, 0)
            numbers += [picture[0]] if picture else []
        assert numbers == list(range(1, PICTURES_AHEAD + 1))
        viewers.ready(viewer)  # it woke up: the next picture is the newest, and no other was made meanwhile
        time.sleep(0.1)
        picture, _ = viewers.news(viewer, numbers[-1], 0)
        assert picture is not None and picture[0] == PICTURES_AHEAD + 1
    loop.close()


def test_viewers_and_gestures_are_bounded() -> None:
    loop = asyncio.new_event_loop()
    viewers = Viewers()
    added = [viewers.add(Viewer(loop, asyncio.Event())) for _ in range(MAX_VIEWERS + 3)]
    assert added == [True] * MAX_VIEWERS + [False] * 3
    for number in range(MAX_COMMANDS + 5):
        viewers.send({"number": number})
    assert [each["number"] for each in viewers.commands()] == list(range(5, MAX_COMMANDS + 5))
    loop.close()
