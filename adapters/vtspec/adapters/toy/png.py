"""PNGs, read as the gray that they show and written as gray, in plain Python: enough for the toy
adapter. What they show is as in `data.image_decoding`.

The format is RFC 2083 (https://www.w3.org/TR/png-3/); the filters are those of its section 9.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.system_errors import is_shortage

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Numbers of a pixel by colour type: grey, RGB, palette, grey with alpha, RGB with alpha."""

_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7: Final = (
    ((0, 0), (8, 8)),
    ((4, 0), (8, 8)),
    ((0, 4), (4, 8)),
    ((2, 0), (4, 4)),
    ((0, 2), (2, 4)),
    ((1, 0), (2, 2)),
    ((0, 1), (1, 2)),
)
"""Where each pass of an interlaced picture begins, and its steps: x and y (section 8)."""

_ORIENTATION_TAG: Final = 274
_LARGEST_SIDE: Final = 16_384


@dataclass(frozen=True, kw_only=True)
class GrayImage:
    """A picture: one byte a pixel, row by row from the top left."""

    width: int
    height: int
    pixels: bytes


def read(path: Path) -> GrayImage:
    """The picture of a PNG of any depth and colour: its luma (ITU-R 601), over white.

    Raises:
        AdapterError: the file is not there, damaged, or a PNG of another form.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        if is_shortage(error):
            raise
        raise AdapterError(f"{path}: {error.strerror}", "give the path of a PNG") from error
    if not data.startswith(_SIGNATURE):
        raise AdapterError(f"{path}: is not a PNG", "the toy adapter reads PNGs alone")
    try:
        return _decode(path, data)
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        # What Python says of its own calls tells nobody what is wrong with a picture.
        why = str(error) if type(error) is ValueError else "it ends too early, or was changed"
        raise AdapterError(f"{path}: is damaged: {why}", "replace or remove the file") from error


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


@dataclass(frozen=True, kw_only=True)
class _Header:
    width: int
    height: int
    depth: int
    colour: int
    interlace: int

    @property
    def pixel_bits(self) -> int:
        return _CHANNELS[self.colour] * self.depth

    @property
    def row_bytes(self) -> int:
        return (self.width * self.pixel_bits + 7) // 8

    @property
    def size(self) -> int:
        """Bytes of its rows, each with its filter; 0 where it has no pixel."""
        return self.height * (1 + self.row_bytes) if self.width > 0 and self.height > 0 else 0

    def take(self, at: tuple[int, int], step: tuple[int, int]) -> _Header:
        """The header of every `step`th pixel from `at` on, both x and y."""
        return replace(
            self,
            width=-((at[0] - self.width) // step[0]),
            height=-((at[1] - self.height) // step[1]),
        )


def _decode(path: Path, data: bytes) -> GrayImage:
    parts: dict[bytes, bytes] = {}
    for kind, content in _iter_chunks(data):
        # A picture may lie in several parts; of all else the first counts.
        if kind == b"IDAT" or kind not in parts:
            parts[kind] = parts.get(kind, b"") + content
    head = parts.get(b"IHDR", b"")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", head)
    header = _Header(width=width, height=height, depth=depth, colour=colour, interlace=interlace)
    if (
        depth not in _DEPTHS.get(colour, ())
        or interlace not in (0, 1)
        or max(width, height) > _LARGEST_SIDE
    ):
        raise AdapterError(
            f"{path}: is a PNG of a form that the toy adapter does not read ({width}x{height}, "
            f"{depth} bits, colour type {colour}, interlace {interlace})",
            f"save it with 8 bits a channel and at most {_LARGEST_SIDE} pixels a side",
        )
    passes = [
        (at, step, part)
        for at, step in (_ADAM7 if interlace else (((0, 0), (1, 1)),))
        if (part := header.take(at, step)).size
    ]
    size = sum(part.size for _, _, part in passes)
    # Bounded: a small file may unpack to any size.
    raw = zlib.decompressobj().decompress(parts.get(b"IDAT", b""), size)
    if len(raw) < size or not size:
        raise ValueError("it ends too early")
    pixels, begin = bytearray(width * height), 0
    for (left, top), (across, down), part in passes:
        shown = _show(raw[begin : begin + part.size], part, parts)
        begin += part.size
        for row in range(part.height):
            start = (top + row * down) * width
            line = shown[row * part.width : (row + 1) * part.width]
            pixels[start + left : start + width : across] = line
    picture = GrayImage(width=width, height=height, pixels=bytes(pixels))
    return _turn(picture, _read_orientation(parts.get(b"eXIf", b"")))


def _show(raw: bytes, header: _Header, parts: Mapping[bytes, bytes]) -> bytes:
    """The rows of a picture, or of one pass of it, as gray."""
    rows = _iter_rows(raw, header.row_bytes, max(1, header.pixel_bits // 8))
    clear = parts.get(b"tRNS")
    if header.depth == 8 and header.colour in (0, 2) and clear is None:
        samples = b"".join(rows)
        return samples if header.colour == 0 else _compute_luma(samples)
    return b"".join(
        _convert_row(_unpack_samples(line, header), header, parts.get(b"PLTE", b""), clear)
        for line in rows
    )


def _unpack_samples(line: bytes, header: _Header) -> Sequence[int]:
    """The numbers of one row, as many as it has pixels and channels."""
    if header.depth == 16:
        return struct.unpack(f">{len(line) // 2}H", line)
    if header.depth == 8:
        return line
    shifts = range(8 - header.depth, -1, -header.depth)
    whole = [byte >> shift & (1 << header.depth) - 1 for byte in line for shift in shifts]
    # The last byte of a row is filled up.
    return whole[: header.width]


def _convert_row(
    samples: Sequence[int], header: _Header, palette: bytes, clear: bytes | None
) -> bytes:
    """One row as it is shown: in 8 bits, over white where it is transparent, as luma."""
    highest, channels = (1 << header.depth) - 1, _CHANNELS[header.colour]
    hidden = struct.unpack(f">{channels}H", clear) if clear and header.colour in (0, 2) else None
    shown = bytearray()
    for start in range(0, len(samples), channels):
        values = tuple(samples[start : start + channels])
        alpha = 0 if values == hidden else 255
        if header.colour == 3:
            (index,) = values
            if 3 * index + 3 > len(palette):
                raise ValueError(f"its palette has no colour {index}")
            alpha = clear[index] if clear and index < len(clear) else 255
            colours = tuple(palette[3 * index : 3 * index + 3])
        else:
            # The upper 8 bits of 16; fewer are stretched.
            colours = tuple(v >> 8 if highest > 255 else v * 255 // highest for v in values)
            if header.colour in (4, 6):
                *parts, alpha = colours
                colours = tuple(parts)
        over = bytes((v * alpha + 255 * (255 - alpha) + 127) // 255 for v in colours)
        shown += over if len(over) == 1 else _compute_luma(over)
    return bytes(shown)


def _read_orientation(exif: bytes) -> int:
    """How EXIF asks to turn or mirror the picture, 1 for not at all; damaged EXIF asks for
    nothing."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for index in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * index)
            if tag == _ORIENTATION_TAG:
                return int(value) if value in range(2, 9) else 1
    except struct.error:
        pass
    return 1


def _turn(picture: GrayImage, orientation: int) -> GrayImage:
    """The picture upright, by EXIF's number (CIPA DC-008, 4.6.4)."""
    if orientation == 1:
        return picture
    width, height, pixels = picture.width, picture.height, picture.pixels
    lies = orientation >= 5
    if lies:
        lines = [pixels[x::width] for x in range(width)]
    else:
        lines = [pixels[start : start + width] for start in range(0, len(pixels), width)]
    if orientation in (3, 4, 7, 8):
        lines.reverse()
    if orientation in (2, 3, 6, 7):
        lines = [line[::-1] for line in lines]
    return GrayImage(
        width=height if lies else width, height=width if lies else height, pixels=b"".join(lines)
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
