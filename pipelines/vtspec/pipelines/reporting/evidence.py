"""What two evaluations can show of a difference between their runs, and what is chance. Pure.

The one place that decides it, for metrics and for classes. Where both runs kept records of the
same images, image by image; else by their counts, as if the images had been drawn apart, which is
careful, since they mostly were the same ones.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Final

from .evaluation import EvaluationResults
from .resampling import compute_difference_p, compute_metrics, estimate_intervals
from .sample_records import SampleRecords, align_records, expand_counts
from .seeds import estimate_mean, keep_share
from .significance import (
    LEVEL,
    compute_fisher_p,
    compute_sign_p,
    compute_welch_p,
    compute_wilson_interval,
    correct_for_number,
)

IMAGE_SHARES: Final = frozenset({"accuracy", "top5_accuracy", "subset_accuracy", "exact_match"})
"""Metrics that count images: each one is right or not."""

CLASS_FIGURE: Final = "f1"
"""The figure of a class that is judged."""

_CALL_METRICS: Final = ("accuracy", "macro_f1", "macro_precision", "macro_recall")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one run measured: its final figures, and what its evaluation tells beside them.

    `seeds` are the figures by metric of all seeds that are judged together with it, its own among
    them; nothing where it is judged alone.
    """

    metrics: Mapping[str, float]
    results: EvaluationResults
    seeds: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def figures(self) -> Mapping[str, float]:
        """What is judged: the means over the seeds where there are several, else the metrics."""
        return {name: fmean(values) for name, values in self.seeds.items()} or self.metrics


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Whether a difference is more than chance, by metric; what is not named cannot be told.

    `primary` is the metric that was judged alone; the others are corrected for their number.
    `classes` has the side to which a class's images lean: 1 this run's, -1 the baseline's, 0
    neither more than chance does, corrected for the number of classes.
    """

    metrics: Mapping[str, bool] = field(default_factory=dict)
    primary: str | None = None
    classes: Mapping[str, int] = field(default_factory=dict)


def weigh_evidence(
    new: Measurement, old: Measurement, seed: str, primary: str | None = None
) -> Evidence:
    """What is known of the differences between two runs that measured the same data.

    The `primary` metric is judged alone, all others with their number in view. Where either has
    several seeds, their spread decides of metrics; classes are those of the two runs alone.
    """
    p_values, classes = _weigh_images(new, old, seed)
    # Without any spread seeds tell nothing, and the images have the word.
    if new.seeds or old.seeds:
        for name in new.figures.keys() & old.figures.keys():
            samples = [one.seeds.get(name) or (one.metrics[name],) for one in (new, old)]
            if any(len(set(values)) > 1 for values in samples):
                p_values[name] = compute_welch_p(*samples)
    # In the order in which they were told, whoever tested them first.
    tested = {name: p_values[name] for name in new.figures if name in p_values}
    pairs = {name: (new.figures[name], old.figures[name]) for name in tested}
    alone = primary if primary in tested else None
    return Evidence(metrics=_judge_together(tested, pairs, alone), primary=alone, classes=classes)


def _judge_together(
    p_values: Mapping[str, float], figures: Mapping[str, tuple[float, float]], primary: str | None
) -> dict[str, bool]:
    """Which of several metrics differ by more than chance. Those that went from one number to the
    same other one are one question, and have one answer: that of the first."""
    first: dict[tuple[float, ...], str] = {}
    speaks = {
        name: first.setdefault(tuple(round(value, 9) for value in figures[name]), name)
        for name in sorted(p_values, key=lambda name: name != primary)
    }
    others = {name: p_values[name] for name in first.values() if name != primary}
    corrected = correct_for_number(others)
    if primary is not None:
        corrected[primary] = p_values[primary]
    return {name: corrected[speaks[name]] < LEVEL for name in p_values}


def _weigh_images(
    new: Measurement, old: Measurement, seed: str
) -> tuple[dict[str, float], dict[str, int]]:
    """The p-value of each metric by images, and the side to which each class leans."""
    ours, theirs = _get_records(new), _get_records(old)
    found = _test_shares(new, old)
    if ours is None or theirs is None or ours.classes != theirs.classes:
        return found, {}
    aligned = align_records(ours, theirs)
    pair = ours, theirs if aligned is None else aligned
    known = _find_agreeing(new, pair[0]) & _find_agreeing(old, pair[1])
    # Most of the work, and equal figures need none.
    drawn = dict.fromkeys(known, 1.0)
    if any(new.metrics[name] != old.metrics[name] for name in known):
        drawn = compute_difference_p(*pair, seed)
    if aligned is not None:
        drawn |= _pair_images(*pair)
        found |= {name: p for name, p in drawn.items() if name in known}
    else:
        # Of shares of images, Fisher's test has counted out what the draws estimate.
        found = {name: p for name, p in drawn.items() if name in known} | found
    leaning = _pair_classes(*pair) if aligned is not None else _compare_classes(*pair)
    corrected = correct_for_number({name: p for name, (p, _) in leaning.items()})
    classes = {
        name: (side > 0) - (side < 0) if corrected[name] < LEVEL else 0
        for name, (_, side) in leaning.items()
    }
    return found, classes if "accuracy" in known else {}


def find_interval(name: str, measured: Measurement, seed: str) -> tuple[float, float] | None:
    """The 95 % interval of one metric of a run; None where what is known does not tell.

    Of a mean over seeds it holds both what another seed could make of it and what other images
    could: each seed was measured on the same ones, so that their agreement says nothing of those.
    """
    values = measured.seeds.get(name)
    if values is None:
        return _find_images_interval(name, measured, seed)
    middle, (low, high) = fmean(values), estimate_mean(name, values)
    images = _find_images_interval(name, measured, seed)
    if images is None:
        return low, high
    # Moved from the one run, whose images these are, to the mean.
    moved = middle - measured.metrics[name]
    return min(low, images[0] + moved), max(high, images[1] + moved)


def _find_images_interval(
    name: str, measured: Measurement, seed: str
) -> tuple[float, float] | None:
    share, images = find_image_share(name, measured), measured.results.images
    if share is not None and images:
        return compute_wilson_interval(share, images)
    records = _get_records(measured)
    if records is None or name not in _find_agreeing(measured, records):
        return None
    interval = estimate_intervals(records, seed).get(name)
    return None if interval is None else keep_share(name, interval)


def find_value_intervals(measured: Measurement, seed: str) -> dict[str, tuple[float, float]]:
    """The 95 % intervals of all metrics of a run of which each image has a value and nothing else,
    as of every task but image classification; few columns, so that drawing them is cheap."""
    records = measured.results.samples
    if records is None or records.true:
        return {}
    known = _find_agreeing(measured, records)
    found = estimate_intervals(records, seed)
    return {name: keep_share(name, found[name]) for name in found if name in known}


def find_image_share(name: str, measured: Measurement) -> float | None:
    """The value of a metric that counts images, where it is one and their number is known."""
    value = measured.metrics.get(name)
    is_share = name in IMAGE_SHARES and value is not None and 0 <= value <= 1
    return value if is_share and measured.results.images else None


def _get_records(measured: Measurement) -> SampleRecords | None:
    results = measured.results
    if results.samples is not None or results.confusion is None:
        return results.samples
    # Objects of one image, and its pixels, were not drawn one by one.
    if results.confusion.unit != "image":
        return None
    return expand_counts(results.confusion.classes, results.confusion.counts)


def _find_agreeing(measured: Measurement, records: SampleRecords) -> set[str]:
    """The metrics that the records make as the run told them: an adapter may mean something else
    by a name, and then its interval is that of another figure."""
    found = compute_metrics(records) if records.count else {}
    return {
        name
        for name, value in found.items()
        if math.isclose(value, measured.metrics.get(name, math.nan), rel_tol=1e-3, abs_tol=1e-3)
    }


def _test_shares(new: Measurement, old: Measurement) -> dict[str, float]:
    found = {}
    for name in IMAGE_SHARES:
        sides = []
        for one in (new, old):
            share, images = find_image_share(name, one), one.results.images
            if share is not None and images:
                sides += [round(share * images), images]
        if len(sides) == 4:
            found[name] = compute_fisher_p(*sides)
    return found


def _pair_images(new: SampleRecords, old: SampleRecords) -> dict[str, float]:
    """What the images that one run gets right and the other does not say of each metric."""
    columns = {
        name: (column, old.values[name])
        for name, column in new.values.items()
        if name in old.values and {*column, *old.values[name]} <= {0.0, 1.0}
    }
    found = {name: _compute_pair_p(*pair) for name, pair in columns.items()}
    if new.true:
        right = [
            [float(true == one) for true, one in zip(each.true, each.predicted, strict=True)]
            for each in (new, old)
        ]
        found["accuracy"] = _compute_pair_p(*right)
        differing = sum(one != other for one, other in zip(*_get_calls(new, old), strict=True))
        # However they fell, so few images could not have shown it: 5 of 5 is chance at 6 %.
        if compute_sign_p(differing, 0) >= LEVEL:
            found |= dict.fromkeys(_CALL_METRICS, 1.0)
    return found


def _get_calls(*records: SampleRecords) -> list[Sequence[int]]:
    return [each.predicted for each in records]


def _compute_pair_p(new: Sequence[float], old: Sequence[float]) -> float:
    pairs = list(zip(new, old, strict=True))
    return compute_sign_p(sum(a > b for a, b in pairs), sum(a < b for a, b in pairs))


def _pair_classes(new: SampleRecords, old: SampleRecords) -> dict[str, tuple[float, float]]:
    """The p-value of each class, and the side that its images favour.

    An image counts for a class where one run is right whether it is of that class, and the other
    is not.
    """
    wins: Counter[int] = Counter()
    losses: Counter[int] = Counter()
    for true, ours, theirs in zip(new.true, new.predicted, old.predicted, strict=True):
        if ours == theirs:
            continue
        for right, wrong, counts in ((ours, theirs, wins), (theirs, ours, losses)):
            if right == true:
                counts[true] += 1
            if wrong != true:
                counts[wrong] += 1
    return {
        name: (compute_sign_p(wins[n], losses[n]), wins[n] - losses[n])
        for n, name in enumerate(new.classes)
    }


def _compare_classes(new: SampleRecords, old: SampleRecords) -> dict[str, tuple[float, float]]:
    """The same of two runs whose images are not known to be the same, from their mistakes."""
    mistakes = [_count_mistakes(each) for each in (new, old)]
    if new.classes != old.classes or not new.true or not old.true:
        return {}
    found = {}
    for n, name in enumerate(new.classes):
        ours, theirs = (each[n] for each in mistakes)
        p = compute_fisher_p(ours, new.count, theirs, old.count)
        found[name] = (p, theirs / old.count - ours / new.count)
    return found


def _count_mistakes(records: SampleRecords) -> Counter[int]:
    pairs = zip(records.true, records.predicted, strict=True)
    return Counter(one for pair in pairs if pair[0] != pair[1] for one in pair)
