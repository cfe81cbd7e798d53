"""The files that a film's settings name, by their content: listed on one machine, located on another."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from pipeline.config.render import INPUT_FILES
from pipeline.errors import InputError
from pipeline.plan.film_plan import FilmPlan
from pipeline.runtime.cache import cache_folder
from pipeline.runtime.files import atomic_write, sha256_of
from pipeline.segments.record import content_sha256, replace_names
from pipeline.segments.request import named_files

Fetch = Callable[[str], Iterator[bytes]]
"""SHA-256 of a file → its content in pieces."""


@dataclass(frozen=True)
class Input:
    """A file, or the numbered pictures of a folder, which ``path`` names; ``files``: (name, SHA-256) of each.

    ``sha256`` is that of all of it. ``is_cached`` weights belong into torchvision's cache.
    """

    path: str
    sha256: str
    files: tuple[tuple[str, str], ...]
    is_folder: bool = False
    is_cached: bool = False


def list_inputs(names: Iterable[str], weights: Iterable[Path]) -> list[Input]:
    """The inputs of these names; ``weights`` are those of networks. Those of a package are not listed."""
    cache = _weights_folder()
    cached = [path for path in weights if path.parent == cache]
    return [_input(name) for name in sorted(names)] + [
        Input(str(path), sha256_of(path), ((path.name, sha256_of(path)),), is_cached=True) for path in cached
    ]


def film_names(plan: FilmPlan) -> set[str]:
    """The files that the settings of a film name, also in targets and for other networks."""
    names = settings_names(asdict(plan.request))
    for shot in plan.shots:
        others = (shot.config.network.others or {}).values()
        files = {*shot.guides, *shot.masks}
        files |= {entry[key] for entry in others for key in ("weights", "class_names") if entry.get(key)}
        names |= {name for name in files if _input_exists(Path(name))}
    return names


def settings_names(settings: Mapping[str, Any]) -> set[str]:
    """The files that settings name."""
    return {name for name in named_files(settings) if _input_exists(Path(name))}


def absolute(settings: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The settings with absolute paths of all inputs, which have these ``names``."""
    moved = {name: str(Path(name).absolute()) for name in names if not Path(name).is_absolute()}
    return _renamed(settings, dict(sorted(moved.items(), key=lambda item: -len(item[0]))))


def paths_of(inputs: Iterable[Input]) -> dict[Path, str]:
    """File → SHA-256 of all inputs."""
    return {
        (Path(each.path) if not each.is_folder else _folder(Path(each.path)) / name): sha256
        for each in inputs
        for name, sha256 in each.files
    }


def read_inputs(data: Any) -> list[Input]:
    """Inputs from the plain data of a task. Raises InputError."""
    try:
        inputs = [Input(**{**each, "files": tuple((name, sha256) for name, sha256 in each["files"])}) for each in data]
    except (TypeError, KeyError, ValueError) as error:
        raise InputError("the inputs of the task are not written as this version writes them") from error
    for each in inputs:
        if not all(_is_plain(name) and len(sha256) == 64 and sha256.isalnum() for name, sha256 in each.files):
            raise InputError(f"{each.path}: a task names files without folders, and their SHA-256")
    return inputs


def missing(inputs: Sequence[Input]) -> list[str]:
    """The SHA-256 of every file that is neither at its path nor in this machine's cache."""
    return [
        sha256
        for each in inputs
        if not _is_here(each)
        for name, sha256 in each.files
        if not (_cached(each) / name).is_file()
    ]


def fetch_missing(inputs: Sequence[Input], fetch: Fetch) -> None:
    """Store the missing files in the cache, each under its final name once it is complete. Raises InputError."""
    absent = set(missing(inputs))
    for each in inputs:
        for name, sha256 in each.files:
            path = _cached(each) / name
            if sha256 not in absent or path.is_file():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with atomic_write(path) as part, part.open("wb") as file:
                for block in fetch(sha256):
                    digest.update(block)
                    file.write(block)
                if digest.hexdigest() != sha256:
                    raise InputError(f"{name} was damaged on its way")


def with_local_paths(settings: Mapping[str, Any], inputs: Sequence[Input]) -> Any:
    """The settings with every input where this machine has it."""
    moved = {each.path: str(_local(each)) for each in inputs if not each.is_cached and not _is_here(each)}
    return _renamed(settings, dict(sorted(moved.items(), key=lambda item: -len(item[0]))))


def _input_exists(path: Path) -> bool:
    return path.is_file() or path.is_dir() or ("%" in path.name and path.parent.is_dir())


def _is_of_network(key: str) -> bool:
    return "network.others." in key and key.endswith((".weights", ".class_names"))


def _renamed(node: Any, paths: Mapping[str, str], key: str = "") -> Any:
    if isinstance(node, dict):
        return {
            (replace_names(name, paths) if "guide:" in name else name): _renamed(
                value, paths, f"{key}.{name}".lstrip(".")
            )
            for name, value in node.items()
        }
    if isinstance(node, list):
        return [_renamed(value, paths, "" if key in ("film", "presets") else key) for value in node]
    if not isinstance(node, str):
        return node
    if key in INPUT_FILES or _is_of_network(key) or key.startswith("audio.stems."):
        return paths.get(node, node)
    return replace_names(node, paths) if "guide:" in node or "{" in node else node


def _input(name: str) -> Input:
    path = Path(name)
    if path.is_file():
        sha256 = sha256_of(path)
        return Input(str(path.absolute()), sha256, ((path.name, sha256),))
    files = sorted(item for item in _folder(path).iterdir() if item.is_file())
    digests = tuple((file.name, sha256_of(file)) for file in files)
    return Input(str(path.absolute()), content_sha256(path), digests, is_folder=True)


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _local(each: Input) -> Path:
    """Where this machine has the input: its path, or in the cache."""
    if _is_here(each):
        return Path(each.path)
    return _cached(each) / Path(each.path).name if not each.is_folder or "%" in each.path else _cached(each)


def _cached(each: Input) -> Path:
    """The folder of its files in the cache."""
    if each.is_cached:
        return _weights_folder()
    folder = cache_folder("farm") / each.sha256
    return folder / Path(each.path).name if each.is_folder and "%" not in each.path else folder


def _is_here(each: Input) -> bool:
    """Whether the path leads to the same content on this machine, as on a shared file system."""
    path = Path(each.path)
    if not path.is_absolute() or (not each.is_folder and not path.is_file()) or not _folder(path).is_dir():
        return False
    stat = path.stat() if path.exists() else _folder(path).stat()
    try:
        return _known_sha256(path, stat.st_mtime_ns, stat.st_size) == each.sha256
    except OSError:
        return False


@lru_cache(64)
def _known_sha256(path: Path, modified: int, size: int) -> str:
    return content_sha256(path)


def _weights_folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _is_plain(name: str) -> bool:
    return bool(name) and Path(name).name == name
