"""The shelf of segments: what is whole stays, what is not is found out, and where a render goes on."""

import json
from pathlib import Path

import pytest
import torch

from pipeline.errors import OutputError
from pipeline.segments import checkpoint, journal
from pipeline.segments.layout import Layout
from pipeline.segments.store import Cues, Shelf

GRID = 4


def cues(first: int, count: int) -> str:
    return f"cues {first} {count}"


def shelf(folder: Path, ask: Cues = cues, room: float = 1e9) -> Shelf:
    return Shelf(folder, layout=Layout(GRID, ".mp4"), spec="spec", cues=ask, room=room)


def canvas(number: int) -> torch.Tensor:
    return torch.full((1, 3, 5, 7), number / 100)


def fill(folder: Path, count: int, frames: int = 0, room: float = 1e9) -> Shelf:
    """A shelf of ``count`` segments, the last of which may be short."""
    made = shelf(folder, room=room)
    total = frames or count * GRID
    for number in range(count):
        part = folder / f".{number}.part"
        part.write_bytes(f"video {number}".encode() * 50)
        made.add(number, part, canvas(number), {"tile": "7"}, frames=made.length(number, total), seconds=1.5)
    return made


def flip(path: Path) -> None:
    """Turn over one bit in the middle of the file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def test_an_empty_shelf_has_everything_ahead(tmp_path: Path) -> None:
    fresh = shelf(tmp_path)
    assert fresh.gaps(10) == [range(3)]
    position = fresh.position(0)
    assert (position.canvas, position.first, position.frames) == (None, 0, None)


def test_what_was_added_is_there_again_and_goes_on_from_its_canvas(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    again = shelf(tmp_path)
    assert again.finished(40) == 12
    assert again.gaps(12) == []
    assert again.gaps(40) == [range(3, 10)]
    position = again.position(3)
    assert position.first == 12
    assert position.canvas is not None
    assert torch.equal(position.canvas, canvas(2))
    assert position.notes["tile"] == "7"
    assert {path.name for path in tmp_path.iterdir() if ".part" in path.name} == set()


def test_a_short_last_segment_is_rendered_again_when_the_film_gets_longer(tmp_path: Path) -> None:
    fill(tmp_path, 3, frames=10)
    again = shelf(tmp_path)
    assert again.gaps(10) == []
    assert again.gaps(14) == [range(2, 4)]
    assert again.gaps(6) == [range(1, 2)]


@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
@pytest.mark.parametrize("kind", [".mp4", ".safetensors"])
def test_damage_is_noticed_and_only_what_it_costs_is_rendered_again(tmp_path: Path, kind: str, how: str) -> None:
    fill(tmp_path, 5)
    victim = tmp_path / f"00003{kind}"
    if how == "flip":
        flip(victim)
    elif how == "cut":
        victim.write_bytes(victim.read_bytes()[:20])
    else:
        victim.unlink()
    again = shelf(tmp_path)
    if kind == ".mp4":
        assert again.damaged == [3]
        assert again.gaps(20) == [range(3, 4)]
        assert again.gaps(28) == [range(3, 4), range(5, 7)]
    else:  # only felt where a segment after it is missing
        assert again.gaps(20) == []
        flip(tmp_path / "00004.mp4")
        assert shelf(tmp_path).gaps(20) == [range(3, 5)]


def test_gaps_that_grow_into_each_other_are_one(tmp_path: Path) -> None:
    fill(tmp_path, 6)
    for name in ("00002.mp4", "00005.mp4", "00004.safetensors", "00003.safetensors"):
        (tmp_path / name).unlink()
    assert shelf(tmp_path).gaps(24) == [range(2, 6)]


def test_a_part_needs_only_what_leads_to_it(tmp_path: Path) -> None:
    made = fill(tmp_path, 3)
    assert made.gaps(80, range(5)) == [range(3, 5)]
    assert made.gaps(80, range(10, 12)) == [range(3, 12)]
    assert made.gaps(80, range(3)) == []


def test_a_score_that_asks_for_something_else_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    changed = shelf(tmp_path, lambda first, count: cues(first, count) if first < 8 else "other")
    assert changed.changed == [8]


def test_a_torn_or_mad_journal_costs_only_what_it_no_longer_tells(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    evil = json.loads(lines[1]) | {"file": "../../etc/passwd"}
    path.write_bytes(lines[0] + json.dumps(evil).encode() + b"\n[]\nnull\n\xff\xfe\n" + lines[2][:30])
    again = shelf(tmp_path)
    assert sorted(again.entries) == [0]
    part = tmp_path / ".1.part"
    part.write_bytes(b"again")
    again.add(1, part, canvas(1), {}, frames=GRID, seconds=1)
    assert sorted(journal.read(path)) == [0, 4]  # the torn line has not swallowed the new one


def test_old_checkpoints_go_and_a_few_stay(tmp_path: Path) -> None:
    fill(tmp_path, 20)
    assert len(list(tmp_path.glob("*.safetensors"))) == 20
    for path in tmp_path.iterdir():
        path.unlink()
    fill(tmp_path, 40, room=1000)  # there is not even room for two
    kept = sorted(int(path.stem) for path in tmp_path.glob("*.safetensors"))
    assert kept == [15, 31, 37, 38, 39]
    assert shelf(tmp_path).gaps(160) == []


def test_the_open_segment_goes_on_frame_by_frame(tmp_path: Path) -> None:
    made = fill(tmp_path, 2)
    spool = made.spool(2)
    for value in (b"aaaa", b"bbbb"):
        spool.add(value)
    assert made.keep_open(2, spool, canvas(9), {"tile": "5"})
    again = shelf(tmp_path)
    assert again.kept(40) == 10
    position = again.position(2)
    assert position.first == 10
    assert position.frames is not None
    # A new spool must not eat the frames that are still being read from the old one.
    fresh = again.spool(2)
    fresh.add(b"cccc")
    fresh.close()
    assert list(position.frames[0]) == [b"aaaa", b"bbbb"]
    assert position.canvas is not None
    assert torch.equal(position.canvas, canvas(9))
    again.drop_open(2)
    assert shelf(tmp_path).kept(40) == 8
    assert not list(tmp_path.glob("open*"))


@pytest.mark.parametrize("victim", ["open-00002.raw", "open-00002.safetensors", "open.json"])
def test_a_damaged_open_segment_is_passed_over(tmp_path: Path, victim: str) -> None:
    made = fill(tmp_path, 2)
    spool = made.spool(2)
    spool.add(b"aaaabbbb")
    made.keep_open(2, spool, canvas(9), {})
    flip(tmp_path / victim)
    position = shelf(tmp_path).position(2)
    assert (position.first, position.frames) == (8, None)


def test_checkpoints_are_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "canvas.safetensors"
    sha256 = checkpoint.save(path, canvas(3), {"a": "b"})
    found = checkpoint.load(path, sha256)
    assert found is not None
    assert torch.equal(found[0], canvas(3))
    assert found[1]["a"] == "b"
    assert checkpoint.load(path, "0" * 64) is None
    with pytest.raises(OutputError, match="cannot be written"):
        checkpoint.save(tmp_path / "gone" / "canvas.safetensors", canvas(3))
