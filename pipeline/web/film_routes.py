"""What the page of a film that renders can ask for. No URL names a file: segments have numbers."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pipeline.web.film_state import State
from pipeline.web.server import page_files


def film_routes(state: State) -> list[Route]:
    """The page, its style and script, the newest frame, the score, the segments."""

    async def status(request: Request) -> Response:
        if "last" in request.query_params:  # who asks leaves, so that the page need not stay for them
            state.leave()
        else:
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

    return [
        *page_files(Path(__file__).with_name("film.html")),
        Route("/state", status),
        Route("/picture.jpg", picture),
        Route("/score.png", score),
        Route("/segment/{number:int}", segment),
    ]
