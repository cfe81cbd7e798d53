"""The benchmark's command line, checked before anything is measured."""

import argparse
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import torch

from pipeline.cli import compose
from pipeline.cli.safe_yaml import shown
from pipeline.config import NETWORKS as KNOWN
from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.errors import ConfigError, InputError, Interrupted, OutputError, RenderError, nearest
from pipeline.runtime.device import choose_device
from pipeline.runtime.files import check_regular
from scripts.benchmarks.workload import settings

NETWORKS = ("efficientnet_lite0", "motifnet", "squeezenet1_0", "googlenet", "vgg16")
QUICK_NETWORKS = NETWORKS[:2]
PARTS = (
    *("overhead", "common", "equal", "ways", "profile", "scaling", "frames", "start", "threads"),
    *("pictures", "gpu", "deterministic", "compiled"),
)
QUICK_PARTS = ("overhead", "common", "equal", "start")
OF_A_GPU = {"gpu", "deterministic", "compiled"}
SIZES = ("640x360", "1280x720", "1920x1080", "3840x2160")
FRAMES = 36  # of a short film
MAX_REPEATS = 1000
MIN_PIXELS, MAX_PIXELS = 32, 16384  # of a side


@dataclass(frozen=True)
class Options:
    """What is measured, on what and how often. Sizes are (h, w); ``networks`` are names, or name=FILE."""

    networks: tuple[str, ...]
    parts: tuple[str, ...]
    size: tuple[int, int]
    sizes: tuple[tuple[int, int], ...]
    repeats: int
    device: torch.device
    file: Path | None
    quick: bool


class Parser(argparse.ArgumentParser):
    """Reports errors of the command line as RenderError."""

    def error(self, message: str) -> NoReturn:
        raise RenderError(f"{message}; --help lists all")


def film(words: str, measure: Callable[..., object], frames: str, sheets: str) -> None:
    """``measure`` a short film of the network, size and device that the command line asks for.

    ``words`` are the script's own, ``frames`` and ``sheets`` the help on these options.
    """
    first, _, more = words.partition("\n\n")
    parser = Parser(description=first, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="motifnet", help="a name, or name=FILE with weights [motifnet]")
    parser.add_argument("--size", default="192x108", help="width x height [192x108]")
    parser.add_argument("--frames", default=str(FRAMES), help=f"{frames} [{FRAMES}]")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--sheets", type=Path, help=sheets)
    given = parser.parse_args()
    (height, width), count = size("--size", given.size), whole("--frames", given.frames, least=6)
    name = str(device("--device", given.device))
    check_networks("--network", [given.network])
    if given.sheets is not None:
        make_folder("--sheets", given.sheets)
    with tempfile.TemporaryDirectory() as place:
        measure(given.network, (height, width), Path(place), device=name, frames=count, sheets=given.sheets)


def answer(job: Callable[[], object]) -> int:
    """Run the job; the exit code: 0 done, 1 an error, 130 stopped."""
    compose.register()
    for number in (signal.SIGINT, signal.SIGTERM):  # of a shell's background job the first is ignored by itself
        signal.signal(number, _on_signal)
    try:
        job()
    except RenderError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (Interrupted, KeyboardInterrupt):
        return _stopped()
    except Exception as error:
        if not _was_interrupted(error):
            raise
        return _stopped()  # Hydra's own clean-up failed on a file that it was about to open
    return 0


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether an interrupt led to this error, directly or by others."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _stopped() -> int:
    print("stopped; what was measured until now stands", file=sys.stderr)
    return 130


def read(words: Sequence[str] | None, description: str) -> Options:
    """The command line ``words`` (without any, the program's own). Raises RenderError kinds."""
    first, _, more = description.partition("\n\n")
    given = _parser(first, more).parse_args(words)
    quick = given.quick
    networks = tuple(given.networks or (QUICK_NETWORKS if quick else NETWORKS))
    place = device("--device", given.device)
    parts, lost = _parts(given.parts or (QUICK_PARTS if quick else PARTS), place)
    options = Options(
        networks=networks,
        parts=parts,
        size=size("--size", given.size or ("320x192" if quick else "480x270")),
        sizes=tuple(size("--sizes", each) for each in given.sizes),
        repeats=whole("--repeats", given.repeats or ("3" if quick else "7")),
        device=place,
        file=_file("--json", given.json),
        quick=quick,
    )
    check_networks("--networks", networks)
    if lost:
        print(lost, file=sys.stderr)
    return options


def _parser(description: str, epilog: str) -> argparse.ArgumentParser:
    parser = Parser(description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--quick", action="store_true", help="two networks, small, few repeats")
    add("--networks", nargs="+", help=f"names, or name=FILE with weights [{' '.join(NETWORKS)}]")
    add("--parts", nargs="+", help=f"what is measured, of {' '.join(PARTS)} [all]")
    add("--size", help="width x height of most measurements [480x270]")
    add("--sizes", nargs="+", default=SIZES, help=f"sizes of frames per second [{' '.join(SIZES)}]")
    add("--repeats", help="turns of each job [7]")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps [auto]")
    add("--json", help="file for all figures; it is written after each part")
    return parser


def size(key: str, given: str) -> tuple[int, int]:
    """``640x360`` → (360, 640)."""
    match = re.fullmatch(r"(\d{1,6})x(\d{1,6})", given)
    if match is None:
        raise ConfigError(key, shown(given), "needs width x height in pixels, as in 640x360")
    width, height = int(match[1]), int(match[2])
    if min(width, height) < MIN_PIXELS or max(width, height) > MAX_PIXELS:
        raise ConfigError(key, given, f"needs {MIN_PIXELS} to {MAX_PIXELS} pixels each way")
    return height, width


def whole(key: str, given: str, least: int = 1) -> int:
    """A whole number, as it may be given."""
    if not re.fullmatch(r"\d{1,6}", given) or not least <= int(given) <= MAX_REPEATS:
        raise ConfigError(key, shown(given), f"needs a whole number from {least} to {MAX_REPEATS}")
    return int(given)


def device(key: str, given: str) -> torch.device:
    """The device, where it is there."""
    try:
        return choose_device(settings("motifnet", (96, 96), device=given).device)
    except ConfigError as error:
        raise ConfigError(key, shown(given), error.allowed) from error


def make_folder(key: str, path: Path) -> None:
    """Make the folder, where it is not there yet."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{key}={shown(path)}: this folder cannot be made: {error.strerror}") from error


def _parts(given: Sequence[str], place: torch.device) -> tuple[tuple[str, ...], str]:
    """The parts that can be measured on the device, and a note on the others."""
    for part in given:
        if part not in PARTS:
            raise ConfigError("--parts", shown(part), f"allowed are {', '.join(PARTS)}{nearest(part, PARTS)}")
    lost = [part for part in given if part in OF_A_GPU and place.type != "cuda"]
    if not lost:
        return tuple(given), ""
    why = f"{place} is no CUDA GPU" if torch.cuda.is_available() else "there is no CUDA GPU here"
    left = tuple(part for part in given if part not in lost)
    if not left:
        raise RenderError(f"--parts={' '.join(lost)}: nothing is left to measure, {why}")
    return left, f"{' and '.join(lost)}: left out, {why}"


def _file(key: str, given: str | None) -> Path | None:
    """The file, where one can be written."""
    if given is None:
        return None
    path = Path(given).resolve()  # what is replaced is the file, not a link to it
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no regular file"
        raise OutputError(f"{key}={shown(given)}: it is {what}; name a file")
    if not path.parent.is_dir():
        raise OutputError(
            f"{key}={shown(given)}: there is no folder {shown(Path(given).parent)}; make it, or name another file"
        )
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{key}={shown(given)}: the folder {shown(Path(given).parent)} cannot be written")
    return path


def check_networks(key: str, networks: Sequence[str]) -> None:
    """Raise for unknown names, and for files without weights of their network."""
    names = [given.partition("=")[0] for given in networks]
    for given, name in zip(networks, names, strict=True):
        if name not in KNOWN:
            raise ConfigError(key, shown(given), f"allowed are {', '.join(KNOWN)}{nearest(name, KNOWN)}")
        if names.count(name) > 1:
            raise ConfigError(key, shown(given), f"{name} is named twice; name it once")
        if "=" in given:
            _check_weights(key, name, given.partition("=")[2])


def _check_weights(key: str, name: str, file: str) -> None:
    try:
        check_regular(Path(file), f"network.weights={shown(file)}")
        model_zoo.build(NetworkConfig(name=name, weights=file))
    except InputError as error:
        raise InputError(str(error).replace("network.weights=", f"{key}={name}=")) from error


def _on_signal(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
