"""YOLO: a text file of numbers beside each image, class names in data.yaml."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from vtspec.adapters.contract import Split
from vtspec.adapters.data.annotations import Defect
from vtspec.adapters.data.file_tree import FileTree
from vtspec.adapters.data.yolo import YoloReader

from .file_tree import find_folder_pairs
from .layout import DatasetIssue, Layout, SplitLayout, make_error, separate_defects


def detect_yolo(tree: FileTree) -> Layout | None:
    """`images/<split>` with `labels/<split>`, or `<split>/images` with `<split>/labels`."""

    def has_labels(images: str, labels: str) -> bool:
        texts = (file for file in tree.list_below(labels) if file.endswith(".txt"))
        return bool(tree.list_images(images)) and any(texts)

    folders = find_folder_pairs(tree, "images", "labels", has_labels)
    if not folders:
        return None
    settings, file = _read_settings(tree)
    classes = _parse_names(settings.get("names"))
    reader = YoloReader(tree=tree, classes=classes)
    parts, defects = {}, []
    for split, (images, _) in folders.items():
        items, found = separate_defects(reader.read_split(split, Split(path=images)))
        parts[split] = SplitLayout(path=images, items=items)
        defects += found
    images, labels = next(iter(folders.values()))
    return Layout(
        format="yolo",
        why=f"each image in {images}/ has a text file of numbers in {labels}/",
        tasks=(_guess_task(reader.widths, "kpt_shape" in settings),),
        classes=classes,
        splits=parts,
        findings=(*([] if classes else [_make_no_names_issue(file)]), *_iter_issues(defects)),
    )


def _read_settings(tree: FileTree) -> tuple[Mapping[object, object], str]:
    import yaml

    for file in tree.files:
        if "/" in file or not file.endswith((".yaml", ".yml")):
            continue
        try:
            text = tree.read_text(file)
            # A stranger's file: an alias can make it huge.
            content: object = None if "*" in text else yaml.safe_load(text)
        except (ValueError, yaml.YAMLError, RecursionError):
            continue
        if isinstance(content, dict) and "names" in content:
            return content, file
    return {}, "data.yaml"


def _parse_names(names: object) -> tuple[str, ...]:
    match names:
        case list():
            return tuple(str(name) for name in names)
        case dict() if all(isinstance(key, int) for key in names):
            return tuple(str(names[key]) for key in sorted(names))
        case _:
            return ()


def _make_no_names_issue(file: str) -> DatasetIssue:
    return make_error(
        "there is no data.yaml with the names of the classes",
        f"write them into {file}, in index order: names: [cat, dog]",
    )


def _iter_issues(defects: Sequence[Defect]) -> Iterator[DatasetIssue]:
    """One for each kind of fault, with all places: a wrong converter spoils every file alike."""
    faults: dict[str, list[str]] = defaultdict(list)
    for defect in defects:
        faults[defect.detail].append(defect.place)
    for fault, places in sorted(faults.items()):
        more = f"; {len(places) - 1:,} more rows like it" if len(places) > 1 else ""
        yield make_error(
            f"{places[0]} {fault}{more}", "correct the rows, or take them out", places
        )


def _guess_task(widths: set[int], keypoints: bool) -> str:
    if keypoints:
        return "pose-estimation"
    # Four corners in every row; polygons of a real data set differ in length.
    if widths == {9}:
        return "oriented-detection"
    return "instance-segmentation" if any(width > 5 for width in widths) else "object-detection"
