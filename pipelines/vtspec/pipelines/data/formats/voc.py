"""Pascal VOC: an XML file an image, lists of names a split."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping

from .file_tree import FileTree, find_split
from .layout import DatasetIssue, Layout, Sample, SplitLayout

_LISTS = "ImageSets/Main"


def detect_voc(tree: FileTree) -> Layout | None:
    """`Annotations/*.xml` beside `JPEGImages/`, splits in `ImageSets/Main/<split>.txt`."""
    files = [file for file in tree.list_below("Annotations") if file.endswith(".xml")]
    if not files or not tree.list_images("JPEGImages"):
        return None
    findings: list[DatasetIssue] = []
    labels = {file.split("/", 1)[1][:-4]: _read_objects(tree, file, findings) for file in files}
    images = {
        image.split("/", 1)[1].rsplit(".", 1)[0]: image for image in tree.list_images("JPEGImages")
    }
    lists = {
        split: file
        for file in tree.list_below(_LISTS)
        if file.endswith(".txt") and (split := find_split(file.split("/")[-1][:-4]))
    }
    parts: dict[str, SplitLayout] = {
        split: _build_split(tree, lists[split], labels, images, findings)
        for split in ("train", "val", "test")
        if split in lists
    }
    items = tuple(
        Sample(image=images[name], classes=labels[name])
        for name in sorted(labels)
        if name in images
    )
    return Layout(
        format="voc",
        why="Annotations/ has an XML file for each image in JPEGImages/",
        tasks=("object-detection",),
        classes=tuple(sorted({name for names in labels.values() for name in names})),
        splits=parts
        or {"all": SplitLayout(path="JPEGImages", annotations="Annotations", items=items)},
        findings=tuple(findings),
    )


def _read_objects(tree: FileTree, file: str, findings: list[DatasetIssue]) -> tuple[str, ...]:
    try:
        text = tree.read_bytes(file)
        if b"<!ENTITY" in text:
            raise ValueError("it declares entities")
        names = [node.findtext("name") for node in ElementTree.fromstring(text).iter("object")]
    except (ValueError, ElementTree.ParseError) as error:
        findings.append(
            DatasetIssue(
                severity="error",
                message=f"{file} cannot be read: {error}",
                fix="write it anew, or take the image and it out",
                files=(file,),
            )
        )
        return ()
    return tuple(name.strip() for name in names if name and name.strip())


def _build_split(
    tree: FileTree,
    file: str,
    labels: Mapping[str, tuple[str, ...]],
    images: Mapping[str, str],
    findings: list[DatasetIssue],
) -> SplitLayout:
    # A second column, where there is one, says whether the image shows a class.
    names = [line.split()[0] for line in tree.read_text(file).splitlines() if line.strip()]
    absent = tuple(name for name in names if name not in images)
    if absent:
        findings.append(
            DatasetIssue(
                severity="error",
                message=f"{file} names {len(absent)} images that are not in JPEGImages/",
                fix="put them there, or take them out of the list",
                files=absent,
            )
        )
    items = tuple(
        Sample(image=images[name], classes=labels.get(name, ()))
        for name in names
        if name in images
    )
    return SplitLayout(path="JPEGImages", annotations=file, items=items)
