"""In which precision and memory order a network is fastest: measured once for each network and machine, then kept.

That depends on the network's kernels and on the machine. On one processor with instructions for bfloat16 half precision
halves the time of VGG and adds half to that of depthwise convolutions; channels last takes three quarters of the time
for some networks and more time for others. Every choice computes the same but for rounding, and so other bits: it is
part of what frames depend on, made once and told in the record.
"""

import hashlib
import json
import logging
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from pipeline.config import NetworkConfig
from pipeline.dream.network import Network
from pipeline.runtime.cache import cache_folder
from pipeline.runtime.device import DTYPES, device_words

log = logging.getLogger(__name__)

Way = tuple[torch.dtype, bool]
"""Of the convolutions' numbers, and whether channels come last in memory."""

SIDE = 224  # pixels, of the picture that the time is measured with; longer by a third the other way
ROUNDS = 3
HOPELESS = 1.3  # times the best way's time: not tried again
GAIN = 0.92  # of the other's time at most: what is hardly faster is not worth other bits


def place(
    network: Network,
    config: NetworkConfig,
    device: torch.device,
    dtypes: Sequence[torch.dtype],
    before: Way | None = None,
) -> Network:
    """The network on its device, in the fastest of these precisions and the memory order that ``config`` asks for.

    ``before`` is the way in which it ran before, where it has to run so again.
    """
    ways = list(product(dtypes, _orders(config, device, dtypes)))
    if before in ways:
        return network.to(device, *before)
    if len(ways) == 1:
        return network.to(device, *ways[0])
    layer = network.resolve(config.layers[-1], "network.layers") if config.layers else network.main_layers()[-1]
    path = cache_folder("pace") / f"{_key(network, layer, device, ways)}.json"
    if _read(path, ways) is None and not _can_keep(path):
        # What cannot be kept might come out differently the next time.
        log.info(f"{path.parent} cannot be written, so how {network.name} runs fastest is not measured")
        return network.to(device, *ways[0])
    if _read(path, ways) is None:
        log.info(f"measuring how {network.name} runs fastest on this machine; this is done once")
        _write(path, ways, fastest(measure(network, layer, device, ways)))
    # The first of several that measure at the same time decides for all.
    return network.to(device, *(_read(path, ways) or ways[0]))


def way_of(spec: Mapping[str, object]) -> Way | None:
    """The way that is told in what the frames of an unfinished film depend on."""
    dtype, last = DTYPES.get(str(spec.get("device.precision"))), spec.get("device.channels_last")
    return (dtype, last) if dtype is not None and isinstance(last, bool) else None


def measure(network: Network, layer: str, device: torch.device, ways: Sequence[Way]) -> dict[Way, float]:
    """Seconds of a pass to ``layer`` and back to the picture in each way: the best of some that took turns."""
    side = max(SIDE, network.smallest([layer]))
    noise = torch.rand(1, 3, side, side * 4 // 3, generator=torch.Generator().manual_seed(0)).to(device)
    clock = time.process_time if device.type == "cpu" else time.perf_counter  # of this process: others do not count
    times: dict[Way, float] = {}
    for number in range(ROUNDS):
        hopeless = HOPELESS * min(times.values(), default=0.0)
        for way in ways:
            if number and times[way] > hopeless:
                continue
            network.to(device, *way)
            if number == 0:
                _pass(network, layer, noise, clock)  # the first one plans
            times[way] = min(times.get(way, float("inf")), _pass(network, layer, noise, clock))
    return times


def fastest(times: dict[Way, float]) -> Way:
    """The way to take: an earlier one, unless a later one is faster by far enough."""
    best, *others = times
    for way in others:
        if times[way] < GAIN * times[best]:
            best = way
    return best


def _orders(config: NetworkConfig, device: torch.device, dtypes: Sequence[torch.dtype]) -> tuple[bool, ...]:
    if isinstance(config.channels_last, bool):
        return (config.channels_last,)
    if device.type == "cuda" and torch.float32 not in dtypes:
        return (True,)  # a GPU's units for half precision read channels last
    return (False, True)


def _pass(network: Network, layer: str, noise: Tensor, clock: Callable[[], float]) -> float:
    begin = clock()
    with torch.enable_grad():
        leaf = noise.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(network.activations(leaf, [layer])[layer].square().mean(), leaf)
    float(gradient[0, 0, 0, 0])  # waits for the device
    return clock() - begin


def _key(network: Network, layer: str, device: torch.device, ways: Sequence[Way]) -> str:
    """Of everything that the times depend on, but for what else runs."""
    machine = [device_words(device), platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability()]
    shares = [torch.__version__, torch.get_num_threads(), os.cpu_count()]
    parts = [network.name, network.weights.sha256, layer, _words(ways), *shares, *machine]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _words(ways: Sequence[Way]) -> list[list[str | bool]]:
    names = {dtype: name for name, dtype in DTYPES.items()}
    return [[names[dtype], last] for dtype, last in ways]


def _read(path: Path, ways: Sequence[Way]) -> Way | None:
    """Which of these ways was found to be the fastest; None where nothing was found yet that makes sense."""
    try:
        return ways[_words(ways).index(json.loads(path.read_text(encoding="utf-8")))]
    except (OSError, ValueError):
        return None


def _can_keep(path: Path) -> bool:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        part.unlink()
    except OSError:
        return False
    return True


def _write(path: Path, ways: Sequence[Way], found: Way) -> None:
    """Whole, and only where there is none; a cache that cannot be written is no reason to stop."""
    part, text = path.with_name(f".{path.name}.{os.getpid()}"), json.dumps(_words([found])[0])
    with suppress(OSError):
        if path.exists() and _read(path, ways) is None:
            path.unlink()  # damaged
        part.write_text(text, encoding="utf-8")
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        except OSError:  # there are file systems without links
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    with suppress(OSError):
        part.unlink()
