"""Presets of one's own are read. What they may not contain: tests/test_reliability.py."""

from pathlib import Path

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
