"""GIF, WebP and numbered pictures, made from lossless segments once all segments are there."""

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from pipeline.errors import EncoderError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import count_frames
from pipeline.media.encode.codecs import gif_step
from pipeline.media.encode.concat import concat_input, copy_timeout
from pipeline.media.encode.encode_args import BITEXACT, SRGB, Coding
from pipeline.media.encode.float_pictures import PICTURES, write_pictures
from pipeline.media.encode.image_sequence import split
from pipeline.media.encode.video_spec import VideoSpec

# Ordered dither is stable where the picture is, and compresses well; error diffusion is finer. One palette serves the
# whole film, except at quality best, where each frame has its own 256 colours.
GIF_DITHER = {"draft": "bayer:bayer_scale=3", "good": "sierra2_4a", "best": "sierra2_4a"}
WEBP_QUALITY = {"draft": "60", "good": "82", "best": "95"}
PNG_LEVEL = {"draft": "3", "good": "6", "best": "9"}  # zlib's; the pixels are the same
PNG_PIXELS = {8: "rgb24", 16: "rgb48be"}
PNG_ALPHA_PIXELS = {8: "rgba", 16: "rgba64be"}


def make_animation(segments: Sequence[Path], part: Path, film: VideoSpec, coding: Coding) -> None:
    """Make the animation ``part``, for pictures a folder, of all frames of ``segments``. It is named ``film`` later.

    Raises InputError for a segment that cannot be read, EncoderError for another number of frames.
    """
    fps, frames = film.fps, film.frames
    kind, doing = coding.codec.name, f"drawing {film.path}"
    step = gif_step(fps) if kind == "gif" else 1
    if kind in PICTURES:
        count = write_pictures(segments, part, split(film.path, coding.codec.picture)[1], coding, film.record)
        if count != frames:
            raise EncoderError(f"{doing} failed: {count} of {frames} frames arrived")
        return
    every = f"select='not(mod(n,{step}))'," if step > 1 else ""
    clock = f"{every}settb={step * fps.denominator}/{fps.numerator},setpts=N"
    expected = -(-frames // step)
    # Encoding takes far longer than copying; two seconds a frame are enough for 4K.
    timeout = copy_timeout(segments) + 2.0 * frames
    with concat_input(segments, part) as source:
        palette = None
        if kind == "gif":
            arguments, palette = _gif(source, clock, coding.quality, doing, timeout)
        else:
            arguments = [*source, "-map", "0:v:0", *(_webp if kind == "webp" else _png)(clock, coding)]
        target = part if kind != "png" else part / split(film.path)[1]
        arguments += ["-fps_mode", "passthrough", *BITEXACT, *_muxer(kind, expected, Fraction(step) / fps)]
        ffmpeg.run(["-xerror", *arguments, "-y", f"file:{target}"], doing=doing, timeout=timeout, input=palette)
    count = _count(kind, part, fps)
    if count != expected:
        raise EncoderError(f"{doing} failed: {count} of {expected} frames arrived")


def _gif(source: list[str], clock: str, quality: str, doing: str, timeout: float) -> tuple[list[str], bytes | None]:
    """(arguments, palette for ffmpeg's standard input). Memory is constant in the film's length."""
    use = f"paletteuse=dither={GIF_DITHER[quality]}"
    if quality == "best":
        chain = f"[0:v:0]{clock},split[a][b];[a]palettegen=stats_mode=single:reserve_transparent=0[p];[b][p]{use}:new=1"
        return [*source, "-filter_complex", chain], None
    arguments = ["-map", "0:v:0", "-vf", f"{clock},palettegen", "-f", "image2pipe", "-c:v", "png", "pipe:1"]
    palette = ffmpeg.run(["-xerror", *source, *arguments], doing=doing, timeout=timeout)
    pipe = ["-protocol_whitelist", "pipe", "-f", "png_pipe", "-i", "pipe:0"]
    return [*source, *pipe, "-filter_complex", f"[0:v:0]{clock}[v];[v][1:v]{use}"], palette


def _webp(clock: str, coding: Coding) -> list[str]:
    quality = WEBP_QUALITY[coding.quality]
    return ["-vf", f"{clock},format=bgra", "-c:v", "libwebp_anim", "-lossless", "0", "-quality", quality]


def _png(clock: str, coding: Coding) -> list[str]:
    chain, level = (
        f"{clock},{SRGB.format((PNG_ALPHA_PIXELS if coding.alpha else PNG_PIXELS)[coding.bits])}",
        PNG_LEVEL[coding.quality],
    )
    return ["-vf", chain, "-c:v", "png", "-compression_level", level, "-pred", "mixed", "-threads", "4"]


def _muxer(kind: str, frames: int, seconds: Fraction) -> list[str]:
    """Arguments of the muxer for ``frames`` of ``seconds`` each; a GIF needs the duration of its last frame."""
    if kind == "png":
        return ["-f", "image2", "-start_number", "0"]
    last = round(100 * seconds * frames) - round(100 * seconds * (frames - 1))
    return ["-loop", "0", *(["-final_delay", str(last)] if kind == "gif" else []), "-f", kind]


def _count(kind: str, part: Path, fps: Fraction) -> int:
    """Frames in the animation; of a WebP, which merges equal frames, by its duration."""
    if kind == "png":
        return sum(1 for _ in part.iterdir())
    if kind == "gif":
        return count_frames(part)
    milliseconds = list(_webp_durations(part))
    return round(sum(milliseconds) * fps / 1000) if milliseconds else 1


def _webp_durations(path: Path) -> Iterator[int]:
    """Milliseconds of each frame of an animated WebP; nothing for a still."""
    at, end = 12, path.stat().st_size
    with path.open("rb") as file:
        while at + 8 <= end:
            file.seek(at)
            name, size = struct.unpack("<4sI", file.read(8))
            if name == b"ANMF":
                file.seek(at + 20)
                yield int.from_bytes(file.read(3), "little")
            at += 8 + size + size % 2
