"""Cached arrays read back as they were; damage and unwritable folders are ignored."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.runtime.cache import cache_folder, load_arrays, save_arrays


def test_arrays_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.npz"
    save_arrays(path, numbers=np.arange(6), name="a song")
    arrays = load_arrays(path)
    assert arrays is not None and arrays["numbers"].tolist() == [0, 1, 2, 3, 4, 5] and str(arrays["name"]) == "a song"
    assert [file.name for file in path.parent.iterdir()] == ["a.npz"]


def test_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_arrays(path, numbers=np.random.default_rng(0).integers(0, 255, 5000))
    content = path.read_bytes()
    middle = len(content) // 2
    for damaged in (b"", content[:middle], content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]):
        path.write_bytes(damaged)
        assert load_arrays(path) is None


def test_an_unwritable_folder_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    save_arrays(tmp_path / "file" / "a.npz", numbers=np.arange(3))
    assert load_arrays(tmp_path / "file" / "a.npz") is None


def test_the_folder_follows_xdg_cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("music") == tmp_path / "dream-zoom" / "music"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder("music").is_absolute()
