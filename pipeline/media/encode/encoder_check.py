"""Checks, before anything is rendered, that this ffmpeg can encode with the settings."""

import re
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError, EncoderError, OutputError
from pipeline.media import ffmpeg
from pipeline.media.encode.codec_table import CODECS
from pipeline.media.encode.codecs import find_codec
from pipeline.media.encode.encode_args import check_size, coding_of


def check_encoder(codec_name: str) -> None:
    """Raise ConfigError, naming the missing encoder and the codecs that work, unless ffmpeg has the codec's encoder."""
    missing = [encoder for encoder in find_codec(codec_name).encoders if encoder not in available_encoders()]
    if missing:
        available = [name for name, codec in CODECS.items() if set(codec.encoders) <= available_encoders()]
        fact = f"the ffmpeg at {ffmpeg.binary()} has no {missing[0]}"
        rest = f"it has what is needed for {', '.join(available)}" if available else "IMAGEIO_FFMPEG_EXE names another"
        raise ConfigError("encode.codec", codec_name, f"{fact}; {rest}")


def resolve_encoder(encode: EncodeConfig, width: int, height: int) -> tuple[EncodeConfig, str]:
    """The settings to use, and a note where they differ from ``encode``, else an empty string.

    Encodes one black frame of this size in pixels with a hardware encoder; if that fails, the codec's software takes
    its place. Raises ConfigError when the settings contradict each other or ffmpeg does not have the encoder,
    OutputError for a size that the codec cannot hold.
    """
    coding = coding_of(encode)
    codec = coding.codec
    if not codec.software:
        check_encoder(codec.name)
        check_size(Path("film"), codec, width, height)
        return encode, ""
    raw = ["-f", "rawvideo", "-pixel_format", coding.input_pixels, "-video_size", f"{width}x{height}"]
    raw += ["-framerate", "24", "-protocol_whitelist", "pipe", "-i", "pipe:0"]
    arguments = [*raw, *coding.arguments("null", Fraction(24)), "-f", "null", "-"]
    try:
        check_size(Path("film"), codec, width, height)
        ffmpeg.run(arguments, doing="trying", input=bytes(coding.frame_bytes(width, height)))
    except (EncoderError, OutputError) as error:
        cause = str(error).partition("said: ")[2] or str(error).partition("; ")[2]
        check_encoder(codec.software)
        note = f"{codec.name} does not work here, {codec.software} takes its place ({cause})"
        return replace(encode, codec=codec.software), note
    return encode, ""


@cache
def available_encoders() -> frozenset[str]:
    """The names of ffmpeg's encoders."""
    table = ffmpeg.run(["-encoders"], doing="asking ffmpeg for its encoders").decode("utf-8", "replace")
    return frozenset(re.findall(r"^ [VAS][F.][S.][X.][B.][D.] (\S+)", table, re.MULTILINE))
