"""Every command, setting, target and link in the docs works."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from hydra import compose as compose_config
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from pipeline.cli import compose, own_settings
from pipeline.cli.alternatives import sweep_arguments
from pipeline.cli.arguments import normalise
from pipeline.config import LimitsConfig, RenderConfig, settings
from pipeline.plan.planner import plan_film
from pipeline.plan.score import plan_score
from pipeline.plan.score_data import film_config, sample_score
from pipeline.targets.target import PREFIXES, parse_target
from pipeline.variations.config import VariationsConfig

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "pipeline").rglob("*.md")])
COMMAND = re.compile(r"(?:scripts/render|python -m pipeline\.(?:render|score|storyboard)) ([^`\n]*)")
COMMANDS = sorted({line for page in PAGES for line in COMMAND.findall(page.read_text(encoding="utf-8"))})
VARIATIONS = [
    line
    for page in PAGES
    for line in re.findall(r"pipeline\.variations ([^`\n]*=[^`\n]*)", page.read_text(encoding="utf-8"))
]

NEW_FILES = {"conf/score/random.yaml", "conf/encode/h266.yaml", "conf/network/NAME.yaml"}  # of worked examples

SCORE_PAGE = (ROOT / "docs" / "score.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", SCORE_PAGE, re.DOTALL)
SCORE_COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
SCORE_SETTINGS = [block for kind, block in BLOCKS if kind == "yaml"]
TARGETS = re.findall(r"^\| `([^`=]+)` \|", SCORE_PAGE.partition("## Targets")[2].partition("##")[0], re.MULTILINE)
TARGET_KINDS = frozenset({"layer", *PREFIXES})  # tests register others later


def compose_arguments(arguments: list[str], more: dict[str, Any] | None = None) -> RenderConfig:
    """The settings of a command line, with ``more`` over them."""
    compose.register()
    with initialize_config_dir(str(compose.CONF), version_base="1.3"):
        tree = compose_config("config", [normalise(argument) for argument in arguments])
    return compose.read(OmegaConf.merge(tree, more or {}))  # type: ignore[arg-type]


def count_target_mixes(folder: Path, config: RenderConfig) -> int:
    """How many different mixes of targets the film's score has."""
    plan = plan_film(film_config(config), folder, "film")
    sheet = sample_score(plan_score(plan.shots[0]), float(plan.fps), plan.frames, plan.shots[0].scales())
    return len({str(weights) for weights in sheet.targets})


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_composes(line: str) -> None:
    words = [word for word in shlex.split(line, comments=True) if not word.startswith(("export=", "video="))]
    if words[:1] == ["-m"]:  # the first film of the sweep
        words = [re.sub(r"^([\w.]+=[^\[,]+),.*", r"\1", word) for word in words[1:]]
    # a file that the reader has trained
    compose_arguments([word.replace("network=mine.safetensors", "network=motifnet") for word in words])


@pytest.mark.parametrize("line", VARIATIONS)
def test_every_command_of_variations_composes(line: str) -> None:
    _, rest = own_settings.split(shlex.split(line, comments=True), VariationsConfig())
    *words, _ = sweep_arguments(rest)
    assert words != rest  # there are several films
    compose_arguments([re.split(r"\||\.\.", word)[0] for word in rest])  # the first one


@pytest.mark.parametrize("line", SCORE_COMMANDS)
def test_every_score_command_makes_a_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "pipeline.score"]
    arguments = [word for word in words[3:] if not word.startswith("export=")]
    assert count_target_mixes(tmp_path, compose_arguments(arguments)) >= 1


@pytest.mark.parametrize("block", SCORE_SETTINGS)
def test_every_yaml_example_makes_a_score(tmp_path: Path, block: str) -> None:
    more = OmegaConf.to_container(OmegaConf.create(block))
    assert count_target_mixes(tmp_path, compose_arguments([], more)) > 90  # type: ignore[arg-type]


@pytest.mark.parametrize("text", TARGETS)
def test_every_target_parses(text: str) -> None:
    assert parse_target(text, "key").kind in TARGET_KINDS


def test_docs_have_examples_of_every_kind() -> None:
    assert COMMANDS and SCORE_COMMANDS and SCORE_SETTINGS and VARIATIONS
    assert {parse_target(text, "key").kind for text in TARGETS} == TARGET_KINDS


def test_change_of_a_network_family_is_its_file() -> None:
    page = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    for path, lines in re.findall(r"\+\+\+ b/(\S+)\n(.*?)```", page, re.DOTALL):
        assert re.sub(r"^\+", "", lines, flags=re.MULTILINE) == (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_named_in_the_docs_exists(page: Path) -> None:
    for path in re.findall(r"`((?:pipeline|scripts|tests|conf|docs)/[\w/.]+)`", page.read_text(encoding="utf-8")):
        assert path in NEW_FILES or (ROOT / path).exists(), path


def test_architecture_names_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "pipeline").iterdir():
        if path.is_dir() and not path.name.startswith("_"):
            assert f"`{path.name}/`" in page, path.name
        elif path.suffix == ".py" and path.stem != "__init__":
            assert f"`{path.stem}`" in page, path.name


def test_every_limit_is_documented() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for key, item, value in settings(LimitsConfig()):
        assert f"| limits.{key} | {value:g} | {item.metadata['help']} |" in page
