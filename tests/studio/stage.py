"""A running studio for tests, and requests to it."""

import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.processes import Started, started

TINY = ("network=motifnet", "frame.width=96", "frame.height=64", "dream.octaves=2", "start.steps=4")


@dataclass
class Studio:
    """A running ``python -m pipeline.studio`` in ``folder``, and the address of its page."""

    started: Started
    folder: Path
    address: str

    def ask(self, path: str, data: Any = None, **headers: str | None) -> tuple[int, bytes]:
        """(status, body) of a GET, or of a POST with ``data``. A header that is None is left out."""
        where = urlsplit(self.address)
        own: dict[str, str | None] = {"Host": where.netloc, "Origin": f"http://{where.netloc}", **headers}
        connection = http.client.HTTPConnection("127.0.0.1", where.port or 0, timeout=60)
        try:
            connection.putrequest(
                "GET" if data is None else "POST",
                path if path.startswith("/") else where.path + path,
                skip_host=True,
                skip_accept_encoding=True,
            )
            body = data if isinstance(data, bytes) else json.dumps(data).encode() if data is not None else b""
            own.setdefault("Content-Length", str(len(body)))
            for name, value in own.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders()
            if data is not None:
                connection.send(body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The data of a GET."""
        status, body = self.ask(path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, **message: Any) -> dict[str, Any]:
        """The data of a POST."""
        status, body = self.ask(path, message)
        assert status == 200, body
        data: dict[str, Any] = json.loads(body)
        return data


@contextmanager
def studio(folder: Path, *arguments: str) -> Iterator[Studio]:
    """The program in ``folder``; it and all that it started are killed at the end."""
    command = [sys.executable, "-m", "pipeline.studio", "studio.port=0", *arguments]
    with started(command, folder) as running:
        yield Studio(running, folder, running.line(r"studio is at (http://\S+)"))
