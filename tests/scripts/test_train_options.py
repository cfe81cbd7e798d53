"""The training command: accepted options, refused options, files it leaves alone."""

from pathlib import Path

import pytest
import torch

from pipeline.networks import motifnet
from scripts import train_motifnet
from scripts.motifnet import dataset, export
from scripts.motifnet.contact_sheets import sample_channels
from scripts.motifnet.dataset import Drawings, Pictures
from scripts.motifnet.options import parse
from scripts.motifnet.precision import Arithmetic


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("--batch 0", "--batch=0: allowed is at least 2"),
        ("--size 64 --crop 48", "--size=64: allowed is at least 72"),
        ("--crop 130", "--crop=130: allowed is 48 to 128 (--size=128)"),
        ("--smoke --crop 97", "--crop=97: allowed is 48 to 96 (--size=96)"),
        ("--epsilon nan", "--epsilon=nan: allowed is at least 0"),
        ("--plain-steps -1", "--plain-steps=-1: allowed is at least 1"),
        ("--device cude", "--device=cude: allowed are cpu, cuda, cuda:N, mps and auto (did you mean cuda"),
        ("--device cpu:x", "--device=cpu:x: no device has this number"),
        ("--out {here}", "is a folder; give a file for the weights"),
        ("--cache {here}/words", "/words: is not a folder"),
        ("--judge --out {here}/none", "none: no such file"),
        ("--judge --out {here}/words", "words: holds no weights of MotifNet"),
        ("--out {here}/words", "words: holds no weights of MotifNet"),
    ],
)
def test_bad_option_is_one_error(words: str, error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words").write_text("words")
    places = [] if "--cache" in words else ["--cache", str(tmp_path / "cache")]
    assert train_motifnet.main([*words.format(here=tmp_path).split(), *places]) == 1
    out, err = capsys.readouterr()
    assert err.startswith("error: ") and error in err and err.count("\n") == 1
    assert not out
    assert [path.name for path in tmp_path.iterdir()] == ["words"]


def test_smoke_run_writes_to_its_own_folders() -> None:
    real, smoke = parse([], ""), parse(["--smoke"], "")
    assert real.out == motifnet.WEIGHTS
    for name in ("cache", "out", "docs"):
        assert Path("outputs/motifnet-smoke") in (getattr(smoke, name), *getattr(smoke, name).parents)
        assert Path("outputs/motifnet-smoke") not in (getattr(real, name), *getattr(real, name).parents)
    typed = parse(["--smoke", "--out", "mine", "--batch", "6"], "")
    assert (typed.out, typed.batch, typed.cache) == (Path("mine"), 6, smoke.cache)


def test_better_weights_are_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = motifnet.load()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        bad = motifnet.MotifNet().eval()
    blocks = [dataset.draw_block((Drawings(1, 96), label, 0))[2] for label in range(5)]
    shown = Pictures(torch.cat([torch.from_numpy(block) for block in blocks]), torch.arange(5))
    here = [
        "--crop",
        "72",
        "--cache",
        str(tmp_path / "cache"),
        "--out",
        str(tmp_path / "out"),
        "--docs",
        str(tmp_path / "docs"),
    ]
    options, how = parse(here, ""), Arithmetic(torch.device("cpu"), torch.float32)

    def placed(net: motifnet.MotifNet) -> tuple[Path, Path]:
        return train_motifnet.place_weights(net, options, shown, how)

    theirs = (tmp_path / "out", tmp_path / "docs")
    assert placed(bad) == theirs
    assert placed(good) == theirs
    shipped = (tmp_path / "out").read_bytes()
    capsys.readouterr()
    assert placed(bad) == (tmp_path / "cache" / "motifnet.safetensors", tmp_path / "cache" / "docs")
    assert f"{tmp_path / 'out'} stays: it does better under attack" in capsys.readouterr().out
    assert (tmp_path / "out").read_bytes() == shipped
    assert (
        export.read(tmp_path / "cache" / "motifnet.safetensors")
        .state_dict()["head.bias"]
        .equal(bad.state_dict()["head.bias"].half().float())
    )
    assert placed(good) == theirs


def test_sheets_sample_channels_of_a_stage() -> None:
    assert len(set(sample_channels("stage4"))) == 12 and max(sample_channels("stage4")) < 96
    assert 96 <= max(sample_channels("stage5")) < 160
    assert sample_channels("stage5") == sample_channels("stage5")
