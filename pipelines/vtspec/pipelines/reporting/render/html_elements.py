"""HTML elements from text: what is not `Safe` is escaped, so that forgetting it is impossible."""

import base64
import struct
from typing import Final

from vtspec.pipelines.reporting.escape import MESSAGE_LENGTH, html_text

_VOID: Final = frozenset({"img", "meta", "source", "br"})


class Safe(str):
    """HTML that was made here."""


def element(name: str, /, *content: str, **attributes: str) -> Safe:
    """One element. Text in it and its attributes' values are escaped; `Safe` content is kept.

    An attribute's trailing underscore goes (`class_`), other underscores become hyphens; one
    whose value is empty stays, as `open=""` does.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return Safe(f"<{name}{told}>")
    return Safe(f"<{name}{told}>{inside(*content)}</{name}>")


def inside(*content: str) -> Safe:
    """The content one after the other, escaped where it is not `Safe`."""
    return Safe("".join(part if isinstance(part, Safe) else html_text(part) for part in content))


def foreign(text: str, limit: int = MESSAGE_LENGTH) -> Safe:
    """What someone else wrote, set apart so that right-to-left text moves nothing around it."""
    return element("bdi", Safe(html_text(text, limit)))


def data_uri(png: bytes) -> Safe:
    """A PNG for `src`."""
    return Safe("data:image/png;base64," + base64.b64encode(png).decode("ascii"))


def png_size(png: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, or None where the bytes are none (W3C PNG, 11.2.1)."""
    if len(png) < 33 or not png.startswith(b"\x89PNG\r\n\x1a\n") or png[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", png[16:24])
    return (width, height) if width and height else None


def _value(value: str) -> str:
    return value if isinstance(value, Safe) else html_text(value, 2000)
