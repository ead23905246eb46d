"""Every image of a dataset with its name and objects as the target has them. Pure."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vtspec.adapters.data.annotations import Sample
from vtspec.pipelines.data.formats.tabular import TASK_OF_FIELD
from vtspec.pipelines.errors import Refused

from .image_names import assign_names
from .object_forms import ObjectFitter, ObjectForm
from .omissions import Omissions
from .source import SourceData
from .targets import ROW_FORMS
from .writers.coco import CocoWriter
from .writers.imagefolder import ImagefolderWriter
from .writers.masks import MaskWriter
from .writers.tabular import TableWriter
from .writers.voc import VocWriter
from .writers.writer import UNSPLIT, PlacedImage, Writer
from .writers.yolo import YoloWriter

_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "coco": ("labels", "captions"),
    "yolo": (),
    "voc": (),
    "masks": (),
    "imagefolder": ("label",),
    "csv": ("label", "labels", "text", "captions", "attributes"),
    "jsonl": ("label", "labels", "text", "captions", "question", "attributes"),
}
"""What each format can say of an image as a whole."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """All that is to be written: images by split, what writes their labels, and what is told."""

    splits: Mapping[str, Sequence[PlacedImage]]
    writer: Writer
    omissions: Omissions


def place_data(source: SourceData, target: str, form: ObjectForm | None) -> Placement:
    """Decide what is written. Raises `Refused` where a class or the data as a whole cannot be."""
    _check_target(source, target)
    omissions = Omissions()
    points = _count_points(source) if form == "yolo-keypoints" else 0
    fitter = ObjectFitter(form=form, omissions=omissions, points=points) if form else None
    taken: set[str] = set()
    splits: dict[str, Sequence[PlacedImage]] = {}
    for split, samples in source.splits.items():
        # VOC alone keeps the images of all splits in one folder.
        taken = taken if target == "voc" else set()
        names = _name_images(source, split, target, taken)
        for sample in samples:
            _count_sample(sample, source, target, omissions)
        # A table may say several things of an image, in rows of their own; a table has them so.
        items = samples
        if target == "imagefolder":
            items = _take_first(samples, omissions)
        elif fitter is not None:
            items = _merge_samples(samples)
        splits[split] = [
            _place_image(sample, names[sample.image], source, fitter) for sample in items
        ]
    _count_whole(source, splits, target, omissions)
    return Placement(
        splits=splits,
        writer=_make_writer(source, target, form, points, omissions),
        omissions=omissions,
    )


def _check_target(source: SourceData, target: str) -> None:
    layout = source.layout
    empty = next((split for split, samples in source.splits.items() if not samples), None)
    if empty is not None:
        raise Refused(f"split '{empty}' has no images", fix="add some, or correct its paths")
    is_whole = target == "imagefolder" and UNSPLIT in source.splits
    if target in ("imagefolder", "csv", "jsonl") and "train" not in source.splits and not is_whole:
        raise Refused(
            f"there is no split 'train', by which {target} is known",
            fix="put the images and labels of each split into folders train and val",
        )
    if target == "masks" and len(layout.classes) > 255:
        raise Refused(
            f"a mask has room for 255 classes, and the data has {len(layout.classes)}",
            fix="--to coco",
        )
    for name in layout.classes:
        if target == "imagefolder" and ("/" in name or name.startswith(".")):
            raise Refused(f"the class '{name}' cannot be the name of a folder", fix="--to csv")
        if (
            target == "csv"
            and "multilabel-classification" in layout.tasks
            and name.split() != [name]
        ):
            raise Refused(
                f"the class '{name}' would be several in csv, where blanks are between classes",
                fix="--to jsonl",
            )


def _name_images(source: SourceData, split: str, target: str, taken: set[str]) -> dict[str, str]:
    kinds = {image: header.kind for image, header in source.headers.items()}
    images = [
        (sample.image, sample.label or "" if target == "imagefolder" else "")
        for sample in source.splits[split]
    ]
    return assign_names(images, kinds, taken, source.old_folders)


def _take_first(samples: Sequence[Sample], omissions: Omissions) -> Sequence[Sample]:
    """Each image once, as the first row has it: it lies in one folder."""
    seen: dict[str, Sample] = {}
    for sample in samples:
        if seen.setdefault(sample.image, sample) is not sample:
            omissions.add("row", sample.image)
    return [*seen.values()]


def _merge_samples(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Each image once, with all that is said of it."""
    seen: dict[str, Sample] = {}
    for sample in samples:
        first = seen.setdefault(sample.image, sample)
        if first is not sample:
            seen[sample.image] = first._replace(
                captions=first.captions + sample.captions,
                labels=tuple(dict.fromkeys(first.labels + sample.labels)),
            )
    return [*seen.values()]


def _place_image(
    sample: Sample, name: str, source: SourceData, fitter: ObjectFitter | None
) -> PlacedImage:
    if fitter is None:
        return PlacedImage(sample=sample, name=name)
    size, image = source.headers[sample.image].size, sample.image
    objects = [
        (found, said)
        for found in sample.annotations
        if (said := fitter.fit(found, size, image)) is not None
    ]
    return PlacedImage(sample=sample, name=name, size=size, objects=objects)


def _count_sample(sample: Sample, source: SourceData, target: str, omissions: Omissions) -> None:
    header, kept = source.headers.get(sample.image), _KEPT[target]
    if header is not None and sample.size is not None and sample.size != header.size:
        omissions.add("resized", sample.image)
    for name in ("label", "labels", "text", "captions", "question", "attributes"):
        if name not in kept and getattr(sample, name):
            omissions.add(f"image-{name}" if name == "attributes" else name, sample.image)
    if target in ("imagefolder", "csv", "jsonl"):
        for found in sample.annotations:
            if found.class_name is not None:
                omissions.add("object", sample.image)


def _count_whole(
    source: SourceData,
    splits: Mapping[str, Sequence[PlacedImage]],
    target: str,
    omissions: Omissions,
) -> None:
    layout = source.layout
    for image in (image for images in splits.values() for image in images):
        if posixpath.basename(image.name) != posixpath.basename(image.sample.image):
            omissions.add("renamed", image.sample.image)
    for path in source.loose:
        omissions.add("unsplit", path)
    for name in sorted(layout.unread):
        omissions.add("unread", name)
    if target not in ("voc", "imagefolder", "csv", "jsonl"):
        return
    shown = {
        name
        for images in splits.values()
        for image in images
        for name in (
            *([image.sample.label] if image.sample.label else image.sample.labels),
            *(said.class_name for _, said in image.objects),
        )
    }
    kept = [name for name in layout.classes if name in shown]
    for name in layout.classes:
        if name not in shown:
            omissions.add("unseen-class", name)
        elif layout.classes.index(name) != sorted(kept).index(name):
            omissions.add("reordered", name)


def _count_points(source: SourceData) -> int:
    counts = (
        len(found.keypoints)
        for samples in source.splits.values()
        for sample in samples
        for found in sample.annotations
    )
    return max(counts, default=0)


def _make_writer(
    source: SourceData, target: str, form: ObjectForm | None, points: int, omissions: Omissions
) -> Writer:
    layout = source.layout
    match target:
        case "yolo":
            assert form is not None
            return YoloWriter(
                classes=layout.classes,
                form=ROW_FORMS[form],
                points=points,
                names=layout.keypoints,
            )
        case "coco":
            return CocoWriter(classes=layout.classes, points=layout.keypoints)
        case "voc":
            return VocWriter()
        case "masks":
            return MaskWriter(classes=layout.classes, omissions=omissions)
        case "csv" | "jsonl":
            fields = [name for name, task in TASK_OF_FIELD.items() if task in layout.tasks]
            return TableWriter(
                form="csv" if target == "csv" else "jsonl", field=fields[0], omissions=omissions
            )
        case _:
            return ImagefolderWriter()
