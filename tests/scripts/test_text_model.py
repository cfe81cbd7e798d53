"""The small network of texts learns to draw, and loads as open_clip's do."""

from pathlib import Path

import pytest
import torch
from torch import Generator

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo

pytest.importorskip("open_clip", reason="the extra text is not installed")

from scripts.text_model import CAPTIONS, SHAPES, Scene, Training, half_drawn


def test_gradients_learn_to_draw(tmp_path: Path) -> None:
    training, generator = Training(), Generator().manual_seed(0)
    training.name(40, generator)
    training.model.eval()
    before = float(training.drawing(Generator().manual_seed(1))[0].detach())
    training.draw(40, generator)
    assert float(training.drawing(Generator().manual_seed(1))[0].detach()) > 1.2 * before
    training.save(tmp_path)
    path = tmp_path / "open_clip_model.safetensors"
    network = model_zoo.build(NetworkConfig(name="small", library="open_clip", weights=str(path)))
    labels = torch.arange(len(CAPTIONS))
    pictures = Scene(len(labels), Generator().manual_seed(2)).paint(labels)
    with torch.no_grad():
        cosines = training.cosines(pictures[:1])[0]
        embedding = network.activations(pictures[:1], ["logits"])["logits"][0]
        assert embedding.shape == network.text_embedding(CAPTIONS[0], "score.targets").shape
        colours = training.cosines(pictures).argmax(1) // len(SHAPES)
    assert cosines.isfinite().all() and float((colours == labels // len(SHAPES)).float().mean()) > 0.5


def test_half_drawn_pictures_lead_to_whole_ones() -> None:
    labels, pictures, directions, shown = half_drawn(64, Generator().manual_seed(0))
    assert pictures.shape == directions.shape == (64, 3, 32, 32) and int(labels.max()) < len(CAPTIONS)
    is_whole = shown == 1
    assert 5 < int(is_whole.sum()) < 40
    stains = directions[is_whole].flatten(1).std(dim=1)
    assert float(stains.min()) > 0 and float(stains.max()) < 0.6, "soft stains lead back to the whole picture"
