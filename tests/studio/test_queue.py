"""The queue: order, bounds, a restart, and a studio that is killed while a film renders."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RenderError
from pipeline.studio import command
from pipeline.studio.child_process import end_orphan, page_address
from pipeline.studio.job import Job
from pipeline.studio.queue import Queue
from pipeline.studio.queue_row import row
from tests.processes import ending, until_true
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
    assert again.on_hold and again.jobs[0].words[-1] == "seed=1"
    again.act(1, "resume")
    again.act(3, "remove")
    assert numbers(again) == [1, 2, 4] and again.jobs[0].state == "waiting"
    assert again.add("render", *film("seed=9")).number == 5
    for action in ("fly", "state"):
        with pytest.raises(RenderError, match="pause"):
            again.act(1, action)
    with pytest.raises(RenderError, match="no such entry"):
        again.act(99, "remove")


def test_the_queue_continues_where_it_cannot_be_stored(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "folder" / "queue.json")
    queue.hold(True)
    (tmp_path / "folder" / "queue.json").unlink()
    (tmp_path / "folder" / "queue.json").mkdir()
    queue.add("render", *film())
    assert numbers(queue) == [1] and "not stored" in queue.as_data()["problem"]


def test_an_entry_that_cannot_be_stored_is_not_added(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.json")
    words, checked = film()
    with pytest.raises(ValueError, match="surrogates"):
        queue.add("render", (*words, "output=\udc80.mp4"), checked)
    assert queue.add("render", words, checked) and len(queue.jobs) == 1


def test_a_process_that_cannot_start_fails_alone(tmp_path: Path) -> None:
    words, checked = film()
    path = tmp_path / "queue.json"
    with Queue(path) as queue:
        job = queue.add("variations", (*words, "at=\0"), checked)
        until_true(lambda: job.state == "failed")
        other = queue.add("variations", (*words, "camera.zom=1"), checked)
        until_true(lambda: other.state == "failed" and "camera.zom" in other.message)
        assert "null byte" in job.message
    assert [each["state"] for each in json.loads(path.read_text())["jobs"]] == ["failed", "failed"]


def stored(path: Path, *jobs: dict[str, Any]) -> Queue:
    """A queue whose studio was killed with these entries."""
    table = {"kind": "render", "words": ["seed=1"], "title": "a", "files": []}
    entries = [{**table, "number": number, **job} for number, job in enumerate(jobs, 1)]
    path.write_text(json.dumps({"next": 9, "on_hold": True, "speed": 0, "jobs": entries}))
    return Queue(path)


def test_a_kill_while_films_stop_leaves_the_state_that_follows(tmp_path: Path) -> None:
    states = [("running", "paused"), ("stopping", "paused"), ("stopping", "waiting"), ("stopping", "")]
    queue = stored(tmp_path / "queue.json", *({"state": state, "then": then} for state, then in states))
    assert [(job.number, job.state) for job in queue.jobs] == [(1, "waiting"), (2, "paused"), (3, "waiting")]


def test_a_film_that_finished_without_the_studio_is_done(tmp_path: Path) -> None:
    made = [str(tmp_path / name) for name in ("a.mp4", "poster.png", "run.yaml")]
    for path in made:
        Path(path).touch()
    now, running = time.time(), {"state": "running", "products": made}
    queue = stored(
        tmp_path / "queue.json",
        {**running, "started": now},
        {**running, "started": now + 60},  # the files are of an older film
        {**running, "products": [*made, str(tmp_path / "missing")]},
    )
    assert [job.state for job in queue.jobs] == ["done", "waiting", "waiting"]
    assert queue.jobs[0].files == made


def test_a_process_with_other_words_is_no_orphan() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)", "pipeline.render", "seed=1"]
    with ending(subprocess.Popen(command)) as process:
        end_orphan(process.pid, "render", ["seed=2"])
        assert process.poll() is None
        threading.Thread(target=process.wait, daemon=True).start()
        end_orphan(process.pid, "render", ["seed=1"])
        assert process.wait(5) == -signal.SIGTERM


def test_only_a_childs_own_line_names_its_page() -> None:
    line = "note: the live page is at http://127.0.0.1:8642/token/"
    assert page_address(line) == "http://127.0.0.1:8642/token/"
    for other in (
        f"error: {line}",
        f"{line} x",
        line.replace("127.0.0.1", "evil.example"),
        "note: the live page stays",
    ):
        assert page_address(other) == ""


def test_a_sheet_with_an_open_quote_is_shown_without_it() -> None:
    words = ["python -m pipeline.render 'seed=1", "python -m pipeline.render seed=2"]
    job = Job(1, "variations", (), "a", files=["a.png", *words])
    assert row(job, None, {})["alternatives"] == [[], ["seed=2"]]


def test_an_output_is_one_films_alone(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.json")
    queue.hold(True)
    there = tmp_path / "there.mp4"
    there.touch()
    with pytest.raises(RenderError, match="exists already"):
        queue.add("render", *film(f"output={there}"))
    queue.add("render", *film(f"output={there}", "overwrite=true"))
    queue.add("render", *film(f"output={tmp_path / 'new.mp4'}"))
    with pytest.raises(RenderError, match="has this name"):
        queue.add("render", *film(f"output={tmp_path / 'new.mp4'}", "seed=2"))
    with pytest.raises(RenderError, match="exists already"):
        (tmp_path / "a.mp4.storyboard.png").touch()
        queue.add("storyboard", *film(f"output={tmp_path / 'a.mp4'}"))
    assert len(queue.jobs) == 2


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
    lone = command.larger((*TINY[:2], "output=a.mp4", "overwrite=true"), 96 * 54)
    assert lone == ("network=motifnet", "quality=draft")
    assert command.check(lone, Path("conf")).plan.width == 480


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
    """Wait until an entry has so many frames, or all that it gets."""
    end = time.monotonic() + 120
    while True:
        job = until(running, number, "running", "done")
        if job["state"] == "done" or job["progress"].get("done", 0) >= frames:
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
        running.started.kill()
        until_true(lambda: not running.started.members())  # its film stops too
    stored = json.loads((tmp_path / "outputs/studio/queue.json").read_text())
    assert [job["state"] for job in stored["jobs"]] == ["paused", "running"]
    folder = tmp_path / stored["jobs"][1]["folder"]
    assert list(folder.glob("*.work"))
    with studio(tmp_path) as running:
        notes = rendered(running, second, 1)["progress"]["notes"]
        assert any("resuming" in note for note in notes)
        done = until(running, second, "done")
        status, content = running.ask(f"file/{second}/0")
        assert status == 200 and content == (tmp_path / done["files"][0]).read_bytes()
        assert [str(folder / Path(name).name) for name in done["files"]] == stored["jobs"][1]["products"]
        assert until(running, first, "paused")
        running.started.process.terminate()
        assert running.started.ended() == 0
    assert list(tmp_path.glob("outputs/*/*/*.mkv")) == [folder / "spiral.mkv"]


@pytest.mark.slow
def test_a_studio_says_that_its_film_resumes(tmp_path: Path) -> None:
    with studio(tmp_path) as running:
        rendered(running, running.post("add", kind="render", words=[*TINY, "duration=60s"])["number"], 1)
        running.started.process.terminate()
        assert running.started.ended() == 0
        assert running.started.lines[1:] == ["note: stopping; the film that renders resumes at the next start\n"]
    assert json.loads((tmp_path / "outputs/studio/queue.json").read_text())["jobs"][0]["state"] == "waiting"
