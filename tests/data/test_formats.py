"""Each format is recognised from its files, with its classes, splits, and what is wrong in it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dvc_repositories import write_files
from spoiled_data import png
from vtspec.pipelines.data.formats.detect import detect_layout
from vtspec.pipelines.data.formats.file_tree import find_split, find_splits, scan_folder
from vtspec.pipelines.data.formats.layout import Layout
from vtspec.pipelines.errors import Permanent

IMAGE = png()


def layout(root: Path, files: Mapping[str, bytes | str]) -> Layout:
    raw = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    return detect_layout(scan_folder(write_files(root, raw)))


def images(found: Layout) -> dict[str, dict[str, tuple[str, ...]]]:
    return {
        split: {item.image: item.classes for item in part.items}
        for split, part in found.splits.items()
    }


def messages(found: Layout) -> list[str]:
    return [f"{finding.severity}: {finding.message}" for finding in found.findings]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("train2017", "train"),
        ("valid", "val"),
        ("validation", "val"),
        ("val_2017", "val"),
        ("dev", "val"),
        ("testing", "test"),
        ("trainer", None),
        ("cats", None),
        ("2017", None),
    ],
)
def test_a_name_means_a_split(name: str, split: str | None) -> None:
    assert find_split(name) == split


def test_splits_come_in_their_order() -> None:
    names = ["test", "cats", "valid", "train"]
    assert list(find_splits(names).items()) == [
        ("train", "train"),
        ("val", "valid"),
        ("test", "test"),
    ]


def test_folders_of_classes_in_folders_of_splits(tmp_path: Path) -> None:
    found = layout(
        tmp_path,
        {
            "train/cat/a.png": IMAGE,
            "train/cat/deep/b.PNG": IMAGE,
            "train/dog/a.jpg": IMAGE,
            "valid/cat/c.png": IMAGE,
            "train/cat/.hidden.png": IMAGE,
            "README.md": "",
        },
    )
    assert (found.format, found.tasks) == ("imagefolder", ("image-classification",))
    assert found.classes == ("cat", "dog")
    assert images(found) == {
        "train": {
            "train/cat/a.png": ("cat",),
            "train/cat/deep/b.PNG": ("cat",),
            "train/dog/a.jpg": ("dog",),
        },
        "val": {"valid/cat/c.png": ("cat",)},
    }
    assert found.splits["val"].path == "valid"
    assert messages(found) == []


def test_folders_of_classes_alone_are_one_part(tmp_path: Path) -> None:
    found = layout(tmp_path, {"cat/a.png": IMAGE, "고양이/b.png": IMAGE, "loose.png": IMAGE})
    assert (found.format, found.classes) == ("imagefolder", ("cat", "고양이"))
    assert list(found.splits) == ["all"]


def test_a_folder_with_neither_is_refused_with_the_way_to_lay_it_out(tmp_path: Path) -> None:
    with pytest.raises(
        Permanent, match="in no format that is known: 2 files, 1 of them"
    ) as caught:
        layout(tmp_path, {"a.png": IMAGE, "b.txt": b""})
    assert caught.value.fix == "put the images of each class into train/<class>/ and val/<class>/"


@pytest.mark.parametrize(
    ("path", "words"), [("gone", "does not exist"), ("file", "no folder|not")]
)
def test_what_is_no_folder_is_refused(tmp_path: Path, path: str, words: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Permanent, match=words):
        scan_folder(tmp_path / path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(Permanent, match="has no files in it"):
        scan_folder(tmp_path)


def coco_file(*names: str, **changes: Any) -> str:
    content = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(names)],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 3, "bbox": [0, 0, 2, 2]},
            {"id": 2, "image_id": 0, "category_id": 7, "bbox": [0, 0, 2, 2], "segmentation": []},
        ],
    }
    return json.dumps({**content, **changes})


def test_coco_with_a_folder_of_images_a_split(tmp_path: Path) -> None:
    found = layout(
        tmp_path,
        {
            "annotations/instances_train2017.json": coco_file("a.jpg", "b.jpg"),
            "annotations/instances_val2017.json": coco_file("c.jpg"),
            "train2017/a.jpg": IMAGE,
            "train2017/b.jpg": IMAGE,
            "val2017/c.jpg": IMAGE,
        },
    )
    assert (found.format, found.tasks) == ("coco", ("object-detection",))
    # In the order of the ids, which is that of the indexes.
    assert found.classes == ("cat", "dog")
    assert images(found) == {
        "train": {"train2017/a.jpg": ("cat", "dog"), "train2017/b.jpg": ()},
        "val": {"val2017/c.jpg": ("cat", "dog")},
    }
    part = found.splits["train"]
    assert (part.path, part.annotations) == ("train2017", "annotations/instances_train2017.json")
    assert messages(found) == []


def test_coco_says_how_points_are_called_and_what_nothing_reads(tmp_path: Path) -> None:
    content = {
        "info": {"year": 2026},
        "licenses": [],
        "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 8, "license": 4}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "score": 1}
        ],
        # Called as Python writes nothing at all, and with no supercategory.
        "categories": [
            {"id": 1, "name": "cat", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]},
            {"id": 2, "name": "None"},
        ],
    }
    found = layout(tmp_path, {"train.json": json.dumps(content), "a.png": IMAGE})
    assert (messages(found), found.classes) == ([], ("cat", "None"))
    assert found.keypoints == {"cat": ("nose", "tail")}
    assert found.unread == {"info", "images.license", "annotations.score", "categories.skeleton"}


def test_coco_with_its_file_beside_the_images(tmp_path: Path) -> None:
    rows = [{"image_id": 0, "category_id": 3, "segmentation": [[0, 0, 1, 1]], "keypoints": [1]}]
    found = layout(
        tmp_path,
        {
            "train/_annotations.coco.json": coco_file("a.jpg", annotations=rows),
            "valid/_annotations.coco.json": coco_file("b.jpg", annotations=rows),
            "train/a.jpg": IMAGE,
            "valid/b.jpg": IMAGE,
        },
    )
    assert found.tasks == ("instance-segmentation", "pose-estimation")
    assert {split: part.path for split, part in found.splits.items()} == {
        "train": "train",
        "val": "valid",
    }


def test_coco_tells_of_images_and_categories_that_are_not_there(tmp_path: Path) -> None:
    rows = [{"image_id": 0, "category_id": 99, "bbox": [1]}, {"image_id": 9, "category_id": 3}]
    found = layout(
        tmp_path,
        {"train.json": coco_file("a.jpg", "gone.jpg", annotations=rows), "train/a.jpg": IMAGE},
    )
    assert messages(found) == [
        "error: train.json: annotations[0].category_id is 99, which is not in the file",
        "error: train.json: annotations[1].image_id is 9, which is not in the file",
        "error: train.json: 'train/gone.jpg' does not exist",
        "error: annotations[1] of split train has no bbox, as others have; 1 in all",
    ]


@pytest.mark.parametrize("text", ['{"images": 3}', '{"images": [3]}', "[1]"])
def test_json_that_is_no_coco_is_passed_over(tmp_path: Path, text: str) -> None:
    found = layout(tmp_path, {"train.json": text, "train/cat/a.png": IMAGE})
    assert found.format == "imagefolder"


def test_yolo_with_images_beside_labels(tmp_path: Path) -> None:
    found = layout(
        tmp_path,
        {
            "data.yaml": "names: [cat, dog]\n",
            "images/train/a.jpg": IMAGE,
            "images/train/empty.jpg": IMAGE,
            "images/val/b.jpg": IMAGE,
            "labels/train/a.txt": "0 0.5 0.5 1 1\n1 0.5 0.5 0.1 0.1\n",
            "labels/train/empty.txt": "",
            "labels/val/b.txt": "1 .5 .5 1.005 1\n",
        },
    )
    assert (found.format, found.tasks, found.classes) == (
        "yolo",
        ("object-detection",),
        ("cat", "dog"),
    )
    assert images(found) == {
        "train": {"images/train/a.jpg": ("cat", "dog"), "images/train/empty.jpg": ()},
        "val": {"images/val/b.jpg": ("dog",)},
    }
    assert messages(found) == []


@pytest.mark.parametrize(
    ("row", "more", "task"),
    [
        ("0 .1 .1 .2 .1 .2 .2 .1 .2", "", "oriented-detection"),
        ("0 .1 .1 .2 .1 .2 .2", "", "instance-segmentation"),
        ("0 .5 .5 1 1 .1 .1 2", "kpt_shape: [1, 3]\n", "pose-estimation"),
    ],
)
def test_the_numbers_of_a_row_tell_the_task(
    tmp_path: Path, row: str, more: str, task: str
) -> None:
    found = layout(
        tmp_path,
        {
            "data.yaml": f"names:\n  1: dog\n  0: cat\n{more}",
            "train/images/a.jpg": IMAGE,
            "train/labels/a.txt": row,
        },
    )
    assert (found.tasks, found.classes) == ((task,), ("cat", "dog"))


@pytest.mark.parametrize(
    ("shape", "row", "fault"),
    [
        ("[2, 3]", "0 .5 .5 1 1 .1 .1 2", "has 1 keypoints, and kpt_shape says 2"),
        ("[1, 3]", "0 .5 .5 1 1 .1 .1 2 .2 .2 2", "has 2 keypoints, and kpt_shape says 1"),
        ("[3, 2]", "0 .5 .5 1 1 .1 .1 .2 .2", "has 2 keypoints, and kpt_shape says 3"),
        ("[2, 2]", "0 .5 .5 1 1", "has 0 keypoints, and kpt_shape says 2"),
        ("[2, 2]", "0 .5 .5 1 1 .1 .1 .2 .2", None),
    ],
)
def test_each_row_has_the_keypoints_that_data_yaml_says(
    tmp_path: Path, shape: str, row: str, fault: str | None
) -> None:
    files: dict[str, bytes | str] = {
        "data.yaml": f"names: [cat]\nkpt_shape: {shape}\n",
        "train/images/a.jpg": IMAGE,
        "train/labels/a.txt": row,
    }
    said = " ".join(messages(layout(tmp_path, files)))
    assert (fault in said) if fault else said == ""


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ("{0: [nose, tail]}", None),
        ("{'0': [nose, tail], 1: [beak, tail]}", None),
        ("[nose, tail]", "kpt_names is no mapping of classes to names"),
        ("{0: nose}", "kpt_names of 0 is no list of names"),
        ("{0: [nose, '']}", "kpt_names of 0 is no list of names"),
        ("{0: [nose]}", "kpt_names of 0 does not name 2 points of a class"),
        ("{2: [nose, tail]}", "kpt_names of 2 does not name 2 points of a class"),
        ("{cat: [nose, tail]}", "kpt_names of cat does not name 2 points of a class"),
    ],
)
def test_points_are_called_as_data_yaml_says(
    tmp_path: Path, names: str, fault: str | None
) -> None:
    files: dict[str, bytes | str] = {
        "data.yaml": f"names: [cat, owl]\nkpt_shape: [2, 2]\nkpt_names: {names}\n",
        "train/images/a.jpg": IMAGE,
        "train/labels/a.txt": "0 .5 .5 1 1 .1 .1 .2 .2",
    }
    found = layout(tmp_path, files)
    if fault:
        assert f"error: data.yaml: {fault}" in messages(found)
    else:
        assert found.keypoints["cat"] == ("nose", "tail")
        assert (messages(found), found.numbers_per_keypoint) == ([], 2)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("cat 0 0 1 1", "is not a class index and numbers"),
        ("0 1 1", "has 2 numbers: a box has 4"),
        ("2 0 0 1 1", "has class 2, and the last one is 1"),
        ("-1 0 0 1 1", "has class -1, and the last one is 1"),
        ("0 100 100 20 20", "has numbers outside 0 to 1"),
        ("0 nan 0 1 1", "is not a class index and numbers"),
    ],
)
def test_a_row_that_is_no_label_is_told_by_its_line(tmp_path: Path, row: str, fault: str) -> None:
    found = layout(
        tmp_path,
        {
            "data.yaml": "names: [cat, dog]\n",
            "train/images/a.jpg": IMAGE,
            "train/labels/a.txt": f"0 0 0 1 1\n{row}\n{row}\n",
        },
    )
    (told,) = messages(found)
    assert told.startswith(f"error: train/labels/a.txt:2: {fault}")
    assert told.endswith("; 1 more like it")
    assert found.findings[0].files == ("train/labels/a.txt:2", "train/labels/a.txt:3")


def test_yolo_without_names_of_classes_is_told(tmp_path: Path) -> None:
    found = layout(tmp_path, {"images/train/a.jpg": IMAGE, "labels/train/a.txt": "0 .5 .5 1 1"})
    assert messages(found) == ["error: no file has the class names"]
    assert found.findings[0].fix.startswith("write them into data.yaml")


VOC = (
    "<annotation><object><name>{}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax>"
    "<ymax>4</ymax></bndbox></object></annotation>"
)


def test_voc_with_lists_of_the_splits(tmp_path: Path) -> None:
    found = layout(
        tmp_path,
        {
            "Annotations/a.xml": VOC.format("cat"),
            "Annotations/b.xml": VOC.format("dog"),
            "JPEGImages/a.jpg": IMAGE,
            "JPEGImages/b.jpg": IMAGE,
            "ImageSets/Main/train.txt": "a 1\n",
            "ImageSets/Main/val.txt": "b\ngone\n\n",
            "ImageSets/Main/cat_train.txt": "a\n",
        },
    )
    assert (found.format, found.tasks) == ("voc", ("object-detection",))
    assert found.classes == ("cat", "dog")
    assert images(found) == {
        "train": {"JPEGImages/a.jpg": ("cat",)},
        "val": {"JPEGImages/b.jpg": ("dog",)},
    }
    assert messages(found) == ["error: ImageSets/Main/val.txt: 'gone' does not exist"]


def test_voc_without_lists_is_one_part(tmp_path: Path) -> None:
    found = layout(tmp_path, {"Annotations/a.xml": VOC.format("cat"), "JPEGImages/a.jpg": IMAGE})
    assert images(found) == {"all": {"JPEGImages/a.jpg": ("cat",)}}


@pytest.mark.parametrize(
    "text", ["<annotation>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "\xff"]
)
def test_xml_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    found = layout(
        tmp_path, {"Annotations/a.xml": text.encode("latin-1"), "JPEGImages/a.jpg": IMAGE}
    )
    assert messages(found)[0].startswith("error: Annotations/a.xml: cannot be read")


@pytest.mark.parametrize(
    ("suffix", "row"),
    [("csv", "path,label\nx/{}.png,{}\n"), ("jsonl", '{{"path": "x/{}.png", "label": "{}"}}\n')],
)
def test_a_table_a_split(tmp_path: Path, suffix: str, row: str) -> None:
    found = layout(
        tmp_path,
        {
            f"labels/train.{suffix}": row.format("a", "cat"),
            f"labels/val.{suffix}": "\n".join([row.format("b", "dog")]),
            "images/x/a.png": IMAGE,
            "images/x/b.png": IMAGE,
        },
    )
    assert (found.format, found.tasks) == (suffix, ("image-classification",))
    assert images(found) == {
        "train": {"images/x/a.png": ("cat",)},
        "val": {"images/x/b.png": ("dog",)},
    }
    part = found.splits["train"]
    assert (part.path, part.annotations) == ("images", f"labels/train.{suffix}")


@pytest.mark.parametrize(
    ("header", "values", "task", "classes"),
    [
        ("labels", "cat dog", "multilabel-classification", ("cat", "dog")),
        ("caption", "a cat", "image-captioning", ()),
        ("text", "abc", "ocr", ()),
    ],
)
def test_the_columns_of_a_table_tell_the_task(
    tmp_path: Path, header: str, values: str, task: str, classes: tuple[str, ...]
) -> None:
    found = layout(tmp_path, {"train.csv": f"path,{header}\na.png,{values}\n", "a.png": IMAGE})
    assert (found.tasks, found.classes) == ((task,), classes)


def test_labels_may_be_a_list(tmp_path: Path) -> None:
    row = {"path": "a.png", "labels": ["cat", "dog"]}
    found = layout(tmp_path, {"train.jsonl": json.dumps(row), "a.png": IMAGE})
    assert found.classes == ("cat", "dog")


@pytest.mark.parametrize("header", ["filename,label", "Path,Label", "image ,LABEL"])
def test_the_columns_of_a_table_may_be_called_as_other_tools_do(
    tmp_path: Path, header: str
) -> None:
    found = layout(tmp_path, {"train.csv": f"{header}\na.png,cat\n", "a.png": IMAGE})
    assert (images(found), messages(found)) == ({"train": {"a.png": ("cat",)}}, [])


def test_a_table_whose_images_are_not_there_is_told(tmp_path: Path) -> None:
    rows = "path,label\na.png,cat\n../a.png,cat\n/etc/passwd,cat\ngone.png,cat\n,cat\n"
    found = layout(tmp_path, {"train.csv": rows, "a.png": IMAGE})
    assert messages(found) == [
        "error: train.csv:3: '../a.png' leads out of the dataset; 1 more like it",
        "error: train.csv:5: 'gone.png' does not exist",
        "error: train.csv:6: 'path' is missing",
    ]


@pytest.mark.parametrize(
    ("text", "line"), [('{"path": "a.png", "label": "c"}\n[1]', ":2"), ("{", ":1"), ("\xff", "")]
)
def test_a_table_that_cannot_be_read_is_told(tmp_path: Path, text: str, line: str) -> None:
    first = '{"path": "a.png", "label": "c"}\n'
    found = layout(
        tmp_path,
        {"train.jsonl": first, "val.jsonl": text.encode("latin-1"), "a.png": IMAGE},
    )
    assert messages(found)[0].startswith(f"error: val.jsonl{line}: cannot be read")


def test_images_with_masks(tmp_path: Path) -> None:
    found = layout(
        tmp_path,
        {
            "classes.txt": "sky\nroad\n",
            "images/train/a.jpg": IMAGE,
            "images/train/b.jpg": IMAGE,
            "masks/train/a.png": IMAGE,
        },
    )
    assert (found.format, found.tasks) == ("masks", ("semantic-segmentation",))
    assert found.classes == ("sky", "road")
    assert images(found) == {"train": {"images/train/a.jpg": ()}}
    part = found.splits["train"]
    assert (part.path, part.targets) == ("images/train", "masks/train")
    assert messages(found) == ["error: images/train/b.jpg: has no namesake in masks/train/"]


def test_masks_without_names_of_classes_are_told(tmp_path: Path) -> None:
    found = layout(tmp_path, {"images/a.jpg": IMAGE, "masks/a.png": IMAGE})
    assert messages(found) == ["error: there is no classes.txt with the names of the classes"]
    assert list(found.splits) == ["all"]


@pytest.mark.parametrize(
    ("source", "target", "task"),
    [("low", "high", "super-resolution"), ("rgb", "depth", "depth-estimation")],
)
def test_pairs_of_images(tmp_path: Path, source: str, target: str, task: str) -> None:
    files = {
        f"{split}/{folder}/a.png": IMAGE
        for split in ("train", "val")
        for folder in (source, target)
    }
    found = layout(tmp_path, files)
    assert (found.format, found.tasks, found.classes) == ("pairs", (task,), ())
    assert found.splits["val"].targets == f"val/{target}"
