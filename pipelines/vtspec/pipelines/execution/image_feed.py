"""Images told to an adapter through a named pipe, as they come to be."""

import errno
import os
import threading
import time
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

_PAUSE_S: Final = 0.05

_HUNGRY_S: Final = 0.5
"""After which an adapter that answers nothing is told more images than it was to be told."""


@dataclass(frozen=True, kw_only=True)
class ComingImages:
    """Files that come to be one by one, in a thread of their own, `ahead` of the answers that were
    taken; `folders` are those that they lie in, or come to lie in."""

    paths: Generator[Path, None, None]
    folders: tuple[Path, ...]
    ahead: int


class ImageFeed:
    """Writes the paths of `images` into a pipe that is made at `pipe`, while it is entered.

    No more than so many are ahead of the answers, however slowly these are taken. An adapter that
    wants all images before it answers (none may, but nothing keeps it from that) gets them in the
    end.
    """

    def __init__(self, pipe: Path, images: ComingImages) -> None:
        self._pipe, self._images = pipe, images
        self._changed = threading.Condition()
        self._told = self._taken = 0
        self._waits_since: float | None = None
        self._is_over = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="image-feed", daemon=True)

    def __enter__(self) -> "ImageFeed":
        os.mkfifo(self._pipe, 0o600)
        self._waits_since = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def give(self) -> None:
        """Somebody is at work on an answer: the adapter need not be told more for that."""
        with self._changed:
            self._waits_since = None

    def take(self) -> None:
        """An answer was taken, and the next one is waited for."""
        with self._changed:
            self._taken += 1
            self._waits_since = time.monotonic()
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            # Whatever makes the files ends with this, such as the reading of a video.
            with closing(self._images.paths):
                self._pour()
        except BaseException as error:
            self._error = error

    def _pour(self) -> None:
        pipe = self._open()
        if pipe is None:
            return
        try:
            for path in self._images.paths:
                if not self._await_turn() or not self._write(pipe, path):
                    return
                self._told += 1
        finally:
            os.close(pipe)

    def _open(self) -> int | None:
        """The pipe once the adapter reads it; None where that never came to it."""
        while not self._has_ended():
            # Without waiting in the kernel, where nobody could end it.
            with suppress(OSError):
                return os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
            time.sleep(_PAUSE_S)
        return None

    def _await_turn(self) -> bool:
        with self._changed:
            while not self._is_over:
                since = self._waits_since
                is_hungry = since is not None and time.monotonic() - since > _HUNGRY_S
                if is_hungry or self._told - self._taken < self._images.ahead:
                    return True
                self._changed.wait(_PAUSE_S)
        return False

    def _write(self, pipe: int, path: Path) -> bool:
        left = os.fsencode(path.absolute()) + b"\n"
        while left and not self._has_ended():
            try:
                left = left[os.write(pipe, left) :]
            except BlockingIOError:
                time.sleep(_PAUSE_S)
            except OSError as error:
                # The adapter has gone, and says why.
                if error.errno == errno.EPIPE:
                    return False
                raise
        return not left

    def _has_ended(self) -> bool:
        with self._changed:
            return self._is_over
