"""What this ffmpeg cannot encode is refused before anything is rendered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError, RenderError
from pipeline.media import ffmpeg
from pipeline.media.encode import encoder_check
from pipeline.media.encode.codec_table import CODECS
from pipeline.media.encode.encoder_check import check_encoder, resolve_encoder

HARDWARE = [codec for codec in CODECS.values() if codec.software]


@pytest.fixture
def poor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An ffmpeg that has no AV1 encoder."""
    program = tmp_path / "ffmpeg"
    program.write_text(f'#!/bin/sh\n"{ffmpeg.binary()}" "$@" | grep -v libsvtav1\n')
    program.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "binary", lambda: str(program))
    encoder_check.available_encoders.cache_clear()
    yield program
    encoder_check.available_encoders.cache_clear()


def test_a_missing_encoder_is_named(poor: Path) -> None:
    with pytest.raises(ConfigError, match=rf"encode.codec=av1: the ffmpeg at {poor} has no libsvtav1; .* h264, h265, "):
        check_encoder("av1")
    with pytest.raises(ConfigError, match="has no libsvtav1"):
        resolve_encoder(EncodeConfig("av1"), 64, 48)
    check_encoder("h264")


def test_software_encoders_are_used_as_set() -> None:
    encode = EncodeConfig("h264", "best", "10")
    assert resolve_encoder(encode, 64, 48) == (encode, "")
    with pytest.raises(ConfigError, match=r"encode\.bits=16"):
        resolve_encoder(EncodeConfig("h264", bits="16"), 64, 48)


@pytest.mark.parametrize("codec", [codec.name for codec in HARDWARE])
def test_hardware_that_fails_is_replaced_with_a_note(codec: str) -> None:
    if codec == "av1_nvenc" and not _has("av1"):
        pytest.skip("this ffmpeg has no AV1")
    used, note = resolve_encoder(EncodeConfig(codec, "draft"), 320, 192)
    if used.codec == codec:
        assert note == ""  # there is such hardware here
        return
    assert used == EncodeConfig(CODECS[codec].software, "draft")
    assert note.startswith(f"{codec} does not work here, {used.codec} takes its place (")
    assert len(note.partition("(")[2]) > 10


def test_hardware_is_not_tried_at_impossible_sizes() -> None:
    used, note = resolve_encoder(EncodeConfig("h264_nvenc"), 64, 48)
    assert used.codec == "h264" and "(h264_nvenc takes 160 to 4096 a side)" in note


def _has(codec: str) -> bool:
    try:
        check_encoder(codec)
    except RenderError:
        return False
    return True
