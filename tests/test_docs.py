"""The examples of the manual are what the program understands."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose as compose_config
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from pipeline.cli import compose
from pipeline.config import LimitsConfig, settings
from pipeline.plan.score import score_of
from pipeline.plan.score_data import film_of, make_sheet
from pipeline.plan.shot_plan import make_plan
from pipeline.targets.target import parse_target

DOCS = Path(__file__).resolve().parent.parent / "docs" / "score.md"
TEXT = DOCS.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
SETTINGS = [block for kind, block in BLOCKS if kind == "yaml"]
TARGETS = re.findall(r"^\| `([^`=]+)` \|", TEXT.partition("## Targets")[2].partition("##")[0], re.MULTILINE)


def drawn(folder: Path, overrides: list[str], more: dict[str, object] | None = None) -> int:
    """How many different sights the film with these overrides has."""
    compose.register()
    with initialize_config_dir(str(compose.CONF), version_base="1.3"):
        tree = compose_config("config", compose.normalise(overrides))
    config = compose.read(OmegaConf.merge(tree, more or {}))  # type: ignore[arg-type]
    plan = make_plan(film_of(config), folder, "film")
    sheet = make_sheet(score_of(plan), float(plan.fps), plan.frames, plan.scales())
    return len({str(sight) for sight in sheet.targets})


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "pipeline.score"]
    assert drawn(tmp_path, [word for word in words[3:] if not word.startswith("export=")]) >= 1


@pytest.mark.parametrize("block", SETTINGS)
def test_every_yaml_is_understood(tmp_path: Path, block: str) -> None:
    assert drawn(tmp_path, [], OmegaConf.to_container(OmegaConf.create(block))) > 90  # type: ignore[arg-type]


@pytest.mark.parametrize("text", TARGETS)
def test_every_target_is_understood(text: str) -> None:
    assert parse_target(text, "key").kind in ("layer", "dir", "diverse", "class", "guide")


def test_the_examples_were_found() -> None:
    assert len(COMMANDS) >= 8 and len(SETTINGS) == 1 and len(TARGETS) == 8


ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "pipeline").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_every_limit_is_documented() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for key, item, value in settings(LimitsConfig()):
        assert f"| limits.{key} | {value:g} | {item.metadata['help']} |" in page
