"""How a run stands, in a word of its colour, and its main figure."""

from typing import TYPE_CHECKING, Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.formatting import format_number

if TYPE_CHECKING:
    from vtspec.pipelines.operations.runs import RunSummary
    from vtspec.pipelines.runs import Run

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


def format_resumption(run: "Run") -> str:
    """The command that goes on with a run, where it was carried out."""
    there = () if run.read_workflow() is None else ("--backend", "argo")
    return format_command("vtspec", "run", run.name, "--resume", *there)


def format_figure(found: "RunSummary") -> str:
    """The main figure of a run, nothing before one was measured; and what was typed beside its
    spec, since a try with other values says little of the spec."""
    from vtspec.pipelines.runs.state_phrases import describe_adaptations

    adapted = describe_adaptations(found.state)
    words = (_format_figure(found), adapted.en if adapted else "", _format_overrides(found))
    return ", ".join(filter(None, words))


def _format_figure(found: "RunSummary") -> str:
    if found.result is None:
        return ""
    name, value = found.result
    # Until the final split is measured, val's figures stand in; the two must not be mixed up.
    return f"{name} {format_number(value)}" + ("" if found.state.final.metrics else " (val)")


def _format_overrides(found: "RunSummary") -> str:
    words = [word for one in found.overrides for word in ("--set", one)]
    return f"with {format_command(*words)}" if words else ""
