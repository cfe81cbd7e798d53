"""File names of inputs are letters: nothing in them is a reference, wherever they are written."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.cli.compose import make_config, typed_config
from pipeline.config import ColorConfig
from pipeline.plan.shot_list import shot_config
from pipeline.segments.record import as_text
from tests.forked import Program

NAMES = ("a${b}.jpg", "a${seed}.jpg", "${x.y}", "a${b c}", "${oc.env:HOME}", "a${b", "${", r"a\\${b}", "${${seed}}")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_inputs_are_letters(name: str) -> None:
    config = make_config([f"start.path={name}", "preset=spiral"])
    assert config.start.path == name
    config = replace(config, color=ColorConfig(lut=name))
    shot = shot_config(config, {"source": {"path": name}, "score": {"targets": [f"guide:{name}"]}})
    assert [shot.color.lut, shot.start.path, shot.source.path, *shot.score.targets] == [name] * 3 + [f"guide:{name}"]
    assert yaml.safe_load(as_text({"name": name, "film": [{"targets": [name]}]}))["film"] == [{"targets": [name]}]


@pytest.mark.parametrize("name", ["a${b}.jpg", "a${seed}.jpg", "${x.y}", "${oc.env:HOME}"])
def test_names_in_lists_are_letters(name: str) -> None:
    config = make_config(
        [
            f"film=[{{preset: spiral}}, {{start.path: '{name}'}}]",
            f'score.targets=["guide:{name}"]',
            f"audio.path='{name}'",
        ]
    )
    assert [config.film[1]["start"]["path"], config.audio.path] == [name, name]
    assert config.score.targets == [f"guide:{name}"]


def test_names_in_presets_are_letters(program: Program, tmp_path: Path) -> None:
    (tmp_path / "preset").mkdir()
    for number, name in enumerate(("a${seed}.jpg", "a${b")):
        shots = [{"preset": "portrait", "start": {"path": name}}, {"preset": "portrait", "start.path": name}]
        for kind, table in (("film", {"film": shots}), ("shot", {"start": {"kind": "image", "path": name}})):
            text = "# @package _global_\n" + yaml.safe_dump(table)
            (tmp_path / "preset" / f"{kind}{number}.yaml").write_text(text)
            run = program.run("--config-dir=.", f"preset={kind}{number}", "output=f.mp4", folder=tmp_path)
            assert f"start.path={name}: there is no such file" in run.err, run.err


@pytest.mark.parametrize("name", ['Träume "x"', "a\\", r"a\\b", "${seed}", "it's, [b]"])
def test_folder_of_presets_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name / "preset").mkdir(parents=True)
    (tmp_path / name / "preset" / "mine.yaml").write_text("# @package _global_\nseed: 7\n")
    assert typed_config([f"--config-dir={tmp_path / name}", "preset=mine"]).seed == 7


def test_output_may_refer_to_settings() -> None:
    assert make_config(["output=a${seed}.mp4", "seed=3"]).output == "a3.mp4"
    assert make_config(["output=a${b}.mp4"]).output == "a${b}.mp4"
