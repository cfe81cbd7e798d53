"""The settings of a storyboard. No torch."""

from dataclasses import dataclass

from pipeline.config.setting import option


@dataclass
class StoryboardConfig:
    """What a storyboard is."""

    video: bool = option(False, "an animatic in place of the sheet: the whole film, small, with words and its sound")
