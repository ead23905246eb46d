"""The 95 % intervals of metrics, and the p-values of their differences between two runs, by
measuring again and again what might have been measured. Pure: the draws follow from a seed.

Up to `MOST_DRAWN` images, intervals are the bootstrap's over images (Efron and Tibshirani, "An
Introduction to the Bootstrap", 1993), with percentiles widened for few images as in Hesterberg,
"What teachers should know about the bootstrap", 2015 (https://arxiv.org/abs/1411.5279), and
differences are judged by randomization: had the two runs been one, each image's result could as
well be the other run's (Noreen, "Computer-Intensive Methods for Testing Hypotheses", 1989; Yeh,
"More accurate tests for the statistical significance of result differences", 2000). Of shares of
images that is what McNemar's and Fisher's exact tests count out. Beyond, the jackknife that leaves
out a group at a time (Kott, "The delete-a-group jackknife", 2001), which costs one pass.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from random import Random
from statistics import NormalDist
from typing import Final, TypeAlias

from .sample_records import SampleRecords, join_records
from .significance import NORMAL, compute_normal_p

Interval: TypeAlias = tuple[float, float]
Metrics: TypeAlias = Mapping[str, float]

MOST_DRAWN: Final = 500
"""Images up to which they are drawn anew; less than a second of work."""

_DRAWS: Final = 1_000
_GROUPS: Final = 100
_BINS: Final = 15


def compute_metrics(records: SampleRecords) -> dict[str, float]:
    """The metrics that follow from the records, by their standard names.

    Defined as the adapters define them (`vtspec.adapters.evaluation.classification`): averages
    over the classes that occur in the truth or in the predictions, and 15 bins of confidence.
    """
    columns = _Columns(records)
    return columns.measure(range(columns.count))


def estimate_intervals(records: SampleRecords, seed: str) -> dict[str, Interval]:
    """The interval of every metric that follows from the records."""
    columns = _Columns(records)
    if columns.count <= MOST_DRAWN:
        return _bootstrap(columns, seed)
    middle, variances = columns.measure(range(columns.count)), _jackknife((columns,), _first)
    return {name: _spread(middle[name], variances[name]) for name in variances}


def compute_difference_p(
    records: SampleRecords, others: SampleRecords, seed: str
) -> dict[str, float]:
    """The two-sided p-value that two models of the same classes have one value of a metric, for
    every metric that follows from the records of both.

    They are paired where both name the same images in the same order.
    """
    pair = _Columns(records), _Columns(others)
    is_paired = bool(records.images) and records.images == others.images
    if max(one.count for one in pair) <= MOST_DRAWN:
        return _randomize(_Columns(join_records(records, others)), pair[0].count, is_paired, seed)
    middle = _subtract([one.measure(range(one.count)) for one in pair])
    if is_paired:
        variances = _jackknife(pair, _subtract)
    else:
        first, second = (_jackknife((one,), _first) for one in pair)
        variances = {name: first[name] + second[name] for name in middle}
    return {name: compute_normal_p(middle[name], variances[name]) for name in middle}


class _Columns:
    """Records as what each image adds to the metrics."""

    def __init__(self, records: SampleRecords) -> None:
        self.count, self.size = records.count, len(records.classes)
        pairs = list(zip(records.true, records.predicted, strict=True))
        self.cells = [true * self.size + predicted for true, predicted in pairs]
        self.gaps = [
            (_find_bin(confidence), confidence - (true == predicted))
            for confidence, (true, predicted) in zip(records.confidence, pairs, strict=False)
        ]
        self.values = records.values

    def measure(self, places: Sequence[int]) -> dict[str, float]:
        """The metrics of the images at these places, each as often as it is named."""
        return self.add_up(places).measure(self.size)

    def add_up(self, places: Sequence[int]) -> "_Totals":
        """What these images add to the metrics together."""
        # One place would give a value and not a tuple of them.
        pick = (
            itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))
        )
        gaps = [0.0] * _BINS
        for place, gap in pick(self.gaps) if self.gaps else ():
            gaps[place] += gap
        return _Totals(
            count=len(places),
            cells=Counter(pick(self.cells) if self.cells else ()),
            gaps=gaps if self.gaps else [],
            values={name: math.fsum(pick(column)) for name, column in self.values.items()},
        )


@dataclass(frozen=True, kw_only=True)
class _Totals:
    """Sums over images: of each cell of the confusion matrix, of confidence less rightness in each
    bin, and of each value."""

    count: int
    cells: Counter[int]
    gaps: Sequence[float]
    values: Mapping[str, float]

    def leave_out(self, other: "_Totals") -> "_Totals":
        """These sums without those of some of the images."""
        return _Totals(
            count=self.count - other.count,
            cells=self.cells - other.cells,
            gaps=[one - two for one, two in zip(self.gaps, other.gaps, strict=True)],
            values={name: total - other.values[name] for name, total in self.values.items()},
        )

    def measure(self, size: int) -> dict[str, float]:
        """The metrics; of `size` classes."""
        found = {name: total / self.count for name, total in self.values.items()}
        if self.cells:
            found |= _measure_cells(self.cells, size)
        if self.gaps:
            found["ece"] = math.fsum(map(abs, self.gaps)) / self.count
        return found


def _find_bin(confidence: float) -> int:
    # A bin holds its upper edge.
    return min(_BINS - 1, max(0, math.ceil(confidence * _BINS) - 1))


def _measure_cells(cells: Mapping[int, int], size: int) -> dict[str, float]:
    hits: Counter[int] = Counter()
    true: Counter[int] = Counter()
    called: Counter[int] = Counter()
    for cell, count in cells.items():
        i, j = divmod(cell, size)
        true[i] += count
        called[j] += count
        if i == j:
            hits[i] = count
    occurring = true | called
    precision = [hits[one] / called[one] if called[one] else 0.0 for one in occurring]
    recall = [hits[one] / true[one] if true[one] else 0.0 for one in occurring]
    f1 = [2 * hits[one] / (true[one] + called[one]) for one in occurring]
    return {
        "accuracy": hits.total() / true.total(),
        "macro_f1": math.fsum(f1) / len(f1),
        "macro_precision": math.fsum(precision) / len(precision),
        "macro_recall": math.fsum(recall) / len(recall),
    }


def _first(found: Sequence[Metrics]) -> Metrics:
    return found[0]


def _subtract(found: Sequence[Metrics]) -> dict[str, float]:
    new, old = found
    return {name: new[name] - old[name] for name in new if name in old}


def _bootstrap(columns: _Columns, seed: str) -> dict[str, Interval]:
    count = columns.count
    # Nothing varies among drawings of one image.
    if count < 2:
        return {}
    random = _seed_random(seed)
    replicates = [columns.measure(random.choices(range(count), k=count)) for _ in range(_DRAWS)]
    share = _widen_tail(count)
    names = replicates[0]
    return {name: _cut_tails([one[name] for one in replicates], share) for name in names}


def _seed_random(seed: str) -> Random:
    # Names of runs come from folders, and may hold what is no Unicode.
    return Random(seed.encode("utf-8", "surrogatepass"))


def _randomize(both: _Columns, count: int, is_paired: bool, seed: str) -> dict[str, float]:
    """The p-values of two runs' columns, one after the other, the first of `count` images."""
    random, places = _seed_random(seed), list(range(both.count))
    seen = _subtract([both.measure(places[:count]), both.measure(places[count:])])
    reached: Counter[str] = Counter()
    for _ in range(_DRAWS):
        if is_paired:
            swapped = random.getrandbits(count)
            ours = [place + count * (swapped >> place & 1) for place in range(count)]
            theirs = [place + count * (~swapped >> place & 1) for place in range(count)]
        else:
            random.shuffle(places)
            ours, theirs = places[:count], places[count:]
        drawn = _subtract([both.measure(ours), both.measure(theirs)])
        # What is as large in truth may be smaller by the last bits of its sums.
        reached.update(name for name in seen if abs(drawn[name]) >= abs(seen[name]) - 1e-9)
    # The assignment that was seen is one of those that could have been drawn.
    return {name: (1 + reached[name]) / (1 + _DRAWS) for name in seen}


def _widen_tail(count: int) -> float:
    """The share of each tail that makes percentiles of few images as wide as Student's t would."""
    z, degrees = NORMAL, count - 1
    # Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5.
    student = z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
    return NormalDist().cdf(-math.sqrt(count / degrees) * student)


def _cut_tails(values: Iterable[float], share: float) -> Interval:
    ordered = sorted(values)
    cut = max(0, math.floor(share * (len(ordered) + 1)) - 1)
    return ordered[cut], ordered[-1 - cut]


def _jackknife(
    sets: Sequence[_Columns], combine: Callable[[Sequence[Metrics]], Metrics]
) -> dict[str, float]:
    """The variance of every metric, or of its difference between two paired sets."""
    wholes = [one.add_up(range(one.count)) for one in sets]
    left = []
    for group in range(_GROUPS):
        # By place: files are sorted by class, so that each group has images of all of them.
        places = range(group, sets[0].count, _GROUPS)
        pairs = zip(sets, wholes, strict=True)
        left.append(
            combine([w.leave_out(one.add_up(places)).measure(one.size) for one, w in pairs])
        )
    found = {}
    for name in left[0]:
        middle = math.fsum(one[name] for one in left) / _GROUPS
        squares = math.fsum((one[name] - middle) ** 2 for one in left)
        found[name] = squares * (_GROUPS - 1) / _GROUPS
    return found


def _spread(middle: float, variance: float) -> Interval:
    width = NORMAL * math.sqrt(variance)
    return middle - width, middle + width
