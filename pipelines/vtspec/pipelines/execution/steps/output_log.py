"""`output.log`: every byte that a framework printed, save what is secret.

The adapter prints into a hidden file that its owner alone can read; whoever listens copies it, and
removes it after the step. The file begins with how long `output.log` was then, so that what
a vtspec that was killed had not copied, or had copied by half, is copied once.
"""

import os
import re
from pathlib import Path
from typing import BinaryIO, Final

from vtspec.pipelines.redaction import MARK, StreamRedactor, redact_text

OUTPUT_FILE: Final = "output.log"
_PRINTED_FILE: Final = ".printed-{step}.log"

_LENGTH: Final = re.compile(rb"[0-9]{1,18}")

_BLOCK: Final = 1 << 20
_LONGEST_LINE: Final = 1 << 16
"""Bytes after which a line is copied before its end has come."""

_LONGEST_SECRET: Final = 1 << 14
"""Bytes that are kept back of such a line, since a secret may have begun in them."""


class OutputCopy:
    """What one step prints: `printed` for its process to write into, `begin` where that begins."""

    def __init__(self, folder: Path, step: str) -> None:
        recover_output(folder, step)
        self.path = folder / _PRINTED_FILE.format(step=step)
        self._output = (folder / OUTPUT_FILE).open("ab")
        self.printed = open_private(self.path)
        self.printed.write(b"%d\n" % self._output.tell())
        self.printed.flush()
        self.begin = self._offset = self.printed.tell()
        self._rest = b""
        self._hidden = StreamRedactor()

    def copy(self) -> None:
        """Copy the lines that are whole."""
        fd = self.printed.fileno()
        while block := os.pread(fd, _BLOCK, self._offset):
            self._offset += len(block)
            # A progress bar ends its lines with a return. A secret may come in two pieces.
            text = self._rest + block
            end = 1 + max(text.rfind(b"\n"), text.rfind(b"\r"))
            if end == 0 and len(text) > _LONGEST_LINE:
                end = _find_cut(text)
            self._write(text[:end])
            self._rest = text[end:]
            if len(self._rest) > _BLOCK:
                # Nothing but secrets, as far as anybody can tell.
                self._output.write(MARK.encode())
                self._rest = b""
        self._output.flush()

    def close(self) -> None:
        """Copy what is left, and remove what was printed."""
        self.copy()
        self._write(self._rest)
        self._output.close()
        self.printed.close()
        self.path.unlink(missing_ok=True)

    def _write(self, printed: bytes) -> None:
        text = printed.decode(errors="surrogateescape")
        self._output.write(self._hidden.redact_piece(text).encode(errors="surrogateescape"))


def recover_output(folder: Path, step: str) -> None:
    """Copy what the adapter of a killed vtspec still printed; nothing where there is none."""
    path = folder / _PRINTED_FILE.format(step=step)
    try:
        begin, newline, printed = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return
    # Killed before it said so: nothing was printed yet.
    if newline:
        with (folder / OUTPUT_FILE).open("ab") as output:
            # A damaged number says nothing of what was copied: rather twice than not at all.
            if _LENGTH.fullmatch(begin) and int(begin) <= output.tell():
                output.truncate(int(begin))
            output.write(_redact(printed))
    path.unlink()


def open_private(path: Path) -> BinaryIO:
    """The file, made anew, to read and to append to; for nobody else to read."""
    path.unlink(missing_ok=True)
    return open(path, "ab+", opener=lambda name, flags: os.open(name, flags, 0o600))


def _find_cut(line: bytes) -> int:
    """Where the line can be cut so that no secret is in two; 0 where nobody can tell."""
    whole = _redact(line)
    cuts = range(len(line) - _LONGEST_SECRET, 0, -_LONGEST_SECRET)
    return next((cut for cut in cuts if _redact(line[:cut]) + _redact(line[cut:]) == whole), 0)


def _redact(printed: bytes) -> bytes:
    return redact_text(printed.decode(errors="surrogateescape")).encode(errors="surrogateescape")
