"""The live page's web server: loopback only, read-only, one page and its data.

No URL names a file: segments have numbers. Requests for another host name are refused, because a foreign page could
point its own name at this address (DNS rebinding). Starlette's TrustedHostMiddleware ignores the port, so the check is
our own.
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
MAX_CONNECTIONS = 64
STOP_SECONDS = 3.0  # timeout of a graceful stop, then of a forced one
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
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def make_app(state: State, port: int) -> "Guard":
    """The app for this port: the page, its style and script, the newest frame, the score, the segments."""

    def asset(suffix: str) -> Route:
        content = Path(__file__).with_name(f"live{suffix}").read_bytes()

        async def respond(request: Request) -> Response:
            return Response(content, media_type=MEDIA_TYPES[suffix])

        return Route("/" if suffix == ".html" else f"/live{suffix}", respond)

    async def status(request: Request) -> Response:
        state.note_request()
        return JSONResponse(state.as_data())

    async def picture(request: Request) -> Response:
        jpeg = state.picture
        return Response(jpeg, media_type="image/jpeg") if jpeg else PlainTextResponse("not yet", 404)

    async def score(request: Request) -> Response:
        return Response(state.facts.score, media_type="image/png")

    async def segment(request: Request) -> Response:
        path = state.segment(request.path_params["number"])
        if path is None or not path.is_file():
            return PlainTextResponse("there is no such segment", 404)
        return FileResponse(path)  # supports Range, which browsers need to seek

    routes = [
        *(asset(suffix) for suffix in MEDIA_TYPES),
        Route("/state", status),
        Route("/picture.jpg", picture),
        Route("/score.png", score),
        Route("/segment/{number:int}", segment),
    ]
    return Guard(Starlette(routes=routes), port)


class Guard:
    """Passes on GET requests to this host and port only, and adds security headers to every response."""

    def __init__(self, app: Starlette, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}".encode() for name in (HOST, "localhost")}
        if port == 80:  # browsers leave it out
            self._hosts |= {HOST.encode(), b"localhost"}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message.get("headers", ()) if pair[0] != b"cache-control"]
                message["headers"] = [*headers, *HEADERS]
            await send(message)

        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            await PlainTextResponse("this page answers to its own address only", 403)(scope, receive, send_with_headers)
        elif scope["method"] != "GET":
            await PlainTextResponse("this page is read-only", 405, {"Allow": "GET"})(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


class Server:
    """Serves ``state`` on ``port`` from a thread, between ``start`` and ``stop``."""

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
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="live page", daemon=True)

    @property
    def address(self) -> str:
        """The page's URL."""
        return f"http://{HOST}:{self.port}/"

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


def _listen(port: int | None) -> socket.socket:
    """A socket on this port; for None on PORT, or on any free one. Raises ConfigError."""
    try:
        return _bind(PORT if port is None else port)
    except OSError as error:
        if port is not None:
            reason = f"it cannot be had ({error.strerror}); leave it out for a free port"
            raise ConfigError("preview.port", port, reason) from error
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
