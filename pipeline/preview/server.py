"""The server of the live page: on the loopback address, for reading only, one page and what it shows.

Nothing of an address ever names a file: segments have numbers. A request that bears another host's name is refused,
since a page elsewhere could have had a name of its own point here (DNS rebinding).
"""

import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pipeline.errors import ConfigError
from pipeline.preview.state import State

HOST, PORT = "127.0.0.1", 8642
MOST_AT_ONCE = 64  # connections
STOPPING = 3.0  # seconds that this may take, twice
POLICY = (
    "default-src 'none'; img-src 'self' data:; media-src 'self'; connect-src 'self'; style-src 'self';"
    " script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def make_app(state: State, port: int) -> "Guard":
    """What answers at this port: the page, its style and script, the newest picture, the score, the segments."""

    def part(suffix: str) -> Route:
        content = Path(__file__).with_name(f"live{suffix}").read_bytes()

        async def answer(request: Request) -> Response:
            return Response(content, media_type=KINDS[suffix])

        return Route("/" if suffix == ".html" else f"/live{suffix}", answer)

    async def told(request: Request) -> Response:
        state.ask()
        return JSONResponse(state.as_data())

    async def picture(request: Request) -> Response:
        newest = state.picture
        return Response(newest, media_type="image/jpeg") if newest else PlainTextResponse("not yet", 404)

    async def score(request: Request) -> Response:
        return Response(state.facts.score, media_type="image/png")

    async def segment(request: Request) -> Response:
        path = state.segment(request.path_params["number"])
        if path is None or not path.is_file():
            return PlainTextResponse("there is no such segment", 404)
        return FileResponse(path)  # understands Range, without which a browser cannot seek

    routes = [
        *(part(suffix) for suffix in KINDS),
        Route("/state", told),
        Route("/picture.jpg", picture),
        Route("/score.png", score),
        Route("/segment/{number:int}", segment),
    ]
    return Guard(Starlette(routes=routes), port)


class Guard:
    """Lets reading requests in that were meant for this address, and gives every answer its headers."""

    def __init__(self, app: Starlette, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}".encode() for name in (HOST, "localhost")}
        if port == 80:  # which browsers leave out
            self._hosts |= {HOST.encode(), b"localhost"}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [pair for pair in message.get("headers", ()) if pair[0] != b"cache-control"]
                message["headers"] = [*given, *HEADERS]
            await send(message)

        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            await PlainTextResponse("this page answers to its own address only", 403)(scope, receive, dressed)
        elif scope["method"] != "GET":
            await PlainTextResponse("this page is for reading", 405, {"Allow": "GET"})(scope, receive, dressed)
        else:
            await self._app(scope, receive, dressed)


class Server:
    """Serves ``state`` from a thread of its own between ``start`` and ``stop``; ``port`` is where."""

    def __init__(self, state: State, port: int | None) -> None:
        self._socket = _listen(port)
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            make_app(state, self.port),
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="live page", daemon=True)

    @property
    def address(self) -> str:
        """What to type into a browser."""
        return f"http://{HOST}:{self.port}/"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; who is still being answered has a moment."""
        self._server.should_exit = True
        self._thread.join(STOPPING)
        self._server.force_exit = True
        self._thread.join(STOPPING)
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


def _listen(port: int | None) -> socket.socket:
    """A socket at this port; without one at PORT, or at any that is free. Raises ConfigError."""
    try:
        return _bound(PORT if port is None else port)
    except OSError as error:
        if port is not None:
            reason = f"it cannot be had ({error.strerror}); leave it out for a free one"
            raise ConfigError("preview.port", port, reason) from error
        return _bound(0)


def _bound(port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((HOST, port))
        opened.listen(MOST_AT_ONCE)  # from now on who asks waits for the server's start, and the port is ours
    except OSError:
        opened.close()
        raise
    return opened
