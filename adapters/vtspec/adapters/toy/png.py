"""8-bit PNGs, read as gray and written as gray, in plain Python: enough for the toy adapter.

The format is RFC 2083 (https://www.w3.org/TR/png-3/); the filters are those of its section 9.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vtspec.adapters.contract import AdapterError

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3}
_LARGEST_SIDE: Final = 16_384


@dataclass(frozen=True, kw_only=True)
class GrayImage:
    """A picture: one byte a pixel, row by row from the top left."""

    width: int
    height: int
    pixels: bytes


def read(path: Path) -> GrayImage:
    """The picture of a PNG with 8 bits a channel, grayscale or RGB (then its luma, ITU-R 601).

    Raises:
        AdapterError: the file is not there, damaged, or a PNG of another form.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AdapterError(f"{path}: {error.strerror}", "give the path of a PNG") from error
    if not data.startswith(_SIGNATURE):
        raise AdapterError(f"{path}: is not a PNG", "the toy adapter reads PNGs alone")
    try:
        return _decode(path, data)
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise AdapterError(f"{path}: is damaged: {error}", "replace or remove the file") from error


def write(path: Path, picture: GrayImage) -> None:
    """Write a grayscale PNG; the same picture always gives the same bytes of pixels."""
    rows = (
        b"\0" + picture.pixels[start : start + picture.width]
        for start in range(0, len(picture.pixels), picture.width)
    )
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 0, 0, 0, 0)
    path.write_bytes(
        _SIGNATURE
        + _build_chunk(b"IHDR", header)
        + _build_chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + _build_chunk(b"IEND", b"")
    )


def resize(picture: GrayImage, height: int, width: int) -> GrayImage:
    """The picture at another size: each pixel is the one nearest to its centre."""
    columns = [(2 * x + 1) * picture.width // (2 * width) for x in range(width)]
    rows = ((2 * y + 1) * picture.height // (2 * height) * picture.width for y in range(height))
    pixels = bytes(picture.pixels[row + column] for row in rows for column in columns)
    return GrayImage(width=width, height=height, pixels=pixels)


def _decode(path: Path, data: bytes) -> GrayImage:
    header, packed = b"", b""
    for kind, content in _iter_chunks(data):
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            packed += content
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if depth != 8 or colour not in _CHANNELS or interlace or max(width, height) > _LARGEST_SIDE:
        raise AdapterError(
            f"{path}: is a PNG of a form that the toy adapter does not read "
            f"({width}x{height}, {depth} bits, colour type {colour}, interlace {interlace})",
            "save it with 8 bits a channel, grayscale or RGB, without interlace or alpha",
        )
    channels = _CHANNELS[colour]
    size = height * (1 + width * channels)
    # Bounded: a small file may unpack to any size.
    raw = zlib.decompressobj().decompress(packed, size)
    if len(raw) < size or not size:
        raise ValueError("it ends too early")
    samples = b"".join(_iter_rows(raw, width * channels, channels))
    return GrayImage(
        width=width, height=height, pixels=_compute_luma(samples) if channels == 3 else samples
    )


def _iter_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        # A damaged picture may still unpack, and would be trained on.
        if crc != zlib.crc32(kind + content):
            raise ValueError(f"the sum of its {kind.decode('latin-1')} chunk is wrong")
        yield kind, content
        at += 12 + length


def _iter_rows(raw: bytes, width: int, channels: int) -> Iterator[bytes]:
    above = bytearray(width)
    for start in range(0, len(raw), width + 1):
        line = bytearray(raw[start + 1 : start + 1 + width])
        _unfilter(raw[start], line, above, channels)
        yield bytes(line)
        above = line


def _unfilter(kind: int, line: bytearray, above: bytearray, step: int) -> None:
    if kind > 4:
        raise ValueError(f"there is no filter {kind}")
    for i, value in enumerate(line):
        left = line[i - step] if i >= step else 0
        up = above[i]
        corner = above[i - step] if i >= step else 0
        guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
        line[i] = (value + guess) & 0xFF


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    distances = (abs(guess - left), abs(guess - up), abs(guess - corner))
    return (left, up, corner)[distances.index(min(distances))]


def _compute_luma(samples: bytes) -> bytes:
    thirds = zip(samples[0::3], samples[1::3], samples[2::3], strict=True)
    return bytes(
        (299 * red + 587 * green + 114 * blue + 500) // 1000 for red, green, blue in thirds
    )


def _build_chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)
