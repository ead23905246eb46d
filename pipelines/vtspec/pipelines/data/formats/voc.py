"""Pascal VOC: an XML file an image, lists of names a split."""

from collections import defaultdict

from vtspec.adapters.contract import Split
from vtspec.adapters.data.defects import Defect
from vtspec.adapters.data.file_tree import FileTree, is_hidden
from vtspec.adapters.data.voc import ANNOTATIONS, IMAGES, VocReader
from vtspec.pipelines.formatting import pluralize

from .file_tree import find_split
from .layout import (
    DatasetIssue,
    Layout,
    SplitLayout,
    make_error,
    make_warning,
    separate_defects,
    summarize_defects,
)

_LISTS = "ImageSets/Main"


def detect_voc(tree: FileTree) -> Layout | None:
    """`Annotations/*.xml` beside `JPEGImages/`, splits in `ImageSets/Main/<split>.txt`."""
    reader = VocReader(tree)
    if not reader.names or not reader.images:
        return None
    findings: list[DatasetIssue] = []
    parts: dict[str, SplitLayout] = {}
    defects: list[Defect] = []
    for split, file in _find_lists(tree, findings).items():
        found = reader.read_split(split, Split(path=IMAGES, annotations=file))
        items, wrong = separate_defects(found)
        parts[split] = SplitLayout(path=IMAGES, annotations=file, items=items)
        defects += wrong
    findings += summarize_defects(defects)
    findings += _check_unlisted(reader, parts)
    # Every file, whether a list names it or not: what no split has is a class all the same.
    read = [reader.read_objects(name) for name in reader.names]
    objects = [item for one in read if not isinstance(one, Defect) for item in one.annotations]
    return Layout(
        format="voc",
        why="Annotations/ has an XML file for each image in JPEGImages/",
        tasks=("object-detection",),
        classes=tuple(sorted({item.class_name for item in objects if item.class_name})),
        splits=parts,
        findings=tuple(findings),
    )


def _find_lists(tree: FileTree, findings: list[DatasetIssue]) -> dict[str, str]:
    """The list of each split; where there is none, all of it is one part."""
    lists: dict[str, list[str]] = defaultdict(list)
    for file in tree.list_below(_LISTS):
        split = find_split(file.split("/")[-1][:-4])
        if file.endswith(".txt") and split and not is_hidden(file):
            lists[split].append(file)
    findings += [
        make_error(
            f"{len(files)} lists are of one split ({split}): {', '.join(files)}",
            "put them together into one",
            files,
        )
        for split, files in lists.items()
        if len(files) > 1
    ]
    found: dict[str, str] = {
        split: lists[split][0] for split in ("train", "val", "test") if split in lists
    }
    return found or {"all": ANNOTATIONS}


def _check_unlisted(reader: VocReader, parts: dict[str, SplitLayout]) -> list[DatasetIssue]:
    listed = {item.image for part in parts.values() for item in part.items}
    rest = [name for name in reader.names if reader.images.get(name) not in listed]
    if not rest:
        return []
    return [
        make_warning(
            f"{pluralize(len(rest), 'file')} in {ANNOTATIONS}/ of no image of a split",
            f"add their names to a list in {_LISTS}/, or delete them",
            [f"{ANNOTATIONS}/{name}.xml" for name in rest],
        )
    ]
