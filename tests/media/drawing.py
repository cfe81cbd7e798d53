"""Video drawn by ffmpeg for tests."""

from pathlib import Path

from pipeline.media import ffmpeg


def draw(path: Path, *arguments: str) -> Path:
    """Run ffmpeg with these arguments and ``path`` as its output."""
    ffmpeg.run([*arguments, "-y", f"file:{path}"], doing="drawing")
    return path


def video(path: Path, picture: str = "testsrc2=s=64x48:r=24:d=1", *arguments: str) -> Path:
    """A video of a picture source that ffmpeg knows."""
    return draw(path, "-f", "lavfi", "-i", picture, *arguments)


def with_sound(path: Path, *arguments: str, rate: str = "24", seconds: float = 1.0) -> Path:
    """A video with a tone that rises."""
    tone = f"aevalsrc='0.4*sin(2*PI*(200+300*t)*t)':s=48000:d={seconds}"
    picture = f"testsrc2=s=64x48:r={rate}:d={seconds}"
    return draw(path, "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone, *arguments)
