"""How frames are encoded."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option

CODECS = (
    *("h264", "h265", "av1", "prores", "dnxhr", "hap", "ffv1", "vp9", "gif", "webp", "png", "tiff", "exr"),
    *("h264_nvenc", "hevc_nvenc", "av1_nvenc"),
)
"""The names in the table of pipeline.media.encode.codec_table, which is above this module."""

CAPTIONS = ("none", "shots", "cues", "targets")
EXTRAS = ("preview", "cover")
OF_THE_FILE = ("loudness", "chapters", "subtitles", "also", "cover")
"""The settings of ``encode`` on which no frame depends."""


@dataclass
class EncodeConfig:
    """How frames are encoded."""

    codec: str = option("h264", "video codec; docs/formats.md says which to choose", choices=CODECS)
    quality: str = option("good", "small files or high fidelity", choices=("draft", "good", "best"))
    bits: str = option("auto", "bits per color channel; auto: 8, for prores 10", choices=("auto", "8", "10", "16"))
    color: str = option(
        "auto",
        "what the numbers of a frame stand for: display (sRGB, as screens show them) or, in EXR, light (linear);"
        " hdr10 and hlg: graded up to 1000 nits (h265, av1, vp9, prores);"
        " auto: linear for exr, display for all else",
        choices=("auto", "display", "linear", "hdr10", "hlg"),
    )
    interpolate: Any = option(
        None,
        "frames per second of the finished film, such as 60, with frames in between by optical flow; null: frame.fps",
    )
    alpha: str = option(
        "none",
        "a channel of opacity: where is dreamed (mask), or how much the footage is changed (dream);"
        " prores, vp9, ffv1, hap, png, tiff, exr and webp hold it",
        choices=("none", "mask", "dream"),
    )
    loudness: float | None = option(
        None,
        "loudness of the sound in LUFS, such as -14 (streaming) or -23 (television); null: as it is",
        low=-40,
        high=-5,
    )
    chapters: str = option("none", "chapters of the film: its shots, cues or targets", choices=CAPTIONS)
    subtitles: str = option("none", "a track of subtitles with the same names", choices=CAPTIONS)
    also: list[str] = option(
        [], "files next to the film: preview (H.264, at most 720 lines) and cover (one still, PNG)", choices=EXTRAS
    )
    cover: Any = option("50%", "the time of the cover's still")
    stall_timeout: float = option(
        60.0, "seconds without progress after which ffmpeg counts as hung", low=1, high=86_400
    )
    on_gpu: bool = option(True, "convert frames of a CUDA GPU to 4:2:0 there (8-bit codecs); false: in ffmpeg")
