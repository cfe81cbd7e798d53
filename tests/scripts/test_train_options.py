"""What the training command takes, refuses and leaves alone."""

from pathlib import Path

import pytest
import torch

from pipeline.networks import motifnet
from scripts import train_motifnet
from scripts.motifnet import dataset, export
from scripts.motifnet.contact_sheets import some
from scripts.motifnet.dataset import Drawings, Pictures
from scripts.motifnet.options import parse
from scripts.motifnet.precision import Arithmetic


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--batch 0", "--batch=0: allowed is at least 2"),
        ("--size 64 --crop 48", "--size=64: allowed is at least 72"),
        ("--crop 130", "--crop=130: allowed is 48 to 128 (--size=128)"),
        ("--smoke --crop 97", "--crop=97: allowed is 48 to 96 (--size=96)"),
        ("--epsilon nan", "--epsilon=nan: allowed is at least 0"),
        ("--plain-steps -1", "--plain-steps=-1: allowed is at least 1"),
        ("--device cude", "--device=cude: allowed are cpu, cuda, cuda:N, mps and auto (did you mean cuda"),
        ("--device cpu:x", "--device=cpu:x: no device has this number"),
        ("--out {here}", "is a folder; a file for the weights is wanted"),
        ("--cache {here}/words", "/words: is no folder"),
        ("--judge --out {here}/none", "none: there are no weights"),
        ("--judge --out {here}/words", "words: holds no weights of MotifNet"),
        ("--out {here}/words", "words: holds no weights of MotifNet"),
    ],
)
def test_what_cannot_be_is_said_at_once_in_one_sentence(
    words: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "words").write_text("words")
    places = [] if "--cache" in words else ["--cache", str(tmp_path / "cache")]
    assert train_motifnet.main([*words.format(here=tmp_path).split(), *places]) == 1
    out, err = capsys.readouterr()
    assert err.startswith("error: ") and said in err and err.count("\n") == 1
    assert not out
    assert [path.name for path in tmp_path.iterdir()] == ["words"]


def test_a_smoke_run_has_places_of_its_own_unless_they_are_typed() -> None:
    real, smoke = parse([], ""), parse(["--smoke"], "")
    assert real.out == motifnet.WEIGHTS
    for name in ("cache", "out", "docs"):
        assert Path("outputs/motifnet-smoke") in (getattr(smoke, name), *getattr(smoke, name).parents)
        assert Path("outputs/motifnet-smoke") not in (getattr(real, name), *getattr(real, name).parents)
    typed = parse(["--smoke", "--out", "mine", "--batch", "6"], "")
    assert (typed.out, typed.batch, typed.cache) == (Path("mine"), 6, smoke.cache)


def test_weights_that_do_better_keep_their_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = motifnet.load()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        bad = motifnet.MotifNet().eval()
    blocks = [dataset._draw_block((Drawings(1, 96), label, 0))[2] for label in range(5)]
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
        return train_motifnet._place(net, options, shown, how)

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


def test_sheets_show_channels_from_all_over_a_stage() -> None:
    assert len(set(some("stage4"))) == 12 and max(some("stage4")) < 96
    assert 96 <= max(some("stage5")) < 160
    assert some("stage5") == some("stage5")
