"""The sentences that markdown, HTML and terminal share; none holds another's text unescaped."""

from typing import Final

from vtspec.pipelines.formatting import (
    format_against,
    format_epoch,
    format_number,
    format_rate,
    pluralize,
)
from vtspec.pipelines.planning.diff import Effect

from .comparison import MetricRow
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
