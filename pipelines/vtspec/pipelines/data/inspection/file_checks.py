"""What is wrong with the files of a dataset, whatever they show. Pure."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from vtspec.adapters.data.file_tree import FileTree, is_hidden
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.data.formats.layout import (
    DatasetIssue,
    Layout,
    make_error,
    make_warning,
)
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.project.spec_names import make_name

_HARMLESS: Final = (".txt", ".md", ".json", ".jsonl", ".csv", ".yaml", ".yml", ".xml", ".cache")


def check_splits(tree: FileTree, layout: Layout) -> Iterator[DatasetIssue]:
    """Splits that lack, or have no images."""
    if "all" in layout.splits:
        # Somewhere else than where it lies, and where a repository keeps its data.
        target = f"data/{make_name(tree.root.name, otherwise='NAME')}"
        target = f"{target}-split" if tree.root.as_posix().endswith(target) else target
        split = format_command("vtspec", "datasets", "split", tree.root, target)
        yield make_error(
            "the data is not split into train and val",
            f"{split}    (copies it, 80 % train, 10 % val, 10 % test)",
        )
        return
    for split in ("train", "val"):
        if split not in layout.splits:
            yield make_error(
                f"there is no split '{split}'",
                f"move a part of the images and labels to '{split}'; it must not be in another",
            )
        elif not layout.splits[split].items:
            yield make_error(f"split '{split}' has no images", "add some, or correct its paths")


def check_unusable(tree: FileTree) -> Iterator[DatasetIssue]:
    """What is in the folder and is no file."""
    if tree.unusable:
        yield make_error(
            f"{pluralize(len(tree.unusable), 'thing')} that no content hash covers: "
            "links to folders or to nothing, pipes, devices",
            "put the files themselves there",
            tree.unusable,
        )


def check_unread(tree: FileTree, layout: Layout) -> Iterator[DatasetIssue]:
    """Images and tables that no split has: training passes over them in silence."""
    items = [item for part in layout.splits.values() for item in part.items]
    read = {item.image for item in items} | {item.target.path for item in items if item.target}
    loose = [image for image in tree.images if image not in read]
    if loose:
        where = (
            "outside the folders of the classes"
            if layout.format == "imagefolder"
            else "in no split, or have no label there"
        )
        yield make_warning(
            f"{pluralize(len(loose), 'image')} {where}",
            "add them to a split, or delete them",
            loose,
        )
    tables = [file for file in tree.files if _is_table(file)]
    if tables and layout.format not in ("csv", "jsonl"):
        yield make_warning(
            f"{pluralize(len(tables), 'table')} not read: the format is {layout.format}",
            "name a table train.csv to have it read, or delete them",
            tables,
        )


def _is_table(file: str) -> bool:
    return posixpath.splitext(file)[1] in (".csv", ".jsonl") and not is_hidden(file)


def check_names(tree: FileTree) -> Iterator[DatasetIssue]:
    """Names that are one on some systems, or cannot be shown."""
    strange = [file for file in tree.files if not file.isprintable()]
    if strange:
        yield make_error(
            f"{pluralize(len(strange), 'name')} with characters that cannot be shown",
            "rename them",
            strange,
        )
    lower: dict[str, list[str]] = defaultdict(list)
    for file in tree.files:
        # Checked out on macOS, one would overwrite the other.
        lower[file.casefold()].append(file)
    collisions = [file for group in lower.values() if len(group) > 1 for file in group]
    if collisions:
        yield make_warning(
            f"{pluralize(len(collisions), 'name')} that differ only in case: "
            "macOS takes them for one",
            "rename them",
            collisions,
        )


def check_other_files(tree: FileTree) -> Iterator[DatasetIssue]:
    """Files that are neither images nor labels."""
    other = [file for file in tree.files if not _is_expected(tree, file)]
    if other:
        yield make_warning(
            f"{pluralize(len(other), 'file')} other than images and labels",
            "delete what does not belong to the data: it is hashed and stored with it",
            other,
        )


def _is_expected(tree: FileTree, file: str) -> bool:
    name = posixpath.basename(file)
    stem, suffix = posixpath.splitext(name.lower())
    return (
        file in tree.image_set or suffix in _HARMLESS or stem in ("readme", "license", "licence")
    )
