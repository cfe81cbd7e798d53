"""The finished segments of one shot on disk: verified, extended, resumed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from pipeline.runtime.files import move_into_place, sha256_of, write_bytes
from pipeline.segments import checkpoint, journal
from pipeline.segments.checkpoint import Position
from pipeline.segments.journal import Entry
from pipeline.segments.layout import Layout
from pipeline.segments.spool import CueDigest, SpoolFolder

LATEST_CHECKPOINTS, CHECKPOINT_STEP = 3, 16
"""Without space for all checkpoints the latest few stay, and one in so many of the others."""
MAX_CHECKPOINT_BYTES = 2e9  # enough for all of most films: then damage anywhere costs one segment


class SegmentStore:
    """The segments of a shot in ``folder``, which exists.

    ``spec`` is the digest of the shot's fingerprint, ``cues`` that of its score. ``entries`` are the intact segments by
    first frame; ``damaged`` lists the other ones in the journal; ``changed`` the first frames of those whose score is
    different now.
    """

    def __init__(
        self, folder: Path, layout: Layout, spec: str, cues: CueDigest, checkpoint_bytes: float = MAX_CHECKPOINT_BYTES
    ) -> None:
        self.folder, self.layout = folder, layout
        self.spools = SpoolFolder(folder, layout, spec, cues)
        self._spec, self._cues, self._checkpoint_bytes = spec, cues, checkpoint_bytes
        self.damaged: list[int] = []
        self.changed: list[int] = []
        self._journal = folder / "journal.jsonl"
        self._recorded = journal.read(self._journal)
        self.entries = {first: entry for first, entry in self._recorded.items() if self._is_valid(entry)}
        for leftover in folder.glob(".*.part"):  # of a killed render: we hold the lock
            leftover.unlink(missing_ok=True)

    @property
    def finished_frames(self) -> int:
        """How many frames are in finished segments."""
        return sum(self.layout.length(n) for n in range(self.layout.count) if self.has_segment(n))

    @property
    def is_finished(self) -> bool:
        """Whether all segments are finished."""
        return self.finished_frames == self.layout.frames

    @property
    def rendered_frames(self) -> int:
        """How many frames need not be dreamed again, including those of the open segment."""
        gaps = self.gaps()
        opened = self.spools.load(gaps[0].start) if gaps else None
        return self.finished_frames + (opened.raw_count if opened else 0)

    def path(self, number: int) -> Path:
        """The video of a segment."""
        return self.folder / self.layout.name(number)

    def files(self, first: int, stop: int) -> list[tuple[Path, int]]:
        """(video, number of frames) of the segments that start in frames ``first`` to ``stop``."""
        layout = self.layout
        numbers = [number for number in range(layout.count) if first <= layout.first(number) < stop]
        return [(self.path(number), layout.length(number)) for number in numbers]

    def gaps(self, segments: range | None = None) -> list[range]:
        """The runs of segments to render, of ``segments`` only unless None.

        Each starts after an intact checkpoint, so it may include finished segments.
        """
        segments, gaps = segments or range(self.layout.count), list[range]()
        number = segments.start
        while number < segments.stop:
            if self.has_segment(number):
                number += 1
                continue
            start, stop = number, number + 1
            while stop < segments.stop and not self.has_segment(stop) and self.layout.pre_roll(stop) is None:
                stop += 1
            previous_stop = gaps[-1].stop if gaps else 0
            while start > previous_stop and not self._can_begin(start):
                start -= 1
            if gaps and start == previous_stop and self.layout.pre_roll(start) is None:
                start = gaps.pop().start
            gaps.append(range(start, stop))
            number = stop
        return gaps

    def _can_begin(self, number: int) -> bool:
        """Whether segment ``number`` can be rendered without the one before."""
        return not number or self.layout.pre_roll(number) is not None or self._has_checkpoint(number - 1)

    def position(self, number: int) -> Position:
        """Where segment ``number``, the first of a gap, resumes."""
        opened = self.spools.load(number)
        if opened is not None or not number:
            return opened or Position()
        pre_roll = self.layout.pre_roll(number)
        if pre_roll is not None:
            return Position(self.layout.first(number), pre_roll=pre_roll)
        entry = self._recorded[self.layout.first(number - 1)]
        saved = checkpoint.load(self.folder / entry.checkpoint, entry.checkpoint_sha256)
        assert saved is not None
        return Position(self.layout.first(number), *saved)

    def next_frame(self, segments: range | None = None) -> int:
        """The next frame to dream, stored or not; the number of frames if none is left."""
        gaps = self.gaps(segments)
        return self.position(gaps[0].start).dreams_from if gaps else self.layout.frames

    def add(self, number: int, part: Path, canvas: Tensor, state: Mapping[str, str], seconds: float) -> Path:
        """Name the complete video ``part``, save the canvas of its last frame next to it, append to the journal."""
        path = self.path(number)
        sha256 = sha256_of(part)
        move_into_place(part, path, overwrite=True)
        checkpoint_sha256 = checkpoint.save(path.with_suffix(".safetensors"), canvas, state)
        return self._record(number, sha256, checkpoint_sha256, seconds)

    def receive(self, number: int, video: bytes, canvas: bytes, seconds: float) -> Path:
        """The same for the files of a segment that another machine rendered. Raises OutputError."""
        path = self.path(number)
        write_bytes(path, video)
        write_bytes(path.with_suffix(".safetensors"), canvas)
        self.spools.drop(number)
        video_sha256, canvas_sha256 = (hashlib.sha256(content).hexdigest() for content in (video, canvas))
        return self._record(number, video_sha256, canvas_sha256, seconds)

    def recorded(self) -> list[Entry]:
        """What the journal has, in order; the files need not be intact."""
        return [entry for _, entry in sorted(self._recorded.items())]

    def cues(self, number: int) -> str:
        """The digest of the score in segment ``number``."""
        return self._cues(self.layout.first(number), self.layout.length(number))

    def _record(self, number: int, sha256: str, checkpoint_sha256: str, seconds: float) -> Path:
        """Append the segment, whose files are in place, to the journal."""
        path, first, frames = self.path(number), self.layout.first(number), self.layout.length(number)
        saved = path.with_suffix(".safetensors")
        entry = Entry(
            segment=number,
            first=first,
            frames=frames,
            file=path.name,
            sha256=sha256,
            checkpoint=saved.name,
            checkpoint_sha256=checkpoint_sha256,
            spec=self._spec,
            cues=self._cues(first, frames),
            seconds=round(seconds, 3),
        )
        journal.append(self._journal, entry)
        self._recorded[first] = self.entries[first] = entry
        self._prune(number)
        return path

    def last_checkpoint(self) -> tuple[Tensor, Mapping[str, str]] | None:
        """(canvas, dreamer's state) after the last frame of a finished shot; None if it is missing or damaged."""
        entry = self.entries[self.layout.last]
        return checkpoint.load(self.folder / entry.checkpoint, entry.checkpoint_sha256)

    def checkpoint_file(self, number: int) -> Path:
        """The canvas after segment ``number``, which is finished."""
        return self.folder / self._recorded[self.layout.first(number)].checkpoint

    def last_canvas_sha256(self) -> str:
        """SHA-256 of the checkpoint after the last frame of a finished shot."""
        return self.entries[self.layout.last].checkpoint_sha256

    def require_last_checkpoint(self) -> None:
        """Count the last segment as missing if its checkpoint is."""
        entry = self.entries.get(self.layout.last)
        if entry is not None and not checkpoint.is_intact(self.folder / entry.checkpoint, entry.checkpoint_sha256):
            del self.entries[entry.first]

    def hashes(self, firsts: range) -> list[str]:
        """SHA-256 of the finished segments whose first frame is in ``firsts``."""
        starts = map(self.layout.first, range(self.layout.count))
        return [self.entries[first].sha256 for first in starts if first in firsts]

    def _is_valid(self, entry: Entry) -> bool:
        """Whether the segment is intact and the score in it is the same."""
        if not checkpoint.is_intact(self.folder / entry.file, entry.sha256):
            self.damaged.append(entry.segment)
        elif self._cues(entry.first, entry.frames) != entry.cues:
            self.changed.append(entry.first)
        else:
            return True
        return False

    def has_segment(self, number: int) -> bool:
        """Whether segment ``number`` is finished and intact."""
        entry = self.entries.get(self.layout.first(number))
        return entry is not None and (entry.frames, entry.file) == (self.layout.length(number), self.path(number).name)

    def _has_checkpoint(self, number: int) -> bool:
        """Whether the canvas after segment ``number`` is intact and the segment ends where the layout ends it."""
        first = self.layout.first(number)
        entry = self._recorded.get(first)
        if entry is None or entry.frames != self.layout.first(number + 1) - first:
            return False
        return checkpoint.is_intact(self.folder / entry.checkpoint, entry.checkpoint_sha256)

    def _prune(self, number: int) -> None:
        """Delete older checkpoints once all of them would take more than ``checkpoint_bytes``."""
        size = (self.folder / self._recorded[self.layout.first(number)].checkpoint).stat().st_size
        latest = max(LATEST_CHECKPOINTS, int(self._checkpoint_bytes / size))
        for earlier in range(max(0, number - latest - CHECKPOINT_STEP), number - latest + 1):
            entry = self._recorded.get(self.layout.first(earlier))
            if earlier % CHECKPOINT_STEP != CHECKPOINT_STEP - 1 and entry is not None:
                (self.folder / entry.checkpoint).unlink(missing_ok=True)
