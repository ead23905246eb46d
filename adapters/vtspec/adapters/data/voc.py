"""Pascal VOC: an XML file an image in `Annotations/`, images in `JPEGImages/`, and lists of names.

The format is described at http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from vtspec.adapters.contract import Split

from .annotations import Annotation, BoundingBox, Defect, Sample, Size
from .file_tree import FileTree

ANNOTATIONS = "Annotations"
IMAGES = "JPEGImages"

# In the encodings that expat reads by itself: an entity that names others ten times over makes
# a small file huge.
_ENTITY = tuple("<!ENTITY".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


@dataclass(frozen=True, kw_only=True)
class VocObjects:
    """What one XML file says: the image's size, and its objects."""

    size: Size | None
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True)
class VocReader:
    """Reads the splits of a VOC folder; a file that was read is not read again."""

    tree: FileTree
    _read: dict[str, VocObjects | Defect] = field(default_factory=dict)

    @cached_property
    def images(self) -> Mapping[str, str]:
        """The images by name, which is their path below `JPEGImages` without its ending."""
        # Endings differ from image to image; the lists name none.
        found = self.tree.list_images(IMAGES)
        return {image.split("/", 1)[1].rsplit(".", 1)[0]: image for image in found}

    @cached_property
    def names(self) -> list[str]:
        """Names of the XML files, which are those of their images."""
        files = self.tree.list_below(ANNOTATIONS)
        return [file.split("/", 1)[1][:-4] for file in files if file.endswith(".xml")]

    def read_split(self, split: str, where: Split) -> Iterator[Sample | Defect]:
        """The images of the list that is the split's `annotations`, in its order; with
        `Annotations`, or none, every image that has a file there, by name."""
        file = where.annotations or ANNOTATIONS
        if file == ANNOTATIONS:
            names = [name for name in sorted(self.names) if name in self.images]
        else:
            lines = self.tree.read_text(file).splitlines()
            # A second column, where there is one, says whether the image shows a class.
            names = [words[0] for line in lines if (words := line.split())]
        for name in names:
            if name not in self.images:
                yield Defect(kind="missing-image", file=file, detail=name)
            else:
                yield self._build_sample(split, name)

    def read_objects(self, name: str) -> VocObjects | Defect:
        """What the XML file of an image says; nothing where there is none."""
        # Inspection asks for every file and then again for each split's.
        if name not in self._read:
            self._read[name] = self._read_file(f"{ANNOTATIONS}/{name}.xml")
        return self._read[name]

    def _read_file(self, file: str) -> VocObjects | Defect:
        if not self.tree.has(file):
            return VocObjects(size=None, annotations=())
        try:
            text = self.tree.read_bytes(file)
            if any(mark in text for mark in _ENTITY):
                raise ValueError("it declares entities")
            root = ElementTree.fromstring(text)
        except (ValueError, ElementTree.ParseError) as error:
            return Defect(kind="unreadable-file", file=file, detail=str(error))
        found = (_parse_object(node) for node in root.iter("object"))
        return VocObjects(
            size=_parse_size(root), annotations=tuple(a for a in found if a.class_name)
        )

    def _build_sample(self, split: str, name: str) -> Sample | Defect:
        image, found = self.images[name], self.read_objects(name)
        if isinstance(found, Defect):
            bare = Sample(image=image, split=split)
            return Defect(kind=found.kind, file=found.file, detail=found.detail, sample=bare)
        return Sample(
            image=image,
            split=split,
            size=found.size,
            annotations=found.annotations,
            place=f"{ANNOTATIONS}/{name}.xml",
        )


def _parse_object(node: ElementTree.Element) -> Annotation:
    pose = node.findtext("pose")
    return Annotation(
        class_name=(node.findtext("name") or "").strip(),
        box=_parse_box(node.find("bndbox")),
        is_difficult=_is_set(node, "difficult"),
        is_truncated=_is_set(node, "truncated"),
        attributes={"pose": pose} if pose else {},
    )


def _parse_box(node: ElementTree.Element | None) -> BoundingBox | None:
    numbers = _parse_numbers(node, ("xmin", "ymin", "xmax", "ymax"))
    return BoundingBox.from_voc(numbers) if numbers else None


def _parse_size(root: ElementTree.Element) -> Size | None:
    numbers = _parse_numbers(root.find("size"), ("width", "height"))
    return (int(numbers[0]), int(numbers[1])) if numbers else None


def _parse_numbers(
    node: ElementTree.Element | None, names: tuple[str, ...]
) -> tuple[float, ...] | None:
    if node is None:
        return None
    try:
        numbers = tuple(float(node.findtext(name, "")) for name in names)
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _is_set(node: ElementTree.Element, name: str) -> bool:
    return (node.findtext(name) or "").strip() == "1"
