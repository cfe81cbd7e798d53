"""The live page: its data, what it refuses, and that it never blocks the render."""

import contextlib
import http.client
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import torch
from hydra import compose, initialize_config_dir
from PIL import Image

from pipeline.cli import compose as command
from pipeline.config import EncodeConfig, PreviewConfig
from pipeline.errors import ConfigError, Interrupted
from pipeline.media.encode.encoder import Encoder
from pipeline.plan.planner import plan_film
from pipeline.runtime.files import move_into_place
from pipeline.web import film_page
from pipeline.web.film_page import Page, open_page
from pipeline.web.film_state import MAX_NOTES, Facts, State
from tests.browser import browser, console_messages, text, wait

FACTS = Facts("zoom <b>", 48, 24.0, (64, 48), b"\x89PNG score", (0.1, 0.9))


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    monkeypatch.setattr(film_page, "LINGER_SECONDS", 0.0)
    with Page(FACTS, 0) as opened:
        yield opened


def port_of(page: Page) -> int:
    return urlsplit(page.address).port or 0


def ask(page: Page, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """The answer to a request behind the page's token, or to ``path`` alone if it begins with two slashes."""
    where = path[1:] if path.startswith("//") else urlsplit(page.address).path.rstrip("/") + path
    connection = http.client.HTTPConnection("127.0.0.1", port_of(page), timeout=30)
    try:
        connection.putrequest(method, where, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def state(page: Page) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(ask(page, "/state")[2])
    return data


def frame(value: float, wide: int = 64) -> torch.Tensor:
    return torch.full((1, 3, wide * 3 // 4, wide), value)


def video(path: Path, frames: int = 24) -> Path:
    with Encoder(path, width=64, height=48, fps=Fraction(24), encode=EncodeConfig()) as encoder:
        for index in range(frames):
            encoder.write(frame(index / frames))
    move_into_place(encoder.part, path, overwrite=False)
    return path


def until(true: Any) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_page_shows_the_progress(page: Page) -> None:
    assert (state(page)["done"], state(page)["left"], state(page)["ended"]) == (0, None, "")
    page.frame(0, frame(0.2), "class:owl")
    time.sleep(0.6)
    page.frame(11, frame(0.8), "class:eye")
    message = state(page)
    assert (message["title"], message["done"], message["frames"], message["label"]) == ("zoom <b>", 12, 48, "class:eye")
    assert 0 < message["rate"] <= 11 / 0.6
    assert message["left"] == pytest.approx(36 / message["rate"])
    logging.getLogger("pipeline").warning("the sound is left out")
    page.ended("done: zoom.mp4")
    assert state(page)["notes"] == ["the sound is left out"]
    assert state(page)["ended"] == "done: zoom.mp4"
    assert ask(page, "/score.png")[2] == FACTS.score
    assert page.state.is_watched
    ask(page, "/state?last")  # the browser that asks so leaves
    assert not page.state.is_watched


def test_the_newest_frame_is_a_small_jpeg(page: Page) -> None:
    assert ask(page, "/picture.jpg")[0] == 404
    page.frame(0, frame(0.2, 2000), "a")
    until(lambda: state(page)["picture"] == 1)
    page.frame(1, frame(0.8, 2000), "b")
    until(lambda: state(page)["picture"] == 2)
    status, headers, content = ask(page, "/picture.jpg?2")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    with Image.open(BytesIO(content)) as picture:
        assert picture.size == (1280, 960)
        assert abs(picture.convert("L").getpixel((600, 400)) - 204) < 4


def test_other_hosts_methods_and_paths_are_refused(page: Page, tmp_path: Path) -> None:
    port = port_of(page)
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        assert ask(page, "/state", Host=host)[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "localhost", f"127.0.0.1:{port}.evil", ""):
        assert ask(page, "/state", Host=host)[0] in (400, 403)
    for origin in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
        assert ask(page, "/state", Origin=origin)[0] == 200
    for origin in ("http://evil.example", f"https://127.0.0.1:{port}", "null"):
        assert ask(page, "/state", Origin=origin)[0] == 403
    for path in ("//", "//state", f"/{urlsplit(page.address).path[:-2]}x/state"):
        assert ask(page, path)[0] == 403
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"):
        assert ask(page, "/state", method)[0] == 405
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"secret")
    page.segment(tmp_path / "gone.mp4", 0, 24)
    for path in (
        "/segment/1",
        "/segment/2",
        f"/segment/{secret}",
        "/segment/..%2fsecret.mp4",
        "/segment/-1",
        "/../state.py",
    ):
        assert ask(page, path)[0] == 404
    for path in ("/", "/state", "/film.js", "/nothing"):
        headers = ask(page, path)[1]
        assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cross-origin-resource-policy"] == "same-origin" and "server" not in headers


def test_the_server_listens_on_loopback_only(page: Page) -> None:
    port = port_of(page)
    assert page.address.startswith("http://127.0.0.1:")
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("the system does not list its sockets in /proc/net/tcp")
    rows = [line.split() for line in listening.read_text().splitlines()[1:]]
    assert [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_segments_support_ranges_and_are_replaced(page: Page, tmp_path: Path) -> None:
    whole = video(tmp_path / "one.mp4").read_bytes()
    page.segment(tmp_path / "one.mp4", 0, 24)
    status, headers, content = ask(page, "/segment/1")
    assert (status, headers["content-type"], content) == (200, "video/mp4", whole)
    status, headers, content = ask(page, "/segment/1", Range="bytes=10-19")
    assert (status, content) == (206, whole[10:20])
    assert headers["content-range"] == f"bytes 10-19/{len(whole)}"
    page.segment(tmp_path / "two.mp4", 24, 24)
    assert [(s["number"], s["first"]) for s in state(page)["segments"]] == [(1, 0), (2, 24)]
    page.segment(tmp_path / "film.mp4", 0, 48)
    assert [(s["number"], s["first"], s["frames"]) for s in state(page)["segments"]] == [(3, 0, 48)]


def test_a_port_in_use_is_refused_or_avoided() -> None:
    with Page(FACTS) as first, Page(FACTS) as second:
        assert first.address != second.address
        assert state(second)["title"] == "zoom <b>"
        port = port_of(first)
        with pytest.raises(ConfigError, match=rf"preview.port={port}: it cannot be had \(.+\); leave it out"):
            Page(FACTS, port)


def test_a_stuck_client_does_not_block(page: Page, tmp_path: Path) -> None:
    """Clients that ask for much and read nothing, a hundred of them, and frames as fast as they come."""
    large = tmp_path / "large.mp4"
    large.write_bytes(os.urandom(1 << 22))
    page.segment(large, 0, 24)
    port = port_of(page)
    lazy = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(100)]
    try:
        for each in lazy:
            each.sendall(
                f"GET {urlsplit(page.address).path}segment/1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
            )
        still, threads = frame(0.5), threading.active_count()
        for index in range(20000):
            page.frame(index % 48, still, "class:owl")
        assert threading.active_count() <= threads + 64  # nothing grows with the frames
    finally:
        for each in lazy:
            each.close()
    until(lambda: ask(page, "/state")[0] == 200)


def test_notes_are_bounded_and_an_unwatched_page_ends() -> None:
    message = State(FACTS)
    for number in range(1000):
        message.add_note(str(number))
    assert message.as_data()["notes"] == [str(n) for n in range(1000 - MAX_NOTES, 1000)]
    began = time.monotonic()
    with Page(FACTS, 0):
        pass
    assert time.monotonic() - began < film_page.LINGER_SECONDS / 2


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Interrupted("stopped after 3 of 48 frames"), "stopped after 3 of 48 frames"),
        (KeyboardInterrupt(), "stopped"),
        (ConfigError("a", 1, "no"), "error: a=1: no"),
        (None, "done"),
    ],
)
def test_the_page_shows_the_error_it_was_left_with(error: BaseException | None, message: str) -> None:
    opened = Page(FACTS, 0)
    with contextlib.suppress(Interrupted, KeyboardInterrupt, ConfigError), opened:
        if error is not None:
            raise error
    assert opened.state.ended == message


def test_open_page_shows_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_page, "LINGER_SECONDS", 0.0)
    command.register()
    with initialize_config_dir(str(command.CONF), version_base="1.3"):
        config = command.read(compose("config", ["duration=2s"]))
    plan = plan_film(config, tmp_path, "film")
    with ExitStack() as stack:
        opened = open_page(plan, PreviewConfig(port=0), stack)
        assert opened is not None
        message = state(opened)
        assert (message["frames"], message["fps"], message["size"]) == (48, 24.0, [640, 360])
        with Image.open(BytesIO(ask(opened, "/score.png")[2])) as score:
            left, right = (round(share * score.width) for share in message["span"])
            assert 0 < left < right < score.width


@pytest.mark.slow
def test_browser_follows_the_render_to_its_end(page: Page, tmp_path: Path) -> None:
    source = "return document.getElementById('picture').src"
    with browser(tmp_path) as opened:
        opened.get(page.address)
        page.frame(0, frame(0.2), "class:owl")
        first = wait(opened, lambda b: b.execute_script(source))
        page.frame(23, frame(0.8), "<i>class:eye</i>")
        wait(opened, lambda b: b.execute_script(source) not in ("", first))
        assert text(opened, "done") == "24 of 48 (50 %)"
        assert text(opened, "label") == "<i>class:eye</i>" and text(opened, "title") == "zoom <b>"
        head = "return document.getElementById('head').style.left"
        assert float(opened.execute_script(head).rstrip("%")) == pytest.approx(50)
        page.segment(video(tmp_path / "one.mp4"), 0, 24)
        button = wait(opened, lambda b: b.find_elements("css selector", "#segments button"))[0]
        assert button.text.split() == ["0:00", "\N{EN DASH}", "0:01"]
        button.click()
        ready = "const v = document.getElementById('video'); return v.readyState >= 2 && v.duration"
        assert wait(opened, lambda b: b.execute_script(ready)) == pytest.approx(1.0, abs=0.1)
        opened.refresh()
        wait(opened, lambda b: text(b, "status") == "rendering")
        assert wait(opened, lambda b: b.execute_script(source))
        logging.getLogger("pipeline").warning("the sound is left out")
        page.ended("stopped after 24 of 48 frames")
        wait(opened, lambda b: text(b, "status").startswith("stopped after 24"))
        assert text(opened, "notes") == "the sound is left out"
        lines = [line for line in console_messages(opened) if "/score.png" not in line]
        assert lines == []
