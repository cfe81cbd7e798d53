"""What the live page can ask for: itself, its setup, pictures of targets, and a WebSocket for frames and gestures."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from pipeline.live.viewers import Viewer, Viewers
from pipeline.web.server import page_files

TRY_LATER = 1013  # the WebSocket code
MAX_CHARACTERS = 4096  # of one gesture


def live_routes(
    viewers: Viewers, setup: Callable[[], dict[str, Any]], picture: Callable[[int], bytes], song: Path | None
) -> list[BaseRoute]:
    """``setup`` has what does not change while playing; ``picture`` is the JPEG of a target by number, or empty.

    The page plays the ``song``.
    """

    async def describe(request: Request) -> Response:
        return JSONResponse(setup())

    async def thumbnail(request: Request) -> Response:
        jpeg = picture(request.path_params["number"])
        return Response(jpeg, media_type="image/jpeg") if jpeg else PlainTextResponse("not yet", 404)

    async def sound(request: Request) -> Response:
        return FileResponse(song) if song is not None and song.is_file() else PlainTextResponse("there is no song", 404)

    async def play(socket: WebSocket) -> None:
        viewer = Viewer(asyncio.get_running_loop(), asyncio.Event())
        if not viewers.add(viewer):
            await socket.close(TRY_LATER)
            return
        await socket.accept()
        sending = asyncio.create_task(_send(socket, viewers, viewer))
        try:
            await _receive(socket, viewers, viewer)
        finally:
            viewers.remove(viewer)
            sending.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await sending

    return [
        *page_files(Path(__file__).with_name("page.html")),
        Route("/setup.json", describe),
        Route("/wall/{number:int}.jpg", thumbnail),
        Route("/song", sound),
        WebSocketRoute("/play", play),
    ]


async def _send(socket: WebSocket, viewers: Viewers, viewer: Viewer) -> None:
    """Send the newest picture and state whenever there are new ones and the browser can take them."""
    picture_number, state_number = 0, 0
    while True:
        await viewer.changed.wait()
        viewer.changed.clear()
        picture, state = viewers.news(viewer, picture_number, state_number)
        if picture is not None:
            picture_number = picture[0]
            await socket.send_bytes(picture[1])
        if state is not None:
            state_number = state[0]
            await socket.send_text(state[1])


async def _receive(socket: WebSocket, viewers: Viewers, viewer: Viewer) -> None:
    """Pass on gestures until the browser leaves. What is no gesture is ignored."""
    viewer.changed.set()
    with suppress(WebSocketDisconnect):
        while True:
            text = await socket.receive_text()
            try:
                message = json.loads(text) if len(text) <= MAX_CHARACTERS else None
            except (ValueError, RecursionError):
                continue
            if not isinstance(message, dict):
                continue
            if message.get("ready"):
                viewers.ready(viewer)
            else:
                viewers.send({**message, "at": time.monotonic()})
