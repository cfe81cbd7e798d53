"""The atlas command: sheets, page, cache and errors."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.atlas import page
from pipeline.atlas.store import Picture

QUICK = ("size=32", "steps=1")
MOTIFNET = "network=motifnet"


def atlas(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "pipeline.atlas", *arguments]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cwd / "cache")}
    return subprocess.run(program, cwd=cwd, env=environment, capture_output=True, text=True, timeout=200)


def data_of(path: Path) -> dict[str, Any]:
    result = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    assert result is not None
    data: dict[str, Any] = json.loads(result[1])
    return data


def test_sheets_and_page_are_written_from_the_cache(tmp_path: Path) -> None:
    expected = (MOTIFNET, "layers=[classes,stage1]", "channels=0..3", "diversity=2", "blend=[stage1:1,class:owl]")
    run = atlas(*QUICK, *expected, "output=book", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    names = ["atlas.stage1.png", "atlas.classes.png", "atlas.blends.png", "atlas.html"]
    assert run.stdout.split() == [f"book/{name}" for name in names]
    assert "stage1: " in run.stderr and "prefer their own picture" in run.stderr
    for name in names[:3]:
        with Image.open(tmp_path / "book" / name) as sheet:
            assert sheet.width > 300 and len(sheet.convert("L").getcolors(256) or ()) > 20
    data = data_of(tmp_path / "book" / "atlas.html")
    assert [part["name"] for part in data["sections"]] == ["stage1", "classes"]
    assert [item["target"] for item in data["sections"][1]["items"]][:2] == ["class:eye", "class:owl"]
    assert len(data["sections"][0]["sprites"]) == 2  # one for each copy
    assert [each["target"] for each in data["blends"]] == [
        "stage1:1 + 0.333*class:owl",
        "stage1:1 + class:owl",
        "0.333*stage1:1 + class:owl",
    ]
    saved = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npz")}
    assert len(saved) == 11
    more = atlas(
        *QUICK,
        MOTIFNET,
        "diversity=2",
        "layers=[stage1]",
        "channels=2..5",
        "sheet=jpeg",
        "thumb=24",
        "output=b",
        cwd=tmp_path,
    )
    assert more.stdout.split() == ["b/atlas.stage1.jpg", "b/atlas.html"], more.stderr
    now = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npz")}
    assert len(now) == 13 and saved.items() <= now.items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([MOTIFNET, "layers=[stage9]"], "layers=stage9: motifnet has no such layer (did you mean stage"),
        ([MOTIFNET, "layers=[stage1]", "channels=24..30"], "channels=24..30: stage1 has channels 0 to 23"),
        (["steps=many"], "steps=many: needs a whole number"),
        ([MOTIFNET, "dream.exponent=sin(t)", "layers=[stage1]"], "dream.exponent=sin(t): an atlas has no time"),
        (["network=motifnett"], "network=motifnett: allowed are"),
        (
            [MOTIFNET, "blend=[stage4:3,class:owll]"],
            "blend=class:owll: motifnet knows no such class (did you mean owl?)",
        ),
        ([MOTIFNET, "layers=[stage1]", "channels=0", "output=/proc"], "/proc/atlas.stage1.png cannot be written"),
    ],
)
def test_errors_are_one_sentence_and_leave_no_files(tmp_path: Path, arguments: list[str], message: str) -> None:
    run = atlas(*QUICK, *arguments, cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.startswith(f"error: {message}") and len(run.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_existing_files_need_overwrite(tmp_path: Path) -> None:
    (tmp_path / "atlas.html").write_text("precious")
    run = atlas(*QUICK, MOTIFNET, "layers=[stage1]", "channels=0", "output=.", cwd=tmp_path)
    assert run.returncode == 1 and "atlas.html exists already" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["atlas.html"]


def test_help_lists_the_settings_of_the_atlas(tmp_path: Path) -> None:
    run = atlas("--help", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    for words in ("sample=", "diversity=", "[144]", "python -m pipeline.atlas", "channels=0..63"):
        assert words in run.stdout


class _Page(HTMLParser):
    """Collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "action")]


def test_page_is_self_contained_and_escapes_names(drawn: list[Picture]) -> None:
    text = page.as_html("</script><b>net", [("classes", 9, drawn)], [])
    parser = _Page()
    parser.feed(text)
    assert parser.loaded == ["data:,"]
    assert not re.search(r"https?://|@import|url\((?!\"\$)", text)
    assert "<b>net" not in text and "</script><script>alert" not in text
    result = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert result is not None
    (chapter,) = json.loads(result[1])["sections"]
    assert [item["target"] for item in chapter["items"]] == [each.target.target for each in drawn]
    assert chapter["facts"] == "3 of 9 classes"
