"""Whether this ffmpeg can encode what is asked, known before anything is rendered."""

import re
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError, EncoderError, OutputError
from pipeline.media import ffmpeg
from pipeline.media.encode.codecs import CODECS, find_codec
from pipeline.media.encode.encode_args import check_size, coding_of


def check_encoder(codec_name: str) -> None:
    """Raise ConfigError, naming what is missing and what there is instead, unless ffmpeg knows the codec's encoder."""
    missing = [encoder for encoder in find_codec(codec_name).encoders if encoder not in _encoders()]
    if missing:
        there = [name for name, codec in CODECS.items() if set(codec.encoders) <= _encoders()]
        fact = f"the ffmpeg at {ffmpeg.binary()} has no {missing[0]}"
        raise ConfigError("encode.codec", codec_name, f"{fact}; it has what is needed for {', '.join(there)}")


def settle(encode: EncodeConfig, width: int, height: int) -> tuple[EncodeConfig, str]:
    """The settings that will be used, and a note where they are not those asked for, else an empty string.

    An encoder in hardware is tried with one frame of this size in pixels; where it does not work the codec's software
    takes its place. Raises ConfigError when the settings contradict each other or ffmpeg does not know the encoder.
    """
    coding = coding_of(encode)
    codec = coding.codec
    if not codec.software:
        check_encoder(codec.name)
        return encode, ""
    raw = ["-f", "rawvideo", "-pixel_format", coding.layout, "-video_size", f"{width}x{height}"]
    raw += ["-framerate", "24", "-protocol_whitelist", "pipe", "-i", "pipe:0"]
    try:
        check_size(Path("film"), codec, width, height)
        black = bytes(coding.frame_bytes(width, height))
        ffmpeg.run([*raw, *coding.arguments("null", Fraction(24)), "-f", "null", "-"], doing="trying", input=black)
    except (EncoderError, OutputError) as error:
        said = str(error).partition("said: ")[2] or str(error).partition("; ")[2]
        check_encoder(codec.software)
        return replace(
            encode, codec=codec.software
        ), f"{codec.name} does not work here, {codec.software} takes its place ({said})"
    return encode, ""


@cache
def _encoders() -> frozenset[str]:
    """ffmpeg's names of the encoders that it has."""
    words = ffmpeg.run(["-encoders"], doing="asking ffmpeg for its encoders").decode("utf-8", "replace")
    return frozenset(re.findall(r"^ [VAS][F.][S.][X.][B.][D.] (\S+)", words, re.MULTILINE))
