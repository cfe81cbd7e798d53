"""Presets of one's own are read. What they may not contain: tests/test_reliability.py."""

import os
from pathlib import Path

import pytest

from pipeline.cli import sanitize
from tests.forked import Program

PRESET = """# @package _global_
defaults:
  - override /camera: spiral
seed: 5
frame: {width: 96, height: '${frame.width}'}
"""


def test_own_presets_are_read(program: Program, tmp_path: Path) -> None:
    (tmp_path / "mine" / "preset").mkdir(parents=True)
    (tmp_path / "mine" / "preset" / "own.yaml").write_text(PRESET, encoding="utf-8")
    (tmp_path / "mine" / "whole.yaml").write_text("defaults: [config, _self_]\nseed: 6\n", encoding="utf-8")
    run = program.run("--config-dir=mine", "preset=own", "--cfg=job", "--resolve", folder=tmp_path)
    assert run.code == 0, run.err
    assert "seed: 5\n" in run.out and "rotate: 14.0\n" in run.out and "height: 96\n" in run.out
    run = program.run("--config-dir=mine", "--config-name=whole", "--cfg=job", folder=tmp_path)
    assert "seed: 6\n" in run.out, run.err


def test_own_files_are_read_again_once_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanitize, "CONF", tmp_path.resolve())
    path, source = tmp_path / "own.yaml", sanitize.CheckedFiles("main", f"file://{tmp_path}")
    for number in (1, 2):
        path.write_text(f"seed: {number}\n")
        os.utime(path, (number, number))
        first = source.load_config("own").config
        first.seed = 99  # what one composition changes, the next one does not see
        assert source.load_config("own").config.seed == number
