"""What the run is judged and steered by: gates, the monitored metric, the baseline, patience."""

import re
from collections.abc import Iterator
from typing import Final

from vtspec.schema.kinds.patterns import GATE
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import suggest_fix
from vtspec.schema.yaml_source.document import Path

from .spec_view import SpecView

_GATE: Final = re.compile(GATE.pattern)
_METRIC: Final = re.compile(r"[^\s<>=]+")

WITH_MOMENTUM: Final = ("sgd", "rmsprop")
"""The optimizers that `training.momentum` means something to."""


def check_targets(subject: SpecView) -> Iterator[Problem]:
    """Metrics and a baseline that are not there, and settings that can have no effect."""
    yield from _check_metrics(subject)
    yield from _check_baseline(subject)
    yield from _check_patience(subject)
    yield from _check_momentum(subject)


def _check_metrics(subject: SpecView) -> Iterator[Problem]:
    task = subject.task
    if task is None:
        return
    monitor = subject.get_text("training", "checkpoint", "monitor")
    if monitor is not None:
        yield from _check_metric(subject, task, monitor, ("training", "checkpoint", "monitor"))
    for index, gate in subject.get_texts("report", "gates"):
        name = _METRIC.match(gate)
        # What is no gate is told by `load`: its first word need not be meant as a metric.
        if name is not None and _GATE.fullmatch(gate):
            yield from _check_metric(subject, task, name[0], ("report", "gates", index))


def _check_metric(subject: SpecView, task: str, name: str, path: Path) -> Iterator[Problem]:
    from vtspec.adapters.metrics import METRICS
    from vtspec.adapters.task_types import TaskType

    names = [metric.name for metric in METRICS[TaskType(task)]]
    if name not in names:
        message = f"{task} has no metric '{name}'"
        yield subject.make_problem(path, message, suggest_fix(name, names))


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


def _check_momentum(subject: SpecView) -> Iterator[Problem]:
    optimizer = subject.get_value("training", "optimizer") or "adamw"
    if subject.get_value("training", "momentum") is not None and optimizer not in WITH_MOMENTUM:
        yield subject.make_problem(
            ("training", "momentum"),
            f"has no effect: the optimizer {optimizer} has no such setting",
            "remove momentum, or set optimizer to sgd",
            at_key=True,
            severity="warning",
        )
