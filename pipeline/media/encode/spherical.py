"""Marks an MP4 or MOV as a film all around: Spherical Video V1, which YouTube, VLC and headsets read.

ffmpeg cannot write it. It is an XML text in a box of the video track; tables that hold places in the file move along.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import EncoderError

UUID = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
XML = (
    b'<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    b'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">'
    b"<GSpherical:Spherical>true</GSpherical:Spherical><GSpherical:Stitched>true</GSpherical:Stitched>"
    b"<GSpherical:StitchingSoftware>dream-zoom</GSpherical:StitchingSoftware>"
    b"<GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType></rdf:SphericalVideo>"
)
MAX_HEADER_BYTES = 1 << 28
BLOCK_BYTES = 1 << 24
CONTAINERS = (b"trak", b"mdia", b"minf", b"stbl")

Box = tuple[int, int, int, bytes]
"""(first byte, first byte of the content, end, kind)."""


def mark_spherical(path: Path) -> None:
    """Add the mark to a file whose header comes before its data, in place. Raises EncoderError, OSError."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        top = list(_boxes(_Reader(file), 0, size))
        header = next((box for box in top if box[3] == b"moov"), None)
        data = [box for box in top if box[3] == b"mdat"]
        if header is None or not data or header[0] > data[0][0] or header[2] - header[0] > MAX_HEADER_BYTES:
            raise EncoderError(f"{path} cannot be marked as a film all around: its header is not at its beginning")
        file.seek(header[0])
        moov = file.read(header[2] - header[0])
        fresh, end = marked(moov), size
        while end > header[2]:  # the data moves towards the end of the file, its last part first
            count = min(BLOCK_BYTES, end - header[2])
            end -= count
            file.seek(end)
            block = file.read(count)
            file.seek(end + len(fresh) - len(moov))
            file.write(block)
        file.seek(header[0])
        file.write(fresh)


def marked(moov: bytes) -> bytes:
    """The header box with the mark in its video track."""
    tracks = [box for box in _boxes(moov, 8, len(moov)) if box[3] == b"trak" and b"vmhd" in moov[box[0] : box[2]]]
    if not tracks:
        raise EncoderError("the film has no video track")
    track, mark = tracks[0], struct.pack(">I4s", 24 + len(XML), b"uuid") + UUID + XML
    fresh = bytearray(moov[: track[2]] + mark + moov[track[2] :])
    struct.pack_into(">I", fresh, 0, len(moov) + len(mark))
    struct.pack_into(">I", fresh, track[0], track[2] - track[0] + len(mark))
    _move_places(fresh, 8, len(fresh), len(mark))
    return bytes(fresh)


def _move_places(header: bytearray, start: int, end: int, by: int) -> None:
    """Add to every place in the file that the header's tables of chunks hold."""
    for _, content, stop, kind in _boxes(header, start, end):
        if kind in CONTAINERS:
            _move_places(header, content, stop, by)
        elif kind in (b"stco", b"co64"):
            form, size = (">I", 4) if kind == b"stco" else (">Q", 8)
            (count,) = struct.unpack_from(">I", header, content + 4)
            for place in range(content + 8, content + 8 + count * size, size):
                struct.pack_into(form, header, place, struct.unpack_from(form, header, place)[0] + by)


class _Reader:
    """Slices of a file, as of bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __getitem__(self, span: slice) -> bytes:
        self._file.seek(span.start)
        return self._file.read(span.stop - span.start)


def _boxes(data: bytes | bytearray | _Reader, start: int, end: int) -> Iterator[Box]:
    """The boxes that follow each other from ``start`` to ``end``. Raises EncoderError for a damaged one."""
    while start + 8 <= end:
        size, kind = struct.unpack(">I4s", data[start : start + 8])
        content = start + 8
        if size == 1:
            (size,), content = struct.unpack(">Q", data[start + 8 : start + 16]), start + 16
        if size == 0:
            size = end - start
        if size < content - start or start + size > end:
            raise EncoderError("the film's header is damaged")
        yield start, content, start + size, kind
        start += size
