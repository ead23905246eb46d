"""The `.safetensors` format for 32-bit floats, in plain Python.

Eight bytes with the header's length, a JSON header, then the numbers, little-endian and without
gaps (https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.json_types import JsonObject


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Numbers in row-major order: as many as the shape's product."""

    shape: tuple[int, ...]
    values: array[float]


def write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors, in the mapping's order; the same tensors always give the same bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + 4 * len(tensor.values)
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    # Readers map the numbers into memory: the header is padded so that they lie aligned.
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(_to_little_endian(tensor.values).tobytes())


def read(path: Path) -> dict[str, Tensor]:
    """All tensors of a file.

    Raises:
        AdapterError: it is not a whole `.safetensors` file, or holds other than 32-bit floats.
    """
    try:
        data = path.read_bytes()
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        return {name: _parse_tensor(entry, data[8 + length :]) for name, entry in header.items()}
    except (OSError, struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AdapterError(
            f"{path}: cannot be read as 32-bit safetensors: {error}",
            "give a whole .safetensors file with tensors of type F32",
        ) from error


def _parse_tensor(entry: JsonObject, data: bytes) -> Tensor:
    if entry["dtype"] != "F32":
        raise ValueError(f"it holds numbers of type {entry['dtype']}")
    start, end = entry["data_offsets"]
    if end > len(data):
        raise ValueError("it ends too early")
    values = array("f")
    values.frombytes(data[start:end])
    return Tensor(shape=tuple(entry["shape"]), values=_to_little_endian(values))


def _to_little_endian(values: array[float]) -> array[float]:
    if sys.byteorder == "little":
        return values
    swapped = array("f", values)
    swapped.byteswap()
    return swapped
