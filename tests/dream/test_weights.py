import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipeline.config.limits import LimitsConfig
from pipeline.dream.weights import find_weights, load_weights
from pipeline.errors import InputError
from pipeline.plan.input_files import check_weights


def model() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def load(path: Path) -> nn.Module:
    return load_weights(model(), find_weights("tiny", str(path), None), "tiny")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_weights_load_as_float32(tmp_path: Path, name: str) -> None:
    saved, path = model(), tmp_path / name
    state = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in saved.state_dict().items()}
    save_file(state, path) if name.endswith("safetensors") else torch.save(state, path)
    loaded = load(path).state_dict()
    assert loaded["0.weight"].dtype == torch.float32
    assert torch.allclose(loaded["0.weight"], saved.state_dict()["0.weight"], atol=1e-3)


def test_old_files_without_counters_load(tmp_path: Path) -> None:
    state = {key: tensor for key, tensor in model().state_dict().items() if "num_batches" not in key}
    save_file(state, tmp_path / "w.safetensors")
    load(tmp_path / "w.safetensors")


class Trap:
    """Unpickling it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_with_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    with (tmp_path / "w.pth").open("wb") as file:
        pickle.dump({"0.weight": Trap(sprung)}, file)
    torch.save({"0.weight": Trap(sprung)}, tmp_path / "zip.pth")
    for name in ("w.pth", "zip.pth"):
        with pytest.raises(InputError, match="nothing in it was run"):
            load(tmp_path / name)
    assert not sprung.exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not weights at all", b"\xff" * 4096])
def test_a_broken_file_is_reported(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"network.weights=.*not a"):
        load(tmp_path / name)


def test_weights_of_another_network_are_named(tmp_path: Path) -> None:
    state = dict(model().state_dict())
    save_file(state | {"0.weight": torch.zeros(4, 3, 5, 5)}, tmp_path / "shape.safetensors")
    save_file(state | {"extra": torch.zeros(1)}, tmp_path / "extra.safetensors")
    save_file({"1.bias": state["1.bias"]}, tmp_path / "lost.safetensors")
    save_file(state | {"0.bias": torch.full((4,), torch.nan)}, tmp_path / "nan.safetensors")
    for name, words in {
        "shape": r"0.weight has shape \(4, 3, 5, 5\) instead of \(4, 3, 3, 3\)",
        "extra": "extra is not of this network",
        "lost": "it lacks 0.weight",
        "nan": "not finite",
    }.items():
        with pytest.raises(InputError, match=words):
            load(tmp_path / f"{name}.safetensors")


UNUSABLE = {
    "sparse": (lambda t: t.to_sparse(), r"0.weight is sparse or nested; .*to_dense\(\)"),
    "rows": (lambda t: t.flatten(1).to_sparse_csr(), r"0.weight has shape \(4, 27\)"),
    "meta": (lambda t: t.to("meta"), "0.weight has a shape but no numbers"),
    "complex": (lambda t: t.to(torch.complex64), "0.weight holds complex64 numbers"),
    "int8": (lambda t: (50 * t).to(torch.int8), "0.weight holds int8 numbers"),
    "bool": (lambda t: t > 0, "0.weight holds bool numbers"),
    "zero": (torch.zeros_like, "all its weights are 0"),
}


@pytest.mark.filterwarnings("ignore")  # of PyTorch, about kinds of tensors that it gives up
@pytest.mark.parametrize(("change", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_tensors_that_are_no_plain_numbers_are_named(tmp_path: Path, change: Any, words: str) -> None:
    state = {key: change(tensor) if tensor.dim() > 1 else tensor for key, tensor in model().state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(InputError, match=rf"network.weights={tmp_path}/w.pth: .*{words}"):
        load(tmp_path / "w.pth")


@pytest.mark.filterwarnings("ignore")
def test_quantised_weights_are_named(tmp_path: Path) -> None:
    quantise = torch.quantize_per_tensor
    torch.save(
        {k: quantise(t, 0.1, 0, torch.qint8) if t.dim() > 1 else t for k, t in model().state_dict().items()},
        tmp_path / "w.pth",
    )
    with pytest.raises(InputError, match=r"0.weight is quantised; .*dequantize\(\)|nothing in it was run"):
        load(tmp_path / "w.pth")


def test_packed_weights_count_with_their_unpacked_size(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(3_000_000))
    assert (tmp_path / "w.pth").stat().st_size < 10_000
    with pytest.raises(InputError, match=r"unpacked it has 3 MB; allowed are 1 MB \(limits.weights_gb\)"):
        check_weights(tmp_path / "w.pth", LimitsConfig(weights_gb=0.001))
    check_weights(tmp_path / "w.pth", LimitsConfig(weights_gb=0.004))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InputError, match=r"network.weights=/no/such/file.pth: there is no such file"):
        find_weights("tiny", "/no/such/file.pth", None)


def test_a_wrong_cached_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "net-12345678.pth").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"its SHA-256 begins .* the published one 12345678; delete it"):
        find_weights("net", None, "https://127.0.0.1:9/net-12345678.pth")


def test_a_failed_download_names_url_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    url = "https://127.0.0.1:9/net-12345678.pth"  # nobody listens there
    with pytest.raises(
        InputError, match=rf"fetch {url} elsewhere and put it at {tmp_path}/checkpoints/net-12345678.pth"
    ):
        find_weights("net", None, url)


def test_a_verified_file_must_stay_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    cache = tmp_path / "checkpoints"
    cache.mkdir()
    (cache / "net.pth").write_bytes(b"weights")  # a name without any digits of the hash
    url = "https://127.0.0.1:9/net.pth"
    assert find_weights("net", None, url) == find_weights("net", None, url)
    (cache / "net.pth").write_bytes(b"other weights")
    with pytest.raises(InputError, match="is damaged"):
        find_weights("net", None, url)
