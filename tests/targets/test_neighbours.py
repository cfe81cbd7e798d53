"""The cache of similar channels."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.runtime.cache import cache_folder
from pipeline.targets.layer_names import Layers
from pipeline.targets.neighbours import Neighbours, Order

LAYERS = Layers("tiny", {"two": 6}, {"second": "two"})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "dream-zoom" / "neighbours"


class Ring:
    """Six channels in a ring; counts comparisons."""

    def __init__(self) -> None:
        self.comparisons = 0

    def __call__(self, layer: str) -> Order:
        self.comparisons += 1
        distances = [
            sorted((n for n in range(6) if n != c), key=lambda n: min(abs(n - c), 6 - abs(n - c))) for c in range(6)
        ]
        return np.array(distances, np.int32)


def test_layers_are_compared_once_and_cached(cache: Path) -> None:
    ring = Ring()
    assert set(Neighbours("a" * 64, LAYERS, ring).neighbours("two", 3)[:2]) == {2, 4}
    assert set(Neighbours("a" * 64, LAYERS, ring).neighbours("second", 0)[:2]) == {1, 5}
    assert ring.comparisons == 1
    assert [path.suffix for path in cache.iterdir()] == [".npz"]
    Neighbours("b" * 64, LAYERS, ring).neighbours("two", 0)  # other weights
    assert ring.comparisons == 2


@pytest.mark.parametrize(
    "damage",
    [b"", b"\x93NUMPY", b"no numbers", np.zeros((6, 5), np.int32).tobytes()],
)
def test_damaged_cache_is_replaced(cache: Path, damage: bytes) -> None:
    ring = Ring()
    Neighbours("a" * 64, LAYERS, ring).neighbours("two", 3)
    (file,) = cache.iterdir()
    file.write_bytes(damage)
    assert set(Neighbours("a" * 64, LAYERS, ring).neighbours("two", 3)[:2]) == {2, 4}
    assert ring.comparisons == 2
    for wrong in ({"order": np.arange(6)}, {"order": np.zeros((3, 2), np.int32)}, {"other": np.arange(6)}):
        np.savez(file, **wrong)
        Neighbours("a" * 64, LAYERS, ring).neighbours("two", 3)
    assert ring.comparisons == 5


def test_read_only_cache_is_not_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(Neighbours("a" * 64, LAYERS, Ring()).neighbours("two", 3)) == 5


def test_unknown_layer_is_an_error_unknown_channel_is_not() -> None:
    with pytest.raises(ConfigError, match="no such layer"):
        Neighbours("a" * 64, LAYERS, Ring()).neighbours("tow", 3)
    assert Neighbours("a" * 64, LAYERS, Ring()).neighbours("two", 99) == []


def test_cache_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder("neighbours") == Path.home() / ".cache" / "dream-zoom" / "neighbours"
