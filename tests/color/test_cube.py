"""Look-up tables: read, checked, and looked up."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline.color.cube import read_cube
from pipeline.color.lut import Lut
from pipeline.errors import InputError
from tests.color.drawing import cube_text, save_cube

CPU = torch.device("cpu")


def colors(*size: int) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(4))


def test_table_of_the_same_colors_changes_nothing(tmp_path: Path) -> None:
    for dimensions in (1, 3):
        path = save_cube(tmp_path / "same.cube", lambda r, g, b: (r, g, b), dimensions=dimensions)
        frame = torch.cat([colors(9, 8), torch.zeros(1, 3, 1, 8), torch.ones(1, 3, 1, 8)], dim=2)
        assert torch.allclose(Lut(read_cube(path), CPU)(frame), frame, atol=1e-6)


def test_red_is_the_fastest_axis(tmp_path: Path) -> None:
    path = save_cube(tmp_path / "turned.cube", lambda r, g, b: (g, b, r), size=7)
    assert torch.allclose(Lut(read_cube(path), CPU)(colors(8, 8)), colors(8, 8)[:, [1, 2, 0]], atol=1e-5)


def test_greys_stay_grey_between_entries(tmp_path: Path) -> None:
    path = save_cube(tmp_path / "grey.cube", lambda r, g, b: (r * r, g * g, b * b * (1 - abs(r - g))), size=3)
    grey = torch.linspace(0, 1, 50).expand(1, 3, 1, 50)
    result = Lut(read_cube(path), CPU)(grey)
    assert (result - result[:, :1]).abs().max() < 1e-6


def test_curve_of_one_dimension_and_its_domain(tmp_path: Path) -> None:
    path = save_cube(tmp_path / "curve.cube", lambda r, g, b: (r, 1 - g, b / 2), size=11, dimensions=1)
    frame = colors(8, 8)
    expected = torch.stack([frame[0, 0], 1 - frame[0, 1], frame[0, 2] / 2])[None]
    assert torch.allclose(Lut(read_cube(path), CPU)(frame), expected, atol=1e-6)
    path.write_text(path.read_text() + "DOMAIN_MIN 0 0 0\nDOMAIN_MAX 2 1 1\n")
    assert torch.allclose(Lut(read_cube(path), CPU)(frame)[:, 0], frame[:, 0] / 2, atol=1e-6)


GOOD = cube_text(2, lambda r, g, b: (r, g, b))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "neither LUT_1D_SIZE nor LUT_3D_SIZE"),
        (GOOD.replace("SIZE 2", "SIZE 200"), "LUT_3D_SIZE 200: allowed is 2 to 129"),
        (GOOD.replace("SIZE 2", "SIZE two"), "LUT_3D_SIZE two: allowed"),
        (GOOD.replace("SIZE 2", "SIZE 3"), "it has 8 rows; LUT_3D_SIZE 3 needs 27"),
        (GOOD + "0 0 0\n", "it has 9 rows; LUT_3D_SIZE 2 needs 8"),
        (GOOD + "LUT_1D_SIZE 8\n", "has two tables"),
        (GOOD + "LUT_3D_SIZE 2\n", "line 12: LUT_3D_SIZE stands twice"),
        (GOOD + "include /etc/passwd\n", "line 12: include is no keyword"),
        (GOOD.replace("0.000000", "nan", 1), "its rows: nan: allowed are finite numbers"),
        (GOOD.replace("0.000000", "1e999", 1), "its rows: 1e999: allowed are finite numbers"),
        (GOOD.replace("0.000000", "0,1", 1), "its rows: '0,1' is no number"),
        (GOOD.replace("0.000000 ", "", 1), "line 4: a row has three numbers"),
        (GOOD + "DOMAIN_MAX 0 1 1\n", "DOMAIN_MAX has to be larger"),
        (GOOD + "DOMAIN_MIN 0\n", "DOMAIN_MIN needs 3 numbers"),
        ("\0" + GOOD, "this is no .cube file"),
    ],
)
def test_damaged_table_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.cube"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_cube(path)
    assert str(error.value).startswith(f"color.lut={path}: ") and message in str(error.value)
