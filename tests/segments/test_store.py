"""The store of segments: intact ones stay, damaged ones are detected, and a render resumes in the right place."""

import json
from pathlib import Path

import pytest
import torch

from pipeline.errors import OutputError
from pipeline.segments import checkpoint, journal
from pipeline.segments.layout import Layout
from pipeline.segments.spool import CueDigest
from pipeline.segments.store import SegmentStore

GRID = 4


def cues(first: int, count: int) -> str:
    return f"cues {first} {count}"


def store(folder: Path, frames: int, digest: CueDigest = cues, checkpoint_bytes: float = 1e9) -> SegmentStore:
    return SegmentStore(folder, Layout(GRID, frames, ".mp4"), "spec", digest, checkpoint_bytes)


def canvas(number: int) -> torch.Tensor:
    return torch.full((1, 3, 5, 7), number / 100)


def fill(folder: Path, frames: int, count: int = 0, checkpoint_bytes: float = 1e9) -> SegmentStore:
    """A store for ``frames`` frames with all segments, or the first ``count``."""
    made = store(folder, frames, checkpoint_bytes=checkpoint_bytes)
    for number in range(count or made.layout.count):
        part = folder / f".{number}.part"
        part.write_bytes(f"video {number}".encode() * 50)
        made.add(number, part, canvas(number), {"tile": "7"}, seconds=1.5)
    return made


def flip(path: Path) -> None:
    """Flip one bit in the middle of the file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def test_an_empty_store_renders_everything(tmp_path: Path) -> None:
    empty = store(tmp_path, 10)
    assert empty.gaps() == [range(3)]
    position = empty.position(0)
    assert (position.canvas, position.first, position.raw_frames) == (None, 0, None)


def test_finished_segments_resume_from_their_canvas(tmp_path: Path) -> None:
    fill(tmp_path, 12)
    assert store(tmp_path, 12).gaps() == []
    again = store(tmp_path, 40)
    assert again.finished_frames == 12
    assert again.gaps() == [range(3, 10)]
    position = again.position(3)
    assert position.first == 12
    assert position.canvas is not None
    assert torch.equal(position.canvas, canvas(2))
    assert position.state["tile"] == "7"
    assert not [path for path in tmp_path.iterdir() if ".part" in path.name]


def test_a_longer_film_renders_its_short_last_segment_again(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    assert store(tmp_path, 10).gaps() == []
    assert store(tmp_path, 14).gaps() == [range(2, 4)]
    assert store(tmp_path, 6).gaps() == [range(1, 2)]


@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
@pytest.mark.parametrize("kind", [".mp4", ".safetensors"])
def test_damage_costs_one_segment(tmp_path: Path, kind: str, how: str) -> None:
    fill(tmp_path, 20)
    victim = tmp_path / f"00003{kind}"
    if how == "flip":
        flip(victim)
    elif how == "cut":
        victim.write_bytes(victim.read_bytes()[:20])
    else:
        victim.unlink()
    again = store(tmp_path, 20)
    if kind == ".mp4":
        assert again.damaged == [3]
        assert again.gaps() == [range(3, 4)]
        assert store(tmp_path, 28).gaps() == [range(3, 4), range(5, 7)]
    else:  # matters only where the segment after it is missing
        assert again.gaps() == []
        flip(tmp_path / "00004.mp4")
        assert store(tmp_path, 20).gaps() == [range(3, 5)]


def test_gaps_that_touch_merge(tmp_path: Path) -> None:
    fill(tmp_path, 24)
    for name in ("00002.mp4", "00005.mp4", "00004.safetensors", "00003.safetensors"):
        (tmp_path / name).unlink()
    assert store(tmp_path, 24).gaps() == [range(2, 6)]


def test_a_part_renders_only_what_leads_to_it(tmp_path: Path) -> None:
    made = fill(tmp_path, 80, count=3)
    assert made.gaps(range(5)) == [range(3, 5)]
    assert made.gaps(range(10, 12)) == [range(3, 12)]
    assert made.gaps(range(3)) == []


def test_a_changed_score_is_detected(tmp_path: Path) -> None:
    fill(tmp_path, 12)
    changed = store(tmp_path, 12, lambda first, count: cues(first, count) if first < 8 else "other")
    assert changed.changed == [8]


def test_a_damaged_journal_costs_only_damaged_lines(tmp_path: Path) -> None:
    fill(tmp_path, 12)
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    evil = json.loads(lines[1]) | {"file": "../../etc/passwd"}
    path.write_bytes(lines[0] + json.dumps(evil).encode() + b"\n[]\nnull\n\xff\xfe\n" + lines[2][:30])
    again = store(tmp_path, 12)
    assert sorted(again.entries) == [0]
    part = tmp_path / ".1.part"
    part.write_bytes(b"again")
    again.add(1, part, canvas(1), {}, seconds=1)
    assert sorted(journal.read(path)) == [0, 4]  # the line cut short has not swallowed the new one


def test_old_checkpoints_are_pruned(tmp_path: Path) -> None:
    fill(tmp_path, 80)
    assert len(list(tmp_path.glob("*.safetensors"))) == 20
    for path in tmp_path.iterdir():
        path.unlink()
    fill(tmp_path, 160, checkpoint_bytes=1000)  # less than two of them take
    checkpoints = sorted(int(path.stem) for path in tmp_path.glob("*.safetensors"))
    assert checkpoints == [15, 31, 37, 38, 39]
    assert store(tmp_path, 160).gaps() == []


def test_an_open_segment_resumes_frame_by_frame(tmp_path: Path) -> None:
    made = fill(tmp_path, 40, count=2)
    spool = made.spools.new(2)
    for raw in (b"aaaa", b"bbbb"):
        spool.add(raw)
    assert made.spools.keep(2, spool, canvas(9), {"tile": "5"})
    again = store(tmp_path, 40)
    assert again.rendered_frames == 10
    position = again.position(2)
    assert (position.first, position.raw_count) == (10, 2)
    assert position.raw_frames is not None
    # A new spool must not overwrite the frames that are still being read from the old one.
    fresh = again.spools.new(2)
    fresh.add(b"cccc")
    fresh.close()
    assert list(position.raw_frames) == [b"aaaa", b"bbbb"]
    assert position.canvas is not None
    assert torch.equal(position.canvas, canvas(9))
    again.spools.drop(2)
    assert store(tmp_path, 40).rendered_frames == 8
    assert not list(tmp_path.glob("open*"))


@pytest.mark.parametrize("victim", ["open-00002.raw", "open-00002.safetensors", "open.json"])
def test_a_damaged_open_segment_is_ignored(tmp_path: Path, victim: str) -> None:
    made = fill(tmp_path, 40, count=2)
    spool = made.spools.new(2)
    spool.add(b"aaaabbbb")
    made.spools.keep(2, spool, canvas(9), {})
    flip(tmp_path / victim)
    position = store(tmp_path, 40).position(2)
    assert (position.first, position.raw_frames) == (8, None)


def test_checkpoints_are_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "canvas.safetensors"
    sha256 = checkpoint.save(path, canvas(3), {"a": "b"})
    saved = checkpoint.load(path, sha256)
    assert saved is not None
    assert torch.equal(saved[0], canvas(3))
    assert saved[1]["a"] == "b"
    assert checkpoint.load(path, "0" * 64) is None
    with pytest.raises(OutputError, match="cannot be written"):
        checkpoint.save(tmp_path / "gone" / "canvas.safetensors", canvas(3))
