"""What a plan says of itself in words, for a terminal and a comment alike. Pure."""

from collections.abc import Mapping
from typing import Final

from vtspec.pipelines.estimation.estimate import Estimate
from vtspec.pipelines.formatting import (
    format_cost,
    format_count,
    format_duration,
    format_range,
    format_size,
    pluralize,
)
from vtspec.pipelines.weights.model import (
    FileWeights,
    HubWeights,
    MlflowWeights,
    RunWeights,
    UnpinnedWeights,
)

from .diff import Effect
from .plan_model import Plan

NOTHING: Final = "none"
UNKNOWN: Final = "not known"


MEANINGS: Final[dict[Effect, str]] = {
    "new run": "it decides the result, so this is another plan, to be trained",
    "same run": "the result stays; gates, exports or the machine differ",
    "cosmetic": "words for people, and what follows from other fields",
}
"""What the effect of a change means to whoever reads the plan."""


def describe_plan(made: Plan) -> str:
    """What a run of the plan does, in a sentence."""
    count, epochs = made.model.parameters, made.training.epochs
    size = "" if count is None else f" ({format_count(count)} parameters)"
    counted = made.dataset.statistics
    images = "" if counted is None else f", {pluralize(counted['images'], 'image')}"
    named = len(made.dataset.classes or ())
    classes = f", {pluralize(named, 'class', 'classes')}" if named else ""
    return (
        f"trains {made.model.name}{size} from {format_weights(made)} on {made.dataset.name}"
        f" ({made.dataset.format}{images}{classes}) for {pluralize(epochs, 'epoch')} "
        f"on {format_machine(made)}, and measures the best epoch on {made.dataset.final_split}"
    )


def format_weights(made: Plan) -> str:
    """What the model starts from, in a few words."""
    match made.model.weights:
        case None:
            return "random weights"
        case HubWeights(id=name, revision=revision):
            return f"{name} at {revision[:12]}"
        case FileWeights(path=path) | RunWeights(path=path):
            return path
        case MlflowWeights(name=name, version=version):
            return f"models:/{name}/{version}"
        case UnpinnedWeights(source=source):
            return f"{source}, not pinned"


def format_machine(made: Plan) -> str:
    """What it runs on: `2 t4 and 8 cores`."""
    gpus, cpus = made.resources.gpus, made.resources.cpus
    cores = pluralize(cpus, "core")
    if not gpus:
        return cores
    return f"{pluralize(gpus, made.resources.gpu_type or 'GPU')} and {cores}"


def format_time(guess: Estimate) -> str:
    """How long it is thought to take, with its range."""
    seconds, bounds = guess.whole_seconds, guess.whole_range
    if seconds is None:
        return UNKNOWN
    about = f"about {format_duration(seconds, 'rough')}"
    return about if bounds is None else f"{about} ({format_range(*bounds)})"


def format_memory(count: int | None) -> str:
    """What memory it is thought to take."""
    return UNKNOWN if count is None else f"about {format_size(count, 'rough')}"


def format_costs(made: Plan) -> str:
    """What it is thought to cost, with its range; without prices, the hours."""
    guess, resources = made.estimate, made.resources
    if guess.seconds is None:
        return UNKNOWN
    if guess.cost is None:
        # Whoever knows the prices can still do the sum.
        used = [_format_hours(guess.seconds * resources.gpus, "GPU")] if resources.gpus else []
        # The report has one of them.
        cores = guess.seconds * resources.cpus + (guess.report_seconds or 0.0)
        used.append(_format_hours(cores, "core"))
        return f"{UNKNOWN}: {' and '.join(used)}"
    about = format_cost(guess.cost, guess.currency)
    whole, bounds = guess.whole_seconds, guess.whole_range
    if bounds is None or not whole:
        return about
    bounds = (guess.cost * bounds[0] / whole, guess.cost * bounds[1] / whole)
    low, high = (format_cost(one, guess.currency) for one in bounds)
    low = low.removesuffix(f" {guess.currency}")
    return about if high.startswith(low) else f"{about} ({low} to {high})"


def _format_hours(seconds: float, of: str) -> str:
    hours = seconds / 3600
    return f"< 0.01 {of} hours" if hours < 0.01 else f"{hours:,.2f} {of} hours"


def format_value(value: object) -> str:
    """A value as it would stand in a spec; `none` where nothing does."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "true" if value else "false"
        case Mapping():
            return (
                ", ".join(f"{key}: {format_value(item)}" for key, item in value.items()) or NOTHING
            )
        case list() | tuple():
            return f"[{', '.join(format_value(item) for item in value)}]" if value else NOTHING
        # `:g` alone keeps six digits, and would show a value that is not the plan's.
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else str(value)
        case _:
            return str(value)


def format_names(names: tuple[str, ...], most: int = 10) -> str:
    """Names in a row, the first few of many."""
    shown = ", ".join(names[:most])
    if len(names) <= most:
        return shown or NOTHING
    return f"{shown}, … ({len(names)} in all)"


def shorten_value(value: object) -> str:
    """A value that is told as a change: long lists and hashes by their beginning."""
    if isinstance(value, list | tuple):
        return format_names(tuple(format_value(item) for item in value), most=6)
    text = format_value(value)
    return shorten_hash(text)


def shorten_hash(text: str) -> str:
    """A hash by its beginning, which tells a reader as much as the whole; the kind stays."""
    kind, colon, digits = text.partition(":")
    if kind not in ("md5", "sha256") or len(digits) < 32:
        return text
    return f"{kind}{colon}{digits[:16]}…{'.dir' if text.endswith('.dir') else ''}"
