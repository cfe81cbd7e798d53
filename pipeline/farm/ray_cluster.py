"""A Ray cluster: found, or started on this machine for one film. The only file that imports Ray."""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.config import RayConfig, RenderConfig
from pipeline.errors import ConfigError, RenderError
from pipeline.runtime import interrupt

TOKEN = "ray-token"  # a file in the work folder
OBJECT_STORE_BYTES = 10**9
CONNECT_SECONDS = 10.0
LOCAL = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's word for a cluster that listens beyond the loopback
    "RAY_AUTH_MODE": "token",
}
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}


@dataclass
class Cluster:
    """A connection; ``scratch`` is the folder of a Ray that was started for this run. Others may be ``shared``."""

    ray: Any
    scratch: Path | None = None
    shared: bool = False

    def nodes(self) -> list[str]:
        """The ids of the machines that are alive and have cores for tasks."""
        return [node["NodeID"] for node in self._alive() if node["Resources"].get("CPU")]

    def total(self, resource: str) -> float:
        """How much of a resource all machines have."""
        return sum(float(node["Resources"].get(resource, 0)) for node in self._alive())

    def largest(self, resource: str) -> float:
        """The most that one machine has of a resource."""
        return max((float(node["Resources"].get(resource, 0)) for node in self._alive()), default=0.0)

    def on_node(self, node: str, *, strict: bool) -> Any:
        """The strategy that runs a task on this machine, or rather there."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node, soft=not strict)

    def end_process(self, node: str, pid: int) -> None:
        """Kill a worker that hangs; it may not answer anything else."""
        strategy = self.on_node(node, strict=True)
        self.ray.remote(_kill).options(num_cpus=0, max_retries=0, scheduling_strategy=strategy).remote(pid)

    def close(self) -> None:
        """Leave the cluster; ends it if it was started for this run."""
        if self.shared:
            return
        with suppress(Exception):
            self.ray.shutdown()
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _alive(self) -> list[Any]:
        return [node for node in self.ray.nodes() if node["Alive"]]


def is_installed() -> bool:
    """Whether Ray is installed, without importing it."""
    return importlib.util.find_spec("ray") is not None


def check_installed(config: RenderConfig) -> None:
    """Raise RenderError if the config needs Ray and it is not installed."""
    if config.engine == "ray" and not is_installed():
        raise RenderError("engine=ray needs Ray: pip install 'dream-zoom[farm]', or leave engine=local")


def connect(config: RayConfig, folder: Path) -> Cluster:
    """Connect to the cluster at ``ray.address``, or start one on this machine; its token goes to the work ``folder``.

    Raises ConfigError where no cluster answers, RenderError where none starts.
    """
    if config.address is not None:
        _check_address(config.address)
    before = {name: signal.getsignal(name) for name in interrupt.SIGNALS}
    scratch = None
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    environment = {name: value for name, value in QUIET.items() if name not in os.environ}
    if config.address is None:
        scratch = Path(tempfile.mkdtemp(prefix="dream-zoom-ray-"))  # sockets need a short name
        environment |= {**LOCAL, "RAY_AUTH_TOKEN_PATH": str(_write_token(folder.absolute() / TOKEN))}
        options |= {"include_dashboard": config.dashboard, "_node_ip_address": "127.0.0.1"}
        options |= {"_temp_dir": str(scratch), "object_store_memory": OBJECT_STORE_BYTES, "address": "local"}
    else:
        options["address"] = config.address
    os.environ.update(environment)
    try:
        import ray

        if ray.is_initialized():
            return Cluster(ray, shared=True)
        _forget_token()
        _silence()
        ray.init(**options)
    except Exception as error:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        if config.address is None:
            raise RenderError(f"Ray does not start on this machine ({line})") from error
        raise ConfigError("ray.address", config.address, f"no Ray cluster answers there ({line})") from error
    finally:
        interrupt.restore(before)  # Ray takes SIGTERM for itself
    return Cluster(ray, scratch)


@contextmanager
def one_for_all(configs: Sequence[RenderConfig]) -> Iterator[None]:
    """One Ray on this machine for the films of a sweep that would each start their own: sets their ``ray.address``."""
    alone = [config for config in configs if config.engine == "ray" and config.ray.address is None]
    if len(alone) < 2 or not is_installed():
        yield
        return
    with TemporaryDirectory(prefix="dream-zoom-") as folder:
        cluster = connect(alone[0].ray, Path(folder))
        try:
            for config in alone:
                config.ray.address = cluster.ray.get_runtime_context().gcs_address
            yield
        finally:
            cluster.close()


def get(reference: Any) -> Any:
    """What a reference of Ray stands for; in a worker."""
    import ray

    return ray.get(reference)


def node_id() -> str:
    """The id of the machine of this worker."""
    import ray

    return str(ray.get_runtime_context().get_node_id())


def _kill(pid: int) -> None:
    command = Path(f"/proc/{pid}/cmdline")
    if not command.exists() or b"ray::" in command.read_bytes():
        with suppress(ProcessLookupError):  # Ray ended it already
            os.kill(pid, signal.SIGKILL)


def _check_address(address: str) -> None:
    """Raise ConfigError for what is no address, or where nothing listens: Ray itself would try for minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError("ray.address", address, "auto, or HOST:PORT of the head of a cluster")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise ConfigError(
            "ray.address", address, f"no Ray cluster answers there ({error.strerror or error})"
        ) from error


def _write_token(path: Path) -> Path:
    """A new secret that only this user can read."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return path


def _silence() -> None:
    """Keep Ray's messages about killed workers off standard output, which has the paths of the film."""
    with suppress(Exception):
        from ray._private import worker

        worker.print_to_stdstream = lambda data, ignore_prefix: None


def _forget_token() -> None:
    """Make Ray read the token again, in a process that had another one."""
    with suppress(Exception):
        from ray._raylet import AuthenticationTokenLoader  # type: ignore[attr-defined]

        AuthenticationTokenLoader.instance().reset_cache()
