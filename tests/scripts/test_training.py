"""Training on tiny pictures: an interrupted training resumes to the same bits, and only from its own checkpoints."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.errors import InputError, RenderError
from scripts import train_motifnet
from scripts.motifnet import dataset, net
from scripts.motifnet.dataset import Batch, Drawings, Pictures
from scripts.motifnet.digest import code
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.precision import Arithmetic, resolve_precision, write_precision
from scripts.motifnet.prefetch import prefetch
from scripts.motifnet.recipe import Recipe, beginning, checkpoint_paths, load_trained
from scripts.motifnet.step import Phase
from scripts.motifnet.train import train

ROOT = Path(__file__).resolve().parent.parent.parent
CPU = Arithmetic(torch.device("cpu"), torch.float32)
PHASE = Phase("tiny", 10, batch=4, crop=40, side=32, epsilon=2.0, seed=5)
RECIPE = Recipe(3, 4, 5, 8, 64, 3.0, 1)


@dataclass(frozen=True)
class SignallingPictures(Pictures):
    """Pictures that send this process a signal when the seventh batch is cut, some steps ahead."""

    number: signal.Signals = signal.SIGKILL
    turns: Iterator[int] = field(default_factory=lambda: count(1))

    def cut(self, *arguments: Any) -> Batch:
        """Cuts a batch; at the seventh call sends the signal first."""
        if next(self.turns) == 7:
            os.kill(os.getpid(), self.number)
        return super().cut(*arguments)


@pytest.fixture(autouse=True)
def copy_of_global_generator() -> Iterator[None]:
    """Networks are initialised from the global generator: here from a copy."""
    with torch.random.fork_rng(devices=[]):
        yield


def pictures(kind: type[Pictures] = Pictures) -> Pictures:
    """Noise in the size of drawings, one picture of each class."""
    noise = np.random.default_rng(1).integers(256, size=(len(MOTIFS), 3, 56, 56), dtype=np.uint8)
    return kind(torch.from_numpy(noise), torch.arange(len(MOTIFS)))


def run(path: Path, shown: Pictures) -> dict[str, torch.Tensor]:
    """The averaged weights after the tiny phase."""
    return train(beginning(4, 40), shown, PHASE, CPU, path, every=2).state_dict()


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether all bits are equal."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights of a training without a break."""
    return run(tmp_path_factory.mktemp("whole") / "tiny.pt", pictures())


def test_ctrl_c_saves_the_step_and_training_resumes(tmp_path: Path, whole: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "tiny.pt"
    with pytest.raises(KeyboardInterrupt):
        run(path, replace(pictures(SignallingPictures), number=signal.SIGINT))
    stopped = torch.load(path, weights_only=True)
    assert 0 < stopped["step"] < PHASE.steps
    assert not same(stopped["mean"], whole)
    assert load_trained(PHASE, path) is None
    assert same(run(path, pictures()), whole)
    ended = load_trained(PHASE, path)
    assert ended is not None and same(ended.state_dict(), whole)


def test_ctrl_c_ends_with_one_sentence_and_130(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (1, 2):  # noise instead of drawings
        path = tmp_path / f"drawings-{Drawings(1, 72, seed).key()}.npy"
        np.save(path, np.random.default_rng(seed).integers(256, size=(len(MOTIFS), 1, 3, 72, 72), dtype=np.uint8))
    sizes = "--count 1 --check 1 --size 72 --crop 48 --batch 4 --plain-steps 500 --save-every 2"
    places = ["--cache", str(tmp_path), "--out", str(tmp_path / "out"), "--docs", str(tmp_path / "docs")]
    ended = Event()

    def press() -> None:
        while not ended.wait(0.01):
            if list(tmp_path.glob("plain-*.pt")):
                os.kill(os.getpid(), signal.SIGINT)
                return

    finger = Thread(target=press, daemon=True)
    finger.start()
    try:
        code = train_motifnet.main([*sizes.split(), "--device", "cpu", "--precision", "float32", *places])
    finally:
        ended.set()
        finger.join(60)
    assert code == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"stopped: {tmp_path} ")
    assert 0 < torch.load(next(tmp_path.glob("plain-*.pt")), weights_only=True)["step"] < 500
    assert resolve_precision(tmp_path) == "float32"
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_killed_training_resumes_to_the_same_weights(tmp_path: Path, whole: dict[str, torch.Tensor]) -> None:
    """SIGKILL in the middle of the phase, in a subprocess."""
    path = tmp_path / "tiny.pt"
    words = f"from tests.scripts.test_training import *; torch.set_num_threads({torch.get_num_threads()})"
    command = [sys.executable, "-c", f"{words}; run(Path({str(path)!r}), pictures(SignallingPictures))"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert 0 < torch.load(path, weights_only=True)["step"] < PHASE.steps
    assert same(run(path, pictures()), whole)


def test_damaged_checkpoint_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "tiny.pt"
    for content in (b"", b"nothing of the kind"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"tiny\.pt: holds no state of this training"):
            run(path, pictures())
    torch.save({"step": 3}, path)
    with pytest.raises(InputError, match="holds no state"):
        run(path, pictures())


def test_checkpoint_names_change_with_their_inputs(tmp_path: Path) -> None:
    def names(recipe: Recipe = RECIPE, drawn: int = 4, precision: str = "float32") -> list[str]:
        drawings = Drawings(drawn, 96)
        return [path.name for path in checkpoint_paths(recipe.phases(), drawings, precision, tmp_path)]

    mine = names()
    assert names() == mine
    assert [name.partition("-")[0] for name in mine] == ["plain", "small", "robust"]
    for others in (names(drawn=5), names(precision="bfloat16"), names(replace(RECIPE, plain_steps=4))):
        assert not set(others) & set(mine)  # a phase's name depends on the phases before it
    assert [a == b for a, b in zip(names(replace(RECIPE, epsilon=2.0)), mine, strict=True)] == [True, False, False]
    assert [a == b for a, b in zip(names(replace(RECIPE, robust_steps=6)), mine, strict=True)] == [True, True, False]


def test_other_trainings_are_left_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.pt").write_bytes(b"trained long ago")
    short = replace(PHASE, steps=1)
    train(beginning(4, 40), pictures(), short, CPU, tmp_path / "tiny-new.pt")
    assert "tiny: starts again as tiny-new.pt" in capsys.readouterr().err
    train(beginning(4, 40), pictures(), short, CPU, tmp_path / "tiny-new.pt")
    assert "again" not in capsys.readouterr().err
    assert (tmp_path / "tiny.pt").read_bytes() == b"trained long ago"


def test_docstrings_do_not_change_the_digest() -> None:
    def once(x: int) -> int:
        """Says one thing."""
        return x + 1  # in passing

    first = code(once)

    def once(x: int) -> int:
        """Says another."""
        return x + 1

    assert code(once) == first

    def once(x: int) -> int:
        return x + 2

    assert code(once) != first
    assert "nothing" not in code(net.trainable)


def test_precision_is_chosen_once(tmp_path: Path) -> None:
    assert resolve_precision(tmp_path) is None
    write_precision("bfloat16", tmp_path / "cache")
    assert resolve_precision(tmp_path / "cache") == "bfloat16"
    assert resolve_precision(tmp_path / "cache", "float32") == "float32"
    (tmp_path / "precision.txt").write_text("half\n")
    with pytest.raises(InputError, match="'half'; allowed are float32 and bfloat16"):
        resolve_precision(tmp_path)


def test_prefetch_keeps_order_and_raises_at_its_step() -> None:
    def make(step: int) -> int:
        return 12 // (step - 9)

    items = prefetch(make, range(20))
    assert [next(items) for _ in range(9)] == [12 // (step - 9) for step in range(9)]
    with pytest.raises(ZeroDivisionError):
        next(items)
    assert list(prefetch(make, range(3))) == [12 // (step - 9) for step in range(3)]
    assert list(prefetch(make, range(0))) == []


@pytest.mark.slow
def test_drawing_resumes(tmp_path: Path) -> None:
    """All blocks but one are finished, and one line of the list is truncated."""
    drawings = Drawings(1, 72)
    path = tmp_path / f"drawings-{drawings.key()}.npy"
    partial = np.lib.format.open_memmap(path.with_suffix(".partial.npy"), "w+", np.uint8, (len(MOTIFS), 1, 3, 72, 72))
    partial[:] = 7
    partial.flush()
    lines = "".join(f"{label} 0\n" for label in range(len(MOTIFS) - 1))
    path.with_suffix(".done32").write_text(f"{lines}{len(MOTIFS) - 1} 0")
    images = dataset.draw(drawings, tmp_path, 1).images
    assert (images[:-1] == 7).all()
    assert np.array_equal(images[-1:], dataset.draw_block((drawings, len(MOTIFS) - 1, 0))[2])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_damaged_drawings_are_an_error(tmp_path: Path) -> None:
    drawings = Drawings(1, 72)
    (tmp_path / f"drawings-{drawings.key()}.npy").write_bytes(b"no array")
    with pytest.raises(RenderError, match="holds no drawings"):
        dataset.draw(drawings, tmp_path)
