"""Weighted sums of targets, in every way of writing them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.target_weights import mix, parse_sight, strongest
from tests.quick import QUICK
from tests.targets.notation import weights_of


@pytest.mark.parametrize(
    ("value", "sight"),
    [
        ("class:owl", {"class:owl": 1.0}),
        ("0.5*stage4:61", {"stage4:61": 0.5}),
        ("class:owl + 0.5*class:eye", {"class:owl": 1.0, "class:eye": 0.5}),
        ("-0.3*stage2:5", {"stage2:5": -0.3}),
        ("-class:owl + 2 * class:great white shark", {"class:owl": -1.0, "class:great white shark": 2.0}),
        ("guide:a+b.jpg", {"guide:a+b.jpg": 1.0}),
        (["class:owl", "0.5*class:eye[fine]"], {"class:owl": 1.0, "class:eye[fine]": 0.5}),
        ([{"class:owl": 2}, "class:owl"], {"class:owl": 3.0}),
        ({"guide:a + b.jpg": 0.5}, {"guide:a + b.jpg": 0.5}),
        ("class:owl + 0*class:eye", {"class:owl": 1.0}),
    ],
)
def test_reads_every_form(value: object, sight: dict[str, float]) -> None:
    assert parse_sight(value, "score.targets") == weights_of(sight)


@pytest.mark.parametrize(
    "value",
    [
        "",
        [],
        {},
        None,
        3,
        "0*class:owl",
        "class:owl + ",
        "class:owl + -1*class:owl",
        {"class:owl": "much"},
        {"class:owl": True},
        {"class:owl": float("nan")},
        {"class:owl": 10**400},
        "99999*class:owl",
        [[[[[["class:owl"]]]]]],
    ],
)
def test_refuses_what_is_no_sight(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^score\.targets(\[class:owl\])?="):
        parse_sight(value, "score.targets")


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(["class:owl", "stage4:61", "stage1", "guide:a + b.jpg"]),
        st.floats(-1000, 1000).filter(bool),
        min_size=1,
    )
)
def test_a_parsed_sight_parses_to_itself(sight: dict[str, float]) -> None:
    assert parse_sight(sight, "score.targets") == weights_of(sight)


def test_mixing_adds_up_what_both_see() -> None:
    mixed = mix(weights_of({"a": 1.0, "b": 1.0}), weights_of({"b": 2.0, "c": -1.0}), 0.25)
    assert mixed == weights_of({"a": 0.75, "b": 1.25, "c": -0.25})
    assert mix(weights_of({"a": 1.0}), weights_of({"b": 1.0}), 1.0) == weights_of({"b": 1.0})


def test_the_strongest_target_may_be_a_negative_one() -> None:
    assert strongest(weights_of({"a": 0.5, "b": -2.0})) == "b"
    assert strongest({}) == "nothing"
