"""from= repeats a film: the same frames, typed settings win, files are named again."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pipeline.cli import compose, from_film
from pipeline.config import LimitsConfig, RenderConfig, settings
from pipeline.errors import InputError, RenderError
from pipeline.media.decode.image_file import write_png
from pipeline.media.decode.probe import decode
from pipeline.plan.frame_size import requested_size
from tests.forked import Program
from tests.quick import QUICK

SMALL = ("frame.width=96", "frame.height=64", "frame.fps=12", "duration=4f", "start.steps=2", "dream.octaves=2")

KEYS = [key for key, _, _ in settings(RenderConfig())]


def again(*typed: str) -> tuple[RenderConfig, list[str]]:
    """The config that a command line with ``from=`` makes, and the notes that it is read with."""
    rest, repeat = from_film.extract(list(typed))
    assert repeat is not None
    config = compose.make_config(rest, compose.REPEAT)
    return config, list(repeat.notes(config))


def record(tmp_path: Path, **config: object) -> str:
    """``from=`` a record of this config."""
    path = tmp_path / "film.mp4.run.yaml"
    inputs = config.pop("inputs", {})
    OmegaConf.save(OmegaConf.create({"program": "dream-zoom 0.1.0", "config": config, "inputs": inputs}), path)
    return f"from={path}"


def test_film_repeats_itself(program: Program, tmp_path: Path) -> None:
    made = program.run(*SMALL, "preset=spiral", "seed=5", "output=a.mkv", folder=tmp_path)
    assert made.code == 0, made.err
    run = program.run("from=a.mkv", "output=b.mp4", folder=tmp_path)
    assert run.code == 0, run.err
    first, second = (np.stack(list(decode(tmp_path / name))) for name in ("a.mkv", "b.mp4"))
    assert np.array_equal(first, second)


def test_output_overwrite_and_limits_are_not_repeated(tmp_path: Path) -> None:
    limits = {"hours": 100.0, "text": 3}
    config, _ = again(record(tmp_path, output="/etc/passwd", overwrite=True, resume=False, limits=limits, seed=3))
    assert (config.output, config.overwrite, config.seed) == (None, False, 3)
    assert config.limits == LimitsConfig()


def test_typed_settings_and_groups_win(tmp_path: Path) -> None:
    written = record(tmp_path, seed=3, duration="5s", camera={"zoom": 1.9, "rotate": 30})
    config, _ = again("seed=4", written)
    assert (config.seed, config.duration, config.camera.rotate) == (4, "5s", 30)
    config, _ = again(written, "camera=drift", "quality=hd")
    assert (config.camera.zoom, config.camera.rotate, config.frame.fit, config.duration) == (
        1.04,
        1.5,
        "1920x1080",
        "5s",
    )


@pytest.mark.parametrize(
    ("typed", "size"),
    [
        ((), (1080, 1920)),
        (("quality=draft",), (270, 480)),
        (("format=square",), (1080, 1080)),
        (("frame.width=720",), (720, 1280)),
        (("frame.width=320", "frame.height=180"), (320, 180)),
    ],
)
def test_typed_size_wins(tmp_path: Path, typed: tuple[str, ...], size: tuple[int, int]) -> None:
    frame = {"width": 640, "height": 360, "aspect": "9:16", "fit": "1920x1080", "scale": 1.0}
    config, _ = again(record(tmp_path, frame=frame), *typed)
    assert requested_size(config.frame, None) == size
    old, _ = again(record(tmp_path, frame={"width": 640, "height": 360, "scale": 3.0}), "quality=draft")
    assert (requested_size(old.frame, None), old.frame.scale) == ((480, 270), 1.0)


def test_record_lies_over_the_schema_alone(tmp_path: Path) -> None:
    config, _ = again(record(tmp_path, network={"name": "vgg16"}))
    assert (config.network.name, config.network.default_targets, config.camera.zoom) == ("vgg16", [], 1.0)


@pytest.mark.parametrize("old", [True, False])
def test_picture_is_named_again_and_compared(tmp_path: Path, old: bool) -> None:
    photo = tmp_path / "photo.png"
    write_png(np.zeros((8, 8, 3), np.uint8), photo)
    sha256 = hashlib.sha256(photo.read_bytes()).hexdigest()
    path = {"path": "/home/someone/lion.jpg"} if old else {}
    inputs = {} if old else {"start.path": {"name": "/home/someone/lion.jpg", "sha256": sha256}}
    written = record(tmp_path, start={"kind": "image", **path}, inputs=inputs)
    with pytest.raises(RenderError, match=r"start.path: .* was made from a picture named lion.jpg; give start.path="):
        again(written)
    config, notes = again(written, f"start.path={photo}")
    assert (config.start.path, notes) == (str(photo), [])
    write_png(np.ones((8, 8, 3), np.uint8), photo)
    notes = again(written, f"start.path={photo}")[1]
    assert all("is not the file that" in note for note in notes) and len(notes) == (0 if old else 1)
    assert again(written, "start=noise")[0].start.path is None


def test_targets_with_files_are_typed_again(tmp_path: Path) -> None:
    written = record(tmp_path, score={"kind": "cycle", "targets": ["stage4", "0.5*guide:/secret/bird.jpg + stage3"]})
    with pytest.raises(RenderError, match=r"score.targets: .* the file bird.jpg in its targets; give score.targets="):
        again(written)
    assert again(written, "score.targets=[stage4]")[0].score.targets == ["stage4"]
    keys = record(tmp_path, score={"kind": "keys", "keys": [{"at": "1s", "see": "class:owl{/secret/m.png}"}]})
    with pytest.raises(RenderError, match=r"score.keys: .* the file m.png"):
        again(keys)


def test_guide_with_other_content_is_noted(tmp_path: Path) -> None:
    guide = tmp_path / "bird.png"
    write_png(np.zeros((8, 8, 3), np.uint8), guide)
    same = {"name": "bird.png", "sha256": hashlib.sha256(guide.read_bytes()).hexdigest()}
    other = {"name": "bird.png", "sha256": "0" * 64}
    typed = f'score.targets=["guide:{guide}"]'
    for inputs, count in (({"guide:bird.png": same}, 0), ({"guide:bird.png": other}, 1)):
        notes = again(record(tmp_path, score={"targets": ["guide:bird.png"]}, inputs=inputs), typed)[1]
        assert len(notes) == count and all("(guide:bird.png): its SHA-256 differs" in note for note in notes)


def test_stems_are_named_again_and_compared(tmp_path: Path) -> None:
    inputs = {"audio.stems.drums": {"name": "d.wav", "sha256": "0" * 64}}
    written = record(tmp_path, inputs=inputs)
    with pytest.raises(RenderError, match=r"audio.stems: .* was made from stems named d.wav; give audio.stems="):
        again(written)
    stem = tmp_path / "${d}.wav"  # letters, no reference
    stem.write_bytes(b"RIFF")
    config, notes = again(written, f"audio.stems={{drums: '{stem}'}}")
    assert config.audio.stems == {"drums": str(stem)}
    assert len(notes) == 1 and "(audio.stems.drums): its SHA-256 differs" in notes[0]


def test_other_version_is_noted(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("program: dream-zoom 0.0.1\nconfig: {seed: 3}\n", encoding="utf-8")
    config, notes = again(f"from={tmp_path / 'old.yaml'}")
    assert config.seed == 3 and "was rendered by dream-zoom 0.0.1" in notes[0]


def test_preset_with_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="preset: a repeated run has its own"):
        again(record(tmp_path, seed=3), "preset=spiral")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("class:owl{../m.png}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=4))
@QUICK
def test_any_record_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, written: dict[str, object]) -> None:
    config: dict[str, object] = {}
    for key, value in written.items():
        group, _, name = key.rpartition(".")
        config = config | ({group: {**dict(config.get(group, {})), name: value}} if group else {name: value})
    path = tmp_path_factory.mktemp("any") / "run.yaml"
    path.write_text(json.dumps({"config": config, "inputs": written}), encoding="utf-8")
    try:
        assert from_film.extract([f"from={path}"])[1] is not None
    except RenderError as error:
        assert str(error)


@pytest.mark.parametrize("value", ["${output}", {"a": "${oc.env:HOME}"}, ["x", "${now:%Y}"]])
def test_references_in_a_record_are_refused(tmp_path: Path, value: object) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(OmegaConf.to_yaml(OmegaConf.create({"config": {"duration": value}})), encoding="utf-8")
    with pytest.raises(InputError, match="duration in its record is not a plain value"):
        again(f"from={path}")
