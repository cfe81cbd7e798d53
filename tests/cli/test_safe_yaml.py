"""Foreign YAML is plain and bounded, or refused in one sentence that names the file and the line."""

from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import safe_yaml
from pipeline.errors import InputError, RenderError
from tests.quick import QUICK


@given(st.text(max_size=200))
@QUICK
def test_any_text_is_a_table_or_refused(text: str) -> None:
    try:
        assert isinstance(safe_yaml.parse(text, "x.yaml"), dict)
    except RenderError as error:
        assert "x.yaml" in str(error)


@pytest.mark.parametrize("deep", ["[" * 17, "[" * 5000, "[\n" * 5000, "{a: " * 5000])
def test_deep_brackets_never_reach_the_parser(monkeypatch: pytest.MonkeyPatch, deep: str) -> None:
    """Newer parsers have their own limit, with their own words."""

    def parse(stream: str, Loader: object) -> Iterator[yaml.Event]:  # noqa: N803
        raise yaml.scanner.ScannerError(problem="no more")

    monkeypatch.setattr(yaml, "parse", parse)
    with pytest.raises(RenderError, match=rf"^x.yaml, line \d+: {safe_yaml.TOO_DEEP}$"):
        safe_yaml.parse(f"seed: 1\na: {deep}", "x.yaml")


@pytest.mark.parametrize("deep", ["- " * 5000, "? " * 5000, "[" * 17 + "]" * 17])
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_depth_is_refused_with_its_line(monkeypatch: pytest.MonkeyPatch, deep: str, loader: str) -> None:
    monkeypatch.setattr(yaml, "CSafeLoader", getattr(yaml, loader, yaml.SafeLoader), raising=False)
    with pytest.raises(RenderError, match=rf"^x.yaml, line 3: {safe_yaml.TOO_DEEP}$"):
        safe_yaml.parse(f"seed: 1\na:\n{deep}\n", "x.yaml")


@pytest.mark.parametrize("text", ["a: !!int 3", "a: &x 1", "a: [1\nb: ]:", "a: 1\na: 2", "- 1", "\x00"])
def test_anything_but_a_plain_table_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^x\.yaml"):
        safe_yaml.parse(text, "x.yaml")


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
    assert len(safe_yaml.shown("x" * 500)) == safe_yaml.MAX_SHOWN
