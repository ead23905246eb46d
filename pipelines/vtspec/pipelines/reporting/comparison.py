"""Figures held against those of another run: what got better, what got worse, and by how much."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from vtspec.adapters.metrics import METRICS, Metric
from vtspec.adapters.task_types import TaskType

from .evaluation import ClassMetrics
from .evidence import (
    CLASS_FIGURE,
    Evidence,
    Measurement,
    find_image_share,
    find_value_intervals,
)
from .significance import compute_wilson_interval

Judgement = Literal["better", "worse", "same", "not shown", "not judged"]
"""`not shown` is a difference that chance makes as well; `not judged` one of which nothing kept
tells whether it does, or between runs on different data."""

# In words for people: what a class is ranked by, the first that it has.
_CLASS_FIGURES: Final = (
    *("mask_ap50_95", "pose_ap50_95", "ap50_95", "iou"),
    *("f1", "ap", "accuracy", "recall", "precision"),
)


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One metric of this run and of the baseline.

    `judgement` is None without a baseline, or where nobody said which direction is good.
    `images` are those measured on; `interval` is the 95 % interval, both ends: Wilson's of a share
    of images, else by drawing them anew. Where there are `seeds`, the most of either side, figures
    are means over them, and `interval` is None.
    """

    name: str
    help: str
    unit: str
    value: float | None
    baseline: float | None
    difference: float | None
    judgement: Judgement | None
    images: int | None
    interval: tuple[float, float] | None
    seeds: int = 0


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class; `change` is the difference of its ranking figure to the baseline's."""

    name: str
    values: Mapping[str, float]
    baseline: Mapping[str, float]
    change: float | None
    judgement: Judgement | None


def get_known_metrics(task: str | None) -> Mapping[str, Metric]:
    """The standard metrics of a task by name, its main one first; none of an unknown task."""
    try:
        return {metric.name: metric for metric in METRICS[TaskType(task)]}
    except ValueError:
        return {}


def build_metric_rows(
    task: str | None,
    measured: Measurement,
    baseline: Measurement | None = None,
    evidence: Evidence | None = None,
    seed: str = "",
) -> tuple[MetricRow, ...]:
    """Every metric of either run: the task's own in their order, then others by name.

    Without `evidence`, as of other data, no difference is judged. Intervals that are drawn follow
    from the `seed`.
    """
    known = get_known_metrics(task)
    new, old = measured.figures, {} if baseline is None else baseline.figures
    names = [name for name in known if name in new or name in old]
    # A third party's own metrics have no order but their names.
    names += sorted((new.keys() | old.keys()) - known.keys())
    shown = {} if evidence is None else evidence.metrics
    sides = [one for one in (measured, baseline) if one is not None]
    rows = (
        _build_metric_row(name, known.get(name), measured, old.get(name), shown.get(name))
        for name in names
    )
    drawn = {} if measured.seeds else find_value_intervals(measured, seed)
    return tuple(
        replace(
            row,
            interval=row.interval or drawn.get(row.name),
            seeds=max(len(one.seeds.get(row.name, ())) for one in sides),
        )
        for row in rows
    )


def _build_metric_row(
    name: str,
    metric: Metric | None,
    measured: Measurement,
    baseline: float | None,
    is_shown: bool | None,
) -> MetricRow:
    value = measured.figures.get(name)
    difference = None if value is None or baseline is None else value - baseline
    share, images = find_image_share(name, measured), measured.results.images
    # Nobody said which way an unknown metric is good, so that the report does not either.
    good = 0 if metric is None else 1 if metric.higher_is_better else -1
    return MetricRow(
        name=name,
        help=metric.help if metric else "",
        unit=metric.unit if metric else "",
        value=value,
        baseline=baseline,
        difference=difference,
        judgement=judge_difference(difference, good, is_shown),
        images=images,
        interval=compute_wilson_interval(share, images)
        if share is not None and images and not measured.seeds
        else None,
    )


def judge_difference(
    difference: float | None, good: int, is_shown: bool | None
) -> Judgement | None:
    """What a difference is called, wherever it is shown; None where there is nothing to call.

    `good` is 1 where higher is better, -1 where lower is, 0 where nobody said. `is_shown` says
    whether it is more than chance, None that this cannot be told.
    """
    if difference is None or not good:
        return None
    if difference == 0:
        return "same"
    if is_shown is None:
        return "not judged"
    if not is_shown:
        return "not shown"
    return "better" if difference * good > 0 else "worse"


def find_ranking_metric(classes: Iterable[ClassMetrics]) -> str | None:
    """The figure that classes are ranked by, or None where they have none."""
    names: dict[str, None] = {}
    for one in classes:
        names.update(dict.fromkeys(one.values))
    others = [name for name in names if name != "support"]
    return next((name for name in _CLASS_FIGURES if name in names), others[0] if others else None)


def build_class_rows(
    classes: Sequence[ClassMetrics],
    baseline: Sequence[ClassMetrics] = (),
    evidence: Evidence | None = None,
) -> tuple[ClassRow, ...]:
    """The classes with the worst regression first; without a baseline the weakest first.

    Regressions that are more than chance come before those that are not.
    """
    figure = find_ranking_metric(classes)
    old = {one.name: one.values for one in baseline}
    # The images of a class speak of one figure, and of no other.
    sides = evidence.classes if evidence is not None and figure == CLASS_FIGURE else {}
    rows = [
        _build_class_row(one, old.get(one.name, {}), figure, sides.get(one.name))
        for one in classes
    ]
    return tuple(sorted(rows, key=lambda row: _get_sort_key(row, figure)))


def _build_class_row(
    one: ClassMetrics, old: Mapping[str, float], figure: str | None, side: int | None
) -> ClassRow:
    new, before = one.values.get(figure or ""), old.get(figure or "")
    change = None if new is None or before is None else new - before
    # A figure that rose while most images turned against the class shows neither.
    is_shown = None if side is None else change is not None and change * side > 0
    return ClassRow(
        name=one.name,
        values=one.values,
        baseline=old,
        change=change,
        judgement=judge_difference(change, 1, is_shown),
    )


def _get_sort_key(row: ClassRow, figure: str | None) -> tuple[bool, float, float]:
    value = row.values.get(figure or "")
    regression = min(row.change, 0.0) if row.change is not None else 0.0
    return row.judgement != "worse", regression, math.inf if value is None else value
