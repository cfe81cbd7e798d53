"""OpenCV, loaded only where it is used: the usual package needs system libraries that servers and containers lack."""

from typing import Any

from pipeline.errors import RenderError


def opencv() -> Any:
    """The module cv2. Raises RenderError naming the package that needs no display."""
    try:
        import cv2
    except ImportError as error:
        words = "footage and 16-bit pictures need OpenCV, which cannot be loaded"
        remedy = "pip uninstall opencv-python, then pip install opencv-python-headless, which needs no display"
        raise RenderError(f"{words} ({error}): {remedy}") from error
    return cv2
