"""The sections on the run as a whole: its verdict, its figures, what was run and from what."""

from typing import Final

from vtspec.pipelines.formatting import (
    MISSING,
    format_duration,
    format_epoch,
    format_number,
    format_pauses,
    join_ends,
    pluralize,
)
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.reporting import document as doc
from vtspec.pipelines.reporting import judgement_phrases, phrases
from vtspec.pipelines.reporting.comparison import MetricRow
from vtspec.pipelines.reporting.escape import MESSAGE_LENGTH
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.provenance import RunTimes, format_setting
from vtspec.pipelines.reporting.resampling import Interval
from vtspec.pipelines.reporting.verdict import Gate

_MOST_CHANGES: Final = 30
"""Differences that a terminal shows; a page scrolls, and markdown has a budget."""


_MOST_DECIDING: Final = 8


def describe_verdict(facts: Facts, tongue: Tongue = "en") -> doc.Section:
    """The verdict, what it is of, why it failed, and the gates."""
    verdict, failure = facts.verdict, facts.failure
    subject = (facts.task, facts.model, facts.dataset)
    title = doc.Title(
        verdict=verdict.name,
        mark=phrases.MARKS[verdict.name],
        headline=verdict.headline.say(tongue),
        name=doc.Quote(facts.title),
        run=doc.Quote(facts.run, html=120, terminal=60),
        subject=tuple(doc.Quote(part, html=80) for part in subject if part),
    )
    about = doc.Quotation(facts.description) if facts.description else None
    trained = phrases.describe_training(facts.training)
    words = f"{trained}. " if trained else ""
    blocks = (
        title,
        _name_overrides(facts, tongue),
        _name_adaptations(facts, tongue),
        doc.show_only("html", about),
        None if failure is None else doc.FailureNote(failure.message, failure.fix),
        # Of a run that failed, a comment shows why first and keeps its room for that.
        None if verdict.name == "failed" else doc.show_only("markdown", about),
        doc.show_only(
            "terminal", doc.write(f"{words}Time: {facts.times.in_words}.", is_note=True)
        ),
        _make_gate_table(facts, tongue) if verdict.gates else None,
    )
    return doc.Section("verdict", "", blocks)


def _name_overrides(facts: Facts, tongue: Tongue) -> doc.Paragraph | None:
    """That the run is a try with other values than the spec of its name has."""
    if not facts.overrides:
        return None
    typed = doc.Quote(
        facts.overrides, MESSAGE_LENGTH, MESSAGE_LENGTH, MESSAGE_LENGTH, is_code=True
    )
    words = Sentence(en="With ", ko="덮어쓴 값: ").say(tongue)
    return doc.write(words, typed, is_note=True)


def _name_adaptations(facts: Facts, tongue: Tongue) -> doc.Paragraph | None:
    """That the figures are of another training than was planned."""
    if facts.adapted is None:
        return None
    told = facts.adapted.say(tongue)
    what = Sentence(
        en=". Training went on otherwise than planned, and the run is no baseline without a word.",
        ko=". 학습이 계획과 다르게 이어졌으며, 따로 허용하지 않으면 베이스라인이 아닙니다.",
    )
    return doc.write(doc.Quote(told[:1].upper() + told[1:]), what.say(tongue), is_note=True)


def _make_gate_table(facts: Facts, tongue: Tongue) -> doc.Table:
    rows = tuple(
        (
            doc.Quote(gate.rule, 130, 130, 60, is_code=True),
            phrases.format_gate_value(gate, tongue),
            _mark_outcome(gate, tongue),
        )
        for gate in facts.verdict.gates
    )
    gate, value, outcome = (one.say(tongue) for one in _GATE_COLUMNS)
    columns = (
        doc.Column(gate),
        doc.Column(value, "r", "main"),
        doc.Column(outcome, terminal=""),
    )
    return doc.Table("Gates", columns, rows, are_cards=True)


_GATE_COLUMNS: Final = (
    Sentence(en="Gate", ko="게이트"),
    Sentence(en="Value", ko="값"),
    Sentence(en="Outcome", ko="결과"),
)


def _mark_outcome(gate: Gate, tongue: Tongue) -> doc.Mark:
    kept: doc.MarkKind = "passed" if gate.is_certain else "uncertain"
    words = phrases.format_gate_outcome(gate, tongue)
    return doc.Mark(words, kept if gate.passed else "missed")


def summarize_figures(facts: Facts) -> doc.Section:
    """The few figures that most readers came for."""
    found: list[tuple[doc.Part, str, str]] = []
    for row in (facts.find_metric(facts.main), facts.find_metric("loss")):
        if row is not None and row.value is not None:
            words = (
                [judgement_phrases.format_difference(row)] if row.difference is not None else []
            )
            words += [phrases.name_figures(facts).lower()] if facts.is_over_seeds else []
            note = ", ".join(words)
            found.append((doc.Quote(row.name, is_term=True), phrases.format_value(row), note))
    training, times = facts.training, facts.times
    if training.epochs is not None:
        best = training.best_epoch
        note = "" if best is None else f"best at {format_epoch(best)}"
        found.append(("epochs", format_epoch(training.epochs), note))
    if times.actual_s is not None:
        words = ["without the report"]
        words += [f"estimated {format_duration(times.estimated_s)}"] if times.estimated_s else []
        words += [format_pauses(times.pauses).removeprefix(", ")] if times.pauses else []
        found.append(("time", format_duration(times.actual_s), ", ".join(words)))
    return doc.Section("summary", "", (doc.Tiles(tuple(found)) if found else None,))


def list_warnings(facts: Facts, tongue: Tongue = "en") -> doc.Section:
    """What a person should know, licences among it."""
    length = MESSAGE_LENGTH
    lines = tuple((doc.Quote(one.say(tongue), length, length, length),) for one in facts.warnings)
    title = Sentence(en=pluralize(len(lines), "warning"), ko=f"경고 {len(lines):,}개")
    callout = doc.Callout(title.say(tongue), lines, is_section=True)
    return doc.Section("warnings", "", (callout if lines else None,))


def compare_metrics(facts: Facts, tongue: Tongue = "en") -> doc.Section:
    """The final figures against the baseline's."""
    describe = (
        phrases.describe_split,
        phrases.describe_interval,
        judgement_phrases.describe_judging,
    )
    words = tuple(one(facts, tongue) for one in describe)
    notes = doc.write(" ".join(filter(None, words)), is_note=True) if any(words) else None
    lead = (
        *_name_baseline(facts, tongue),
        _make_caveats(facts, tongue),
        _name_deciding(facts, tongue),
    )
    # Pages prepare for the figures before they show them; a terminal begins with them.
    on_pages = (
        doc.show_only("pages", *lead),
        doc.show_only("markdown", notes),
        _make_metric_table(facts, tongue),
        doc.show_only("html", notes),
    )
    behind = doc.show_only("terminal", notes, *lead)
    title = Sentence(en="Metrics", ko="지표").say(tongue)
    return doc.Section("metrics", title, (*(on_pages if facts.metrics else ()), behind))


def describe_seeds(facts: Facts, tongue: Tongue = "en") -> doc.Section:
    """The runs that are judged together, and what their figures are together."""
    title = Sentence(en="Seeds", ko="시드").say(tongue)
    if not facts.seeds.runs:
        return doc.Section("seeds", title, ())
    name = facts.main or ""
    unfinished = Sentence(en="not finished", ko="미완료").say(tongue)
    rows = tuple(
        (
            str(one.seed),
            doc.Quote(one.run or f"{one.plan_id}, {unfinished}", terminal=70),
            format_number(one.metrics.get(name)),
        )
        for one in facts.seeds.runs
    )
    seed, run, figure = (one.say(tongue) for one in _SEED_COLUMNS)
    last = doc.Column(doc.Quote(name) if name else figure, "r")
    runs = doc.Table("Runs of the seeds", (doc.Column(seed), doc.Column(run), last), rows)
    spread = tuple(
        (
            doc.Quote(one.name),
            format_number(one.deviation),
            _format_interval(one.interval, tongue),
        )
        for one in facts.seeds.spreads
    )
    columns = tuple(doc.Column(one.say(tongue)) for one in _SPREAD_COLUMNS)
    together = doc.Table("Over the seeds", columns, spread)
    blocks = (
        doc.write(judgement_phrases.describe_seed_judging(facts, tongue), is_note=True),
        together if spread else None,
        runs,
    )
    return doc.Section("seeds", title, blocks)


def _format_interval(interval: Interval, tongue: Tongue) -> str:
    low, high = interval
    return join_ends(format_number(low), format_number(high), tongue)


_SEED_COLUMNS: Final = (
    Sentence(en="Seed", ko="시드"),
    Sentence(en="Run", ko="실행"),
    Sentence(en="Figure", ko="수치"),
)
_METRIC: Final = Sentence(en="Metric", ko="지표")
_SPREAD_COLUMNS: Final = (
    _METRIC,
    Sentence(en="Standard deviation", ko="표준편차"),
    Sentence(en="95 % interval of the mean", ko="평균의 95% 신뢰구간"),
)
_DIFFERENCE: Final = Sentence(en="Difference", ko="차이")


def compare_metrics_alone(facts: Facts) -> doc.Section:
    """The figures of two runs; a terminal has them in the order in which the runs were typed."""
    rows = tuple(
        (
            doc.Quote(row.name),
            phrases.format_baseline(row),
            phrases.format_value(row),
            _mark_difference(row, "en"),
        )
        for row in facts.metrics
    )
    columns = tuple(map(doc.Column, ("Metric", *_name_sides(facts), "Difference")))
    table = doc.Table("Final figures", columns, rows)
    words = judgement_phrases.describe_judging(facts)
    judging = doc.write(words, is_note=True) if words else None
    blocks = (
        doc.show_only("markdown", *compare_metrics(facts).blocks),
        doc.show_only(
            "terminal",
            _make_caveats(facts, "en"),
            table,
            judging,
            _name_deciding(facts, "en"),
        ),
    )
    return doc.Section("metrics", "Metrics", blocks)


def _name_sides(facts: Facts) -> tuple[str, str]:
    before, after = phrases.name_baseline_figures(facts), phrases.name_figures(facts)
    return (
        before.replace("Baseline", "Before"),
        f"After, {after.lower()}" if facts.is_over_seeds else "After",
    )


def _make_metric_table(facts: Facts, tongue: Tongue) -> doc.Table:
    compared = facts.baseline is not None
    before = doc.Column(phrases.name_baseline_figures(facts, tongue), "r")
    against = (before, doc.Column(_DIFFERENCE.say(tongue))) if compared else ()
    this_run = doc.Column(phrases.name_figures(facts, tongue), "r", "main")
    meaning = doc.Column("Meaning", role="roomy")
    rows = tuple(
        (
            doc.Quote(row.name),
            phrases.format_value(row),
            *((phrases.format_baseline(row), _mark_difference(row, tongue)) if compared else ()),
            row.help,
        )
        for row in facts.metrics
    )
    columns = (doc.Column(_METRIC.say(tongue)), this_run, *against, meaning)
    return doc.Table("Final figures", columns, rows)


def _mark_difference(row: MetricRow, tongue: Tongue) -> doc.Mark:
    words = judgement_phrases.format_difference(row, tongue)
    kind = judgement_phrases.choose_kind(row.judgement)
    # A sentence has to break, or it would push the table off a narrow page.
    return doc.Mark(words, kind, is_whole=row.judgement != "not shown")


def _name_baseline(facts: Facts, tongue: Tongue) -> tuple[doc.Block, ...]:
    if facts.baseline is not None:
        name = doc.Quote(facts.baseline, html=120, terminal=60, is_code=True)
        return (
            doc.show_only("markdown", doc.write(_BASELINE.say(tongue), name)),
            doc.show_only("html", doc.write("Against ", name, ".")),
            doc.show_only("terminal", doc.write("Baseline: ", name, ".", is_note=True)),
        )
    if facts.baseline_wanted is None:
        return ()
    command = doc.Quote(f"vtspec run {facts.baseline_wanted}", 80, 90, 51, is_code=True)
    words = "No finished run of the baseline yet"
    how = doc.write(f"{words}; make one with:", is_note=True)
    return (
        doc.show_only("markdown", doc.write(_NO_BASELINE.say(tongue), command)),
        doc.show_only("html", doc.write(f"{words}; make one: ", command)),
        doc.show_only("terminal", how, doc.write(command)),
    )


_BASELINE: Final = Sentence(en="Baseline: ", ko="베이스라인: ")
_NO_BASELINE: Final = Sentence(
    en="No finished run of the baseline yet: ", ko="베이스라인의 완료된 실행이 아직 없습니다: "
)


def _make_caveats(facts: Facts, tongue: Tongue) -> doc.Callout | None:
    lines = tuple((f"{one.say(tongue)}.",) for one in facts.caveats)
    return doc.Callout("Not like with like", lines) if lines else None


def _name_deciding(facts: Facts, tongue: Tongue) -> doc.Paragraph | None:
    fields = facts.deciding
    # Of one field alone the difference is its effect, as far as anything shows it.
    if len(fields) < 2:
        return None
    names: list[doc.Part] = []
    for path in fields[:_MOST_DECIDING]:
        names += [", ", doc.Quote(path, 100, 100, 50, is_code=True)]
    more = len(fields) - _MOST_DECIDING
    words = Sentence(
        en=f"{len(fields)} deciding fields differ: ",
        ko=f"결과를 결정하는 필드 {len(fields)}개가 다릅니다: ",
    )
    last = Sentence(en=f" and {more} more", ko=f" 외 {more}개").say(tongue) if more > 0 else ""
    why = Sentence(
        en=". The difference cannot be laid to one of them.",
        ko=". 차이가 그중 어느 하나 때문이라고 할 수 없습니다.",
    )
    return doc.write(words.say(tongue), *names[1:], last, why.say(tongue), is_note=True)


def list_changes(facts: Facts) -> doc.Section:
    """What the plan has that the baseline's has not, field by field."""
    title = "What differs from the baseline"
    if facts.baseline is None:
        return doc.Section("changes", title, ())
    many, few = _make_change_table(facts, None), _make_change_table(facts, _MOST_CHANGES)
    # Two plans that were never related differ in everything, which nobody reads in a terminal.
    left = len(facts.changes) - len(few.rows)
    words = f"… and {left} more: --output json has them all"
    same = "the plans are the same"
    blocks = (
        doc.show_only("pages", many if many.rows else doc.write(f"Nothing: {same}.")),
        doc.show_only(
            "terminal",
            doc.Heading(("what differs in the plans" if many.rows else same,)),
            few,
            doc.write(words, is_note=True) if left else None,
        ),
    )
    return doc.Section("changes", title, blocks)


def _make_change_table(facts: Facts, most: int | None) -> doc.Table:
    rows = tuple(
        (
            doc.Quote(one.path, 100, 100, 50, is_code=True),
            _quote_setting(one.path, one.before),
            _quote_setting(one.path, one.after),
            phrases.EFFECTS[one.effect],
        )
        for one in facts.changes[:most]
    )
    effect = doc.Column("Effect", terminal="")
    columns = (doc.Column("Field"), *_name_both("l"), effect)
    return doc.Table("Fields that differ", columns, rows)


def _quote_setting(path: str, value: object) -> doc.Part:
    return MISSING if value is None else doc.Quote(format_setting(path, value), 160, 300, 30)


def _name_both(side: str) -> tuple[doc.Column, ...]:
    baseline = doc.Column("Baseline", side, terminal="before")
    return baseline, doc.Column("This run", side, terminal="after")


def describe_provenance(facts: Facts) -> doc.Section:
    """Times, and everything that decided the result."""
    words, basis = facts.times.in_words, doc.Quote(facts.times.basis or "", 300, MESSAGE_LENGTH)
    entries = tuple(
        ((f"{group.title}: ", doc.Quote(label)), doc.Quote(value, 160))
        for group in facts.groups
        for label, value in group.entries
    )
    everything = doc.Table("Everything", (doc.Column("What"), doc.Column("Value")), entries)
    in_markdown = doc.show_only(
        "markdown",
        doc.write(f"Time: {words}."),
        doc.Details("Steps", (_make_step_table(facts.times, "r"),)),
        doc.write("Estimate: ", basis) if basis.text else None,
        doc.Details("Plan, code, data, model, machine and versions", (everything,)),
    )
    on_a_page = doc.show_only(
        "html",
        doc.write(f"{words[:1].upper()}{words[1:]}."),
        _make_step_table(facts.times, "l"),
        doc.write("The estimate was ", basis, ".", is_note=True) if basis.text else None,
        doc.FactList(facts.groups),
    )
    return doc.Section("provenance", "What was run", (in_markdown, on_a_page))


def _make_step_table(times: RunTimes, side: str) -> doc.Table:
    longest = max((step.seconds or 0.0 for step in times.steps), default=0.0) or 1.0
    rows = tuple(
        (
            doc.Quote(step.name, html=40),
            # Bars begin at the left, so that their ends can be compared; digits end at the right.
            MISSING
            if step.seconds is None
            else doc.Bar(format_duration(step.seconds), step.seconds / longest),
            doc.Quote(step.ending or "", html=40),
        )
        for step in times.steps
    )
    columns = tuple(map(doc.Column, ("Step", "Time", "Ending"), ("l", side, "l")))
    return doc.Table("Steps", columns, rows, share=1 / 8)


def list_commands(facts: Facts) -> doc.Section:
    """What to type to get the same again."""
    return doc.Section("commands", "Run it again", (doc.CommandBlock(facts.commands),))


def name_both_runs(facts: Facts) -> doc.Section:
    """The title of a comparison."""
    run, baseline = (doc.Quote(name, terminal=60) for name in (facts.run, facts.baseline or ""))
    return doc.Section("title", "", (doc.Heading((run, " against ", baseline), level=1),))


def compare_times(facts: Facts) -> doc.Section:
    """How long each step took in both runs."""
    before, after = (
        {step.name: step.seconds for step in times.steps} if times is not None else {}
        for times in (facts.baseline_times, facts.times)
    )
    rows = tuple(
        (doc.Quote(name), format_duration(before.get(name)), format_duration(after.get(name)))
        for name in dict.fromkeys((*before, *after))
    )
    table = doc.Table("Time", (doc.Column("Step"), *_name_both("r")), rows)
    return doc.Section("time", "Time", (table if rows else None,))
