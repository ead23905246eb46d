"""HTML elements from text: what is not `SafeHtml` is escaped, so that nobody can forget it."""

import base64
import struct
from typing import Final

from vtspec.pipelines.reporting.escape import MESSAGE_LENGTH, escape_html

_VOID: Final = frozenset({"img", "meta", "source", "br"})


class SafeHtml(str):
    """HTML that was made here."""


def render_element(name: str, /, *content: str, **attributes: str) -> SafeHtml:
    """One element. Text in it and its attributes' values are escaped; `SafeHtml` content is kept.

    An attribute's trailing underscore goes (`class_`), other underscores become hyphens; one
    whose value is empty stays, as `open=""` does.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escape_value(value)}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return SafeHtml(f"<{name}{told}>")
    return SafeHtml(f"<{name}{told}>{join_escaped(*content)}</{name}>")


def join_escaped(*content: str) -> SafeHtml:
    """The content one after the other, escaped where it is not `SafeHtml`."""
    return SafeHtml(
        "".join(part if isinstance(part, SafeHtml) else escape_html(part) for part in content)
    )


def isolate_text(text: str, limit: int = MESSAGE_LENGTH) -> SafeHtml:
    """What someone else wrote, set apart so that right-to-left text moves nothing around it."""
    return render_element("bdi", SafeHtml(escape_html(text, limit)))


def encode_data_uri(png: bytes) -> SafeHtml:
    """A PNG for `src`."""
    return SafeHtml("data:image/png;base64," + base64.b64encode(png).decode("ascii"))


def parse_png_size(png: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, or None where the bytes are none (W3C PNG, 11.2.1)."""
    # Signature, length and kind, 13 bytes of header, checksum: the least that a PNG begins with.
    if len(png) < 33 or not png.startswith(b"\x89PNG\r\n\x1a\n") or png[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", png[16:24])
    return (width, height) if width and height else None


def _escape_value(value: str) -> str:
    return value if isinstance(value, SafeHtml) else escape_html(value, 2000)
