"""The live page: what it refuses, bounds on browsers, OSC, and a session whose program is killed."""

import base64
import http.client
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pythonosc.udp_client import SimpleUDPClient

from pipeline.live.viewers import MAX_VIEWERS
from pipeline.web.server import MAX_CONNECTIONS
from tests.live.stage import Program, program


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A session that lasts as long as the tests of this module."""
    folder = tmp_path_factory.mktemp("live")
    with program(folder, "live.osc=0", "live.fps=8", "output=session.yaml", "preset=spiral") as started:
        yield started


def open_socket(running: Program, path: str = "play", **headers: str) -> tuple[int, socket.socket]:
    """The HTTP status of a WebSocket's handshake, and the connection."""
    where = urlsplit(running.address)
    lines = {"Host": where.netloc, "Origin": f"http://{where.netloc}", **headers}
    key = base64.b64encode(os.urandom(16)).decode()
    lines |= {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    target = path if path.startswith("/") else where.path + path
    connection = socket.create_connection(("127.0.0.1", where.port or 0), 20)
    connection.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
    return int((connection.recv(4096) or b"HTTP/1.1 000 ").split()[1]), connection


def ask(running: Program, path: str) -> tuple[int, bytes]:
    where = urlsplit(running.address)
    connection = http.client.HTTPConnection("127.0.0.1", where.port or 0, timeout=30)
    try:
        connection.request("GET", path if path.startswith("/") else where.path + path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def session(running: Program) -> dict[str, Any]:
    """The settings of the session on the disk; none before its first frame."""
    path = running.folder / "session.yaml"
    settings: dict[str, Any] = yaml.safe_load(path.read_text())["config"] if path.exists() else {}
    return settings


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120  # the machine may be busy
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("play", {}, 101),
        ("play", {"Origin": "http://evil.example"}, 403),
        ("play", {"Origin": "null"}, 403),
        ("play", {"Host": "evil.example"}, 403),
        ("/play", {}, 403),
        ("/wrong-token/play", {}, 403),
        ("elsewhere", {}, 403),
    ],
)
def test_socket_answers_its_own_page_alone(running: Program, path: str, headers: dict[str, str], status: int) -> None:
    code, connection = open_socket(running, path, **headers)
    connection.close()
    assert code == status


def test_other_paths_are_refused(running: Program) -> None:
    assert ask(running, "setup.json")[0] == 200
    for path in ("/", "/setup.json", "/wrong/setup.json"):
        assert ask(running, path)[0] == 403
    for path in ("wall/0.jpg", "wall/..%2f..%2fpage.py", "page.py", "../page.py", "session.yaml"):
        assert ask(running, path)[0] in (403, 404)


def test_sockets_are_bounded(running: Program) -> None:
    """Two hundred browsers that read nothing."""
    opened = [open_socket(running) for _ in range(200)]
    try:
        assert sum(code == 101 for code, _ in opened) <= min(MAX_VIEWERS, MAX_CONNECTIONS)
        before = session(running).get("duration")
        wait_for(lambda: session(running).get("duration") != before)
    finally:
        for _, connection in opened:
            connection.close()
    wait_for(lambda: ask(running, "setup.json")[0] == 200)


def test_osc_plays_and_a_kill_leaves_the_session(running: Program) -> None:
    with SimpleUDPClient("127.0.0.1", running.osc) as client:
        client.send_message("/camera/zoom", 1.7)
        client.send_message("/camera/pan", [0.1, -0.1])
        client.send_message("/target", ["class:leaf", 0.5])
        client.send_message("/dream/strenth", 1.0)  # no such control
        wait_for(lambda: str(session(running).get("camera", {}).get("zoom")).endswith(": 1.7"))
        wait_for(lambda: "class:leaf" in str(session(running)["score"]["targets"]))
        client.send_message("/dream/strength", 0.9)
        wait_for(lambda: str(session(running)["dream"]["strength"]).endswith(": 0.9"))
    running.started.kill()
    config = session(running)
    assert config["camera"]["zoom"].endswith(": 1.7") and config["dream"]["strength"].endswith(": 0.9")
    assert [axis.rpartition(" ")[2] for axis in config["camera"]["pan"]] == ["0.1", "-0.1"]
    assert config["score"]["targets"][0]["class:leaf"].endswith(": 1")
