"""Images that stand in a dataset more than once. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from vtspec.adapters.data.annotations import Sample
from vtspec.pipelines.data.formats.layout import DatasetIssue, Layout, make_warning
from vtspec.pipelines.formatting import pluralize

from .image_probe import ImageInfo
from .near_duplicates import group_near_duplicates

_RESPLIT: Final = "vtspec datasets split DATA NEW --resplit divides anew"


class _Place(NamedTuple):
    split: str
    item: Sample


def check_leaks(layout: Layout, looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Images that are in more than one split."""
    leaks = [group for group in _group_by_pixels(layout, looks) if _is_leak(group)]
    if leaks:
        yield make_warning(
            f"{pluralize(len(leaks), 'image')} in more than one split: figures will flatter",
            f"keep each of them in one split only: {_RESPLIT}",
            _list_files(leaks),
        )


def check_near_leaks(layout: Layout, looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Images that are nearly the same as one of another split, and not the very same."""
    if len(layout.splits) < 2:
        return
    places = _place_pixels(layout, looks)
    groups: dict[int, list[list[_Place]]] = defaultdict(list)
    thumbnails = [looks[same[0].item.image].thumbnail for same in places.values()]
    for group, same in zip(group_near_duplicates(thumbnails), places.values(), strict=True):
        groups[int(group)].append(same)
    alike = [
        [place for same in found for place in same] for found in groups.values() if len(found) > 1
    ]
    leaks = [group for group in alike if _is_leak(group)]
    if leaks:
        yield make_warning(
            f"{pluralize(len(leaks), 'image')} nearly the same in more than one split: figures "
            "will flatter",
            f"keep all that are alike in one split only: {_RESPLIT}",
            _list_files(leaks),
        )


def check_labels_of_copies(
    layout: Layout, looks: Mapping[str, ImageInfo]
) -> Iterator[DatasetIssue]:
    """Images that are there under several labels."""
    torn = [
        group
        for group in _group_by_pixels(layout, looks)
        if len({item.classes for _, item in group}) > 1
    ]
    if torn:
        yield make_warning(
            f"{pluralize(len(torn), 'image')} with more than one label",
            "decide which label is right, and delete the other copies",
            _list_files(torn),
        )


def check_copies(layout: Layout, looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Images that are in one split several times, as several files."""
    copies = [
        group
        for group in _group_by_pixels(layout, looks)
        if not _is_leak(group) and len({item.image for _, item in group}) > 1
    ]
    if copies:
        says_more = any(len({_get_words(item) for _, item in group}) > 1 for group in copies)
        yield make_warning(
            f"{pluralize(len(copies), 'image')} more than once in a split",
            # Each copy has a question or caption of its own, which would go with it.
            "let the rows of all copies name one file, and delete the others"
            if says_more
            else "delete the copies, unless they are meant to weigh more",
            _list_files(copies),
        )


def check_rows(layout: Layout) -> Iterator[DatasetIssue]:
    """Rows of a split that say the same of the same file; several questions about one image, or
    several captions of it, are what such data is."""
    told: list[str] = []
    for part in layout.splits.values():
        rows: dict[object, list[Sample]] = defaultdict(list)
        for item in part.items:
            rows[item.image, item.classes, *_get_words(item)].append(item)
        told += [
            item.place or item.image for group in rows.values() if len(group) > 1 for item in group
        ]
    if told:
        yield make_warning(
            f"{pluralize(len(told), 'row')} of a table that say the same as another one",
            "delete those that stand twice, unless they are meant to weigh more",
            told,
        )


def _is_leak(group: Sequence[_Place]) -> bool:
    return len({place.split for place in group}) > 1


def _get_words(item: Sample) -> tuple[object, ...]:
    """What is said of an image in words."""
    # Nothing else that rows hold is read; `messages` are attributes.
    return item.text, item.captions, item.question, repr(item.attributes.get("messages"))


def _group_by_pixels(layout: Layout, looks: Mapping[str, ImageInfo]) -> list[list[_Place]]:
    return [group for group in _place_pixels(layout, looks).values() if len(group) > 1]


def _place_pixels(layout: Layout, looks: Mapping[str, ImageInfo]) -> dict[str, list[_Place]]:
    """Where each image stands, by its pixels."""
    same: dict[str, list[_Place]] = defaultdict(list)
    for split, part in layout.splits.items():
        for item in part.items:
            look = looks.get(item.image)
            # By pixels: a copy that was saved anew has other bytes. A broken image has none.
            if look is not None and look.pixels:
                same[look.pixels].append(_Place(split, item))
    return same


def _list_files(groups: Sequence[Sequence[_Place]]) -> dict[str, None]:
    """The images of the groups, each once."""
    return dict.fromkeys(item.image for group in groups for _, item in group)
