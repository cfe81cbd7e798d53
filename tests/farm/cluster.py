"""``python -m tests.farm.cluster TASK PHOTO FOLDER``: what tasks do on a cluster of two machines of one core each.

TASK is a task.json that engine=script wrote, PHOTO its input, which the machines do not have at its path.
The results go to FOLDER/report.json.
"""

import json
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.config import RenderConfig
from pipeline.errors import RenderError
from pipeline.farm.executor import Parcel, Task
from pipeline.farm.ray_engine import RayExecutor
from pipeline.runtime.files import sha256_of
from pipeline.runtime.interrupt import Stop
from tests.farm.sessions import MARK, is_worker, parent, processes, read_process

HUNG_SECONDS = 2.0  # without a sign


def main() -> None:
    """Run all scenes on one cluster."""
    logging.basicConfig(level=logging.INFO)
    photo, folder = Path(sys.argv[2]), Path(sys.argv[3])
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    data = json.loads(Path(sys.argv[1]).read_text().replace(str(photo), str(folder / "elsewhere" / photo.name)))
    report: dict[str, Any] = {}
    with cluster(folder) as address:
        config = RenderConfig()
        config.ray.address, config.farm.cpus = address, 1
        with RayExecutor(config, folder, 1, "cpu", Stop()) as executor:
            report["nonsense"] = nonsense(executor)
            report["hung"] = hung(executor, config, data, photo)
    (folder / "report.json").write_text(json.dumps(report))


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """The address of a cluster of two machines."""
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    from ray.cluster_utils import Cluster

    scratch = tempfile.mkdtemp(prefix="dz-")  # sockets need a short name
    machine = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 10**8}
    machine |= {"temp_dir": scratch, "include_log_monitor": False}
    running = Cluster(initialize_head=True, head_node_args=machine | {"include_dashboard": False, "no_monitor": True})
    try:
        running.add_node(**machine)
        yield running.address
    finally:
        running.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)


def workers() -> list[int]:
    """The processes that do tasks of this cluster."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    return [number for number in processes() if is_worker(number) and mark in read_process(number, "environ")]


def nonsense(executor: RayExecutor) -> dict[str, Any]:
    """A task that no worker knows."""
    try:
        list(executor.map([Task("shot 7", lambda: iter(()), lambda: Parcel({"work": "nonsense"}))]))
    except RenderError as error:
        numbers = [int(part.partition(")")[0]) for part in str(error).split("(")[1:4]]
        return {"words": str(error), "machines": len({parent(number) for number in numbers})}
    return {}


def hung(executor: RayExecutor, config: RenderConfig, data: dict[str, Any], photo: Path) -> dict[str, Any]:
    """A worker that stands still after its first segment; the second try is asked for one segment alone."""
    machines, tries, frozen = list[int](), 0, 0

    def pack() -> Parcel:
        nonlocal tries
        tries += 1
        config.farm.lease = 600.0
        pieces = [{**piece, "stop": piece["stop"] if tries <= 2 else 1} for piece in data["pieces"]]
        return Parcel({**data, "pieces": pieces})

    for _, result in executor.map([Task("shot 1", lambda: iter(()), pack, {photo: sha256_of(photo)})]):
        if "segment" not in result.data or (machines and not frozen):
            continue
        (number,) = (each for each in workers() if each != frozen)
        machines.append(parent(number))
        if not frozen:
            frozen = number
            os.kill(number, signal.SIGSTOP)
            config.farm.lease = HUNG_SECONDS
    deadline = time.monotonic() + 60
    while read_process(frozen, "cmdline") and time.monotonic() < deadline:
        time.sleep(0.1)
    is_killed = not read_process(frozen, "cmdline")
    return {"is_killed": is_killed, "machines": len(set(machines)), "tries": tries}


if __name__ == "__main__":
    main()
