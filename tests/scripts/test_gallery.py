"""The gallery: stills of presets and looks, and a page with their commands."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.cli.compose import make_config
from pipeline.cli.sanitize import choices
from scripts import gallery

TINY = ("network=motifnet", "frame.width=96", "frame.height=64", "start.steps=1", "dream.octaves=1", "flow.warmup=0")


def test_gallery_has_every_preset_and_look() -> None:
    entries = gallery.entries()
    assert [each.name for each in entries] == [*choices("preset"), *choices("look")]
    assert all(each.words.endswith(".") for each in entries)
    assert all(each.files.keys() <= gallery.INPUTS.keys() for each in entries)
    with_files = [each for each in entries if each.files]
    assert {"portrait", "footage", "music_video"} <= {each.name for each in with_files}
    for each in with_files:
        make_config(each.command.split()[1:])


def test_still_of_a_clip_and_its_page(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "CLIP_SECONDS", 1)
    options = ["--at", "0s", "--folder", str(tmp_path), "--set", *TINY]
    assert gallery.main(["--only", "footage", *options]) == 0
    page = (tmp_path / "gallery.md").read_text()
    assert "`scripts/render preset=footage source.path=clip.mp4`" in page and "breathing" not in page
    assert "](gallery/preset-footage.jpg)" in page
    still = tmp_path / "gallery" / "preset-footage.jpg"
    with Image.open(still) as image:
        assert image.size == (96, 64) and np.asarray(image).std() > 5
    before = still.stat()
    assert gallery.main(["--only", "footage", "--missing", *options]) == 0
    assert still.stat().st_mtime_ns == before.st_mtime_ns
    capfd.readouterr()
    assert gallery.main(["--only", "breathing", *options, "dream.octaves=99"]) == 1
    assert "preset=breathing: dream.octaves=99" in capfd.readouterr().err


def test_a_gallery_is_not_too_large(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery" / "preset-spiral.jpg").write_bytes(bytes(2_000_000))
    monkeypatch.setattr(gallery, "MAX_BYTES", 1_000_000)
    assert gallery.main(["--only", "spiral", "--missing", "--folder", str(tmp_path)]) == 1
    assert "2.0 MB; allowed are 1" in capfd.readouterr().err


def test_unknown_names_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        gallery.main(["--only", "spirl"])
    assert "no such preset or look: spirl" in capfd.readouterr().err
