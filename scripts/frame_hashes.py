"""SHA-256 of the decoded video frames of many small films: a regression test, bit for bit, of everything that renders.

    python scripts/frame_hashes.py                          prints a line for each film: its name and the SHA-256
    python scripts/frame_hashes.py --write hashes.json      the same, kept with the versions of torch and others
    python scripts/frame_hashes.py --check hashes.json      renders again; exit code 1 names what differs or fails
    python scripts/frame_hashes.py --only 'film-*' loop     some of them; * stands for anything
    python scripts/frame_hashes.py --set network.channels_last=true      a setting that is laid over those of every film

Run it before and after a change that must not change a picture. It knows nothing of the program but its command line:
every film is rendered by ``python -m pipeline.render`` in a process of its own, decoded by ffmpeg, and hashed as raw
frames. Photographs, clips, songs and the weights of two networks are drawn here, always the same.

Equal bits need equal arithmetic. So every film is rendered on the CPU in float32, by one thread, with a given memory
layout of activations (``network.channels_last``), with AVX2 at most, and with a cache folder of its own. Another
version of torch may give other bits, and so may another kind of processor: then write the hashes again with the program
as it was before.
"""

import argparse
import fnmatch
import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import distributions, version
from pathlib import Path
from typing import NoReturn

import imageio_ffmpeg

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.frame_cases import BASE, CASES, ENDINGS, INPUTS, KILLED, ROOT, SQUEEZENET

PINNED = {  # what decides how torch, oneDNN, MKL and OpenCV add up
    "OMP_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
}
PATIENCE = 900  # seconds until a render counts as hung


@dataclass(frozen=True)
class Record:
    """What a file holds: ``versions`` of what bits depend on, the settings of ``--set``, the SHA-256 of each film."""

    versions: dict[str, str]
    set: list[str]
    frames: dict[str, str]


class Parser(argparse.ArgumentParser):
    """Says what is wrong with an argument in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Renders and hashes; the exit code is 1 where a film failed or is not the one recorded."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=["*"], help="of the films; film-* for several")
    parser.add_argument("--jobs", type=int, default=2, help="films that are rendered at a time, one thread each")
    parser.add_argument("--set", nargs="+", metavar="KEY=VALUE", default=[], help="settings for all films")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--write", type=Path, metavar="FILE", help="keep the hashes in this JSON file")
    target.add_argument("--check", type=Path, metavar="FILE", help="compare with the hashes in this file")
    options = parser.parse_args(arguments)
    chosen = {name for name in CASES if any(fnmatch.fnmatchcase(name, pattern) for pattern in options.only)}
    chosen |= {KILLED[name] for name in chosen & KILLED.keys()}
    names = [name for name in CASES if name in chosen]
    for pattern in options.only:
        if not fnmatch.filter(CASES, pattern):
            parser.error(f"--only {pattern}: there is no such film; there are {', '.join(CASES)}")
    if options.jobs < 1:
        parser.error(f"--jobs {options.jobs}: at least one film has to be rendered at a time")
    for setting in options.set:
        if "=" not in setting:
            parser.error(f"--set {setting}: a setting is written KEY=VALUE")
    if options.write and not options.write.absolute().parent.is_dir():
        parser.error(f"--write {options.write}: there is no folder {options.write.parent}")
    wrong: list[str] = []
    record = read(options.check, parser) if options.check else Record({}, options.set, {})
    settings = options.set or record.set
    for key, here in versions().items():
        if options.check and record.versions.get(key) != here:
            log(f"note: {key} is {here} here; the hashes were written with {record.versions.get(key)}")
    if options.only == ["*"]:
        wrong += [f"{name}: there is no such film any more" for name in record.frames if name not in CASES]
    began, hashes = time.monotonic(), dict[str, str]()
    for name, sha256, trouble in rendered(names, settings, options.jobs):
        if trouble:
            wrong.append(f"{name}: {trouble}")
        elif sha256:
            hashes[name] = sha256
            print(name, sha256, flush=True)
            if options.check and name not in record.frames:
                log(f"note: {name} is not in {options.check}")
            if record.frames.get(name, sha256) != sha256:
                wrong.append(f"{name}: the frames differ, {sha256} instead of {record.frames[name]}")
            if hashes.get(KILLED.get(name, ""), sha256) != sha256:
                wrong.append(f"{name}: the frames differ from those of {KILLED[name]}")
    if options.write:
        text = json.dumps(asdict(Record(versions(), settings, hashes)), indent=1)
        options.write.write_text(text + "\n", encoding="utf-8")
    log(f"{len(hashes)} films hashed in {time.monotonic() - began:.0f} s, {len(wrong)} wrong")
    for sentence in wrong:
        log(sentence)
    return int(bool(wrong))


def read(path: Path, parser: Parser) -> Record:
    """What ``--write`` left in a file."""
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
        if [type(part) for part in asdict(record).values()] != [dict, list, dict]:
            raise ValueError
    except OSError as error:
        parser.error(f"--check {path}: {error.strerror}")
    except (ValueError, TypeError):
        parser.error(f"--check {path}: this is not a file that --write wrote")
    return record


def rendered(names: list[str], settings: list[str], jobs: int) -> Iterator[tuple[str, str, str]]:
    """(name, SHA-256, what went wrong) of every film, in order; neither where it is skipped."""
    with tempfile.TemporaryDirectory() as path, ThreadPoolExecutor(jobs) as pool:
        folder = Path(path)
        for name, draw in INPUTS.items():
            if any(name in CASES[case] for case in names):
                draw(folder / name)
        yield from pool.map(partial(hashed, folder=folder, settings=settings), names)


def hashed(name: str, folder: Path, settings: list[str]) -> tuple[str, str, str]:
    """Renders one film in ``folder`` and hashes its frames."""
    if str(SQUEEZENET) in CASES[name] and not SQUEEZENET.is_file():
        log(f"{name}: skipped, there is no {SQUEEZENET}")
        return name, "", ""
    began, film = time.monotonic(), folder / (name + ENDINGS.get(name, ".mkv"))
    # The last of several values counts. A group of settings is chosen before any of them is changed.
    words = {word.partition("=")[0]: word for word in [*shlex.split(f"{BASE} {CASES[name]}"), *settings]}
    command = [sys.executable, "-m", "pipeline.render", f"output={film.name}", *words.values()]
    cache = str(folder / f"{name}.cache")
    environment = {**os.environ, **PINNED, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": cache}
    run = partial(subprocess.Popen, command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, text=True)
    with (folder / f"{name}.txt").open("w+", encoding="utf-8") as output:
        if name in KILLED and not killed(run(stderr=output), film):
            return name, "", "it ended before it could be killed"
        process = run(stderr=output)
        try:
            failed = process.wait(PATIENCE) != 0
        except subprocess.TimeoutExpired:
            process.kill()
            return name, "", f"the render was still running after {PATIENCE} s"
        if failed:
            output.seek(0)
            return name, "", f"the render failed: {output.read().strip()[-300:]}"
    try:
        frames = decoded(film)
    except subprocess.CalledProcessError as error:
        return name, "", f"ffmpeg cannot decode it: {error.stderr.decode(errors='replace').strip()[-300:]}"
    if not frames:
        return name, "", "there is no frame in it"
    log(f"{name}: {time.monotonic() - began:.1f} s")
    return name, hashlib.sha256(frames).hexdigest(), ""


def killed(process: "subprocess.Popen[str]", film: Path) -> bool:
    """Sends SIGKILL when half of the film's segments are there; whether that hit it."""
    while process.poll() is None and len(list(film.with_name(f"{film.name}.work").rglob("*.nut"))) < 2:
        time.sleep(0.005)
    process.kill()
    return process.wait() != 0 and not film.exists()


def decoded(film: Path) -> bytes:
    """All frames one after the other, as ffmpeg decodes them, in the film's own pixel format."""
    source = film / "%05d.png" if film.is_dir() else film
    decode = ["-v", "error", "-i", str(source), "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    return subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *decode], capture_output=True, check=True).stdout


def versions() -> dict[str, str]:
    """What the bits may depend on."""
    libraries = {name: version(name) for name in ("torch", "torchvision", "numpy", "imageio-ffmpeg")}
    opencv = [name for name in ("opencv-python-headless", "opencv-python") if any(distributions(name=name))]
    libraries["opencv-python"] = version(opencv[0]) if opencv else ""
    table = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in table.splitlines() if line.startswith("model name")]
    return {"python": platform.python_version(), **libraries, "cpu": (models or [platform.processor()])[0]}


def log(sentence: str) -> None:
    """For the person who waits."""
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
