"""The work folder of a film: next to it, locked while in use, removed when the film is finished."""

import glob
import hashlib
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.config import RenderConfig
from pipeline.errors import OutputError
from pipeline.media.encode.codecs import check_output
from pipeline.plan.output_paths import OutputPaths
from pipeline.runtime.files import check_writable, sha256_of, write_json
from pipeline.segments import fingerprint, journal
from pipeline.segments.fingerprint import Spec
from pipeline.segments.lock import RenderLock

OWN_FILES = re.compile(
    r"lock(\.json)?|request\.json|film\.json|part\.json|joining|part-\w+\.\w+|shot-\d{3,}|seam-\d{3,}.*|played-\d{5,}\..*|task-\d{3,}|(tasks|join)\.sh|ray-token|\..*part"
)
"""What a work folder contains; anything else in it belongs to somebody else."""


def work_path(film: Path) -> Path:
    """The work folder of ``film``."""
    return film.with_name(f"{film.name}.work")


class WorkFolder:
    """While entered, only this process renders ``film``. Leaving removes the folder if it holds no finished frame.

    Raises OutputError.
    """

    def __init__(self, film: Path) -> None:
        self.path, self._film = work_path(film), film
        self._lock = RenderLock(self.path / "lock", film)

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            foreign = sorted(entry.name for entry in self.path.iterdir() if not OWN_FILES.fullmatch(entry.name))
        except OSError as error:
            raise OutputError(f"{self.path} cannot be created: {error.strerror}") from error
        if foreign:
            words = f"{self.path}, the film's work folder, holds {foreign[0]}, which is no part of a film"
            raise OutputError(f"{words}; move it, or give another output=")
        self._lock.__enter__()
        self._delete_leftovers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not any(any(self.path.glob(name)) for name in ("*/journal.jsonl", "*/open.json", "task-*")):
            self.remove()
        self._lock.__exit__(kind, error, trace)

    def spec(self, number: int) -> Spec:
        """The fingerprint of shot ``number``; empty if it is missing or damaged."""
        return fingerprint.read(self._shot_path(number) / "spec.json") or {}

    def open_shot(self, number: int, spec: Spec, *, resume: bool, overwrite: bool) -> Path:
        """The folder of shot ``number``, ready for frames with this fingerprint.

        With ``resume=False`` deletes what is there. Frames with another fingerprint are deleted with ``overwrite``;
        otherwise they raise OutputError with the differences.
        """
        folder = self._shot_path(number)
        before, recorded = fingerprint.read(folder / "spec.json"), journal.read(folder / "journal.jsonl")
        if resume and before is not None and not fingerprint.differences(before, spec):
            spec = before  # an older version's names stay: the journal refers to them
        is_recorded = {entry.spec for entry in recorded.values()} <= {fingerprint.digest(spec)}
        if resume and folder.is_dir() and is_recorded and (recorded or before == spec):
            if before != spec:  # damaged: the journal is right
                fingerprint.write(folder / "spec.json", spec)
            return folder
        if resume and not overwrite and (recorded or (folder / "open.json").exists()):
            fingerprint.refuse(before, spec, self._film, folder)
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir()
        except OSError as error:
            raise OutputError(f"{folder} cannot be created: {error.strerror}") from error
        fingerprint.write(folder / "spec.json", spec)
        return folder

    def remove(self) -> None:
        """Delete the folder, except for foreign files."""
        if not self.path.is_dir():
            return
        hidden = self.path.with_name(f".{self.path.name}.{os.getpid()}.gone")
        with suppress(OSError):
            if all(OWN_FILES.fullmatch(entry.name) for entry in self.path.iterdir()):
                self.path.rename(hidden)  # at once: a folder half deleted would look like a film half rendered
                shutil.rmtree(hidden, ignore_errors=True)
                return
        for entry in self.path.iterdir():
            if OWN_FILES.fullmatch(entry.name):
                shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)

    def announce(self, fresh: Path) -> None:
        """Record ``fresh``, which is about to get the film's name: after a kill right then it is known as ours."""
        write_json(self.path / "joining", {"sha256": _content_sha256(fresh)})

    def sign(self) -> None:
        """Record that this folder made the finished film, so that a longer one may replace it."""
        write_json(self.path / "film.json", {"sha256": _content_sha256(self._film)})
        (self.path / "joining").unlink(missing_ok=True)

    def sign_part(self, film: Path) -> None:
        """Record that this folder made ``film``, a part, so that the whole film or another part may replace it."""
        write_json(self.path / "part.json", {"sha256": _content_sha256(film)})

    def _delete_leftovers(self) -> None:
        """Delete what a render left that was killed while joining this film: we hold the lock."""
        for path in self._film.parent.glob(f".{glob.escape(self._film.name)}.*part"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        for path in self.path.glob(".segments.*part"):
            path.unlink(missing_ok=True)

    def _shot_path(self, number: int) -> Path:
        return self.path / f"shot-{number:03}"


def may_replace(outputs: OutputPaths, config: RenderConfig) -> bool:
    """Whether files under the film's names may be replaced: with ``overwrite``, or if this work folder made them."""
    return config.overwrite or is_own(outputs.film, outputs.whole)


def check_outputs(outputs: OutputPaths, config: RenderConfig) -> None:
    """Raise OutputError unless all files of the film can be written. Creates their folder."""
    replace = may_replace(outputs, config)
    check_output(outputs.video, replace, config.encode.codec)
    for path in (outputs.poster, outputs.record, *outputs.also.values()) if config.frames is None else ():
        check_writable(path, overwrite=replace, key="")


def is_own(film: Path, whole: Path | None = None) -> bool:
    """Whether the work folder of ``film``, or of the ``whole`` film, made it and it has not changed since."""
    for name in ("film.json", "part.json", "joining"):
        with suppress(OSError, ValueError, AttributeError):
            signature = json.loads((work_path(whole or film) / name).read_text(encoding="utf-8"))
            if signature.get("sha256") == _content_sha256(film):
                return True
    return False


def _content_sha256(film: Path) -> str:
    """SHA-256 of a film, or of all images of one that is a folder."""
    if not film.is_dir():
        return sha256_of(film)
    digest = hashlib.sha256()
    for image in sorted(film.iterdir()):
        digest.update(f"{image.name} {sha256_of(image)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
