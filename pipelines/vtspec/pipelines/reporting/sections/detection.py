"""The section on what a detector does wrong."""

from typing import Final

from vtspec.pipelines.formatting import format_number
from vtspec.pipelines.reporting import document as doc
from vtspec.pipelines.reporting.facts import Facts

_MEANINGS: Final = {
    "Cls": "right place, wrong class",
    "Loc": "right class, wrong place",
    "Both": "wrong class and wrong place",
    "Dupe": "an object that was found already",
    "Bkg": "nothing is there",
    "Miss": "an object that nothing found",
    "FP": "all that was found and is wrong",
    "FN": "all that was there and not found",
}
"""TIDE's kinds, in its order; an adapter's own are not ours to explain."""


def list_error_types(facts: Facts) -> doc.Section:
    """What a detector does wrong, and what each kind costs."""
    told = {one.name: one for one in facts.results.error_types}
    rows = tuple(
        (
            name,
            meaning,
            "" if told[name].count is None else f"{told[name].count:,}",
            format_number(told[name].delta_ap),
        )
        for name, meaning in _MEANINGS.items()
        if name in told
    )
    titles = ("Error", "What it is", "Count", "AP50 it costs")
    table = doc.Table("Errors", tuple(map(doc.Column, titles, "llrr")), rows)
    note = doc.write("What AP at IoU 0.5 would gain without one kind alone (TIDE).", is_note=True)
    return doc.Section("error types", "Error types", (table, note) if rows else ())
