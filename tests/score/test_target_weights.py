"""Weighted sums of targets in every notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.score.target_weights import mix, parse_weights, strongest
from tests.quick import QUICK
from tests.targets.notation import weights_of


@pytest.mark.parametrize(
    ("value", "weights"),
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
def test_every_notation_is_parsed(value: object, weights: dict[str, float]) -> None:
    assert parse_weights(value, "score.targets") == weights_of(weights)


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
def test_what_names_no_target_is_an_error(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^score\.targets(\[class:owl\])?="):
        parse_weights(value, "score.targets")


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(["class:owl", "stage4:61", "stage1", "guide:a + b.jpg"]),
        st.floats(-1000, 1000).filter(bool),
        min_size=1,
    )
)
def test_parsed_weights_parse_to_themselves(weights: dict[str, float]) -> None:
    assert parse_weights(weights, "score.targets") == weights_of(weights)


def test_mix_adds_up_common_targets() -> None:
    mixed = mix(weights_of({"a": 1.0, "b": 1.0}), weights_of({"b": 2.0, "c": -1.0}), 0.25)
    assert mixed == weights_of({"a": 0.75, "b": 1.25, "c": -0.25})
    assert mix(weights_of({"a": 1.0}), weights_of({"b": 1.0}), 1.0) == weights_of({"b": 1.0})


def test_strongest_target_may_be_negative() -> None:
    assert strongest(weights_of({"a": 0.5, "b": -2.0})) == "b"
    assert strongest({}) == "nothing"
