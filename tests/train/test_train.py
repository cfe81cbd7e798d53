"""Training on one's own pictures, tiny: what is learned, resumed to, written, refused, and dreamed of."""

import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from PIL import Image
from torch import Generator

from pipeline.cli import arguments
from pipeline.cli.compose import make_config, read, register
from pipeline.cli.sanitize import CONF
from pipeline.config import RenderConfig
from pipeline.dream import model_zoo
from pipeline.errors import InputError, RenderError
from pipeline.networks.trained_header import class_names, read_trained_header
from pipeline.plan.shot_list import entries
from pipeline.train.__main__ import main
from pipeline.train.adversarial import attack
from pipeline.train.augment import augment, spoil
from pipeline.train.clusters import k_means
from pipeline.train.config import TrainConfig
from pipeline.train.session import train_network

TINY: dict[str, Any] = {"size": "48", "batch": 8, "steps": 12}


def draw(path: Path, kind: int, rng: np.random.Generator) -> None:
    """A red disc, or blue stripes, on grey."""
    y, x = np.mgrid[:48, :48]
    pixels = np.full((48, 48, 3), 120 + rng.integers(-15, 15), np.uint8)
    if kind:
        pixels[(x + rng.integers(8)) % 8 < 4] = (40, 60, 220)
    else:
        pixels[np.hypot(y - rng.uniform(18, 30), x - rng.uniform(18, 30)) < rng.uniform(10, 16)] = (220, 40, 30)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 14 pictures with odd names, and a damaged picture."""
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(1)
    for kind, name in enumerate(("7", "blue stripes!")):
        (root / name).mkdir()
        for n in range(14):
            draw(root / name / f"{n:02}.png", kind, rng)
    (root / "7" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    return root


def train(folder: Path, output: Path, **settings: Any) -> Path:
    config = RenderConfig(seed=3, precision="float32", device="cpu")
    return train_network(config, TrainConfig(pictures=str(folder), **(TINY | settings)), output)


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(folder, tmp_path_factory.mktemp("trained") / "my network.safetensors")


def test_classes_are_learned_and_described(trained: Path) -> None:
    header = read_trained_header(trained)
    assert header is not None and header.base == "motifnet"
    assert header.classes == ("class_7", "blue_stripes", "nothing")
    assert header.card["pictures"]["classes"] == {"class_7": 14, "blue_stripes": 14}
    assert header.card["accuracy"]["clean"] == 1.0 and header.card["settings"]["seed"] == 3
    with Image.open(trained.with_suffix(".sheet.png")) as sheet:
        assert np.asarray(sheet).std() > 20


def test_damaged_pictures_are_named(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pipeline")
    train(folder, tmp_path / "lite.safetensors", base="efficientnet_lite0", steps=2)
    assert "left out" in caplog.text and "broken.png" in caplog.text
    network = model_zoo.build(make_config([f"network={tmp_path}/lite.safetensors"]).network)
    assert network.name == "efficientnet_lite0" and network.classes == ("class_7", "blue_stripes", "nothing")


def test_trained_network_is_a_choice(trained: Path) -> None:
    config = make_config([f"network={trained}", "network.precision=float32"])
    assert (config.network.name, config.network.weights) == ("motifnet", str(trained))
    assert config.network.default_targets == ["class:class_7", "class:blue_stripes"]
    network = model_zoo.build(config.network)
    assert network.class_index("blue stripes", "score.targets") == 1
    film = make_config([f'film=[{{network: "{trained}", duration: 1s}},{{duration: 1s}}]'])
    weights = [entry.get("network", {}).get("weights") for _, entry in entries(film)]
    assert weights == [str(trained), None]


def test_sweep_over_trained_networks(trained: Path) -> None:
    options = arguments.parse(["-m", f"network={trained},vgg16", "seed=1,2"])
    arguments.check(options)
    (films,) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(options.overrides), None)
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        networks = [read(compose("config", film)).network for film in films]
    assert [network.name for network in networks] == ["motifnet", "motifnet", "vgg16", "vgg16"]
    assert networks[0].weights == str(trained) and networks[0].default_targets == [
        "class:class_7",
        "class:blue_stripes",
    ]
    with pytest.raises(RenderError, match="several values need -m"):
        arguments.check(arguments.parse([f"network={trained},vgg16"]))


def test_film_dreams_of_a_class(trained: Path, tmp_path: Path) -> None:
    words = [f"network={trained}", "score=constant", "score.targets=[class:blue_stripes]", "duration=2", "frame.fps=2"]
    words += ["frame.width=64", "frame.height=48", "start.steps=6", f"output={tmp_path}/film.mp4", "device=cpu"]
    command = [sys.executable, "-m", "pipeline.render", *words]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "film.mp4").stat().st_size > 500


def test_training_killed_twice_ends_in_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole.safetensors", tmp_path / "killed.safetensors"
    settings = {"steps": 16, "every": 2, "attack": 0.5}
    train(folder, whole, **settings)
    words = [f"{key}={value}" for key, value in (TINY | settings).items()]
    words += ["seed=3", "precision=float32", "device=cpu", f"pictures={folder}", f"output={killed}"]
    state, before = killed.with_name(f"{killed.name}.training"), 0
    for _ in range(2):
        command = [sys.executable, "-m", "pipeline.train", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        end = time.monotonic() + 120
        while time.monotonic() < end and process.poll() is None:
            if state.exists() and state.stat().st_mtime_ns != before:
                break
            time.sleep(0.01)
        process.kill()
        output, _ = process.communicate(timeout=60)
        assert state.exists() and not killed.exists(), output
        before = state.stat().st_mtime_ns
    with pytest.raises(InputError, match="resume=false"):
        train(folder, killed, **settings, rate=0.1)
    train(folder, killed, **settings)
    assert killed.read_bytes() == whole.read_bytes() and not state.exists()


def test_pictures_without_folders_become_clusters(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pipeline")
    rng = np.random.default_rng(2)
    for n in range(24):
        draw(tmp_path / f"{n:02}.png", n % 2, rng)
    path = train(tmp_path, tmp_path / "out.safetensors", steps=1, clusters=2)
    assert "no folders as classes" in caplog.text and "cluster_1 (12), cluster_2 (12)" in caplog.text
    header = read_trained_header(path)
    assert header is not None and header.classes == ("cluster_1", "cluster_2", "nothing")


def test_k_means_finds_three_clouds() -> None:
    generator = Generator().manual_seed(0)
    middles = torch.tensor([[0.0, 0], [5, 0], [0, 5]])
    points = (middles.repeat_interleave(20, 0) + 0.3 * torch.randn(60, 2, generator=generator)).double()
    distances = torch.cdist(k_means(points, 3, seed=1), middles.double())
    assert distances.min(0).values.max() < 0.4


def test_attack_raises_the_loss_within_its_reach() -> None:
    weight = torch.randn(3, 3 * 8 * 8, generator=Generator().manual_seed(1))
    x, labels = torch.full((2, 3, 8, 8), 0.5), torch.tensor([0, 2])

    def logits(each: torch.Tensor) -> torch.Tensor:
        return each.flatten(1) @ weight.T

    moved = attack(logits, x, labels, 0.5, 3, Generator().manual_seed(0))
    assert ((moved - x).flatten(1).norm(dim=1) < 0.5001).all()
    losses = [torch.nn.functional.cross_entropy(logits(each), labels) for each in (x, moved)]
    assert losses[1] > losses[0] + 0.5


def test_augmentation_keeps_range_and_varies() -> None:
    generator = Generator().manual_seed(0)
    x = torch.rand(1, 3, 60, 60, generator=generator).expand(8, -1, -1, -1)
    still = augment(x, 60, 0.0, Generator().manual_seed(1))
    same = [torch.allclose(each, x[0], atol=1e-4) or torch.allclose(each, x[0].flip(-1), atol=1e-4) for each in still]
    assert all(same)
    varied = augment(x, 48, 1.0, Generator().manual_seed(1))
    assert varied.shape == (8, 3, 48, 48) and 0 <= varied.min() and varied.max() <= 1
    assert (varied[0] - varied[1]).abs().mean() > 0.05
    spoiled = [spoil(varied[0], Generator().manual_seed(n)) for n in range(12)]
    assert all(each.shape == (3, 48, 48) and (each - varied[0]).abs().mean() > 0.02 for each in spoiled)
    assert 0 <= torch.stack(spoiled).min() and torch.stack(spoiled).max() <= 1


def test_class_names_can_be_targets() -> None:
    assert class_names(("red fox", "red_fox", "12", "héron", "++")) == (
        *("red_fox", "red_fox_2", "class_12", "héron", "class"),
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([], "give a folder of pictures"),
        (["pictures=nowhere"], "there is no such folder"),
        (["pictures={few}"], "16 and more"),
        (["pictures={few}/classes"], "the class b has 2 pictures"),
        (["pictures={few}", "output={few}/net.pt"], "output=net.safetensors"),
        (["pictures={few}", "output={few}/taken.safetensors"], "overwrite=true"),
        (["pictures={few}", "base=resnet50"], "allowed are"),
        (["pictures={few}", "stepz=3"], "stepz"),
    ],
)
def test_bad_settings_end_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: list[str], words: str
) -> None:
    for n in range(15):
        Image.new("RGB", (8, 8), (n, n, n)).save(tmp_path / f"{n}.png")
    for name, count in (("a", 20), ("b", 2)):
        (tmp_path / "classes" / name).mkdir(parents=True)
        for n in range(count):
            Image.new("RGB", (8, 8), (n, n, n)).save(tmp_path / "classes" / name / f"{n}.png")
    (tmp_path / "taken.safetensors").write_bytes(b"mine")
    given = [word.format(few=tmp_path) for word in settings]
    output = [] if any(word.startswith("output=") for word in given) else [f"output={tmp_path}/net.safetensors"]
    monkeypatch.setattr(sys, "argv", ["train", *output, *given])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert words in message and "Traceback" not in message
    assert not list(tmp_path.glob("net*")) and (tmp_path / "taken.safetensors").read_bytes() == b"mine"


@pytest.mark.parametrize("content", [None, b"", b"\x10" + b"\0" * 7 + b'{"__metadata__":1'])
def test_other_files_are_no_trained_networks(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        RenderError, match="no such file" if content is None else "not made by python -m pipeline.train"
    ):
        make_config([f"network={path}"])
