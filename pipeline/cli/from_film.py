"""``from=film.mp4``: repeat a run from the record inside its film, or from its ``run.yaml``. No torch.

The record is untrusted data: its values are checked like typed ones, and no file that it names is opened. What is typed
wins: a setting over the record's, a choice of a group over all settings of that group.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

import pipeline
from pipeline.cli import safe_yaml
from pipeline.cli.compose import register_record
from pipeline.cli.file_settings import TARGETS, is_literal, literal_files
from pipeline.cli.frame_arguments import SIDES
from pipeline.cli.messages import explain
from pipeline.config import RenderConfig, settings, validate
from pipeline.config.palettes import PALETTES
from pipeline.config.renamed import REMOVED, current_key
from pipeline.config.render import INPUT_FILES
from pipeline.errors import ConfigError, InputError, RenderError, nearest
from pipeline.plan.shot_list import nested
from pipeline.runtime.files import check_regular, expand_home, sha256_of
from pipeline.score.target_weights import parse_targets

NOT_REPEATED = (
    *("output", "overwrite", "resume", "keep_segments", "frames", "jobs", "preview", "limits"),
    *REMOVED,
)
COMPANIONS = {"audio.signals": ".signals.csv", "source.path": ".camera.mkv"}
"""Setting → how the file next to a record ends that is read without being typed: its name follows from the record's."""


@dataclass(frozen=True)
class Repeat:
    """A film to repeat: its file, a note on its version, and the SHA-256 of its inputs by setting or target."""

    path: Path
    version_note: str
    sha256: dict[str, str]

    def notes(self, config: RenderConfig) -> Iterator[str]:
        """What may make the film differ: another version, files with other content."""
        if self.version_note:
            yield self.version_note
        values = {key: value for key, _, value in settings(config)}
        files = [(key, str(values[key])) for key in INPUT_FILES if values[key] and key != "audio.stems"]
        files += [(f"audio.stems.{name}", str(path)) for name, path in (config.audio.stems or {}).items()]
        files += [("guide", str(config.score.guide))] if config.score.guide else []
        files += [named for key in TARGETS for named in _files_in(key, values[key])]
        for key, file in files:
            key = key if key in INPUT_FILES or key.startswith("audio.") else f"{key}:{Path(file).name}"
            if self.sha256.get(key) and Path(file).is_file() and sha256_of(Path(file)) != self.sha256[key]:
                yield f"{file} is not the file that {self.path} was made from ({key}): its SHA-256 differs"


def extract(arguments: list[str]) -> tuple[list[str], Repeat | None]:
    """The arguments without ``from=``, and the film that it names, whose settings are registered with Hydra.

    Raises RenderError: for a record that cannot be used, and for a file that the film needs and nobody has typed.
    """
    sources = [word for word in arguments if re.match(r"\+{0,2}from=", word)]
    if not sources:
        return arguments, None
    if len(sources) > 1:
        raise RenderError("from: it is given twice; a run repeats one film")
    written = re.sub(r"(['\"])(.*)\1", r"\2", sources[0].partition("=")[2], flags=re.DOTALL)
    if not written:
        raise ConfigError("from", "", "name a film, or its run.yaml")
    path, rest = Path(expand_home(written)), [word for word in arguments if word != sources[0]]
    typed = {re.split(r"[=@]", word.lstrip("+~"))[0] for word in rest}
    if "preset" in typed:
        raise RenderError("preset: a repeated run has its own; type the settings that should differ")
    record = _read(path)
    config, sha256, needed = record.get("config"), {}, {}
    if not isinstance(config, dict):
        raise InputError(f"from={path}: its record has no config; it is not of a film of this program")
    for key, file in _inputs(record):
        sha256[key] = str(file.get("sha256") or "")
        key = "audio.stems" if key.startswith("audio.stems.") else key
        if key in INPUT_FILES and file.get("name"):
            needed[key] = f"was made from {INPUT_FILES[key]} named {_plain_name(file['name'])}; give {key}=FILE"
    values = {}
    for key, value in _settings_of(config, path, _program(record)):
        companion = path.with_name(f"{path.stem}{COMPANIONS[key]}") if key in COMPANIONS else None
        if companion is not None and value == companion.name and companion.is_file():
            values[key] = str(companion)  # what a live session wrote next to its record
        elif key in INPUT_FILES and not (key == "color.palette" and str(value) in PALETTES):
            if value is not None:
                needed.setdefault(key, f"was made from {INPUT_FILES[key]} named {_plain_name(value)}; give {key}=FILE")
        elif key in TARGETS and (files := _files_in(key, value)):
            names = ", ".join(_plain_name(file) for _, file in files)
            needed[key] = f"was made with the file {names} in its targets; give {key}=[…] with it again"
        else:
            values[key] = value
    values = {key: value for key, value in values.items() if key.partition(".")[0] not in typed}
    _resize(values, typed)
    _check(values, path)
    for key, problem in needed.items():
        group = key.partition(".")[0]
        if not {key, group, f"{group}.kind", f"{group}.name"} & typed:
            raise RenderError(f"{key}: {path} {problem}")
    register_record(literal_files(nested(values)))
    return rest, Repeat(path, _version_note(record, path), sha256)


def _resize(values: dict[str, Any], typed: set[str]) -> None:
    """Make way for a typed width or height. With one of them the record's aspect gives the other."""
    sides = SIDES.keys() & typed
    for key in ("frame.fit", "frame.scale") if sides else ():
        values.pop(key, None)
    if len(sides) == 2:
        values.pop("frame.aspect", None)
    elif sides and values.get("frame.aspect") is not None:
        values[SIDES[min(sides)]] = 0


def _read(path: Path) -> dict[str, Any]:
    """The record inside a film, or that in a YAML file."""
    if not path.is_dir():  # a film of numbered pictures is a folder
        check_regular(path, f"from={path}")
    if path.suffix.lower() in (".yaml", ".yml"):
        text = safe_yaml.read_text(path)
    else:
        from pipeline.media.encode.mux import read_record

        try:
            text = read_record(path)
        except InputError as error:
            raise InputError(f"from={path}: {error}") from error
    if len(text.encode()) > safe_yaml.MAX_BYTES:
        raise InputError(f"from={path}: its record is larger than {safe_yaml.MAX_BYTES // 1024} kB")
    return safe_yaml.parse(text, f"the record of {path}")


def _settings_of(config: Any, path: Path, program: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key, value) of every setting in the record's config. Raises InputError for one that does not exist."""
    keys = [key for key, _, _ in settings(RenderConfig())]
    for name, value in config.items():
        key = current_key(f"{prefix}{name}")
        if key in NOT_REPEATED:
            continue
        if key in keys:
            leaves = [(f"{key}.{name}".strip("."), leaf) for name, leaf in safe_yaml.leaves(value)]
            if any("${" in str(leaf) and not is_literal(name) for name, leaf in leaves):
                raise InputError(f"from={path}: {key} in its record is not a plain value")
            yield key, value
        elif isinstance(value, dict) and any(known.startswith(f"{key}.") for known in keys):
            yield from _settings_of(value, path, program, f"{key}.")
        else:
            this = f"this version, {pipeline.__version__}{nearest(key, keys)}"
            raise InputError(f"from={path}: {program} wrote {safe_yaml.shown(key)}, which is no setting of {this}")


def _check(values: dict[str, Any], path: Path) -> None:
    """Raise InputError unless every value could also be typed."""
    try:
        table = OmegaConf.create(literal_files(nested(values)))
        validate(OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(RenderConfig), table)))  # type: ignore[arg-type]
    except (OmegaConfBaseException, RenderError) as error:
        reason = str(error) if isinstance(error, RenderError) else explain(error)
        raise InputError(f"from={path}: its record cannot be used: {reason}") from error


def _inputs(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(setting or target, {name, sha256}) of the files that the record lists; of a network's weights the hash alone."""
    inputs, network = record.get("inputs"), record.get("network")
    if isinstance(network, dict):
        yield "network.weights", {"sha256": network.get("sha256")}
    for key, file in inputs.items() if isinstance(inputs, dict) else ():
        if isinstance(file, dict):
            yield str(key), file


def _files_in(key: str, value: Any) -> list[tuple[str, str]]:
    """("guide" or "mask", file) of every picture that the targets in a setting name."""
    entries = value if isinstance(value, list) else []
    if key == "score.keys":
        entries = [entry.get("see") for entry in entries if isinstance(entry, dict)]
    files = []
    for target in parse_targets([entry for entry in entries if entry is not None], key):
        files += [("guide", target.name)] if target.kind == "guide" else []
        if target.region is not None and target.region.shape == "file":
            files.append(("mask", target.region.file))
    return list(dict.fromkeys(files))


def _plain_name(path: Any) -> str:
    """The last part of a path of any system."""
    return safe_yaml.shown(PureWindowsPath(PurePosixPath(str(path)).name).name)


def _program(record: dict[str, Any]) -> str:
    return safe_yaml.shown(record.get("program") or "an unknown version")


def _version_note(record: dict[str, Any], path: Path) -> str:
    this, its = f"dream-zoom {pipeline.__version__}", _program(record)
    return "" if its == this else f"{path} was rendered by {its}, this is {this}; the film may differ"
