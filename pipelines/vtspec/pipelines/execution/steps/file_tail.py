"""The lines of a file that another process is writing, each once, in bounded memory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_BLOCK: Final = 1 << 20


class Tail:
    """Reads on from `offset`. A line longer than `longest` bytes is given cut to that length."""

    def __init__(self, path: Path, *, offset: int = 0, longest: int = 1 << 20) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._offset, self._longest = offset, longest
        self._begun = b""
        self._is_cut = False

    def read_lines(self) -> list[bytes]:
        """The lines completed since the last call, without their ends; one block at a time.

        An empty list means that nothing new is there, or that no line is complete yet: see
        `is_behind`.
        """
        block = os.pread(self._fd, _BLOCK, self._offset)
        self._offset += len(block)
        *whole, rest = block.split(b"\n")
        found: list[bytes] = []
        for end in whole:
            line, self._begun = self._begun + end, b""
            if not self._is_cut:
                found.append(line[: self._longest])
            self._is_cut = False
        self._buffer_rest(rest, found)
        return found

    @property
    def is_behind(self) -> bool:
        """Whether there is more to read."""
        return os.fstat(self._fd).st_size > self._offset

    def read_rest(self) -> list[bytes]:
        """Everything left, a last line without its end too."""
        found = []
        while self.is_behind:
            found += self.read_lines()
        if self._begun and not self._is_cut:
            found.append(self._begun)
        self._begun = b""
        return found

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _buffer_rest(self, rest: bytes, found: list[bytes]) -> None:
        self._begun += rest if not self._is_cut else b""
        if len(self._begun) > self._longest:
            found.append(self._begun[: self._longest])
            self._begun, self._is_cut = b"", True


@contextmanager
def open_tail(path: Path, offset: int = 0, longest: int = _BLOCK) -> Iterator[Tail]:
    """A `Tail` that is closed when this is left."""
    tail = Tail(path, offset=offset, longest=longest)
    try:
        yield tail
    finally:
        tail.close()
