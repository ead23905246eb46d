"""The list of the container images, for people and for programs."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from .styled_text import Line
from .table import format_table

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


def format_images(states: "Sequence[ImageState]", width: int | None = None) -> Iterator[Line]:
    """Lay out one image a row, and below why one that is here is not as its files say."""
    rows = [_format_row(each) for each in states]
    yield from format_table(HEADINGS, rows, lambda _, cell: _STYLES.get(cell, ""), width=width)
    for each in states:
        if each.differences:
            told = f"{each.source.name} was built from other files: {'; '.join(each.differences)}"
            yield ((told, _STYLES["outdated"]),)


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
