"""A file gets its name when it is complete, and never takes another's unasked."""

import errno
import os
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.runtime.files import move_into_place, part_path


def test_parts_hide_beside_their_file() -> None:
    assert part_path(Path("out/a.mp4")) == Path(f"out/.a.mp4.{os.getpid()}.part")
    assert part_path(Path("out/a.mp4"), "finished") == Path(f"out/.a.mp4.{os.getpid()}.finished.part")


@pytest.mark.parametrize("links", [True, False])
def test_placing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:  # as on FAT
        monkeypatch.setattr(os, "link", refuse)
    part, final = tmp_path / "part", tmp_path / "final"
    part.write_text("one")
    move_into_place(part, final, overwrite=False)
    assert final.read_text() == "one" and not part.exists()
    part.write_text("two")
    with pytest.raises(FileExistsError):
        move_into_place(part, final, overwrite=False)
    assert final.read_text() == "one" and part.exists()
    move_into_place(part, final, overwrite=True)
    assert final.read_text() == "two" and not part.exists()


def test_what_cannot_be_placed_is_said(tmp_path: Path) -> None:
    (tmp_path / "part").write_text("one")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="folder cannot be written: Is a directory"):
        move_into_place(tmp_path / "part", tmp_path / "folder", overwrite=True)
