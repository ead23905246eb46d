"""What the run is judged and steered by: gates, the monitored metric, the baseline, patience."""

import math
import operator
import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final, TypeAlias

from vtspec.pipelines.catalog import Framework, Supported, choose_default
from vtspec.pipelines.formatting import pluralize
from vtspec.schema.kinds.patterns import GATE
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import suggest_fix
from vtspec.schema.yaml_source.document import Path

from .spec_view import SpecView

_GATE: Final = re.compile(GATE.pattern)
_BOUND: Final = re.compile(r"(?P<metric>[^\s<>=]+)\s*(?P<sign>[<>]=?)\s*(?P<bound>\S+)")
_HOLDS: Final = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_SPAN: Final = "lies between 0 and 1"
_MONITOR: Final = ("training", "checkpoint", "monitor")
_METRIC: Final = re.compile(r"[^\s<>=]+")

WITH_MOMENTUM: Final = ("sgd", "rmsprop")
"""The optimizers that `training.momentum` means something to."""


def check_targets(subject: SpecView, framework: Framework | None = None) -> Iterator[Problem]:
    """Metrics and a baseline that are not there, and settings that can have no effect."""
    yield from _check_metrics(subject)
    yield from _check_gates_together(subject)
    yield from _check_baseline(subject)
    yield from _check_patience(subject)
    yield from _check_momentum(subject, framework)
    yield from _check_formats(subject)


def _check_metrics(subject: SpecView) -> Iterator[Problem]:
    task = subject.likely_task
    if task is None:
        return
    monitor = subject.get_text("training", "checkpoint", "monitor")
    if monitor is not None:
        yield from _check_metric(subject, task, monitor, _MONITOR)
    yield from _check_monitor(subject, monitor)
    for index, gate in subject.get_texts("report", "gates"):
        name = _METRIC.match(gate)
        # What is no gate is told by `load`: its first word need not be meant as a metric.
        if name is not None and _GATE.fullmatch(gate):
            yield from _check_metric(subject, task, name[0], ("report", "gates", index))
            yield from _check_gate(subject, gate, ("report", "gates", index))


def _check_metric(subject: SpecView, task: str, name: str, path: Path) -> Iterator[Problem]:
    from vtspec.adapters.metrics import METRICS
    from vtspec.adapters.task_types import TaskType

    names = [metric.name for metric in METRICS[TaskType(task)]]
    if name not in names:
        message = f"{task} has no metric '{name}'"
        yield subject.make_problem(path, message, suggest_fix(name, names))


def _check_monitor(subject: SpecView, monitor: str | None) -> Iterator[Problem]:
    if monitor is not None and _is_always_one(subject, monitor):
        yield subject.make_problem(
            _MONITOR,
            f"{_describe_always_one(subject)}, so the first epoch would be best",
            "remove monitor, or set it to accuracy",
        )
    delta = subject.get_number("training", "earlyStopping", "minDelta", otherwise=0)
    # The smallest that can never be passed; most specs say less, and need no list of metrics.
    if delta is None or delta < 1:
        return
    name = monitor or _get_main_metric(subject)
    if name is not None and _is_share(subject, name):
        yield subject.make_problem(
            ("training", "earlyStopping", "minDelta"),
            f"no change ever counts: {name} {_SPAN}, got {delta:g}; training stops "
            "as soon as its patience ends",
            "set minDelta to less than 1, such as 0.001",
            severity="warning",
        )


def _check_gate(subject: SpecView, gate: str, path: Path) -> Iterator[Problem]:
    match = _BOUND.fullmatch(gate)
    if match is None or not _is_share(subject, match["metric"]):
        return
    name, sign, bound = match["metric"], match["sign"], float(match["bound"])
    is_one = _is_always_one(subject, name)
    # At its lowest and at its highest: a gate that says the same of both decides nothing.
    at_lowest, at_highest = (_HOLDS[sign](share, bound) for share in (float(is_one), 1.0))
    if at_lowest != at_highest:
        return
    span = _describe_always_one(subject) if is_one else _SPAN
    if 1 < bound <= 100:
        fix = f"did you mean '{name} {sign} {bound / 100:g}'?"
    elif is_one:
        fix = "remove it, or judge by accuracy"
    else:
        fix = "write a number between 0 and 1"
    yield subject.make_problem(
        path,
        f"{name} {span}, so '{gate}' {'always' if at_lowest else 'never'} holds",
        fix,
        # Passing always is what someone may want of a gate for now, but not by a slip.
        severity="warning" if at_lowest and 0 <= bound <= 1 else "error",
    )


def _check_gates_together(subject: SpecView) -> Iterator[Problem]:
    """Gates of one metric that no value meets together, and those that another one implies."""
    texts = dict(subject.get_texts("report", "gates"))
    read = [(index, _read_gate(text)) for index, text in texts.items()]
    known = [(index, gate) for index, gate in read if gate is not None]
    for first, second in combinations(known, 2):
        (name, sign, bound), (other, other_sign, other_bound) = first[1], second[1]
        # The very same text is told by `load`.
        if name != other or texts[first[0]] == texts[second[0]]:
            continue
        if sign[0] != other_sign[0]:
            yield from _check_exclusion(subject, texts, first, second)
            continue
        # The stricter one decides; of two that say the same, the one that stands first.
        is_weaker = _HOLDS[sign[0]](other_bound, bound) or (
            other_bound == bound and len(other_sign) < len(sign)
        )
        weak, strict = (first, second) if is_weaker else (second, first)
        weak_text, strict_text = texts[weak[0]], texts[strict[0]]
        yield subject.make_problem(
            ("report", "gates", weak[0]),
            f"'{weak_text}' decides nothing: it holds wherever '{strict_text}' does",
            f"remove '{weak_text}'",
            severity="warning",
        )


_Gate: TypeAlias = tuple[str, str, float]
"""The metric of a gate, its sign and its bound."""


def _read_gate(text: str) -> _Gate | None:
    match = _BOUND.fullmatch(text) if _GATE.fullmatch(text) else None
    if match is None:
        return None
    bound = float(match["bound"])
    # A bound that is no number is told by `load`.
    return (match["metric"], match["sign"], bound) if math.isfinite(bound) else None


def _check_exclusion(
    subject: SpecView,
    gates: Mapping[int, str],
    first: tuple[int, _Gate],
    second: tuple[int, _Gate],
) -> Iterator[Problem]:
    """Both of two gates of which one wants more than the other one allows."""
    low, high = (first, second) if first[1][1][0] == ">" else (second, first)
    (name, least, low_bound), (_, most, high_bound) = low[1], high[1]
    meet = low_bound == high_bound and least == ">=" and most == "<="
    if low_bound < high_bound or meet:
        return
    fix = "remove one of the two"
    if low_bound > high_bound:
        between = f"'{name} >= {high_bound:.10g}' and '{name} <= {low_bound:.10g}'"
        fix += f", or write {between} for a value between them"
    # Told at both, as nothing says which of the two is meant.
    for index, other in ((first[0], second[0]), (second[0], first[0])):
        yield subject.make_problem(
            ("report", "gates", index),
            f"'{gates[index]}' and '{gates[other]}' exclude each other: no {name} meets both",
            fix,
        )


def _get_main_metric(subject: SpecView) -> str | None:
    from vtspec.adapters.metrics import get_main_metric
    from vtspec.adapters.task_types import TaskType

    return (
        None
        if subject.likely_task is None
        else get_main_metric(TaskType(subject.likely_task)).name
    )


def _is_share(subject: SpecView, name: str) -> bool:
    from vtspec.adapters.metrics import find_metric
    from vtspec.adapters.task_types import TaskType

    metric = (
        None if subject.likely_task is None else find_metric(TaskType(subject.likely_task), name)
    )
    return metric is not None and metric.is_share


def _is_always_one(subject: SpecView, name: str) -> bool:
    from vtspec.adapters.metrics import is_constant

    return is_constant(name, len(subject.classes))


def _describe_always_one(subject: SpecView) -> str:
    return f"is always 1 with {pluralize(len(subject.classes), 'class', 'classes')}"


def _check_baseline(subject: SpecView) -> Iterator[Problem]:
    name = subject.get_text("report", "baseline")
    # That an experiment is its own baseline is a rule of the file alone.
    if name is None or name in subject.repository.experiments:
        return
    fix = suggest_fix(
        name, subject.repository.experiments, "write its spec first, or remove baseline"
    )
    yield subject.make_problem(("report", "baseline"), f"there is no experiment '{name}'", fix)


def _check_patience(subject: SpecView) -> Iterator[Problem]:
    epochs = subject.get_number("training", "epochs", otherwise=0)
    if subject.get_value("training", "earlyStopping") is None or not epochs or epochs < 1:
        return
    patience = subject.get_number("training", "earlyStopping", "patience", otherwise=10)
    if patience is not None and patience >= epochs:
        yield subject.make_problem(
            ("training", "earlyStopping"),
            f"never stops: its patience ({patience:g}) is not less than epochs ({epochs:g})",
            f"set patience to less than {epochs:g}, or remove earlyStopping",
            at_key=True,
            severity="warning",
        )


def _check_momentum(subject: SpecView, framework: Framework | None) -> Iterator[Problem]:
    supported: Supported = {} if framework is None else framework.supported
    usual = choose_default(supported, "training.optimizer", "adamw")
    optimizer = subject.get_value("training", "optimizer") or usual
    if subject.get_value("training", "momentum") is not None and optimizer not in WITH_MOMENTUM:
        yield subject.make_problem(
            ("training", "momentum"),
            f"has no effect: the optimizer {optimizer} has no such setting",
            "remove momentum, or set optimizer to sgd",
            at_key=True,
            severity="warning",
        )


def _check_formats(subject: SpecView) -> Iterator[Problem]:
    # Whoever writes an empty list wants nothing exported, and is given what is always made.
    if subject.get_value("export", "formats") == []:
        yield subject.make_problem(
            ("export", "formats"),
            "leaves nothing out: safetensors is always made",
            "write 'formats: [safetensors]', or remove the line",
            severity="warning",
        )
