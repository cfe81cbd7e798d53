"""Still images from and to files: any photograph becomes one frame."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps
from torch import Tensor

from pipeline.errors import InputError
from pipeline.media.decode.open_image import check_grey, open_image, reason
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.runtime.files import atomic_write
from pipeline.runtime.opencv import opencv

MAX_PIXELS = 10_000_000_000  # upper bound of limits.picture_megapixels, which is checked earlier
# EXIF orientation → (quarter turns counter-clockwise, then mirror).
ORIENTATIONS = {
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}

Picture = NDArray[Any]


def load_still(
    path: Path,
    *,
    width: int,
    height: int,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Tensor:
    """Load an image as a frame ``(1, 3, height, width)`` float32, sRGB-encoded in [0, 1], on the CPU.

    It is rotated upright, scaled to cover the frame and cropped around its centre; transparent parts show
    ``background`` (red, green, blue in [0, 1]). Of an animation, the first picture. Raises InputError when the file
    is missing, no image, or damaged.
    """
    return _cover(_load(path), width, height, background)


def load_thumbnail(path: Path, side: int) -> Tensor:
    """As ``load_still``, but the whole picture, with ``side`` pixels at most on its long side."""
    picture = _load(path)
    rows, columns = picture.shape[:2]
    factor = min(1.0, side / max(rows, columns))
    return _cover(picture, max(1, round(columns * factor)), max(1, round(rows * factor)), (0.0, 0.0, 0.0))


def save_png(frame: Tensor, path: Path) -> None:
    """Write or replace ``path`` atomically: a frame ``(1, 3, H, W)`` in [0, 1] as an 8-bit PNG. Raises OutputError."""
    write_png(to_bytes(frame), path)


def write_png(picture: NDArray[np.uint8], path: Path) -> None:
    """As ``save_png``, for ``(H, W, 3)`` bytes."""
    with atomic_write(path) as part:
        Image.fromarray(picture).save(part, format="PNG")


def _load(path: Path) -> Picture:
    """An upright picture ``(h, w, 1, 3 or 4)``, uint8 or float32 in [0, 1]."""
    data = _read_file(path)
    with open_image(path, data) as image:
        pixels = image.width * image.height
        if pixels > MAX_PIXELS:
            size = f"{image.width}x{image.height} pixels, {pixels / 1e6:.0f} million"
            raise InputError(f"{path} has {size}; allowed are {MAX_PIXELS // 10**6} million")
        check_grey(path, image)
        return _decode_16bit(image, data) if _is_16bit(image) else _decode(image)


def _read_file(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a picture")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason(error)}") from error


def _is_16bit(image: Image.Image) -> bool:
    """Whether Pillow would cut 16-bit colours to 8.

    False with a colour profile: profiles are applied in 8 bits only, and wrong colours show more than a missing low
    byte.
    """
    tiles = getattr(image, "tile", None)
    raw = str(tiles[0][3]) if tiles else ""
    return image.mode in ("RGB", "RGBA") and ";16" in raw and _profile(image) is None


def _decode_16bit(image: Image.Image, data: bytes) -> Picture:
    """16-bit colours by OpenCV → ``(H, W, 3 or 4)`` float32."""
    image.load()  # raises for damage, where OpenCV returns a partial picture
    cv2 = opencv()
    pixels: Picture | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        return _decode(image)
    order = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    picture: Picture = cv2.cvtColor(pixels, order).astype(np.float32) / 65535
    if image.format == "TIFF":  # OpenCV rotates these itself
        return picture
    turns, mirror = ORIENTATIONS.get(image.getexif().get(0x0112, 1), (0, False))
    picture = np.rot90(picture, turns)
    return picture[:, ::-1] if mirror else picture


def _decode(image: Image.Image) -> Picture:
    """Everything else by Pillow → ``(H, W, 1, 3 or 4)``, uint8 or float32 in [0, 1]."""
    profile = _profile(image)
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        return _deep_grey(np.asarray(upright))
    if upright.mode not in ("RGB", "L", "CMYK", "LAB") or "transparency" in upright.info:
        upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    if upright.mode == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    if profile is not None:
        upright = _to_srgb(upright, profile)
    if upright.mode not in ("RGB", "RGBA", "L"):
        upright = upright.convert("RGB")
    pixels = np.asarray(upright)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _deep_grey(values: Picture) -> Picture:
    """Deep grey → ``(H, W, 1)`` float32: integers are 16-bit, floats are in [0, 1] already."""
    scale = 1.0 if np.issubdtype(values.dtype, np.floating) else 1 / 65535
    grey: Picture = np.nan_to_num(values.astype(np.float32) * np.float32(scale)).clip(0, 1)
    return grey[..., None]


def _profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The embedded colour profile, unless it is absent, broken or sRGB itself."""
    data = image.info.get("icc_profile")
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(data))
        return None if "sRGB" in ImageCms.getProfileDescription(profile) else profile
    except (OSError, ImageCms.PyCMSError):
        return None


def _to_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    try:
        converted = ImageCms.profileToProfile(
            image,
            profile,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGBA" if image.mode == "RGBA" else "RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError:  # a profile for another colour model than the picture's
        return image
    return converted or image


def _cover(picture: Picture, width: int, height: int, background: tuple[float, ...]) -> Tensor:
    """``(h, w, 1, 3 or 4)`` → ``(1, 3, height, width)``: Lanczos in float, one channel at a time."""
    rows, columns, channels = picture.shape
    scale = min(rows / height, columns / width)  # source pixels per pixel
    left, top = max(0.0, (columns - width * scale) / 2), max(0.0, (rows - height * scale) / 2)
    box = (left, top, min(columns, left + width * scale), min(rows, top + height * scale))
    alpha = _to_float(picture[..., 3]) if channels == 4 else None
    planes = []
    for channel in range(3):
        plane = _to_float(picture[..., min(channel, channels - 1)])
        if alpha is not None:
            plane = background[channel] + (plane - background[channel]) * alpha
        image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
        resized = image.resize((width, height), Image.Resampling.LANCZOS, box=box)
        planes.append(torch.from_numpy(np.array(resized)))
    return torch.stack(planes)[None].clamp(0, 1)


def _to_float(plane: Picture) -> Picture:
    return plane if plane.dtype == np.float32 else plane.astype(np.float32) / np.float32(255)
