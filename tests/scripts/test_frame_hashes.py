"""Frame hashes: stored, compared, and a film that changed is named."""

import json
from pathlib import Path

import pytest

from scripts import frame_cases, frame_hashes

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "camera-static"
TINY = ("--set", "frame.width=64", "frame.height=36", "duration=2f", "start.steps=0", "dream.octaves=1")


def test_a_changed_film_is_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hashes.json"
    assert frame_hashes.main(["--only", NAME, "--write", str(file), *TINY]) == 0
    stored = json.loads(file.read_text())
    name, sha256 = capfd.readouterr().out.split()
    assert name == NAME and len(sha256) == 64 and stored["frames"] == {NAME: sha256} and "torch" in stored["versions"]
    assert stored["set"] == list(TINY[1:])
    stored["frames"][NAME] = "0" * 64
    other = tmp_path / "other.json"
    other.write_text(json.dumps(stored))
    assert frame_hashes.main(["--only", NAME, "--check", str(other)]) == 1
    output = capfd.readouterr()
    assert output.out.split() == [name, sha256]  # the same frames once more
    assert f"{NAME}: the frames differ, {sha256} instead of {'0' * 64}" in output.err


def test_failed_and_missing_cases_are_reported(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = {name: (name, "a", "") for name in frame_cases.CASES}
    monkeypatch.setattr(frame_hashes, "rendered", lambda names, *_: [results[name] for name in names])
    file = tmp_path / "hashes.json"
    assert frame_hashes.main(["--write", str(file)]) == 0
    assert frame_hashes.main(["--check", str(file)]) == 0
    results["loop"] = ("loop", "", "the render failed: no")
    results["unstopped"] = ("unstopped", "b", "")
    stored = json.loads(file.read_text())
    stored["frames"]["old"] = "c"
    file.write_text(json.dumps(stored))
    capfd.readouterr()
    assert frame_hashes.main(["--check", str(file)]) == 1
    assert capfd.readouterr().err.splitlines()[1:] == [
        "old: there is no such film any more",
        "loop: the render failed: no",
        "unstopped: the frames differ, b instead of a",
        "stopped-and-resumed: the frames differ from those of unstopped",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--only", "nothing"], "--only nothing: there is no such film"),
        (["--jobs", "0"], "--jobs 0: at least one film"),
        (["--jobs", "x"], "argument --jobs: invalid int value: 'x'"),
        (["--set", "seed"], "--set seed: a setting is written KEY=VALUE"),
        (["--write", "no/where.json"], "--write no/where.json: there is no folder no"),
        (["--check", "missing.json"], "--check missing.json: No such file or directory"),
        (["--check", __file__], "this is not a file that --write wrote"),
    ],
)
def test_a_wrong_argument_gets_one_sentence(
    arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as error:
        frame_hashes.main(arguments)
    output = capfd.readouterr().err
    assert error.value.code == 2 and sentence in output and output.count("\n") == 1


@pytest.mark.parametrize("group", ["preset", "score", "camera", "start"])
def test_every_choice_has_its_film(group: str) -> None:
    names = [path.stem for path in (ROOT / "conf" / group).glob("*.yaml")]
    films = {"score=cycle", *" ".join(frame_cases.CASES.values()).split()}  # a cycle is the default
    assert names and not [name for name in names if not {f"{group}={name}", f"+{group}={name}"} & films]
