"""The record of a run: everything needed to render the same film again, as data without any path."""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

import pipeline
from pipeline.dream.weights import Weights
from pipeline.media import ffmpeg
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.files import sha256_of
from pipeline.segments.fingerprint import Spec
from pipeline.segments.request import film_settings

# Those whose arithmetic the frames go through, and those that only carry them.
PACKAGES = ("torch", "torchvision", "numpy", "opencv-python", "pillow", "simpleeval")
CARRIERS = ("hydra-core", "imageio-ffmpeg", "safetensors")

PATHS = ("start.path", "source.path", "network.weights", "score.guide", "audio.path")
"""Settings that name files of the user's: a record holds the plain name and the content's hash."""

RESOLVED = ("duration", "device", "precision", "audio", "network.precision", "network.channels_last")
"""Settings that frames do not depend on as they are written; what they come to is compared, in the score's cues too."""


def make_record(
    plan: ShotPlan, weights: Weights, device: str, precision: torch.dtype, channels_last: bool
) -> dict[str, Any]:
    """Config, inputs, versions, network and device, the same for every run that renders the same film."""
    config = plan.config
    inputs = _inputs(plan)
    return {
        "program": f"dream-zoom {pipeline.__version__}",
        "config": _settings(plan, film_settings(config)),
        "inputs": inputs,
        "network": {
            "name": config.network.name,
            "weights": weights.path.name,
            "sha256": weights.sha256,
        },
        "versions": {
            "python": platform.python_version(),
            **_packages(),
            "ffmpeg": ffmpeg.version(),
        },
        "device": {
            "name": device,
            "precision": str(precision).removeprefix("torch."),
            "channels_last": channels_last,
            "threads": torch.get_num_threads(),
        },
    }


def film_record(plan: FilmPlan, shots: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The record of a film from those of its shots."""
    song = {"audio.path": {"name": plan.song.path.name, "sha256": sha256_of(plan.song.path)}} if plan.song else {}
    if not plan.config.film:
        (shot,) = shots
        return {**shot, "inputs": dict(sorted({**shot["inputs"], **song}.items()))}
    settings = film_settings(plan.config)
    for name in ("film", "presets"):
        for entry in settings[name] if isinstance(settings.get(name), list) else ():
            _forget_paths(entry, wholly=True)
    for shot_plan in plan.shots:
        settings = _settings(shot_plan, settings)
    inputs = {f"shot {n}: {key}": item for n, shot in enumerate(shots, 1) for key, item in shot["inputs"].items()}
    networks = list({shot["network"]["sha256"]: shot["network"] for shot in shots}.values())
    return {
        **shots[0],
        "config": settings,
        "inputs": {**song, **inputs},
        "network": networks[0],
        **({"other_networks": networks[1:]} if networks[1:] else {}),
    }


def frames_spec(record: Mapping[str, Any], plan: ShotPlan) -> Spec:
    """What of a record the frames of its shot depend on, by dotted key, and the sizes and times that they come to."""
    flat = dict(_flat({key: record[key] for key in ("program", "config", "inputs", "network", "device")}))
    left_out = (*(f"config.{name}." for name in RESOLVED), "inputs.audio.path.", "inputs.network.weights.name.")
    spec = {key: value for key, value in flat.items() if not f"{key}.".startswith(left_out)}
    spec |= {f"versions.{name}": record["versions"][name] for name in (*PACKAGES, "ffmpeg")}
    spec["frame"] = f"{plan.width}x{plan.height} at {plan.fps} frames per second"
    spec |= {"octaves": plan.octaves, "opening": plan.opening}
    # Settings that are no more, at their old defaults: films that were begun with them resume.
    spec |= {"config.dream.adaptive": False, "config.dream.thrift": 6.0}
    return {key.removeprefix("config."): value for key, value in spec.items()}


def as_text(record: Mapping[str, Any]) -> str:
    """The record as YAML."""
    return OmegaConf.to_yaml(OmegaConf.create(dict(record)))


def _settings(plan: ShotPlan, settings: dict[str, Any]) -> Any:
    """The settings without any path."""
    _forget_paths(settings)
    named = {file: Path(file).name for file in sorted({*plan.guides, *plan.masks}, key=len, reverse=True)}
    return _renamed(settings, named)


def _forget_paths(settings: dict[str, Any], *, wholly: bool = False) -> None:
    """Leave out every path; ``wholly`` so that a shot takes the film's, as it is named again."""
    for key in PATHS:
        group, _, name = key.partition(".")
        if isinstance(settings.get(group), dict) and settings[group].get(name) is not None:
            settings[group][name] = None
            if wholly:
                del settings[group][name]


def _inputs(plan: ShotPlan) -> dict[str, dict[str, str]]:
    """Every file of the user's that the film is made from, by the setting or target that names it."""
    found = {}
    config = plan.config
    if config.start.kind == "image":
        found["start.path"] = Path(str(config.start.path))
    if plan.footage is not None:
        found["source.path"] = Path(str(config.source.path))
    if config.score.kind == "guided":
        found["score.guide"] = Path(str(config.score.guide))
    if config.network.weights is not None:
        found["network.weights"] = Path(config.network.weights)
    found |= {f"guide:{Path(file).name}": Path(file) for file in plan.guides}
    found |= {f"mask:{Path(file).name}": Path(file) for file in plan.masks}
    return {key: {"name": path.name, "sha256": _content(path)} for key, path in sorted(found.items())}


def _content(path: Path) -> str:
    """The SHA-256 of a file; of a sequence of pictures, of all their names and contents."""
    if path.is_file():
        return sha256_of(path)
    folder = path if path.is_dir() else path.parent
    found = hashlib.sha256()
    for picture in sorted(item for item in folder.iterdir() if item.is_file()):
        found.update(f"{picture.name}\n{sha256_of(picture)}\n".encode())
    return found.hexdigest()


def _renamed(value: Any, named: Mapping[str, str]) -> Any:
    """The settings with the paths of guides and masks inside targets cut down to their names."""
    if isinstance(value, dict):
        return {_renamed(key, named): _renamed(item, named) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, named) for item in value]
    if isinstance(value, str):
        for path, name in named.items():
            value = value.replace(path, name)
    return value


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key → value; lists stay whole, as JSON, so that two of them can be compared and shown."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}".strip("."))
    else:
        yield prefix, json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _packages() -> dict[str, str]:
    found = {}
    for name in (*PACKAGES, *CARRIERS):
        try:
            found[name] = version(name)
        except ModuleNotFoundError:  # opencv-python goes by several names
            found[name] = "unknown"
    return found
