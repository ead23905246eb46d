"""What classes there are, how often, and what is wrong with that. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from vtspec.adapters.data.annotations import Sample
from vtspec.pipelines.data.formats.layout import (
    DatasetIssue,
    Layout,
    make_error,
    make_warning,
)
from vtspec.pipelines.formatting import pluralize
from vtspec.schema.kinds.patterns import TEMPLATE
from vtspec.schema.yaml_source.decoding import UNPRINTABLE

from .image_probe import ImageInfo
from .mask_values import list_shown_classes

IMBALANCE: Final = 10
"""From how many times the rarest class's images on the most frequent one is called imbalanced."""

_CLASSIFYING: Final = frozenset({"image-classification", "multilabel-classification"})

LONGEST_CLASS_NAME: Final = 100
"""Characters that a class name of a spec may have."""


def count_per_class(
    layout: Layout, items: Iterable[Sample], looks: Mapping[str, ImageInfo]
) -> dict[str, int]:
    """Labels of each class on images that can be decoded, every class in index order."""
    counts = Counter(
        name
        for item in items
        if looks[item.image].fault is None
        for name in list_labels(layout, item, looks)
    )
    return {name: counts[name] for name in layout.classes}


def list_labels(layout: Layout, item: Sample, looks: Mapping[str, ImageInfo]) -> Sequence[str]:
    """The class of each label of an image. A mask has one label of each class that has a pixel
    in it: which pixels are of one thing, it does not say."""
    if layout.format == "masks":
        return list_shown_classes(layout.classes, item, looks)
    return item.classes


def check_coverage(layout: Layout, looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Classes of which a split has nothing; of a classification, too few classes."""
    if layout.tasks == ("image-classification",):
        yield from _check_class_count(layout)
    for split, part in layout.splits.items():
        counts = count_per_class(layout, part.items, looks)
        empty = [name for name, count in counts.items() if not count]
        if empty and part.items:
            # A classifier is refused such a split; a detector learns that there is nothing.
            is_refused = split == "train" and not _CLASSIFYING.isdisjoint(layout.tasks)
            make_issue = make_error if is_refused else make_warning
            yield make_issue(
                f"split '{split}' has nothing of {_format_names(empty)}",
                "add images of it, or take the class out of every split",
            )


def check_balance(layout: Layout, looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Classes that training sees far more often than others."""
    train = layout.splits.get("train") or layout.splits.get("all")
    found = count_per_class(layout, train.items, looks) if train else {}
    counts = {name: count for name, count in found.items() if count}
    if counts and max(counts.values()) >= IMBALANCE * min(counts.values()):
        most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        yield make_warning(
            f"classes are imbalanced: {counts[most]} of {most!r}, {counts[least]} of {least!r}",
            "add images of the rare classes, or set training.classWeights to balanced",
        )


def _check_class_count(layout: Layout) -> Iterator[DatasetIssue]:
    if len(layout.classes) == 1:
        yield make_error(
            f"there is one class, {layout.classes[0]!r}: nothing to tell apart",
            "add images of another class",
        )
    elif not layout.classes and any(part.items for part in layout.splits.values()):
        yield make_error(
            "no image has a label", "write the name of its class, as text, beside each"
        )


def check_class_names(layout: Layout) -> Iterator[DatasetIssue]:
    """Names that a spec cannot hold, each with the first place where it stands."""
    for name in layout.classes:
        fault = _find_name_fault(name)
        if fault:
            items = (item for part in layout.splits.values() for item in part.items)
            first = next((i.place or i.image for i in items if name in i.classes), None)
            yield make_error(
                f"the class name {ascii(name)[:80]} {fault}",
                "rename the class in the data",
                [first] if first else [],
            )


def _find_name_fault(name: str) -> str | None:
    strange = UNPRINTABLE.search(name)
    if strange:
        return f"has the character U+{ord(strange[0]):04X}, which cannot be shown"
    if not name.strip() or name != name.strip():
        return "begins or ends with a blank"
    if len(name) > LONGEST_CLASS_NAME:
        return f"has more than {LONGEST_CLASS_NAME} characters"
    if re.search(TEMPLATE, name):
        return "has '{{', the mark of a template"
    return "is more than one line" if "\n" in name or "\r" in name else None


def _format_names(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    more = pluralize(len(names) - 5, "more class", "more classes")
    return shown if len(names) <= 5 else f"{shown} and {more}"
