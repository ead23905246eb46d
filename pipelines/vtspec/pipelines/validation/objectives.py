"""What the run is judged and steered by: gates, the monitored metric, the baseline, patience."""

import re
from collections.abc import Iterator
from typing import Final

from vtspec.schema.kinds.patterns import GATE
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import did_you_mean
from vtspec.schema.yaml_source.document import Path

from .spec_view import Subject

_GATE: Final = re.compile(GATE.pattern)
_METRIC: Final = re.compile(r"[^\s<>=]+")

_WITH_MOMENTUM: Final = ("sgd", "rmsprop")


def target_problems(subject: Subject) -> Iterator[Problem]:
    """Metrics and a baseline that are not there, and settings that can have no effect."""
    yield from _metrics(subject)
    yield from _baseline(subject)
    yield from _patience(subject)
    yield from _momentum(subject)


def _metrics(subject: Subject) -> Iterator[Problem]:
    task = subject.task
    if task is None:
        return
    monitor = subject.text("training", "checkpoint", "monitor")
    if monitor is not None:
        yield from _metric(subject, task, monitor, ("training", "checkpoint", "monitor"))
    for index, gate in subject.texts("report", "gates"):
        name = _METRIC.match(gate)
        if name is not None and _GATE.fullmatch(gate):
            yield from _metric(subject, task, name[0], ("report", "gates", index))


def _metric(subject: Subject, task: str, name: str, path: Path) -> Iterator[Problem]:
    from vtspec.adapters.metrics import METRICS
    from vtspec.adapters.task_types import TaskType

    names = [metric.name for metric in METRICS[TaskType(task)]]
    if name not in names:
        message = f"{task} has no metric '{name}'"
        yield subject.problem(path, message, did_you_mean(name, names))


def _baseline(subject: Subject) -> Iterator[Problem]:
    name = subject.text("report", "baseline")
    # That an experiment is its own baseline is a rule of the file alone.
    if name is None or name in subject.world.experiments:
        return
    fix = did_you_mean(name, subject.world.experiments, "write its spec first, or remove baseline")
    yield subject.problem(("report", "baseline"), f"there is no experiment '{name}'", fix)


def _patience(subject: Subject) -> Iterator[Problem]:
    epochs = subject.number("training", "epochs", otherwise=0)
    if subject.value("training", "earlyStopping") is None or not epochs or epochs < 1:
        return
    patience = subject.number("training", "earlyStopping", "patience", otherwise=10)
    if patience is not None and patience >= epochs:
        yield subject.problem(
            ("training", "earlyStopping"),
            f"never stops: its patience ({patience:g}) is not less than epochs ({epochs:g})",
            f"set patience to less than {epochs:g}, or remove earlyStopping",
            at_key=True,
            severity="warning",
        )


def _momentum(subject: Subject) -> Iterator[Problem]:
    optimizer = subject.value("training", "optimizer") or "adamw"
    if subject.value("training", "momentum") is not None and optimizer not in _WITH_MOMENTUM:
        yield subject.problem(
            ("training", "momentum"),
            f"has no effect: the optimizer {optimizer} has no such setting",
            "remove momentum, or set optimizer to sgd",
            at_key=True,
            severity="warning",
        )
