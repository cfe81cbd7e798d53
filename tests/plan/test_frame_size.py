"""Sizes of the frame: qualities, formats and aspects, alone and together, also over footage."""

from pathlib import Path

import pytest

from pipeline.cli import arguments
from pipeline.cli.compose import make_config
from pipeline.errors import RenderError
from pipeline.plan.frame_size import requested_size
from tests.test_shot import planned

CLIP = (1280, 720)


def size_of(*words: str, clip: tuple[int, int] | None = None) -> tuple[int, int]:
    """The size that a command line asks for."""
    return requested_size(make_config(arguments.parse(words).overrides).frame, clip)


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("quality=hd", (1920, 1080)),
        ("quality=uhd", (3840, 2160)),
        ("quality=draft", (480, 270)),
        ("quality=hd format=reel", (1080, 1920)),
        ("quality=uhd format=reel", (2160, 3840)),
        ("quality=hd format=square", (1080, 1080)),
        ("quality=hd format=portrait45", (1080, 1350)),
        ("quality=hd format=cinema", (1920, 804)),
        ("quality=hd frame.aspect=4:3", (1440, 1080)),
        ("quality=hd frame.width=90 frame.height=160", (1080, 1920)),
        ("format=reel", (360, 640)),
        ("format=square", (480, 480)),
        ("frame.aspect=9:16 frame.width=720", (720, 1280)),
        ("format=cinema frame.height=400", (956, 400)),
        ("frame.aspect=null frame.width=100 frame.height=200", (100, 200)),
        ("frame.fit=200x100 frame.aspect=1", (100, 100)),
    ],
)
def test_sizes(words: str, size: tuple[int, int]) -> None:
    assert size_of(*words.split()) == size


@pytest.mark.parametrize("name", ["reel", "square", "portrait45", "cinema"])
def test_format_keeps_the_number_of_pixels(name: str) -> None:
    width, height = size_of(f"format={name}")
    assert width % 2 == height % 2 == 0
    assert width * height == pytest.approx(640 * 360, rel=0.01)


def test_sizes_of_footage() -> None:
    footage = ("preset=footage",)
    assert size_of(*footage, clip=CLIP) == CLIP
    assert size_of(*footage, "quality=hd", clip=CLIP) == (1920, 1080)
    assert size_of(*footage, "quality=draft", clip=(3840, 1600)) == (480, 200)
    assert size_of(*footage, "quality=hd", clip=(720, 1280)) == (1080, 1920)
    assert size_of(*footage, "format=reel", clip=CLIP) == (720, 1280)
    assert size_of(*footage, "frame.width=320", clip=CLIP) == (320, 180)


def test_summary_has_size_rate_frames_and_seconds(tmp_path: Path) -> None:
    plan = planned(tmp_path, "+quality=draft", "frame.fps=30000/1001", "duration=60f")
    assert plan.summary == "480x270, 29.97 fps, 60 frames, 2.002s"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "format=reel frame.width=100 frame.height=200",
            "format=reel: frame.width=100 and frame.height=200 set the shape",
        ),
        ("frame.aspect=1:1 frame.width=100 frame.height=200", "frame.aspect=1:1: frame.width=100 and"),
        ("format=reel frame.aspect=1:1", "format=reel and frame.aspect=1:1: both set the shape"),
        ("quality=hd frame.width=100", "frame.width=100: quality=hd sets the size"),
        ("frame.aspect=wide", "frame.aspect=wide: needs width:height"),
        ("frame.aspect=0:1", "frame.aspect=0:1: needs width:height"),
        ("frame.aspect=20:1", "frame.aspect=20:1: .* up to 10:1"),
        ("frame.fit=hd", "frame.fit=hd: needs two sides"),
        ("frame.fit=99999x9", "frame.fit=99999x9: needs two sides of 16 to 16384"),
        ("frame.fit=20x20 frame.aspect=9:1", "frame.fit=20x20: the frame would have 20x2 pixels"),
        ("frame.width=0 frame.height=0", "frame.width=0: allowed is 16 to 16384, or 0 with footage or frame.aspect"),
    ],
)
def test_impossible_sizes_are_one_sentence(words: str, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        size_of(*words.split())
