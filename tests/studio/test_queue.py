"""The queue: order, bounds, a restart, and a studio that is killed while a film renders."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RenderError
from pipeline.studio import command
from pipeline.studio.queue import Queue
from tests.studio.stage import TINY, Studio, studio


def film(*words: str) -> tuple[command.Words, command.Checked]:
    return (*TINY, *words), command.check((*TINY, *words), Path("outputs/studio/conf"))


def numbers(queue: Queue) -> list[int]:
    return [job.number for job in queue.jobs]


def test_order_and_states_survive_a_restart(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.json")
    queue.hold(True)
    for seed in (1, 2, 3):
        queue.add("render", *film(f"seed={seed}"))
    with pytest.raises(RenderError, match="already"):
        queue.add("render", *film("seed=2"))
    queue.add("storyboard", *film("seed=2"))
    queue.act(3, "up")
    queue.act(2, "down")  # there is no film behind it
    queue.act(1, "pause")
    assert numbers(queue) == [1, 3, 2, 4]
    with pytest.raises(RenderError, match="another studio"):
        Queue(tmp_path / "queue.json")
    queue.release()
    again = Queue(tmp_path / "queue.json")
    assert [(job.number, job.state) for job in again.jobs] == [
        (1, "paused"),
        (3, "waiting"),
        (2, "waiting"),
        (4, "waiting"),
    ]
    assert again.held and again.jobs[0].words[-1] == "seed=1"
    again.act(1, "resume")
    again.act(3, "remove")
    assert numbers(again) == [1, 2, 4] and again.jobs[0].state == "waiting"
    assert again.add("render", *film("seed=9")).number == 5
    for action in ("fly", "state"):
        with pytest.raises(RenderError, match="pause"):
            again.act(1, action)
    with pytest.raises(RenderError, match="no such entry"):
        again.act(99, "remove")


def test_the_queue_goes_on_where_it_cannot_be_stored(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "folder" / "queue.json")
    queue.hold(True)
    (tmp_path / "folder" / "queue.json").unlink()
    (tmp_path / "folder" / "queue.json").mkdir()
    queue.add("render", *film())
    assert numbers(queue) == [1] and "not stored" in queue.as_data()["problem"]


def test_a_damaged_queue_is_an_error(tmp_path: Path) -> None:
    for text in ("", "[]", '{"jobs": [{}]}', '{"jobs": [7], "next": 1}'):
        (tmp_path / "queue.json").write_text(text)
        with pytest.raises(RenderError, match="cannot be read"):
            Queue(tmp_path / "queue.json")


def test_larger_leaves_all_else_as_it_was() -> None:
    words = ("preset=spiral", "frame.width=96", "frame.height=64", "quality=draft", "seed=2")
    assert command.larger(words, 96 * 64) == (
        "preset=spiral",
        "frame.width=96",
        "frame.height=64",
        "seed=2",
        "quality=draft",
    )
    assert command.larger(words, 480 * 270) == (*words[:3], "seed=2", "quality=hd")
    assert command.larger(words, 3840 * 2160) is None


def until(running: Studio, number: int, *states: str) -> dict[str, Any]:
    """Wait for a state of an entry."""
    end = time.monotonic() + 180
    while True:
        jobs: list[dict[str, Any]] = running.get("state.json")["jobs"]
        job = next(each for each in jobs if each["number"] == number)
        if job["state"] in states:
            return job
        assert job["state"] != "failed" and time.monotonic() < end, job
        time.sleep(0.2)


def rendered(running: Studio, number: int, frames: int) -> dict[str, Any]:
    """Wait until an entry that runs has so many frames."""
    end = time.monotonic() + 120
    while True:
        job = until(running, number, "running")
        if job["progress"].get("done", 0) >= frames:
            return job
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
def test_films_render_in_order_and_survive_pause_and_kill(tmp_path: Path) -> None:
    words = [*TINY, "preset=spiral", "segment=8", "frame.width=240", "frame.height=160", "encode=ffv1", "duration=3s"]
    with studio(tmp_path) as running:
        first, second = (running.post("add", kind="render", words=[*words, f"seed={n}"])["number"] for n in (1, 2))
        rendered(running, first, 4)
        while (live := running.ask(f"live/{first}.jpg"))[0] == 404:
            assert until(running, first, "running")
        assert live[1][:2] == b"\xff\xd8"  # a JPEG
        assert until(running, second, "waiting")  # one at a time
        running.post("act", number=first, action="pause")
        assert "frames are kept" in until(running, first, "paused")["message"]
        rendered(running, second, 16)
        running.process.kill()
        running.process.wait()
    stored = json.loads((tmp_path / "outputs/studio/queue.json").read_text())
    assert [job["state"] for job in stored["jobs"]] == ["paused", "running"]
    with studio(tmp_path) as running:
        notes = rendered(running, second, 1)["progress"]["notes"]
        assert any("resuming" in note for note in notes)
        done = until(running, second, "done")
        status, content = running.ask(f"file/{second}/0")
        assert status == 200 and content == (tmp_path / done["files"][0]).read_bytes()
        assert until(running, first, "paused")
        running.process.terminate()
        assert running.process.wait(30) == 0
    assert len(list(tmp_path.glob("outputs/*/*/*.mkv"))) == 1
