"""Figures held against those of another run: what got better, what got worse, and by how much."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from vtspec.adapters.metrics import METRICS, Metric
from vtspec.adapters.task_types import TaskType

from .evaluation import ClassMetrics

Judgement = Literal["better", "worse", "same"]

_SHARES: Final = frozenset({"accuracy", "top5_accuracy", "subset_accuracy"})
# In words for people: what a class is ranked by, the first that it has.
_CLASS_FIGURES: Final = ("f1", "ap50_95", "ap", "iou", "accuracy", "recall", "precision")


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One metric of this run and of the baseline.

    `judgement` is None without a baseline, or where nobody said which direction is good.
    `is_within_noise` is True where so few images cannot tell the difference from chance;
    `interval` is the 95 % Wilson interval of a share, both ends.
    """

    name: str
    help: str
    unit: str
    value: float | None
    baseline: float | None
    difference: float | None
    judgement: Judgement | None
    is_within_noise: bool
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class; `change` is the difference of its ranking figure to the baseline's."""

    name: str
    values: Mapping[str, float]
    baseline: Mapping[str, float]
    change: float | None


def get_known_metrics(task: str | None) -> Mapping[str, Metric]:
    """The standard metrics of a task by name, its main one first; none of an unknown task."""
    try:
        return {metric.name: metric for metric in METRICS[TaskType(task)]}
    except ValueError:
        return {}


def build_metric_rows(
    task: str | None,
    measured: Mapping[str, float],
    baseline: Mapping[str, float],
    images: int | None,
) -> tuple[MetricRow, ...]:
    """Every metric of either run: the task's own in their order, then others by name."""
    known = get_known_metrics(task)
    names = [name for name in known if name in measured or name in baseline]
    # A third party's own metrics have no order but their names.
    names += sorted((measured.keys() | baseline.keys()) - known.keys())
    return tuple(
        _build_metric_row(name, known.get(name), (measured.get(name), baseline.get(name)), images)
        for name in names
    )


def _build_metric_row(
    name: str, metric: Metric | None, pair: tuple[float | None, float | None], images: int | None
) -> MetricRow:
    value, baseline = pair
    is_share = name in _SHARES and bool(images)
    return MetricRow(
        name=name,
        help=metric.help if metric else "",
        unit=metric.unit if metric else "",
        value=value,
        baseline=baseline,
        difference=None if value is None or baseline is None else value - baseline,
        judgement=_judge(metric, value, baseline),
        is_within_noise=is_share and _is_chance(value, baseline, images or 0),
        interval=compute_wilson_interval(value, images or 0)
        if is_share and value is not None
        else None,
    )


def _judge(metric: Metric | None, value: float | None, old: float | None) -> Judgement | None:
    # Nobody said which way an unknown metric is good, so that the report does not either.
    if metric is None or value is None or old is None:
        return None
    if value == old:
        return "same"
    return "better" if (value > old) == metric.higher_is_better else "worse"


def compute_wilson_interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share measured on `count` > 0 things.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    z = 1.959964
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(max(share * (1 - share), 0.0) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _is_chance(value: float | None, old: float | None, images: int) -> bool:
    # Two shares of `images` each, as if drawn apart: careful, since both saw the same images.
    if value is None or old is None or value == old:
        return False
    pooled = min(max((value + old) / 2, 0.0), 1.0)
    return abs(value - old) < 1.959964 * math.sqrt(2 * pooled * (1 - pooled) / images)


def find_ranking_metric(classes: Iterable[ClassMetrics]) -> str | None:
    """The figure that classes are ranked by, or None where they have none."""
    names: dict[str, None] = {}
    for one in classes:
        names.update(dict.fromkeys(one.values))
    others = [name for name in names if name != "support"]
    return next((name for name in _CLASS_FIGURES if name in names), others[0] if others else None)


def build_class_rows(
    classes: Sequence[ClassMetrics], baseline: Sequence[ClassMetrics]
) -> tuple[ClassRow, ...]:
    """The classes with the worst regression first; without a baseline the weakest first."""
    figure = find_ranking_metric(classes)
    old = {one.name: one.values for one in baseline}
    rows = [_build_class_row(one, old.get(one.name, {}), figure) for one in classes]
    return tuple(sorted(rows, key=lambda row: _get_sort_key(row, figure)))


def _build_class_row(one: ClassMetrics, old: Mapping[str, float], figure: str | None) -> ClassRow:
    new, before = one.values.get(figure or ""), old.get(figure or "")
    change = None if new is None or before is None else new - before
    return ClassRow(name=one.name, values=one.values, baseline=old, change=change)


def _get_sort_key(row: ClassRow, figure: str | None) -> tuple[float, float]:
    value = row.values.get(figure or "")
    regression = min(row.change, 0.0) if row.change is not None else 0.0
    return regression, math.inf if value is None else value
