"""The files that a user names, looked at before anything reads them: there, with an end, of a size that is meant."""

from pathlib import Path

from pipeline.config.limits import LimitsConfig
from pipeline.errors import InputError
from pipeline.runtime.files import check_regular, format_bytes


def check_picture(key: str, written: str, path: Path, limits: LimitsConfig) -> None:
    """Raise InputError unless ``path``, for which ``key`` has ``written``, is a picture within the limits."""
    from pipeline.media.decode.image_header import picture_size

    _check(f"{key}={written}", path, limits.picture_mb * 1e6, "picture_mb")
    width, height = picture_size(path)
    if width * height > limits.picture_megapixels * 1e6:
        most = f"allowed are {limits.picture_megapixels:g} million (limits.picture_megapixels)"
        raise InputError(f"{path} has {width}x{height} pixels, {width * height / 1e6:.3g} million; {most}")


def check_weights(path: Path, limits: LimitsConfig) -> None:
    """Raise InputError unless ``path`` is a file that weights may be in."""
    _check(f"network.weights={path}", path, limits.weights_gb * 1e9, "weights_gb")


def check_footage(written: str, limits: LimitsConfig) -> None:
    """Raise InputError for a video that is no regular file, or too large; a folder and a pattern may be pictures."""
    path = Path(written)
    if not path.is_dir() and ("%" not in path.name or path.exists()):
        _check(f"source.path={written}", path, limits.footage_gb * 1e9, "footage_gb")


def _check(named: str, path: Path, most: float, limit: str) -> None:
    check_regular(path, named)
    size = path.stat().st_size
    if not size:
        raise InputError(f"{named}: it is empty")
    if size > most:
        raise InputError(f"{named}: it has {format_bytes(size)}; allowed are {format_bytes(most)} (limits.{limit})")
