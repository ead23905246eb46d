"""The sentences that markdown, HTML and terminal share; none holds another's text unescaped."""

from typing import Final, Literal

from vtspec.pipelines.formatting import (
    MISSING,
    format_against,
    format_epoch,
    format_number,
    format_rate,
    format_signed,
    pluralize,
)
from vtspec.pipelines.planning.diff import Effect

from .comparison import ClassRow, Judgement, MetricRow, get_known_metrics
from .curves import Series
from .facts import Facts, TrainingProgress
from .seeds import SeedGroup
from .verdict import Gate, VerdictName

MARKS: Final[dict[VerdictName, str]] = {
    "passed": "✅",
    "uncertain": "⚠️",
    "missed": "❌",
    "none": "☑️",
    "failed": "❌",
    "interrupted": "⏸️",
    "unfinished": "⏳",
}
"""The verdict as one sign, for lists of comments."""


EFFECTS: Final[dict[Effect, str]] = {
    "new run": "decides the result",
    "same run": "leaves the result",
    "cosmetic": "cosmetic",
}
"""What a difference between two plans means, in words."""


def format_value(row: MetricRow) -> str:
    """The value with its unit."""
    return _format_with_unit(row.value, row.unit)


def format_baseline(row: MetricRow) -> str:
    """The baseline's value with its unit."""
    return _format_with_unit(row.baseline, row.unit)


def _format_with_unit(value: float | None, unit: str) -> str:
    return f"{format_number(value)} {unit}" if unit and value is not None else format_number(value)


def format_difference(row: MetricRow) -> str:
    """Such as `▲ +0.0112 better`: the arrow says where the number went, the words whether that
    is good, or that chance makes such differences."""
    # The spread of seeds has judged it, or the images where there is none.
    shown_by = "these seeds" if row.seeds else _count_images(row.images)
    return _format_judged(row.difference, row.judgement, shown_by)


def format_change(row: ClassRow) -> str:
    """A class's change against the baseline, judged with the number of classes in view."""
    support = row.values.get("support")
    shown_by = _count_images(None if support is None else int(support))
    return _format_judged(row.change, row.judgement, shown_by)


def _count_images(images: int | None) -> str:
    return "these images" if images is None else pluralize(images, "image")


def _format_judged(difference: float | None, judgement: Judgement | None, shown_by: str) -> str:
    if difference is None:
        return MISSING
    if difference == 0:
        return "±0 same"
    moved = f"{'▲' if difference > 0 else '▼'} {format_signed(difference)}"
    match judgement:
        # Nobody should ship a model for a difference that the next split takes back.
        case "not shown":
            return f"{moved}, no difference that {shown_by} can show"
        case "not judged":
            return f"{moved}, not judged"
        case _:
            return f"{moved} {judgement}" if judgement else moved


def choose_kind(judgement: Judgement | None) -> Literal["better", "worse", "same"] | None:
    """The colour of a judgement: what chance makes is neither better nor worse, and green would
    say that it is."""
    return "same" if judgement == "not shown" or judgement == "not judged" else judgement


def list_class_columns(facts: Facts) -> list[str]:
    """The columns of the per-class table, at most six, in the order in which they were told."""
    return list(dict.fromkeys(name for row in facts.classes for name in row.values))[:6]


def format_gate_value(gate: Gate) -> str:
    """The value that the gate was held against, to as many digits as the decision needs."""
    return "not measured" if gate.value is None else format_against(gate.value, gate.threshold)


def format_gate_outcome(gate: Gate) -> str:
    """`passed` or `missed`, with the distance to the threshold where it was missed, and with the
    interval of a value that may have passed by chance."""
    if gate.passed and gate.interval is not None and not gate.is_certain:
        ends = " to ".join(format_against(end, gate.threshold) for end in gate.interval)
        return f"passed, not certain: the 95 % interval is {ends}"
    if gate.passed:
        return "passed"
    if gate.value is None:
        return "missed"
    return f"missed by {format_number(abs(gate.value - gate.threshold))}"


def describe_training(training: TrainingProgress) -> str:
    """How far training came, as a sentence; "" where it did not start."""
    if training.epochs is None:
        return ""
    wanted = "" if training.wanted is None else f" of {training.wanted}"
    count = training.epochs if training.wanted is None else training.wanted
    epochs = f"{format_epoch(training.epochs)}{wanted} epoch{'s' * (count != 1)}"
    is_cut = training.wanted is not None and training.epochs < training.wanted
    done = f"Stopped after {epochs}" if is_cut and training.is_over else f"Trained {epochs}"
    done += "" if training.is_over else " so far"
    return (
        done
        if training.best_epoch is None
        else f"{done}; best at {format_epoch(training.best_epoch)}"
    )


def format_point(name: str, value: float | None) -> str:
    """A value of a learning curve."""
    return format_rate(value) if name == "lr" else format_number(value)


def describe_trend(series: Series) -> str:
    """What a line does, for those who do not see it: `falls from 1.20 to 0.08`."""
    if not series.points:
        return "was not measured"
    if len(series.points) == 1:
        return f"is {format_number(series.last)}"
    if series.last == series.first:
        return f"starts and ends at {format_number(series.first)}"
    verb = "rises" if series.last > series.first else "falls"
    return f"{verb} from {format_number(series.first)} to {format_number(series.last)}"


def describe_interval(facts: Facts) -> str:
    """The interval of the main share, so that nobody takes the fourth digit for knowledge."""
    row, images = facts.find_metric(facts.main), facts.results.images
    if row is None or row.interval is None or not images:
        return ""
    low, high = row.interval
    return f"The 95 % interval of {row.name} on so many images is {low:.4f} to {high:.4f}."


def describe_order(facts: Facts) -> str:
    """How the classes are ordered, and what that says."""
    # Two runs may have no class in common, and then nothing regressed.
    if facts.baseline is None or all(row.change is None for row in facts.classes):
        return "weakest first"
    judgements = [row.judgement for row in facts.classes]
    worse = judgements.count("worse")
    if worse:
        return f"{worse:,} worse, worst first"
    # What nobody could judge must not pass for what was judged and found good.
    if "not judged" in judgements:
        return "not judged, largest loss first"
    return "none shown to be worse"


def describe_class_judging(facts: Facts) -> str:
    """How classes were judged; "" where none was."""
    judged = any(row.judgement in ("better", "worse", "not shown") for row in facts.classes)
    many = pluralize(len(facts.classes), "class", "classes")
    return f"Judged with {many} in view (Holm): one alone would need less." if judged else ""


def describe_judging(facts: Facts) -> str:
    """What a reader should know of the judgements in a comparison; "" where there are none."""
    judgements = {row.judgement for row in facts.metrics}
    judgements |= {row.judgement for row in facts.classes}
    sentences = []
    # On other data the caveats say why.
    if "not judged" in judgements and not facts.is_unlike:
        sentences.append("Not judged: no record of single images tells it from chance.")
    over_seeds = facts.is_over_seeds or facts.is_baseline_over_seeds
    if judgements & {"better", "worse", "not shown"} and over_seeds:
        sentences.append("Judged over the seeds (Welch's test), classes by one run's images.")
    elif judgements & {"better", "worse", "not shown"}:
        sentences.append("Judged by these images alone: another seed moves the figures too.")
    judged = sum(row.judgement in ("better", "worse", "not shown") for row in facts.metrics)
    if facts.primary is not None and judged > 1:
        # A metric of an adapter's own has a name that is not ours to print.
        known = facts.primary in get_known_metrics(facts.task)
        name = facts.primary if known else "the first gate's metric"
        sentences.append(f"Judged alone: {name}; the others by their number too (Holm).")
    return " ".join(sentences)


def name_figures(facts: Facts) -> str:
    """Whose figures a column has: this run's, or the mean of its seeds."""
    return _name_means(facts.seeds) if facts.is_over_seeds else "This run"


def name_baseline_figures(facts: Facts) -> str:
    """The same of the baseline."""
    if facts.is_baseline_over_seeds:
        return f"Baseline, {_name_means(facts.baseline_seeds).lower()}"
    return "Baseline"


def _name_means(seeds: SeedGroup) -> str:
    return f"Mean of {pluralize(len(seeds.finished), 'seed')}"


def describe_seed_judging(facts: Facts) -> str:
    """What the figures and the gates are of, where the run is judged together with others."""
    done, missing = facts.seeds.finished, facts.seeds.missing
    left = f" Not finished yet: {pluralize(len(missing), 'seed')}." if missing else ""
    if not facts.seeds.is_judged or facts.verdict.name in ("failed", "interrupted", "unfinished"):
        return f"Judged by this run alone: one seed has no spread.{left}" if done else left.strip()
    return (
        f"Gates and figures are of the mean of {pluralize(len(done), 'seed')}; pictures, classes "
        f"and all else are of this run.{left}"
    )


def describe_split(facts: Facts) -> str:
    """Which split the figures are of."""
    # A split of another name is someone else's word, and this sentence quotes nobody.
    images = (
        "" if facts.results.images is None else f" ({pluralize(facts.results.images, 'image')})"
    )
    return f"Measured on {facts.results.split}{images}." if facts.results.split in _SPLITS else ""


_SPLITS: Final = frozenset({"train", "val", "test"})


def describe_dropped(count: int) -> str:
    """How many values of the curves were no numbers; "" where all were."""
    if not count:
        return ""
    return f"{count:,} value{'s were' if count > 1 else ' was'} not finite and left out."
