"""The folder in which a film grows: beside the film, locked, gone when the film is finished."""

import glob
import hashlib
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from pipeline.config import RenderConfig
from pipeline.errors import OutputError
from pipeline.media.encode.codecs import check_output
from pipeline.plan.output_paths import OutputPaths
from pipeline.runtime.files import check_writable, sha256_of, write_json
from pipeline.segments import fingerprint as specs
from pipeline.segments import journal
from pipeline.segments.fingerprint import Spec
from pipeline.segments.lock import Lock

OURS = re.compile(r"lock|request\.json|film\.json|joining|shot-\d{3,}|seam-\d{3,}.*|\..*part")
"""What stands in a work folder; anything else in it is somebody else's."""


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
            strange = sorted(entry.name for entry in self.path.iterdir() if not OURS.fullmatch(entry.name))
        except OSError as error:
            raise OutputError(f"{self.path} cannot be created: {error.strerror}") from error
        if strange:
            words = f"{self.path}, where the film would grow, holds {strange[0]}, which is no part of a film"
            raise OutputError(f"{words}; move it, or give another output=")
        self._lock.__enter__()
        self._sweep()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not any(self.path.glob("*/journal.jsonl")) and not any(self.path.glob("*/open.json")):
            self.remove()
        self._lock.__exit__(kind, error, trace)

    def _sweep(self) -> None:
        """Delete what a killed render left while it joined this film; the lock is ours."""
        for path in self._video.parent.glob(f".{glob.escape(self._video.name)}.*part"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        for path in self.path.glob(".segments.*part"):
            path.unlink(missing_ok=True)

    def spec(self, number: int) -> Spec:
        """The spec of what is there of a shot; empty where there is nothing, or nothing that makes sense."""
        return specs.read(self._home(number) / "spec.json") or {}

    def _home(self, number: int) -> Path:
        return self.path / f"shot-{number:03}"

    def shot(self, number: int, spec: Spec, *, resume: bool, overwrite: bool) -> Path:
        """The folder of one shot, for frames of this ``spec``.

        What stands there is gone on with, or with ``resume=False`` deleted. Of another spec, it is deleted with
        ``overwrite``; without it that is an OutputError which tells the differences.
        """
        folder = self._home(number)
        before, told = specs.read(folder / "spec.json"), journal.read(folder / "journal.jsonl")
        same = {entry.spec for entry in told.values()} <= {specs.digest(spec)} and (bool(told) or before == spec)
        if resume and folder.is_dir() and same:
            if before != spec:  # damaged: the journal knows better
                specs.write(folder / "spec.json", spec)
            return folder
        if resume and not overwrite and (told or (folder / "open.json").exists()):
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
        """The film is finished and needs it no more. What is not ours stays."""
        if not self.path.is_dir():
            return
        gone = self.path.with_name(f".{self.path.name}.{os.getpid()}.gone")
        with suppress(OSError):
            if all(OURS.fullmatch(entry.name) for entry in self.path.iterdir()):
                self.path.rename(gone)  # at once: a folder half deleted would look like a film half rendered
                shutil.rmtree(gone, ignore_errors=True)
                return
        for entry in self.path.iterdir():
            if OURS.fullmatch(entry.name):
                shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)

    def own(self, fresh: Path) -> None:
        """``fresh`` is about to get the film's name: should this be cut off by force, it is known as ours."""
        write_json(self.path / "joining", {"sha256": _content(fresh)})

    def sign(self) -> None:
        """Note that the finished film was made from here, so that a longer one may take its place."""
        write_json(self.path / "film.json", {"sha256": _content(self._video)})
        with suppress(OSError):
            (self.path / "joining").unlink()


def may_replace(outputs: OutputPaths, config: RenderConfig) -> bool:
    """Whether files under the film's names may be replaced: with ``overwrite``, or if this work folder made them."""
    return config.overwrite or is_own(outputs.film)


def check_outputs(outputs: OutputPaths, config: RenderConfig) -> None:
    """Raise OutputError unless all files of the film can be written. Creates their folder."""
    replace = may_replace(outputs, config)
    check_output(outputs.video, replace, config.encode.codec)
    for path in (outputs.poster, outputs.record):
        check_writable(path, overwrite=replace)


def is_own(video: Path) -> bool:
    """Whether ``video`` is the film that was made from the work folder beside it, unchanged since."""
    for name in ("film.json", "joining"):
        with suppress(OSError, ValueError, AttributeError):
            told = json.loads((work_path(video) / name).read_text(encoding="utf-8"))
            if told.get("sha256") == _content(video):
                return True
    return False


def _content(film: Path) -> str:
    """The SHA-256 of a film, or of all pictures of one that is a folder."""
    if not film.is_dir():
        return sha256_of(film)
    found = hashlib.sha256()
    for picture in sorted(film.iterdir()):
        found.update(f"{picture.name} {sha256_of(picture)}\n".encode())
    return found.hexdigest()
