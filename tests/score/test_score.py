"""The score of a shot, from settings to cues."""

import math
import subprocess
import sys
from dataclasses import fields
from fractions import Fraction
from typing import Any

import pytest

from pipeline.config import CameraConfig, DreamConfig, FlowConfig, ScoreConfig
from pipeline.errors import ConfigError
from pipeline.score.score import Score, build
from pipeline.score.shot_context import ShotContext
from tests.targets.notation import text_weights, weights_of

SCALES = [0.25, 0.5, 1.0]


def score(kind: str = "cycle", **settings: Any) -> Score:
    """A score of 24 s at 24 fps; ``settings`` are those of the score and of its shot."""
    if kind in ("cycle", "fractal", "constant") and not settings.keys() & {"targets", "layers", "keys"}:
        settings["targets"] = ["class:owl", "class:eye", "class:fish"]
    names = {item.name for item in fields(ScoreConfig)}
    context: dict[str, Any] = {
        "fps": Fraction(24),
        "seconds": 24.0,
        "scales": SCALES,
        "channels": {"stage3": 96, "stage4": 128}.__getitem__,
        "similar": lambda layer, n: [(n + step) % 128 for step in (1, -1, 2, -2, 3, -3, 4, -4)],
    }
    context |= {name: value for name, value in settings.items() if name not in names}
    return build(ScoreConfig(kind, **{n: v for n, v in settings.items() if n in names}), ShotContext(**context))


def zoom(value: Any) -> CameraConfig:
    return CameraConfig(zoom=value)


def weights(played: Score, t: float, scale: float = 1.0) -> dict[str, float]:
    return text_weights(played.at(t).targets(scale))


def test_cycle_is_the_same_in_every_octave() -> None:
    played = score(hold="2s", fade="0.5s")
    assert all(weights(played, 1.75, scale) == {"class:owl": 0.5, "class:eye": 0.5} for scale in SCALES)
    assert played.at(1.75).label == "class:owl → class:eye"
    assert played.at(0.5).label == "class:owl"


def test_constant_shows_all_its_targets() -> None:
    played = score("constant", targets=["class:owl", "-0.5*stage3:7"])
    assert weights(played, 5.0) == {"class:owl": 1.0, "stage3:7": -0.5}


def test_fractal_octaves_are_delayed_by_the_zoom() -> None:
    fractal, plain = score("fractal", camera=zoom(1.4)), score("cycle")
    for t in (0.0, 3.3, 11.0):
        for scale in SCALES:
            birth = max(0.0, t - math.log(1 / scale) / math.log(1.4))
            assert weights(fractal, t, scale) == pytest.approx(weights(plain, birth))
    assert fractal.at(0.5).label == "class:owl"


def test_fractal_without_zoom_is_a_cycle() -> None:
    still = score("fractal", camera=zoom(1.0))
    assert all(weights(still, t, 0.25) == weights(score(), t) for t in (0.0, 5.1))


def test_fractal_may_follow_keys() -> None:
    keys = [{"at": "0s", "see": "class:owl"}, {"at": "10s", "see": "class:eye"}]
    fractal = score("fractal", keys=keys, camera=zoom(2.0))
    assert weights(fractal, 11.0) == {"class:eye": 1.0}
    assert weights(fractal, 11.0, 0.25) == {"class:owl": 1.0}  # two seconds older


def test_cue_holds_the_numbers_of_its_second() -> None:
    played = score(
        camera=CameraConfig(zoom="0s: 1, 4s: 2", pan=["0.1*t", 0], rotate=3),
        dream=DreamConfig(steps=2, strength="t/4"),
        flow=FlowConfig(style="blend", persistence="t/24"),
    )
    cue = played.at(2.0)
    assert cue.camera.zoom == pytest.approx(1.5)
    assert cue.camera.pan == pytest.approx((0.2, 0.0))
    assert (cue.camera.rotate, cue.camera.center) == (3.0, (0.5, 0.5))
    assert cue.dream == DreamConfig(steps=2, strength=0.5)
    assert cue.flow.style == "blend" and cue.flow.persistence == pytest.approx(1 / 12)
    numbers = played.numbers(2.0)
    assert numbers["camera.pan.x"] == cue.camera.pan[0] and numbers["dream.strength"] == 0.5


@pytest.mark.parametrize("kind", ["cycle", "fractal", "walk", "layers", "keys"])
def test_a_second_is_the_same_at_any_frame_rate(kind: str) -> None:
    settings: dict[str, dict[str, Any]] = {
        "cycle": {},
        "fractal": {"camera": zoom("1.4 + 0.3*sin(t)")},
        "walk": {"layers": ["stage4"]},
        "layers": {"layers": ["stage3", "stage4", "stage5"]},
        "keys": {"keys": [{"at": "1s", "see": "class:owl"}, {"at": "50%", "see": "class:eye"}]},
    }
    slow, fast = (score(kind, fps=Fraction(fps), **settings[kind]) for fps in (10, 60))
    for tenth in range(0, 240, 7):
        t = tenth / 10
        assert slow.numbers(t) == fast.numbers(t)
        assert all(weights(slow, t, scale) == weights(fast, t, scale) for scale in SCALES)


def test_bindings_choose_octaves() -> None:
    bound = score("constant", targets=["class:owl[coarse]", "class:eye[fine]", "stage3:7[0.9..1]"])
    assert weights(bound, 0.0, 0.25) == {"class:owl": 1.0}
    assert weights(bound, 0.0, 0.5) == {"class:owl": 1.0, "class:eye": 1.0}
    assert weights(bound, 0.0, 1.0) == {"class:eye": 1.0, "stage3:7": 1.0}
    assert bound.targets() == list(weights_of(dict.fromkeys(["class:owl", "class:eye", "stage3:7"], 1.0)))
    assert weights(score("constant", targets=["class:owl[fine]"]), 0.0, 0.25) == {}


def test_a_target_bound_twice_adds_up() -> None:
    both = score("constant", targets=["class:owl[fine]", "0.5*class:owl"])
    assert weights(both, 0.0) == {"class:owl": 1.5}
    assert weights(both, 0.0, 0.25) == {"class:owl": 0.5}


def test_draws_come_from_layers_or_targets() -> None:
    targets = score(layers=["stage3", "stage4"], random_channels=6, seed=3).targets()
    assert len(targets) == 6 and all(target.layer in ("stage3", "stage4") for target in targets)
    assert targets == score(layers=["stage3", "stage4"], random_channels=6, seed=3).targets()
    assert targets != score(layers=["stage3", "stage4"], random_channels=6, seed=3, shot=1).targets()
    three = score(targets=["class:owl", "class:eye", "class:fish"]).targets()
    assert set(score(targets=["class:owl", "class:eye", "class:fish"], random_channels=2).targets()) < set(three)


def test_layers_go_down_and_up() -> None:
    swing = score("layers", layers=["a", "b", "c"], hold=1, fade=0)
    assert "".join(next(iter(weights(swing, float(n)))) for n in range(9)) == "abcbabcba"


def test_walk_starts_at_its_target_or_a_random_channel() -> None:
    assert weights(score("walk", targets=["stage4:61"]), 0.0) == {"stage4:61": 1.0}
    label = score("walk", targets=["stage4"], seed=1).at(0.0).label
    assert label.startswith("stage4:")
    assert label == score("walk", layers=["stage4"], seed=1).at(0.0).label


def test_keys_have_their_own_weights_and_fades() -> None:
    keys = [
        {"at": "4s", "see": "class:eye + stage3:1", "weight": 2, "fade": "1s"},
        {"at": 0, "see": "class:owl", "fade": None},
        {"at": "8s", "see": "class:owl", "weight": 0},
    ]
    played = score("keys", keys=keys, fade="2s")
    assert weights(played, 3.0) == {"class:owl": 1.0}
    assert weights(played, 3.5) == {"class:owl": 0.5, "class:eye": 0.25, "stage3:1": 0.25}
    assert weights(played, 5.0) == {"class:eye": 2.0, "stage3:1": 2.0}
    assert weights(played, 7.0) == {"class:eye": 0.25, "stage3:1": 0.25}
    assert weights(played, 9.0) == {}
    assert played.at(9.0).label == "nothing"


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("fractl", {}, r"^score\.kind=fractl: .*did you mean fractal"),
        ("cycle", {"targets": []}, r"^score\.targets=\[\]: name at least one target"),
        ("constant", {"targets": []}, r"^score\.targets=\[\]"),
        ("layers", {}, r"^score\.layers="),
        ("keys", {}, r"^score\.keys="),
        ("cycle", {"hold": "1s", "fade": "2s"}, r"^score\.fade=2s: .*score\.hold=1s"),
        ("cycle", {"hold": "0s"}, r"^score\.hold=0s"),
        ("cycle", {"hold": "4x"}, r"^score\.hold=4x"),
        (
            "cycle",
            {"layers": ["stage4"], "random_channels": 999},
            r"^score\.random_channels=999: .*the 128 channels of stage4",
        ),
        ("cycle", {"layers": ["stage4"], "random_channels": -1}, r"^score\.random_channels=-1"),
        ("cycle", {"targets": ["class:owl"], "random_channels": 2}, r"^score\.random_channels=2: .*the 1 entries"),
        ("walk", {"targets": ["class:owl"]}, r"^score\.targets=class:owl"),
        ("walk", {}, r"^score\.targets=\[\]: a walk needs"),
        ("walk", {"targets": ["a:1"], "similar": None}, r"^score\.kind=walk"),
        ("keys", {"keys": ["class:owl"]}, r"^score\.keys\[0\]=class:owl"),
        ("keys", {"keys": [{"at": 0}]}, r"^score\.keys\[0\]=.*see is missing"),
        ("keys", {"keys": [{"at": 0, "sea": "a"}]}, r"^score\.keys\[0\]=sea: .*did you mean see"),
        ("keys", {"keys": [{"at": "x", "see": "a"}]}, r"^score\.keys\[0\]\.at=x"),
        ("keys", {"keys": [{"at": 0, "see": "a", "weight": "b"}]}, r"^score\.keys\[0\]\.weight=b"),
        ("fractal", {"camera": zoom("2 - t")}, r"^camera\.zoom=2 - t: .*at 1\.958s"),
        ("cycle", {"camera": zoom(0)}, r"^camera\.zoom=0"),
        ("cycle", {"camera": CameraConfig(pan=[0, "t"])}, r"^camera\.pan\.y=t: .*between -10 and 10"),
    ],
)
def test_impossible_settings_are_named(kind: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        score(kind, **settings)


def test_score_needs_no_torch() -> None:
    program = "import sys, pipeline.score.score as s; sys.exit('torch' in sys.modules or 'hydra' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=120).returncode == 0


def test_weights_may_change_in_time() -> None:
    fading = score("constant", targets=[{"class:owl": "0s: 1, 4s: 0", "class:eye": "t/24"}, "0.5*class:eye"])
    assert weights(fading, 0.0) == {"class:owl": 1.0, "class:eye": 0.5}
    assert weights(fading, 2.0) == pytest.approx({"class:owl": 0.5, "class:eye": 0.5 + 2 / 24})
    assert weights(fading, 5.0) == pytest.approx({"class:eye": 0.5 + 5 / 24})
    assert fading.at(0.0).label == "class:owl" and fading.at(5.0).label == "class:eye"


def test_timed_weights_cross_fade() -> None:
    wheel = score("cycle", targets=[{"class:owl": "0s: 1, 4s: 3"}, "class:eye"], hold="2s", fade="1s")
    assert weights(wheel, 0.5) == pytest.approx({"class:owl": 1.25})
    assert weights(wheel, 1.5) == pytest.approx({"class:owl": 0.5, "class:eye": 0.5})
    fractal = score("fractal", targets=[{"class:owl": "0s: 1, 4s: 3"}], camera=zoom(2.0))
    assert weights(fractal, 3.0, 0.25) == pytest.approx({"class:owl": 1.5})  # two seconds older
    assert weights(fractal, 0.5, 0.25) == {"class:owl": 1.0}  # born before second 0


def test_the_weight_of_a_key_may_change_in_time() -> None:
    keys = [{"at": 0, "see": "class:owl + 0.5*class:eye", "weight": "0s: 1, 4s: 0"}]
    assert weights(score("keys", keys=keys), 2.0) == {"class:owl": 0.5, "class:eye": 0.25}


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("0s: 1, 4s: 2000", r"^score\.targets\[class:owl\]=.*between -1000 and 1000"),
        ("1/(t-2)", r"^score\.targets\[class:owl\]="),
        ("__import__('os')", r"^score\.targets\[class:owl\]="),
    ],
)
def test_timed_weights_are_checked_before_the_film(weight: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        score("constant", targets=[{"class:owl": weight}])


def test_entries_of_unequal_weight_meet_mid_fade() -> None:
    wheel = score("cycle", targets=["4*class:owl", ["class:eye", "class:fish"]], hold="2s", fade="1s")
    assert weights(wheel, 1.5) == pytest.approx({"class:owl": 0.5, "class:eye": 0.25, "class:fish": 0.25})


def test_loop_returns_to_its_first_targets() -> None:
    looped = score(hold="5s", seconds=12.0, is_loop=True)
    assert weights(looped, 12.0 - 1e-6)["class:owl"] == pytest.approx(1.0)
    assert weights(looped, -1.0) == weights(looped, 11.0) != weights(looped, 0.0)
