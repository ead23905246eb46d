"""Pascal VOC: `JPEGImages/`, an XML file an image in `Annotations/`, lists in `ImageSets/`."""

import posixpath
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from vtspec.adapters.data.annotations import Annotation

from .writer import UNSPLIT, PlacedImage, require_size


class VocWriter:
    """Writes a box of each object, with what VOC says of one."""

    def get_image_folder(self, split: str) -> str:
        """`JPEGImages` for every split: the lists tell them apart."""
        return "JPEGImages"

    def format_split(
        self, split: str, images: Sequence[PlacedImage]
    ) -> Iterator[tuple[str, bytes]]:
        """An XML file for each image, and the list of the split."""
        names = [posixpath.splitext(image.name)[0] for image in images]
        for name, image in zip(names, images, strict=True):
            yield f"Annotations/{name}.xml", _format_image(image)
        if split != UNSPLIT:
            lines = "".join(f"{name}\n" for name in names)
            yield f"ImageSets/Main/{split}.txt", lines.encode()

    def format_dataset(self, splits: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Nothing: VOC has no file for the whole."""
        yield from ()


def _format_image(image: PlacedImage) -> bytes:
    width, height = require_size(image)
    objects = "".join(_format_object(fitted) for _, fitted in image.objects)
    return (
        "<annotation>\n"
        f"\t<filename>{escape(posixpath.basename(image.name))}</filename>\n"
        f"\t<size><width>{width}</width><height>{height}</height><depth>3</depth></size>\n"
        f"\t<segmented>0</segmented>\n{objects}</annotation>\n"
    ).encode()


def _format_object(found: Annotation) -> str:
    assert found.box is not None
    corners = zip(("xmin", "ymin", "xmax", "ymax"), found.box.to_voc(), strict=True)
    box = "".join(f"<{name}>{value:.12g}</{name}>" for name, value in corners)
    pose = found.attributes.get("pose")
    # XML has no place for most of what cannot be shown.
    is_pose = isinstance(pose, str) and pose.isprintable()
    said = f"\t\t<pose>{escape(str(pose))}</pose>\n" if is_pose else ""
    return (
        f"\t<object>\n\t\t<name>{escape(found.class_name or '')}</name>\n{said}"
        f"\t\t<truncated>{found.is_truncated:d}</truncated>\n"
        f"\t\t<difficult>{found.is_difficult or found.is_crowd:d}</difficult>\n"
        f"\t\t<bndbox>{box}</bndbox>\n\t</object>\n"
    )
