"""Settings that a film never reads are named, and only those."""

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.compose import make_config
from pipeline.config import RenderConfig, settings
from pipeline.errors import ConfigError, InputError
from pipeline.plan.unread import RULES, notes, unread
from pipeline.plan.unused_files import check_paths
from tests.quick import QUICK

KEYS = {key for key, _, _ in settings(RenderConfig())}


def test_rules_name_settings() -> None:
    assert {key for keys, _, _ in RULES for key in keys.split()} <= KEYS


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("preset=spiral start.noise=0.2 camera.center=[0,0] score.fade=1s", ""),
        ("preset=spiral flow.warmup=3 source.cut=5 audio.fade_out=1s", "flow.warmup source.cut audio.fade_out"),
        ("camera=static camera.center=[0,0] score=constant score.hold=1s", "camera.center score.hold"),
        ("dream.octaves=1 dream.detail=0.3 dream.tone=free dream.tone_mean=0.4", "dream.detail dream.tone_mean"),
        ("dream.octaves=1 dream.coarse_momentum=0.9 frame.height=720 frame.width=1280 dream.interval=3", ""),
        ("dream.octaves=1 dream.coarse_momentum=0.9", "dream.coarse_momentum"),
        ("dream.octaves=2 dream.interval=2", "dream.interval"),
        ("network=motifnet dream.momentum=0 dream.interval=2", "dream.interval"),
        ("preset=portrait start.path=a.jpg start.size=32 start.steps=3", "start.size"),
        (
            "preset=footage source.path=a.mp4 start.steps=3 start.boost=2 start=noise flow=raft flow.preset=fast",
            "start.steps start.boost start flow.preset",
        ),
        ("score=keys score.targets=[class:owl] score.every=2b presets=[spiral]", "score.targets score.every presets"),
        ("score.targets=[class:owl] score.layers=[stage4]", "score.layers"),
        ("score.targets=[class:owl] score.layers=[stage4] score.random_channels=2", "score.targets"),
        ("network.others={b:{name:resnet18}} score.targets=[class:owl@b] network.class_names=a.txt", ""),
        (
            "network.others={b:{name:resnet18}} score.targets=[block8@motifnet] network.class_names=a.txt",
            "network.others network.class_names",
        ),
        ("audio.tracker=librosa audio.start=2s", "audio.tracker audio.start"),
        ("audio.path=s.wav audio.bpm=90 audio.tracker=librosa audio.stems={drums:d.wav}", "audio.tracker audio.stems"),
        ("audio.path=s.wav audio.stems={drums:d.wav} camera.zoom=1+0.1*onset_drums", ""),
        ("encode=ffv1 encode.quality=best audio.bpm=90 audio.attack=0.1", "encode.quality"),
        ("camera.zoom=1 camera.dolly=0.2 camera.center=[0,0] format=sphere", ""),
        ("camera.zoom=1 camera.dolly=0.2 camera.center=[0,0] camera.fov=40", "camera.center camera.fov"),
        ("camera.yaw=9 camera.fov=40 encode=tiff encode.quality=best encode.cover=1s", "encode.quality encode.cover"),
        ("film=[{preset:spiral},{preset:portrait,start:{path:a.jpg}}] flow.side=64 start.unfold=1s", "flow.side"),
    ],
)
def test_typed_settings_without_effect_are_noted(words: str, named: str) -> None:
    config = make_config(words.split())
    typed = [word.partition("=")[0] for word in words.split()]
    assert [note.partition(" ")[0] for note in notes(config, typed)] == named.split()


@cache
def config_of(kind: str) -> RenderConfig:
    return make_config([f"score={kind}"])


@given(
    st.dictionaries(st.sampled_from(sorted(KEYS)), st.none(), max_size=6), st.sampled_from(["cycle", "keys", "walk"])
)
@QUICK
def test_only_typed_settings_are_noted(typed: dict[str, Any], kind: str) -> None:
    config = config_of(kind)
    before = asdict(config)
    assert {note.partition(" ")[0] for note in notes(config, typed)} == {*typed} & {*unread(config), "presets"}
    assert asdict(config) == before


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["start.path=a.jpg"], "start.path=a.jpg: .*start=image"),
        (["source.path=a.mp4"], "source.path=a.mp4: .*source=video, or preset=footage"),
        (["start.path=a.jpg", "film=[spiral,breathing]"], "start.path=a.jpg: .*start=image"),
        (["film=[spiral,{preset: breathing, source: {path: b.mp4}}]"], r"film\[1\].source.path=b.mp4: .*source=video"),
        (["start.path=a.jpg", "preset=portrait"], ""),
        (["start.path=a.jpg", "film=[spiral,portrait]"], ""),
        (["source.path=a.mp4", "film=[footage,spiral]"], ""),
    ],
)
def test_files_that_nothing_uses_are_refused(words: list[str], problem: str) -> None:
    config = make_config(words)
    if not problem:
        check_paths(config)
        return
    with pytest.raises(ConfigError, match=problem):
        check_paths(config)


def test_home_folder_replaces_the_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shots = "film=[{preset: portrait, start: {path: '~/a.jpg'}}, {preset: spiral, score: {targets: ['guide:~/b.jpg']}}]"
    config = make_config(["output=~/f.mp4", 'score.targets=["class:owl{not ~/m.png}", "guide:stage4:~/x.png"]', shots])
    assert config.output == f"{tmp_path}/f.mp4"
    assert config.score.targets == [f"class:owl{{not {tmp_path}/m.png}}", f"guide:stage4:{tmp_path}/x.png"]
    assert config.film[0]["start"]["path"] == f"{tmp_path}/a.jpg"
    assert config.film[1]["score"]["targets"] == [f"guide:{tmp_path}/b.jpg"]
    for name in ("a~b.mp4", "~x.mp4", "./~nobody-at-all/x.mp4"):
        assert make_config([f"output={name}"]).output == name
    with pytest.raises(InputError, match="there is no home folder ~nobody-at-all"):
        make_config(["output=~nobody-at-all/x.mp4"])
