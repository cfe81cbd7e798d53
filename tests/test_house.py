"""Imports point down, heavy libraries have one home, files and parameter lists stay short."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PIPELINE = Path(__file__).resolve().parent.parent / "pipeline"
# A module may import from the lines below its own. Rooms on one line never import each other.
LAYERS = (
    ("live", "variations", "studio", "api"),
    ("render", "atlas", "storyboard", "imagine", "train"),
    ("web", "cli"),
    ("film",),
    ("farm",),
    ("segments", "build", "pictures"),
    ("shot", "plan", "inputs", "latent"),
    ("score", "motion", "dream", "color", "media", "music"),
    ("cue",),
    ("targets", "timing", "networks", "projection"),
    ("image",),
    ("runtime", "config"),
    ("errors",),
)
EXCEPTION = "score.__main__"  # `python -m pipeline.score` is a command, whatever room its name puts it in
WITHOUT_TORCH = (
    *("render", "cli", "plan", "config", "errors", "score", "timing", "targets", "runtime.cache", "runtime.files"),
    *("atlas.__main__", "atlas.cli", "atlas.selection", "storyboard.__main__"),
    *("variations.__main__", "variations.config"),
    *("live.__main__", "live.config", "live.controls"),
    *("imagine.__main__", "imagine.config", "networks.generator_header"),
    *("train.__main__", "train.config", "networks.trained_header", "networks.metadata"),
    "studio",
)
HOMES = {
    "torchvision": {"dream/model_zoo.py", "dream/feature_extractor.py", "motion/raft.py", "inputs/depth.py"},
    "timm": {"dream/timm_models.py", "inputs/depth.py"},
    "open_clip": {"dream/clip_models.py"},
    "huggingface_hub": {"dream/timm_models.py", "dream/clip_models.py"},
    "hydra": {f"cli/{name}.py" for name in ("main", "arguments", "compose", "messages", "shot_presets", "sanitize")},
    "imageio_ffmpeg": {"media/ffmpeg.py"},
    "cv2": {"runtime/opencv.py"},
    "starlette": {"web/server.py", "web/film_routes.py", "live/routes.py", "studio/routes.py"},
    "uvicorn": {"web/server.py"},
    "OpenEXR": {"media/encode/float_pictures.py"},
    "tifffile": {"media/encode/float_pictures.py"},
    "pythonosc": {"live/osc.py"},
    "ray": {"farm/ray_cluster.py"},
}
MAX_LINES, MAX_PARAMETERS = 250, 8
FILES = sorted(PIPELINE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PIPELINE).with_suffix("").parts).removesuffix(".__init__")


def imports(tree: ast.Module, *, only_at_import: bool = False) -> set[str]:
    names: set[str] = set()
    for node in tree.body if only_at_import else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer(module: str) -> int:
    return next(number for number, rooms in enumerate(LAYERS) if module.split(".")[0] in rooms)


IMPORTS = {path: imports(tree) for path, tree in TREES.items()}


def test_imports_point_down() -> None:
    wrong = []
    for path, names in IMPORTS.items():
        module = name_of(path)
        for name in names if module not in ("__init__", EXCEPTION) else ():
            other = name.removeprefix("pipeline.")
            if other != name and other.split(".")[0] != module.split(".")[0] and layer(other) <= layer(module):
                wrong.append(f"{module} imports {other}")
    assert not wrong


def test_config_is_checked_before_torch_loads() -> None:
    heavy = ("torch", "torchvision", "cv2", "pipeline.dream", "pipeline.shot", "pipeline.film", "pipeline.segments")
    for path, tree in TREES.items():
        module = name_of(path)
        if module in WITHOUT_TORCH or module.split(".")[0] in WITHOUT_TORCH:
            assert not [name for name in imports(tree, only_at_import=True) if name.startswith(heavy)], module


@pytest.mark.parametrize(("library", "homes"), HOMES.items())
def test_library_has_one_home(library: str, homes: set[str]) -> None:
    users = [path for path, names in IMPORTS.items() if library in {name.split(".")[0] for name in names}]
    assert {path.relative_to(PIPELINE).as_posix() for path in users} <= homes


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_is_short_and_documented(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert "util" not in path.stem
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef):
            given = node.args
            count = len([*given.posonlyargs, *given.args, *given.kwonlyargs])
            own = given.args[:1] and given.args[0].arg in ("self", "cls")
            assert count - bool(own) <= MAX_PARAMETERS, f"{node.name} has {count} parameters"
    assert path.name == "__init__.py" or ast.get_docstring(TREES[path])
    for node in TREES[path].body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


NO_NAMES = {"found", "seen", "kept", "wanted", "heard", "said", "asked", "told", "beside", "whoever", "reckoned"}


def names_in(tree: ast.Module) -> Iterator[str]:
    """The names of functions, classes, arguments, variables and attributes."""
    for node in ast.walk(tree):
        for field in ("name", "arg", "id", "attr", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield name


def test_names_are_plain_words() -> None:
    assert {"found", "is_seen"} <= set(names_in(ast.parse("def f(found): return found.is_seen")))
    used = {(name_of(path), name) for path, tree in TREES.items() for name in names_in(tree)}
    assert not {(file, name) for file, name in used if NO_NAMES & set(name.lower().split("_"))}


def test_package_root_holds_rooms() -> None:
    assert len(list(PIPELINE.glob("*.py"))) <= 8
