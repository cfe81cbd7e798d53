"""Frames are copied from a GPU alongside the next frame, without polling."""

import time
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from pipeline.errors import DreamError
from pipeline.media.encode import device_copy
from pipeline.media.encode.device_copy import copy_to_host_async

LOST = DreamError("frame 3 is no picture")


def test_fetching_again_gives_the_same_bytes() -> None:
    packed = torch.arange(24, dtype=torch.uint8).view(2, 4, 3)
    fetch = copy_to_host_async(packed, torch.tensor(True), LOST)
    expected = packed.numpy().tobytes()
    packed.zero_()
    assert bytes(fetch()) == bytes(fetch()) == expected


def test_values_that_are_not_finite_raise_every_time() -> None:
    fetch = copy_to_host_async(torch.zeros(4, dtype=torch.uint8), torch.tensor(False), LOST)
    for _ in range(2):
        with pytest.raises(DreamError, match="no picture"):
            fetch()


class Stream:
    """A stream that notes what is asked of it, for machines without a GPU."""

    def __init__(self, text: list[str]) -> None:
        self._text = text

    def wait_stream(self, other: object) -> None:
        self._text.append("after the frame is packed")

    def record_event(self, event: Any) -> Any:
        self._text.append("copied")
        return event


def test_the_thread_that_waits_for_a_copy_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that is not blocking keeps a core busy with asking."""
    text: list[str] = []

    class Event:
        def __init__(self, **options: bool) -> None:
            assert options == {"blocking": True}

        def synchronize(self) -> None:
            text.append("awaited")

    monkeypatch.setattr(device_copy, "_copy_stream", lambda device: Stream(text))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "Event", Event)
    fetch = copy_to_host_async(torch.ones(4, dtype=torch.uint8), torch.tensor(True), LOST)
    assert text == ["after the frame is packed", "copied"]
    assert bytes(fetch()) == b"\1\1\1\1"
    assert text[2:] == ["awaited"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_waiting_for_a_gpu_takes_no_processor_time() -> None:
    device = torch.device("cuda")
    packed, healthy = torch.ones(1 << 20, dtype=torch.uint8, device=device), torch.tensor(True, device=device)
    torch.cuda.synchronize()
    torch.cuda._sleep(2_000_000_000)  # about a second
    fetch = copy_to_host_async(packed, healthy, LOST)
    began, used = time.monotonic(), time.thread_time()
    fetch()
    waited, used = time.monotonic() - began, time.thread_time() - used
    assert waited > 0.2
    assert used < waited / 2
