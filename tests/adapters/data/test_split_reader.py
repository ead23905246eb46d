"""Every format is read into the one annotation model, and its defects are told as data."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from dvc_repositories import write_files
from vtspec.adapters.contract import AdapterError, DatasetJob, Split
from vtspec.adapters.data.annotations import (
    Annotation,
    BoundingBox,
    Keypoint,
    OrientedBox,
    Polygon,
    Question,
    RleMask,
    Sample,
    Size,
    Target,
)
from vtspec.adapters.data.defects import Defect
from vtspec.adapters.data.split_reader import make_defect_error, read_split
from vtspec.adapters.data.yolo import RowForm, find_label_folder


def data_in(
    root: Path, form: str, where: Split, files: Mapping[str, str], classes: Sequence[str] = ()
) -> DatasetJob:
    write_files(root, {name: text.encode() for name, text in files.items()})
    return DatasetJob(
        root=root,
        format=form,
        classes=tuple(classes),
        all_classes=tuple(classes),
        splits={"train": where},
        final_split="train",
    )


def test_a_folder_is_the_class_of_its_images(tmp_path: Path) -> None:
    files = {
        "train/dog/b.png": "",
        "train/cat/x/a.png": "",
        "train/loose.png": "",
        "val/a.png": "",
    }
    data = data_in(tmp_path, "imagefolder", Split(path="train"), files, ["cat", "dog"])
    assert list(read_split(data, "train")) == [
        Sample(image="train/cat/x/a.png", split="train", label="cat"),
        Sample(image="train/dog/b.png", split="train", label="dog"),
    ]


def test_a_folder_that_is_no_class_is_told_first(tmp_path: Path) -> None:
    files = {"train/dog/b.png": "", "train/zebra/a.png": ""}
    data = data_in(tmp_path, "imagefolder", Split(path="train/"), files, ["dog"])
    assert list(read_split(data, "train")) == [
        Defect(kind="unknown-class", file="train/zebra", detail="zebra"),
        Sample(image="train/dog/b.png", split="train", label="dog"),
        Sample(image="train/zebra/a.png", split="train", label="zebra"),
    ]


def test_a_table_says_labels_texts_and_more(tmp_path: Path) -> None:
    rows = [
        {"path": "a.png", "label": "cat", "patient": 7},
        {"path": "./x//b.png", "labels": ["cat", "dog"], "caption": "two pets"},
        {"path": "c.png", "text": "STOP"},
        {"path": "c.png", "question": "What is it?", "answers": ["a sign", "a sign", "red"]},
        {"path": "c.png", "question": "And where?", "answer": "in the street"},
    ]
    lines = "\n".join(json.dumps(row) for row in rows)
    files = {"train.jsonl": lines, "images/a.png": "", "images/x/b.png": "", "images/c.png": ""}
    where = Split(path="images", annotations="train.jsonl")
    assert list(read_split(data_in(tmp_path, "jsonl", where, files), "train")) == [
        Sample(
            image="images/a.png",
            split="train",
            label="cat",
            attributes={"patient": 7},
            place="train.jsonl:1",
        ),
        Sample(
            image="images/x/b.png",
            split="train",
            labels=("cat", "dog"),
            captions=("two pets",),
            place="train.jsonl:2",
        ),
        Sample(image="images/c.png", split="train", text="STOP", place="train.jsonl:3"),
        Sample(
            image="images/c.png",
            split="train",
            question=Question(text="What is it?", answers=("a sign", "a sign", "red")),
            place="train.jsonl:4",
        ),
        Sample(
            image="images/c.png",
            split="train",
            question=Question(text="And where?", answers=("in the street",)),
            place="train.jsonl:5",
        ),
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"question": "What?"}, "has a question and no 'answers'"),
        ({"question": "What?", "answers": 3}, "'answers' is neither a text nor a list of texts"),
        ({"question": "What?", "answers": ["a", 3]}, "'answers' is neither a text nor"),
        ({"question": "What?", "answers": []}, "'answers' is neither a text nor a list"),
        ({"question": 3, "answers": ["a"]}, "'question' is no text, got 3"),
    ],
)
def test_a_question_without_answers_is_told(
    tmp_path: Path, fields: Mapping[str, object], words: str
) -> None:
    files = {"train.jsonl": json.dumps({"path": "a.png", **fields}), "a.png": ""}
    data = data_in(tmp_path, "jsonl", Split(path=".", annotations="train.jsonl"), files)
    (found,) = read_split(data, "train")
    assert isinstance(found, Defect) and found.kind == "malformed-label"
    assert found.message.startswith(words)


def test_the_rows_of_a_table_that_lead_nowhere_are_told_in_their_place(tmp_path: Path) -> None:
    table = "path,label\na.png,cat\ngone.png,cat\n../a.png,cat\n,cat\na.png,dog\n"
    data = data_in(tmp_path, "csv", Split(path="train.csv"), {"train.csv": table, "a.png": ""})
    found = list(read_split(data, "train"))
    assert [item.classes if isinstance(item, Sample) else item.kind for item in found] == [
        ("cat",),
        "missing-image",
        "path-outside",
        "no-path",
        ("dog",),
    ]
    assert [item.place for item in found] == [f"train.csv:{line}" for line in range(2, 7)]


def test_a_line_may_hold_any_character_that_json_lets_be(tmp_path: Path) -> None:
    line = json.dumps({"path": "a.png", "text": "one\u2028two"}, ensure_ascii=False)
    data = data_in(tmp_path, "jsonl", Split(path="t.jsonl"), {"t.jsonl": line, "a.png": ""})
    (sample,) = read_split(data, "train")
    assert isinstance(sample, Sample) and sample.text == "one\u2028two"


COCO = {
    "images": [
        {"id": 2, "file_name": "b.png", "width": 8, "height": 6},
        {"id": 1, "file_name": "a.png", "width": 8, "height": 6},
        {"id": 3, "file_name": "gone.png"},
    ],
    "categories": [{"id": 17, "name": "dog"}, {"id": 3, "name": "cat"}],
}


def read_coco_rows(root: Path, *rows: Mapping[str, object]) -> list[Sample | Defect]:
    files = {"t.json": json.dumps({**COCO, "annotations": rows}), "i/a.png": "", "i/b.png": ""}
    where = Split(path="i", annotations="t.json")
    return list(read_split(data_in(root, "coco", where, files), "train"))


def test_coco_says_boxes_areas_crowds_and_keypoints(tmp_path: Path) -> None:
    first, second, gone = read_coco_rows(
        tmp_path,
        {
            "image_id": 1,
            "category_id": 17,
            "bbox": [1, 2, 3, 4],
            "segmentation": [[0, 0, 4, 0, 4, 4], [5, 5, 6, 5, 6, 6]],
            "keypoints": [1, 2, 2, 0, 0, 0],
            "attributes": {"occluded": True},
        },
        {
            "image_id": 1,
            "category_id": 3,
            "segmentation": {"size": [6, 8], "counts": [40, 8]},
            "iscrowd": 1,
        },
    )
    assert first == Sample(image="i/b.png", split="train", size=(8, 6), place="t.json")
    assert second == Sample(
        image="i/a.png",
        split="train",
        size=(8, 6),
        annotations=(
            Annotation(
                class_name="dog",
                box=BoundingBox(x_min=1, y_min=2, x_max=4, y_max=6),
                polygons=(Polygon(outer=(0, 0, 4, 0, 4, 4)), Polygon(outer=(5, 5, 6, 5, 6, 6))),
                keypoints=(
                    Keypoint(x=1, y=2, visibility=2),
                    Keypoint(x=0, y=0, visibility=0),
                ),
                attributes={"occluded": True},
            ),
            Annotation(
                class_name="cat", mask=RleMask(width=8, height=6, counts=(40, 8)), is_crowd=True
            ),
        ),
        place="t.json",
    )
    assert isinstance(gone, Defect) and (gone.kind, gone.detail) == ("missing-image", "i/gone.png")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("bbox", [1, 2, 3], "bbox has 3 numbers, not 4"),
        ("bbox", ["1", 2, 3, 4], "bbox is not a list of numbers"),
        ("segmentation", [[0, 0, 1, 1]], "segmentation has a ring"),
        ("segmentation", "x", "segmentation is neither"),
        ("segmentation", {"size": [6, 8], "counts": [1]}, "do not fill 8 x 6"),
        ("keypoints", [1, 2], "keypoints has 2 numbers"),
        ("keypoints", [1, 2, 5], "visibility is 5"),
    ],
)
def test_coco_numbers_that_mean_nothing_are_told_and_their_class_stays(
    tmp_path: Path, field: str, value: object, words: str
) -> None:
    row = {"id": 9, "image_id": 2, "category_id": 3, field: value}
    told, sample, *_ = read_coco_rows(tmp_path, row)
    assert isinstance(told, Defect) and told.kind == "malformed-label"
    assert told.detail.startswith("annotations[0].") and words in told.detail
    assert isinstance(sample, Sample) and sample.annotations == (Annotation(class_name="cat"),)


@pytest.mark.parametrize(
    "row", [{"image_id": 7, "category_id": 3}, {"image_id": [], "id": 4}, {"image_id": 1}]
)
def test_coco_annotations_of_nothing_are_lost(tmp_path: Path, row: dict[str, object]) -> None:
    told, *_ = read_coco_rows(tmp_path, row)
    assert isinstance(told, Defect) and told.kind == "lost-annotation"


def test_what_voc_says_of_an_object_stands_in_its_attributes(tmp_path: Path) -> None:
    said = {"difficult": True, "truncated": 1, "colour": "red"}
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 8}],
        "annotations": [
            {"image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "attributes": said}
        ],
        "categories": [{"id": 1, "name": "None"}],
    }
    files = {"train.json": json.dumps(content), "a.png": ""}
    data = data_in(tmp_path, "coco", Split(path=".", annotations="train.json"), files)
    (found,) = read_split(data, "train")
    assert isinstance(found, Sample)
    (one,) = found.annotations
    assert (one.is_difficult, one.is_truncated, one.attributes) == (True, True, {"colour": "red"})


def test_captions_are_of_the_image_too(tmp_path: Path) -> None:
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [{"image_id": 1, "caption": text} for text in ("a cat", "a pet")],
    }
    files = {"t.json": json.dumps(content), "a.png": ""}
    where = Split(path=".", annotations="t.json")
    (sample,) = read_split(data_in(tmp_path, "coco", where, files), "train")
    assert isinstance(sample, Sample) and sample.captions == ("a cat", "a pet")


def one_yolo_row(root: Path, row: str, form: RowForm, size: Size | None) -> Annotation:
    files = {"images/train/a.png": "", "labels/train/a.txt": row}
    data = data_in(root, "yolo", Split(path="images/train"), files, ["cat", "dog"])
    (sample,) = read_split(data, "train", rows=form, get_size=lambda image: size)
    assert isinstance(sample, Sample) and sample.size == size
    (annotation,) = sample.annotations
    return annotation


@pytest.mark.parametrize(
    ("row", "form", "expected"),
    [
        (
            "1 .5 .5 .5 .5",
            "boxes",
            Annotation(class_name="dog", box=BoundingBox(x_min=25, y_min=50, x_max=75, y_max=150)),
        ),
        (
            "0 0 0 1 0 1 .5 0 .5",
            "corners",
            Annotation(
                class_name="cat",
                oriented_box=OrientedBox(corners=(0, 0, 100, 0, 100, 100, 0, 100)),
            ),
        ),
        (
            "0 0 0 1 0 1 .5",
            "polygons",
            Annotation(class_name="cat", polygons=(Polygon(outer=(0, 0, 100, 0, 100, 100)),)),
        ),
        (
            "0 .5 .5 1 1 .5 .5 2 .25 .25 1 0 0 0",
            "keypoints",
            Annotation(
                class_name="cat",
                box=BoundingBox(x_min=0, y_min=0, x_max=100, y_max=200),
                keypoints=(
                    Keypoint(x=50, y=100, visibility=2),
                    Keypoint(x=25, y=50, visibility=1),
                    Keypoint(x=0, y=0, visibility=0),
                ),
            ),
        ),
    ],
)
def test_shares_become_pixels_where_the_size_is_known(
    tmp_path: Path, row: str, form: RowForm, expected: Annotation
) -> None:
    assert one_yolo_row(tmp_path, row, form, (100, 200)) == expected
    # Without a size nothing is made up.
    bare = Annotation(class_name=expected.class_name)
    assert one_yolo_row(tmp_path, row, form, None) == bare


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("images/train", "labels/train"),
        ("train/images", "train/labels"),
        ("images/images/x", "images/labels/x"),
        ("pictures", "pictures"),
    ],
)
def test_labels_lie_where_ultralytics_looks_for_them(images: str, labels: str) -> None:
    assert find_label_folder(images) == labels


VOC = """<annotation><size><width>100</width><height>50</height></size>
<object><name>cat</name><pose>Left</pose><truncated>1</truncated><difficult>1</difficult>
<bndbox><xmin>11</xmin><ymin>1</ymin><xmax>20</xmax><ymax>50</ymax></bndbox></object></annotation>
"""


def test_voc_counts_pixels_from_one(tmp_path: Path) -> None:
    files = {
        "Annotations/a.xml": VOC,
        "JPEGImages/a.jpg": "",
        "JPEGImages/b.jpg": "",
        "ImageSets/Main/train.txt": "b\na 1\ngone\n",
    }
    where = Split(path="JPEGImages", annotations="ImageSets/Main/train.txt")
    bare, sample, gone = read_split(data_in(tmp_path, "voc", where, files), "train")
    # Unlike a missing file of YOLO, it does not say that nothing is shown.
    assert isinstance(bare, Defect) and (bare.kind, bare.file) == (
        "no-label",
        "Annotations/b.xml",
    )
    assert sample == Sample(
        image="JPEGImages/a.jpg",
        split="train",
        size=(100, 50),
        annotations=(
            Annotation(
                class_name="cat",
                box=BoundingBox(x_min=10, y_min=0, x_max=20, y_max=50),
                is_difficult=True,
                is_truncated=True,
                attributes={"pose": "Left"},
            ),
        ),
        place="Annotations/a.xml",
    )
    assert isinstance(gone, Defect) and (gone.kind, gone.detail) == ("missing-image", "gone")


BOMB = '<?xml version="1.0"{}?><!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_xml_with_entities_is_never_parsed(tmp_path: Path, encoding: str) -> None:
    data = data_in(tmp_path, "voc", Split(path="JPEGImages"), {"JPEGImages/a.jpg": ""})
    text = BOMB.format(f' encoding="{encoding[:6]}"').encode(encoding)
    write_files(tmp_path, {"Annotations/a.xml": text})
    (told,) = read_split(data, "train")
    assert isinstance(told, Defect) and told.detail == "it declares entities"
    assert told.sample == Sample(image="JPEGImages/a.jpg", split="train")


@pytest.mark.parametrize("number", ["nan", "1e999", "wide", "", "1_1", "\u0661"])
def test_a_voc_box_without_numbers_is_told(tmp_path: Path, number: str) -> None:
    files = {"Annotations/a.xml": VOC.replace("11", number), "JPEGImages/a.jpg": ""}
    told, sample = read_split(data_in(tmp_path, "voc", Split(path="JPEGImages"), files), "train")
    assert isinstance(told, Defect) and told.detail == "object 1 has no <bndbox> of four numbers"
    assert isinstance(sample, Sample) and sample.annotations == ()


@pytest.mark.parametrize(("form", "kind"), [("masks", "mask"), ("pairs", "high-resolution")])
def test_images_of_one_name_belong_together(tmp_path: Path, form: str, kind: str) -> None:
    files = {"images/x/a.jpg": "", "images/b.jpg": "", "masks/x/a.png": ""}
    data = data_in(tmp_path, form, Split(path="images", targets="masks"), files)
    alone, sample = read_split(data, "train")
    assert alone == Defect(kind="missing-target", file="images/b.jpg", detail="masks")
    assert isinstance(sample, Sample) and isinstance(sample.target, Target)
    assert (sample.target.kind, sample.target.path) == (kind, "masks/x/a.png")


@pytest.mark.parametrize(
    ("form", "words"), [("yolo", "no such folder"), ("csv", "no such file"), ("coco", "no such")]
)
def test_a_split_that_is_not_there_is_an_error(tmp_path: Path, form: str, words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        read_split(data_in(tmp_path, form, Split(path="gone"), {}), "train")


def test_a_link_to_a_folder_is_refused_not_passed_over(tmp_path: Path) -> None:
    data = data_in(tmp_path, "imagefolder", Split(path="train"), {"train/a/a.png": ""}, ["a", "b"])
    (tmp_path / "train" / "b").symlink_to(tmp_path / "train" / "a")
    with pytest.raises(AdapterError, match="train/b is a link to a folder"):
        read_split(data, "train")


def test_every_defect_has_its_place_in_words(tmp_path: Path) -> None:
    data = data_in(tmp_path, "yolo", Split(path="images"), {"images/a.png": ""})
    told = Defect(kind="malformed-label", file="labels/a.txt", line=3, detail="has 2 numbers")
    error = make_defect_error(told, data)
    assert str(error) == f"{tmp_path}/labels/a.txt:3: has 2 numbers"
    assert error.fix == "correct it, or take it out; vtspec datasets inspect shows all"
