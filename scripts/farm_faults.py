"""Kills machines of a Ray cluster while a film renders, and compares the film with one of this machine alone.

    python scripts/farm_faults.py --kills 5 --folder faults
    python scripts/farm_faults.py --fault freeze --kills 1 --folder frozen
    python scripts/farm_faults.py --fault disk --folder full        # as root: it mounts small disks

The cluster has a head without cores and two workers of one core, all on this machine. At random moments one worker
machine (its raylet, with all its processes) is killed, or stands still, and another one joins; once the head is killed
too, and a new cluster and the same command go on. With full disks the first run ends after three tries; then there is
room, and the same command goes on. Prints a line: kills, runs, segments rendered, segments rendered twice, other bytes.
"""

import argparse
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ",".join(f"{{preset: spiral, seed: {seed}, duration: 12f}}" for seed in range(12))
FILM = (
    *(f"film=[{SHOTS}]", "network=motifnet", "frame.width=96", "frame.height=64", "frame.fps=12", "start.steps=4"),
    *("dream.octaves=1", "segment=4", "encode.quality=draft", "keep_segments=true"),
)
LIMIT_SECONDS = 900
DISK_BYTES = 40_000  # less than one canvas


def start_cluster(disks: Sequence[Path]) -> Any:
    """A head and two workers; what they write goes to the ``disks``, if there are any."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for number in range(2):
        variables = {"env_vars": {"TMPDIR": str(disks[number])}} if disks else {}
        cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1", **variables)
    return cluster


@contextmanager
def small_disks(folder: Path) -> Iterator[list[Path]]:
    """Two folders with almost no room; with room once the block ends."""
    disks = [folder / "disk-1", folder / "disk-2"]
    for disk in disks:
        disk.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", disk], check=True)
    try:
        yield [disk.absolute() for disk in disks]
    finally:
        for disk in disks:
            subprocess.run(["umount", "-l", disk], check=True)


def freeze(node: Any) -> list[int]:
    """Stop all processes of a machine, which stay; their numbers."""
    import psutil

    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    processes = [raylet, *raylet.children(recursive=True)]
    for process in processes:
        process.suspend()
    return [process.pid for process in processes]


def command(folder: Path, *words: str) -> list[str]:
    """The render of the film into a folder."""
    return [sys.executable, "-m", "pipeline.render", *FILM, f"output={folder}/film.mp4", *words]


def segments(folder: Path) -> list[str]:
    """(shot, segment) of every line of the journals."""
    paths = sorted(folder.glob("film.mp4.work/*/journal.jsonl"))
    return [f"{path.parent.name} {line.split(',')[1]}" for path in paths for line in path.read_text().splitlines()]


def main() -> None:
    """Run the film through all faults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--fault", choices=("kill", "freeze", "disk"), default="kill")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    rng, many = random.Random(options.seed), options.folder / "many"
    options.folder.mkdir(parents=True, exist_ok=True)
    token = options.folder / "token"
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token.absolute())}
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    began, kills, runs, head_killed = time.monotonic(), 0, 0, options.fault != "kill"
    disks, frozen = ExitStack(), list[int]()
    full = disks.enter_context(small_disks(options.folder)) if options.fault == "disk" else []
    options.kills = 0 if full else options.kills
    while True:
        cluster = start_cluster(full)
        runs += 1
        words = ("engine=ray", f"ray.address={cluster.address}", "farm.cpus=1")
        with subprocess.Popen(command(many, *words), stderr=subprocess.PIPE, text=True) as program:
            at = len(segments(many)) + rng.randint(1, 4)
            while program.poll() is None and time.monotonic() - began < LIMIT_SECONDS:
                time.sleep(0.2)
                if len(segments(many)) < at:
                    continue
                at = len(segments(many)) + rng.randint(1, 4)
                if kills < options.kills:
                    node = rng.choice(list(cluster.worker_nodes))
                    if options.fault == "freeze":
                        frozen += freeze(node)
                    else:
                        cluster.remove_node(node, False)
                    cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
                    kills += 1
                    seconds, count = time.monotonic() - began, len(segments(many))
                    print(
                        f"{seconds:.0f} s: a worker machine is gone ({options.fault}) at {count} segments", flush=True
                    )
                elif not head_killed:
                    head_killed = True
                    cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
                    print(f"{time.monotonic() - began:.0f} s: killed the head at {len(segments(many))} segments")
            words_at_end = (program.stderr.read() if program.stderr else "").splitlines()[-2:]
        for number in frozen:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        cluster.shutdown()
        disks.close()  # there is room
        print(
            f"{time.monotonic() - began:.0f} s: exit code {program.returncode}: {' / '.join(words_at_end)}", flush=True
        )
        if program.returncode == 0 or time.monotonic() - began > LIMIT_SECONDS:
            break
    lines = segments(many)
    one = options.folder / "one"
    subprocess.run(command(one), check=True, capture_output=True)
    same = (one / "film.mp4").read_bytes() == (many / "film.mp4").read_bytes()
    faults, twice = kills + (head_killed and options.fault == "kill"), len(lines) - len(set(lines))
    print(f"faults {faults}  runs {runs}  segments {len(set(lines))}  twice {twice}")
    print("the same bytes" if same else "OTHER BYTES")


if __name__ == "__main__":
    main()
