"""The settings of the studio, written ``studio.port=9000``."""

from dataclasses import dataclass

from pipeline.config.setting import option


@dataclass
class StudioConfig:
    """The studio's page and its folder."""

    port: int | None = option(None, "port of the page; null: 8642 or a free one", low=0, high=65535)
    folder: str = option("outputs/studio", "folder of uploads, of your presets and of the queue")
    upload_mb: int = option(1000, "size of an uploaded file, in millions of bytes", low=1, high=100_000)
