"""The settings of networks that targets name besides the film's own: ``class:owl@motifnet``. No torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from pipeline.config import LimitsConfig, NetworkConfig
from pipeline.errors import ConfigError
from pipeline.plan.input_files import check_weights
from pipeline.targets.class_names import read_class_names
from pipeline.targets.target import TEXT_NETWORK

CONF = Path(__file__).resolve().parents[2] / "conf" / "network"
ALLOWED = ("name", "library", "weights", "class_names", "crops", "min_crop")


def companion_config(network: NetworkConfig, name: str) -> NetworkConfig:
    """The settings of the network that targets call ``name``: those in ``network.others``, else of its own file."""
    entry = (network.others or {}).get(name)
    if entry is not None:
        return NetworkConfig(**entry)
    if name == TEXT_NETWORK and network.library == "open_clip":
        return network
    file = CONF / f"{name}.yaml"
    if name.isidentifier() and file.is_file():
        return NetworkConfig(**yaml.safe_load(file.read_text(encoding="utf-8")).get("network", {"name": name}))
    library, slash, rest = name.partition("/")
    return NetworkConfig(library=library, name=rest) if slash else NetworkConfig(name=name)


@contextmanager
def named_as_typed(network: NetworkConfig, name: str) -> Iterator[None]:
    """Errors about a setting of the network that targets call ``name`` get the key that people typed."""
    entry = (network.others or {}).get(name)
    try:
        yield
    except ConfigError as error:
        if entry is None:
            raise ConfigError("score.targets", f"@{name}", error.allowed) from error
        setting = error.key.removeprefix("network.")
        key = f"network.others.{name}.{setting}"
        raise ConfigError(key, entry.get(setting, error.value), error.allowed) from error


def check_others(network: NetworkConfig, limits: LimitsConfig) -> None:
    """Raise ConfigError or InputError for a table ``network.others`` that cannot be used."""
    others = network.others
    example = "a table such as {places: {name: resnet50, weights: places.pth}}"
    if others is not None and not isinstance(others, dict):
        raise ConfigError("network.others", others, f"it needs {example}")
    for name, entry in (others or {}).items():
        key = f"network.others.{name}"
        if not isinstance(entry, dict) or not entry.get("name") or not set(entry) <= set(ALLOWED):
            raise ConfigError(key, entry, f"it needs a name, and may have {', '.join(ALLOWED[1:])}: {example}")
        crops = entry.get("crops", 1)
        if not isinstance(crops, int) or not 1 <= crops <= 64:
            raise ConfigError(f"{key}.crops", crops, "allowed are 1 to 64")
        smallest = entry.get("min_crop", 1)
        if not isinstance(smallest, int | float) or not 0.1 <= smallest <= 1:
            raise ConfigError(f"{key}.min_crop", smallest, "allowed are 0.1 to 1")
        if entry.get("weights"):
            check_weights(Path(entry["weights"]), limits, f"{key}.weights")
        if entry.get("class_names"):
            read_class_names(Path(entry["class_names"]), f"{key}.class_names")
