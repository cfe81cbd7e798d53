"""The page that shows a film while it is rendered."""

from dataclasses import dataclass

from pipeline.config.option import option


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
