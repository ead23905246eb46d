"""How a run stands, in a word of its colour, and its main figure."""

from typing import TYPE_CHECKING, Final

from vtspec.pipelines.formatting import format_number

if TYPE_CHECKING:
    from vtspec.pipelines.operations.runs import RunSummary

STATUS_STYLES: Final = {
    "succeeded": "green",
    "running": "cyan",
    "failed": "red",
    "crashed": "red",
    "refused": "red",
    "killed": "yellow",
    "interrupted": "yellow",
    "stopped": "yellow",
}
"""The style of each status, and of the ending of a step."""


def format_figure(found: "RunSummary") -> str:
    """The main figure of a run; nothing before one was measured."""
    if found.result is None:
        return ""
    name, value = found.result
    # Until the final split is measured, val's figures stand in; the two must not be mixed up.
    return f"{name} {format_number(value)}" + ("" if found.state.final.metrics else " (val)")
