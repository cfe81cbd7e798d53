"""A text carried inside a finished film: where each kind of file keeps a comment."""

import html
import re
import shutil
import struct
import zlib
from pathlib import Path

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import check_file, source

PNG, GIF = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a")
PNG_KEY = b"Comment\0\0\0\0\0"  # iTXt: keyword, not compressed, no language
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
XMP += '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
XMP += '<rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>'
HAS_XMP = 4  # among the flags of WebP's VP8X


def read_comment(path: Path) -> str | None:
    """The comment inside a film or a picture, None when there is none. Raises InputError for a broken file."""
    check_file(path)
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(PNG):
        return _read_png(path.read_bytes())
    if head[:6] in GIF:
        return _read_gif(path)
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return _read_webp(path)
    arguments = [*source(path), "-f", "ffmetadata", "pipe:1"]
    text = ffmpeg.run(arguments, doing=f"reading {path}", failure=InputError).decode()
    # A value ends at the first line end without a backslash; Matroska names its tags in capitals.
    found = re.search(r"^comment=((?:\\.|[^\\\n])*)$", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL) if found else None


def metadata(title: str, comment: str) -> bytes:
    """Title and comment as an ffmetadata file, from which ffmpeg puts them into containers of video."""
    escaped = (re.sub(r"([=;#\\\n\r])", r"\\\1", text) for text in (title, comment))
    return ";FFMETADATA1\ntitle={}\ncomment={}\n".format(*escaped).encode()


def write_comment(path: Path, comment: str) -> None:
    """Put ``comment`` into a PNG, GIF or WebP that has none."""
    with path.open("rb") as file:
        head = file.read(6)
    if head in GIF:
        _write_gif(path, comment.encode())
    elif head.startswith(PNG[:6]):
        _write_png(path, comment.encode())
    else:
        _write_webp(path, comment)


def _write_png(path: Path, text: bytes) -> None:
    data, body = path.read_bytes(), b"iTXt" + PNG_KEY + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    start = len(PNG) + 25  # after IHDR
    path.write_bytes(data[:start] + chunk + data[start:])


def _read_png(data: bytes) -> str | None:
    at = len(PNG)
    while at + 8 <= len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if kind == b"iTXt" and body.startswith(PNG_KEY):
            return body[len(PNG_KEY) :].decode("utf-8", "replace")
        at += 12 + size
    return None


def _gif_start(head: bytes) -> int:
    """Where a GIF's blocks begin: after its header and its global table of colours."""
    return 13 + (3 << ((head[10] & 7) + 1) if head[10] & 0x80 else 0)


def _write_gif(path: Path, text: bytes) -> None:
    blocks = b"".join(bytes([len(piece)]) + piece for piece in _pieces(text))
    fresh = path.with_name(path.name + ".said")
    try:
        with path.open("rb") as file, fresh.open("wb") as copy:
            start = _gif_start(file.read(13))
            file.seek(0)
            copy.write(file.read(start) + b"\x21\xfe" + blocks + b"\0")
            shutil.copyfileobj(file, copy, 1 << 20)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _pieces(text: bytes) -> list[bytes]:
    return [text[at : at + 255] for at in range(0, len(text), 255)]


def _read_gif(path: Path) -> str | None:
    with path.open("rb") as file:
        file.seek(_gif_start(file.read(13)))
        if file.read(2) != b"\x21\xfe":
            return None
        text = bytearray()
        while size := file.read(1):
            if not size[0]:
                break
            text += file.read(size[0])
    return text.decode("utf-8", "replace")


def _write_webp(path: Path, comment: str) -> None:
    """Append an XMP chunk; a file of one still picture has no header that tells of it, and gets one."""
    safe = "".join(f"&#{ord(sign)};" if ord(sign) < 32 else sign for sign in html.escape(comment))
    text = XMP.format(safe).encode()
    if webp_chunks(path)[0][0] == b"VP8 ":
        data = path.read_bytes()
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
        header = struct.pack("<4sII", b"VP8X", 10, 0)
        header += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        path.write_bytes(data[:12] + header + data[12:])
    with path.open("r+b") as file:
        file.seek(20)
        flags = file.read(1)[0]
        file.seek(20)
        file.write(bytes([flags | HAS_XMP]))
        file.seek(0, 2)
        file.write(b"XMP " + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


def webp_chunks(path: Path) -> list[tuple[bytes, int, int]]:
    """(name, place of its data, size of its data) of every chunk of a WebP."""
    found, at, end = [], 12, path.stat().st_size
    with path.open("rb") as file:
        while at + 8 <= end:
            file.seek(at)
            name, size = struct.unpack("<4sI", file.read(8))
            found.append((name, at + 8, size))
            at += 8 + size + size % 2
    return found


def _read_webp(path: Path) -> str | None:
    for name, at, size in webp_chunks(path):
        if name == b"XMP ":
            with path.open("rb") as file:
                file.seek(at)
                text = file.read(size).decode("utf-8", "replace")
            found = re.search(r'xml:lang="x-default">(.*?)</rdf:li>', text, re.DOTALL)
            return html.unescape(found[1]) if found else None
    return None
