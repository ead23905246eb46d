"""Pascal VOC: an XML file an image in `Annotations/`, images in `JPEGImages/`, and lists of names.

The format is described at http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from vtspec.adapters.contract import Split

from .annotations import Annotation, BoundingBox, Sample, Size
from .defects import Defect, make_file_defect
from .file_tree import FileTree, is_hidden

ANNOTATIONS = "Annotations"
IMAGES = "JPEGImages"

# In the encodings that expat reads by itself: an entity that names others ten times over makes
# a small file huge.
_ENTITY = tuple("<!ENTITY".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


# What stands behind a name in the lists of one class: whether the image shows it.
_SHOWN = ("-1", "0", "1")

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_FARTHEST = 1e9
_NUMBER = re.compile(r"[-+]?([0-9]{1,100}\.?[0-9]{0,100}|\.[0-9]{1,100})([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True)
class VocObjects:
    """What one XML file says: the image's size, its objects, and what is wrong with others."""

    size: Size | None
    annotations: tuple[Annotation, ...]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class VocReader:
    """Reads the splits of a VOC folder; a file that was read is not read again."""

    tree: FileTree
    _read: dict[str, VocObjects | Defect] = field(default_factory=dict)

    @cached_property
    def images(self) -> Mapping[str, str]:
        """The images by name, which is their path below `JPEGImages` without its ending; the
        first of several."""
        # Endings differ from image to image; the lists name none.
        found: dict[str, str] = {}
        for image in self.tree.list_images(IMAGES):
            found.setdefault(_get_name(image), image)
        return found

    @cached_property
    def namesakes(self) -> Mapping[str, str]:
        """The second image of those names that several images have."""
        return {
            _get_name(image): image
            for image in self.tree.list_images(IMAGES)
            if self.images[_get_name(image)] != image
        }

    @cached_property
    def names(self) -> list[str]:
        """Names of the XML files, which are those of their images."""
        files = self.tree.list_below(ANNOTATIONS)
        return [_get_name(f) for f in files if f.endswith(".xml") and not is_hidden(f)]

    def read_split(self, split: str, where: Split) -> Iterator[Sample | Defect]:
        """The images of the list that is the split's `annotations`, in its order; with
        `Annotations`, or none, every image that has a file there, by name. Before each what is
        wrong with its objects."""
        file = where.annotations or ANNOTATIONS
        names = sorted(self.names)
        if file != ANNOTATIONS:
            try:
                lines = self.tree.read_lines(file)
            except ValueError as error:
                yield make_file_defect(file, error)
                return
            names = [self._parse_line(line) for line in lines if line.strip()]
        seen: set[str] = set()
        for name in names:
            if name in seen:
                yield Defect(kind="repeated", file=file, detail=f"'{name}' stands there twice")
            elif name not in self.images:
                yield Defect(kind="missing-image", file=file, detail=name)
            else:
                yield from self._read_image(split, name)
            seen.add(name)

    def read_objects(self, name: str) -> VocObjects | Defect:
        """What the XML file of an image says."""
        # Inspection asks for every file and then again for each split's.
        if name not in self._read:
            self._read[name] = self._read_file(f"{ANNOTATIONS}/{name}.xml")
        return self._read[name]

    def _parse_line(self, line: str) -> str:
        """The image's name in a line of a list; it may have spaces in it."""
        name = line.strip()
        words = name.rsplit(None, 1)
        return words[0] if name not in self.images and words[-1] in _SHOWN else name

    def _read_file(self, file: str) -> VocObjects | Defect:
        # Unlike a missing file of YOLO, it does not say that nothing is shown.
        if not self.tree.has(file):
            return Defect(kind="no-label", file=file, detail="does not exist")
        try:
            text = self.tree.read_bytes(file)
            if any(mark in text for mark in _ENTITY):
                raise ValueError("it declares entities")
            root = ElementTree.fromstring(text)
            if root.tag != "annotation":
                raise ValueError(f"its root is '{root.tag:.40}', not 'annotation'")
        except (ValueError, LookupError, ElementTree.ParseError) as error:
            return make_file_defect(file, error)
        size = _parse_size(root)
        found = [_parse_object(node, size) for node in root.iter("object")]
        return VocObjects(
            size=size,
            annotations=tuple(item for item in found if isinstance(item, Annotation)),
            faults=tuple(
                f"object {number} {item}"
                for number, item in enumerate(found, 1)
                if isinstance(item, str)
            ),
        )

    def _read_image(self, split: str, name: str) -> Iterator[Sample | Defect]:
        image, found = self.images[name], self.read_objects(name)
        if name in self.namesakes:
            detail = f"is the label file of {image} and of {self.namesakes[name]}"
            yield Defect(kind="repeated", file=f"{ANNOTATIONS}/{name}.xml", detail=detail)
        if isinstance(found, Defect):
            yield replace(found, sample=Sample(image=image, split=split))
            return
        file = f"{ANNOTATIONS}/{name}.xml"
        for fault in found.faults:
            yield Defect(kind="malformed-label", file=file, detail=fault)
        yield Sample(
            image=image, split=split, size=found.size, annotations=found.annotations, place=file
        )


def _get_name(file: str) -> str:
    return file.split("/", 1)[1].rsplit(".", 1)[0]


def _parse_object(node: ElementTree.Element, size: Size | None) -> Annotation | str:
    """An object, or what is wrong with it."""
    name, pose = (node.findtext("name") or "").strip(), node.findtext("pose")
    for tag in ("name", "bndbox"):
        if len(node.findall(tag)) > 1:
            return f"has more than one <{tag}>"
    if not name:
        return "has no <name>"
    numbers = _parse_numbers(node.find("bndbox"), _CORNERS)
    if numbers is None:
        return "has no <bndbox> of four numbers"
    box = BoundingBox.from_voc(numbers)
    if box.width <= 0 or box.height <= 0:
        return f"has a box that ends before it begins: {', '.join(f'{n:g}' for n in numbers)}"
    if size is not None and not box.overlaps(size):
        return f"has a box outside of the image of {size[0]} x {size[1]}"
    return Annotation(
        class_name=name,
        box=box,
        is_difficult=_is_set(node, "difficult"),
        is_truncated=_is_set(node, "truncated"),
        attributes={"pose": pose} if pose else {},
    )


def _parse_size(root: ElementTree.Element) -> Size | None:
    # Some tools write 0 where they know none.
    numbers = _parse_numbers(root.find("size"), ("width", "height"))
    return (int(numbers[0]), int(numbers[1])) if numbers and min(numbers) >= 1 else None


def _parse_numbers(
    node: ElementTree.Element | None, names: tuple[str, ...]
) -> tuple[float, ...] | None:
    """The numbers of elements that each stand there once; None where one does not."""
    if node is None or any(len(node.findall(name)) != 1 for name in names):
        return None
    texts = [(node.findtext(name) or "").strip() for name in names]
    if not all(map(_NUMBER.fullmatch, texts)):
        return None
    numbers = tuple(map(float, texts))
    return numbers if all(abs(number) <= _FARTHEST for number in numbers) else None


def _is_set(node: ElementTree.Element, name: str) -> bool:
    return (node.findtext(name) or "").strip() == "1"
