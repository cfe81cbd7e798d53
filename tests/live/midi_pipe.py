"""A MIDI backend for mido whose one device is a named pipe: what is written there was played."""

import os
import threading
from collections.abc import Callable
from typing import Any

import mido
from mido.ports import BaseInput


def get_devices(**options: Any) -> list[dict[str, Any]]:
    return [{"name": "Pipe 1", "is_input": True, "is_output": False}]


class Input(BaseInput):  # type: ignore[misc]
    def _open(self, callback: Callable[[mido.Message], None] | None = None, **options: Any) -> None:
        threading.Thread(target=self._read, args=(callback,), daemon=True).start()

    def _read(self, callback: Callable[[mido.Message], None]) -> None:
        parser = mido.Parser()
        while True:
            with open(os.environ["MIDI_PIPE"], "rb", buffering=0) as pipe:  # noqa: PTH123 - unbuffered
                while data := pipe.read(64):
                    parser.feed(data)
                    for message in parser:
                        callback(message)
