"""The notation of one target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.targets.region import Region
from pipeline.targets.target import Binding, Target, parse_target
from tests.quick import QUICK

FRACTIONS = st.floats(0, 1)
BINDINGS = st.one_of(
    st.none(),
    st.sampled_from([Binding(word="coarse"), Binding(word="fine")]),
    st.tuples(FRACTIONS, FRACTIONS).map(lambda ends: Binding(low=min(ends), high=max(ends))),
)
REGIONS = st.one_of(
    st.none(),
    st.builds(Region, st.sampled_from(["left", "right", "top", "bottom", "center"]), inverted=st.booleans()),
    st.builds(Region, st.just("circle"), st.tuples(FRACTIONS, FRACTIONS, st.floats(0.01, 2)), inverted=st.booleans()),
    st.builds(Region, st.just("file"), file=st.sampled_from(["mask.png", "./left", "a, b + c.tif"])),
)
LAYERS = st.from_regex(r"[a-z_][a-z0-9_.]{1,8}", fullmatch=True)
CHANNELS = st.builds(
    Target,
    kind=st.just("layer"),
    layer=LAYERS,
    channel=st.integers(0, 9999),
    place=st.one_of(st.none(), st.tuples(FRACTIONS, FRACTIONS)),
    octaves=BINDINGS,
    region=REGIONS,
)
CLASSES = st.builds(
    Target,
    kind=st.just("class"),
    name=st.sampled_from(
        ["owl", "great white shark", "four-poster", "jack-o'-lantern", "CD player", "a, b + c", "x.y:z@1"]
    ),
    octaves=BINDINGS,
    region=REGIONS,
)
GUIDES = st.builds(
    Target,
    kind=st.just("guide"),
    layer=st.one_of(st.just(""), LAYERS),
    name=st.sampled_from(["photo.jpg", "my photo [1].jpg", "C:/a b.png", "x/y@2x.png"]),
    octaves=BINDINGS,
    region=REGIONS,
)
SEVERAL = st.one_of(
    st.builds(
        Target,
        kind=st.just("dir"),
        layer=LAYERS,
        channels=st.lists(st.integers(0, 999), min_size=2, max_size=2, unique=True).map(tuple),
        region=REGIONS,
    ),
    st.builds(
        Target,
        kind=st.just("diverse"),
        layer=LAYERS,
        channels=st.lists(st.integers(0, 999), min_size=2, max_size=9, unique=True).map(tuple),
        octaves=BINDINGS,
    ),
)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("stage4", Target("layer", "stage4")),
        ("stage4:61", Target("layer", "stage4", 61)),
        ("features.12:3@0.5x.25", Target("layer", "features.12", 3, (0.5, 0.25))),
        ("class:great white shark", Target("class", name="great white shark")),
        ("class: lion ", Target("class", name="lion")),
        ("guide:my photo [1].jpg", Target("guide", name="my photo [1].jpg")),
        ("guide:photo[1]", Target("guide", name="photo[1]")),
        ("class:owl[coarse]", Target("class", name="owl", octaves=Binding("coarse"))),
        ("stage4:61 [0.2..0.6]", Target("layer", "stage4", 61, octaves=Binding(low=0.2, high=0.6))),
        ("dir:stage4:12>40", Target("dir", "stage4", channels=(12, 40))),
        ("dir:fire9/x:12..40[fine]", Target("dir", "fire9/x", channels=(12, 40), octaves=Binding("fine"))),
        ("diverse:stage4:3,17,40", Target("diverse", "stage4", channels=(3, 17, 40))),
        ("diverse:stage4: 3 + 17", Target("diverse", "stage4", channels=(3, 17))),
        ("guide:stage4:photo.jpg", Target("guide", "stage4", name="photo.jpg")),
        ("guide:C:/photo.jpg", Target("guide", name="C:/photo.jpg")),
        ("guide:./stage4:photo.jpg", Target("guide", name="./stage4:photo.jpg")),
        ("class:owl{left}", Target("class", name="owl", region=Region("left"))),
        (
            "stage4:61@0.5x0.5{ not circle( .5, 0.25, 1 ) }[fine]",
            Target(
                "layer",
                "stage4",
                61,
                (0.5, 0.5),
                octaves=Binding("fine"),
                region=Region("circle", (0.5, 0.25, 1.0), inverted=True),
            ),
        ),
        (
            "guide:a.jpg[fine]{sky.png}",
            Target("guide", name="a.jpg", octaves=Binding("fine"), region=Region("file", file="sky.png")),
        ),
    ],
)
def test_every_notation_is_parsed(text: str, target: Target) -> None:
    assert parse_target(text, "score.targets") == target


@QUICK
@given(st.one_of(CHANNELS, CLASSES, GUIDES, SEVERAL))
def test_str_and_parse_are_inverse(target: Target) -> None:
    assert parse_target(str(target), "score.targets") == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "class:",
        "class:[fine]",
        "stage4:",
        "stage4:-1",
        "stage4:x",
        "stage4:1@0.5",
        "stage4:1@2x0.5",
        "stage4@0.5x0.5",
        "4stage",
        "class:owl[middle]",
        "class:owl[0.6..0.2]",
        "class:owl[0.2..2]",
        "class:owl[fine][coarse]",
        "class:owl{}",
        "class:owl{left}{right}",
        "class:owl{circle(0.5,0.5)}",
        "class:owl{circle(0.5,0.5,0)}",
        "class:owl{circle(2,0.5,0.1)}",
        "dir:stage4",
        "dir:stage4:12",
        "dir:stage4:12>12",
        "dir:photos",
        "diverse:stage4:3",
        "diverse:stage4:3,3",
        "diverse:stage4:" + ",".join(map(str, range(33))),
        "guide:",
        "x" * 2000,
    ],
)
def test_what_is_not_a_target_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^score\.targets="):
        parse_target(text, "score.targets")


def test_mistyped_prefix_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean class:"):
        parse_target("clas:owl", "score.targets")


def test_target_without_its_octave_binding() -> None:
    assert parse_target("class:owl{left}[fine]", "k").on_all_octaves() == parse_target("class:owl{left}", "k")


def test_bindings_cover_their_octaves() -> None:
    scales = [0.25, 0.4, 0.5, 0.7, 1.0]  # 0.5 is the geometric middle and belongs to both
    assert [Binding("coarse").covers(s, 0.25) for s in scales] == [True, True, True, False, False]
    assert [Binding("fine").covers(s, 0.25) for s in scales] == [False, False, True, True, True]
    within = Binding(low=0.4, high=0.7)
    assert [within.covers(s, 0.25) for s in scales] == [False, True, True, True, False]
    assert Binding("coarse").covers(1.0, 1.0) and Binding("fine").covers(1.0, 1.0)
