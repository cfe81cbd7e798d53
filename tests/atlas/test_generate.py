"""Pictures rise in their own channel, whoever they are drawn with, and are drawn once."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pipeline.atlas import generate
from pipeline.atlas.cli import check_look
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.generate import Growth, grow, traces
from pipeline.atlas.renderer import Artist
from pipeline.atlas.selection import Subject, blend
from pipeline.atlas.similarity import kin, raised, silent
from pipeline.atlas.store import Drawn
from pipeline.config import DreamConfig, NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, Interrupted

SMALL = Growth(sides=(16, 24, 32), steps=6, jitter=4, diversity=1, seed=3)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path / "cache"


def subject(layer: str, channel: int) -> Subject:
    return Subject(f"{layer}:{channel}", f"{layer}:{channel}", ((layer, channel, 1.0),))


def drawn(network: Network, subjects: list[Subject], growth: Growth = SMALL) -> torch.Tensor:
    pictures = grow(network, subjects, growth, DreamConfig())
    assert pictures is not None
    return pictures


def test_each_picture_raises_its_own_channel(tiny: Network) -> None:
    subjects = [subject("two", channel) for channel in range(12)]
    pictures = drawn(tiny, subjects)
    assert pictures.shape == (12, 1, 3, 32, 32)
    assert 0 <= float(pictures.min()) and float(pictures.max()) <= 1
    seen = traces(tiny, "two", pictures.flatten(0, 1))
    before = traces(tiny, "two", 0.45 + 0.06 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    assert (seen.diagonal() > before[0]).all()
    own = [int(row.argmax()) for row in ((seen - seen.mean(dim=0)) / seen.std(dim=0)).T]
    assert sum(best == channel for channel, best in enumerate(own)) >= 7  # by chance it would be one


def test_a_picture_does_not_depend_on_its_company(tiny: Network) -> None:
    together = drawn(tiny, [subject("two", channel) for channel in (4, 7, 9)])
    alone = drawn(tiny, [subject("two", 7)])
    torch.testing.assert_close(together[1], alone[0], atol=2e-3, rtol=0)
    assert torch.equal(alone, drawn(tiny, [subject("two", 7)]))
    assert not torch.allclose(together[0], together[1], atol=0.05)


def test_several_pictures_of_a_channel_are_kept_apart(tiny: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def likeness(pull: float) -> float:
        monkeypatch.setattr(generate, "APART", pull)
        (pictures,) = drawn(tiny, [subject("three", 5)], Growth((32,), 12, 4, 2, 3))
        with torch.no_grad():
            seen = tiny.activations(pictures, ["three"])["three"].flatten(2)
        grams = F.normalize((seen @ seen.mT).flatten(1), dim=1)
        return float(grams[0] @ grams[1])

    assert likeness(generate.APART) < likeness(0.0) - 0.001


def test_a_blend_sees_more_of_the_part_that_weighs_more(tiny: Network) -> None:
    first, second = subject("two", 3), subject("two", 8)
    little, much = (drawn(tiny, [blend(first, second, share)])[0] for share in (0.2, 0.8))
    assert traces(tiny, "two", little)[0, 3] > traces(tiny, "two", much)[0, 3]
    assert traces(tiny, "two", little)[0, 8] < traces(tiny, "two", much)[0, 8]


def test_nothing_is_drawn_twice(tiny: Network, cache: Path) -> None:
    config = AtlasConfig(size=32, steps=2)
    one, two = subject("two", 1), subject("logits", 3)
    first = Artist(tiny, config, DreamConfig(), 0).draw([one])
    files = list(cache.rglob("*.npz"))
    assert len(files) == 1
    written = files[0].stat().st_mtime_ns
    again = Artist(tiny, config, DreamConfig(), 0).draw([one, two])
    assert files[0].stat().st_mtime_ns == written
    assert np.array_equal(first[0].pictures, again[0].pictures)
    assert len(list(cache.rglob("*.npz"))) == 2
    Artist(tiny, config, DreamConfig(exponent=0.5), 0).draw([one])  # another look, another picture
    assert len(list(cache.rglob("*.npz"))) == 3


def test_damaged_files_are_drawn_anew(tiny: Network, cache: Path) -> None:
    artist = Artist(tiny, AtlasConfig(size=32, steps=2), DreamConfig(), 0)
    (before,) = artist.draw([subject("two", 1)])
    (path,) = cache.rglob("*.npz")
    for damage in (b"", b"PK\x03\x04 no archive", path.read_bytes()[:-40]):
        path.write_bytes(damage)
        (after,) = artist.draw([subject("two", 1)])
        assert np.array_equal(before.pictures, after.pictures)


def test_blends_are_found_again(tiny: Network) -> None:
    mixed = blend(subject("one", 2), subject("two", 5), 0.25)
    artist = Artist(tiny, AtlasConfig(size=32, steps=1), DreamConfig(), 0)
    assert artist.blends() == []
    artist.draw([mixed, subject("one", 2)])
    (found,) = artist.blends()
    assert found.subject.target == mixed.target
    assert [part[:2] for part in found.subject.parts] == [("one", 2), ("two", 5)]


def test_a_stop_keeps_what_is_finished(tiny: Network, cache: Path) -> None:
    artist = Artist(tiny, AtlasConfig(size=40, steps=24), DreamConfig(), 0)
    subjects = [subject(layer, channel) for layer in ("three", "two") for channel in range(12)]

    def stop_after_the_first_files() -> None:
        while not list(cache.rglob("*.npz")):
            done.wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    done = threading.Event()
    watch = threading.Thread(target=stop_after_the_first_files, daemon=True)
    watch.start()
    with pytest.raises(Interrupted, match=r"of 24 pictures are kept; the same command draws the others"):
        artist.draw(subjects)
    watch.join(10)
    kept = {path.name: path.stat().st_mtime_ns for path in cache.rglob("*.npz")}
    assert 1 <= len(kept) < 24
    assert not list(cache.rglob("*.part"))
    assert len(artist.draw(subjects)) == 24
    assert all(path.stat().st_mtime_ns == kept[path.name] for path in cache.rglob("*.npz") if path.name in kept)


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(ConfigError, match=r"dream.exponent=sin\(t\): an atlas has no time"):
        check_look(DreamConfig(exponent="sin(t)"))


def test_kinship_and_answers_are_read_from_traces() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(2, 6)).astype(np.float32)
    rows = [base[0], base[1], base[0] + 0.01, base[1] + 0.01]
    pictures = np.zeros((1, 8, 8, 3), np.uint8)
    made = [Drawn(subject("x", n), pictures, row[None].astype(np.float32)) for n, row in enumerate(rows)]
    assert [row[0] for row in kin(made)] == [2, 3, 0, 1]
    seen = np.array([[1.0, 0.2, 0.0], [0.97, 1.0, 0.0], [1.2, 0.1, 0.0]], np.float32)
    made = [Drawn(subject("x", n), pictures, row[None]) for n, row in enumerate(seen)]
    assert raised(made).tolist() == [False, True, True]
    assert [silent(each) for each in made] == [False, False, True]


@pytest.mark.slow
def test_classes_of_the_embedded_network_answer_most_to_their_own_picture() -> None:
    network = model_zoo.build(NetworkConfig())
    look = DreamConfig(fill=0.5)
    subjects = [subject("head", channel) for channel in range(0, len(network.classes), 4)]
    good = raised(Artist(network, AtlasConfig(size=96, steps=10), look, 0).draw(subjects))
    assert good.mean() >= 0.95
