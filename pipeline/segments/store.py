"""The finished segments of one shot in a folder: verified, added to, gone on from."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from pipeline.errors import OutputError
from pipeline.runtime.files import move_into_place, sha256_of, write_json
from pipeline.segments import checkpoint, journal
from pipeline.segments.journal import Entry
from pipeline.segments.layout import Layout
from pipeline.segments.spool import Spool, replay

RECENT, EVERY = 3, 16
"""Of the checkpoints for which there is no room the latest few stay, and further back one in so many."""

ROOM = 2e9
"""Bytes that checkpoints may take: enough for all of most films, so that damage anywhere costs one segment."""

Cues = Callable[[int, int], str]
"""(first frame, count of frames) → digest of what the score asks for in them."""


@dataclass(frozen=True)
class Position:
    """Where a render goes on: ``canvas`` is that of frame ``first − 1``, None at the very beginning.

    ``frames`` are raw frames of the open segment that need only be encoded again. ``notes`` are the checkpoint's.
    """

    canvas: Tensor | None
    first: int
    frames: tuple[Iterator[bytes], int] | None
    notes: Mapping[str, str]


class Shelf:
    """Segments in ``folder``, which exists, divided as ``layout`` says.

    ``damaged`` are the segments that the journal tells of and that are not, or no longer, what it tells; ``changed``
    the first frames of those for which the score asks for something else by now. ``spec`` is the digest of what the
    frames depend on, ``room`` is in bytes, for checkpoints.
    """

    def __init__(self, folder: Path, *, layout: Layout, spec: str, cues: Cues, room: float = ROOM) -> None:
        self._room, self._spec = room, spec
        self.folder, self.layout, self._cues = folder, layout, cues
        self.damaged: list[int] = []
        self.changed: list[int] = []
        self._journal = folder / "journal.jsonl"
        self._told = journal.read(self._journal)
        self.entries = {first: entry for first, entry in self._told.items() if self._holds(entry)}
        for leftover in folder.glob(".*.part"):  # of a render that was killed; the lock is ours
            leftover.unlink(missing_ok=True)

    def path(self, number: int) -> Path:
        """The video of a segment."""
        return self.folder / self.layout.name(number)

    def length(self, number: int, frames: int) -> int:
        """How many frames segment ``number`` has in a shot of ``frames`` frames."""
        return self.layout.length(number, frames)

    def count(self, frames: int) -> int:
        """How many segments a shot of ``frames`` frames has."""
        return self.layout.count(frames)

    def finished(self, frames: int) -> int:
        """How many of ``frames`` frames stand in finished segments."""
        return sum(self.length(n, frames) for n in range(self.count(frames)) if self._is_whole(n, frames))

    def gaps(self, frames: int, wanted: range | None = None) -> list[range]:
        """The runs of segments to render for a shot of ``frames`` frames (of it, only the segments ``wanted``).

        Each starts where there is a canvas to start from, so that finished segments may be among them.
        """
        wanted, found = wanted or range(self.count(frames)), list[range]()
        number = wanted.start
        while number < wanted.stop:
            if self._is_whole(number, frames):
                number += 1
                continue
            start, stop = number, number + 1
            while stop < wanted.stop and not self._is_whole(stop, frames):
                stop += 1
            least = found[-1].stop if found else 0
            while start > least and not self._has_canvas(start - 1):
                start -= 1
            if found and start == least:
                start = found.pop().start
            found.append(range(start, stop))
            number = stop
        return found

    def position(self, number: int) -> Position:
        """Where segment ``number``, the first of a gap, is gone on with."""
        canvas, notes = None, dict[str, str]()
        if number:
            entry = self._told[self.layout.first(number - 1)]
            found = checkpoint.load(self.folder / entry.checkpoint, entry.checkpoint_sha256)
            assert found is not None
            canvas, notes = found
        begun = self._open(number)
        return begun or Position(canvas, self.layout.first(number), None, notes)

    def add(
        self, number: int, part: Path, canvas: Tensor, notes: Mapping[str, str], *, frames: int, seconds: float
    ) -> Path:
        """Give the complete video ``part`` its name, beside the canvas of its last frame, and tell the journal."""
        path = self.path(number)
        sha256 = sha256_of(part)
        move_into_place(part, path, overwrite=True)
        kept = path.with_suffix(".safetensors")
        canvas_sha256 = checkpoint.save(kept, canvas, notes)
        first = self.layout.first(number)
        entry = Entry(
            segment=number,
            first=first,
            frames=frames,
            file=path.name,
            sha256=sha256,
            checkpoint=kept.name,
            checkpoint_sha256=canvas_sha256,
            spec=self._spec,
            cues=self._cues(first, frames),
            seconds=round(seconds, 3),
        )
        journal.append(self._journal, entry)
        self._told[first] = self.entries[first] = entry
        self._prune(number)
        return path

    def spool(self, number: int) -> Spool:
        """A new file for the frames of the open segment; what an earlier stop left stays until it is replaced."""
        name = f"open-{number:05}.raw"
        return Spool(self.folder / (f"open-{number:05}-again.raw" if self._opened().get("spool") == name else name))

    def keep_open(self, number: int, spool: Spool, canvas: Tensor, notes: Mapping[str, str]) -> bool:
        """Keep the open segment's frames and the canvas of the last one; False where the disk does not take them."""
        spool.close()
        if not spool.whole or not spool.frames:
            spool.remove()
            return False
        kept = self.folder / f"{spool.path.stem}.safetensors"
        try:
            sha256 = checkpoint.save(kept, canvas, notes)
            told = {
                "segment": number,
                "frames": spool.frames,
                "spool": spool.path.name,
                "sha256": spool.sha256,
                "checkpoint_sha256": sha256,
                "first": self.layout.first(number),
                "spec": self._spec,
                "cues": self._cues(self.layout.first(number), spool.frames),
            }
            write_json(self.folder / "open.json", told)
        except OutputError:
            return False
        return True

    def drop_open(self, number: int) -> None:
        """Forget the frames of an open segment: it is finished."""
        with suppress(OSError):
            if self._opened().get("segment") == number:
                (self.folder / "open.json").unlink()
            for path in self.folder.glob(f"open-{number:05}*"):
                path.unlink()

    def first(self, frames: int, wanted: range | None = None) -> int:
        """The frame that dreaming goes on with; ``frames`` when there is nothing left to do."""
        gaps = self.gaps(frames, wanted)
        return self.position(gaps[0].start).first if gaps else frames

    def notes(self, frames: int) -> Mapping[str, str]:
        """What was noted with the last checkpoint."""
        found = self.last(frames)
        return found[1] if found else {}

    def last(self, frames: int) -> tuple[Tensor, Mapping[str, str]] | None:
        """The canvas of the last of ``frames`` frames and what was noted with it, where it is there."""
        entry = self.entries[self.layout.first(self.count(frames) - 1)]
        return checkpoint.load(self.folder / entry.checkpoint, entry.checkpoint_sha256)

    def handed(self, frames: int) -> str:
        """The SHA-256 of the canvas of the last of ``frames`` frames."""
        return self.entries[self.layout.first(self.count(frames) - 1)].checkpoint_sha256

    def want_last(self, frames: int) -> None:
        """Count the segment of the last of ``frames`` frames as missing where the canvas after it is not there."""
        first = self.layout.first(self.count(frames) - 1)
        entry = self.entries.get(first)
        if entry is not None and not checkpoint.intact(self.folder / entry.checkpoint, entry.checkpoint_sha256):
            del self.entries[first]

    def digests(self, firsts: range, frames: int) -> list[str]:
        """The SHA-256 of the finished segments that begin at one of the frames ``firsts``, of a shot of ``frames``."""
        numbers = range(self.count(frames))
        return [self.entries[at].sha256 for at in map(self.layout.first, numbers) if at in firsts]

    def kept(self, frames: int) -> int:
        """How many of ``frames`` frames need not be dreamed again, the open segment's included."""
        gaps = self.gaps(frames)
        opened = self._open(gaps[0].start) if gaps else None
        return self.finished(frames) + (opened.frames[1] if opened and opened.frames else 0)

    def _holds(self, entry: Entry) -> bool:
        """Whether the segment is what the journal tells, and what the score still asks for."""
        if not checkpoint.intact(self.folder / entry.file, entry.sha256):
            self.damaged.append(entry.segment)
        elif self._cues(entry.first, entry.frames) != entry.cues:
            self.changed.append(entry.first)
        else:
            return True
        return False

    def _is_whole(self, number: int, frames: int) -> bool:
        entry = self.entries.get(self.layout.first(number))
        return entry is not None and (entry.frames, entry.file) == (self.length(number, frames), self.path(number).name)

    def _has_canvas(self, number: int) -> bool:
        """Whether there is the canvas after segment ``number`` and that segment is one of the shot's as it is now."""
        first, after = self.layout.first(number), self.layout.first(number + 1)
        entry = self._told.get(first)
        if entry is None or entry.frames != after - first:
            return False
        return checkpoint.intact(self.folder / entry.checkpoint, entry.checkpoint_sha256)

    def _opened(self) -> dict[str, object]:
        try:
            found = json.loads((self.folder / "open.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _open(self, number: int) -> Position | None:
        """Where an earlier stop in the middle of this segment left off, if all of it is whole."""
        told = self._opened()
        frames, spool = told.get("frames"), str(told.get("spool"))
        if told.get("segment") != number or not isinstance(frames, int) or Path(spool).name != spool:
            return None
        first = self.layout.first(number)
        if told.get("first", first) != first:  # divided otherwise meanwhile
            return None
        pieces = replay(self.folder / spool, frames, str(told.get("sha256")))
        found = checkpoint.load((self.folder / spool).with_suffix(".safetensors"), str(told.get("checkpoint_sha256")))
        same = told.get("spec") == self._spec and told.get("cues") == self._cues(first, frames)
        if pieces is None or found is None or not same:
            return None
        return Position(found[0], first + frames, (pieces, frames), found[1])

    def _prune(self, number: int) -> None:
        """Delete checkpoints that nobody is likely to go back to, where there is no room for all."""
        size = (self.folder / self._told[self.layout.first(number)].checkpoint).stat().st_size
        recent = max(RECENT, int(self._room / size))
        for earlier in range(max(0, number - recent - EVERY), number - recent + 1):
            entry = self._told.get(self.layout.first(earlier))
            if earlier % EVERY != EVERY - 1 and entry is not None:
                (self.folder / entry.checkpoint).unlink(missing_ok=True)
