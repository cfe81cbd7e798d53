"""Notes are printed once per handler, on one line, and only while the handler is attached."""

import logging

import pytest

from pipeline.runtime.progress import NoteHandler, Progress, notes_to

log = logging.getLogger("pipeline.test")


def test_notes_are_printed_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with notes_to(NoteHandler()):
        log.info("a file\n\x1b[2J.mp4")
    log.info("nobody reads this")
    assert capsys.readouterr().err == "note: a file  [2J.mp4\n"


def test_once_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    with notes_to(NoteHandler()):
        for _ in range(2):
            log.info("small", extra={"once": True})
            log.warning("again")
    assert capsys.readouterr().err.splitlines() == ["note: small", "note: again", "note: again"]


def test_root_handlers_do_not_repeat_notes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with notes_to(logging.NullHandler()):
        log.info("hidden")
    log.info("shown")
    assert caplog.messages == ["shown"]


def test_progress_prints_a_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(3, "film", done=1) as progress:
        progress.step(rendered=False)
        assert progress.rate() is None
        progress.step("class:owl")
    assert capsys.readouterr().err.startswith("film 3/3, ")
