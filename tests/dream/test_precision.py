"""How a network runs fastest: measured once, kept, and the same for all who ask."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pipeline.config import NetworkConfig
from pipeline.dream import precision
from pipeline.dream.network import Network
from pipeline.runtime.device import precisions

CPU = torch.device("cpu")
BOTH = (torch.float32, torch.bfloat16)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Network) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    yield tmp_path / "dream-zoom" / "pace"
    tiny.to(CPU, torch.float32)  # others use it, too


def test_it_is_measured_once_and_told_once(tiny: Network, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    precision.place(tiny, NetworkConfig(), CPU, BOTH)
    first = tiny.precision, tiny.channels_last
    assert "measuring how" in caplog.text
    caplog.clear()
    (file,) = cache.iterdir()
    for name, last in (("bfloat16", False), ("float32", True), ("bfloat16", True), ("float32", False)):
        file.write_text(json.dumps([name, last]))  # whatever is kept decides, though another way were faster today
        precision.place(tiny, NetworkConfig(), CPU, BOTH)
        assert (tiny.precision, tiny.channels_last) == (getattr(torch, name), last)
    assert caplog.text == "" and first[0] in BOTH


def test_what_is_asked_for_is_taken_without_measuring(tiny: Network, cache: Path) -> None:
    for asked in (False, True):
        precision.place(tiny, NetworkConfig(channels_last=asked), CPU, [torch.float32])
        assert (tiny.precision, tiny.channels_last) == (torch.float32, asked)
    assert not cache.exists()
    precision.place(tiny, NetworkConfig(channels_last=True), CPU, BOTH)
    assert tiny.channels_last and cache.exists()


@pytest.mark.parametrize("damage", ["", "{", "[]", '["float64", true]', '["float32", "yes"]', "7"])
def test_a_damaged_note_is_measured_again(tiny: Network, cache: Path, damage: str) -> None:
    precision.place(tiny, NetworkConfig(), CPU, BOTH)
    (file,) = cache.iterdir()
    file.write_text(damage)
    precision.place(tiny, NetworkConfig(), CPU, BOTH)
    name, last = json.loads(file.read_text())
    assert (tiny.precision, tiny.channels_last) == (getattr(torch, name), last)
    assert list(cache.iterdir()) == [file]


def test_where_nothing_can_be_kept_the_plainest_way_is_taken(tiny: Network, cache: Path) -> None:
    """A measurement that is made anew each time might come out differently each time."""
    cache.parent.parent.mkdir(exist_ok=True)
    cache.parent.write_text("a file where a folder should be")
    precision.place(tiny, NetworkConfig(), CPU, BOTH)
    assert (tiny.precision, tiny.channels_last) == (torch.float32, False)


def test_the_plainer_way_is_taken_unless_another_is_faster_by_far() -> None:
    plain, last, half = (torch.float32, False), (torch.float32, True), (torch.bfloat16, True)
    assert precision.fastest({plain: 1.0, last: 0.95, half: 0.97}) == plain
    assert precision.fastest({plain: 1.0, last: 0.8, half: 0.78}) == last
    assert precision.fastest({plain: 1.0, last: 0.8, half: 0.5}) == half


def test_every_way_is_timed_and_sees_the_same(tiny: Network) -> None:
    ways = [(dtype, last) for dtype in BOTH for last in (False, True)]
    times = precision.measure(tiny, "three", CPU, ways)
    assert list(times) == ways and min(times.values()) > 0
    frame, seen = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1)), []
    for way in ways:
        seen.append(tiny.to(CPU, *way).activations(frame, ["three"])["three"])
    spread = seen[0].std()
    assert (seen[1] - seen[0]).abs().max() < 1e-5 * spread
    assert (seen[2] - seen[0]).abs().max() < 0.05 * spread > (seen[3] - seen[0]).abs().max()


def test_what_may_be_chosen_from() -> None:
    assert precisions("float16", CPU) == (torch.float16,)
    assert precisions("auto", torch.device("cuda")) == (torch.bfloat16,)
    assert precisions("auto", CPU)[0] == torch.float32
    assert precisions("auto", torch.device("mps")) == (torch.float32,)
