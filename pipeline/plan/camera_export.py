"""The path of a film's camera as a table, as a script of After Effects and as one of Blender. No torch.

What moves with the picture in these programs sticks to the dream: a point at p pixels from the middle of a shot's first
shown frame is at ``turn · p + shift`` in a later one.
"""

import cmath
import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from pipeline.config import CameraRates
from pipeline.motion.rates import mean_rates, similarity
from pipeline.plan.film_pieces import dreamed_pieces, pieces
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.score_data import ScoreFrames, as_shown


@dataclass(frozen=True)
class Pose:
    """The picture at a frame relative to its shot's first one: ``scale``, degrees clockwise, pixels right and down."""

    frame: int
    scale: float
    degrees: float
    right: float
    down: float


def path(plan: FilmPlan, score: ScoreFrames) -> Iterator[Pose]:
    """The picture's pose at every frame that is shown; it starts again with every shot."""
    dreamed = list(_dreamed_path(plan, score))
    if plan.playback is None:
        yield from dreamed
        return
    starts, shot_starts = ({piece.first for piece in each} for each in (pieces(plan), dreamed_pieces(plan)))
    origin = dreamed[0]
    for shown, position in enumerate(plan.playback.positions):
        before, after, fraction = plan.playback.pair(position)
        if after in shot_starts and fraction:  # each shot has a path of its own
            before, fraction = (after if fraction >= 0.5 else before), 0.0
        pose = _between(dreamed[before], dreamed[after], fraction)
        origin = pose if shown in starts else origin
        yield _relative(pose, origin, shown)


def _between(before: Pose, after: Pose, fraction: float) -> Pose:
    def mean(a: float, b: float) -> float:
        return a + fraction * (b - a) if fraction else a

    return Pose(
        before.frame,
        math.exp(mean(math.log(before.scale), math.log(after.scale))),
        mean(before.degrees, after.degrees),
        mean(before.right, after.right),
        mean(before.down, after.down),
    )


def _relative(pose: Pose, origin: Pose, frame: int) -> Pose:
    """The pose at ``frame``, of a picture whose pose at the start was ``origin``."""
    scale, degrees = pose.scale / origin.scale, pose.degrees - origin.degrees
    turn = scale * cmath.exp(1j * math.radians(degrees))
    shift = complex(pose.right, pose.down) - turn * complex(origin.right, origin.down)
    return Pose(frame, scale, degrees, shift.real, shift.imag)


def _dreamed_path(plan: FilmPlan, score: ScoreFrames) -> Iterator[Pose]:
    size = (plan.width, plan.height)
    rates = [_rates(score, index) for index in range(plan.frames)]
    starts = {piece.first for piece in dreamed_pieces(plan)}
    turn, shift, degrees = 1 + 0j, 0j, 0.0
    for frame in range(plan.frames):
        if frame in starts:
            turn, shift, degrees = 1 + 0j, 0j, 0.0
        else:
            mean = mean_rates(rates[frame - 1 : frame + 1])
            step, drift = similarity(mean, size, 1 / float(plan.fps))
            fixed = complex((mean.center[0] - 0.5) * size[0], (mean.center[1] - 0.5) * size[1])
            turn, shift = step * turn, step * (shift - fixed) + drift + fixed
            degrees += math.degrees(cmath.phase(step))
        yield Pose(frame, abs(turn), degrees, shift.real, shift.imag)


def as_csv(plan: FilmPlan, score: ScoreFrames) -> str:
    """A table with a row for each frame: rates as they were set, and the pose."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    lanes = {name: lane for name, lane in as_shown(score, plan).lanes.items() if name.startswith("camera.")}
    writer.writerow(["frame", "seconds", *lanes, "scale", "degrees", "right", "down"])
    for pose in path(plan, score):
        values = [*(lane[pose.frame] for lane in lanes.values()), pose.scale, pose.degrees, pose.right, pose.down]
        seconds = f"{float(pose.frame / plan.shown_fps):.6f}"
        writer.writerow([pose.frame, seconds, *(f"{value:.9g}" for value in values)])
    return text.getvalue()


def as_after_effects(plan: FilmPlan, score: ScoreFrames) -> str:
    """A script (.jsx) that adds a null to the open composition; layers parented to it move with the dream."""
    rows = [
        [float(pose.frame / plan.shown_fps), pose.scale, pose.degrees, pose.right / plan.width, pose.down / plan.height]
        for pose in path(plan, score)
    ]
    return f"""// Camera of {json.dumps(plan.title)}: File > Scripts > Run Script File, with a composition open.
(function () {{
    var rows = {_rows(rows)};  // seconds, scale, degrees, right and down in frame sizes
    var comp = app.project.activeItem;
    if (!(comp instanceof CompItem)) {{ alert("Open a composition first."); return; }}
    app.beginUndoGroup("dream camera");
    var transform = comp.layers.addNull().transform, times = [], scales = [], turns = [], places = [];
    for (var i = 0; i < rows.length; i++) {{
        times.push(rows[i][0]);
        scales.push([100 * rows[i][1], 100 * rows[i][1]]);
        turns.push(rows[i][2]);
        places.push([comp.width * (0.5 + rows[i][3]), comp.height * (0.5 + rows[i][4])]);
    }}
    transform.scale.setValuesAtTimes(times, scales);
    transform.rotation.setValuesAtTimes(times, turns);
    transform.position.setValuesAtTimes(times, places);
    app.endUndoGroup();
}})();
"""


def as_blender(plan: FilmPlan, score: ScoreFrames) -> str:
    """A script (.py) that adds an empty; objects parented to it move with the dream on a frame one unit wide."""
    rows = [
        [pose.frame + 1, pose.scale, math.radians(pose.degrees), pose.right / plan.width, pose.down / plan.width]
        for pose in path(plan, score)
    ]
    return f"""# Camera of {json.dumps(plan.title)}: paste into Blender's text editor and run.
import bpy

ROWS = {_rows(rows)}  # frame, scale, radians clockwise, right and down in frame widths
empty = bpy.data.objects.new("dream camera", None)
bpy.context.collection.objects.link(empty)
for frame, scale, turn, right, down in ROWS:
    empty.scale = (scale, scale, scale)
    empty.rotation_euler = (0, 0, -turn)
    empty.location = (right, -down, 0)
    for path in ("scale", "rotation_euler", "location"):
        empty.keyframe_insert(path, frame=frame)
"""


def _rows(rows: list[list[float]]) -> str:
    return json.dumps([[round(value, 7) for value in row] for row in rows])


def _rates(score: ScoreFrames, index: int) -> CameraRates:
    def pair(name: str, default: float) -> tuple[float, float]:
        right, down = (score.lanes.get(f"camera.{name}.{axis}", [default] * score.frames)[index] for axis in "xy")
        return right, down

    lanes = score.lanes
    return CameraRates(
        lanes["camera.zoom"][index], lanes["camera.rotate"][index], pair("pan", 0.0), pair("center", 0.5)
    )
