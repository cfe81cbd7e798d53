"""The web server of the program's pages: loopback only, for those who know the token in the address.

Requests for another host name are refused, because a foreign page could point its own name at this address (DNS
rebinding); so are those that a foreign page sends (Origin). Starlette's TrustedHostMiddleware ignores the port, so the
checks are our own.
"""

import asyncio
import secrets
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto.utilities import LocalProtocolError

from pipeline.errors import ConfigError

HOST, PORT = "127.0.0.1", 8642
MAX_CONNECTIONS = 64
MAX_MESSAGE_BYTES = 65_536  # that a browser may send through a WebSocket
REQUEST_SECONDS = 10.0  # in which a client has to send a whole request
CLOSE = {"connection": "close"}  # else the rest of a body is read and thrown away
CHECK_SECONDS = 1.0
GOODBYE_SECONDS = 0.5  # for a WebSocket's last bytes to leave when the server ends
STOP_SECONDS = 3.0  # timeout of a graceful stop, then of a forced one
POLICY = (
    "default-src 'none'; img-src 'self' data: blob:; media-src 'self'; connect-src 'self' {socket}; style-src 'self';"
    " script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def page_files(page: Path, *scripts: str) -> list[Route]:
    """Routes to an HTML page, served at the root, to the style and script next to it that have its name, and to more
    ``scripts`` there.
    """

    def route(path: Path) -> Route:
        content = path.read_bytes()

        async def respond(request: Request) -> Response:
            return Response(content, media_type=MEDIA_TYPES[path.suffix])

        return Route("/" if path == page else f"/{path.name}", respond)

    return [route(path) for path in (*map(page.with_suffix, MEDIA_TYPES), *map(page.with_name, scripts))]


class Guard:
    """Passes on GET requests and WebSockets of this host, port and token, and adds security headers to responses.

    With ``accepts_posts`` also POST requests, which have to name this page as their origin.
    """

    def __init__(self, app: Starlette, port: int, token: str, *, accepts_posts: bool = False) -> None:
        self._app, self._prefix, self._accepts_posts = app, f"/{token}", accepts_posts
        self._hosts = {f"{name}:{port}".encode() for name in (HOST, "localhost")}
        if port == 80:  # browsers leave it out
            self._hosts |= {HOST.encode(), b"localhost"}
        policy = POLICY.format(socket=f"ws://{HOST}:{port} ws://localhost:{port}")
        self._headers = ((b"content-security-policy", policy.encode()), *HEADERS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] not in ("http", "websocket"):
            return
        is_socket = scope["type"] == "websocket"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message.get("headers", ()) if pair[0] != b"cache-control"]
                message["headers"] = [*headers, *self._headers]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            inner = {**scope, "path": scope["path"].removeprefix(self._prefix), "root_path": ""}
            inner["raw_path"] = inner["path"].encode()
            await self._app(inner, receive, send_with_headers)
        elif is_socket:
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the browser reads 403
        else:
            await refusal(scope, receive, send_with_headers)

    def _refusal(self, scope: Message) -> Response | None:
        """What a request that is not allowed is answered with."""
        headers = scope["headers"]
        hosts = [value.lower() for name, value in headers if name == b"host"]
        origins = [value.lower() for name, value in headers if name == b"origin"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return PlainTextResponse("this page answers to its own address only", 403, CLOSE)
        if any(origin.removeprefix(b"http://") not in self._hosts for origin in origins):
            return PlainTextResponse("this page does not answer to other pages", 403, CLOSE)
        token = scope["path"][: len(self._prefix) + 1].encode()
        if not secrets.compare_digest(token, f"{self._prefix}/".encode()):
            words = "the address is incomplete; copy the whole one that the program printed"
            return PlainTextResponse(words, 403, CLOSE)
        if scope["type"] == "http" and scope["method"] != "GET":
            if scope["method"] != "POST" or not self._accepts_posts:
                words = "this page takes GET and POST" if self._accepts_posts else "this page is read-only"
                return PlainTextResponse(words, 405, CLOSE | {"Allow": "GET, POST" if self._accepts_posts else "GET"})
            if not origins:
                return PlainTextResponse("only this page itself may change anything", 403, CLOSE)
        return None


class ImpatientProtocol(H11Protocol):
    """HTTP whose clients have ``REQUEST_SECONDS`` for a request: else a few that send nothing would hold the page."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waits_since = self.loop.time()
        self.loop.call_later(CHECK_SECONDS, self._check)

    def _check(self) -> None:
        if self not in self.connections or self.transport.is_closing():  # closed, or a WebSocket by now
            return
        now = self.loop.time()
        if self.cycle is not None and not self.cycle.response_complete:
            self._waits_since = now
        elif now - self._waits_since > REQUEST_SECONDS:
            self.transport.close()
            return
        self.loop.call_later(CHECK_SECONDS, self._check)


class ClosableProtocol(WSProtocol):
    """WebSockets that end with the server, also if their browser reads no more or has said goodbye."""

    def shutdown(self) -> None:
        """Close the connection; an error here would keep all others open."""
        with suppress(LocalProtocolError):
            super().shutdown()
        self.loop.call_later(GOODBYE_SECONDS, self.transport.abort)


class Server:
    """Serves ``routes`` on ``port`` from a thread, between ``start`` and ``stop``.

    ``port`` None takes the default port or any free one; ``key`` is the setting that names it. ``accepts_posts``: the
    page may also send. Raises ConfigError when the port is in use.
    """

    def __init__(self, routes: Sequence[BaseRoute], port: int | None, key: str, *, accepts_posts: bool = False) -> None:
        self._socket = _listen(port, key)
        self.port = int(self._socket.getsockname()[1])
        self._token = secrets.token_urlsafe(16)
        app = Starlette(routes=routes)
        app.router.redirect_slashes = False  # to an address without the token
        config = uvicorn.Config(
            Guard(app, self.port, self._token, accepts_posts=accepts_posts),
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            http=ImpatientProtocol,
            ws=ClosableProtocol,
            ws_max_size=MAX_MESSAGE_BYTES,
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="web server", daemon=True)

    @property
    def address(self) -> str:
        """The page's URL."""
        return f"http://{HOST}:{self.port}/{self._token}/"

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; open responses have a moment to finish."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._server.force_exit = True
        self._thread.join(STOP_SECONDS)
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


def _listen(port: int | None, key: str) -> socket.socket:
    """A socket on this port; for None on PORT, or on any free one. Raises ConfigError."""
    try:
        return _bind(PORT if port is None else port)
    except OSError as error:
        if port is not None:
            reason = f"it cannot be had ({error.strerror}); leave it out for a free port"
            raise ConfigError(key, port, reason) from error
        return _bind(0)


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(MAX_CONNECTIONS)  # the port is ours now; requests wait for the server to start
    except OSError:
        listener.close()
        raise
    return listener
