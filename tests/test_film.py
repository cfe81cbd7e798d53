"""Films of several shots: transitions, resuming, changes and errors."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline import film
from pipeline.cli import compose as command
from pipeline.cli import from_film
from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError, OutputError, RenderError
from pipeline.media.decode.probe import decode
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.lossless import lossless, read_frames
from pipeline.plan.planner import plan_film
from pipeline.plan.transition_table import TRANSITIONS
from pipeline.runtime.files import move_into_place, sha256_of
from pipeline.segments.layout import Layout
from pipeline.segments.transition import MIXES, TransitionPiece, make_transition
from tests.counted import probe_and_count
from tests.media.drawn import clouds
from tests.music.drawn import Drawing
from tests.test_shot import planned

TINY = (
    *("frame.width=96", "frame.height=64", "frame.fps=12", "dream.octaves=2", "start.steps=2", "segment=4"),
    *("network=motifnet", "encode.quality=best", "keep_segments=true"),
)
FOUR = (
    "film=[{preset: spiral, duration: 9f},{camera.zoom: 1.2, duration: 8f, transition: crossfade, fade: 3f},"
    "{camera: static, duration: 5f, transition: zoom_through},{duration: 6f, transition: dip, fade: 4f}]"
)


@dataclass
class FrameCounter:
    """Records the numbers of the frames; raises an error at frame ``at``."""

    at: int = -1
    frames: list[int] = field(default_factory=list)

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        self.frames.append(index)
        if index == self.at:
            raise RuntimeError("an error")

    def segment(self, path: Path, first: int, frames: int) -> None:
        pass


def make(folder: Path, *overrides: str, at: int = -1) -> FrameCounter:
    """Render folder/film.mp4."""
    folder.mkdir(exist_ok=True)
    counter = FrameCounter(at)
    film.render(planned(folder, *TINY, f"output={folder}/film.mp4", *overrides), (counter,))
    return counter


@pytest.fixture(autouse=True)
def spool_even_quick_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.segments.writer.MIN_SPOOLED_SECONDS", 0.0)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the film of four shots without a stop."""
    folder = tmp_path_factory.mktemp("quiet")
    assert make(folder, FOUR).frames == [*range(9), *range(6, 14), *range(14, 19), *range(15, 21)]
    return folder


def test_length_is_the_sum_less_overlaps(quiet: Path) -> None:
    assert probe_and_count(quiet / "film.mp4").frames == 9 + 8 + 5 + 6 - 3 - 4
    assert sorted(path.name for path in quiet.iterdir()) == [
        "film.mp4",
        "film.mp4.poster.png",
        "film.mp4.run.yaml",
        "film.mp4.work",
    ]


@pytest.mark.parametrize("bits", ["8", "16"])
def test_transition_is_the_exact_mix_of_both_shots(tmp_path: Path, bits: str) -> None:
    shots = "film=[{duration: 6f},{camera: static, duration: 9f, transition: crossfade, fade: 3f},"
    shots += "{camera: drift, duration: 6f, transition: dip, fade: 4f}]"
    arguments = (
        *TINY,
        "frame.width=64",
        "frame.height=48",
        "dream.octaves=1",
        "encode=ffv1",
        f"encode.bits={bits}",
        shots,
    )
    film.render(planned(tmp_path, *arguments, f"output={tmp_path}/film.mkv"))
    shown, work = list(read_frames([tmp_path / "film.mkv"])), tmp_path / "film.mkv.work"
    assert len(shown) == 6 + 9 + 6 - 3 - 4
    ends = [sorted((work / f"shot-00{number}").glob("*.kept.nut")) for number in (1, 2, 3)]
    heads, tails = (
        [read_frames(paths) for paths in part] for part in ((ends[1][:1], ends[2][:1]), (ends[0], ends[1][1:]))
    )
    for first, kind, before, after in zip((3, 8), ("crossfade", "dip"), tails, heads, strict=True):
        old, new = list(before), list(after)
        assert len(old) == len(new) == {"crossfade": 3, "dip": 4}[kind]
        assert float((old[0] - new[0]).abs().mean()) > 0.02
        for number, (a, b) in enumerate(zip(old, new, strict=True)):
            if kind == "dip":
                expected = (a * 0.5, a * 0, b * 0, b * 0.5)[number]
            else:
                expected = _crossed(a, b, (number + 1) / 4)
            error = float((shown[first + number] - expected).abs().max())
            assert error <= (0.502 / 255 if bits == "8" else 1 / 32767), (kind, number, error)


def test_zoom_through_continues_from_the_last_frame(quiet: Path) -> None:
    shown = [frame.astype(float) for frame in decode(quiet / "film.mp4")]
    within = float(np.mean([np.abs(shown[n + 1] - shown[n]).mean() for n in (9, 10, 11, 12)]))
    through = np.abs(shown[14] - shown[13]).mean()
    assert through < 1.5 * within
    assert np.abs(shown[14] - shown[2]).mean() > 1.5 * through


@pytest.mark.parametrize("at", [4, 10, 16, 20])
def test_stopped_film_resumes_to_the_same_bytes(tmp_path: Path, quiet: Path, at: int) -> None:
    with pytest.raises(RuntimeError, match="an error"):
        make(tmp_path, FOUR, at=at)
    assert not (tmp_path / "film.mp4").exists()
    assert len(make(tmp_path, FOUR).frames) <= 28 - at
    assert sha256_of(tmp_path / "film.mp4") == sha256_of(quiet / "film.mp4")


def test_changed_shot_needs_overwrite_and_renders_alone(tmp_path: Path) -> None:
    both = "film=[{preset: spiral, duration: 6f},{camera.zoom: %s, duration: 7f, transition: crossfade, fade: 2f}]"
    make(tmp_path, both % "1.2")
    (tmp_path / "film.mp4").unlink()
    with pytest.raises(OutputError, match=r"film.mp4.work/shot-002 holds a part .*\(camera.zoom: 1.2 → 1.4\)"):
        make(tmp_path, both % "1.4", "overwrite=true", "overwrite=false")
    before = {path: sha256_of(path) for path in (tmp_path / "film.mp4.work" / "shot-001").iterdir()}
    assert make(tmp_path, both % "1.4", "overwrite=true").frames == list(range(4, 11))
    assert before == {path: sha256_of(path) for path in (tmp_path / "film.mp4.work" / "shot-001").iterdir()}
    make(tmp_path / "anew", both % "1.4")
    assert sha256_of(tmp_path / "film.mp4") == sha256_of(tmp_path / "anew" / "film.mp4")


def test_some_shots_first_then_the_film(tmp_path: Path, quiet: Path) -> None:
    assert len(make(tmp_path, FOUR, "shots='1,4'").frames) == 15
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4.work"]
    with pytest.raises(
        ConfigError, match=r"shots=3: shot 3 goes on from shot 2, which is not rendered yet; give shots=2,3"
    ):
        make(tmp_path, FOUR, "shots=3")
    assert len(make(tmp_path, FOUR).frames) == 13
    assert sha256_of(tmp_path / "film.mp4") == sha256_of(quiet / "film.mp4")


def test_film_finished_since_planning_is_not_rendered_again(tmp_path: Path) -> None:
    arguments = (*TINY, "duration=4f", "keep_segments=false", f"output={tmp_path}/film.mp4")
    late, counter = planned(tmp_path, *arguments), FrameCounter()
    film.render(planned(tmp_path, *arguments))
    with pytest.raises(OutputError, match=r"film.mp4 exists already; give overwrite=true"):
        film.render(late, (counter,))
    assert not counter.frames and not (tmp_path / "film.mp4.work").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("film=[{preset: spirl}]", r"film\[0\].preset=spirl: allowed are .*\(did you mean spiral\?\)"),
        ("film=[{},{},{camera: {zoom: 0}}]", r"film\[2\].camera.zoom=0: allowed is 0.05 to 20"),
        ("film=[{dream: {octaves: many}}]", r"film\[0\].dream.octaves=many: needs a whole number"),
        ("film=[{camera: {zom: 2}}]", r"film\[0\].camera.zom: there is no such setting"),
        ("film=[{frame: {width: 64}}]", r"film\[0\].frame=.*all shots share it"),
        ("film=[{},{transition: swipe}]", r"film\[1\].transition=swipe: allowed are cut, crossfade, dip"),
        ("film=[{transition: dip}]", r"film\[0\].transition=dip: the first shot comes out of nothing"),
        ("film=[{durtion: 3s}]", r"film\[0\].durtion=3s: a shot has no such setting \(did you mean duration"),
        ("film=[{duration: 3 parsecs}]", r"film\[0\].duration=3 parsecs: "),
        ("film=[{},{transition: dip, fade: 9s}]", r"film\[1\].fade=9s: the shot before lasts 96 frames"),
        (
            "film=[{},{transition: dip, fade: 2s, duration: 1s}]",
            r"film\[1\].duration=1s: the shot lasts no longer than",
        ),
        ("film=[{start: image}]", r"film\[0\].start.path=null: start=image needs the picture"),
        ("film=otto", r"film=otto: needs a list of shots"),
        ("film=[3]", r"film\[0\]=3: a shot is written as"),
        ("shots=2", r"shots=2: this film has one shot only"),
        ("film=[{duration: 1s},{duration: 9s},{}] duration=8s", r"film\[2\]=cut: it would begin after 10s"),
        ("film=[{},{}] shots=3", r"shots=3: needs numbers of shots from 1 to 2"),
        ("film=[{},{}] shots='1,2..1'", r"shots=1,2..1: needs numbers of shots from 1 to 2"),
        ("film=[{},{}] shots='1,4..5'", r"shots=1,4..5: needs numbers of shots from 1 to 2"),
        ("film=[{},{preset: triptych}]", r"film\[1\].preset=triptych: it is a whole film"),
        ("film=[{},{}] frames=0..999", r"frames=0..999: needs FIRST..END"),
    ],
)
def test_error_names_the_shot_by_number(tmp_path: Path, setting: str, message: str) -> None:
    words = (
        [setting]
        if setting.endswith("]") or "] " not in setting
        else [setting[: setting.rindex(" ")], setting[setting.rindex(" ") + 1 :]]
    )
    with pytest.raises(RenderError, match=message):
        planned(tmp_path, *TINY, *words)


def test_shots_in_bars_end_on_bars(tmp_path: Path) -> None:
    bars = "film=[{duration: 2bar},{duration: 2bar, transition: crossfade, fade: 1b},{duration: 1s}]"
    plan = planned(tmp_path, *TINY, bars, "audio.bpm=120", "duration=10s")
    assert [shot.frames for shot in plan.shots] == [48, 48 + 6, 24]  # at 12 frames a second and 2 s a bar
    assert plan.frames == 120
    assert any("film[2], the last shot, is made 1s longer" in note for note in plan.notes)
    assert plan.shots[1].signals.grid.beat(0.0) == pytest.approx(-1.0)  # the shot begins a beat before its bar


def test_shot_after_the_last_section_is_refused(tmp_path: Path) -> None:
    song = Drawing(bpm=120, seconds=4.0).save(tmp_path / "song.wav")  # too short for more than one section
    with pytest.raises(ConfigError, match=r"film\[1\]=cut: it would begin after 4s, when the film is over"):
        planned(tmp_path, *TINY, f"audio.path={song}", "film=[{},{}]")


def test_auto_uses_the_presets_in_turn(tmp_path: Path) -> None:
    plan = planned(
        tmp_path, *TINY, "film=auto", "presets=[spiral,{preset: breathing, transition: dip}]", "audio.bpm=120"
    )
    assert len(plan.shots) == 4
    assert [shot.config.camera.rotate for shot in plan.shots[::2]] == [14.0, 14.0]
    assert [shot.handles.transition for shot in plan.shots] == ["cut", "dip", "cut", "dip"]
    assert plan.frames == 4 * 8 * 24


def test_record_holds_the_shots_without_presets(tmp_path: Path, quiet: Path) -> None:
    rest, _ = from_film.extract([f"from={quiet}/film.mp4", f"output={tmp_path}/film.mp4"])
    config = command.make_config(rest, command.REPEAT)
    plan = plan_film(config, tmp_path, "film")
    first = planned(tmp_path, *TINY, FOUR, f"output={tmp_path}/film.mp4")
    assert [shot.handles for shot in plan.shots] == [shot.handles for shot in first.shots]
    assert [shot.config.camera for shot in plan.shots] == [shot.config.camera for shot in first.shots]


@pytest.mark.parametrize("bits", ["8", "10"])
def test_spooled_frames_are_unchanged(tmp_path: Path, bits: str) -> None:
    frames = [torch.rand(1, 3, 36, 50, generator=torch.Generator().manual_seed(n)) for n in range(3)]
    encode = lossless(EncodeConfig(bits=bits))
    with Encoder(tmp_path / "a.kept.nut", width=50, height=36, fps=Fraction(24), encode=encode) as encoder:
        for frame in frames:
            encoder.write(frame)
    move_into_place(encoder.part, tmp_path / "a.kept.nut", overwrite=True)
    step = 1 / 255 if bits == "8" else 1 / 32767
    for frame, back in zip(frames, read_frames([tmp_path / "a.kept.nut"]), strict=True):
        assert float((frame - back).abs().max()) <= step


def test_transition_is_made_once_unless_damaged(tmp_path: Path) -> None:
    def encoder(name: str, encode: EncodeConfig) -> Encoder:
        return Encoder(tmp_path / name, width=48, height=32, fps=Fraction(24), encode=encode)

    files = []
    for name, level in (("a.kept.nut", 0.2), ("b.kept.nut", 0.8)):
        with encoder(name, lossless(EncodeConfig())) as opened:
            for _ in range(3):
                opened.write(torch.full((1, 3, 32, 48), level))
        move_into_place(opened.part, tmp_path / name, overwrite=True)
        files.append(tmp_path / name)
    seam = TransitionPiece("crossfade", 3, (files[0],), (files[1],), "")
    path = make_transition(seam, tmp_path / "seam.mp4", encoder("seam.mp4", EncodeConfig()))
    made = sha256_of(path)
    assert [round(float(frame.mean())) for frame in decode(path)] == pytest.approx([89, 128, 166], abs=2)
    stamp = path.stat().st_mtime_ns
    make_transition(seam, path, encoder("seam.mp4", EncodeConfig()))
    assert path.stat().st_mtime_ns == stamp
    path.write_bytes(b"damaged")
    make_transition(seam, path, encoder("seam.mp4", EncodeConfig()))
    assert sha256_of(path) == made


def _crossed(a: Tensor, b: Tensor, share: float) -> Tensor:
    """The weighted sum, stretched to a contrast between both."""
    both = a * (1 - share) + b * share
    means, spreads = zip(*((p.mean(dim=(2, 3), keepdim=True), _spread(p)) for p in (a, b, both)), strict=True)
    gain = ((1 - share) * spreads[0] + share * spreads[1]) / spreads[2]
    assert 1.05 < gain < 1.5
    return (means[2] + (both - means[2]) * gain).clamp(0, 1)


def _spread(picture: Tensor) -> float:
    return float((picture - picture.mean(dim=(2, 3), keepdim=True)).square().mean().sqrt())


def test_every_overlapping_transition_has_a_mix() -> None:
    assert MIXES.keys() == {name for name, transition in TRANSITIONS.items() if transition.overlaps}


@pytest.mark.parametrize(("count", "levels"), [(3, [0.25, 0, 0.45]), (4, [0.25, 0, 0, 0.45]), (1, [0]), (2, [0, 0])])
def test_dip_goes_through_black(count: int, levels: list[float]) -> None:
    old, new = torch.full((1, 3, 2, 2), 0.5), torch.full((1, 3, 2, 2), 0.9)
    assert [float(MIXES["dip"](old, new, number, count).mean()) for number in range(count)] == pytest.approx(levels)


def test_crossfade_keeps_its_contrast() -> None:
    old, new = (clouds(seed) for seed in (1, 2))
    spreads = [_spread(MIXES["crossfade"](old, new, number, 7)) for number in range(7)]
    between = [_spread(old) + (_spread(new) - _spread(old)) * (number + 1) / 8 for number in range(7)]
    assert spreads == pytest.approx(between, rel=0.03)
    assert min(_spread(old + (new - old) * (number + 1) / 8) for number in range(7)) < 0.85 * min(between)
    same = MIXES["crossfade"](old, old, 3, 7)
    assert float((same - old).abs().max()) < 1e-6
    flat = MIXES["crossfade"](old, 1 - old, 3, 7)  # no contrast is left to stretch
    assert float((flat - 0.5).abs().max()) < 1e-6


@pytest.mark.parametrize(("head", "tail"), [(0, None), (3, None), (4, 9), (5, 11), (2, 3), (9, 10)])
def test_segments_cover_a_shot_without_gaps(head: int, tail: int | None) -> None:
    for frames in range(max(12, head), 20):
        layout = Layout(4, frames, ".mp4", ".kept.nut", head, tail)
        count = layout.count
        firsts = [layout.first(number) for number in range(count + 1)]
        assert firsts == sorted(set(firsts)) and firsts[0] == 0 and firsts[count] >= frames > firsts[count - 1]
        assert sum(layout.length(number) for number in range(count)) == frames
        assert {head, *range(0, frames, 4), *([tail] if tail else [])} <= set(firsts)
        assert len({layout.name(number) for number in range(count)}) == count
