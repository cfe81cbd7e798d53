"""Every command, signal and preset in docs/music.md works on a song."""

import re
import shlex
from pathlib import Path

import pytest

from pipeline.cli.compose import make_config
from pipeline.cli.sanitize import choices
from pipeline.plan.planner import plan_film
from pipeline.plan.score import plan_score
from pipeline.plan.score_chart import as_png
from pipeline.plan.score_data import film_config, film_music, sample_score
from pipeline.timing.signals import COUNTS, SMOOTH
from tests.media.drawing import draw
from tests.music.drawn import Drawing

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "music.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song")
    draw(path / "song.mp3", "-i", f"file:{Drawing(120, seconds=34).save(path / 'song.wav')}")
    (path / "song.txt").write_text("2\t2\tverse\n12\t12\tdrop\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_makes_a_score(folder: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.chdir(folder)
    words = shlex.split(line)
    assert words[:2] == ["python", "-m"] and words[2] in ("pipeline.render", "pipeline.score")
    config = make_config(words[3:])
    plan = plan_film(film_config(config), folder, "film")
    sheet = sample_score(
        plan_score(plan.shots[0]), float(plan.fps), plan.frames, plan.shots[0].scales(), film_music(plan)
    )
    if "duration=" not in line:
        assert plan.frames == (34 - 2 * ("start=verse" in line)) * 24
    assert sheet.music is not None and len(sheet.music.beats) >= 4 * len(sheet.music.bars) - 4 > 0
    assert as_png(sheet, "song")[:4] == b"\x89PNG"


def test_every_signal_is_documented() -> None:
    for name in (*SMOOTH, *COUNTS):
        assert f"`{name}`" in TEXT or f"`{name}(" in TEXT


def test_every_preset_is_documented() -> None:
    for name in choices("preset"):
        assert not name.startswith("music") or f"| `{name}` |" in TEXT
