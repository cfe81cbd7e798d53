"""Signals stop a run in good order, unless they are ignored."""

import os
import signal

import pytest

from pipeline.runtime.interrupt import SIGNALS, Stop, postponed


@pytest.mark.parametrize("number", SIGNALS)
def test_first_signal_lets_the_frame_finish(number: signal.Signals) -> None:
    with Stop() as stop:
        os.kill(os.getpid(), number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_ignored_signals_stay_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Stop() as stop, postponed():
            os.kill(os.getpid(), number)
        assert not stop.requested
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_signals_wait_for_an_import() -> None:
    lines = []
    with pytest.raises(KeyboardInterrupt), postponed():
        os.kill(os.getpid(), signal.SIGINT)
        lines.append("the import goes on")
    assert lines and signal.getsignal(signal.SIGINT) is signal.default_int_handler
