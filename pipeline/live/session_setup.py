"""From settings to a performance: plan, network, instrument, page and OSC."""

import logging
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.build import Networks, check_target
from pipeline.config import RenderConfig
from pipeline.dream.network import Network
from pipeline.errors import ConfigError, RenderError
from pipeline.live.autoplay import Autoplay, autoplay
from pipeline.live.broadcast import Broadcast
from pipeline.live.camera import LiveFrames, open_camera, recorded_source, without_camera
from pipeline.live.config import LiveConfig
from pipeline.live.controls import controls
from pipeline.live.instrument import Instrument
from pipeline.live.live_signals import LiveSignals, Recording, follow_sound
from pipeline.live.midi import MidiInput, MidiMap, map_path
from pipeline.live.performance import Performance
from pipeline.live.played_score import settled, source, sources
from pipeline.live.routes import live_routes
from pipeline.live.scenes import LOOK, scene_configs
from pipeline.live.session import Saver, Session
from pipeline.live.size_chooser import SizeChooser, sizes_of
from pipeline.live.target_pictures import Wall, wall_targets
from pipeline.live.track import Source
from pipeline.live.viewers import NoteHandler, Viewers
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.frame_size import requested_size
from pipeline.plan.planner import plan_film
from pipeline.plan.score import check_channels, neighbours_of, score_context, score_settings
from pipeline.plan.shot_plan import ShotPlan, plan_shot
from pipeline.runtime.device import choose_device, device_name
from pipeline.runtime.files import check_writable
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import notes_to
from pipeline.score.schedule_kinds import make_schedule
from pipeline.score.shot_context import ShotContext
from pipeline.score.target_weights import parse_targets
from pipeline.segments import record
from pipeline.targets.target import Target
from pipeline.timing.timecode import parse_time
from pipeline.web.server import Server

MAX_CAMERA_SIDE = 960  # pixels of the longer side at which a camera is read

log = logging.getLogger(__name__)


def play(config: RenderConfig, live: LiveConfig, folder: Path, name: str, viewers: Viewers | None = None) -> None:
    """Play until Ctrl-C, and print where the session is recorded. Raises RenderError."""
    path = Path(config.output) if config.output else folder / "session.yaml"
    check_writable(path, overwrite=config.overwrite)
    source_config, config = config.source, without_camera(config, live.still)
    target_size = requested_size(config.frame, None)
    chooser = SizeChooser(sizes_of(live.size, target_size, live.max_side), 1 / live.fps)
    config = replace(config, output=None, frame=replace(config.frame, fps=f"{live.fps:g}"))
    film = plan_film(_sized(config, chooser.size), folder, name)
    if film.shots[0].guides or film.shots[0].masks:
        raise ConfigError("score.targets", "…", "a live session plays targets that need no file")
    networks = Networks(choose_device(config.device, config.deterministic), config.precision, config.deterministic)
    network = networks.find(film.shots[0], {})
    with ExitStack() as stack:
        film, recording = follow_sound(film, live.audio, path, stack)
        setup = Setup(film, network, live, target_size, recording)
        if source_config.kind != "none":
            setup.footage = open_camera(source_config, setup.camera_size, film.fps, path, stack)
        viewers = stack.enter_context(viewers or Viewers())
        performance = setup.performance(
            chooser, viewers, stack.enter_context(Saver(path)), device_name(networks.device)
        )
        if live.out is not None:
            size = setup.film_size
            performance.out = stack.enter_context(Broadcast(live.out, size, film.fps, overwrite=config.overwrite))
        if live.page:
            setup.serve(performance, viewers, stack)
        if live.osc is not None:
            try:
                from pipeline.live.osc import OscServer
            except ModuleNotFoundError as error:
                raise RenderError(f"live.osc needs the package {error.name}: scripts/setup live installs it") from error
            stack.enter_context(OscServer(live.listen, live.osc, list(performance.instrument.controls), viewers))
        if live.midi is not None:
            performance.midi = MidiMap(map_path(live.midi_map), performance.instrument.controls)
            stack.enter_context(MidiInput(live.midi, performance.midi, viewers))
        stack.enter_context(notes_to(NoteHandler(viewers)))
        performance.run(stack.enter_context(Stop()))
    print(path)  # noqa: T201 - the answer


class Setup:
    """Makes the parts of a performance from a ``film`` of one shot, whose numbers and targets it begins with.

    ``target_size`` is the (width, height) of the settings, which the recorded film has.
    """

    def __init__(
        self,
        film: FilmPlan,
        network: Network,
        live: LiveConfig,
        target_size: tuple[int, int],
        recording: Recording | None,
    ) -> None:
        self._target_size, self._recording = target_size, recording
        self._film, self._network, self._live = film, network, live
        self._config, self._first = film.config, film.shots[0]
        self.footage: LiveFrames | None = None
        assert isinstance(self._first.signals, LiveSignals)
        self._signals = self._first.signals
        self._similar = neighbours_of(self._config.network, network.weights.sha256, network.named)

    def performance(self, chooser: SizeChooser, viewers: Viewers, saver: Saver, device: str) -> Performance:
        """What plays. Raises ConfigError for settings that cannot be played."""
        has_palette = self._config.color.palette is not None
        self._controls = controls(has_footage=self.footage is not None, has_palette=has_palette)
        network, seconds = self._network, self._first.frames / float(self._film.fps)
        scenes = {
            name: lambda config=config, name=name: self._scene(config, only_targets=name.startswith(LOOK))
            for name, config in scene_configs(self._config)
            if self._has_targets(config)
        }
        instrument = Instrument(
            self._controls,
            *self._scene(self._config),
            check=lambda target: self._check(performance, target),
            scenes=scenes,
            parse=lambda text, control: source(text, control, self._context(self._first)),
            fade=parse_time(self._live.fade, fps=self._film.fps, key="live.fade", duration=seconds),
        )
        until = self._live.until
        recorded = _sized(self._config, self.film_size)
        facts = record.Computation(
            network.weights.path.name, network.weights.sha256, device, network.precision, network.channels_last
        )
        performance = Performance(
            network=network,
            plan=self._plan,
            context=self._context,
            instrument=instrument,
            chooser=chooser,
            viewers=viewers,
            saver=saver,
            session=Session(self._record(recorded, facts)),
            is_fractal=self._config.score.kind == "fractal",
            signals=self._signals,
            recording=self._recording,
            footage=self.footage,
            song_start=self._film.song.start if self._film.song else None,
            until=None if until is None else parse_time(until, fps=self._film.fps, key="live.until"),
        )
        return performance

    def serve(self, performance: Performance, viewers: Viewers, stack: ExitStack) -> None:
        """Serve the page until ``stack`` closes, and draw its pictures of targets."""
        entries = performance.instrument.autoplay
        wall = Wall(self._config, self._network, wall_targets(entries, self._network, self._live.wall))
        stack.enter_context(wall)

        def setup() -> dict[str, Any]:
            return {
                "song": self._film.song is not None,
                "controls": [control.as_data() for control in self._controls.values()],
                "scenes": list(performance.instrument.scenes),
                "wall": wall.as_data(),
                "classes": [f"class:{each}" for each in self._network.classes],
                "layers": self._network.main_layers(),
            }

        song = self._film.song.path if self._film.song else None
        server = Server(live_routes(viewers, setup, wall.picture, song), self._live.port, "live.port")
        server.start()
        stack.callback(server.stop)
        log.info(f"the live page is at {server.address}")

    @property
    def film_size(self) -> tuple[int, int]:
        """(width, height) of a film of the session: the size of the settings, in the shape played."""
        played, target_size = self._config.frame, self._target_size
        factor = min(target_size) / min(played.width, played.height)
        width, height = (2 * round(side * factor / 2) for side in (played.width, played.height))
        return width, height

    @property
    def camera_size(self) -> tuple[int, int]:
        """(width, height) in which a camera is read and recorded: that of the film, bounded."""
        factor = min(1.0, MAX_CAMERA_SIDE / max(self.film_size))
        width, height = (2 * max(8, round(side * factor / 2)) for side in self.film_size)
        return width, height

    def _record(self, config: RenderConfig, facts: record.Computation) -> dict[str, Any]:
        """The record of the session's film, whose settings are ``config``."""
        result = record.film_record(self._film, [record.shot_record(replace(self._first, config=config), facts)])
        if self._recording is not None:
            result["config"]["audio"]["signals"] = self._recording.path.name
        if self.footage is not None:
            recorded_source(result["config"], self.footage.path)
        return result

    def _plan(self, size: tuple[int, int], number: int) -> ShotPlan:
        config, first = _sized(self._config, size), self._first
        plan = plan_shot(config, first.frames / float(first.fps), Fraction(first.fps), first.signals, None)
        return replace(plan, index=number, opening=0)

    def _context(self, plan: ShotPlan) -> ShotContext:
        return score_context(plan, self._network.named, self._similar.neighbours)

    def _scene(self, config: RenderConfig, *, only_targets: bool = False) -> tuple[dict[str, Source], Autoplay]:
        """The numbers and the targets that these settings play. Raises ConfigError."""
        context = self._context(replace(self._first, config=config))
        settings = score_settings(config)
        schedule = make_schedule(settings, context)
        played = autoplay(schedule, *settled(settings, context), lambda: self._signals.now().grid)
        return ({} if only_targets else sources(config, self._controls, context)), played

    def _has_targets(self, config: RenderConfig) -> bool:
        """Whether the network has every target of these settings."""
        try:
            for target in parse_targets(score_settings(config).targets, "score.targets"):
                check_channels(target, self._network.named)
                if target.kind == "class" and not target.network:
                    self._network.class_index(target.name, "score.targets")
        except ConfigError:
            return False
        return True

    def _check(self, performance: Performance, target: Target) -> None:
        """Raise ConfigError for a target that needs a file, or that the network does not have or cannot dream here."""
        if target.kind == "guide" or (target.region is not None and target.region.shape == "file"):
            raise ConfigError("target", target, "a live session plays targets that need no file")
        check_channels(target, self._network.named)
        if performance.current is not None:
            shot = performance.current
            check_target(shot.dreamer.dreamer, target.on_all_octaves(), min(shot.size))


def _sized(config: RenderConfig, size: tuple[int, int]) -> RenderConfig:
    frame = replace(config.frame, width=size[0], height=size[1], scale=1.0, fit=None, aspect=None)
    return replace(config, frame=frame)
