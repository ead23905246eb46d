"""A plan as a person reads it: what happens, every value and its origin, what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.estimation.estimate import scale_estimate
from vtspec.pipelines.formatting import (
    format_duration,
    pluralize,
)
from vtspec.pipelines.planning.diff import EFFECTS, Change, Effect, find_worst_effect
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.planning.plan_phrases import (
    MEANINGS,
    UNKNOWN,
    describe_plan,
    format_costs,
    format_memory,
    format_names,
    format_time,
    format_value,
    format_weights,
    shorten_hash,
    shorten_value,
)
from vtspec.pipelines.planning.plan_sections import find_idle_settings
from vtspec.pipelines.planning.prior_runs import Comparison, PriorRuns, RunsAs
from vtspec.pipelines.reporting.provenance import collect_licences
from vtspec.pipelines.weights.model import (
    HubWeights,
    UnpinnedWeights,
)

from .styled_text import Line, count_cells, format_paragraph, format_row

PATH_WIDTH: Final = 29

ORIGIN_WIDTH: Final = 15

EFFECT_WIDTH: Final = 8

STYLES: Final[dict[Effect, str]] = {"new run": "yellow", "same run": "cyan", "cosmetic": "dim"}


@dataclass(frozen=True, kw_only=True)
class PlaceNotes:
    """What there is to say of where a plan is carried out: `environment` is the one that a
    run here would be in, `caution` what one on the cluster may come to."""

    environment: str | None = None
    caution: str | None = None


def format_plan(
    made: Plan,
    beside: PriorRuns,
    width: int,
    carry_out: str | None = None,
    place: PlaceNotes | None = None,
) -> list[Line]:
    """Everything about a plan, in lines of at most `width` columns.

    `carry_out` is the command that a person types next; None where the next thing is a question.
    """
    place = place or PlaceNotes()
    warnings = _collect_warnings(made, beside, place.caution)
    return [
        *_format_header(made, width),
        *(_format_seeds(beside, width) if beside.seeds else _format_status(beside, width)),
        *_format_warnings(warnings, width),
        *_format_heading("Values"),
        *_format_values(made, width),
        *_format_heading("Licences"),
        *_format_licences(made, width),
        *_format_heading("Steps"),
        *_format_steps(made, width),
        *_format_heading("Estimate"),
        *_format_estimate(made, place.environment, width),
        *_format_left(beside, width),
        *_format_comparison("the baseline", beside.baseline, width),
        *_format_comparison("the last run", beside.last, width),
        *_format_meanings(beside, width),
        *_format_footer(made, warnings, carry_out, width),
    ]


def format_refusal(refusal: Exception, width: int) -> Iterator[Line]:
    """Why the plan cannot be carried out here, in place of the command to type."""
    message, _, fix = str(refusal).partition("\n")
    words = f"it cannot be carried out here: {message}"
    yield from format_paragraph(words, width, mark="", style="yellow")
    yield from format_paragraph(fix, width)


def _format_heading(title: str) -> list[Line]:
    return [(), ((title, "bold"),)]


def _format_header(made: Plan, width: int) -> Iterator[Line]:
    yield ((made.id, "bold"),)
    yield ((f"  {made.spec_path}", "dim"),)
    if made.description:
        yield from format_paragraph(made.description, width, style="italic")
    yield from format_paragraph(describe_plan(made), width)


def _format_status(beside: PriorRuns, width: int) -> list[Line]:
    run, result = beside.run, f", {beside.result}" if beside.result else ""
    result += f", {beside.registration}" if beside.registration else ""
    result += f"; {beside.later}" if beside.later else ""
    report = format_command("vtspec", "report", run or "")
    logs = format_command("vtspec", "logs", "-f", run or "")
    match beside.runs_as:
        case "new":
            words = "a new run" if run is None else f"a new run: the last one, {run}, failed"
            return format_paragraph(words, width, mark="  + ", style="green")
        case "done" if beside.too_late is not None:
            words = f"already run: {run}{result}; {beside.too_late.message}"
            return format_paragraph(words, width, mark="  ! ", style="yellow")
        case "done" if beside.update is not None:
            words = f"already run: {run}{result}; same result, other policy: {beside.update}, as "
            words += f"{beside.completion}"
            return format_paragraph(words, width, mark="  ~ ", style="cyan")
        case "done":
            words = f"already run: {run}{result}; see '{report}', or add --again"
            return format_paragraph(words, width, mark="  = ", style="cyan")
        case "running":
            words = f"running now: {run}; look on with '{logs}'"
            return format_paragraph(words, width, mark="  = ", style="cyan")
        case "cut short":
            words = f"cut short: {run}; go on with --resume, or begin anew with --again"
            return format_paragraph(words, width, mark="  > ", style="yellow")


_STANDINGS: Final[dict[RunsAs, str]] = {
    "new": "a new run",
    "done": "already run",
    "running": "running now",
    "cut short": "cut short, go on with --resume",
}


def _format_seeds(beside: PriorRuns, width: int) -> Iterator[Line]:
    yield from _format_heading(f"{len(beside.seeds)} plans, one a seed, judged together")
    for one in beside.seeds:
        told = (_STANDINGS[one.runs_as], one.result, one.later, one.update, one.too_late)
        seed, name = str(one.plan.training.seed), one.plan.id
        texts = [("", 1, ""), (seed, 10, ""), (name, len(name) + 1, "")]
        yield from format_row(texts, (", ".join(filter(None, told)), "dim"), width)


def _format_left(beside: PriorRuns, width: int) -> Iterator[Line]:
    left = [one.plan for one in beside.seeds if one.runs_as != "done"]
    if not beside.seeds:
        return
    if not left:
        yield from format_row([("", 1, ""), ("all seeds", 9, "")], ("nothing is left", ""), width)
        return
    # They differ in their seed alone, so that each is thought to take the same.
    whole = scale_estimate(left[0].estimate, len(left))
    many = pluralize(len(left), "run")
    costs = format_costs(replace(left[0], estimate=whole))
    words = f"{many} left: {format_time(whole)}; cost {costs}"
    yield from format_row([("", 1, ""), ("all seeds", 9, "")], (words, ""), width)


def _format_values(made: Plan, width: int) -> Iterator[Line]:
    unset: dict[str, list[str]] = {}
    idle = find_idle_settings(made.to_json()["training"])
    for path, value in iter_values(made):
        origin = made.origins.get(path, "")
        section, _, name = path.partition(".")
        # One that somebody chose is shown, and warned of.
        if section == "training" and name in idle and origin == "default":
            continue
        # A row for each would bury the few values that somebody chose.
        if value is None and origin == "default" and name:
            unset.setdefault(section, []).append(name)
            continue
        is_long = path == "dataset.classes"
        shown = format_names(made.dataset.classes) if is_long else format_value(value)
        yield from _format_value_row(path, shown, origin, width)
    # A plan that is judged alone says nothing of seeds, which nobody would find here then.
    if not made.report.seeds:
        unset.setdefault("report", []).append("seeds")
    for section, names in unset.items():
        texts = [("", 1, ""), (f"{section}, not set", PATH_WIDTH, "dim")]
        yield from format_row(texts, (format_names(tuple(names), 8), "dim"), width)
    left_out = [name for name in idle if made.origins.get(f"training.{name}") == "default"]
    if left_out:
        texts = [("", 1, ""), ("training, no effect", PATH_WIDTH, "dim")]
        told = ", ".join(f"{name} ({idle[name]})" for name in left_out)
        yield from format_row(texts, (told, "dim"), width)


def _format_value_row(path: str, value: str, origin: str, width: int) -> list[Line]:
    style = "dim" if origin == "default" else ""
    # A field's name is typed after `--set`: a long one takes of the value's column, and is whole.
    wide = max(PATH_WIDTH, count_cells(path))
    texts = [("", 1, ""), (path, wide, style)]
    texts.append((value, width - wide - ORIGIN_WIDTH - 4, style))
    return format_row(texts, (origin, "dim"), width)


def iter_values(made: Plan) -> Iterator[tuple[str, object]]:
    """Path and value of everything that was resolved, in the order of a spec."""
    framework, dataset = made.framework, made.dataset
    yield "task", made.task
    yield (
        "framework",
        f"{framework.name} (adapter {framework.adapter} {framework.adapter_version})",
    )
    yield "model.name", made.model.name
    yield "model.weights", format_weights(made)
    match made.model.configuration:
        case HubWeights(id=name, revision=revision):
            yield "model.configuration", f"{name} at {revision[:12]}"
        case UnpinnedWeights(source=source):
            yield "model.configuration", f"{source}, not pinned"
    yield "dataset.name", dataset.name
    yield "dataset.hash", shorten_hash(dataset.hash)
    yield "dataset.classes", dataset.classes
    yield "dataset.finalSplit", dataset.final_split
    raw = made.to_json()
    for section in ("training", "params", "resources", "export", "tracking", "report"):
        yield from _iter_leaves(raw[section], section)


def _iter_leaves(section: Mapping[str, object], above: str) -> Iterator[tuple[str, object]]:
    for key, value in section.items():
        path = f"{above}.{key}"
        # The keys of class weights are names of classes, which are no fields and may hold dots.
        if isinstance(value, Mapping) and path != "training.classWeights":
            yield from _iter_leaves(value, path)
        else:
            yield path, value


def _format_licences(made: Plan, width: int) -> Iterator[Line]:
    for what, licence in collect_licences(made.to_json()):
        yield from format_row([("", 1, ""), (what, 9, "")], (licence, ""), width)


def _format_steps(made: Plan, width: int) -> Iterator[Line]:
    for step in made.steps:
        may = step.resources
        words = [pluralize(may.gpus, "GPU")] if may.gpus else []
        words.append(pluralize(may.cpus, "core"))
        after = f"after {' and '.join(step.needs)}" if step.needs else ""
        texts = [("", 1, ""), (step.name, 9, ""), (", ".join(words), 17, "")]
        yield from format_row(texts, (after, "dim"), width)


def _format_estimate(made: Plan, environment: str | None, width: int) -> Iterator[Line]:
    guess, gpu = made.estimate, made.resources.gpu_type
    rows = [
        ("time", f"{format_time(guess)}, of at most {made.resources.max_duration}"),
        ("memory", f"{format_memory(guess.memory_bytes)}, of {made.resources.memory}"),
    ]
    if made.resources.gpus:
        need = format_memory(guess.gpu_memory_bytes)
        rows.append(("GPU", need if need == UNKNOWN.en else f"{need} on each {gpu or 'GPU'}"))
    if guess.report_seconds is not None:
        of_it = format_duration(guess.report_seconds, "rough")
        rows.insert(1, ("report", f"about {of_it} of that"))
    rows.append(("cost", format_costs(made)))
    if environment is not None:
        rows.append(("runs in", environment))
    for name, words in rows:
        yield from format_row([("", 1, ""), (name, 9, "")], (words, ""), width)
    yield from format_paragraph(guess.basis, width, style="dim")


def _format_warnings(warnings: tuple[str, ...], width: int) -> Iterator[Line]:
    if not warnings:
        return
    yield from _format_heading(_count_warnings(warnings))
    for warning in warnings:
        yield from format_paragraph(warning, width, mark="  ! ", style="yellow")


def _collect_warnings(made: Plan, beside: PriorRuns, caution: str | None) -> tuple[str, ...]:
    others = (beside.changed_data, caution)
    return (*made.warnings, *beside.unknown, *(one for one in others if one))


def _count_warnings(warnings: tuple[str, ...]) -> str:
    return pluralize(len(warnings), "warning")


def _format_comparison(what: str, other: Comparison | None, width: int) -> Iterator[Line]:
    if other is None:
        return
    yield ()
    effect = find_worst_effect(other.changes)
    title = f"Against {what} {other.name}"
    if count_cells(title) + 2 + count_cells(other.note) <= width:
        yield ((title, "bold"), (f"  {other.note}", "dim"))
    else:
        yield from format_paragraph(title, width, mark="", style="bold")
        yield from format_paragraph(other.note, width, style="dim")
    if effect is None:
        yield from format_paragraph("nothing differs", width)
    for change in other.changes:
        yield from _format_change(change, width)


def _format_change(change: Change, width: int) -> list[Line]:
    if change.before is None:
        mark, words = "+", shorten_value(change.after)
    elif change.after is None:
        mark, words = "-", f"{shorten_value(change.before)} → none"
    else:
        mark, words = "~", f"{shorten_value(change.before)} → {shorten_value(change.after)}"
    style = STYLES[change.effect]
    wide = max(PATH_WIDTH - 2, count_cells(change.path))
    texts = [("", 1, ""), (mark, 1, style), (change.path, wide, "")]
    return format_row(
        [*texts, (words, width - wide - EFFECT_WIDTH - 6, "")], (change.effect, style), width
    )


def _format_meanings(beside: PriorRuns, width: int) -> Iterator[Line]:
    shown = (beside.baseline, beside.last)
    effects = {change.effect for other in shown if other is not None for change in other.changes}
    if effects:
        yield ()
    for effect in EFFECTS:
        if effect in effects:
            words = f"{effect}: {MEANINGS[effect].en}"
            yield from format_paragraph(words, width, style="dim")


def _format_footer(
    made: Plan, warnings: tuple[str, ...], carry_out: str | None, width: int
) -> Iterator[Line]:
    yield ()
    # A terminal shows the end of a long text, and they stand at its beginning.
    if warnings:
        yield ((f"{_count_warnings(warnings)} above", "yellow"),)
    yield from format_paragraph(f"digest {made.digest}", width, mark="", style="dim")
    if carry_out is not None:
        yield (("carry it out with: ", "dim"), (carry_out, "bold"))
