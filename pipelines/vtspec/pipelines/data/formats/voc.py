"""Pascal VOC: an XML file an image, lists of names a split."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping

from .file_tree import Tree, split_of
from .layout import Finding, Item, Layout, Part

_LISTS = "ImageSets/Main"


def voc(tree: Tree) -> Layout | None:
    """`Annotations/*.xml` beside `JPEGImages/`, splits in `ImageSets/Main/<split>.txt`."""
    files = [file for file in tree.below("Annotations") if file.endswith(".xml")]
    if not files or not tree.images_below("JPEGImages"):
        return None
    findings: list[Finding] = []
    labels = {file.split("/", 1)[1][:-4]: _objects(tree, file, findings) for file in files}
    images = {
        image.split("/", 1)[1].rsplit(".", 1)[0]: image
        for image in tree.images_below("JPEGImages")
    }
    lists = {
        split: file
        for file in tree.below(_LISTS)
        if file.endswith(".txt") and (split := split_of(file.split("/")[-1][:-4]))
    }
    parts: dict[str, Part] = {
        split: _part(tree, lists[split], labels, images, findings)
        for split in ("train", "val", "test")
        if split in lists
    }
    items = tuple(
        Item(image=images[name], classes=labels[name]) for name in sorted(labels) if name in images
    )
    return Layout(
        format="voc",
        why="Annotations/ has an XML file for each image in JPEGImages/",
        tasks=("object-detection",),
        classes=tuple(sorted({name for names in labels.values() for name in names})),
        splits=parts or {"all": Part(path="JPEGImages", annotations="Annotations", items=items)},
        findings=tuple(findings),
    )


def _objects(tree: Tree, file: str, findings: list[Finding]) -> tuple[str, ...]:
    try:
        text = tree.bytes(file)
        if b"<!ENTITY" in text:
            raise ValueError("it declares entities")
        names = [node.findtext("name") for node in ElementTree.fromstring(text).iter("object")]
    except (ValueError, ElementTree.ParseError) as error:
        findings.append(
            Finding(
                severity="error",
                message=f"{file} cannot be read: {error}",
                fix="write it anew, or take the image and it out",
                files=(file,),
            )
        )
        return ()
    return tuple(name.strip() for name in names if name and name.strip())


def _part(
    tree: Tree,
    file: str,
    labels: Mapping[str, tuple[str, ...]],
    images: Mapping[str, str],
    findings: list[Finding],
) -> Part:
    # A second column, where there is one, says whether the image shows a class.
    names = [line.split()[0] for line in tree.text(file).splitlines() if line.strip()]
    absent = tuple(name for name in names if name not in images)
    if absent:
        findings.append(
            Finding(
                severity="error",
                message=f"{file} names {len(absent)} images that are not in JPEGImages/",
                fix="put them there, or take them out of the list",
                files=absent,
            )
        )
    items = tuple(
        Item(image=images[name], classes=labels.get(name, ())) for name in names if name in images
    )
    return Part(path="JPEGImages", annotations=file, items=items)
