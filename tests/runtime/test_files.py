"""Atomic writes: a file gets its name when it is complete, and never replaces another without overwrite."""

import errno
import os
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.runtime.files import atomic_write, format_bytes, move_into_place, part_path, write_json


def test_part_files_are_hidden_next_to_their_file() -> None:
    assert part_path(Path("out/a.mp4")) == Path(f"out/.a.mp4.{os.getpid()}.part")
    assert part_path(Path("out/a.mp4"), "finished") == Path(f"out/.a.mp4.{os.getpid()}.finished.part")


@pytest.mark.parametrize("links", [True, False])
def test_move_into_place_replaces_only_with_overwrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
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


def test_a_failed_move_is_reported(tmp_path: Path) -> None:
    (tmp_path / "part").write_text("one")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="folder cannot be written: Is a directory"):
        move_into_place(tmp_path / "part", tmp_path / "folder", overwrite=True)


def test_atomic_write_leaves_nothing_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"one": 1})
    with pytest.raises(RuntimeError), atomic_write(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == '{"one": 1}\n' and [file.name for file in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        write_json(tmp_path / "none" / "a.json", {})


def test_sizes_have_three_digits() -> None:
    assert [format_bytes(size) for size in (0, 999, 1000, 12_345_678, 2.5e12)] == [
        *("0 bytes", "999 bytes", "1 kB", "12.3 MB", "2.5 TB")
    ]
