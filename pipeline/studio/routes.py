"""What the studio's page can ask for. No URL names a path: files are looked up by number or name."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from pipeline.cli.arguments import command_line
from pipeline.errors import RenderError
from pipeline.studio import catalogue, command, preset_file
from pipeline.studio.job import RENDERS, SKETCHES
from pipeline.studio.queue import Queue
from pipeline.studio.timeline import timeline
from pipeline.studio.uploads import TooLarge, Uploads, WrongType
from pipeline.web.server import CLOSE, page_files

MAX_BODY_BYTES = 300_000  # of a message; a file has its own limit
IDLE_SECONDS = 30.0  # in which the next bytes of a file have to come
SCRIPTS = ("core.js", "choose.js", "settings.js", "queue.js", "timeline.js", "shots.js")
STATUS = {TooLarge: 413, WrongType: 415}

Answer = Callable[[Request], Awaitable[Response]]


def studio_routes(queue: Queue, uploads: Uploads, config_dir: Path) -> list[BaseRoute]:
    """The page, the catalogue, checks, the queue, films, uploads, the timeline."""

    def check(message: dict[str, Any]) -> tuple[command.Words, command.Checked]:
        words = _words(message)
        return words, command.check(words, config_dir)

    async def picture(request: Request) -> Response:
        path = catalogue.picture(request.path_params["group"], request.path_params["name"])
        return FileResponse(path) if path else _missing("picture")

    def checked(message: dict[str, Any]) -> dict[str, Any]:
        try:
            words, film = check(message)
        except RenderError as error:  # while somebody types, this is no failure
            return {"error": str(error), "key": command.key_of(error)}
        return {
            "error": "",
            "key": "",
            "summary": film.plan.summary,
            "seconds": queue.estimate(film),
            "notes": film.notes,
            "command": command_line(words),
            "values": command.values_of(film.config),
            "shots": len(film.plan.shots),
        }

    def over_time(message: dict[str, Any]) -> dict[str, Any]:
        try:
            return timeline(check(message)[1])
        except RenderError as error:
            return {"error": str(error)}

    def add(message: dict[str, Any]) -> dict[str, Any]:
        kind, words = message.get("kind"), _words(message)
        if kind not in (*RENDERS, *SKETCHES):
            raise RenderError("the studio makes a render, a storyboard or variations")
        check_kind = {"variations": command.check_variations, "storyboard": command.check_storyboard}
        film = check_kind.get(str(kind), command.check)(words, config_dir)
        return {"number": queue.add(kind, words, film).number}

    def add_larger(message: dict[str, Any]) -> dict[str, Any]:
        job = queue.find(int(message.get("number", 0)))
        words = command.larger(job.words, job.width * job.height)
        if words is None:
            raise RenderError("this film is as large as films get")
        return {"number": queue.add("render", words, command.check(words, config_dir)).number}

    def act(message: dict[str, Any]) -> dict[str, Any]:
        queue.act(int(message.get("number", 0)), str(message.get("action")))
        return {}

    def hold(message: dict[str, Any]) -> dict[str, Any]:
        queue.hold(bool(message.get("on_hold")))
        return {}

    def save(message: dict[str, Any]) -> dict[str, Any]:
        name = str(message.get("name", ""))
        if queue.needs(config_dir / "preset" / f"{name}.yaml"):
            raise RenderError(f"preset={name}: a film in the queue needs it as it is; give this one another name")
        path = preset_file.save(name, check(message)[1], config_dir, overwrite=bool(message.get("overwrite")))
        return {"name": name, "path": str(path)}

    def delete_upload(message: dict[str, Any]) -> dict[str, Any]:
        name = str(message.get("name", ""))
        if queue.needs(uploads.folder / name):
            raise RenderError(f"{name}: a film in the queue needs it")
        uploads.remove(name)
        return {}

    async def live(request: Request) -> Response:
        child = queue.child(request.path_params["number"])
        jpeg = await run_in_threadpool(child.picture) if child else b""
        return Response(jpeg, media_type="image/jpeg") if jpeg else _missing("picture yet")

    async def file(request: Request) -> Response:
        """A file of an entry: its film, contact sheet or sketch."""
        try:
            path = Path(queue.find(request.path_params["number"]).files[request.path_params["index"]])
            return FileResponse(path) if path.is_file() else _missing("file any more")
        except (RenderError, IndexError, OSError):  # OSError: a line of the child that is no file
            return _missing("file")

    async def upload(request: Request) -> Response:
        name, stream = request.query_params.get("name", "file"), request.stream()
        try:
            with uploads.receive(name) as incoming:
                announced = request.headers.get("content-length", "0")
                incoming.check(int(announced) if announced.isdecimal() else 0)
                while data := await asyncio.wait_for(anext(stream, b""), IDLE_SECONDS):
                    incoming.write(data)
                made = await run_in_threadpool(uploads.finish, incoming)
        except (ClientDisconnect, TimeoutError):
            return PlainTextResponse("the file did not come to its end", 400, CLOSE)
        except RenderError as error:
            return _refused(error, CLOSE)
        except OSError as error:
            return _refused(RenderError(command.sentence(error)), CLOSE)
        return JSONResponse(made.as_data())

    async def photograph(request: Request) -> Response:
        stored = uploads.picture(request.path_params["name"])
        return FileResponse(stored[0], media_type=stored[1]) if stored else _missing("photograph")

    gets: dict[str, Callable[[], Any]] = {
        "setup": lambda: catalogue.catalogue(config_dir),
        "state": queue.as_data,
        "uploads": lambda: [each.as_data() for each in uploads.newest()],
    }
    posts = {
        "check": checked,
        "add": add,
        "larger": add_larger,
        "act": act,
        "hold": hold,
        "delete": delete_upload,
        "preset": save,
        "timeline": over_time,
    }
    return [
        *page_files(Path(__file__).with_name("studio.html"), *SCRIPTS),
        Route("/gallery/{group}/{name}.jpg", picture),
        Route("/live/{number:int}.jpg", live),
        Route("/file/{number:int}/{index:int}", file),
        Route("/uploads/{name}", photograph),
        Route("/upload", upload, methods=["POST"]),
        *(Route(f"/{name}.json", _got(work)) for name, work in gets.items()),
        *(Route(f"/{name}", _posted(work), methods=["POST"]) for name, work in posts.items()),
    ]


def _got(work: Callable[[], Any]) -> Answer:
    """The route that answers with what ``work`` returns in a thread."""

    async def respond(request: Request) -> Response:
        return await _answer(work)

    return respond


async def _answer(work: Callable[[], Any]) -> Response:
    """What ``work`` returns in a thread, or the sentence on what is wrong."""
    try:
        return JSONResponse(await run_in_threadpool(work))
    except RenderError as error:
        return _refused(error)
    except OSError as error:
        return _refused(RenderError(command.sentence(error)))


def _posted(work: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    """The route that passes a message, a JSON table, to ``work`` in a thread."""

    async def respond(request: Request) -> Response:
        body, stream = b"", request.stream()
        try:
            while data := await asyncio.wait_for(anext(stream, b""), IDLE_SECONDS):
                body += data
                if len(body) > MAX_BODY_BYTES:
                    return PlainTextResponse("the message is too long", 413, CLOSE)
        except (ClientDisconnect, TimeoutError):
            return PlainTextResponse("the message did not come to its end", 400, CLOSE)
        try:
            message = json.loads(body)
            if not isinstance(message, dict):
                raise ValueError
        except (ValueError, RecursionError):
            return PlainTextResponse("the message is no JSON table", 400)
        try:
            return await _answer(lambda: work(message))
        except (TypeError, ValueError):  # a number that is none
            return PlainTextResponse("the message does not fit", 400)

    return respond


def _refused(error: RenderError, headers: dict[str, str] | None = None) -> Response:
    text = str(error).encode(errors="replace").decode()
    return JSONResponse({"error": text, "key": command.key_of(error)}, STATUS.get(type(error), 400), headers)


def _missing(what: str) -> Response:
    return PlainTextResponse(f"there is no such {what}", 404)


def _words(message: dict[str, Any]) -> command.Words:
    words = message.get("words")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise RenderError("a film is a list of settings")
    return tuple(words)
