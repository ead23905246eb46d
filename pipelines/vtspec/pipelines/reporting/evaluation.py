"""What `evaluation.json` tells, as typed parts; what is malformed is left out and said so.

Adapters of third parties write that file, so a report neither trusts it nor fails on it.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from vtspec.pipelines.runs.json_values import to_mapping, to_number, to_text

from .sample_records import SampleRecords, parse_sample_records

MOST_ERRORS: Final = 24
"""Sample errors that a report shows."""


ConfusionUnit = Literal["image", "object", "pixel"]
"""What a confusion matrix counts."""


@dataclass(frozen=True, kw_only=True)
class ConfusionMatrix:
    """`counts[i][j]` images, objects or pixels of true class `i` were called class `j`."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    unit: ConfusionUnit = "image"

    def find_mistakes(self, most: int) -> tuple["Mistake", ...]:
        """The most frequent mistakes, most frequent first; classes in index order break ties."""
        found = [
            (-count, i, j)
            for i, row in enumerate(self.counts)
            for j, count in enumerate(row)
            if i != j and count
        ]
        return tuple(
            Mistake(
                true=self.classes[i],
                predicted=self.classes[j],
                count=-count,
                of=sum(self.counts[i]),
            )
            for count, i, j in heapq.nsmallest(most, found)
        )


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """`count` of the `of` things of class `true` were called `predicted`."""

    true: str
    predicted: str
    count: int
    of: int


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """The figures of one class by name, such as precision, recall, f1 and support."""

    name: str
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class PrCurve:
    """Precision over recall (both 0 to 1, as long as each other) of one class."""

    name: str
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    average_precision: float | None


@dataclass(frozen=True, kw_only=True)
class ErrorType:
    """One kind of a detector's errors, as TIDE names it: how many there are, where that was told,
    and by how much AP at 0.5 would rise without them."""

    name: str
    count: int | None
    delta_ap: float


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """One bin of confidence `low` to `high`: how many images, how sure, how often right."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How far confidence is from being right; `ece` is the expected calibration error."""

    bins: tuple[CalibrationBin, ...]
    ece: float | None


@dataclass(frozen=True, kw_only=True)
class SampleError:
    """One image that was called wrong; `thumbnail` is a path below the run's folder."""

    image: str
    true: str
    predicted: str
    confidence: float | None
    thumbnail: str | None


@dataclass(frozen=True, kw_only=True)
class EvaluationResults:
    """All of it; a part that was not told is None or empty. `notes` say what was left out."""

    split: str | None = None
    images: int | None = None
    confusion: ConfusionMatrix | None = None
    classes: tuple[ClassMetrics, ...] = ()
    pr_curves: tuple[PrCurve, ...] = ()
    calibration: Calibration | None = None
    error_types: tuple[ErrorType, ...] = ()
    errors: tuple[SampleError, ...] = ()
    samples: SampleRecords | None = None
    notes: tuple[str, ...] = field(default=())


def parse_results(evaluation: Mapping[str, object]) -> EvaluationResults:
    """The parts of an `evaluation.json`; never raises for what is in it."""
    notes: list[str] = []
    confusion = None
    if evaluation.get("confusion") is not None:
        # Of objects there are those that nothing found, and what was found where nothing is.
        names = evaluation.get("confusionClasses", evaluation.get("classes"))
        confusion = _parse_confusion(
            names, evaluation["confusion"], evaluation.get("confusionUnit", "image")
        )
        if confusion is None:
            notes.append("the confusion matrix is not one row and column a class; left out")
    curves = [
        _parse_pr_curve(str(name), raw) for name, raw in _to_items(evaluation.get("prCurves"))
    ]
    # One bad curve must not hide the good ones, nor pass unsaid.
    if None in curves:
        notes.append("a precision-recall curve has no points or uneven ones; left out")
    samples = parse_sample_records(evaluation)
    if samples is None and evaluation.get("samples") is not None:
        notes.append("the records of single images do not belong together; left out")
    return EvaluationResults(
        split=to_text(evaluation.get("split")),
        images=_to_count(evaluation.get("images")),
        confusion=confusion,
        classes=tuple(_iter_class_metrics(evaluation.get("perClass"))),
        pr_curves=tuple(curve for curve in curves if curve is not None),
        calibration=_parse_calibration(evaluation.get("calibration")),
        error_types=tuple(_iter_error_types(evaluation.get("errorTypes"))),
        errors=tuple(_iter_errors(evaluation.get("errors")))[:MOST_ERRORS],
        samples=samples,
        notes=tuple(notes),
    )


def _to_items(value: object) -> Iterable[tuple[str, object]]:
    return to_mapping(value).items()


def _to_mappings(value: object) -> list[Mapping[str, object]]:
    # A text is a sequence too, of its letters.
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def _to_count(value: object) -> int | None:
    found = to_number(value)
    return int(found) if found is not None and found >= 0 and found.is_integer() else None


def _parse_confusion(classes: object, rows: object, unit: object) -> ConfusionMatrix | None:
    known = next((one for one in get_args(ConfusionUnit) if one == unit), None)
    if known is None or not isinstance(classes, list) or not isinstance(rows, list) or not classes:
        return None
    # A ragged matrix would put counts to the wrong class.
    if len(rows) != len(classes):
        return None
    counts: list[tuple[int, ...]] = []
    for row in rows:
        if not isinstance(row, list) or len(row) != len(classes):
            return None
        # A million cells at a thousand classes: whole rows of plain counts are taken as they are.
        if not all(type(value) is int and value >= 0 for value in row):
            return None
        counts.append(tuple(row))
    names = tuple(str(name) for name in classes)
    return ConfusionMatrix(classes=names, counts=tuple(counts), unit=known)


def _iter_class_metrics(rows: object) -> Iterable[ClassMetrics]:
    for row in _to_mappings(rows):
        # Figures of nobody.
        if "class" not in row:
            continue
        found = {str(key): to_number(value) for key, value in row.items() if key != "class"}
        values = {key: value for key, value in found.items() if value is not None}
        yield ClassMetrics(name=str(row["class"]), values=values)


def _parse_pr_curve(name: str, raw: object) -> PrCurve | None:
    recall, precision = (_to_numbers(to_mapping(raw).get(key)) for key in ("recall", "precision"))
    # Points that do not pair cannot be drawn, and cutting one short would move the curve.
    if not recall or len(recall) != len(precision):
        return None
    average = to_number(to_mapping(raw).get("averagePrecision"))
    return PrCurve(name=name, recall=recall, precision=precision, average_precision=average)


def _to_numbers(value: object) -> tuple[float, ...]:
    if not isinstance(value, list):
        return ()
    found = [to_number(item) for item in value]
    return () if None in found else tuple(item for item in found if item is not None)


def _parse_calibration(raw: object) -> Calibration | None:
    bins = [
        one
        for row in _to_mappings(to_mapping(raw).get("bins"))
        if (one := _parse_bin(row)) is not None
    ]
    if not bins:
        return None
    return Calibration(bins=tuple(bins), ece=to_number(to_mapping(raw).get("ece")))


def _parse_bin(row: Mapping[str, object]) -> CalibrationBin | None:
    low, high, count = (
        to_number(row.get("low")),
        to_number(row.get("high")),
        _to_count(row.get("count")),
    )
    if low is None or high is None or count is None:
        return None
    return CalibrationBin(
        low=low,
        high=high,
        count=count,
        confidence=to_number(row.get("confidence")),
        accuracy=to_number(row.get("accuracy")),
    )


def _iter_error_types(told: object) -> Iterable[ErrorType]:
    for name, raw in _to_items(told):
        row = to_mapping(raw)
        delta = to_number(row.get("deltaAp"))
        if delta is not None:
            yield ErrorType(name=name, count=_to_count(row.get("count")), delta_ap=delta)


def _iter_errors(rows: object) -> Iterable[SampleError]:
    for row in _to_mappings(rows):
        yield SampleError(
            image=str(row.get("image", "")),
            true=str(row.get("true", "")),
            predicted=str(row.get("predicted", "")),
            confidence=to_number(row.get("confidence")),
            thumbnail=to_text(row.get("thumbnail")),
        )
