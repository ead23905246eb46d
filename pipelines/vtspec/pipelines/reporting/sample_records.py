"""What an evaluation keeps of each image, so that two runs compare image by image. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from vtspec.pipelines.runs.json_values import to_mapping, to_number

_MOST_EXPANDED: Final = 1_000_000
_CALLS: Final = ("true", "predicted", "confidence")
_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class SampleRecords:
    """One entry an image in every column; what was not kept is empty.

    `true` and `predicted` are indices of `classes`. `values` are the metrics that are means over
    images, by name; `confidence` is that of the predicted class, 0 to 1.
    """

    classes: tuple[str, ...]
    images: tuple[str, ...] = ()
    true: tuple[int, ...] = ()
    predicted: tuple[int, ...] = ()
    confidence: tuple[float, ...] = ()
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many images there are."""
        columns = (self.images, self.true, *self.values.values())
        return max(map(len, columns))

    def pick(self, places: Sequence[int]) -> "SampleRecords":
        """The records at these places, in their order."""
        return SampleRecords(
            classes=self.classes,
            images=_pick(self.images, places),
            true=_pick(self.true, places),
            predicted=_pick(self.predicted, places),
            confidence=_pick(self.confidence, places),
            values={name: _pick(column, places) for name, column in self.values.items()},
        )


def parse_sample_records(evaluation: Mapping[str, object]) -> SampleRecords | None:
    """The `samples` of an `evaluation.json`; None where they are malformed or not there."""
    raw, classes = to_mapping(evaluation.get("samples")), evaluation.get("classes")
    images = raw.get("images")
    if not isinstance(images, list) or not images or not isinstance(classes, list):
        return None
    names = tuple(map(str, images))
    # Tasks other than classification have values only.
    called = [_to_column(raw[key]) for key in _CALLS if key in raw]
    values = {str(name): _to_column(raw) for name, raw in to_mapping(raw.get("values")).items()}
    lengths = {None if column is None else len(column) for column in (*called, *values.values())}
    # A column that does not belong to the images would compare one image with another.
    if lengths != {len(names)} or len(called) not in (0, 3):
        return None
    true, predicted, confidence = (column or () for column in called or [(), (), ()])
    if not all(index.is_integer() and 0 <= index < len(classes) for index in (*true, *predicted)):
        return None
    return SampleRecords(
        classes=tuple(map(str, classes)),
        images=names,
        true=tuple(map(int, true)),
        predicted=tuple(map(int, predicted)),
        confidence=confidence,
        values={name: column for name, column in values.items() if column},
    )


def expand_counts(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> SampleRecords | None:
    """The true and predicted classes of a confusion matrix as records, whose images have no names:
    what an evaluation tells of each image that kept no records. None of no images, or of more
    than fit into memory."""
    if not 0 < sum(map(sum, counts)) <= _MOST_EXPANDED:
        return None
    cells = [(i, j, count) for i, row in enumerate(counts) for j, count in enumerate(row) if count]
    return SampleRecords(
        classes=tuple(classes),
        true=tuple(i for i, _, count in cells for _ in range(count)),
        predicted=tuple(j for _, j, count in cells for _ in range(count)),
    )


def align_records(records: SampleRecords, others: SampleRecords) -> SampleRecords | None:
    """The `others` in the order of `records`; None unless both are of the same images, with the
    same truth."""
    if not records.images or records.classes != others.classes:
        return None
    places = {image: place for place, image in enumerate(others.images)}
    if len(places) != len(records.images) or any(name not in places for name in records.images):
        return None
    aligned = others.pick([places[name] for name in records.images])
    return aligned if aligned.true == records.true else None


def join_records(records: SampleRecords, others: SampleRecords) -> SampleRecords:
    """The `others`, of the same classes, after `records`; of columns that both have."""
    return SampleRecords(
        classes=records.classes,
        true=_join(records.true, others.true),
        predicted=_join(records.predicted, others.predicted),
        confidence=_join(records.confidence, others.confidence),
        values={
            name: _join(column, others.values[name])
            for name, column in records.values.items()
            if name in others.values
        },
    )


def _join(first: tuple[_Value, ...], second: tuple[_Value, ...]) -> tuple[_Value, ...]:
    return (*first, *second) if first and second else ()


def _pick(column: tuple[_Value, ...], places: Sequence[int]) -> tuple[_Value, ...]:
    return tuple(column[place] for place in places) if column else ()


def _to_column(values: object) -> tuple[float, ...] | None:
    found = [to_number(value) for value in values] if isinstance(values, list) else [None]
    return None if None in found else tuple(value for value in found if value is not None)
