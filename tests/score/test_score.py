"""The score of a shot, from options to cues."""

import math
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.score.score import Score, build
from tests.targets.notation import text_weights

SCALES = [0.25, 0.5, 1.0]


def score(kind: str = "cycle", **options: Any) -> Score:
    given = {
        "fps": Fraction(24),
        "duration": 24.0,
        "scales": SCALES,
        "channels": {"stage3": 96, "stage4": 128}.__getitem__,
        "neighbours": lambda layer, n: [(n + step) % 128 for step in (1, -1, 2, -2, 3, -3, 4, -4)],
        **options,
    }
    if kind in ("cycle", "fractal", "constant") and not options.keys() & {"targets", "layers", "keys"}:
        given["targets"] = ["class:owl", "class:eye", "class:fish"]
    return build(kind=kind, **given)


def test_a_cycle_sees_the_same_in_every_octave() -> None:
    cue = score(hold="2s", fade="0.5s").at(1.75)
    assert all(text_weights(cue.targets(s)) == {"class:owl": 0.5, "class:eye": 0.5} for s in SCALES)
    assert cue.label() == "class:owl → class:eye"
    assert score().at(0.5).label() == "class:owl"


def test_a_constant_sees_all_its_targets_at_once() -> None:
    cue = score("constant", targets=["class:owl", "-0.5*stage3:7"]).at(5.0)
    assert text_weights(cue.targets(1.0)) == {"class:owl": 1.0, "stage3:7": -0.5}


def test_the_fractal_octaves_follow_the_schedule_at_their_births() -> None:
    zoom = 1.4
    fractal = score("fractal", curves={"camera.zoom": zoom})
    plain = score("cycle")
    for t in (0.0, 3.3, 11.0):
        for scale in SCALES:
            born = max(0.0, t - math.log(1 / scale) / math.log(zoom))
            assert text_weights(fractal.at(t).targets(scale)) == pytest.approx(
                text_weights(plain.at(born).targets(1.0))
            )
    assert fractal.at(0.5).label() == "class:owl"


def test_a_fractal_without_zoom_is_a_cycle() -> None:
    still, moved = score("fractal", curves={"camera.zoom": 1.0}), score("fractal")
    for t in (0.0, 5.1):
        assert (
            text_weights(still.at(t).targets(0.25))
            == text_weights(moved.at(t).targets(0.25))
            == text_weights(score().at(t).targets(1.0))
        )


def test_a_fractal_may_follow_keys() -> None:
    keys = [{"at": "0s", "see": "class:owl"}, {"at": "10s", "see": "class:eye"}]
    fractal = score("fractal", keys=keys, curves={"camera.zoom": 2.0})
    assert text_weights(fractal.at(11.0).targets(1.0)) == {"class:eye": 1.0}
    assert text_weights(fractal.at(11.0).targets(0.25)) == {"class:owl": 1.0}  # two seconds older


def test_numbers_follow_their_curves() -> None:
    cue = score(curves={"camera.zoom": "0s: 1, 4s: 2", "camera.pan.x": "0.1*t", "dream.strength": 0.5}).at(2.0)
    assert cue.numbers == pytest.approx({"camera.zoom": 1.5, "camera.pan.x": 0.2, "dream.strength": 0.5})


@pytest.mark.parametrize("kind", ["cycle", "fractal", "walk", "layers", "keys"])
def test_the_same_second_is_the_same_at_any_frame_rate(kind: str) -> None:
    every: dict[str, dict[str, Any]] = {
        "cycle": {},
        "fractal": {"curves": {"camera.zoom": "1.4 + 0.3*sin(t)"}},
        "walk": {"layers": ["stage4"]},
        "layers": {"layers": ["stage3", "stage4", "stage5"]},
        "keys": {"keys": [{"at": "1s", "see": "class:owl"}, {"at": "50%", "see": "class:eye"}]},
    }
    slow, fast = (score(kind, fps=Fraction(fps), **every[kind]) for fps in (10, 60))
    for tenth in range(0, 240, 7):
        t = tenth / 10
        assert slow.at(t).numbers == fast.at(t).numbers
        assert all(
            text_weights(slow.at(t).targets(scale)) == text_weights(fast.at(t).targets(scale)) for scale in SCALES
        )


def test_bindings_choose_octaves() -> None:
    bound = score("constant", targets=["class:owl[coarse]", "class:eye[fine]", "stage3:7[0.9..1]"])
    assert text_weights(bound.at(0.0).targets(0.25)) == {"class:owl": 1.0}
    assert text_weights(bound.at(0.0).targets(0.5)) == {"class:owl": 1.0, "class:eye": 1.0}
    assert text_weights(bound.at(0.0).targets(1.0)) == {"class:eye": 1.0, "stage3:7": 1.0}
    assert list(map(str, bound.targets())) == ["class:owl", "class:eye", "stage3:7"]
    assert text_weights(score("constant", targets=["class:owl[fine]"]).at(0.0).targets(0.25)) == {}


def test_the_same_target_bound_twice_adds_up() -> None:
    both = score("constant", targets=["class:owl[fine]", "0.5*class:owl"]).at(0.0)
    assert text_weights(both.targets(1.0)) == {"class:owl": 1.5}
    assert text_weights(both.targets(0.25)) == {"class:owl": 0.5}


def test_draws_come_from_layers_or_from_targets() -> None:
    drawn = score(layers=["stage3", "stage4"], draw=6, seed=3).targets()
    assert len(drawn) == 6 and all(target.layer in ("stage3", "stage4") for target in drawn)
    assert drawn == score(layers=["stage3", "stage4"], draw=6, seed=3).targets()
    assert drawn != score(layers=["stage3", "stage4"], draw=6, seed=3, shot=1).targets()
    assert set(map(str, score(targets=["class:owl", "class:eye", "class:fish"], draw=2).targets())) < {
        "class:owl",
        "class:eye",
        "class:fish",
    }


def test_layers_go_down_and_up() -> None:
    swing = score("layers", layers=["a", "b", "c"], hold=1, fade=0)
    assert "".join(next(iter(swing.at(float(n)).targets(1.0))).layer for n in range(9)) == "abcbabcba"


def test_a_walk_starts_where_it_is_told_or_drawn() -> None:
    assert text_weights(score("walk", targets=["stage4:61"]).at(0.0).targets(1.0)) == {"stage4:61": 1.0}
    drawn = score("walk", targets=["stage4"], seed=1).at(0.0).label()
    assert drawn.startswith("stage4:")
    assert drawn == score("walk", layers=["stage4"], seed=1).at(0.0).label()


def test_keys_have_weights_and_fades_of_their_own() -> None:
    keys = [
        {"at": "4s", "see": "class:eye + stage3:1", "weight": 2, "fade": "1s"},
        {"at": 0, "see": "class:owl", "fade": None},
        {"at": "8s", "see": "class:owl", "weight": 0},
    ]
    played = score("keys", keys=keys, fade="2s")
    assert text_weights(played.at(3.0).targets(1.0)) == {"class:owl": 1.0}
    assert text_weights(played.at(3.5).targets(1.0)) == {"class:owl": 0.5, "class:eye": 0.25, "stage3:1": 0.25}
    assert text_weights(played.at(5.0).targets(1.0)) == {"class:eye": 2.0, "stage3:1": 2.0}
    assert text_weights(played.at(7.0).targets(1.0)) == {"class:eye": 0.25, "stage3:1": 0.25}
    assert text_weights(played.at(9.0).targets(1.0)) == {}
    assert played.at(9.0).label() == "nothing"


def test_one_target_may_stand_alone() -> None:
    assert text_weights(score("constant", targets="class:owl").at(0.0).targets(1.0)) == {"class:owl": 1.0}
    assert text_weights(score("constant", targets={"class:owl": 2}).at(0.0).targets(1.0)) == {"class:owl": 2.0}


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("fractl", {}, r"^score\.kind=fractl: .*did you mean fractal"),
        ("cycle", {"targets": []}, r"^score\.targets=\[\]: name at least one target"),
        ("constant", {"targets": []}, r"^score\.targets=\[\]"),
        ("layers", {}, r"^score\.layers="),
        ("keys", {}, r"^score\.keys="),
        ("cycle", {"hold": "1s", "fade": "2s"}, r"^score\.fade=2s: .*score\.hold=1s"),
        ("cycle", {"hold": "0s"}, r"^score\.hold=0s"),
        ("cycle", {"hold": "4x"}, r"^score\.hold=4x"),
        ("cycle", {"layers": ["stage4"], "draw": 999}, r"^score\.draw=999: .*the 128 channels of stage4"),
        ("cycle", {"layers": ["stage4"], "draw": -1}, r"^score\.draw=-1"),
        ("cycle", {"layers": ["stage4"], "draw": 5, "channels": None}, r"^score\.draw=5"),
        ("cycle", {"targets": ["class:owl"], "draw": 2}, r"^score\.draw=2: .*the 1 entries"),
        ("walk", {"targets": ["class:owl"]}, r"^score\.targets=class:owl"),
        ("walk", {}, r"^score\.targets=\[\]: a walk needs"),
        ("walk", {"targets": ["a:1"], "neighbours": None}, r"^score\.kind=walk"),
        ("keys", {"keys": ["class:owl"]}, r"^score\.keys\[0\]=class:owl"),
        ("keys", {"keys": [{"at": 0}]}, r"^score\.keys\[0\]=.*see is missing"),
        ("keys", {"keys": [{"at": 0, "sea": "a"}]}, r"^score\.keys\[0\]=sea: .*did you mean see"),
        ("keys", {"keys": [{"at": "x", "see": "a"}]}, r"^score\.keys\[0\]\.at=x"),
        ("keys", {"keys": [{"at": 0, "see": "a", "weight": "b"}]}, r"^score\.keys\[0\]\.weight=b"),
        ("fractal", {"curves": {"camera.zoom": "2 - t"}}, r"^camera\.zoom=0: .*at 2s"),
        ("cycle", {"curves": {"camera.zoom": 0}, "limits": {"camera.zoom": (0.1, 9.0)}}, r"^camera\.zoom=0"),
        ("cycle", {"duration": 0.0}, r"^duration=0"),
        ("cycle", {"scales": []}, r"^score\.scales="),
        ("cycle", {"seed": -1}, r"^seed=-1"),
    ],
)
def test_impossible_options_are_named(kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        score(kind, **options)


def test_the_score_needs_no_torch() -> None:
    program = "import sys, pipeline.score.score as s; sys.exit('torch' in sys.modules or 'hydra' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_weights_may_move() -> None:
    fading = score("constant", targets=[{"class:owl": "0s: 1, 4s: 0", "class:eye": "t/24"}, "0.5*class:eye"])
    assert text_weights(fading.at(0.0).targets(1.0)) == {"class:owl": 1.0, "class:eye": 0.5}
    assert text_weights(fading.at(2.0).targets(1.0)) == pytest.approx({"class:owl": 0.5, "class:eye": 0.5 + 2 / 24})
    assert text_weights(fading.at(5.0).targets(1.0)) == pytest.approx({"class:eye": 0.5 + 5 / 24})
    assert fading.at(0.0).label() == "class:owl" and fading.at(5.0).label() == "class:eye"


def test_moving_weights_cross_fade_like_others() -> None:
    wheel = score("cycle", targets=[{"class:owl": "0s: 1, 4s: 3"}, "class:eye"], hold="2s", fade="1s")
    assert text_weights(wheel.at(0.5).targets(1.0)) == pytest.approx({"class:owl": 1.25})
    assert text_weights(wheel.at(1.5).targets(1.0)) == pytest.approx({"class:owl": 0.5, "class:eye": 0.5})
    fractal = score("fractal", targets=[{"class:owl": "0s: 1, 4s: 3"}], curves={"camera.zoom": 2.0})
    assert text_weights(fractal.at(3.0).targets(0.25)) == pytest.approx({"class:owl": 1.5})  # two seconds older
    assert text_weights(fractal.at(0.5).targets(0.25)) == {"class:owl": 1.0}  # born before second 0


def test_the_weight_of_a_key_may_move() -> None:
    keys = [{"at": 0, "see": "class:owl + 0.5*class:eye", "weight": "0s: 1, 4s: 0"}]
    assert text_weights(score("keys", keys=keys).at(2.0).targets(1.0)) == {"class:owl": 0.5, "class:eye": 0.25}


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("0s: 1, 4s: 2000", r"^score\.targets\[class:owl\]=.*between -1000 and 1000"),
        ("1/(t-2)", r"^score\.targets\[class:owl\]="),
        ("__import__('os')", r"^score\.targets\[class:owl\]="),
    ],
)
def test_moving_weights_are_checked_before_the_film(weight: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        score("constant", targets=[{"class:owl": weight}])


def test_sights_of_unequal_weight_meet_in_the_middle_of_a_fade() -> None:
    wheel = score("cycle", targets=["4*class:owl", ["class:eye", "class:fish"]], hold="2s", fade="1s")
    assert text_weights(wheel.at(1.5).targets(1.0)) == pytest.approx(
        {"class:owl": 0.5, "class:eye": 0.25, "class:fish": 0.25}
    )
