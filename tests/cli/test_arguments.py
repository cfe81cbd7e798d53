"""What a command line may contain, and how Hydra reads it. Refusals: tests/test_reliability.py."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.cli.arguments import check, normalise, parse, requote
from pipeline.cli.messages import explain, is_usage_error
from pipeline.errors import RenderError
from tests.quick import QUICK


def checked(*words: str) -> list[str]:
    options = parse(words)
    check(options)
    return [*options.overrides, *options.flags]


def test_options_may_stand_anywhere() -> None:
    words = ["seed=1", "--cfg", "job", "frame.width=96", "-m", "duration=1s"]
    assert checked(*words) == ["seed=1", "frame.width=96", "duration=1s", "--cfg", "job", "-m"]


@pytest.mark.parametrize("folder", ["out", "out/${now:%H-%M}", "${seed}"])
def test_folder_of_the_run_can_be_set(folder: str) -> None:
    assert checked(f"hydra.run.dir={folder}")


def test_sweep_over_groups_and_values_passes() -> None:
    assert checked("-m", "camera=zoom,drift", "seed=choice(1,2)", "quality=draft")[-2] == "+quality=draft"


@pytest.mark.parametrize(
    ("words", "films"),
    [
        (["seed=range(1,1e9)"], "999,999,999"),
        (["seed=range(0,100)", "camera.zoom=range(1,2,0.01)"], "10,000"),
        (["seed=range(1,5,0)"], "inf"),
        (["seed=shuffle(range(0,2000))"], "2,000"),
        ([f"seed={','.join(map(str, range(40)))}", "camera=zoom,drift", "segment=range(2,29)"], "2,160"),
    ],
)
def test_sweep_has_at_most_1000_films(words: list[str], films: str) -> None:
    with pytest.raises(RenderError, match=f"would make {films} films; allowed are 1000"):
        checked("-m", *words)
    assert checked("-m", "seed=range(0,500)", "camera=zoom,drift")
    assert checked("-m", "seed=range(9,1,-1)")


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
@example("IMG (1), it's.jpg")
@example("a\\")
@example('a\\"b\\\\"')
@example("[x]=~/{y}.mp4")
@QUICK
def test_file_names_arrive_letter_by_letter(name: str) -> None:
    if name == "null" or name[0] in "\"'" or "${" in name:
        return
    (override,) = OverridesParser.create().parse_overrides([normalise(f"start.path={name}")])
    assert override.value() == name


@pytest.mark.parametrize("written", ["start.path=a.jpg,b.jpg", "start.path=choice(a,b)", "start.path='a b.jpg'"])
def test_sweep_over_files_is_not_quoted(written: str) -> None:
    assert normalise(written, sweep=True) == written


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("preset=spiral", "+preset=spiral"),
        ("+seed=4", "seed=4"),
        ("+score=constant", "score=constant"),
        ("++camera.zoom=2", "camera.zoom=2"),
        ("preview=true", "preview.on=true"),
        ("camera.zoom=0s: 1, 4s: 2", 'camera.zoom="0s: 1, 4s: 2"'),
        ("shots=3,5", 'shots="3,5"'),
    ],
)
def test_overrides_get_what_hydra_needs(written: str, normal: str) -> None:
    assert normalise(written) == normalise(normalise(written)) == normal


@given(st.text(max_size=60))
@QUICK
def test_any_argument_passes_or_is_one_sentence(text: str) -> None:
    try:
        checked(text)
    except SystemExit as error:
        assert text == "--version" and not error.code
    except RenderError as error:
        assert str(error)
    except Exception as error:
        assert is_usage_error(error) and explain(error)


def test_option_without_a_folder_names_it(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="no such folder"):
        parse([f"--config-dir={tmp_path}/none"])


@pytest.mark.parametrize("written", [r"output=film$\{seed\}.mp4", r"start.path=a\ b.jpg", "start.path='a b'", "seed=1"])
def test_what_a_sweep_writes_arrives_unchanged(written: str) -> None:
    expected, *arrived = (
        OverridesParser.create().parse_overrides([override])[0].value()
        for override in (written, requote(written), normalise(requote(written)))
    )
    assert arrived == [expected] * 2
