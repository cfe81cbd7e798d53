"""The record of a run: everything needed to render the same film again, as data without any path."""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

import pipeline
from pipeline.config.encode import OF_THE_FILE
from pipeline.config.literal import literal
from pipeline.config.palettes import PALETTES
from pipeline.config.render import INPUT_FILES
from pipeline.media import ffmpeg
from pipeline.networks.imagine_plan import encodes_start
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.playback import is_played
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.files import sha256_of
from pipeline.segments.fingerprint import Spec
from pipeline.segments.request import film_settings

COMPUTING_PACKAGES = ("torch", "torchvision", "numpy", "opencv-python", "pillow", "simpleeval")
OPENCV_PACKAGES = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
OTHER_PACKAGES = ("hydra-core", "imageio-ffmpeg", "safetensors")

RESOLVED_SETTINGS = (
    *("duration", "device", "precision", "audio", "network.precision", "network.channels_last"),
    *("frame.aspect", "frame.fit", "playback", "encode.interpolate"),
    *(f"encode.{name}" for name in OF_THE_FILE),
)
"""Frames do not depend on these as written, only on what they resolve to, which is compared elsewhere."""


@dataclass(frozen=True)
class Computation:
    """What a shot is computed with: the file name and SHA-256 of the weights, the device and its arithmetic.

    ``others`` are the SHA-256 of the other networks that the targets name.
    """

    weights: str
    sha256: str
    device: str
    precision: torch.dtype
    channels_last: bool
    others: Mapping[str, str] = field(default_factory=dict)


def shot_record(plan: ShotPlan, computation: Computation) -> dict[str, Any]:
    """Config, inputs, network, versions and device of a shot."""
    return {
        "program": f"dream-zoom {pipeline.__version__}",
        "config": _without_paths(plan, film_settings(plan.config)),
        "inputs": _inputs(plan),
        "network": {
            "name": plan.config.network.name,
            "weights": computation.weights,
            "sha256": computation.sha256,
            **({"others": dict(computation.others)} if computation.others else {}),
        },
        "versions": {
            "python": platform.python_version(),
            **package_versions((*COMPUTING_PACKAGES, *OTHER_PACKAGES)),
            "ffmpeg": ffmpeg.version(),
        },
        "device": {
            "name": computation.device,
            "precision": str(computation.precision).removeprefix("torch."),
            "channels_last": computation.channels_last,
            "threads": torch.get_num_threads(),
        },
    }


def film_record(plan: FilmPlan, shots: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The record of a film from those of its shots."""
    if plan.playback is not None:
        shown = {"frames": len(plan.playback.positions), "in between by optical flow": plan.playback.between}
        shots = [{**shot, "shown": shown} for shot in shots]
    audio = plan.config.audio
    files = {"audio.path": audio.path, "audio.markers": audio.markers, "audio.signals": audio.signals}
    files |= {f"audio.stems.{name}": path for name, path in (audio.stems or {}).items()}
    song = {key: _file_facts(Path(path)) for key, path in files.items() if path is not None}
    if not plan.config.film:
        (shot,) = shots
        return {**shot, "inputs": dict(sorted({**shot["inputs"], **song}.items()))}
    settings = film_settings(plan.config)
    for name in ("film", "presets"):
        for entry in settings[name] if isinstance(settings.get(name), list) else ():
            _clear_paths(entry, delete=True)
    for shot_plan in plan.shots:
        settings = _without_paths(shot_plan, settings)
    inputs = {f"shot {n}: {key}": item for n, shot in enumerate(shots, 1) for key, item in shot["inputs"].items()}
    first, *others = {shot["network"]["sha256"]: shot["network"] for shot in shots}.values()
    return {
        **shots[0],
        "config": settings,
        "inputs": {**song, **inputs},
        "network": first,
        **({"other_networks": others} if others else {}),
    }


def frames_spec(record: Mapping[str, Any], plan: ShotPlan) -> Spec:
    """The part of a shot's record that its frames depend on, by dotted key, with the sizes and times in the plan."""
    flat = dict(_flatten({key: record[key] for key in ("program", "config", "inputs", "network", "device")}))
    skipped = (*(f"config.{name}." for name in RESOLVED_SETTINGS), "inputs.network.weights.name.")
    spec = {key: value for key, value in flat.items() if not f"{key}.".startswith(skipped)}
    spec |= {f"versions.{name}": record["versions"][name] for name in (*COMPUTING_PACKAGES, "ffmpeg")}
    spec["frame"] = f"{plan.width}x{plan.height} at {plan.fps} frames per second"
    spec |= {"stored": "lossless"} if is_played(plan.config) else {}
    spec |= {"octaves": " ".join(f"{scale:.3f}" for scale in plan.scales()), "opening": plan.opening}
    return {key.removeprefix("config."): value for key, value in spec.items()}


def as_text(record: Mapping[str, Any]) -> str:
    """The record as YAML."""
    return OmegaConf.to_yaml(OmegaConf.create(literal(dict(record))), resolve=True)


def _without_paths(plan: ShotPlan, settings: dict[str, Any]) -> Any:
    """The settings without any path; guides and masks inside targets keep their file names."""
    _clear_paths(settings)
    others = (plan.config.network.others or {}).values()
    files = {
        *plan.guides,
        *plan.masks,
        *(entry[key] for entry in others for key in ("weights", "class_names") if entry.get(key)),
    }
    names = {file: Path(file).name for file in sorted(files, key=len, reverse=True)}
    return replace_names(settings, names)


def _clear_paths(settings: dict[str, Any], *, delete: bool = False) -> None:
    """Set every path to None; ``delete`` its key instead, so that an entry takes the film's."""
    for key in INPUT_FILES:
        group, _, name = key.partition(".")
        value = settings[group].get(name) if isinstance(settings.get(group), dict) else None
        if value is not None and not (key == "color.palette" and value in PALETTES):
            settings[group][name] = None
            if delete:
                del settings[group][name]


def _inputs(plan: ShotPlan) -> dict[str, dict[str, str]]:
    """Every file of the user's that the shot uses, by the setting or target that names it."""
    config, others = plan.config, plan.config.network.others or {}
    paths = {
        "start.path": config.start.path if config.start.kind == "image" or encodes_start(config) else None,
        "source.path": config.source.path if plan.footage else None,
        "mask.path": config.mask.path,
        "depth.weights": config.depth.weights,
        "score.guide": config.score.guide if config.score.kind == "guided" else None,
        "network.weights": config.network.weights,
        "imagine.weights": config.imagine.weights if plan.imagine else None,
        "imagine.to": config.imagine.to if plan.imagine else None,
        "embedded generator": str(plan.imagine.path) if plan.imagine and config.imagine.weights is None else None,
        "network.class_names": config.network.class_names,
        **{f"network.others.{name}.class_names": entry.get("class_names") for name, entry in others.items()},
        "color.palette": None if config.color.palette in PALETTES else config.color.palette,
        "color.lut": config.color.lut,
        **{f"guide:{Path(file).name}": file for file in plan.guides},
        **{f"mask:{Path(file).name}": file for file in plan.masks},
    }
    return {key: _file_facts(Path(path)) for key, path in sorted(paths.items()) if path is not None}


def _file_facts(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": content_sha256(path)}


def content_sha256(path: Path) -> str:
    """SHA-256 of a file; of numbered images, of all their names and contents."""
    if path.is_file():
        return sha256_of(path)
    folder = path if path.is_dir() else path.parent
    digest = hashlib.sha256()
    for image in sorted(item for item in folder.iterdir() if item.is_file()):
        digest.update(f"{image.name}\n{sha256_of(image)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def replace_names(value: Any, names: Mapping[str, str]) -> Any:
    """The settings with every path in ``names`` replaced, in keys as well as in values."""
    if isinstance(value, dict):
        return {replace_names(key, names): replace_names(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_names(item, names) for item in value]
    if isinstance(value, str):
        for path, name in names.items():
            value = value.replace(path, name)
    return value


def _flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key → value; a list stays whole, as JSON."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flatten(item, f"{prefix}.{key}".strip("."))
    else:
        yield prefix, json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def package_versions(names: Sequence[str]) -> dict[str, str]:
    """The version of each package; "unknown" for one that is not installed under any of its names."""
    versions = dict.fromkeys(names, "unknown")
    for name in names:
        for candidate in OPENCV_PACKAGES if name == "opencv-python" else (name,):
            with suppress(ModuleNotFoundError):
                versions[name] = version(candidate)
                break
    return versions
