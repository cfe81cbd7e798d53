"""Pictures activate their own channel, whatever their batch, and are cached."""

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pipeline.atlas import generate as generation
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.generate import PictureSettings, channel_means, generate
from pipeline.atlas.imagined import imagine
from pipeline.atlas.renderer import Renderer
from pipeline.atlas.selection import PictureTarget, blend
from pipeline.atlas.similarity import is_silent, neighbours, prefers_own
from pipeline.atlas.store import Picture
from pipeline.config import DreamConfig, NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.errors import Interrupted
from pipeline.networks.trained_generator import load_generator

SMALL = PictureSettings(sides=(16, 24, 32), steps=6, jitter=4, diversity=1, seed=3)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path / "cache"


def subject(layer: str, channel: int) -> PictureTarget:
    return PictureTarget(f"{layer}:{channel}", f"{layer}:{channel}", ((layer, channel, 1.0),))


def drawn(network: Network, subjects: list[PictureTarget], growth: PictureSettings = SMALL) -> torch.Tensor:
    pictures = generate(network, subjects, growth, DreamConfig())
    assert pictures is not None
    return pictures


def test_each_picture_activates_its_own_channel(tiny: Network) -> None:
    subjects = [subject("two", channel) for channel in range(12)]
    pictures = drawn(tiny, subjects)
    assert pictures.shape == (12, 1, 3, 32, 32)
    assert 0 <= float(pictures.min()) and float(pictures.max()) <= 1
    shown = channel_means(tiny, "two", pictures.flatten(0, 1))
    before = channel_means(
        tiny, "two", 0.45 + 0.06 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    )
    assert (shown.diagonal() > before[0]).all()
    own = [int(row.argmax()) for row in ((shown - shown.mean(dim=0)) / shown.std(dim=0)).T]
    assert sum(best == channel for channel, best in enumerate(own)) >= 7  # by chance it would be one


def test_a_picture_does_not_depend_on_its_batch(tiny: Network) -> None:
    together = drawn(tiny, [subject("two", channel) for channel in (4, 7, 9)])
    alone = drawn(tiny, [subject("two", 7)])
    torch.testing.assert_close(together[1], alone[0], atol=2e-3, rtol=0)
    assert torch.equal(alone, drawn(tiny, [subject("two", 7)]))
    assert not torch.allclose(together[0], together[1], atol=0.05)


def test_pictures_of_one_channel_differ(tiny: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def likeness(pull: float) -> float:
        monkeypatch.setattr(generation, "DIVERSITY_WEIGHT", pull)
        (pictures,) = drawn(tiny, [subject("three", 5)], PictureSettings((32,), 12, 4, 2, 3))
        with torch.no_grad():
            shown = tiny.activations(pictures, ["three"])["three"].flatten(2)
        grams = F.normalize((shown @ shown.mT).flatten(1), dim=1)
        return float(grams[0] @ grams[1])

    assert likeness(generation.DIVERSITY_WEIGHT) < likeness(0.0) - 0.001


def test_the_larger_weight_dominates_a_blend(tiny: Network) -> None:
    first, second = subject("two", 3), subject("two", 8)
    little, much = (drawn(tiny, [blend(first, second, share)])[0] for share in (0.2, 0.8))
    assert channel_means(tiny, "two", little)[0, 3] > channel_means(tiny, "two", much)[0, 3]
    assert channel_means(tiny, "two", little)[0, 8] < channel_means(tiny, "two", much)[0, 8]


def test_pictures_come_from_the_cache(tiny: Network, cache: Path) -> None:
    config = AtlasConfig(size=32, steps=2)
    one, two = subject("two", 1), subject("logits", 3)
    first = Renderer(tiny, config, DreamConfig(), 0).draw([one])
    files = list(cache.rglob("*.npz"))
    assert len(files) == 1
    written = files[0].stat().st_mtime_ns
    again = Renderer(tiny, config, DreamConfig(), 0).draw([one, two])
    assert files[0].stat().st_mtime_ns == written
    assert np.array_equal(first[0].pixels, again[0].pixels)
    assert len(list(cache.rglob("*.npz"))) == 2
    Renderer(tiny, config, DreamConfig(exponent=0.5), 0).draw([one])  # another look, another picture
    assert len(list(cache.rglob("*.npz"))) == 3


def test_damaged_cache_files_are_drawn_again(tiny: Network, cache: Path) -> None:
    renderer = Renderer(tiny, AtlasConfig(size=32, steps=2), DreamConfig(), 0)
    (before,) = renderer.draw([subject("two", 1)])
    (path,) = cache.rglob("*.npz")
    for damage in (b"", b"PK\x03\x04 no archive", path.read_bytes()[:-40]):
        path.write_bytes(damage)
        (after,) = renderer.draw([subject("two", 1)])
        assert np.array_equal(before.pixels, after.pixels)


def test_blends_come_from_the_cache(tiny: Network) -> None:
    mixed = blend(subject("one", 2), subject("two", 5), 0.25)
    renderer = Renderer(tiny, AtlasConfig(size=32, steps=1), DreamConfig(), 0)
    assert renderer.blends() == []
    renderer.draw([mixed, subject("one", 2)])
    (result,) = renderer.blends()
    assert result.target.target == mixed.target
    assert [part[:2] for part in result.target.parts] == [("one", 2), ("two", 5)]


def test_a_stop_keeps_finished_pictures(tiny: Network, cache: Path) -> None:
    renderer = Renderer(tiny, AtlasConfig(size=40, steps=24), DreamConfig(), 0)
    subjects = [subject(layer, channel) for layer in ("three", "two") for channel in range(12)]

    def stop_after_the_first_files() -> None:
        while not list(cache.rglob("*.npz")):
            done.wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    done = threading.Event()
    watch = threading.Thread(target=stop_after_the_first_files, daemon=True)
    watch.start()
    with pytest.raises(Interrupted, match=r"of 24 pictures are kept; the same command draws the others"):
        renderer.draw(subjects)
    watch.join(10)
    saved = {path.name: path.stat().st_mtime_ns for path in cache.rglob("*.npz")}
    assert 1 <= len(saved) < 24
    assert not list(cache.rglob("*.part"))
    assert len(renderer.draw(subjects)) == 24
    assert all(path.stat().st_mtime_ns == saved[path.name] for path in cache.rglob("*.npz") if path.name in saved)


def test_neighbours_and_preferences_follow_from_traces() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(2, 6)).astype(np.float32)
    rows = [base[0], base[1], base[0] + 0.01, base[1] + 0.01]
    pictures = np.zeros((1, 8, 8, 3), np.uint8)
    made = [Picture(subject("x", n), pictures, row[None].astype(np.float32)) for n, row in enumerate(rows)]
    assert [row[0] for row in neighbours(made)] == [2, 3, 0, 1]
    shown = np.array([[1.0, 0.2, 0.0], [0.97, 1.0, 0.0], [1.2, 0.1, 0.0]], np.float32)
    made = [Picture(subject("x", n), pictures, row[None]) for n, row in enumerate(shown)]
    assert prefers_own(made).tolist() == [False, True, True]
    assert [is_silent(each) for each in made] == [False, False, True]


@pytest.mark.slow
def test_motifnet_classes_prefer_their_own_picture() -> None:
    network = model_zoo.build(NetworkConfig(name="motifnet"))
    look = DreamConfig(fill=0.5)
    subjects = [subject("head", channel) for channel in range(0, len(network.classes), 4)]
    good = prefers_own(Renderer(network, AtlasConfig(size=96, steps=10), look, 0).draw(subjects))
    assert good.mean() >= 0.95


def test_pictures_through_a_generator_are_its_own(cache: Path) -> None:
    """The class that MotifNet is to see appears as the generator draws it; stored pictures of pixels stay apart."""
    network = model_zoo.build(NetworkConfig(name="motifnet"))
    target = subject(network.class_layer, network.classes.index("mushroom"))
    settings = PictureSettings(sides=(48, 64), steps=2, jitter=4, diversity=1, seed=3)
    pictures = imagine(network, [target], settings, load_generator(), truncation=0.7)
    assert pictures is not None and pictures.shape == (1, 1, 3, 64, 64)
    means = channel_means(network, network.class_layer, pictures[0])
    assert int(means.argmax()) == network.classes.index("mushroom")
    config = AtlasConfig(size=64, steps=1)
    plain = Renderer(network, config, DreamConfig(), 3)
    drawn = plain.draw_batch([target], lambda: False)
    assert drawn is not None and plain.cached(target) is not None
    assert Renderer(network, replace(config, via="imagine"), DreamConfig(), 3).cached(target) is None
