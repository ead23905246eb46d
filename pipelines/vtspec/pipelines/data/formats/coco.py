"""COCO: a JSON file a split, with images, annotations and categories."""

import posixpath
from collections.abc import Iterator

from vtspec.adapters.contract import Split
from vtspec.adapters.data.coco import CocoFile, iter_samples, parse_coco
from vtspec.adapters.data.file_tree import FileTree

from .file_tree import find_split, guess_folder
from .layout import DatasetIssue, Layout, SplitLayout, make_error, separate_defects

_TASK_OF_FIELD = {
    "bbox": "object-detection",
    "segmentation": "instance-segmentation",
    "keypoints": "pose-estimation",
    "caption": "image-captioning",
}


def detect_coco(tree: FileTree) -> Layout | None:
    """A folder with JSON files that have `images` and `annotations`; None without one."""
    read = dict(_iter_label_files(tree))
    if not read:
        return None
    findings: list[DatasetIssue] = []
    names: dict[str, None] = {}
    parts = {}
    # The train split first: its classes come first where others have more.
    for file, content in sorted(read.items(), key=lambda pair: _find_split(pair[0]) != "train"):
        names |= dict.fromkeys(content.names.values())
        parts[_find_split(file) or "all"] = _build_split(tree, file, content, findings)
    rows = (row for content in read.values() for row in content.annotations)
    fields = {key for row in rows for key in _TASK_OF_FIELD if row.get(key)}
    return Layout(
        format="coco",
        why=f"{next(iter(read))} has images, annotations and categories",
        tasks=tuple(task for field, task in _TASK_OF_FIELD.items() if field in fields)
        or ("object-detection",),
        classes=tuple(names),
        splits={
            split: parts[split] for split in ("train", "val", "test", "all") if split in parts
        },
        findings=tuple(findings),
    )


def _iter_label_files(tree: FileTree) -> Iterator[tuple[str, CocoFile]]:
    for file in tree.files:
        if not file.endswith(".json"):
            continue
        try:
            content = parse_coco(tree.read_json(file))
        except ValueError:
            # Files of other tools may lie beside the data.
            continue
        if content is not None:
            yield file, content


def _find_split(file: str) -> str | None:
    """The split that a label file belongs to, by a word in its name or its folder's name."""
    words = [*posixpath.splitext(posixpath.basename(file))[0].replace("-", "_").split("_")]
    words.append(posixpath.basename(posixpath.dirname(file)))
    return next((split for word in words if (split := find_split(word))), None)


def _build_split(
    tree: FileTree, file: str, content: CocoFile, findings: list[DatasetIssue]
) -> SplitLayout:
    folder = _guess_image_folder(tree, file, content)
    where = Split(path=folder, annotations=file)
    items, defects = separate_defects(
        iter_samples(tree, _find_split(file) or "all", where, content)
    )
    absent = sorted(defect.detail for defect in defects if defect.kind == "missing-image")
    if absent:
        findings.append(
            make_error(
                f"{file} names {len(absent)} images that are not there",
                "put them there, or take them out of the label file",
                absent,
            )
        )
    # Malformed numbers are left to the metrics and converters that need them.
    lost = sum(defect.kind == "lost-annotation" for defect in defects)
    if lost:
        findings.append(
            make_error(
                f"{lost} annotations in {file} are of an image or category that it does not have",
                "take them out, or add the image or category",
                [file],
            )
        )
    return SplitLayout(path=folder, annotations=file, items=items)


def _guess_image_folder(tree: FileTree, file: str, content: CocoFile) -> str:
    stem = posixpath.splitext(posixpath.basename(file))[0].split("_")[-1]
    here = posixpath.dirname(file) or "."
    split = _find_split(file) or ""
    candidates = [here, f"images/{stem}", stem, f"images/{split}", split, "images", "."]
    names = [str(row.get("file_name")) for row in content.images[:50]]
    return guess_folder(tree, filter(None, candidates), names)
