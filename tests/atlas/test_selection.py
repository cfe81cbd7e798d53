"""The channels and classes of an atlas."""

from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.atlas import cli
from pipeline.atlas.config import AtlasConfig
from pipeline.atlas.selection import Names, blend, check_layers, pairs, parse_channels, sections
from pipeline.dream.network import Network
from pipeline.dream.weights import Weights
from pipeline.errors import ConfigError
from pipeline.score.target_weights import parse_weights
from pipeline.targets.layer_names import known_layers
from tests.targets.notation import weights_of


@pytest.fixture
def names(tiny: Network) -> Names:
    return Names(tiny.named, tiny.classes, tiny.class_layer)


def test_layers_are_ordered_by_depth_with_classes_last(names: Names) -> None:
    result = sections(AtlasConfig(), names, 0)
    assert [(part.name, len(part.targets), part.total) for part in result] == [
        ("one", 8, 8),
        ("two", 12, 12),
        ("three", 16, 16),
        ("classes", 10, 10),
    ]
    assert [subject.target for subject in result[1].targets[:2]] == ["two:0", "two:1"]
    assert result[3].targets[1].target == "class:great white shark"
    turned = sections(AtlasConfig(layers=["classes", "three", "one"]), names, 0)
    assert [part.name for part in turned] == ["one", "three", "classes"]


def test_class_maps_appear_once() -> None:
    layers = known_layers("motifnet")
    assert layers is not None
    result = sections(AtlasConfig(), Names(layers, tuple("abc"), "head"), 0)
    assert [part.name for part in result] == ["stage1", "stage2", "stage3", "stage4", "stage5", "classes"]
    assert [part.name for part in sections(AtlasConfig(layers=["head"]), Names(layers, ("a",), "head"), 0)] == ["head"]


def test_channels_are_ranges_lists_and_numbers() -> None:
    assert parse_channels("0..3", "one", 8) == [0, 1, 2, 3]
    assert parse_channels("[5, 2,2]", "one", 8) == [5, 2]
    assert parse_channels(7, "one", 8) == [7]
    assert parse_channels("6..63", "one", 8) == [6, 7]
    for wrong in ("8", "3..1", "a", "", "-1", "1;2"):
        with pytest.raises(ConfigError, match=r"^channels="):
            parse_channels(wrong, "one", 8)


def test_a_sample_is_drawn_by_seed(names: Names) -> None:
    def drawn(seed: int) -> list[str]:
        (part,) = sections(AtlasConfig(layers=["three"], sample=5), names, seed)
        return [subject.target for subject in part.targets]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(drawn(1))) == 5
    assert len(sections(AtlasConfig(layers=["one"], sample=99), names, 0)[0].targets) == 8


def test_classes_with_one_name_are_numbered() -> None:
    with torch.random.fork_rng(devices=[]):
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    network = Network("twin", model, ("crane", "owl", "crane"), Weights(Path("t.safetensors"), "0" * 64))
    (part,) = sections(AtlasConfig(layers=["classes"]), Names(network.named, network.classes, network.class_layer), 0)
    assert [(subject.target, subject.words) for subject in part.targets] == [
        ("class:0", "crane"),
        ("class:owl", "owl"),
        ("class:2", "crane"),
    ]


def test_a_blend_has_the_syntax_of_a_score(names: Names) -> None:
    ((first, second),) = pairs(AtlasConfig(blend=["two:3", "class:owl"]), names)
    quarter = blend(first, second, 0.25)
    assert quarter.target == "two:3 + 0.333*class:owl"
    assert parse_weights(quarter.target, "key") == weights_of({"two:3": 1.0, "class:owl": 0.333})
    assert blend(first, second, 0.5).target == "two:3 + class:owl"
    assert [part[:2] for part in quarter.parts] == [("two", 3), ("logits", 0)]
    assert len(pairs(AtlasConfig(blend=[["two:3", "two:4"], ["one:1", "class:5"]]), names)) == 2


@pytest.mark.parametrize(
    ("blend", "message"),
    [
        (["two:3"], "two targets to mix"),
        (["two:3", "two:3"], "two targets to mix"),
        (["two:3", "two"], "two targets to mix"),
        (["two:3", "two:4@0.5x0.5"], "two targets to mix"),
        (["two:3", "two:12"], "two has channels 0 to 11"),
        (["two:3", "class:owll"], "did you mean owl"),
        (["two:3", "twoo:1"], "did you mean two"),
    ],
)
def test_impossible_blends_are_refused(names: Names, blend: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        pairs(AtlasConfig(blend=list(blend)), names)


def test_arguments_are_parsed_and_checked(tiny: Network) -> None:
    typed = ["layers=[one,classes]", "network=motifnet", "channels=0..63", "sample=24", "page=false", "seed=3"]
    own, others = cli.split_arguments([*typed, "blend=[one:3,class:great white shark]"])
    assert others == ["network=motifnet", "seed=3"]
    read = cli.parse(own)
    assert (read.layers, read.channels, read.sample, read.page) == (["one", "classes"], "0..63", 24, False)
    assert read.blend == ["one:3", "class:great white shark"]
    assert cli.parse(["layers=one,two"]).layers == ["one", "two"]
    for wrong in ("sample=x", "size=31", "page=maybe", "sheet=gif", "layers=${oc.env:HOME}", "blend=[", "diversity=9"):
        with pytest.raises(ConfigError, match=f"^{wrong.partition('=')[0]}="):
            cli.parse([wrong])
    with pytest.raises(ConfigError, match="channels=20: two has channels 0 to 11"):
        check_layers(AtlasConfig(layers=["two"], channels="20"), tiny.named)
    with pytest.raises(ConfigError, match=r"layers=thre: .*did you mean three"):
        check_layers(AtlasConfig(layers=["thre"]), tiny.named)
