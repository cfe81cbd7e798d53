"""Any photograph becomes one frame: upright, in its colours, covering it; other files are refused."""

import struct
import zlib
from pathlib import Path
from threading import Event, Thread

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from torch import Tensor

from pipeline.errors import InputError, OutputError
from pipeline.media.decode.image_file import load_still, save_png
from pipeline.media.decode.open_image import open_image
from pipeline.media.encode.pixel_format import to_bytes
from tests.media.drawn import clouds

RED, BLUE = (255, 0, 0), (0, 0, 255)


def mean(frame: Tensor) -> list[float]:
    return [round(float(value), 2) for value in frame.mean((0, 2, 3))]


def load(path: Path, width: int = 12, height: int = 8, **options: tuple[float, float, float]) -> Tensor:
    frame = load_still(path, width=width, height=height, **options)
    assert frame.shape == (1, 3, height, width) and frame.dtype == torch.float32
    assert 0 <= frame.min() and frame.max() <= 1
    return frame


@pytest.mark.parametrize(
    ("mode", "colour", "ending", "expected"),
    [
        ("RGB", (255, 51, 0), "png", [1, 0.2, 0]),
        ("RGB", (255, 51, 0), "tif", [1, 0.2, 0]),
        ("RGB", (255, 51, 0), "bmp", [1, 0.2, 0]),
        ("L", 102, "jpg", [0.4, 0.4, 0.4]),
        ("1", 1, "png", [1, 1, 1]),
        ("P", 0, "gif", [0, 0, 0]),
        ("LA", (255, 51), "png", [0.2, 0.2, 0.2]),
        ("RGBA", (255, 255, 0, 51), "webp", [0.2, 0.2, 0]),
        ("CMYK", (0, 255, 255, 0), "jpg", [1, 0, 0]),
        ("CMYK", (0, 255, 255, 0), "tif", [1, 0, 0]),
        ("LAB", (136, 128, 128), "tif", [0.5, 0.5, 0.5]),
        ("I;16", 26214, "png", [0.4, 0.4, 0.4]),
        ("F", 0.4, "tif", [0.4, 0.4, 0.4]),
    ],
)
def test_every_kind_of_picture(tmp_path: Path, mode: str, colour: object, ending: str, expected: list[float]) -> None:
    path = tmp_path / f"a.{ending}"
    options = {"lossless": True} if ending == "webp" else {}
    Image.new(mode, (24, 16), colour).save(path, **options)  # type: ignore[arg-type]
    assert mean(load(path)) == pytest.approx(expected, abs=0.011)


def test_transparency_shows_the_background(tmp_path: Path) -> None:
    path, blue = tmp_path / "a.png", (0.0, 0.0, 1.0)
    Image.new("RGBA", (24, 16), (255, 0, 0, 51)).save(path)
    assert mean(load(path)) == [0.2, 0, 0]
    assert mean(load(path, background=blue)) == [0.2, 0, 0.8]
    palette = Image.new("P", (24, 16), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(path, transparency=1)
    assert mean(load(path, background=blue)) == [0, 0, 1]
    palette.save(path, transparency=bytes([255, 51]))
    assert mean(load(path, background=blue)) == [0.2, 0, 0.8]
    Image.new("RGB", (24, 16), RED).save(path, transparency=RED)
    assert mean(load(path, background=blue)) == [0, 0, 1]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_keep_their_detail(tmp_path: Path, name: str, channels: int) -> None:
    ramp = np.linspace(20000, 20400, 8 * 12).reshape(8, 12, 1).repeat(channels, 2).astype(np.uint16)
    ramp[..., 3:] = 65535
    cv2.imwrite(str(tmp_path / name), ramp)
    frame = load(tmp_path / name)
    expected = torch.from_numpy(ramp[..., :1].transpose(2, 0, 1) / 65535).float().expand(3, 8, 12)
    assert torch.allclose(frame[0], expected, atol=1e-6)


def test_sixteen_bits_keep_the_order_of_colours(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 12, 3), (0, 13107, 65535), np.uint16))  # blue first
    assert mean(load(tmp_path / "a.png")) == [1, 0.2, 0]


def deep_png(colour_type: int, rows: np.ndarray, extra: bytes = b"") -> bytes:
    """A 16-bit PNG, as Pillow cannot write it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], 16, colour_type, 0, 0, 0)
    packed = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    body = chunk(b"IHDR", size) + extra + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_sixteen_bit_grey_with_alpha(tmp_path: Path) -> None:
    rows = np.full((8, 12, 2), (65535, 13107))
    (tmp_path / "a.png").write_bytes(deep_png(4, rows))
    assert mean(load(tmp_path / "a.png", background=(0.0, 0.0, 1.0))) == [0.2, 0.2, 1]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "deep.png", "deep.tif", "grey.png", "grey.tif"])
def test_pictures_stand_upright(tmp_path: Path, orientation: int, kind: str) -> None:
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :8], upright[8:, :8], upright[:8, 16:] = 255, 160, 80
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, 3),
    }[orientation]
    path, exif = tmp_path / f"a.{kind}", Image.Exif()
    exif[0x0112] = orientation
    if kind.startswith("deep"):
        write_deep(path, stored.astype(np.uint16) * 257, orientation)
    else:
        picture = stored[..., 0].astype(np.uint16) * 257 if kind.startswith("grey") else stored
        Image.fromarray(np.ascontiguousarray(picture)).save(path, exif=exif, quality=100)
    frame = load(path, 24, 16)
    assert float((frame - torch.from_numpy(upright).permute(2, 0, 1)[None] / 255).abs().mean()) < 0.01


def write_deep(path: Path, pixels: np.ndarray, orientation: int) -> None:
    if path.suffix == ".png":
        tag = b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0" + bytes([orientation]) + b"\0\0\0\0\0\0"
        exif = struct.pack(">I", len(tag)) + b"eXIf" + tag + struct.pack(">I", zlib.crc32(b"eXIf" + tag))
        path.write_bytes(deep_png(2, pixels, exif))
        return
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_TIFF_COMPRESSION, 1])
    data = path.read_bytes()
    # OpenCV wrote no orientation; the resolution unit (tag 296) gives its place in the directory to it.
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = [data[start + 2 + 12 * n :][:12] for n in range(count)]
    saved = [entry for entry in entries if struct.unpack_from("<H", entry)[0] not in (274, 296)]
    saved.append(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))
    saved.sort(key=lambda entry: struct.unpack_from("<H", entry)[0])
    directory = struct.pack("<H", len(saved)) + b"".join(saved) + bytes(4)
    path.write_bytes(data[:4] + struct.pack("<I", len(data)) + data[8:] + directory)


def test_the_frame_is_covered_and_cropped_around_the_centre(tmp_path: Path) -> None:
    picture = np.zeros((20, 60, 3), np.uint8)
    picture[:, 20:40] = 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert load(tmp_path / "a.png", 20, 20).min() == 1
    assert load(tmp_path / "a.png", 7, 7).mean() > 0.98
    assert load(tmp_path / "a.png", 60, 20)[0, 0, 0, :20].max() < 0.1


@pytest.mark.parametrize("size", [(3, 100), (1, 1), (333, 7), (64, 48)])
def test_any_shape_fits_any_frame(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, RED).save(tmp_path / "a.png")
    for width, height in ((12, 8), (7, 31), (64, 48)):
        assert mean(load(tmp_path / "a.png", width, height)) == [1, 0, 0]


def test_shrinking_does_not_alias(tmp_path: Path) -> None:
    checks = np.indices((200, 300)).sum(0) % 2 * 255
    Image.fromarray(checks.astype(np.uint8)).save(tmp_path / "a.png")
    assert load(tmp_path / "a.png")[..., 1:-1, 1:-1].sub(0.5).abs().max() < 0.02


def test_colour_profiles_are_applied(tmp_path: Path) -> None:
    grey = Image.new("RGB", (24, 16), (128, 128, 128))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    grey.save(tmp_path / "srgb.png", icc_profile=srgb.tobytes())
    grey.save(tmp_path / "wrong.png", icc_profile=lab.tobytes())
    grey.save(tmp_path / "broken.png", icc_profile=b"broken")
    for name in ("srgb", "wrong", "broken"):
        assert mean(load(tmp_path / f"{name}.png")) == [0.5, 0.5, 0.5]
    linear = linear_profile(srgb.tobytes())
    grey.save(tmp_path / "linear.png", icc_profile=linear)
    assert mean(load(tmp_path / "linear.png")) == pytest.approx([0.735] * 3, abs=0.01)
    Image.new("RGBA", (24, 16), (128, 128, 128, 128)).save(tmp_path / "a.png", icc_profile=linear)
    assert mean(load(tmp_path / "a.png")) == pytest.approx([0.37] * 3, abs=0.01)


def linear_profile(srgb: bytes) -> bytes:
    """The sRGB profile with straight tone curves, and another name."""
    data = bytearray(srgb.replace("sRGB".encode("utf-16-be"), "line".encode("utf-16-be")).replace(b"sRGB", b"line"))
    for entry in range(struct.unpack_from(">I", data, 128)[0]):
        kind, offset, size = struct.unpack_from(">4sII", data, 132 + 12 * entry)
        if kind in (b"rTRC", b"gTRC", b"bTRC"):
            curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 256)  # exponent 1 in u8.8
            data[offset : offset + size] = curve.ljust(size, b"\0")
    return bytes(data)


def test_the_first_picture_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (24, 16), colour) for colour in (RED, BLUE)]
    for name in ("a.gif", "a.png", "a.webp", "a.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert mean(load(tmp_path / name)) == pytest.approx([1, 0, 0], abs=0.011)


def test_files_that_are_no_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture at all")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "figure.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    Image.effect_noise((200, 200), 80).save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:3000])
    Image.effect_noise((200, 200), 80).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:3000])
    noise = np.random.default_rng(1).integers(0, 65536, (99, 99, 3))
    (tmp_path / "deep.png").write_bytes(deep_png(2, noise)[:20000])
    for name, words in (
        ("text.png", "is not a picture that can be read; allowed are"),
        ("empty.png", "is not a picture"),
        ("figure.eps", "is not a picture"),
        ("cut.jpg", "is damaged: ."),
        ("cut.png", "is damaged: ."),
        ("deep.png", "is damaged: ."),
        ("absent.png", "there is no such file"),
        ("", "is a folder"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            load(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    data = deep_png(0, np.zeros((1, 1, 1)))
    header = struct.pack(">4sIIBBBBB", b"IHDR", 200001, 50000, 8, 0, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(header))
    (tmp_path / "a.png").write_bytes(data[:12] + header + crc + data[33:])
    with pytest.raises(InputError, match="200001x50000 pixels, 10000 million; allowed are 10000 million"):
        load(tmp_path / "a.png")
    assert limit == Image.MAX_IMAGE_PIXELS


def test_png_is_written_atomically(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_png(clouds(1), path)
    save_png(clouds(2), path)
    assert list(tmp_path.iterdir()) == [path]
    assert np.array_equal(np.asarray(Image.open(path)), to_bytes(clouds(2)))
    for wrong in (path / "b.png", Path("/proc/b.png"), tmp_path / "absent" / "b.png"):
        with pytest.raises(OutputError, match=f"{wrong} cannot be written"):
            save_png(clouds(1), wrong)


def test_real_photographs(shared: Path) -> None:
    for name in ("lion.jpg", "cloud.jpg"):
        assert load(shared / "media" / name, 96, 54).std() > 0.1


def test_crops_survive_rounding_of_the_ratio(tmp_path: Path) -> None:
    Image.new("RGB", (1000, 1000)).save(tmp_path / "square.png")
    assert load_still(tmp_path / "square.png", width=398, height=224).shape == (1, 3, 224, 398)


def test_pillows_limits_return_after_threads(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    limit, is_open, may_close = Image.MAX_IMAGE_PIXELS, Event(), Event()

    def hold() -> None:
        with open_image(tmp_path / "a.png"):
            is_open.set()
            may_close.wait(10)

    thread = Thread(target=hold)
    with open_image(tmp_path / "a.png"):
        thread.start()
        is_open.wait(0.2)
    may_close.set()
    thread.join(60)
    assert is_open.is_set() and limit == Image.MAX_IMAGE_PIXELS
