"""Gestures by Open Sound Control (python-osc): every control has an address, ``/camera/zoom 1.4``."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import ThreadingOSCUDPServer

from pipeline.errors import ConfigError
from pipeline.live.viewers import Viewers

log = logging.getLogger(__name__)

ACTIONS = ("freeze", "noise", "next", "tap", "undo", "auto")
PAIR = (".x", ".y")


class OscServer:
    """Passes messages at ``host``:``port`` on as gestures, from a thread while it is entered. Raises ConfigError."""

    def __init__(self, host: str, port: int, controls: Sequence[str], viewers: Viewers) -> None:
        self._viewers = viewers
        dispatcher = Dispatcher()
        for key in controls:
            dispatcher.map(f"/{key.replace('.', '/')}", self._number, key)
        for key in {key.removesuffix(".x") for key in controls if key.endswith(".x")}:
            dispatcher.map(f"/{key.replace('.', '/')}", self._pair, key)
        for action in ACTIONS:
            dispatcher.map(f"/{action}", self._act, action)
        for name in ("target", "scene"):
            dispatcher.map(f"/{name}", self._choose, name)
        dispatcher.map("/fade", lambda address, *values: self._send({"fade": values[0]} if values else {}))
        dispatcher.set_default_handler(
            lambda address, *values: viewers.note(f"OSC: no control is called {address[:80]}")
        )
        try:
            self._server = ThreadingOSCUDPServer((host, port), dispatcher)
        except (OSError, OverflowError) as error:
            raise ConfigError("live.osc", f"{host}:{port}", f"it cannot be had ({error})") from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="OSC", daemon=True)
        log.info(f"OSC messages are received at {host}:{self.port}")

    def __enter__(self) -> "OscServer":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _send(self, gesture: dict[str, Any]) -> None:
        if gesture:
            self._viewers.send({**gesture, "at": time.monotonic()})

    def _number(self, address: str, fixed: list[str], *values: Any) -> None:
        """A value, and perhaps the seconds in which to reach it."""
        for value in values[:1]:
            self._send({"control": fixed[0], "value": value, **({"seconds": values[1]} if len(values) > 1 else {})})

    def _pair(self, address: str, fixed: list[str], *values: Any) -> None:
        for axis, value in zip(PAIR, values, strict=False):
            self._send({"control": fixed[0] + axis, "value": value})

    def _act(self, address: str, fixed: list[str], *values: Any) -> None:
        """A button; with a number 0 or 1 off or on."""
        if fixed[0] not in ("freeze", "auto"):
            if not values or values[0]:  # a button sends 0 when it is let go
                self._send({"do": fixed[0]})
        else:
            self._send({"do": fixed[0], "on": bool(values[0])} if values else {"do": fixed[0]})

    def _choose(self, address: str, fixed: list[str], *values: Any) -> None:
        """A name, and perhaps the seconds of the fade."""
        for name in values[:1]:
            self._send({fixed[0]: name, **({"seconds": values[1]} if len(values) > 1 else {})})
