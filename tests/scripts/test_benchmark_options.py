"""Errors of the command line are reported before anything is measured."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from pipeline.cli import compose
from scripts import benchmark
from scripts.benchmarks import image_quality, options
from tests.processes import ending

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)  # those of the tests stay
    (tmp_path / "text.pth").write_text("no weights")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--size 480", "--size=480: needs width x height in pixels, as in 640x360"),
        ("--size abc --parts start", "--size=abc: needs width x height in pixels, as in 640x360"),
        ("--sizes 640x360 320x", "--sizes=320x: needs width x height in pixels, as in 640x360"),
        ("--size 99999x99", "--size=99999x99: needs 32 to 16384 pixels each way"),
        ("--size 8x8", "--size=8x8: needs 32 to 16384 pixels each way"),
        ("--repeats -1", "--repeats=-1: needs a whole number from 1 to 1000"),
        ("--repeats many", "--repeats=many: needs a whole number from 1 to 1000"),
        ("--networks motifnet=none.pth", "--networks=motifnet=none.pth: there is no such file"),
        ("--networks squeezenet1_0=text.pth", "--networks=squeezenet1_0=text.pth: not a file of plain weights;"),
        ("--networks motifnet motifnet", "--networks=motifnet: motifnet is named twice; name it once"),
        ("--parts overhaed", "(did you mean overhead"),
        (
            "--json nofolder/x.json",
            "--json=nofolder/x.json: there is no folder nofolder; make it, or name another file",
        ),
        ("--json .", "--json=.: it is a folder; name a file"),
        ("--json /dev/null", "--json=/dev/null: it is no regular file; name a file"),
        ("--device gpu", "--device=gpu: allowed are auto, cpu, cuda, cuda:N and mps"),
        ("--devise cpu", "--devise"),
    ],
)
def test_errors_are_one_sentence(words: str, sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(words.split()) == 1
    output = capsys.readouterr()
    assert output.err.startswith("error: ") and output.err.count("\n") == 1
    assert sentence in output.err
    assert not output.out


def test_a_misspelt_network_suggests_the_nearest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--networks", "motifnt"]) == 1
    output = capsys.readouterr().err
    assert output.startswith("error: --networks=motifnt: allowed are ") and "(did you mean motifnet?)" in output


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_gpu_parts_need_a_gpu(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compose.register()
    assert options.read(["--parts", "start", "gpu", "deterministic"], "").parts == ("start",)
    assert capsys.readouterr().err == "gpu and deterministic: left out, there is no CUDA GPU here\n"
    assert benchmark.main(["--parts", "gpu"]) == 1
    assert "nothing is left to measure" in capsys.readouterr().err
    assert benchmark.main(["--device", "cuda"]) == 1
    assert capsys.readouterr().err == "error: --device=cuda: this machine has 0 CUDA devices\n"


def test_image_quality_checks_its_options(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["script", "--frames", "0"])
    assert options.answer(image_quality.main) == 1
    assert capsys.readouterr().err == "error: --frames=0: needs a whole number from 6 to 1000\n"


@pytest.mark.slow
def test_a_stopped_benchmark_keeps_its_results(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    words = ["--networks", "motifnet", "--parts", "profile", "scaling", "--size", "96x64", "--device", "cpu"]
    command = [sys.executable, "-m", "scripts.benchmark", *words, "--repeats", "1000", "--json", str(file)]
    with ending(
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ) as process:
        patience = time.monotonic() + 120
        while time.monotonic() < patience and not (file.exists() and "page_faults" in file.read_text()):
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        output = process.communicate(timeout=60)[1]
    assert process.returncode == 130, output
    assert output.endswith("stopped; what was measured until now stands\n") and "Traceback" not in output
    assert json.loads(file.read_text())["networks"]["motifnet"]["busy"] > 0
    assert list(tmp_path.iterdir()) == [file]


def test_a_stop_while_a_file_is_opened_is_a_stop(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As in Hydra, which closes a file that the signal kept it from opening."""

    def job() -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise UnboundLocalError

    assert options.answer(job) == 130
    assert "stopped" in capsys.readouterr().err
