"""What was written, read again and held against what it was made of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vtspec.adapters.data.annotations import Sample
from vtspec.adapters.data.file_tree import FileTree
from vtspec.pipelines.data.formats.detect import detect_layout
from vtspec.pipelines.data.formats.layout import Layout
from vtspec.pipelines.data.formats.yolo import read_yolo
from vtspec.pipelines.errors import Permanent

from .fidelity import Fidelity
from .object_forms import ObjectForm
from .place import Placement
from .source import read_masks
from .targets import ROW_FORMS
from .writers.writer import PlacedImage, require_size


def list_targets(placement: Placement) -> dict[str, tuple[str, PlacedImage]]:
    """The path of each image in the target, with its split and with it."""
    found = {}
    for split, images in placement.splits.items():
        folder = placement.writer.get_image_folder(split)
        for image in images:
            path = image.name if folder == "." else f"{folder}/{image.name}"
            found[path] = split, image
    return found


def read_back(
    root: Path, files: Iterable[str], placement: Placement, target: str, form: ObjectForm | None
) -> tuple[Layout, Fidelity]:
    """The layout that the files below `root` are taken for, and how much of the data is in it.

    The images need not be there. Raises `Permanent` where the files are of another format, have
    errors, or have not every image in its split.
    """
    places = list_targets(placement)
    # What was just written is known, and a folder of a million files is slow to list.
    tree = FileTree(root, sorted({*files, *places}))
    layout = detect_layout(tree)
    if layout.format != target or set(layout.splits) != set(placement.splits):
        raise _make_error(
            f"{target} with {', '.join(placement.splits)} was written, and is read as "
            f"{layout.format} with {', '.join(layout.splits)}: {layout.why}"
        )
    errors = [one.message for one in layout.findings if one.severity == "error"]
    if errors:
        raise _make_error(f"what was written in {target} has errors: {errors[0]}")
    splits: Mapping[str, Sequence[Sample]] = {
        split: part.items for split, part in layout.splits.items()
    }
    if form is not None and form in ROW_FORMS:
        # Three numbers a point, whatever the source had.
        known = replace(layout, numbers_per_keypoint=3)
        splits = read_yolo(tree, known, ROW_FORMS[form], lambda image: places[image][1].size)
    elif form == "masks":
        splits = read_masks(root, layout, lambda image: require_size(places[image][1]))
    return layout, _compare(splits, placement, form)


def _make_error(message: str) -> Permanent:
    return Permanent(
        message, fix="choose another format, and report this: it is a fault of vtspec"
    )


def _compare(
    splits: Mapping[str, Sequence[Sample]], placement: Placement, form: ObjectForm | None
) -> Fidelity:
    fidelity = Fidelity()
    for split, images in placement.splits.items():
        found: dict[str, list[Sample]] = defaultdict(list)
        for sample in splits[split]:
            found[sample.image].append(sample)
        folder = placement.writer.get_image_folder(split)
        for image in images:
            path = image.name if folder == "." else f"{folder}/{image.name}"
            if path not in found:
                raise _make_error(f"{path} was written to the split {split} and is not read")
            fidelity.add(image, found[path], form)
    return fidelity
