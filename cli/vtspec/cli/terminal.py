"""What a command writes: the one way from any text to the terminal.

Names in data, models, errors of libraries and words that were typed come from others. `main` puts
a `VisibleStream` in place of standard output and standard error, so that no command can forget
it; what is coloured, or draws a bar, makes its words visible itself and goes past it.
"""

import codecs
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, TextIO

from vtspec.schema.visible_text import make_visible

_WORDS: Final = re.compile(r"[^\n\t]+")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class VisibleStream(io.TextIOWrapper):
    """A text stream in which nothing acts on a terminal, and no secret stands.

    A terminal is shown every character that cannot be seen; in a file, which may be data for a
    program, only controls and lone surrogates are spelled out. `styled` is the stream below.
    """

    def __init__(self, styled: io.TextIOWrapper) -> None:
        self.styled = styled
        self._pattern = _WORDS if styled.isatty() else _CONTROLS
        self._is_ascii = codecs.lookup(styled.encoding).name == "ascii"
        super().__init__(
            styled.buffer,
            # Past a stream that says it is ASCII, click writes on its own.
            encoding="utf-8" if self._is_ascii else styled.encoding,
            errors="backslashreplace",
            newline="\n",
            line_buffering=styled.line_buffering,
        )

    def isatty(self) -> bool:
        """Whether it ends at a terminal."""
        return self.styled.isatty()

    def write(self, text: str) -> int:
        """Write the text, made visible; the length is that of the text as it was given."""
        shown = _redact(text)
        shown = self._pattern.sub(lambda found: make_visible(found[0]), shown)
        if self._is_ascii:
            shown = shown.encode("ascii", "backslashreplace").decode()
        super().write(shown)
        return len(text)


def make_printable(text: str) -> str:
    """One line of text for a stream that is not a `VisibleStream`: what it makes of a line."""
    return make_visible(_redact(text))


def _redact(text: str) -> str:
    # Here, since who imports this module need not write anything.
    from vtspec.pipelines.redaction import redact_text

    return redact_text(text)


def get_styled_stream(stream: TextIO) -> TextIO:
    """Where colours and bars are written to, whose words are made visible beforehand."""
    if not isinstance(stream, VisibleStream):
        return stream
    # Both write to one file, and what came first has to stand first.
    stream.flush()
    return stream.styled


@contextmanager
def show_visibly() -> Iterator[None]:
    """Everything that is printed meanwhile goes through a `VisibleStream`."""
    before = sys.stdout, sys.stderr
    # Python has none for a descriptor that was closed before it started.
    ours = [VisibleStream(one) if isinstance(one, io.TextIOWrapper) else one for one in before]
    sys.stdout, sys.stderr = ours
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for one in ours:
            # Nobody may read any more. Undetached, it would close the file for all.
            if isinstance(one, VisibleStream):
                with suppress(OSError, ValueError):
                    one.flush()
                with suppress(OSError, ValueError):
                    one.detach()
