"""``from=film.mp4``: a run repeated from the record inside its own video, or from its ``run.yaml``. No torch.

The record is data: every value is checked against the schema like one that is typed, none can name code, and no file is
opened that the user has not typed. What is typed wins: a setting over the record's, a group over all that it has of it.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

import pipeline
from pipeline.cli import compose, safe_yaml
from pipeline.config import RenderConfig, settings, validate
from pipeline.errors import ConfigError, InputError, RenderError, nearest
from pipeline.runtime.files import check_regular
from pipeline.score.target_weights import written_targets

FROM = re.compile(r"\+{0,2}from=(.*)", re.DOTALL)
FILES = {  # settings that name a file, and what it is
    "start.path": "a picture",
    "source.path": "footage",
    "network.weights": "a file of weights",
    "score.guide": "a picture",
    "audio.path": "a song",
}
WRITTEN = ("score.targets", "score.keys", "network.targets")  # settings in which targets name pictures and masks
# What only the person may say.
NEVER = ("output", "overwrite", "resume", "keep_segments", "frames", "jobs", "preview", "limits")
REMOVED = ("dream.adaptive", "dream.thrift")  # settings that older records have
RUNS = (".yaml", ".yml")


@dataclass(frozen=True)
class Repeat:
    """A run that is repeated: the file it is taken from, what else was typed, the plain names of the files that it was
    ``made_from`` by setting, the SHA-256 of their ``contents`` by setting or target, and its network.
    """

    path: Path
    typed: frozenset[str]
    made_from: dict[str, str]
    contents: dict[str, str]
    network: str
    note: str

    def check(self, config: RenderConfig) -> Iterator[str]:
        """Notes about files that differ. Raises ConfigError for a file that the film needs and nobody has typed."""
        if self.note:
            yield self.note
        values = {key: value for key, _, value in settings(config)}
        for key, name in self.made_from.items():
            if not _is_used(key, config, self.network):
                continue
            if key in FILES and values.get(key) is None and key not in self.typed:
                made = f"{self.path} was made from {FILES[key]} named {name}; give {key}=FILE"
                raise RenderError(f"{key}: {made}")
            if key in WRITTEN and not values[key] and key not in self.typed:
                made = f"{self.path} was made with the file {name} in its targets; give {key}=[…] with it again"
                raise RenderError(f"{key}: {made}")
        files = [(key, str(values[key])) for key in FILES if values.get(key) and _is_used(key, config, self.network)]
        for key, file in [*files, *((f"{kind}:{Path(file).name}", file) for kind, file in _pictures(config))]:
            sha256 = self.contents.get(key, "")
            if sha256 and _differs(Path(file), sha256):
                yield f"{file} is not the file that {self.path} was made from ({key}): its SHA-256 differs"


def take(arguments: list[str]) -> tuple[list[str], Repeat | None]:
    """The arguments without ``from=``, and the run that it names, laid under the others. Raises RenderError kinds."""
    found = [match for match in map(FROM.fullmatch, arguments) if match]
    if not found:
        return arguments, None
    if len(found) > 1:
        raise RenderError("from: it is given twice; a run is repeated from one film")
    written = re.sub(r"(['\"])(.*)\1", r"\2", found[0][1], flags=re.DOTALL)
    if not written:
        raise ConfigError("from", "", "name a film, or its run.yaml")
    path, rest = Path(written), [word for word in arguments if word != found[0][0]]
    record = _read(path)
    config = record.get("config")
    if not isinstance(config, dict):
        raise InputError(f"from={path}: its record has no config; it is not of a film of this program")
    typed = frozenset(re.split(r"[=@]", word.lstrip("+~"))[0] for word in rest)
    if "preset" in typed:
        raise RenderError("preset: a run that is repeated has its own; type the settings that should differ")
    made_from, contents = _inputs(record)
    values = {}
    for key, value in _known(config, path, _shown_program(record)):
        if key.partition(".")[0] in typed:  # another choice of its group, such as camera=static
            continue
        if key in FILES:
            if value is not None:
                made_from.setdefault(key, _plain_name(value))
        elif key in WRITTEN and (files := _files(key, value)):
            made_from[key] = ", ".join(_plain_name(file) for _, file in files)
        else:
            values[key] = value
    _check(values, path)
    compose.lay_under(_nested(values))
    network = str(values.get("network.name", ""))
    return rest, Repeat(path, typed, made_from, contents, network, _note(record, path))


def _read(path: Path) -> dict[str, Any]:
    """The record of a film, or that beside it."""
    if not path.is_dir():  # a film of numbered pictures is a folder
        check_regular(path, f"from={path}")
    if path.suffix.lower() in RUNS:
        text = safe_yaml.read_text(path)
    else:
        from pipeline.media.encode.mux import read_record

        try:
            text = read_record(path)
        except InputError as error:
            raise InputError(f"from={path}: {error}") from error
    if len(text.encode()) > safe_yaml.LARGEST:
        raise InputError(f"from={path}: its record is larger than {safe_yaml.LARGEST // 1024} kB")
    return safe_yaml.parse(text, f"the record of {path}")


def _known(config: Any, path: Path, program: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key, value) for every setting of the record's config; InputError for one that does not exist."""
    keys = [key for key, _, _ in settings(RenderConfig())]
    for name, value in config.items():
        key = f"{prefix}{name}"
        if key in (*NEVER, *REMOVED):
            continue
        if key in keys:
            if any(isinstance(leaf, str) and "${" in leaf for _, leaf in safe_yaml.leaves(value)):
                raise InputError(f"from={path}: {key} in its record is no plain value")
            yield key, value
        elif isinstance(value, dict) and any(known.startswith(f"{key}.") for known in keys):
            yield from _known(value, path, program, f"{key}.")
        else:
            foreign = f"{safe_yaml.shown(key)} in its record, which {program} wrote, is no setting"
            version = f"of this version, {pipeline.__version__}{nearest(key, keys)}"
            raise InputError(f"from={path}: {foreign} {version}")


def _check(values: dict[str, Any], path: Path) -> None:
    """Raise InputError unless every value is one that might be typed."""
    try:
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(RenderConfig), _nested(values)))
        assert isinstance(config, RenderConfig)
        validate(config)
    except (OmegaConfBaseException, RenderError) as error:
        words = str(error) if isinstance(error, RenderError) else compose.explain(error)
        raise InputError(f"from={path}: its record cannot be used: {words}") from error


def _inputs(record: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """(plain names by setting, SHA-256 by setting or target) of the files that the record lists."""
    listed, network = record.get("inputs"), record.get("network")
    names, contents = {}, {}
    for key, entry in listed.items() if isinstance(listed, dict) else ():
        if isinstance(entry, dict) and entry.get("name"):
            contents[str(key)] = str(entry.get("sha256") or "")
            if key in FILES:
                names[str(key)] = _plain_name(entry["name"])
    if isinstance(network, dict):
        contents.setdefault("network.weights", str(network.get("sha256") or ""))
    return names, {key: sha256 for key, sha256 in contents.items() if re.fullmatch(r"[0-9a-f]{64}", sha256)}


def _files(key: str, value: Any) -> list[tuple[str, str]]:
    """(guide or mask, file) for every picture that the targets in a setting name."""
    written = value
    if key == "score.keys":
        written = [entry.get("see") for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
    found = []
    for target in written_targets([entry for entry in written or () if entry is not None], key):
        found += [("guide", target.name)] if target.kind == "guide" else []
        if target.region is not None and target.region.shape == "file":
            found.append(("mask", target.region.file))
    return list(dict.fromkeys(found))


def _pictures(config: RenderConfig) -> list[tuple[str, str]]:
    values = {key: value for key, _, value in settings(config)}
    guide = [("guide", str(config.score.guide))] if config.score.guide else []
    return guide + [picture for key in WRITTEN for picture in _files(key, values[key])]


def _is_used(key: str, config: RenderConfig, network: str) -> bool:
    """Whether the film still needs what it was made from there."""
    return {
        "start.path": config.start.kind == "image",
        "source.path": config.source.kind == "video",
        "network.weights": config.network.name == network,
        "score.guide": config.score.kind == "guided",
        "score.keys": config.score.kind == "keys",
        "score.targets": config.score.kind not in ("keys", "layers"),
        "network.targets": not config.score.targets,
        "audio.path": getattr(config.audio, "kind", "none") != "none",
    }[key]


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """``{"frame.width": 96}`` → ``{"frame": {"width": 96}}``."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *groups, name = key.split(".")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
        node[name] = value
    return tree


def _differs(path: Path, sha256: str) -> bool:
    if not path.is_file():  # the plan will say so
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() != sha256


def _plain_name(written: Any) -> str:
    """The last part of a path of any system."""
    return safe_yaml.shown(PureWindowsPath(PurePosixPath(str(written)).name).name)


def _shown_program(record: dict[str, Any]) -> str:
    return safe_yaml.shown(record.get("program") or "an unknown version")


def _note(record: dict[str, Any], path: Path) -> str:
    mine, its = f"dream-zoom {pipeline.__version__}", _shown_program(record)
    return "" if its == mine else f"{path} was rendered by {its}, this is {mine}; the film may differ"
