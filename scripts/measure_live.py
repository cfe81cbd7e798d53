"""How well a live session plays. Prints what stalled browsers cost, how soon a slider changes the picture, and what the
film of a long session repeats.

    python scripts/measure_live.py stalls                      MotifNet, as fast as the machine can
    python scripts/measure_live.py stalls --rounds 12 network=efficientnet_lite0
    python scripts/measure_live.py slider --size 192x108 network=efficientnet_lite0
    python scripts/measure_live.py session                     30 gestures in 20 s, rendered, also twice as large

*stalls*: turns without a browser, with one that reads nothing, and with 200 sockets, one after the other in each round.
Frames a second and processor time for each frame, as medians of the ratio to the turn without one in the same round.

*slider*: a browser of this program sets the brightness, and waits for a decoded picture that is brighter or darker by
``MIN_LEVELS``, ``--moves`` times at random moments.
"""

import argparse
import base64
import hashlib
import json
import logging
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import yaml
from torch import Tensor
from wsproto import ConnectionType, WSConnection
from wsproto.events import BytesMessage, Ping, Request, TextMessage

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.cli.compose import make_config
from pipeline.live import session_setup
from pipeline.live.config import LiveConfig
from pipeline.live.viewers import Viewers
from pipeline.media.decode.probe import decode
from pipeline.runtime.progress import notes_to

SIZE = (96, 64)
WORDS = ("network=motifnet", f"frame.width={SIZE[0]}", f"frame.height={SIZE[1]}", "dream.octaves=2", "start.steps=4")
SOCKETS, FPS = (1, 200), 12.0
SETTLING_SECONDS = 0.5
MIN_LEVELS = 4.0  # of 255, of the mean of a picture
QUANTILES = {"least": 0.0, "median": 0.5, "90 %": 0.9, "most": 1.0}


class CountingViewers(Viewers):
    """Counts the frames that the dream shows, and makes ``gestures`` at given seconds of the dream."""

    def __init__(self, gestures: dict[float, dict[str, Any]] | None = None) -> None:
        super().__init__()
        self.frames, self._left = 0, sorted((gestures or {}).items(), key=lambda item: item[0])
        self.seconds = -1.0  # of the dream; below 0 while it grows from noise
        self.made = list[tuple[float, dict[str, Any]]]()  # second of the dream, to a tenth, and gesture

    def show(self, frame: Tensor) -> None:
        self.frames += 1
        super().show(frame)

    def set_state(self, state: Any) -> None:
        self.seconds = -1.0 if state["label"] == "growing" else state["seconds"]
        super().set_state(state)

    def commands(self) -> list[dict[str, Any]]:
        due = [gesture for at, gesture in self._left if at <= self.seconds]
        self._left = self._left[len(due) :]
        self.made += [(self.seconds, gesture) for gesture in due]
        return [*super().commands(), *due]


class AddressHandler(logging.Handler):
    """Waits for the address of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.address, self.ready = "", threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "page is at" in record.getMessage():
            self.address = record.getMessage().split()[-1]
            self.ready.set()


@contextmanager
def stalled(address: str, count: int) -> Iterator[int]:
    """So many WebSockets of this page that never read. Gives how many of them were accepted."""
    where, opened, accepted = urlsplit(address), list[socket.socket](), 0
    for _ in range(count):
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {where.path}play HTTP/1.1\r\nHost: {where.netloc}\r\nOrigin: http://{where.netloc}\r\n"
        head += f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        head += "Sec-WebSocket-Version: 13\r\n\r\n"
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", where.port or 0))
        connection.sendall(head.encode())
        accepted += connection.recv(12).endswith(b"101")
        opened.append(connection)
    try:
        yield accepted
    finally:
        for connection in opened:
            connection.close()


def measure_stalls(rounds: int, seconds: float, words: list[str]) -> dict[int, tuple[float, float]]:
    """Number of sockets → (frames a second, processor time a frame), each relative to none."""
    viewers, handler = CountingViewers(), AddressHandler()
    ratios: dict[int, list[tuple[float, float]]] = {count: [] for count in SOCKETS}

    def turn() -> tuple[float, float]:
        time.sleep(SETTLING_SECONDS)
        frames, began, used = viewers.frames, time.monotonic(), time.process_time()
        time.sleep(seconds)
        frames = max(1, viewers.frames - frames)
        return frames / (time.monotonic() - began), (time.process_time() - used) / frames

    def measure() -> None:
        handler.ready.wait(120)
        time.sleep(2)
        try:
            for _ in range(rounds):
                alone = turn()
                for count in SOCKETS:
                    with stalled(handler.address, count) as accepted:
                        assert accepted <= count
                        now = turn()
                    ratios[count].append((now[0] / alone[0], now[1] / alone[1]))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    live = LiveConfig(fps=60, size=f"{SIZE[0]}x{SIZE[1]}", port=0, wall=0)
    with tempfile.TemporaryDirectory() as folder, notes_to(handler):
        config = make_config([*WORDS, *words, f"output={folder}/session.yaml"])
        thread = threading.Thread(target=measure)
        thread.start()
        session_setup.play(config, live, Path(folder), "live", viewers)
        thread.join()
    medians = {count: np.median(pairs, axis=0).tolist() for count, pairs in ratios.items()}
    return {count: (rate, cost) for count, (rate, cost) in medians.items()}


class Browser:
    """A browser that shows every picture at once: decoded frames, and gestures."""

    def __init__(self, address: str) -> None:
        where = urlsplit(address)
        self._socket = socket.create_connection(("127.0.0.1", where.port or 0), 60)
        self._protocol = WSConnection(ConnectionType.CLIENT)
        origin = [(b"origin", f"http://{where.netloc}".encode())]
        self._send(Request(host=where.netloc, target=f"{where.path}play", extra_headers=origin))

    def gesture(self, **gesture: Any) -> None:
        self._send(TextMessage(json.dumps(gesture)))

    def frames(self) -> Iterator[np.ndarray[Any, Any]]:
        data = b""
        while True:
            received = self._socket.recv(1 << 20)
            if not received:
                raise ConnectionError("the program closed the connection")
            self._protocol.receive_data(received)
            for event in self._protocol.events():
                if isinstance(event, Ping):
                    self._send(event.response())
                elif isinstance(event, BytesMessage):
                    data += event.data
                    if event.message_finished:
                        yield cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
                        self.gesture(ready=True)
                        data = b""

    def _send(self, event: Any) -> None:
        self._socket.sendall(self._protocol.send(event))


def measure_slider(words: list[str], moves: int, size: tuple[int, int]) -> tuple[list[float], float]:
    """(seconds between a move and the first changed picture, frames a second)."""
    viewers, handler, seconds, rates = CountingViewers(), AddressHandler(), list[float](), list[float]()

    def measure() -> None:
        rng = np.random.default_rng(1)
        try:
            handler.ready.wait(120)
            browser = Browser(handler.address)
            levels: Iterator[float] = (float(frame.mean()) for frame in browser.frames())
            while viewers.seconds < 0:  # it grows from noise
                next(levels)
            for number in range(moves):
                settled, first, began = time.monotonic() + rng.uniform(1.0, 2.0), viewers.frames, time.monotonic()
                while time.monotonic() < settled:
                    before = next(levels)
                rates.append((viewers.frames - first) / (time.monotonic() - began))
                time.sleep(rng.uniform(0, 1 / FPS))
                moved = time.monotonic()
                browser.gesture(control="dream.tone_mean", value=(0.75, 0.25)[number % 2])
                while abs(next(levels) - before) < MIN_LEVELS:
                    pass
                seconds.append(time.monotonic() - moved)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    live = LiveConfig(fps=FPS, size=f"{size[0]}x{size[1]}", port=0, wall=0)
    tone = ["dream.tone_rate=60", f"frame.width={size[0]}", f"frame.height={size[1]}"]
    with tempfile.TemporaryDirectory() as folder, notes_to(handler):
        config = make_config(["dream.tone_mean=0.25", *tone, *words, f"output={folder}/session.yaml"])
        thread = threading.Thread(target=measure, daemon=True)
        thread.start()
        session_setup.play(config, live, Path(folder), "live", viewers)
        thread.join(60)
    return sorted(seconds), statistics.median(rates[1:] or rates)


def gestures() -> dict[float, dict[str, Any]]:
    """Thirty gestures in 20 seconds."""
    result: dict[float, dict[str, Any]] = {}
    keys = {
        "camera.zoom": (0.9, 1.6),
        "camera.rotate": (-30, 30),
        "dream.strength": (0.3, 1.2),
        "camera.pan.x": (-0.1, 0.1),
    }
    targets = ("class:owl", "class:cat", "class:fish", "class:leaf + 0.5*class:eye")
    rng = np.random.default_rng(5)
    for number in range(30):
        at = round(0.5 + number * 0.63, 2)
        if number % 5 == 4:
            result[at] = {"target": targets[number // 5 % len(targets)], "seconds": 0.8}
        else:
            key = list(keys)[number % len(keys)]
            result[at] = {"control": key, "value": float(rng.uniform(*keys[key])), "seconds": 0.3}
    return result


def composition(film: Path) -> np.ndarray[Any, Any]:
    """Every frame of a film, 24 pixels wide and without its mean."""
    rows = np.stack(
        [cv2.resize(frame, (24, 16), interpolation=cv2.INTER_AREA).astype(float).ravel() for frame in decode(film)]
    )
    return rows - rows.mean(axis=1, keepdims=True)


def similarity(one: Path, other: Path) -> np.ndarray[Any, Any]:
    """How alike the compositions of two films are, frame by frame; 1 is equal."""
    a, b = composition(one), composition(other)
    return np.asarray((a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)))


def by_second(alike: np.ndarray[Any, Any]) -> str:
    return ", ".join(f"{statistics.mean(alike[at : at + int(FPS)]):.2f}" for at in range(0, len(alike), int(FPS)))


def measure_session(words: list[str], seconds: float, size: tuple[int, int]) -> None:
    """Play, render, compare."""
    width, height = size
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        planned = {at: each for at, each in gestures().items() if at < seconds - 1}
        shape = [f"frame.width={width}", f"frame.height={height}"]
        settings = ["network=motifnet", *shape, *words]
        config = make_config([*settings, f"output={folder}/session.yaml"])
        live = LiveConfig(fps=FPS, size=f"{width}x{height}", page=False, until=f"{seconds}s")
        viewers = CountingViewers(planned)
        session_setup.play(config, live, folder, "live", viewers)
        record = yaml.safe_load((folder / "session.yaml").read_text())["config"]
        apart = [abs(at - key) for (at, _), key in zip(viewers.made, starts(record, viewers.made), strict=True)]
        print(
            f"{viewers.frames} frames shown of {seconds * FPS:.0f}; {len(apart)} of {len(planned)} gestures made, "
            f"recorded at most {max(apart) * FPS:.2f} frames from where they were made (known to 0.6)"
        )

        def render(name: str, factor: int, *film: str) -> Path:
            out = folder / name / "film.mp4"
            larger = [f"frame.width={width * factor}", f"frame.height={height * factor}", f"output={out}"]
            command = [sys.executable, "-m", "pipeline.render", *film, *larger]
            subprocess.run(command, check=True, capture_output=True)
            return out

        played = [f"from={folder}/session.yaml"]
        films = [render(f"{number}", 1, *played) for number in range(2)]
        digests = [hashlib.sha256(out.read_bytes()).hexdigest()[:12] for out in films]
        print(f"rendered twice: {digests[0]} and {digests[1]}, {'equal' if digests[0] == digests[1] else 'DIFFERENT'}")
        alike = similarity(films[0], render("larger", 2, *played))
        print(f"{len(alike)} frames; alike at twice the size, each second: {by_second(alike)}")
        film = [*settings, f"frame.fps={FPS:g}", f"duration={seconds}s"]
        alike = similarity(render("film", 1, *film), render("larger film", 2, *film))
        print(f"a film of the same settings, without gestures: {by_second(alike)}")


def starts(record: dict[str, Any], made: list[tuple[float, dict[str, Any]]]) -> Iterator[float]:
    """For every gesture the second of the keyframe that is nearest to it, of the number or target that it moves."""
    for at, gesture in made:
        if "control" in gesture:
            section, name, *axis = gesture["control"].split(".")
            value = record[section][name]
            text = str(value[0] if axis else value)
        else:
            text = ", ".join(map(str, record["score"]["targets"][0].values()))
        times = [float(part.split("s:")[0]) for part in text.split(", ") if "s:" in part]
        yield min(times, key=lambda second: abs(second - at)) if times else -1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("stalls", "slider", "session"))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn")
    parser.add_argument("--size", default="192x108", help="of the session")
    parser.add_argument("--length", type=float, default=20.0, help="seconds of the session")
    parser.add_argument("--moves", type=int, default=40, help="of the slider")
    options, words = parser.parse_known_args()
    width, height = map(int, options.size.split("x"))
    if options.what == "session":
        measure_session(words, options.length, (width, height))
        return
    if options.what == "slider":
        seconds, rate = measure_slider(words, options.moves, (width, height))
        parts = ", ".join(f"{name} {np.quantile(seconds, at):.3f} s" for name, at in QUANTILES.items())
        print(f"{len(seconds)} moves at {rate:.1f} frames a second: the picture changes after {parts}")
        return
    for count, (rate, cost) in measure_stalls(options.rounds, options.seconds, words).items():
        time_a_frame = f"{100 * (cost - 1):+.1f} % processor time a frame"
        print(f"{count:4} stalled: {100 * (rate - 1):+.1f} % frames a second, {time_a_frame}")


if __name__ == "__main__":
    main()
