"""Pascal VOC: an XML file an image, lists of names a split."""

from vtspec.adapters.contract import Split
from vtspec.adapters.data.annotations import Defect, Sample
from vtspec.adapters.data.file_tree import FileTree
from vtspec.adapters.data.voc import ANNOTATIONS, IMAGES, VocReader

from .file_tree import find_split
from .layout import DatasetIssue, Layout, SplitLayout, make_error

_LISTS = "ImageSets/Main"


def detect_voc(tree: FileTree) -> Layout | None:
    """`Annotations/*.xml` beside `JPEGImages/`, splits in `ImageSets/Main/<split>.txt`."""
    reader = VocReader(tree)
    if not reader.names or not reader.images:
        return None
    findings: list[DatasetIssue] = []
    classes: set[str] = set()
    # Every file, whether a list names it or not: what no split has is a class all the same.
    for found in map(reader.read_objects, reader.names):
        if isinstance(found, Defect):
            findings.append(
                make_error(
                    f"{found.file} cannot be read: {found.detail}",
                    "write it anew, or take the image and it out",
                    [found.file],
                )
            )
        else:
            classes.update(a.class_name for a in found.annotations if a.class_name)
    lists = {
        split: file
        for file in tree.list_below(_LISTS)
        if file.endswith(".txt") and (split := find_split(file.split("/")[-1][:-4]))
    }
    wanted: dict[str, str] = {
        split: lists[split] for split in ("train", "val", "test") if split in lists
    }
    return Layout(
        format="voc",
        why="Annotations/ has an XML file for each image in JPEGImages/",
        tasks=("object-detection",),
        classes=tuple(sorted(classes)),
        splits={
            split: _build_split(reader, split, file, findings)
            for split, file in (wanted or {"all": ANNOTATIONS}).items()
        },
        findings=tuple(findings),
    )


def _build_split(
    reader: VocReader, split: str, file: str, findings: list[DatasetIssue]
) -> SplitLayout:
    items: list[Sample] = []
    absent: list[str] = []
    for item in reader.read_split(split, Split(path=IMAGES, annotations=file)):
        # An image whose XML cannot be read is there nevertheless, and was told of above.
        sample = item.sample if isinstance(item, Defect) else item
        if sample is not None:
            items.append(sample)
        elif isinstance(item, Defect):
            absent.append(item.detail)
    if absent:
        findings.append(
            make_error(
                f"{file} names {len(absent)} images that are not in JPEGImages/",
                "put them there, or take them out of the list",
                absent,
            )
        )
    return SplitLayout(path=IMAGES, annotations=file, items=tuple(items))
