"""engine=script: tasks that run on their own give the film that one machine renders."""

import json
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import InputError, OutputError
from pipeline.farm.__main__ import do_task
from pipeline.farm.script import JOIN_SCRIPT, TASKS_SCRIPT
from pipeline.segments import journal
from tests.farm.films import FOUR, digest, render

PICTURE = ("start=image", "duration=6f")


def tasks_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("film.mp4.work/task-*"))


def do_all(folder: Path) -> None:
    for task in tasks_of(folder):
        do_task(task)


def test_tasks_give_the_film_of_one_machine(tmp_path: Path) -> None:
    render(tmp_path / "one", FOUR)
    folder = tmp_path / "many"
    render(folder, FOUR, "engine=script")
    assert len(tasks_of(folder)) == 3  # shot 3 goes on from shot 2
    do_task(tasks_of(folder)[1])
    render(folder, FOUR, "engine=script")
    pieces = [json.loads((task / "task.json").read_text())["pieces"] for task in tasks_of(folder)]
    assert [[piece["shot"] for piece in each] for each in pieces] == [[0], [3]]  # what is finished is in no task
    do_task(tasks_of(folder)[0])
    (path,) = folder.glob("film.mp4.work/task-001/shot-001/00001.mp4")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    render(folder, FOUR)  # collects, renders the damaged segment and the shot without a task, joins
    assert digest(folder) == digest(tmp_path / "one")
    assert not (folder / "film.mp4.work").exists()


def test_loop_in_a_task_is_that_of_one_machine(tmp_path: Path) -> None:
    for folder in (tmp_path / "one", tmp_path / "many"):
        render(folder, "duration=10f", "loop=true", f"engine={'script' if folder.name == 'many' else 'local'}")
    do_task(tasks_of(tmp_path / "many")[0])
    render(tmp_path / "many", "duration=10f", "loop=true")
    assert digest(tmp_path / "many") == digest(tmp_path / "one")


def test_other_inputs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    photo = tmp_path / "photo.png"
    Image.new("RGB", (96, 64), (90, 120, 40)).save(photo)
    render(tmp_path, *PICTURE, f"start.path={photo}", "engine=script")
    Image.new("RGB", (96, 64), (90, 120, 41)).save(photo)
    with pytest.raises(OutputError, match="1 inputs of the film are not on this machine"):
        do_task(tasks_of(tmp_path)[0])


def test_another_kind_of_machine_is_refused_or_recorded(tmp_path: Path) -> None:
    for mixed in ("false", "true"):
        render(tmp_path, "duration=4f", "engine=script", f"farm.mixed={mixed}")
        (task,) = tasks_of(tmp_path)
        data = json.loads((task / "task.json").read_text())
        data["pieces"][0]["spec"]["versions.numpy"] = "1.0"
        (task / "task.json").write_text(json.dumps(data))
        if mixed == "false":
            with pytest.raises(OutputError, match=r"versions\.numpy: 1\.0 → .*farm\.mixed=true"):
                do_task(task)
    do_task(task)
    assert journal.read(task / "shot-001" / "journal.jsonl")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("work", "rm", "knows no task"),
        ("config", {"segment": -1}, "segment=-1"),
        ("config", {"_target_": "os.system"}, "not those of this version"),
        ("inputs", [{"path": "x"}], "not written as this version"),
        (
            "inputs",
            [{"path": "/p", "sha256": "0" * 64, "files": [["../x", "0" * 64]], "is_folder": False, "is_cached": False}],
            "without folders",
        ),
    ],
)
def test_a_task_is_checked_as_settings_are(tmp_path: Path, key: str, value: object, words: str) -> None:
    data = {"work": "shot", "config": {}, "inputs": [], "threads": 1, "mixed": False, "pieces": [], key: value}
    (tmp_path / "task.json").write_text(json.dumps(data))
    with pytest.raises(Exception, match=words) as raised:
        do_task(tmp_path)
    assert isinstance(raised.value, InputError) or key == "config"


def test_scripts_run_in_a_shell(tmp_path: Path) -> None:
    render(tmp_path, "duration=4f", "engine=script")
    done = subprocess.run(
        ["sh", str(tmp_path / "film.mp4.work" / TASKS_SCRIPT), "1"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "note: task-001 is rendered")
    assert "engine=local" in (tmp_path / "film.mp4.work" / JOIN_SCRIPT).read_text()
