"""Dream-zoom renderer: hallucinated video from noise, photographs and footage."""

__version__ = "0.1.0"
