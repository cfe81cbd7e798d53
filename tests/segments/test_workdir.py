"""The work folder: what resumes, what is refused, what is left behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.segments import fingerprint, journal
from pipeline.segments.disk_space import check_space
from pipeline.segments.workdir import WorkFolder, is_own

SPEC = {"seed": 1, "dream.octaves": 3, "score.targets": '["class:owl"]', "versions.torch": "2.11"}


def finish_one(home: Path, made_for: fingerprint.Spec) -> None:
    """A journal with one segment."""
    entry = journal.Entry(
        0, 0, 4, "00000.mp4", "0", "00000.safetensors", "0", fingerprint.digest(made_for), "cues", 1.0
    )
    journal.append(home / "journal.jsonl", entry)


@pytest.mark.parametrize("damage", ["{", "[]", '{"seed": 9}', ""])
def test_a_damaged_spec_loses_no_frames(tmp_path: Path, damage: str) -> None:
    video = tmp_path / "zoom.mp4"
    with WorkFolder(video) as folder:
        home = folder.open_shot(1, SPEC, resume=True, overwrite=False)
        finish_one(home, SPEC)
        (home / "spec.json").write_text(damage)
        assert (folder.open_shot(1, SPEC, resume=True, overwrite=False) / "journal.jsonl").exists()
        assert fingerprint.read(home / "spec.json") == SPEC
        (home / "spec.json").write_text("{")
        with pytest.raises(OutputError, match=r"its spec\.json is damaged"):
            folder.open_shot(1, SPEC | {"seed": 2}, resume=True, overwrite=False)


def test_only_the_same_spec_resumes(tmp_path: Path) -> None:
    video = tmp_path / "zoom.mp4"
    with WorkFolder(video) as folder:
        home = folder.open_shot(1, SPEC, resume=True, overwrite=False)
        finish_one(home, SPEC)
    with WorkFolder(video) as folder:
        assert (folder.open_shot(1, SPEC, resume=True, overwrite=True) / "journal.jsonl").exists()
        other = SPEC | {"seed": 2, "versions.torch": "2.15"}
        with pytest.raises(OutputError, match=r"seed: 1 → 2; versions.torch: 2.11 → 2.15\); give overwrite=true"):
            folder.open_shot(1, other, resume=True, overwrite=False)
        assert (home / "journal.jsonl").exists()
        assert not (folder.open_shot(1, other, resume=True, overwrite=True) / "journal.jsonl").exists()
        assert fingerprint.read(home / "spec.json") == other


def test_frames_from_before_a_setting_was_renamed_resume(tmp_path: Path) -> None:
    video = tmp_path / "zoom.mp4"
    older, now = (SPEC | {key: ["class:owl"]} for key in ("network.targets", "network.default_targets"))
    with WorkFolder(video) as folder:
        home = folder.open_shot(1, older, resume=True, overwrite=False)
        finish_one(home, older)
    for _ in range(2):
        with WorkFolder(video) as folder:
            assert (folder.open_shot(1, now, resume=True, overwrite=False) / "journal.jsonl").exists()
            finish_one(home, folder.spec(1))
    with WorkFolder(video) as folder:
        with pytest.raises(OutputError, match=r'network.default_targets: \["class:owl"\] → \["class:eye"\]\)'):
            folder.open_shot(1, now | {"network.default_targets": ["class:eye"]}, resume=True, overwrite=False)
        folder.open_shot(1, now, resume=False, overwrite=False)
        assert folder.spec(1) == now


def test_resume_false_empties_the_folder(tmp_path: Path) -> None:
    video = tmp_path / "zoom.mp4"
    with WorkFolder(video) as folder:
        home = folder.open_shot(1, SPEC, resume=True, overwrite=False)
        finish_one(home, SPEC)
        assert not (folder.open_shot(1, SPEC, resume=False, overwrite=False) / "journal.jsonl").exists()


def test_an_empty_work_folder_is_removed(tmp_path: Path) -> None:
    video = tmp_path / "zoom.mp4"
    with WorkFolder(video) as folder:
        folder.open_shot(1, SPEC, resume=True, overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_many_differences_are_counted(tmp_path: Path) -> None:
    before, now = ({f"key{n}": n + more for n in range(9)} for more in (0, 1))
    with pytest.raises(OutputError, match="key5: 5 → 6 and 3 more"):
        fingerprint.refuse(before, now, tmp_path / "a.mp4", tmp_path)


def test_a_film_is_own_until_changed(tmp_path: Path) -> None:
    video = tmp_path / "zoom.mp4"
    video.write_bytes(b"film")
    assert not is_own(video)
    with WorkFolder(video) as folder:
        home = folder.open_shot(1, SPEC, resume=True, overwrite=False)
        finish_one(home, SPEC)
        folder.sign()
    assert is_own(video)
    video.write_bytes(b"other")
    assert not is_own(video)


def test_space_is_estimated_before_the_start(tmp_path: Path) -> None:
    assert check_space(tmp_path, 1000.0) == ""
    with pytest.raises(OutputError, match=r"free and the film is estimated to need 1e\+03 TB|1000 TB"):
        check_space(tmp_path, 1e15)


@pytest.mark.parametrize(("kilobytes", "fits"), [(8, False), (900, False), (1000, True)])
def test_limit_on_file_sizes_is_checked_before_the_render(tmp_path: Path, kilobytes: int, fits: bool) -> None:
    code = "import sys; from pathlib import Path; from pipeline.segments.disk_space import check_space\n"
    code += "check_space(Path(sys.argv[1]), 5e6, 1e6)"
    limited = ["/bin/bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "-", sys.executable, "-c", code, str(tmp_path)]
    run = subprocess.run(limited, capture_output=True, text=True, check=False, timeout=120)
    assert (run.returncode == 0) == fits
    assert fits or re.search(r"files may have at most .* kB here, and the film needs 1 MB: .*ulimit -f", run.stderr)
