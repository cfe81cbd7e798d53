"""The files next to a finished film (``encode.also``): a small preview and a cover."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from pipeline.config import EncodeConfig
from pipeline.image import resize
from pipeline.media.decode.image_file import save_png
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.lossless import read_frames
from pipeline.media.encode.mux import assemble
from pipeline.media.encode.video_spec import VideoSpec
from pipeline.media.sound.source_audio import Audible
from pipeline.plan.delivery import cover_seconds
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.frame_size import even

PREVIEW_LINES = 720

Pieces = Sequence[tuple[Path, range]]
"""(video, its frames of the film) for the whole film, in order."""


def make_preview_and_cover(plan: FilmPlan, parts: Pieces, sound: Audible | None, record: str, folder: Path) -> None:
    """Make the files of ``encode.also``; what is only needed meanwhile goes to the work ``folder``."""
    for kind, path in plan.outputs.also.items():
        if kind == "preview":
            _make_preview(plan, parts, sound, record, path, folder)
        else:
            seconds = cover_seconds(plan)
            save_png(frame_at(parts, min(plan.shown_frames - 1, round(seconds * plan.shown_fps))), path)


def frame_at(parts: Pieces, index: int) -> Tensor:
    """Frame ``index`` of the film."""
    path, span = next((path, span) for path, span in parts if index in span)
    return next(frame for number, frame in enumerate(read_frames([path]), span.start) if number == index)


def _make_preview(plan: FilmPlan, parts: Pieces, sound: Audible | None, record: str, path: Path, folder: Path) -> None:
    factor = min(1.0, PREVIEW_LINES / min(plan.width, plan.height))
    width, height = (even(side, factor) for side in (plan.width, plan.height))
    encode = EncodeConfig(codec="h264", quality="good", bits="8", stall_timeout=plan.config.encode.stall_timeout)
    with Encoder(folder / "part-preview.mp4", width=width, height=height, fps=plan.shown_fps, encode=encode) as encoder:
        for frame in read_frames([part for part, _ in parts]):
            encoder.write(resize(frame[:, :3], (height, width)).clamp(0, 1))
    film = VideoSpec(
        path,
        encode=encode,
        width=width,
        height=height,
        fps=plan.shown_fps,
        frames=plan.shown_frames,
        record=record,
        title=plan.title,
        overwrite=True,  # checked before the render
        is_sphere=plan.config.frame.projection == "equirect",
    )
    try:
        assemble([encoder.part], film, sound=sound)
    finally:
        encoder.part.unlink(missing_ok=True)
