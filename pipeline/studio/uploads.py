"""Photographs, clips and songs that the page sends: bounded in size and number, named safely, known by content."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.config.limits import LimitsConfig
from pipeline.errors import InputError, OutputError, RenderError
from pipeline.media.decode.open_image import open_image
from pipeline.media.decode.probe import probe
from pipeline.media.sound.song_audio import first_track
from pipeline.runtime.files import format_bytes, move_into_place, sha256_of

MAX_NAME = 60  # letters
MAX_FILES = 1000
MAX_AT_ONCE = 4
MAX_PIXELS = LimitsConfig().picture_megapixels * 1e6
MAX_SHOWN = 60  # of the newest files
PICTURE_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "JPEG2000": ".jp2"}
MEDIA_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif"}
"""Pictures that a browser shows."""
SOUND_SUFFIX = re.compile(r"\.(mp3|m4a|flac|ogg|opus|wav|aiff?|aac|wma|mka)", re.IGNORECASE)
CONTAINER_SUFFIXES = {"mov": ".mp4", "matroska": ".mkv", "mpegts": ".ts", "mpeg": ".mpg", "ogg": ".ogv", "asf": ".wmv"}
KINDS = dict.fromkeys((".jpg", ".jp2", ".png", ".tiff", ".bmp", ".ppm"), "photograph")
KINDS |= dict.fromkeys(CONTAINER_SUFFIXES.values(), "clip")
KINDS |= dict.fromkeys((".mp3", ".m4a", ".flac", ".ogg", ".opus", ".wav", ".aac", ".mka", ".audio"), "song")
"""What the suffixes that ``kind_of`` gives say, without a look into the file. GIF and WebP may be either."""


class TooLarge(RenderError):
    """More bytes than an upload may have."""


class WrongType(RenderError):
    """No photograph, clip or song."""


@dataclass(frozen=True)
class Upload:
    """A file in the folder of uploads; ``kind`` is photograph, clip or song, ``path`` what a command names."""

    name: str
    path: str
    kind: str
    bytes: int

    def as_data(self) -> dict[str, object]:
        """For the page."""
        return {**asdict(self), "has_picture": Path(self.name).suffix in MEDIA_TYPES}


class Incoming:
    """A file on its way: ``write`` its bytes, then ``finish``."""

    def __init__(self, part: Path, name: str, max_bytes: int) -> None:
        try:
            self._file: BinaryIO = part.open("xb")
        except OSError as error:
            raise OutputError(f"{part.parent} cannot be written: {error.strerror}") from error
        self._part, self._name, self._max, self._size = part, name, max_bytes, 0

    def write(self, data: bytes) -> None:
        """Add bytes. Raises TooLarge, OutputError."""
        self._size += len(data)
        self.check(self._size)
        try:
            self._file.write(data)
        except OSError as error:
            raise OutputError(f"{self._name} cannot be stored: {error.strerror}") from error

    def check(self, size: int) -> None:
        """Raise TooLarge for more bytes than a file may have."""
        if size > self._max:
            raise TooLarge(f"{self._name}: an upload has at most {format_bytes(self._max)}; name the file by its path")

    def finish(self, folder: Path) -> Upload:
        """Recognize the file and give it its name in ``folder``. Raises WrongType, OutputError."""
        try:
            self._file.close()
        except OSError as error:  # the last bytes did not fit on the disk
            raise OutputError(f"{self._name} cannot be stored: {error.strerror}") from error
        try:
            kind, suffix = kind_of(self._part, self._name)
        except InputError:
            raise WrongType(f"{self._name}: this is no photograph, clip or song that can be read") from None
        stem, number = clean(self._name), 1
        while True:
            path = folder / f"{stem}{f'-{number}' * (number > 1)}{suffix}"
            if path.is_file() and path.stat().st_size == self._size and sha256_of(path) == sha256_of(self._part):
                return _upload(path, kind)  # the same file again
            try:
                move_into_place(self._part, path, overwrite=False)
            except FileExistsError:
                number += 1
                continue
            return _upload(path, kind)

    def close(self) -> None:
        """Remove what is not finished."""
        with suppress(OSError):  # a full disk
            self._file.close()
        with suppress(OSError):
            self._part.unlink()


class Uploads:
    """The folder of uploads."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._lock = threading.Lock()
        self._count = self._at_once = 0
        self._kinds: dict[tuple[int, Path], str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".*.part"):
            left.unlink()

    @contextmanager
    def receive(self, name: str) -> Iterator[Incoming]:
        """A place for the bytes of a file. Raises RenderError for too many files."""
        if len(self._paths()) >= MAX_FILES:
            raise RenderError(f"{self.folder} has {MAX_FILES} files; remove some")
        with self._lock:
            if self._at_once >= MAX_AT_ONCE:
                raise RenderError(f"{MAX_AT_ONCE} files are on their way already; send this one later")
            self._at_once += 1
            self._count += 1
            part = self.folder / f".{self._count}.part"
        incoming = None
        try:
            incoming = Incoming(part, name[:200], self.max_bytes)
            yield incoming
        finally:
            try:
                if incoming is not None:
                    incoming.close()
            finally:
                with self._lock:
                    self._at_once -= 1

    def finish(self, incoming: Incoming) -> Upload:
        """Name the file. Raises WrongType, OutputError."""
        return incoming.finish(self.folder)

    def newest(self) -> list[Upload]:
        """The newest files, newest first."""
        result = []
        times = []
        for path in self._paths():
            with suppress(FileNotFoundError):  # somebody deletes it meanwhile
                times.append((path.stat().st_mtime_ns, path))
        for key in sorted(times, reverse=True)[:MAX_SHOWN]:
            with suppress(FileNotFoundError, InputError, WrongType):
                if key not in self._kinds:
                    self._kinds[key] = KINDS.get(key[1].suffix) or kind_of(key[1], key[1].name)[0]
                result.append(_upload(key[1], self._kinds[key]))
        return result

    def remove(self, name: str) -> None:
        """Delete a file. Raises RenderError if there is none of this name."""
        path = next((path for path in self._paths() if path.name == name), None)
        if path is None:
            raise RenderError(f"{name[:80]}: there is no such upload")
        path.unlink(missing_ok=True)

    def picture(self, name: str) -> tuple[Path, str] | None:
        """(path, media type) of a photograph that a browser shows; None for anything else."""
        path = next((path for path in self._paths() if path.name == name), None)
        media_type = MEDIA_TYPES.get(Path(name).suffix)
        return (path, media_type) if path and media_type else None

    def _paths(self) -> list[Path]:
        self.folder.mkdir(parents=True, exist_ok=True)  # somebody may have removed it
        return [path for path in self.folder.iterdir() if path.is_file() and not path.name.startswith(".")]


def clean(name: str) -> str:
    """The name without its folder and suffix, of letters, digits and dashes."""
    stem = re.split(r"[/\\]", name)[-1]
    stem = stem.rpartition(".")[0] or stem
    return re.sub(r"[^\w]+", "-", stem).strip("-_")[:MAX_NAME] or "file"


def kind_of(path: Path, name: str) -> tuple[str, str]:
    """(photograph, clip or song; suffix) by the content. Raises InputError or WrongType for anything else."""
    pixels = 0
    with suppress(InputError), open_image(path) as image:
        if not getattr(image, "is_animated", False):
            pixels = image.width * image.height
        if 0 < pixels <= MAX_PIXELS:
            image.load()
            form = str(image.format)
            return "photograph", PICTURE_SUFFIXES.get(form, f".{form.lower()}")
    if pixels > MAX_PIXELS:
        raise WrongType(f"{name} has {pixels / 1e6:.3g} million pixels; allowed are {MAX_PIXELS / 1e6:g}")
    with suppress(InputError):
        container = probe(path).container.split(",")[0]
        return "clip", CONTAINER_SUFFIXES.get(container, f".{container.removesuffix('_anim')}")
    first_track(path)
    suffix = Path(name).suffix.lower()
    return "song", suffix if SOUND_SUFFIX.fullmatch(suffix) else ".audio"


def _upload(path: Path, kind: str) -> Upload:
    return Upload(path.name, str(path), kind, path.stat().st_size)
