"""Data divided into train, val and test, in a new folder of the same format."""

import posixpath
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vtspec.adapters.data.annotations import Sample
from vtspec.adapters.durable_files import stage_folder
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.data.conversion.convert import (
    ConversionOptions,
    check_places,
    convert_dataset,
)
from vtspec.pipelines.data.conversion.image_names import assign_names
from vtspec.pipelines.data.conversion.omissions import Omission
from vtspec.pipelines.data.inspection.class_checks import list_labels
from vtspec.pipelines.data.inspection.inspect import Inspection
from vtspec.pipelines.data.inspection.near_duplicates import group_near_duplicates
from vtspec.pipelines.errors import Permanent, refuse_system_error
from vtspec.pipelines.formatting import pluralize

from .grouped_split import GroupedImage, join_groups, split_groups

_CURED: Final = ("splits", "class-coverage", "broken-images", "spec")
"""The checks whose errors dividing the data may mend, or that are told in words of its own."""

_PAIR_FOLDERS: Final[Mapping[str, tuple[str, str]]] = {
    "depth": ("rgb", "depth"),
    "high-resolution": ("low", "high"),
}


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """What a person wants: the ratio of the splits; what stays together besides images that are
    (nearly) the same: those of a folder (`folder`), or with the same match of a regular expression
    in their path, or of the same value of a column of the table. What is split already is divided
    anew only where it `resplits`."""

    shares: Mapping[str, float]
    group_by: str | None = None
    group_field: str | None = None
    joins_near: bool = True
    resplits: bool = False
    skips_broken: bool = False


@dataclass(frozen=True, kw_only=True)
class DatasetSplit:
    """What was done: images by split; the groups of several images that stayed together, as their
    sizes, the largest first; what could not be written as it was, and what was left out."""

    images: Mapping[str, int]
    groups: Sequence[int]
    omissions: Sequence[Omission] = ()
    left_out: Mapping[str, str]


def split_dataset(inspection: Inspection, target: Path, wish: SplitOptions) -> DatasetSplit:
    """Copy the data to `target`, divided; the inspected folder is left as it is.

    The division depends on the data alone (see `split_groups`): the same images are divided alike
    everywhere. Raises `Permanent` where the data is split already and is not to be divided anew,
    has errors in its labels or broken images that are not to be skipped (or no others), a group
    is not known of every image, or a split would have no image; `Refused` where `target` exists.
    """
    layout = inspection.layout
    if len(layout.splits) > 1 and not wish.resplits:
        add = format_command("vtspec", "datasets", "add", inspection.path, "--name", "NAME")
        raise Permanent(
            f"{inspection.path} is split already, into {', '.join(layout.splits)}: {layout.why}",
            fix=f"{add}, or --resplit to divide it anew",
        )
    errors = [one for one in inspection.errors if one.check not in _CURED]
    if errors:
        raise Permanent(f"{inspection.path} has errors: {errors[0].message}", fix=errors[0].fix)
    check_places(inspection.path, target)
    broken = _find_broken(inspection, wish)
    images = [*_list_images(inspection, wish, broken)]
    groups = join_groups(images)
    division = split_groups(groups, wish.shares)
    counts = Counter(division.values())
    empty = next((split for split in wish.shares if not counts[split]), None)
    if empty is not None:
        _refuse_empty(len(images), groups, empty)
    omissions: Sequence[Omission] = ()
    if layout.format == "pairs":
        _copy_pairs(inspection, target, division)
    else:
        options = ConversionOptions(
            to=layout.format, skips_broken=wish.skips_broken, broken=broken, division=division
        )
        omissions = convert_dataset(inspection.path, target, options).omissions
    return DatasetSplit(
        images={split: counts[split] for split in wish.shares},
        groups=sorted((len(one) for one in groups if len(one) > 1), reverse=True),
        omissions=omissions,
        left_out=broken,
    )


def _find_broken(inspection: Inspection, wish: SplitOptions) -> dict[str, str]:
    """The images that cannot be read, and are to be left out, with why."""
    items = [item for part in inspection.layout.splits.values() for item in part.items]
    named = {item.image for item in items} | {item.target.path for item in items if item.target}
    broken = {
        look.image: look.fault
        for look in inspection.looks.values()
        if look.fault is not None and look.image in named
    }
    is_any_whole = any(not _is_broken(item, broken) for item in items)
    if broken and not (wish.skips_broken and is_any_whole):
        raise Permanent(
            f"{pluralize(len(broken), 'image is', 'images are')} broken, such as {min(broken)}",
            fix=format_command("vtspec", "datasets", "inspect", inspection.path)
            + " lists them"
            + ("" if wish.skips_broken else ", --skip-broken leaves them out"),
        )
    return broken


def _is_broken(item: Sample, broken: Mapping[str, str]) -> bool:
    return item.image in broken or (item.target is not None and item.target.path in broken)


def _list_images(
    inspection: Inspection, wish: SplitOptions, broken: Mapping[str, str]
) -> Iterator[GroupedImage]:
    """Every image once, with the classes of all its rows and what it must stay with."""
    rows: dict[str, list[Sample]] = defaultdict(list)
    for part in inspection.layout.splits.values():
        for item in part.items:
            if not _is_broken(item, broken):
                rows[item.image].append(item)
    looks = inspection.looks
    keys: dict[str, list[Hashable]] = {image: [] for image in rows}
    for image, key in _iter_keys(inspection, rows, wish):
        keys[image].append(key)
    for image, items in rows.items():
        yield GroupedImage(
            image=image,
            content=looks[image].pixels,
            classes=tuple(
                name for item in items for name in list_labels(inspection.layout, item, looks)
            ),
            keys=tuple(keys[image]),
        )


def _iter_keys(
    inspection: Inspection, rows: Mapping[str, Sequence[Sample]], wish: SplitOptions
) -> Iterator[tuple[str, Hashable]]:
    """Images with what they share with those that they must stay with."""
    if wish.joins_near:
        found = group_near_duplicates([inspection.looks[image].thumbnail for image in rows])
        for image, group in zip(rows, found.tolist(), strict=True):
            yield image, ("near", group)
    if wish.group_by is not None:
        for image, name in _find_groups(rows, wish.group_by).items():
            yield image, ("group", name)
    if wish.group_field is not None:
        if inspection.layout.format not in ("csv", "jsonl"):
            raise Permanent(
                f"{inspection.layout.format} has no columns, as --group-field names one",
                fix="use --group-by with a part of the path",
            )
        for image, value in _find_values(rows, wish.group_field):
            yield image, ("field", value)


def _find_groups(images: Mapping[str, object], rule: str) -> dict[str, tuple[str | None, ...]]:
    """The group of each image, by its path."""
    if rule == "folder":
        return {image: (posixpath.dirname(image),) for image in images}
    try:
        pattern = re.compile(rule)
    except re.error as error:
        raise Permanent(
            f"--group-by is no regular expression: {error}, got '{rule}'",
            fix="--group-by folder, or --group-by '(video[0-9]+)'",
        ) from error
    found = {image: pattern.search(image) for image in images}
    absent = [image for image, match in found.items() if match is None]
    if absent:
        raise Permanent(
            f"'{rule}' is found in no part of {pluralize(len(absent), 'path')}, such as "
            f"{absent[0]}: of which group they are is not known",
            fix="write --group-by so that every path has it, such as '^(?:.*/)?([^/_]+)'",
        )
    return {image: match.groups() or (match[0],) for image, match in found.items() if match}


def _find_values(rows: Mapping[str, Sequence[Sample]], field: str) -> Iterator[tuple[str, str]]:
    """What rows of a table say in a column, with their image; each counts as text."""
    for image, items in rows.items():
        for item in items:
            value = item.attributes.get(field)
            if value is None or value == "":
                known = sorted({name for item in items for name in item.attributes})
                raise Permanent(
                    f"{item.place or image}: nothing in the column '{field}'",
                    fix=f"--group-field {' or '.join(known)}"
                    if known and field not in known
                    else "fill it in, or use --group-by with a part of the path",
                )
            yield image, str(value)


def _refuse_empty(count: int, groups: Sequence[Sequence[GroupedImage]], split: str) -> None:
    largest = max(len(group) for group in groups)
    together = (
        f" in {pluralize(len(groups), 'group')} that stay together, the largest of {largest:,},"
        if largest > 1
        else ""
    )
    raise Permanent(
        f"{pluralize(count, 'image')}{together} {'is' if count == 1 else 'are'} too few: split "
        f"'{split}' would get none",
        fix="--shares 50/50, or more images"
        + (", or --ignore-near-duplicates where they are nearly the same" if together else ""),
    )


def _copy_pairs(inspection: Inspection, target: Path, division: Mapping[str, str]) -> None:
    """Copy both images of each pair, under one name."""
    items = [item for part in inspection.layout.splits.values() for item in part.items]
    pairs = [(item, item.target) for item in items if item.target and item.image in division]
    first, second = _PAIR_FOLDERS[pairs[0][1].kind]
    folders = [part.path for part in inspection.layout.splits.values()]
    names = assign_names([(item.image, "") for item, _ in pairs], {}, set(), folders)
    try:
        with stage_folder(target) as fresh:
            for item, other in pairs:
                name, split = names[item.image], division[item.image]
                # Compared without their endings, which each keeps.
                twin = posixpath.splitext(name)[0] + posixpath.splitext(other.path)[1]
                _copy(inspection.path / item.image, fresh / first / split / name)
                _copy(inspection.path / other.path, fresh / second / split / twin)
    except OSError as error:
        raise refuse_system_error(error) or Permanent(
            f"{error.filename}: {error.strerror}"
        ) from error


def _copy(source: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    # Not a link: mending one copy must not change the other.
    shutil.copyfile(source, copy)
