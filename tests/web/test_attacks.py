"""Odd, huge, endless and slow requests to a page with a WebSocket: refused or bounded, and it still answers."""

import base64
import http.client
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from pipeline.live.routes import live_routes
from pipeline.live.viewers import Viewers
from pipeline.web import server
from pipeline.web.server import MAX_CONNECTIONS, Server

HEAD = "Host: {host}\r\n"
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Viewers]]:
    song = tmp_path_factory.mktemp("song") / "song.mp3"
    song.write_bytes(b"song" * 1000)
    with Viewers() as viewers:
        started = Server(live_routes(viewers, dict, lambda number: b"", song), 0, "live.port")
        started.start()
        yield started, viewers
        started.stop()


def exchange(page: Server, request: bytes, more: bytes = b"", seconds: float = 5.0) -> bytes:
    """What the page answers until it closes or is silent for a second. ``more`` is sent for as long as it is taken."""
    where, answer, end = urlsplit(page.address), b"", time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", where.port or 0), seconds) as connection:
        connection.settimeout(1)
        try:
            connection.sendall(request)
            while more and time.monotonic() < end:
                connection.sendall(more)
            while time.monotonic() < end and (data := connection.recv(65536)):
                answer += data
        except OSError:  # it closed, or is silent
            pass
    return answer


def fill(page: Server, text: str) -> bytes:
    where = urlsplit(page.address)
    key = base64.b64encode(os.urandom(16)).decode()
    names = {"host": where.netloc, "path": where.path, "key": key, "version": "13"}
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text.encode("latin-1")


def answers(page: Server) -> bool:
    where = urlsplit(page.address)
    connection = http.client.HTTPConnection("127.0.0.1", where.port or 0, timeout=10)
    try:
        connection.request("GET", f"{where.path}setup.json")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


TARGETS = (
    *(
        "/../../etc/passwd",
        "{path}../../../etc/passwd",
        "{path}%2e%2e/%2e%2e/etc/passwd",
        "{path}..%5c..%5cetc%5cpasswd",
    ),
    *("{path}wall/../../routes.py", "{path}wall/1.jpg/../../page.py", "{path}%00", "{path}song/../../../etc/passwd"),
    *("//{host}{path}setup.json/..", "{path}/etc/passwd", "{path}wall/-1.jpg", "{path}wall/99999999999999999999.jpg"),
    *("{path}page.js%00.html", "{path}setup.json/", "http://evil.example{path}page.py", "*", "{path}" + "a" * 9000),
)


@pytest.mark.parametrize("target", TARGETS)
def test_no_path_leads_out(page: tuple[Server, Viewers], target: str) -> None:
    answer = exchange(page[0], fill(page[0], f"GET {target} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n"))
    assert answer[9:12] in (b"400", b"403", b"404") and b"root:" not in answer and b"import " not in answer, answer[
        :200
    ]
    assert answers(page[0])


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 3000]
)
def test_other_methods_are_refused(page: tuple[Server, Viewers], method: str) -> None:
    head = f"{method} {{path}}setup.json HTTP/1.1\r\n{HEAD}Origin: http://{{host}}\r\n"
    answer = exchange(page[0], fill(page[0], f"{head}Content-Length: 5\r\n\r\nhello"))
    assert answer[9:12] in (b"400", b"405"), answer[:200]
    assert answers(page[0])


REQUESTS = {
    "no host": "GET {path} HTTP/1.1\r\n\r\n",
    "two hosts": f"GET {{path}} HTTP/1.1\r\n{HEAD}Host: evil.example\r\n\r\n",
    "other host": "GET {path} HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "host with user": "GET {path} HTTP/1.1\r\nHost: evil.example@{host}\r\n\r\n",
    "long header": f"GET {{path}} HTTP/1.1\r\n{HEAD}X: {'a' * 200_000}\r\n\r\n",
    "many headers": f"GET {{path}} HTTP/1.1\r\n{HEAD}{'A: b' + chr(13) + chr(10)}" * 20_000,
    "smuggling": f"POST {{path}} HTTP/1.1\r\n{HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
    "folded": f"GET {{path}} HTTP/1.1\r\n{HEAD} evil\r\n\r\n",
    "old": "GET {path}\r\n",
    "next": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 500 + "\r\n\r\n",
    "nothing": "\r\n" * 5000,
}


@pytest.mark.parametrize("name", REQUESTS)
def test_malformed_requests_are_refused(page: tuple[Server, Viewers], name: str) -> None:
    answer = exchange(page[0], fill(page[0], REQUESTS[name]))
    assert not answer or answer[9:12] in (b"400", b"403", b"405", b"431"), answer[:200]
    assert answers(page[0])


@pytest.mark.parametrize("length", ["Content-Length: 1000000000000", "Transfer-Encoding: chunked"])
def test_endless_body_is_not_read(page: tuple[Server, Viewers], length: str) -> None:
    head = fill(page[0], f"POST {{path}}setup.json HTTP/1.1\r\n{HEAD}Origin: http://{{host}}\r\n{length}\r\n\r\n")
    began = time.monotonic()
    exchange(page[0], head, b"10000\r\n" + b"a" * 65536 + b"\r\n", 8.0)
    assert time.monotonic() - began < 6  # the page closed the connection
    assert answers(page[0])


def frame(kind: int, payload: bytes, *, masked: bool = True, last: bool = True, length: int | None = None) -> bytes:
    """A frame of the WebSocket protocol that announces ``length`` bytes."""
    size = len(payload) if length is None else length
    short = size if size < 126 else 126 if size < 65536 else 127
    long = b"" if size < 126 else struct.pack(">H" if size < 65536 else ">Q", size)
    return (
        bytes([(128 if last else 0) | kind, (128 if masked else 0) | short])
        + long
        + (b"\0\0\0\0" if masked else b"")
        + payload
    )


FRAMES = {
    "unmasked": frame(1, b"{}", masked=False),
    "no text": frame(1, b"\xff\xfe"),
    "binary": frame(2, b"\0" * 1000),
    "huge": frame(1, b"a" * 1000, length=10**12),
    "large": frame(1, b"a" * 200_000),
    "never ending": frame(1, b"a" * 30_000, last=False) + frame(0, b"a" * 30_000, last=False) * 20,
    "deep": frame(1, b"[" * 60_000),
    "deep table": frame(1, b'{"a":' * 10_000),
    "numbers": frame(1, b'{"control": "camera.zoom", "value": 1e999}') + frame(1, b"1" * 60_000),
    "list": frame(1, b"[1, 2]") + frame(1, b'"ready"') + frame(1, b"null") + frame(1, b""),
    "reserved": frame(5, b"x"),
    "long ping": frame(9, b"a" * 500),
    "pings": frame(9, b"a") * 5000,
    "ready": frame(1, b'{"ready": true}') * 3000,
}


@pytest.mark.parametrize("name", FRAMES)
def test_odd_messages_end_their_own_socket_at_most(page: tuple[Server, Viewers], name: str) -> None:
    started, viewers = page
    head = f"GET {{path}}play HTTP/1.1\r\n{HEAD}Origin: http://{{host}}\r\n{UPGRADE}\r\n"
    answer = exchange(started, fill(started, head) + FRAMES[name], seconds=3)
    assert answer[9:12] == b"101"
    assert answers(started)
    assert all(isinstance(each, dict) for each in viewers.commands())


@pytest.mark.parametrize("version", ["", "8", "13, 13", "x"])
def test_other_websocket_versions_are_refused(page: tuple[Server, Viewers], version: str) -> None:
    head = f"GET {{path}}play HTTP/1.1\r\n{HEAD}Origin: http://{{host}}\r\n{UPGRADE.replace('{version}', version)}\r\n"
    assert exchange(page[0], fill(page[0], head))[9:12] in (b"400", b"426")
    assert answers(page[0])


def test_slow_clients_do_not_lock_the_page(page: tuple[Server, Viewers], monkeypatch: pytest.MonkeyPatch) -> None:
    """Some send nothing, some a byte now and then; nobody of them knows the token."""
    monkeypatch.setattr(server, "REQUEST_SECONDS", 2.0)
    where = urlsplit(page[0].address)
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", where.port or 0), 5))
            for _ in range(MAX_CONNECTIONS + 20)
        ]
        end = time.monotonic() + 12
        while not answers(page[0]):
            assert time.monotonic() < end
            for connection in connections[::2]:
                try:
                    connection.send(b"G")
                except OSError:
                    continue
            time.sleep(0.5)


def test_a_browser_that_stalls_does_not_hold_the_others() -> None:
    async def endless(connection: WebSocket) -> None:
        await connection.accept()
        while True:
            await connection.send_bytes(bytes(60_000))

    started = Server([WebSocketRoute("/play", endless)], 0, "live.port")
    started.start()
    head = f"GET {{path}}play HTTP/1.1\r\n{HEAD}Origin: http://{{host}}\r\n{UPGRADE}\r\n"
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.create_connection(("127.0.0.1", started.port), 20)) for _ in range(3)]
        for connection in opened:
            connection.sendall(fill(started, head))
            connection.recv(12)
        time.sleep(0.5)  # until their buffers are full
        opened[1].sendall(frame(8, b""))
        time.sleep(0.5)
        started.stop()  # an error in its thread fails this test
        for connection in opened:
            while connection.recv(1 << 20):
                pass


def test_song_is_the_song(page: tuple[Server, Viewers]) -> None:
    answer = exchange(
        page[0], fill(page[0], f"GET {{path}}song HTTP/1.1\r\n{HEAD}Range: bytes=0-3\r\nConnection: close\r\n\r\n")
    )
    assert answer[9:12] == b"206" and answer.endswith(b"\r\n\r\nsong")
    assert Path(__file__).name.encode() not in answer
