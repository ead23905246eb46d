"""YOLO: a text file of numbers for each image, class names in data.yaml."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from vtspec.adapters.contract import Split
from vtspec.adapters.data.annotations import Sample, Size
from vtspec.adapters.data.defects import Defect
from vtspec.adapters.data.file_tree import FileTree
from vtspec.adapters.data.yolo import RowForm, YoloReader, find_label_file, find_label_folder
from vtspec.pipelines.formatting import pluralize

from .data_yaml import DataYaml, read_data_yaml
from .file_tree import find_folder_pairs, find_splits
from .layout import (
    DatasetIssue,
    Layout,
    SplitLayout,
    make_error,
    make_warning,
    separate_defects,
    summarize_defects,
)

_ROW: Final = re.compile(r"[0-9]+( +[-+.0-9eE]+){4,}\s*")


def detect_yolo(tree: FileTree) -> Layout | None:
    """`images/<split>` with `labels/<split>`, `<split>/images` with `<split>/labels`, the folders
    that data.yaml names, or text files of numbers beside the images."""
    settings = read_data_yaml(tree)
    folders = _find_named_folders(tree, settings) or _find_folders(tree)
    if not folders:
        return None
    shape = settings.keypoint_shape
    form: RowForm = "keypoints" if shape else "boxes"
    reader = YoloReader(
        tree=tree,
        classes=settings.names,
        form=form,
        keypoints=shape[0] if shape else None,
        numbers_per_keypoint=shape[1] if shape else 3,
    )
    parts: dict[str, SplitLayout] = {}
    defects: list[Defect] = []
    findings = list(settings.findings)
    for split, images in folders.items():
        items, found = separate_defects(reader.read_split(split, Split(path=images)))
        parts[split] = SplitLayout(path=images, items=items)
        defects += found
        findings += _check_beside(tree, images)
    images = next(iter(folders.values()))
    labels = find_label_folder(images)
    return Layout(
        format="yolo",
        why=f"images in {images}/ have text files of numbers in {labels}/",
        tasks=(_guess_task(reader.widths, form == "keypoints"),),
        classes=settings.names,
        splits=parts,
        findings=(*findings, *summarize_defects(defects), *_check_unlabeled(reader.unlabeled)),
        keypoints=settings.keypoint_names,
        numbers_per_keypoint=reader.numbers_per_keypoint,
    )


def get_row_form(layout: Layout) -> RowForm:
    """What a row of a YOLO dataset has, as its layout is taken for."""
    forms: Mapping[str, RowForm] = {
        "oriented-detection": "corners",
        "instance-segmentation": "polygons",
        "pose-estimation": "keypoints",
    }
    return forms.get(layout.tasks[0], "boxes")


def read_yolo(
    tree: FileTree, layout: Layout, form: RowForm, get_size: Callable[[str], Size | None]
) -> dict[str, Sequence[Sample]]:
    """The images of a YOLO dataset without errors, with places: a layout has none, as it knows
    no sizes."""
    reader = YoloReader(
        tree=tree,
        classes=layout.classes,
        form=form,
        numbers_per_keypoint=layout.numbers_per_keypoint,
        get_size=get_size,
    )
    return {
        split: separate_defects(reader.read_split(split, Split(path=part.path)))[0]
        for split, part in layout.splits.items()
    }


def _find_named_folders(tree: FileTree, settings: DataYaml) -> dict[str, str]:
    """The folders that data.yaml names, where they are there and have labels."""
    found = {}
    for split, path in settings.folders.items():
        # Roboflow writes `../train/images`, as seen from nowhere.
        for tried in (posixpath.join(settings.path, path), path, re.sub(r"^(\.\./)+", "", path)):
            folder = posixpath.normpath(tried)
            if tree.list_images(folder):
                found[split] = folder
                break
    return found if any(_has_labels(tree, folder) for folder in found.values()) else {}


def _find_folders(tree: FileTree) -> dict[str, str]:
    """The folders of the splits where their names tell."""

    def have_files(images: str, labels: str) -> bool:
        return bool(tree.list_images(images)) and _has_labels(tree, images)

    found = find_folder_pairs(tree, "images", "labels", have_files)
    if found:
        return {split: images for split, (images, _) in found.items()}
    beside = find_splits(name for name in tree.list_folders() if _has_rows_beside(tree, name))
    for folders in (
        {split: f"{name}/images" for split, name in beside.items()},
        beside,
        {"all": "images"},
        {"all": "."},
    ):
        labeled = {s: f for s, f in folders.items() if _has_rows_beside(tree, f)}
        if labeled:
            return labeled
    return {}


def _has_labels(tree: FileTree, images: str) -> bool:
    labels = find_label_folder(images)
    texts = (file for file in tree.list_below(labels) if file.endswith(".txt"))
    return _has_rows_beside(tree, images) or (labels != images and any(texts))


def _has_rows_beside(tree: FileTree, folder: str) -> bool:
    """Whether an image has a text file beside it that begins as labels do; captions do not."""
    beside = (f"{posixpath.splitext(image)[0]}.txt" for image in tree.list_images(folder))
    first = next((file for file in beside if tree.has(file)), None)
    if first is None:
        return False
    try:
        return any(_ROW.fullmatch(line) for line in tree.read_lines(first))
    except ValueError:
        return False


def _check_beside(tree: FileTree, images: str) -> Iterator[DatasetIssue]:
    """Labels that lie where nobody looks for them."""
    labels = find_label_folder(images)
    if labels == images:
        return
    files = [
        file
        for image in tree.list_images(images)
        if tree.has(file := f"{posixpath.splitext(image)[0]}.txt")
        and not tree.has(find_label_file(image, images))
    ]
    if files:
        yield make_error(
            f"{pluralize(len(files), 'label file lies', 'label files lie')} beside the images in "
            f"{images}/, where none is read",
            f"move them into {labels}/",
            files,
        )


def _check_unlabeled(images: list[str]) -> Iterator[DatasetIssue]:
    if images:
        yield make_warning(
            f"{pluralize(len(images), 'image has', 'images have')} no label file: read as showing "
            "nothing",
            "add their label files; an empty one says that nothing is shown",
            images,
        )


def _guess_task(widths: set[int], keypoints: bool) -> str:
    if keypoints:
        return "pose-estimation"
    # Four corners in every row; polygons of a real data set differ in length.
    if widths == {9}:
        return "oriented-detection"
    return "instance-segmentation" if any(width > 5 for width in widths) else "object-detection"
