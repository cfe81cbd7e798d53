"""Checks the files that the user names before anything reads them: regular, not empty, within the limits."""

from pathlib import Path

from pipeline.config.limits import LimitsConfig
from pipeline.errors import InputError
from pipeline.runtime.files import check_regular, format_bytes


def check_picture(key: str, written: str, path: Path, limits: LimitsConfig) -> None:
    """Raise InputError unless ``path``, from the value ``written`` of ``key``, is a picture within the limits."""
    from pipeline.media.decode.open_image import image_size

    _check(f"{key}={written}", path, limits.picture_mb * 1e6, "picture_mb")
    width, height = image_size(path)
    if width * height > limits.picture_megapixels * 1e6:
        allowed = f"allowed are {limits.picture_megapixels:g} million (limits.picture_megapixels)"
        raise InputError(f"{path} has {width}x{height} pixels, {width * height / 1e6:.3g} million; {allowed}")


def check_weights(path: Path, limits: LimitsConfig) -> None:
    """Raise InputError unless ``path`` is a file that may hold weights."""
    _check(f"network.weights={path}", path, limits.weights_gb * 1e9, "weights_gb")


def check_footage(written: str, limits: LimitsConfig) -> None:
    """Raise InputError for a video that is not a regular file or too large. A folder or pattern may be images."""
    path = Path(written)
    if not path.is_dir() and ("%" not in path.name or path.exists()):
        _check(f"source.path={written}", path, limits.footage_gb * 1e9, "footage_gb")


def _check(name: str, path: Path, max_bytes: float, limit: str) -> None:
    check_regular(path, name)
    size = path.stat().st_size
    if not size:
        raise InputError(f"{name}: it is empty")
    if size > max_bytes:
        raise InputError(f"{name}: it has {format_bytes(size)}; allowed are {format_bytes(max_bytes)} (limits.{limit})")
