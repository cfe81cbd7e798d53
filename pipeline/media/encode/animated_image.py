"""GIF, WebP and numbered pictures, made from lossless segments once all of them are there."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from pipeline.errors import EncoderError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import count_frames
from pipeline.media.encode.codecs import gif_step
from pipeline.media.encode.color_tags import SRGB
from pipeline.media.encode.concat import chained, patience
from pipeline.media.encode.encode_args import SAME_BYTES, Coding
from pipeline.media.encode.image_sequence import split
from pipeline.media.encode.metadata import webp_chunks

# Ordered dither stands still where the picture does, which is small; error diffusion is finer. One palette serves the
# whole film, but for quality best, where each frame has its own 256 colours.
DITHER = {"draft": "bayer:bayer_scale=3", "good": "sierra2_4a", "best": "sierra2_4a"}
WEBP = {"draft": "60", "good": "82", "best": "95"}
PNG = {"draft": "3", "good": "6", "best": "9"}  # zlib's levels: the pictures are the same
PNG_PIXELS = {8: "rgb24", 16: "rgb48be"}


def draw(segments: Sequence[Path], fresh: Path, final: Path, coding: Coding, fps: Fraction, frames: int) -> None:
    """Make the animation ``fresh`` (for PNG a folder), to be named ``final``, from all ``frames`` of ``segments``.

    Raises InputError for a segment that cannot be read, EncoderError when not exactly ``frames`` arrive.
    """
    kind, doing, step = coding.codec.name, f"drawing {final}", gif_step(fps) if coding.codec.name == "gif" else 1
    thinned = f"select='not(mod(n,{step}))'," if step > 1 else ""
    clock = f"{thinned}settb={step * fps.denominator}/{fps.numerator},setpts=N"
    wanted = -(-frames // step)
    # Encoding takes far longer than copying: a second for each frame is more than a 4K picture needs.
    limit = patience(segments) + 2.0 * frames
    with chained(segments, fresh) as source:
        if kind == "gif":
            arguments, palette = _gif(source, clock, coding.quality, doing, limit)
        else:
            arguments, palette = [*source, "-map", "0:v:0"], None
            arguments += _webp(clock, coding.quality) if kind == "webp" else _png(clock, coding)
        where = fresh if kind != "png" else fresh / split(final)[1]
        end = [
            "-fps_mode",
            "passthrough",
            *SAME_BYTES,
            *_muxer(kind, wanted, Fraction(step) / fps),
            "-y",
            f"file:{where}",
        ]
        ffmpeg.run(["-xerror", *arguments, *end], doing=doing, timeout=limit, input=palette)
    found = _count(kind, fresh, fps)
    if found != wanted:
        raise EncoderError(f"{doing} failed: {found} of {wanted} frames arrived")


def _gif(source: list[str], clock: str, quality: str, doing: str, limit: float) -> tuple[list[str], bytes | None]:
    """(arguments, palette for ffmpeg's standard input). Memory does not grow with the film's length."""
    use = f"paletteuse=dither={DITHER[quality]}"
    if quality == "best":
        chain = f"[0:v:0]{clock},split[a][b];[a]palettegen=stats_mode=single:reserve_transparent=0[p];[b][p]{use}:new=1"
        return [*source, "-filter_complex", chain], None
    seen = ["-map", "0:v:0", "-vf", f"{clock},palettegen", "-f", "image2pipe", "-c:v", "png", "pipe:1"]
    palette = ffmpeg.run(["-xerror", *source, *seen], doing=doing, timeout=limit)
    pipe = ["-protocol_whitelist", "pipe", "-f", "png_pipe", "-i", "pipe:0"]
    return [*source, *pipe, "-filter_complex", f"[0:v:0]{clock}[v];[v][1:v]{use}"], palette


def _webp(clock: str, quality: str) -> list[str]:
    return ["-vf", f"{clock},format=bgra", "-c:v", "libwebp_anim", "-lossless", "0", "-quality", WEBP[quality]]


def _png(clock: str, coding: Coding) -> list[str]:
    chain = f"{clock},{SRGB.format(PNG_PIXELS[coding.bits])}"
    return ["-vf", chain, "-c:v", "png", "-compression_level", PNG[coding.quality], "-pred", "mixed", "-threads", "4"]


def _muxer(kind: str, frames: int, seconds: Fraction) -> list[str]:
    """The container for ``frames`` of ``seconds`` each; a GIF is told how long the last of them stands."""
    if kind == "png":
        return ["-f", "image2", "-start_number", "0"]
    last = round(100 * seconds * frames) - round(100 * seconds * (frames - 1))
    return ["-loop", "0", *(["-final_delay", str(last)] if kind == "gif" else []), "-f", kind]


def _count(kind: str, fresh: Path, fps: Fraction) -> int:
    """Frames in the animation; of a WebP, which joins pictures that are the same, by how long it lasts."""
    if kind == "png":
        return sum(1 for _ in fresh.iterdir())
    if kind == "gif":
        return count_frames(fresh)
    shown = 0
    with fresh.open("rb") as file:
        for name, at, _ in webp_chunks(fresh):
            if name == b"ANMF":
                file.seek(at + 12)
                shown += int.from_bytes(file.read(3), "little")
            elif name == b"VP8 ":
                return 1
    return round(shown * fps / 1000)
