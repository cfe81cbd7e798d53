"""How frames become a file."""

from dataclasses import dataclass

from pipeline.config.option import option


@dataclass
class EncodeConfig:
    """How frames become a file."""

    codec: str = option("h264", "video codec", choices=("h264",))
    quality: str = option("good", "size against fidelity", choices=("draft", "good", "best"))
    bits: str = option("auto", "per colour; auto: 8, for prores 10", choices=("auto", "8", "10"))
    patience: float = option(
        60.0, "seconds without progress after which the encoder counts as hung", low=1, high=86_400
    )
