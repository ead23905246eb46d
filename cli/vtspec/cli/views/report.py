"""A report for the terminal: verdict, gates, figures, what got worse, and where the page is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from vtspec.pipelines.planning.diff import Change
from vtspec.pipelines.reporting.escape import one_line
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.figures import MISSING, duration, number
from vtspec.pipelines.reporting.phrases import (
    EFFECTS,
    baseline_of,
    changed,
    difference_of,
    gate_outcome,
    gate_value,
    interval_words,
    measured_on,
    order_words,
    training_words,
    value_of,
)
from vtspec.pipelines.reporting.provenance import setting

from .styled_text import Line, cells, paragraph

_WORST: Final = 5
_MOST_CHANGES: Final = 30
_STYLES: Final = {
    "passed": "bold green",
    "missed": "bold red",
    "failed": "bold red",
    "interrupted": "bold yellow",
    "none": "bold",
    "unfinished": "bold yellow",
}
_JUDGED: Final = {"better": "green", "worse": "red", "same": "dim"}


def report_lines(facts: Facts, width: int) -> list[Line]:
    """The report in the terminal's form, without the paths of its files."""
    return [
        *_head(facts, width),
        *_gates(facts),
        *_metrics(facts),
        *_notes(facts, width),
        *_classes(facts),
        *_warnings(facts, width),
    ]


def comparison_lines(facts: Facts, width: int) -> list[Line]:
    """Two runs side by side: figures, plan, classes, times."""
    title: Line = (
        (_plain(facts.run, 60), "bold"),
        (" against ", ""),
        (_plain(facts.baseline, 60), "bold"),
    )
    return [
        title,
        *_caveats(facts, width),
        *_compared(facts),
        *_changes(facts.changes),
        *_classes(facts),
        *_times(facts),
    ]


def _plain(text: str | None, limit: int = 40) -> str:
    # Names and messages of others must not move a terminal's cursor or change its colours.
    return one_line(text or "", limit)


def _head(facts: Facts, width: int) -> Iterator[Line]:
    yield (
        (facts.verdict.headline, _STYLES[facts.verdict.name]),
        (f"  {_plain(facts.run, 60)}", ""),
    )
    if facts.failure is not None:
        yield from paragraph(_plain(facts.failure.message, 2000), width)
        if facts.failure.fix:
            yield from paragraph(f"fix: {_plain(facts.failure.fix, 500)}", width)
    words = training_words(facts.training)
    told = [f"{words}." if words else "", f"Time: {facts.times.in_words}."]
    yield from paragraph(" ".join(part for part in told if part), width, style="dim")


def _gates(facts: Facts) -> Iterator[Line]:
    rows = [
        (_plain(gate.rule, 60), gate_value(gate), gate_outcome(gate))
        for gate in facts.verdict.gates
    ]
    styles = [_STYLES["passed" if gate.passed else "missed"] for gate in facts.verdict.gates]
    yield from _table(("gate", "value", ""), rows, styles)


def _metrics(facts: Facts) -> Iterator[Line]:
    names = [_plain(row.name) for row in facts.metrics]
    values = [value_of(row) for row in facts.metrics]
    if facts.baseline is None:
        yield from _table(("metric", "this run"), list(zip(names, values, strict=True)))
        return
    rows = [
        (name, value, baseline_of(row), difference_of(row))
        for name, value, row in zip(names, values, facts.metrics, strict=True)
    ]
    yield from _table(("metric", "this run", "baseline", "difference"), rows, _judged(facts))


def _compared(facts: Facts) -> Iterator[Line]:
    rows = [
        (_plain(row.name), baseline_of(row), value_of(row), difference_of(row))
        for row in facts.metrics
    ]
    yield from _table(("metric", "before", "after", "difference"), rows, _judged(facts))


def _judged(facts: Facts) -> list[str]:
    return [_JUDGED.get(row.judgement or "", "") for row in facts.metrics]


def _notes(facts: Facts, width: int) -> Iterator[Line]:
    words = " ".join(part for part in (measured_on(facts), interval_words(facts)) if part)
    if words:
        yield from paragraph(words, width, style="dim")
    if facts.baseline is not None:
        yield from paragraph(f"Baseline: {_plain(facts.baseline, 60)}.", width, style="dim")
    elif facts.baseline_wanted is not None:
        yield (("  No finished run of the baseline yet; make one with:", "dim"),)
        yield ((f"  vtspec run {_plain(facts.baseline_wanted)}", ""),)
    yield from _caveats(facts, width)


def _caveats(facts: Facts, width: int) -> Iterator[Line]:
    for sentence in facts.caveats:
        yield from paragraph(f"{sentence}.", width, mark="! ", style="yellow")


def _classes(facts: Facts) -> Iterator[Line]:
    worst = facts.classes[:_WORST]
    if not worst or facts.ranked_by is None:
        return
    yield ()
    yield ((f"classes, {order_words(facts)}", "bold"),)
    figure = facts.ranked_by
    rows = [
        (_plain(row.name), number(row.values.get(figure)), changed(row.change)) for row in worst
    ]
    has_change = any(row.change is not None for row in worst)
    header = ("class", _plain(figure), "change")
    cut = 3 if has_change else 2
    yield from _table(header[:cut], [row[:cut] for row in rows], gap=False)


def _warnings(facts: Facts, width: int) -> Iterator[Line]:
    if facts.warnings:
        yield ()
    for line in facts.warnings:
        yield from paragraph(f"warning: {_plain(line, 600)}", width, mark="! ", style="yellow")


def _changes(changes: Sequence[Change]) -> Iterator[Line]:
    yield ()
    if not changes:
        yield (("the plans are the same", "bold"),)
        return
    yield (("what differs in the plans", "bold"),)
    rows = [
        (
            _plain(one.path, 50),
            _setting(one.path, one.before),
            _setting(one.path, one.after),
            EFFECTS[one.effect],
        )
        for one in changes[:_MOST_CHANGES]
    ]
    yield from _table(("field", "before", "after", ""), rows, gap=False)
    if len(changes) > _MOST_CHANGES:
        yield (
            (f"  … and {len(changes) - _MOST_CHANGES} more: --output json has them all", "dim"),
        )


def _setting(path: str, value: object) -> str:
    return MISSING if value is None else _plain(setting(path, value), 30)


def _times(facts: Facts) -> Iterator[Line]:
    old = facts.baseline_times.steps if facts.baseline_times is not None else ()
    before = {step.name: step.seconds for step in old}
    after = {step.name: step.seconds for step in facts.times.steps}
    rows = [
        (_plain(name), duration(before.get(name)), duration(after.get(name)))
        for name in dict.fromkeys((*before, *after))
    ]
    yield from _table(("step", "before", "after"), rows)


def _table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Iterable[str] = (),
    *,
    gap: bool = True,
) -> Iterator[Line]:
    """Aligned columns under a header; the last column in the row's style. Nothing of no rows."""
    if not rows:
        return
    if gap:
        yield ()
    widths = [max(cells(row[n]) for row in (header, *rows)) for n in range(len(header))]
    yield _row(header, widths, "dim", "dim")
    told = [*styles] or [""] * len(rows)
    for row, style in zip(rows, told, strict=True):
        yield _row(row, widths, "", style)


def _row(row: Sequence[str], widths: Sequence[int], style: str, last: str) -> Line:
    *first, end = row
    spans = [
        (f"  {text}{' ' * (width - cells(text))}", style)
        for text, width in zip(first, widths, strict=False)
    ]
    return (*spans, (f"  {end}", last))
