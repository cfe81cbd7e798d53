"""Reads Caffe's trained networks (``.caffemodel``) without Caffe: the few protobuf fields that hold weights.

The message types are NetParameter, LayerParameter, V1LayerParameter and BlobProto of Caffe's ``caffe.proto``.
"""

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
LAYERS = {100: (1, 7), 2: (4, 6)}  # field of a layer (new, old format) → fields of its name and its blobs
LEGACY_SHAPE = (1, 2, 3, 4)
SHAPE, DATA, DOUBLE_DATA = 7, 5, 8
MAX_DIMENSIONS = 8
PARTS = ("weight", "bias")

Field = tuple[int, int, memoryview | int]


def read_caffemodel(path: Path) -> dict[str, Tensor]:
    """``conv1/7x7_s2`` and its blobs → ``conv1.7x7_s2.weight`` and ``….bias``. Raises ValueError for a damaged file."""
    tensors = {}
    for field, kind, layer in _fields(memoryview(path.read_bytes())):
        if field not in LAYERS or kind != BYTES:
            continue
        name_field, blob_field = LAYERS[field]
        parts = list(_fields(layer))
        name = "".join(bytes(text).decode() for number, _, text in parts if number == name_field and _is_bytes(text))
        blobs = [_blob(blob) for number, _, blob in parts if number == blob_field]
        for part, blob in zip(PARTS, blobs, strict=False):
            tensors[f"{name.replace('/', '.')}.{part}"] = blob
    return tensors


def _blob(content: memoryview | int) -> Tensor:
    """The numbers of a BlobProto in their shape, without the leading ones of the old format."""
    fields = list(_fields(content))
    values = [bytes(part) for number, _, part in fields if number == DATA and _is_bytes(part)]
    doubles = [bytes(part) for number, _, part in fields if number == DOUBLE_DATA and _is_bytes(part)]
    numbers = np.frombuffer(b"".join(values), "<f4") if values else np.frombuffer(b"".join(doubles), "<f8")
    shapes = [shape for number, _, shape in fields if number == SHAPE]
    if shapes:
        shape = [size for _, _, dims in _fields(shapes[0]) for size in _varints(dims)]
    else:
        sizes: Mapping[int, int] = {number: size for number, _, size in fields if isinstance(size, int)}
        shape = [sizes.get(number, 1) for number in LEGACY_SHAPE]
        while len(shape) > 1 and shape[0] == 1:
            shape.pop(0)
    if len(shape) > MAX_DIMENSIONS or prod(shape) != len(numbers):
        raise ValueError(f"a blob of shape {tuple(shape)[:MAX_DIMENSIONS]} has {len(numbers)} numbers")
    return torch.from_numpy(numbers.astype(np.float32)).reshape(shape)


def _fields(message: memoryview | int) -> Iterator[Field]:
    """(number, wire type, value) of every field of a message."""
    if isinstance(message, int):
        raise ValueError("a number in place of a message")
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = _varint(message, position)
            yield number, kind, value
            continue
        if kind == BYTES:
            length, position = _varint(message, position)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"unknown wire type {kind}")
        if position + length > len(message):
            raise ValueError("it ends too early")
        yield number, kind, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """(value, position behind it)."""
    value = 0
    for count, byte in enumerate(message[position : position + 10]):
        value |= (byte & 127) << (7 * count)
        if byte < 128:
            return value, position + count + 1
    raise ValueError("it ends too early, or a number is too long")


def _varints(packed: memoryview | int) -> Iterator[int]:
    if isinstance(packed, int):
        yield packed
        return
    position = 0
    while position < len(packed):
        value, position = _varint(packed, position)
        yield value


def _is_bytes(value: memoryview | int) -> bool:
    return not isinstance(value, int)
