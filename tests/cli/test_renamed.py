"""Old names of settings are read wherever settings are written, with a note, and stay on disk."""

import logging
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from pipeline.cli import compose, from_film
from pipeline.config import RenderConfig, settings
from pipeline.config.renamed import REMOVED, RENAMED, current_names
from tests.forked import Program

KEYS = {key for key, _, _ in settings(RenderConfig())}


def test_renamed_settings_exist() -> None:
    assert set(RENAMED.values()) <= KEYS and not KEYS & {*RENAMED, *REMOVED}


@pytest.mark.parametrize("override", ["dream.equalize=0.3", "++dream.equalize=0.3"])
def test_old_names_are_read_from_the_command_line(override: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert compose.make_config([override]).dream.fill == 0.3
    assert "dream.equalize is now dream.fill" in caplog.messages


def test_expression_under_an_old_name_is_quoted() -> None:
    assert compose.make_config(["dream.colour=0s: 1, 4s: 0.5"]).dream.color_correlation == "0s: 1, 4s: 0.5"


def test_old_names_are_read_from_shots() -> None:
    shots = "film=[{dream.equalize: 0.3}, {dream: {colour_correlation: 0.4}, flow: {ripen: 3}}]"
    first, second = compose.make_config([shots]).film
    assert first["dream"]["fill"] == 0.3
    assert second["dream"]["color_correlation"] == 0.4 and second["flow"]["warmup"] == 3


def test_old_names_are_read_from_a_record(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4.run.yaml"
    config = {"dream": {"equalize": 0.3, "adaptive": False}, "flow": {"light": 0.2}, "encode": {"patience": 9}}
    OmegaConf.save(OmegaConf.create({"config": config}), path)
    rest, _ = from_film.extract([f"from={path}"])
    repeated = compose.make_config(rest, compose.REPEAT)
    assert (repeated.dream.fill, repeated.flow.keep_light, repeated.encode.stall_timeout) == (0.3, 0.2, 9)


def test_old_names_are_read_from_own_presets(program: Program, tmp_path: Path) -> None:
    for group in ("preset", "flow"):
        (tmp_path / "mine" / group).mkdir(parents=True)
    (tmp_path / "mine" / "preset" / "own.yaml").write_text("# @package _global_\ndream: {equalize: 0.3}\n")
    (tmp_path / "mine" / "flow" / "own.yaml").write_text("ripen: 5\n")
    run = program.run("--config-dir=mine", "preset=own", "flow=own", "--cfg=job", folder=tmp_path)
    assert run.code == 0 and "fill: 0.3" in run.out and "warmup: 5" in run.out, run.err
    assert "note: dream.equalize is now dream.fill" in run.err


def test_nested_and_dotted_names_are_the_same() -> None:
    new = {"dream": {"fill": 1}, "flow.warmup": 2, "score": {"keys": [{"at": 1}]}}
    assert current_names({"dream": {"equalize": 1}, "flow.ripen": 2, "score": {"keys": [{"at": 1}]}}) == new
