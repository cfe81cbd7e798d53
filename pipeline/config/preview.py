"""The page that shows the film while it renders."""

from dataclasses import dataclass

from pipeline.config.setting import option


@dataclass
class PreviewConfig:
    """A web page on this machine that shows the film while it renders."""

    on: bool = option(False, "serve a live page while the film renders; preview=true is short for it")
    port: int | None = option(
        None, "port of the live page, which it also turns on; null: 8642 or a free one", low=0, high=65535
    )

    @property
    def enabled(self) -> bool:
        """Whether to serve the page."""
        return self.on or self.port is not None
