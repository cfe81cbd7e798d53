"""A text inside a finished film: where each kind of file keeps a comment."""

import html
import re
import shutil
import struct
import zlib
from pathlib import Path

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.open_image import open_image
from pipeline.media.decode.probe import check_file, source
from pipeline.runtime.files import atomic_write

EXR, TIFF = b"\x76\x2f\x31\x01", {b"II*\0": "<", b"MM\0*": ">"}
MAX_HEADER_BYTES = 1 << 20  # of an EXR file, and of a TIFF's description
IMAGE_DESCRIPTION = 270  # the number of TIFF's tag
PNG, GIF, WEBP = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a"), re.compile(rb"RIFF....WEBP", re.DOTALL)
HEAD_BYTES = 30  # of a file: its kind, and a still WebP's size
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
XMP += '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
XMP += '<rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>'
XMP_FLAG = 4  # of WebP's VP8X chunk


def read_comment(path: Path) -> str | None:
    """The comment inside a film or a picture, None when there is none. Raises InputError for a broken file."""
    check_file(path)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith((PNG, *GIF)) or WEBP.match(head):
        with open_image(path) as image:
            if head.startswith(PNG):
                return image.info.get("Comment")
            comment = image.info.get("xmp" if WEBP.match(head) else "comment")
        text = comment.decode("utf-8", "replace") if comment else None
        if text is None or head.startswith(GIF):
            return text
        entry = re.search(r'xml:lang="x-default">(.*?)</rdf:li>', text, re.DOTALL)
        return html.unescape(entry[1]) if entry else None
    if head.startswith((EXR, *TIFF)):
        return _read_exr(path) if head.startswith(EXR) else _read_tiff(path, TIFF[head[:4]])
    arguments = [*source(path), "-f", "ffmetadata", "pipe:1"]
    text = ffmpeg.run(arguments, doing=f"reading {path}", failure=InputError).decode("utf-8", "replace")
    # A value ends at the first line end without a backslash; Matroska writes its tags in capitals.
    entry = re.search(r"^comment=((?:\\.|[^\\\n])*)$", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    return re.sub(r"\\(.)", r"\1", entry[1], flags=re.DOTALL) if entry else None


def ffmetadata(title: str, comment: str) -> bytes:
    """Title and comment as an ffmetadata file, for ffmpeg to write into video containers."""
    escaped = (re.sub(r"([=;#\\\n\r])", r"\\\1", text) for text in (title, comment))
    return ";FFMETADATA1\ntitle={}\ncomment={}\n".format(*escaped).encode()


def write_comment(path: Path, comment: str) -> None:
    """Insert ``comment`` into a PNG, GIF or WebP without one; the pixels stay as encoded.

    Pillow could write it too, but would encode all frames again.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if WEBP.match(head):
        _write_webp(path, head, comment)
        return
    if head.startswith(PNG):
        body = b"iTXt" + b"Comment\0\0\0\0\0" + comment.encode()  # not compressed, no language
        block = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        start = len(PNG) + 25  # after the chunk IHDR
    else:
        text = comment.encode()
        pieces = (text[at : at + 255] for at in range(0, len(text), 255))
        block = b"\x21\xfe" + b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\0"
        start = 13 + (3 << ((head[10] & 7) + 1) if head[10] & 0x80 else 0)  # after the global palette
    with atomic_write(path) as part, path.open("rb") as file, part.open("wb") as copy:
        copy.write(file.read(start) + block)
        shutil.copyfileobj(file, copy, 1 << 20)


def _read_exr(path: Path) -> str | None:
    """The attribute ``comments`` of an OpenEXR header: name, type, size and value one after the other."""
    with path.open("rb") as file:
        header = file.read(MAX_HEADER_BYTES)[8:]
    while header[:1] not in (b"", b"\0"):
        name, _, rest = header.partition(b"\0")
        _, _, rest = rest.partition(b"\0")
        size = int.from_bytes(rest[:4], "little")
        if name == b"comments":
            return rest[4 : 4 + size].decode("utf-8", "replace")
        header = rest[4 + size :]
    return None


def _read_tiff(path: Path, order: str) -> str | None:
    """The description in the first directory of a TIFF; ``order`` is that of its bytes."""
    with path.open("rb") as file:
        file.seek(4)
        file.seek(*struct.unpack(f"{order}I", file.read(4).rjust(4, b"\0")))
        (count,) = struct.unpack(f"{order}H", file.read(2).rjust(2, b"\0"))
        entries = file.read(12 * count)
        for tag, _, size, at in struct.iter_unpack(f"{order}HHII", entries[: len(entries) // 12 * 12]):
            if tag == IMAGE_DESCRIPTION and size <= 4:  # the text itself
                return struct.pack(f"{order}I", at)[:size].rstrip(b"\0").decode("utf-8", "replace")
            if tag == IMAGE_DESCRIPTION and size < MAX_HEADER_BYTES:
                file.seek(at)
                return file.read(size).rstrip(b"\0").decode("utf-8", "replace")
    return None


def _write_webp(path: Path, head: bytes, comment: str) -> None:
    """Append an XMP chunk; a single still has no header with flags for it, and gets one."""
    escaped = "".join(f"&#{ord(sign)};" if ord(sign) < 32 else sign for sign in html.escape(comment))
    text = XMP.format(escaped).encode()
    if head[12:16] == b"VP8 ":
        data = path.read_bytes()
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", head[26:30]))
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        path.write_bytes(data[:12] + struct.pack("<4sII", b"VP8X", 10, 0) + size + data[12:])
    with path.open("r+b") as file:
        file.seek(20)
        flags = file.read(1)[0]
        file.seek(20)
        file.write(bytes([flags | XMP_FLAG]))
        file.seek(0, 2)
        file.write(b"XMP " + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2))
        size_of_riff = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size_of_riff))
