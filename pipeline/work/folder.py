"""The folder in which a film grows: beside the film, locked, gone when the film is finished."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from pipeline.errors import OutputError
from pipeline.media.files import digest, part_path, place
from pipeline.work import journal
from pipeline.work import spec as specs
from pipeline.work.lock import Lock
from pipeline.work.spec import Spec


def work_path(video: Path) -> Path:
    """Where the film ``video`` grows."""
    return video.with_name(f"{video.stem}.work")


class Folder:
    """While it is entered, this process alone works in ``path`` on the film ``video``.

    Leaving it takes the folder away if nothing was finished there. Raises OutputError.
    """

    def __init__(self, path: Path, video: Path) -> None:
        self.path, self._video = path, video
        self._lock = Lock(path / "lock", video)

    def __enter__(self) -> "Folder":
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be created: {error.strerror}") from error
        self._lock.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not any(self.path.glob("*/journal.jsonl")) and not any(self.path.glob("*/open.json")):
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.__exit__(kind, error, trace)

    def shot(self, number: int, spec: Spec, *, resume: bool, overwrite: bool) -> Path:
        """The folder of one shot, for frames of this ``spec``.

        What stands there is gone on with, or with ``resume=False`` deleted. Of another spec, it is deleted with
        ``overwrite``; without it that is an OutputError which tells the differences.
        """
        folder = self.path / f"shot-{number:03}"
        before, told = specs.read(folder / "spec.json"), journal.read(folder / "journal.jsonl")
        same = {entry.spec for entry in told.values()} <= {specs.digest(spec)} and (bool(told) or before == spec)
        if resume and folder.is_dir() and same:
            if before != spec:  # damaged: the journal knows better
                specs.write(folder / "spec.json", spec)
            return folder
        if resume and not overwrite and (told or before is not None):
            specs.refuse(before, spec, self._video, folder)
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir()
        except OSError as error:
            raise OutputError(f"{folder} cannot be made anew: {error.strerror}") from error
        specs.write(folder / "spec.json", spec)
        return folder

    def remove(self) -> None:
        """The film is finished and needs it no more."""
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def joining(self) -> Iterator[None]:
        """While the film gets its name: should this be cut off by force, what then bears the name is known as ours."""
        marker = self.path / "joining"
        try:
            marker.touch()
        except OSError as error:
            raise OutputError(f"{marker} cannot be written: {error.strerror}") from error
        try:
            yield
        except BaseException:
            with suppress(OSError):
                marker.unlink()
            raise

    def sign(self) -> None:
        """Note that the finished film was made from here, so that a longer one may take its place."""
        part = part_path(self.path / "film.json")
        try:
            part.write_text(json.dumps({"sha256": _content(self._video)}), encoding="utf-8")
            place(part, self.path / "film.json", overwrite=True)
            (self.path / "joining").unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path / 'film.json'} cannot be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)


def is_own(video: Path) -> bool:
    """Whether ``video`` is the film that was made from the work folder beside it, unchanged since."""
    if (work_path(video) / "joining").exists():
        return True
    with suppress(OSError, ValueError, AttributeError):
        told = json.loads((work_path(video) / "film.json").read_text(encoding="utf-8"))
        return bool(told.get("sha256") == _content(video))
    return False


def _content(film: Path) -> str:
    """The SHA-256 of a film, or of all pictures of one that is a folder."""
    if not film.is_dir():
        return digest(film)
    found = hashlib.sha256()
    for picture in sorted(film.iterdir()):
        found.update(f"{picture.name} {digest(picture)}\n".encode())
    return found.hexdigest()
