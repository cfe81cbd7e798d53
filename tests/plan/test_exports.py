"""Films go to editors: OpenTimelineIO, edit decision lists, tables, camera paths."""

import cmath
import csv
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.cli.compose import make_config
from pipeline.errors import ConfigError
from pipeline.plan import exports
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film
from pipeline.plan.score_data import film_score
from pipeline.timing.markers import read_markers
from tests.media.drawing import draw
from tests.music.drawn import Drawing

SMALL = ("network=motifnet", "start.steps=0", "frame.width=96", "frame.height=64", "frame.fps=25")


Planned = Callable[..., FilmPlan]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """Six seconds over a song with a cue: a shot, a crossfade of ten frames into footage, a cut at the drop."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Drawing(120, seconds=6).save(tmp_path / "s.wav")
    (tmp_path / "m.txt").write_text("4\t4\tdrop\n", encoding="utf-8")
    draw(tmp_path / "c.mp4", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=5")
    source = f"source.path: {tmp_path}/c.mp4, source.start: 1s"
    footage = f"{{preset: footage, {source}, until: drop, transition: crossfade, fade: 10f}}"
    film = f"film=[{{name: sky, duration: 2s}}, {footage}, {{}}]"
    given = (f"audio.path={tmp_path}/s.wav", f"audio.markers={tmp_path}/m.txt", f"output={tmp_path}/film.mp4")
    return lambda *words: plan_film(make_config([*SMALL, *given, film, *words]), tmp_path, "film")


@pytest.fixture
def plan(planned: Planned) -> FilmPlan:
    return planned()


def export(plan: FilmPlan, path: Path) -> Path:
    path.write_text(exports.text(path.name, plan, film_score(plan)), encoding="utf-8")
    return path


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_opentimelineio_reads_the_film_back(plan: FilmPlan, tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    timeline = otio.adapters.read_from_file(str(export(plan, tmp_path / "film.otio")))
    assert not timeline.schema_name().startswith("Unknown")
    pictures, song = timeline.tracks
    assert [clip.name for clip in pictures] == ["sky", "footage", "shot 3"]
    assert [clip.source_range.start_time.value for clip in pictures] == [0, 45, 100]
    assert pictures.duration().value == plan.frames == 150
    assert pictures[1].metadata["dream-zoom"]["transition"] == "crossfade"
    assert pictures[1].metadata["dream-zoom"]["footage_start"] == pytest.approx(1.2)  # amid the fade
    assert song[0].media_reference.target_url.endswith("s.wav") and song.duration().value == 150
    assert [(m.name, m.marked_range.start_time.value) for m in timeline.tracks.markers] == [("drop", 100)]


@pytest.mark.parametrize("suffix", [".otio", ".edl"])
def test_exported_cues_are_markers_again(plan: FilmPlan, tmp_path: Path, suffix: str) -> None:
    assert read_markers(str(export(plan, tmp_path / f"film{suffix}")), Fraction(25), None).cues == ((4.0, "drop"),)


def test_an_edit_list_has_an_event_for_each_shot(plan: FilmPlan, tmp_path: Path) -> None:
    lines = export(plan, tmp_path / "film.edl").read_text(encoding="utf-8").splitlines()
    events = [line.split()[4:] for line in lines if line[:3].isdigit()]
    assert events[1] == ["00:00:01:20", "00:00:04:00", "01:00:01:20", "01:00:04:00"]
    assert "* FROM CLIP NAME: sky" in lines and "* TRANSITION IN THE FILM: crossfade, 10 frames" in lines


def test_a_table_lists_shots_and_cues(plan: FilmPlan, tmp_path: Path) -> None:
    rows = table(export(plan, tmp_path / "film.csv"))
    assert [(row["kind"], row["name"], row["first_frame"]) for row in rows] == [
        *(("shot", "sky", "0"), ("shot", "footage", "45"), ("shot", "shot 3", "100"), ("cue", "drop", "100"))
    ]
    assert rows[1]["source"].endswith("c.mp4") and float(rows[1]["source_end"]) == pytest.approx(3.4)


def test_the_camera_path_is_integrated(tmp_path: Path) -> None:
    moves = ("camera.zoom=2", "camera.rotate=90", "camera.center=[0.5,0.5]", "duration=2s", f"output={tmp_path}/f.mp4")
    film = plan_film(make_config([*SMALL, *moves]), tmp_path, "film")
    rows = table(export(film, tmp_path / "film.camera.csv"))
    assert len(rows) == 50 and float(rows[0]["scale"]) == 1
    assert float(rows[25]["scale"]) == pytest.approx(2) and float(rows[25]["degrees"]) == pytest.approx(90)
    assert abs(float(rows[25]["right"])) < 1e-6
    compile(export(film, tmp_path / "film.camera.py").read_text(encoding="utf-8"), "film.camera.py", "exec")
    script = export(film, tmp_path / "film.camera.jsx").read_text(encoding="utf-8")
    keys = json.loads(script.split("rows = ")[1].split(";")[0])
    assert len(keys) == 50 and keys[25][1:3] == pytest.approx([2, 90], abs=1e-4)


def test_a_point_sticks_to_the_picture(tmp_path: Path) -> None:
    moves = ("camera.zoom=1.5", "camera.pan=[0.2,-0.1]", "camera.center=[0.3,0.6]", "duration=1s")
    film = plan_film(make_config([*SMALL, *moves, f"output={tmp_path}/f.mp4"]), tmp_path, "film")
    rows = table(export(film, tmp_path / "film.camera.csv"))
    # The fixed point of zoom and pan together stays: q' = ln(zoom) q + v = 0.
    at = [(0.3 - 0.5) * 96 + 0.2 * 96 / math.log(1.5), (0.6 - 0.5) * 64 - 0.1 * 64 / math.log(1.5)]
    scale, right, down = (float(rows[20][key]) for key in ("scale", "right", "down"))
    assert [scale * at[0] + right, scale * at[1] + down] == pytest.approx(at, abs=1e-3)


def test_backwards_film_has_its_shots_in_turn(planned: Planned, tmp_path: Path) -> None:
    rows = table(export(planned("film.reverse=true"), tmp_path / "film.csv"))
    assert [(row["name"], row["first_frame"], row["end_frame"]) for row in rows] == [
        *(("shot 3", "0", "50"), ("footage", "50", "105"), ("sky", "105", "150"), ("drop", "100", ""))
    ]
    assert [row["transition"] for row in rows[:3]] == ["cut", "cut", "crossfade"]
    assert float(rows[1]["source_start"]) == pytest.approx(1.2) and float(rows[1]["source_end"]) == pytest.approx(3.4)
    silent = table(export(planned("film.reverse=true", "audio=none"), tmp_path / "film.csv"))
    assert silent[3]["first_frame"] == "49"  # with the pictures of the drop


def test_forth_and_back_slowly_at_another_rate(planned: Planned, tmp_path: Path) -> None:
    plan = planned("film.pingpong=true", "film.speed=0.5", "encode.interpolate=50")
    rows = table(export(plan, tmp_path / "film.csv"))
    assert [row["name"] for row in rows[:5]] == ["sky", "footage", "shot 3", "footage", "sky"]
    assert int(rows[4]["end_frame"]) == plan.film_frames == 4 * 298
    assert abs(int(rows[1]["first_frame"]) - 4 * 45) <= 2 and float(rows[4]["end"]) == pytest.approx(4 * 298 / 50)
    edit = export(plan, tmp_path / "film.edl").read_text(encoding="utf-8")
    assert edit.count("* TRANSITION IN THE FILM: crossfade, 40 frames") == 2
    data = json.loads(export(plan, tmp_path / "film.json").read_text(encoding="utf-8"))
    assert data["fps"] == 50 and data["frames"] == len(data["targets"]) == plan.film_frames


def test_camera_path_runs_backwards(tmp_path: Path) -> None:
    moves = ("camera.zoom=2", "camera.rotate=90", "camera.pan=[0.1,0]", "duration=2s", f"output={tmp_path}/f.mp4")
    there, back = (
        table(export(plan_film(make_config([*SMALL, *moves, *more]), tmp_path, "film"), tmp_path / "film.camera.csv"))
        for more in ((), ("film.reverse=true",))
    )
    assert len(back) == len(there) == 50 and float(back[0]["scale"]) == 1
    # What is at p in the first frame of the film is at turn * p + shift in its last; backwards it returns.
    poses = [
        (float(row["scale"]), math.radians(float(row["degrees"])), complex(float(row["right"]), float(row["down"])))
        for row in (there[-1], back[-1])
    ]
    point, place = 20 + 10j, 20 + 10j
    for scale, turn, shift in poses:
        place = scale * cmath.exp(1j * turn) * place + shift
    assert poses[0][0] > 3 and abs(place - point) < 1e-3
    assert float(back[25]["degrees"]) == pytest.approx(-float(there[25]["degrees"]), abs=1e-4)


def test_an_unknown_ending_lists_the_others() -> None:
    with pytest.raises(ConfigError, match=r"export=film\.fcpxml: .*\.otio"):
        exports.check("film.fcpxml")
