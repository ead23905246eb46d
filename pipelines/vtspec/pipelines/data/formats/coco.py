"""COCO: a JSON file a split, with images, annotations and categories."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from .file_tree import FileTree, find_split
from .layout import DatasetIssue, Layout, Sample, SplitLayout

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
    for file, content in sorted(read.items(), key=lambda pair: _find_split(pair[0]) != "train"):
        names |= dict.fromkeys(_parse_categories(content).values())
        parts[_find_split(file) or "all"] = _build_split(tree, file, content, findings)
    fields = {
        key
        for content in read.values()
        for row in content["annotations"]
        for key in row
        if row[key]
    }
    tasks = tuple(task for field, task in _TASK_OF_FIELD.items() if field in fields)
    return Layout(
        format="coco",
        why=f"{next(iter(read))} has images, annotations and categories",
        tasks=tasks or ("object-detection",),
        classes=tuple(names),
        splits={
            split: parts[split] for split in ("train", "val", "test", "all") if split in parts
        },
        findings=tuple(findings),
    )


def _iter_label_files(tree: FileTree) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for file in tree.files:
        if not file.endswith(".json"):
            continue
        try:
            content = tree.read_json(file)
        except ValueError:
            continue
        if isinstance(content, dict) and _get_rows(content, "images") and "annotations" in content:
            yield (
                file,
                {
                    "images": _get_rows(content, "images"),
                    "annotations": _get_rows(content, "annotations"),
                    "categories": _get_rows(content, "categories"),
                },
            )


def _get_rows(content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    rows = content.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _find_split(file: str) -> str | None:
    """The split that a label file belongs to, by a word in its name or its folder's name."""
    words = [*posixpath.splitext(posixpath.basename(file))[0].replace("-", "_").split("_")]
    words.append(posixpath.basename(posixpath.dirname(file)))
    return next((split for word in words if (split := find_split(word))), None)


def _parse_categories(content: Mapping[str, Any]) -> dict[Any, str]:
    rows = sorted(content["categories"], key=lambda row: str(row.get("id")).zfill(12))
    return {row.get("id"): str(row.get("name")) for row in rows}


def _build_split(
    tree: FileTree, file: str, content: Mapping[str, Any], findings: list[DatasetIssue]
) -> SplitLayout:
    images = {row.get("id"): str(row.get("file_name")) for row in content["images"]}
    names = _parse_categories(content)
    labels: dict[Any, list[str]] = defaultdict(list)
    lost = 0
    for row in content["annotations"]:
        image, category = row.get("image_id"), row.get("category_id")
        if image not in images or (names and category not in names):
            lost += 1
        elif category in names:
            labels[image].append(names[category])
    folder = _guess_image_folder(tree, file, list(images.values()))
    found = {key: posixpath.normpath(posixpath.join(folder, name)) for key, name in images.items()}
    absent = sorted(path for path in found.values() if not tree.has(path))
    if absent:
        findings.append(_make_missing_issue(file, absent))
    if lost:
        findings.append(_make_orphan_issue(file, lost))
    items = tuple(
        Sample(image=path, classes=tuple(labels[key]))
        for key, path in found.items()
        if tree.has(path)
    )
    return SplitLayout(path=folder, annotations=file, items=items)


def _guess_image_folder(tree: FileTree, file: str, names: list[str]) -> str:
    """The folder that most of the first image names are found in."""
    stem = posixpath.splitext(posixpath.basename(file))[0].split("_")[-1]
    here = posixpath.dirname(file) or "."
    split = _find_split(file) or ""
    candidates = [here, f"images/{stem}", stem, f"images/{split}", split, "images", "."]
    return max(
        (name for name in candidates if name),
        key=lambda folder: sum(
            tree.has(posixpath.normpath(posixpath.join(folder, name))) for name in names[:50]
        ),
    )


def _make_missing_issue(file: str, absent: list[str]) -> DatasetIssue:
    return DatasetIssue(
        severity="error",
        message=f"{file} names {len(absent)} images that are not there",
        fix="put them there, or take them out of the label file",
        files=tuple(absent),
    )


def _make_orphan_issue(file: str, lost: int) -> DatasetIssue:
    return DatasetIssue(
        severity="error",
        message=f"{lost} annotations in {file} are of an image or category that it does not have",
        fix="take them out, or add the image or category",
        files=(file,),
    )
