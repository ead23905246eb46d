"""COCO: a JSON file a split, with images, annotations and categories."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from vtspec.adapters.contract import Split
from vtspec.adapters.data.coco import CocoFile, is_coco, iter_samples, list_classes, parse_coco
from vtspec.adapters.data.defects import Defect, make_file_defect
from vtspec.adapters.data.file_tree import FileTree, is_hidden
from vtspec.pipelines.formatting import pluralize

from .file_tree import find_split, guess_folder
from .layout import (
    DatasetIssue,
    Layout,
    SplitLayout,
    make_error,
    make_warning,
    separate_defects,
    summarize_defects,
)

_TASK_OF_FIELD: Final = {
    "bbox": "object-detection",
    "segmentation": "instance-segmentation",
    "keypoints": "pose-estimation",
    "caption": "image-captioning",
}

_EMPTY: Final = CocoFile(images={}, annotations=(), names={})


def detect_coco(tree: FileTree) -> Layout | None:
    """A folder with JSON files that have `images` and `annotations`; None without one."""
    read = dict(_iter_label_files(tree))
    if not read:
        return None
    findings: list[DatasetIssue] = []
    chosen = _choose_files(read, findings)
    contents = {split: content for split, (_, content) in chosen.items() if content is not _EMPTY}
    parts = {
        split: _build_split(tree, split, file, content, findings)
        for split, (file, content) in chosen.items()
    }
    rows = [row for content in contents.values() for _, row in content.annotations]
    fields = {key for key in _TASK_OF_FIELD if any(row.get(key) for row in rows)}
    tasks = tuple(task for field, task in _TASK_OF_FIELD.items() if field in fields)
    findings += _check_boxes(contents) if "bbox" in fields else []
    # A category without a place is one of the image.
    bare = "multilabel-classification" if rows else "object-detection"
    has_names = any(content.names for content in contents.values())
    if contents and not has_names and fields != {"caption"}:
        findings.append(
            make_error(
                f"{next(iter(chosen.values()))[0]} has no categories",
                'add "categories": [{"id": 1, "name": "cat"}, …]',
            )
        )
    return Layout(
        format="coco",
        why=f"{next(iter(chosen.values()))[0]} has images, annotations and categories",
        tasks=tasks or (bare,),
        classes=list_classes(contents.values()),
        splits=parts,
        findings=tuple(findings),
        keypoints={k: v for content in contents.values() for k, v in content.keypoints.items()},
        unread=frozenset[str]().union(*(content.unread for content in contents.values())),
    )


def _iter_label_files(tree: FileTree) -> Iterator[tuple[str, CocoFile | Defect]]:
    """Each file of labels with its rows, or why it cannot be read."""
    for file in tree.files:
        if not file.endswith(".json") or is_hidden(file):
            continue
        try:
            content = tree.read_json(file)
        except ValueError as error:
            # Files of other tools may lie beside the data; this one is called as labels are.
            if _find_split(file) or posixpath.dirname(file) == "annotations":
                yield file, make_file_defect(file, error)
            continue
        if is_coco(content):
            try:
                yield file, parse_coco(content, file)
            except ValueError as error:
                yield file, make_file_defect(file, error)


def _choose_files(
    read: Mapping[str, CocoFile | Defect], findings: list[DatasetIssue]
) -> dict[str, tuple[str, CocoFile]]:
    """The file of each split. COCO itself keeps boxes, captions and keypoints of a split in files
    of their own: one set of them is taken, and the others are told."""
    of_split: dict[str, list[str]] = defaultdict(list)
    for file in read:
        of_split[_find_split(file) or "all"].append(file)
    if set(of_split) > {"all"}:
        findings += _pass_over("of no split by name", of_split.pop("all", []))
    chosen: dict[str, tuple[str, CocoFile]] = {}
    others: list[str] = []
    for split in ("train", "val", "test", "all"):
        files = of_split.get(split, [])
        if not files:
            continue
        best = [file for file in files if posixpath.basename(file).startswith("instances")]
        if len(files) > 1 and len(best) != 1:
            findings.append(
                make_error(
                    f"{len(files)} label files are of one split ({split}): {', '.join(files[:3])}",
                    "put them together into one file, such as annotations/instances_train.json",
                    files,
                )
            )
        file = best[0] if best else files[0]
        others += [other for other in files if other != file and len(best) == 1]
        content = read[file]
        if isinstance(content, Defect):
            findings += summarize_defects([content])
            content = _EMPTY
        chosen[split] = file, content
    findings += _pass_over("of a split that has another file of instances", others)
    return chosen


def _pass_over(why: str, files: Sequence[str]) -> list[DatasetIssue]:
    if not files:
        return []
    return [
        make_warning(
            f"{pluralize(len(files), 'label file is', 'label files are')} passed over, {why}: "
            f"{', '.join(files[:3])}",
            "delete them, or put what they say into the file of the split",
            files,
        )
    ]


def _check_boxes(contents: Mapping[str, CocoFile]) -> Iterator[DatasetIssue]:
    for split, content in contents.items():
        bare = [f"annotations[{at}]" for at, row in content.annotations if not row.get("bbox")]
        if bare:
            yield make_error(
                f"{bare[0]} of split {split} has no bbox, as others have; {len(bare)} in all",
                "give every annotation its box",
                bare,
            )


def _find_split(file: str) -> str | None:
    """The split that a label file belongs to, by a word in its name or its folder's name."""
    words = re.split(r"[-_.]", posixpath.splitext(posixpath.basename(file))[0])
    words.append(posixpath.basename(posixpath.dirname(file)))
    return next((split for word in words if (split := find_split(word))), None)


def _build_split(
    tree: FileTree, split: str, file: str, content: CocoFile, findings: list[DatasetIssue]
) -> SplitLayout:
    folder = _guess_image_folder(tree, file, content)
    where = Split(path=folder, annotations=file)
    items, defects = separate_defects(iter_samples(tree, split, where, content))
    findings += summarize_defects(defects)
    return SplitLayout(path=folder, annotations=file, items=items)


def _guess_image_folder(tree: FileTree, file: str, content: CocoFile) -> str:
    stem = posixpath.splitext(posixpath.basename(file))[0].split("_")[-1]
    here = posixpath.dirname(file) or "."
    split = _find_split(file) or ""
    candidates = [here, f"images/{stem}", stem, f"images/{split}", split, "images", "."]
    names = [str(row.get("file_name")) for _, row in list(content.images.values())[:50]]
    return guess_folder(tree, filter(None, candidates), names)
