"""Operations on frames that several rooms share."""

from pipeline.image.frames import REC709, GrowthStep, Resize, crossfade, fit, from_array, growth_steps, luma, resize

__all__ = ["REC709", "GrowthStep", "Resize", "crossfade", "fit", "from_array", "growth_steps", "luma", "resize"]
