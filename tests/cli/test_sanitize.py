"""What passes the gate: settings, options and presets of one's own; what is refused is in tests/data/bad_input.yaml."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.cli import compose, safe_yaml, sanitize
from pipeline.errors import InputError, RenderError
from tests.forked import Program
from tests.quick import QUICK

PRESET = """# @package _global_
defaults:
  - override /camera: spiral
seed: 5
frame: {width: 96, height: '${frame.width}'}
"""


def test_presets_of_ones_own_are_read(program: Program, tmp_path: Path) -> None:
    (tmp_path / "mine" / "preset").mkdir(parents=True)
    (tmp_path / "mine" / "preset" / "own.yaml").write_text(PRESET, encoding="utf-8")
    (tmp_path / "mine" / "whole.yaml").write_text("defaults: [config, _self_]\nseed: 6\n", encoding="utf-8")
    run = program.run("--config-dir=mine", "preset=own", "--cfg=job", "--resolve", folder=tmp_path)
    assert run.code == 0, run.err
    assert "seed: 5\n" in run.out and "rotate: 14.0\n" in run.out and "height: 96\n" in run.out
    run = program.run("--config-dir=mine", "--config-name=whole", "--cfg=job", folder=tmp_path)
    assert "seed: 6\n" in run.out, run.err


def test_options_may_stand_anywhere() -> None:
    asked = ["seed=1", "--cfg", "job", "frame.width=96", "-m", "duration=1s"]
    assert sanitize.check_arguments(asked) == ["--cfg", "job", "-m", "seed=1", "frame.width=96", "duration=1s"]


@pytest.mark.parametrize("folder", ["out", "out/${now:%H-%M}", "${seed}"])
def test_the_runs_folder_may_be_chosen(folder: str) -> None:
    assert sanitize.check_arguments([f"hydra.run.dir={folder}"])


def test_a_sweep_of_groups_and_values_passes() -> None:
    asked = ["-m", "camera=zoom,drift", "seed=choice(1,2)", "+quality=draft"]
    assert sanitize.check_arguments(asked) == asked


@pytest.mark.parametrize(
    ("asked", "films"),
    [
        (["seed=range(1,1e9)"], "999,999,999"),
        (["seed=range(0,100)", "camera.zoom=range(1,2,0.01)"], "10,000"),
        (["seed=range(1,5,0)"], "inf"),
        (["seed=shuffle(range(0,2000))"], "2,000"),
        (
            [
                f"seed={','.join(map(str, range(40)))}",
                "camera=zoom,drift",
                "duration=choice(1s,2s,3s)",
                "segment=range(2,9)",
            ],
            "1,680",
        ),
    ],
)
def test_a_sweep_has_an_end(asked: list[str], films: str) -> None:
    with pytest.raises(RenderError) as refused:
        sanitize.check_arguments(["-m", *asked])
    assert str(refused.value) == f"{asked[-1]}: -m would make {films} films; allowed are 1000"
    assert sanitize.check_arguments(["-m", "seed=range(0,500)", "camera=zoom,drift"])
    assert sanitize.check_arguments(["-m", "seed=range(9,1,-1)"])


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
@example("IMG (1), it's.jpg")
@example("a\\")
@example('a\\"b\\\\"')
@example("[x]=~/{y}.mp4")
@QUICK
def test_names_of_files_arrive_letter_by_letter(name: str) -> None:
    if name == "null" or name[0] in "\"'" or "${" in name:
        return
    (argument,) = compose.normalise([f"start.path={name}"])
    (override,) = OverridesParser.create().parse_overrides([argument])
    assert override.value() == name


@pytest.mark.parametrize("written", ["start.path=a.jpg,b.jpg", "start.path=choice(a,b)", "start.path='a b.jpg'"])
def test_sweeps_over_files_and_quoted_names_stay_as_they_are(written: str) -> None:
    assert compose.normalise(["-m", written]) == ["-m", written]


@given(st.text(max_size=60))
@QUICK
def test_any_argument_passes_or_is_refused_in_one_sentence(text: str) -> None:
    try:
        sanitize.check_arguments([text])
    except RenderError as error:
        assert str(error)
    except Exception as error:
        from pipeline.cli.compose import explain, is_usage_error

        assert is_usage_error(error) and explain(error)


@given(st.text(max_size=200))
@QUICK
def test_any_text_is_a_table_or_refused(text: str) -> None:
    try:
        assert isinstance(safe_yaml.parse(text, "x.yaml"), dict)
    except RenderError as error:
        assert "x.yaml" in str(error)


@pytest.mark.parametrize("reads_ahead", [0, 3, 1000])
@pytest.mark.parametrize("deep", ["[" * 17, "[" * 5000, "[\n" * 5000, "{a: " * 5000])
def test_brackets_too_deep_are_said_in_our_words_whenever_yaml_gives_up(
    monkeypatch: pytest.MonkeyPatch, deep: str, reads_ahead: int
) -> None:
    """A reader may have a limit of its own, and meet it before it has told of one bracket."""
    text = f"seed: 1\na: {deep}"

    def parse(stream: str, Loader: object) -> Iterator[yaml.Event]:  # noqa: N803
        yield from itertools.islice(yaml_parse(stream, Loader=Loader), reads_ahead)
        raise yaml.scanner.ScannerError(problem="no more", problem_mark=yaml.Mark("", len(text), 9, 9, None, None))

    yaml_parse = yaml.parse
    monkeypatch.setattr(yaml, "parse", parse)
    with pytest.raises(
        InputError, match=r"^x.yaml, line \d+: lists and tables stand within each other at most 16 deep$"
    ):
        safe_yaml.parse(text, "x.yaml")


@pytest.mark.parametrize("deep", ["[" * 5000, "- " * 5000, "? " * 5000, "{a: " * 5000, "[" * 17 + "]" * 17])
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_what_stands_too_deep_is_said_with_its_line(monkeypatch: pytest.MonkeyPatch, deep: str, loader: str) -> None:
    monkeypatch.setattr(yaml, "CSafeLoader", getattr(yaml, loader, yaml.SafeLoader), raising=False)
    with pytest.raises(InputError, match=r"^x.yaml, line 3: lists and tables stand within each other at most 16 deep$"):
        safe_yaml.parse(f"seed: 1\na:\n{deep}\n", "x.yaml")


def test_brackets_behind_what_is_malformed_are_not_counted() -> None:
    with pytest.raises(InputError, match=r"^x.yaml is no YAML that can be read: "):
        safe_yaml.parse(f"a: [1\nb: ]: {'[' * 99}", "x.yaml")


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("plain", False),
        ("${frame.width}", False),
        ("${a.b[0]} and ${c}", False),
        ("${oc.env:HOME}", True),
        ("${${a}:HOME}", True),
        ("${a${b}}", True),
        ("x ${ frame.width }", True),
        ("${", True),
    ],
)
def test_only_references_to_settings_stay_inside(text: str, outside: bool) -> None:
    assert safe_yaml.reaches_outside(text) == outside


def test_foreign_names_are_shown_on_one_line() -> None:
    assert safe_yaml.shown("a\x1b[2J\nb") == "a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}b"
    assert len(safe_yaml.shown("x" * 500)) == safe_yaml.LONGEST
