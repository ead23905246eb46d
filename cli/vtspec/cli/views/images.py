"""The list of the container images, for people and for programs."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from .styled_text import Line, count_cells, pad_text

if TYPE_CHECKING:
    from vtspec.pipelines.operations.images import ImageState

HEADINGS: Final = ("image", "adapter", "tasks", "here", "pinned")

_LOCAL: Final = {
    "built": "built",
    "outdated": "outdated",
    "absent": "not built",
    "unknown": "not known",
}

_STYLES: Final = {"outdated": "yellow"}


def format_table(states: "Sequence[ImageState]") -> list[Line]:
    """Lay out one image a row, and below why one that is here is not as its files say."""
    rows = [HEADINGS, *(_format_row(each) for each in states)]
    widths = [max(count_cells(row[column]) for row in rows) for column in range(len(HEADINGS))]
    styles = ["bold", *(_STYLES.get(each.local, "") for each in states)]
    lines: list[Line] = []
    for row, style in zip(rows, styles, strict=True):
        cells = (pad_text(cell, width) for cell, width in zip(row, widths, strict=True))
        lines.append((("  ".join(cells).rstrip(), style),))
    for each in states:
        if each.differences:
            told = f"{each.source.name} was built from other files: {'; '.join(each.differences)}"
            lines.append(((told, _STYLES["outdated"]),))
    return lines


def format_json(states: "Sequence[ImageState]") -> str:
    """Write the list as JSON; `local` is built, outdated, absent or unknown."""
    return json.dumps(
        [
            {
                "name": each.source.name,
                "framework": each.source.framework.name if each.source.framework else None,
                "adapter": each.source.framework.adapter if each.source.framework else None,
                "tasks": list(each.source.framework.tasks) if each.source.framework else [],
                "digest": each.source.framework.digest if each.source.framework else None,
                "local": each.local,
                "differences": list(each.differences),
            }
            for each in states
        ],
        indent=2,
    )


def _format_row(state: "ImageState") -> tuple[str, ...]:
    framework = state.source.framework
    if framework is None:
        return (state.source.name, "-", "-", _LOCAL[state.local], "-")
    return (
        state.source.name,
        f"{framework.adapter} {framework.adapter_version}",
        ", ".join(framework.tasks),
        _LOCAL[state.local],
        framework.digest or "not yet",
    )
