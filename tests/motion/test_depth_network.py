"""The relief of a depth network: the layouts that are read, what near and far mean, films and wrong files."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline import Film
from pipeline.config import DepthConfig
from pipeline.errors import RenderError
from pipeline.inputs.depth import MEAN, depth_of
from pipeline.networks.dpt import DepthAnything, Head, layers_for
from pipeline.plan.unread import notes

CPU = torch.device("cpu")
SMALL = {"network": "motifnet", "frame": {"width": 96, "height": 64, "fps": 12}, "start": {"steps": 1}}
SMALL |= {"dream": {"octaves": 1}, "score": {"kind": "constant", "targets": ["stage2"]}, "duration": "4f"}


def depth_anything() -> DepthAnything:
    """Depth Anything with four small blocks, whose weights are sines of their places."""
    timm = pytest.importorskip("timm.models.vision_transformer")
    with torch.random.fork_rng():
        vit = timm.VisionTransformer(
            img_size=84, patch_size=14, embed_dim=64, depth=4, num_heads=1, init_values=1.0, num_classes=0,
            dynamic_img_size=True,
        )  # fmt: skip
        model = DepthAnything(vit, Head(64, (12, 24, 48, 48), 16), layers_for(4)).eval()
    for number, (name, tensor) in enumerate(sorted(model.state_dict().items())):
        wave = torch.sin(0.7 * torch.arange(tensor.numel(), dtype=torch.float64) + number).view(tensor.shape)
        tensor.copy_(0.15 * wave + (tensor.dim() == 1 and name.endswith(("weight", "gamma"))))
    model.state_dict()["depth_head.scratch.output_conv2.2.bias"].fill_(0.4)
    return model


def segmentation(path: Path, channels: int = 1) -> Path:
    """A network of torchvision with random weights."""
    from torchvision.models.segmentation import lraspp_mobilenet_v3_large

    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=channels)
    torch.save({"model": model.state_dict()}, path)
    return path


def picture() -> Tensor:
    """Stripes and waves, (1, 3, 84, 112)."""
    x, y = torch.arange(112) / 112, torch.arange(84)[:, None] / 84
    return torch.stack([(9 * x + 2 * y).sin(), (7 * y).cos() + 0 * x, (5 * x * y).sin()])[None] / 2 + 0.5


def test_depth_anything_computes_what_its_authors_do(tmp_path: Path) -> None:
    frame = torch.sin(torch.arange(3 * 84 * 84, dtype=torch.float64) / 50).float().view(1, 3, 84, 84)
    with torch.no_grad():
        depth = depth_anything()(frame)[0, 0]
    # By transformers' DepthAnythingForDepthEstimation with the same weights.
    expected = [0.16768, 0.19161, 0.20983, 0.25974, 0.20896]
    assert [float(depth[y, x]) for y, x in ((0, 0), (20, 63), (41, 41), (70, 10), (83, 83))] == pytest.approx(
        expected, abs=5e-4
    )


@pytest.mark.parametrize("layout", ["depth anything", "torchvision"])
def test_relief_is_what_the_network_calls_near(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "depth.pth"
    if layout == "torchvision":
        segmentation(path)
    else:
        torch.save({**depth_anything().state_dict(), "pretrained.mask_token": torch.zeros(1, 64)}, path)
    near, far = (depth_of(DepthConfig(str(path), large), CPU)(picture()) for large in ("near", "far"))
    assert near.shape == far.shape == (1, 1, 84, 112)
    assert float(near.abs().max()) < 1 and abs(float(near.mean())) < 0.05 < float(near.std())
    both = torch.corrcoef(torch.stack([near.flatten(), far.flatten()]))[0, 1]
    assert float(both) < -0.9 if layout == "depth anything" else float(both) < 0
    again = depth_of(DepthConfig(str(path)), CPU)(picture())
    assert torch.equal(near, again)
    grey = torch.tensor(MEAN).view(1, 3, 1, 1).expand(1, 3, 84, 112)
    assert not torch.equal(near, depth_of(DepthConfig(str(path)), CPU)(grey))


def test_flight_follows_the_depth_network(tmp_path: Path) -> None:
    words = ("camera=flight", "camera.truck=0.4")
    plain, flown = (
        list(Film(*words, **SMALL, depth=depth)) for depth in ({}, {"weights": segmentation(tmp_path / "d.pth")})
    )
    assert torch.equal(plain[0], flown[0]) and float((plain[3] - flown[3]).abs().mean()) > 0.01
    eyes = {**SMALL, "frame": {**SMALL["frame"], "stereo": "side_by_side"}}  # type: ignore[dict-item]
    flat, deep = (next(iter(Film(*words, **eyes, depth=depth))) for depth in ({}, {"weights": tmp_path / "d.pth"}))
    assert not torch.equal(flat, deep)


def test_what_reads_no_depth_is_noted(tmp_path: Path) -> None:
    film = Film(**SMALL, depth={"weights": segmentation(tmp_path / "d.pth")})
    assert notes(film.config, ["depth.weights"]) == [
        "depth.weights has no effect: there is no flight over a relief (camera=flight)"
    ]


def test_files_of_no_depth_network_are_named(tmp_path: Path) -> None:
    text, classes, other = tmp_path / "a.pth", segmentation(tmp_path / "b.pth", 21), tmp_path / "c.pth"
    text.write_text("depth")
    torch.save({"conv.weight": torch.ones(3, 3)}, other)
    for path, words in (
        (tmp_path / "none.pth", "no such file"),
        (text, "not a file of plain weights"),
        (classes, "it has 21 channels; a depth network has one"),
        (other, r"of no depth network that is known \(Depth Anything V2, .*it has weight"),
    ):
        with pytest.raises(RenderError, match=rf"^depth\.weights={path}.*{words}"):
            next(iter(Film("camera=flight", **SMALL, depth={"weights": path})))
