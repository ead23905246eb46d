"""Standard output and error, of which no command dies: what they do not take is noted, and told
at the end."""

import errno
import io
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TextIO

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

OUTPUT_LOST: Final = os.EX_IOERR
"""Exit code of a command that did what was asked and could not say so: 74."""


class OutputFile(io.FileIO):
    """A descriptor whose writes never fail: `lost` is the first error, and the rest is dropped.

    `on_loss` is called once, when the error comes; `before` ahead of every write.
    """

    def __init__(self, fd: int) -> None:
        super().__init__(fd, "w", closefd=False)
        self.lost: OSError | None = None
        self.on_loss: Callable[[], None] = lambda: None
        self.before: Callable[[], None] = lambda: None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write as much as is taken now, waiting where a shared descriptor does not block."""
        self.before()
        if self.lost is None:
            try:
                while (written := super().write(data)) is None:
                    select.select([], [self], [])
                return written
            except OSError as error:
                self.lost = error
                self.on_loss()
        return memoryview(data).nbytes


def open_streams() -> None:
    """Replace the standard streams by ones that are there, and whose writes never raise.

    A descriptor that was closed before the start is filled, so that no file of ours gets its
    number, and with what refuses to be used, so that the loss is noticed.
    """
    for fd, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(fd)
        except OSError:
            # The lowest free number is given, which is this one.
            os.open(os.devnull, flags)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)))
    sys.stdout, sys.stderr = _wrap(sys.stdout, 1), _wrap(sys.stderr, 2)
    # Through a pipe standard output waits for more, and standard error does not: what was said
    # first would be read last.
    below = getattr(sys.stderr.buffer, "raw", None)
    if isinstance(below, OutputFile):
        below.before = _flush_output


def _flush_output() -> None:
    # A signal may come in the midst of a write, which cannot be entered a second time.
    with suppress(RuntimeError, ValueError):
        sys.stdout.flush()


def close_streams(code: int) -> int:
    """Write out what waits and return the exit code: `code`, or 74 where it was 0 and is not true.

    Who closed the pipe (head, less) has read enough: that is no loss.
    """
    sys.stdout.flush()
    file = find_output_file()
    lost = None if file is None else file.lost
    if lost is not None and lost.errno != errno.EPIPE:
        click.echo(
            f"standard output could not be written: {lost.strerror}\n"
            "  fix: send it somewhere else; all that was asked for is done",
            err=True,
        )
        code = code or OUTPUT_LOST
    sys.stderr.flush()
    return code


@contextmanager
def watch_output(on_loss: Callable[[], None]) -> Iterator[None]:
    """Within, `on_loss` is called as soon as nobody reads standard output any more."""
    file = find_output_file()
    if file is not None:
        file.on_loss = on_loss
    try:
        yield
    finally:
        if file is not None:
            file.on_loss = lambda: None


def find_output_file() -> OutputFile | None:
    """What is below standard output; None where that is not ours, as in a test."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, OutputFile) else None


def _wrap(stream: TextIO | None, fd: int) -> TextIO:
    # Not the one that Python made is closed here: `sys.__stdout__` still has it.
    old = stream if isinstance(stream, io.TextIOWrapper) else None
    return io.TextIOWrapper(
        io.BufferedWriter(OutputFile(fd)),
        encoding=old.encoding if old else "utf-8",
        # A file's name may be no text, and a terminal may not know every letter.
        errors="backslashreplace",
        line_buffering=old.line_buffering if old else fd == 2,
        write_through=old.write_through if old else False,
    )
