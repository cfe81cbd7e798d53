"""The house stands: imports run one way, heavy libraries stay where they belong, rooms stay small."""

import ast
from pathlib import Path

import pytest

PIPELINE = Path(__file__).resolve().parent.parent / "pipeline"

# Data flows from the top down; a floor may import what stands below it. Rooms on one floor do not know each other.
FLOORS = (
    ("render", "score.__main__", "storyboard", "atlas.__main__"),
    ("launch",),
    ("crew",),
    ("film", "atlas", "page"),
    ("reel",),
    ("take", "seam"),
    ("job", "opened", "build", "record", "composition", "sheet", "sheet_picture"),
    ("shot",),
    ("start", "cut"),
    ("closing",),
    ("plan", "source"),
    ("stretch", "repeat", "inputs", "work", "music", "sizes", "timetable"),
    ("score", "motion", "dream", "media"),
    ("networks",),
    ("member", "places"),
    ("progress", "randomness", "device", "heap", "stop", "kin", "loop"),
    ("command",),
    ("preset",),
    ("gate", "typed"),
    ("cutlist",),
    ("target",),
    ("region",),
    ("layers",),
    ("config", "link"),
    ("plain", "cache"),
    ("errors",),
)
LIGHT = (
    *("render", "launch", "command", "preset", "cutlist", "typed", "gate", "plain", "repeat", "inputs"),
    *("crew", "member", "places"),
    *("composition", "cut", "closing", "timetable", "plan", "sizes", "sheet", "sheet_picture"),
    *("cache", "kin", "layers", "config", "errors", "region", "target", "score"),
    *("atlas.__main__", "atlas.words", "atlas.choice", "atlas.subject", "storyboard.__main__"),
)  # answer without torch
ONLY = {
    "torchvision": {"dream/zoo.py", "dream/trace.py", "motion/raft.py"},
    "hydra": {"launch.py", "command.py", "preset.py", "gate.py"},
    "imageio_ffmpeg": {"media/ffmpeg.py"},
    "starlette": {"page/server.py"},
    "uvicorn": {"page/server.py"},
}


def modules() -> list[str]:
    found = (path.relative_to(PIPELINE).with_suffix("") for path in PIPELINE.rglob("*.py"))
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in found)


def imported(module: str, *, top_level_only: bool = False) -> set[str]:
    path = PIPELINE / (module.replace(".", "/") + ".py")
    path = path if path.exists() else PIPELINE / module.replace(".", "/") / "__init__.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def floor(module: str) -> int | None:
    """The number of the floor whose room the module is or stands in, counted from the top."""
    rooms = [(level, room) for level, names in enumerate(FLOORS) for room in names]
    fitting = [(len(room), level) for level, room in rooms if f"{module}.".startswith(f"{room}.")]
    return max(fitting)[1] if fitting else None


def test_imports_point_down_and_rooms_on_a_floor_do_not_know_each_other() -> None:
    wrong = []
    for module in modules():
        if module in ("", "__init__"):
            continue
        here = floor(module)
        assert here is not None, f"{module} has no floor"
        for name in imported(module):
            if not name.startswith("pipeline."):
                continue
            target = name.removeprefix("pipeline.")
            there = floor(target)
            same_room = module.split(".")[0] == target.split(".")[0]
            if there is None or there < here or (there == here and not same_room and here not in SHARED_FLOORS):
                wrong.append(f"{module} imports {target}")
    assert not wrong


# Small helpers that may know each other.
SHARED_FLOORS = tuple(FLOORS.index(names) for names in FLOORS if names[0] in ("progress", "command", "job"))


def test_torch_is_not_loaded_before_the_config_is_valid() -> None:
    heavy = ("torch", "torchvision", "cv2", "pipeline.dream", "pipeline.media", "pipeline.film", "pipeline.shot")
    for module in modules():
        if module in LIGHT or module.split(".")[0] in LIGHT:
            loaded = imported(module, top_level_only=True)
            assert not [name for name in loaded if name.startswith(heavy)], module


@pytest.mark.parametrize(("library", "homes"), ONLY.items())
def test_some_libraries_have_one_home(library: str, homes: set[str]) -> None:
    users = set()
    for module in modules():
        if any(name.split(".")[0] == library for name in imported(module)):
            users.add(module.replace(".", "/") + ".py")
    assert users <= homes


def test_files_are_short_and_nothing_is_called_utils() -> None:
    for path in PIPELINE.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 280, path
        assert "util" not in path.stem


def test_every_public_function_and_class_says_what_it_does() -> None:
    silent = []
    for path in PIPELINE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.name != "__init__.py" and not ast.get_docstring(tree):
            silent.append(str(path))
        for node in tree.body:
            named = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if named and not ast.get_docstring(node):
                silent.append(f"{path.name}:{node.name}")
    assert not silent
