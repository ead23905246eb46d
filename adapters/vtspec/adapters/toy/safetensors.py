"""The `.safetensors` format for 32-bit floats, in plain Python.

Eight bytes with the header's length, a JSON header, then the numbers, little-endian and without
gaps (https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import math
import struct
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.system_errors import is_shortage


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Numbers in row-major order: as many as the shape's product."""

    shape: tuple[int, ...]
    values: array[float]


def write(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors, in the mapping's order; the same tensors always give the same bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **(metadata or {})}}
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
    with _refuse_malformed(path):
        header, data = _split(path)
        header.pop("__metadata__", None)
        _check_layout(header, len(data))
        return {name: _parse_tensor(entry, data) for name, entry in header.items()}


def read_metadata(path: Path) -> dict[str, str]:
    """What `write` was given as metadata. Raises `AdapterError` as `read` does."""
    with _refuse_malformed(path):
        header, _ = _split(path)
        return {str(name): str(text) for name, text in header.get("__metadata__", {}).items()}


def select_rows(tensors: Mapping[str, Tensor], rows: Sequence[int]) -> dict[str, Tensor]:
    """The tensors with only those rows (their first dimension), in that order.

    Raises:
        AdapterError: one has no such row.
    """
    found = {}
    for name, tensor in tensors.items():
        count, *rest = tensor.shape or (0,)
        if max(rows) >= count:
            raise AdapterError(
                f"{name} has {count} rows, and its file names a class for row {max(rows)}",
                "give another file of weights",
            )
        width = len(tensor.values) // count
        values = array("f")
        for row in rows:
            values.extend(tensor.values[row * width : (row + 1) * width])
        found[name] = Tensor(shape=(len(rows), *rest), values=values)
    return found


@contextmanager
def _refuse_malformed(path: Path) -> Iterator[None]:
    try:
        yield
    except RecursionError as error:
        raise _make_error(path, "its header is nested too deep") from error
    except (OSError, struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        if is_shortage(error):
            raise
        raise _make_error(path, f"{error}") from error


def _make_error(path: Path, why: str) -> AdapterError:
    return AdapterError(
        f"{path}: cannot be read as 32-bit safetensors: {why}",
        "give a whole .safetensors file with tensors of type F32",
    )


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in its header")
    return found


def _check_layout(header: Mapping[str, JsonObject], size: int) -> None:
    """Raise ValueError unless the tensors fill the `size` bytes one after the other.

    What the reference implementation refuses too: gaps, overlaps, and what follows the last one.
    """
    reached = 0
    if foreign := {entry["dtype"] for entry in header.values()} - {"F32"}:
        raise ValueError(f"it holds numbers of type {min(foreign)}")
    for name, entry in sorted(header.items(), key=lambda item: tuple(item[1]["data_offsets"])):
        (start, end), shape = entry["data_offsets"], entry["shape"]
        if any(type(one) is not int or one < 0 for one in (start, end, *shape)):
            raise ValueError(f"place or shape of '{name}' are no whole numbers from 0 on")
        if start != reached:
            raise ValueError(f"'{name}' begins at byte {start}, not at {reached}")
        if end - start != 4 * math.prod(shape):
            raise ValueError(f"'{name}' has {end - start} bytes, and not those of its shape")
        reached = end
    if reached > size:
        raise ValueError("it ends too early")
    if reached < size:
        raise ValueError(f"{size - reached} bytes follow its last tensor")


def _split(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header, and the numbers behind it."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data.ljust(8, b"\xff"))
    if 8 + length > len(data):
        raise ValueError("it ends within its header")
    header = json.loads(data[8 : 8 + length], object_pairs_hook=_refuse_doubles)
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    return header, data[8 + length :]


def _parse_tensor(entry: JsonObject, data: bytes) -> Tensor:
    start, end = entry["data_offsets"]
    values = array("f")
    values.frombytes(data[start:end])
    return Tensor(shape=tuple(entry["shape"]), values=_to_little_endian(values))


def _to_little_endian(values: array[float]) -> array[float]:
    if sys.byteorder == "little":
        return values
    swapped = array("f", values)
    swapped.byteswap()
    return swapped
