"""The sphere: where points go, no seam at the sides and the poles, any frame rate."""

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline.color.grade import sharpen
from pipeline.color.smoothing import denoise, smooth_chroma
from pipeline.config import CameraRates, EncodeConfig
from pipeline.dream.sphere_dreamer import joined
from pipeline.media.decode.probe import read_frame
from pipeline.media.encode import spherical
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.mux import assemble, read_record
from pipeline.media.encode.spherical import UUID, XML
from pipeline.media.encode.video_spec import VideoSpec
from pipeline.motion.sphere_camera import generator, move
from pipeline.projection.sphere import directions, enlarge, from_pole_view, pole_view, sample, wrap
from pipeline.runtime.files import move_into_place
from tests.counted import count_decoded

HEIGHT, WIDTH = 90, 180
BLANK = torch.zeros(1, 3, HEIGHT, WIDTH)


def painted() -> Tensor:
    """A sphere whose colours are its directions, (1, 3, H, W)."""
    return torch.stack([each.expand(HEIGHT, WIDTH) for each in directions(BLANK)])[None]


def off(frame: Tensor, expected: Tensor) -> float:
    """The largest distance of colours from directions, in pixels of the equator."""
    return float((frame - expected).norm(dim=1).max()) * WIDTH / (2 * math.pi)


def rotated(axis: int, degrees: float) -> Tensor:
    """Directions that a rotation of the picture about an axis brings to each pixel."""
    turn, first, second = -math.radians(degrees), (axis + 1) % 3, (axis + 2) % 3
    matrix = torch.eye(3)
    matrix[first, first] = matrix[second, second] = math.cos(turn)
    matrix[second, first], matrix[first, second] = math.sin(turn), -math.sin(turn)
    return torch.einsum("ij,njhw->nihw", matrix, painted())


@pytest.mark.parametrize(
    ("rates", "axis", "degrees"),
    [
        (CameraRates(yaw=70.0), 1, -70),
        (CameraRates(pitch=100.0), 0, -100),
        (CameraRates(roll=40.0), 2, -40),
        (CameraRates(rotate=40.0), 2, 40),
        (CameraRates(pan=(0.25, 0.0)), 1, -90),
    ],
)
def test_turns_are_rotations_of_the_sphere(rates: CameraRates, axis: int, degrees: float) -> None:
    assert off(move(painted(), rates, 1.0), rotated(axis, degrees)) < 0.1


@pytest.mark.parametrize("rates", [CameraRates(zoom=1.8), CameraRates(dolly=math.log(1.8))])
def test_flying_ahead_spreads_directions_from_the_heading(rates: CameraRates) -> None:
    ahead = painted()[0, 2].double().clamp(-1, 1).acos()
    x, y, z = move(painted().double(), rates, 1.0)[0]
    came_from = torch.atan2(torch.hypot(x, y), z)
    exact = 2 * torch.atan(torch.tan(ahead / 2) / 1.8)
    assert float((came_from - exact).abs().max()) * WIDTH / (2 * math.pi) < 0.1


def test_flights_at_12_and_24_frames_a_second_are_equal() -> None:
    rates = CameraRates(1.4, 20.0, (0.1, 0.05), (0.3, 0.6), yaw=30.0, pitch=12.0, dolly=0.2)
    once, half = (torch.linalg.matrix_exp(generator(rates) / fps) for fps in (12, 24))
    assert (once - half @ half).abs().max() < 1e-12
    null = once @ torch.tensor([1.0, 0.6, 0.0, 0.8], dtype=torch.float64)
    assert float(null[0] ** 2 - null[1:].square().sum()) == pytest.approx(0, abs=1e-12)  # still a direction
    still = painted()
    assert move(still, CameraRates(), 1.0) is still


def test_sides_and_poles_continue() -> None:
    wide = wrap(painted(), 6, 9)
    assert wide.shape == (1, 3, HEIGHT + 12, WIDTH + 18)
    steps = [(wide.roll(-1, dim) - wide).norm(dim=1)[:, 1:-1, 1:-1].max() for dim in (2, 3)]
    assert max(steps) < 1.1 * 2 * math.pi / WIDTH  # no jump anywhere, also beyond the borders


def test_seam_of_a_dream_is_continuous_and_what_agrees_stays() -> None:
    assert torch.equal(joined(wrap(painted(), 0 + 3, 9)[:, :, 3:-3], 9), painted())
    slope = torch.linspace(0, 1, WIDTH + 18).expand(1, 3, HEIGHT, -1)  # the worst: both sides differ everywhere
    seam = joined(slope, 9)
    assert float((seam.roll(-1, 3) - seam).abs().max()) < 0.12


def test_growth_and_grading_know_no_sides() -> None:
    canvas = torch.rand(1, 3, 24, 48, generator=torch.Generator().manual_seed(1))
    for change, factor in (
        (lambda picture: enlarge(picture, (36, 72)), 1.5),
        (lambda picture: sharpen(picture, 2.0, is_sphere=True), 1.0),
        (lambda picture: smooth_chroma(picture, 1.0, is_sphere=True), 1.0),
        (lambda picture: denoise(picture, 1.0, is_sphere=True), 1.0),
    ):
        turned = change(canvas.roll(24, 3)).roll(-round(24 * factor), 3)
        assert float((turned - change(canvas)).abs().max()) < 1e-5
    assert off(enlarge(painted(), (3 * HEIGHT, 3 * WIDTH))[..., 1::3, 1::3], painted()) < 0.1


def test_a_smaller_sphere_has_no_aliases_and_no_seam() -> None:
    stripes = (torch.arange(WIDTH) % 2).float().expand(1, 3, HEIGHT, WIDTH)
    small = enlarge(stripes, (HEIGHT // 4, WIDTH // 4))
    assert float((small - 0.5).abs().max()) < 0.02


@pytest.mark.parametrize("pole", [-1, 1])
def test_view_of_a_pole_comes_back_where_it_was(pole: int) -> None:
    view = pole_view(painted(), 80, 1.3, pole)
    assert view[0, :, 40, 40].tolist() == pytest.approx([0, pole, 0], abs=0.03)
    back, is_there = from_pole_view(view, BLANK, 1.3, pole), pole * painted()[0, 1] > 0.7
    assert off(back * is_there, painted() * is_there) < 0.3
    assert torch.equal(
        sample(painted(), tuple(torch.zeros(1, 1) + each for each in (0, 0, 1)))[0, :, 0, 0].round(),
        torch.tensor([0.0, 0, 1]),
    )


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_film_is_marked_and_plays(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spherical, "BLOCK_BYTES", 1000)
    encode = EncodeConfig()
    with Encoder(tmp_path / "a.mp4", width=WIDTH, height=HEIGHT, fps=Fraction(24), encode=encode) as encoder:
        for number in range(5):
            encoder.write((painted().roll(20 * number, 3) + 1) / 2)
    move_into_place(encoder.part, tmp_path / "a.mp4", overwrite=True)
    plain = VideoSpec(tmp_path / f"p{suffix}", encode, WIDTH, HEIGHT, Fraction(24), 5, "record: 1\n", "film", False)
    spec = replace(plain, path=tmp_path / f"film{suffix}", is_sphere=True)
    for film in (plain, spec):
        assemble([tmp_path / "a.mp4"], film)
    data = spec.path.read_bytes()
    assert data.count(UUID + XML) == 1 and UUID not in plain.path.read_bytes()
    assert count_decoded(spec.path) == 5 and read_record(spec.path) == "record: 1\n"
    assert (read_frame(spec.path, 4) == read_frame(plain.path, 4)).all()
