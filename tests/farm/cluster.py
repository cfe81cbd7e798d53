"""``python -m tests.farm.cluster TASK PHOTO FOLDER``: tasks on a cluster of two machines, each with a core and a GPU.

The GPUs are declared alone. TASK is a task.json that engine=script wrote, PHOTO its input, which the machines lack.
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
from pipeline.farm.ray_cluster import connect, one_for_all
from pipeline.farm.ray_engine import RayExecutor
from pipeline.runtime.files import sha256_of
from pipeline.runtime.interrupt import Stop
from pipeline.variations import stills
from tests.farm.films import TINY
from tests.processes import MARK, is_ray_worker, marked, parent, read_process
from tests.test_shot import planned

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
        config.ray.address, config.farm.cpus, config.farm.gpus = address, 1, 0.5
        with RayExecutor(config, folder, 1, "auto", Stop()) as executor:
            report["nonsense"] = nonsense(executor)
            report["hung"] = hung(executor, config, data, photo)
        report["sheet"] = sheet(folder, address)
    report["sharing"] = sharing(folder)
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

    Path("/tmp/ray").mkdir(exist_ok=True)  # Ray writes there, wherever its folder is
    scratch = tempfile.mkdtemp(prefix="dz-")  # sockets need a short name
    machine = {"num_cpus": 1, "num_gpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 10**8}
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
    return [number for number in marked(os.environ[MARK]) if is_ray_worker(number)]


def nonsense(executor: RayExecutor) -> dict[str, Any]:
    """A task that no worker knows."""
    try:
        list(executor.map([Task("shot 7", lambda: iter(()), lambda: Parcel({"work": "nonsense"}))]))
    except RenderError as error:
        numbers = [int(part.partition(")")[0]) for part in str(error).split("(")[1:4]]
        return {"words": str(error), "machines": len({parent(number) for number in numbers})}
    return {}


def hung(executor: RayExecutor, config: RenderConfig, data: dict[str, Any], photo: Path) -> dict[str, Any]:
    """A worker that stands still after its first segment; the first one of another machine is enough."""
    machines, tries, frozen = list[int](), 0, 0

    def pack() -> Parcel:
        nonlocal tries
        tries += 1
        config.farm.lease = 600.0
        return Parcel(data)

    for _, result in executor.map([Task("shot 1", lambda: iter(()), pack, {photo: sha256_of(photo)})]):
        if "segment" not in result.data or (machines and not frozen):
            continue
        (number,) = (each for each in workers() if each != frozen)
        machines.append(parent(number))
        if not frozen:
            frozen = number
            os.kill(number, signal.SIGSTOP)
            gpus = used_gpus(0.5)
            config.farm.lease = HUNG_SECONDS
        else:
            break
    deadline = time.monotonic() + 60
    while read_process(frozen, "cmdline") and time.monotonic() < deadline:
        time.sleep(0.1)
    is_killed = not read_process(frozen, "cmdline")
    return {"is_killed": is_killed, "machines": len(set(machines)), "tries": tries, "gpus": gpus}


def used_gpus(expected: float) -> float:
    """How much of the GPUs tasks take; Ray needs a moment until it knows."""
    import ray

    deadline = time.monotonic() + 20
    while (used := 2 - ray.available_resources().get("GPU", 0.0)) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return used


def sharing(folder: Path) -> dict[str, Any]:
    """Two films of a sweep, which each would start a Ray."""
    configs = [RenderConfig(engine="ray"), RenderConfig(engine="ray"), RenderConfig()]
    with one_for_all(configs):
        addresses = [config.ray.address for config in configs]
        mine = connect(configs[0].ray, folder)
        nodes = len(mine.nodes())
        mine.close()
        is_open = bool(mine.ray.is_initialized())
    return {"addresses": addresses, "nodes": nodes, "is_open": is_open, "is_closed": not mine.ray.is_initialized()}


def sheet(folder: Path, address: str) -> bool:
    """Whether a sheet of a still is that of one machine."""
    for engine in ("local", "ray"):
        words = (*TINY, "duration=1s", f"engine={engine}", f"ray.address={address}", "farm.cpus=1")
        made = [stills.Variation(planned(folder, *words, "seed=7"), 0.5, ("seed=7",))]
        stills.make(made, 32, folder / f"{engine}.png")
    return (folder / "local.png").read_bytes() == (folder / "ray.png").read_bytes()


if __name__ == "__main__":
    main()
