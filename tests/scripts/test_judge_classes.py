"""How often another network names class dreams."""

from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file

from scripts.judge_classes import hits, main


def test_a_class_counts_among_the_first_five() -> None:
    whole, quarter = torch.zeros(10), torch.zeros(10)
    whole[:5], quarter[5:] = 0.6, 0.2
    pictures = torch.stack([whole, quarter])
    assert hits(pictures, [4]) == (True, True)
    assert hits(pictures, [7]) == (False, True)
    assert hits(pictures[:1], [7, 9]) == (False, False)


@pytest.mark.slow
def test_the_table_and_the_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(torchvision.models.squeezenet1_0(weights=None).state_dict(), tmp_path / "judge.safetensors")
    words = f"--judge {tmp_path}/judge.safetensors --sheet {tmp_path}/sheet.png --classes lion castle --seeds 1"
    main(
        [*words.split(), "--size", "96", "--frames", "1", "--set", "start.steps=1", "--ways", "program", "plain ascent"]
    )
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[:-2] for line in table[1:3]] == [["program", "2"], ["plain", "ascent", "2"]]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (1920, 206)
