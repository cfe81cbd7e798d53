"""How frames become a file."""

from dataclasses import dataclass

from pipeline.config.setting import option

CODECS = (
    *("h264", "h265", "av1", "prores", "ffv1", "vp9", "gif", "webp", "png"),
    *("h264_nvenc", "hevc_nvenc", "av1_nvenc"),
)


@dataclass
class EncodeConfig:
    """How frames become a file."""

    codec: str = option("h264", "video codec; docs/formats.md says which to choose", choices=CODECS)
    quality: str = option("good", "size against fidelity", choices=("draft", "good", "best"))
    bits: str = option("auto", "per colour; auto is 8, with prores 10", choices=("auto", "8", "10", "16"))
    patience: float = option(
        60.0, "seconds without progress after which the encoder counts as hung", low=1, high=86_400
    )
    on_gpu: bool = option(True, "frames of a CUDA GPU become 4:2:0 there, for codecs of 8 bits; false: in ffmpeg")


@dataclass
class PreviewConfig:
    """The page that shows a film while it is rendered, to a browser on this machine."""

    on: bool = option(False, "serve a live page while the film is rendered; preview=true is short for it")
    port: int | None = option(
        None, "of the live page, which it also turns on; null: 8642 or a free one", low=0, high=65535
    )

    @property
    def wanted(self) -> bool:
        """Whether there is to be a page."""
        return self.on or self.port is not None
