"""Small films that travel."""

from pathlib import Path

from pipeline import film
from pipeline.runtime.files import sha256_of
from pipeline.segments.join import FilmFiles
from tests.test_shot import planned

TINY = (
    *(
        "frame.width=96",
        "frame.height=64",
        "frame.fps=12",
        "dream.octaves=1",
        "dream.steps=1",
        "start.steps=2",
        "segment=4",
    ),
    *("network=motifnet", "encode.quality=draft"),
)
FOUR = (
    "film=[{preset: spiral, duration: 9f},{camera.zoom: 1.2, duration: 8f, transition: crossfade, fade: 3f},"
    "{camera: static, duration: 5f, transition: zoom_through},{duration: 6f, transition: dip, fade: 4f}]"
)


def render(folder: Path, *words: str) -> FilmFiles:
    """Render folder/film.mp4 of these settings."""
    folder.mkdir(exist_ok=True)
    return film.render(planned(folder, *TINY, f"output={folder}/film.mp4", *words))


def digest(folder: Path) -> str:
    """SHA-256 of the film in a folder."""
    return sha256_of(folder / "film.mp4")
