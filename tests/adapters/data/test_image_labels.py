"""Labelled images of every format that carries labels of images; standard library alone."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dvc_repositories import write_files
from vtspec.adapters.contract import AdapterError, DatasetJob, Split
from vtspec.adapters.data.image_labels import (
    LabeledImage,
    list_images,
    list_labeled_images,
    list_multilabel_images,
)

CLASSES = ("cat", "dog", "owl")


def data_in(
    root: Path,
    form: str,
    train: Split,
    *,
    classes: Sequence[str] = CLASSES,
) -> DatasetJob:
    return DatasetJob(
        root=root,
        format=form,
        classes=tuple(classes),
        all_classes=CLASSES,
        splits={"train": train},
        final_split="val",
    )


def folders(root: Path, names: Sequence[str] = CLASSES) -> Path:
    for name in names:
        (root / "train" / name).mkdir(parents=True)
        for number in (2, 1):
            (root / "train" / name / f"{number}.png").touch()
    return root


def listed(images: Sequence[LabeledImage], root: Path) -> list[tuple[str, int]]:
    return [(path.relative_to(root).as_posix(), target) for path, target in images]


def test_folders_are_classes_in_the_jobs_order(tmp_path: Path) -> None:
    data = data_in(
        folders(tmp_path), "imagefolder", Split(path="train"), classes=("owl", "cat", "dog")
    )
    assert listed(list_labeled_images(data, "train"), tmp_path) == [
        ("train/owl/1.png", 0),
        ("train/owl/2.png", 0),
        ("train/cat/1.png", 1),
        ("train/cat/2.png", 1),
        ("train/dog/1.png", 2),
        ("train/dog/2.png", 2),
    ]


def test_classes_not_asked_for_are_left_out(tmp_path: Path) -> None:
    data = data_in(folders(tmp_path), "imagefolder", Split(path="train"), classes=("dog",))
    assert listed(list_labeled_images(data, "train"), tmp_path) == [
        ("train/dog/1.png", 0),
        ("train/dog/2.png", 0),
    ]


def test_images_at_any_depth_count_and_other_files_do_not(tmp_path: Path) -> None:
    root = folders(tmp_path, ["cat"])
    deep = root / "train" / "cat" / "a" / "b"
    deep.mkdir(parents=True)
    for name in ("3.JPG", "notes.txt", ".hidden.png"):
        (deep / name).touch()
    data = data_in(root, "imagefolder", Split(path="train"), classes=["cat"])
    names = [path.name for path, _ in list_labeled_images(data, "train")]
    assert names == ["1.png", "2.png", "3.JPG"]
    assert [path.name for path in list_images(deep)] == ["3.JPG"]


def test_folder_that_is_no_class_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    root = folders(tmp_path)
    write_files(root, {"train/dogs/a.png": b""})
    with pytest.raises(AdapterError, match="'dogs' is none of the dataset's classes") as error:
        list_labeled_images(data_in(root, "imagefolder", Split(path="train")), "train")
    assert error.value.fix is not None
    assert "did you mean 'dog'?" in error.value.fix


@pytest.mark.parametrize("more", ["owls/.gitkeep", "notes/a.txt", "__MACOSX/._a.png", ".x/a.png"])
def test_a_folder_without_an_image_is_no_class(tmp_path: Path, more: str) -> None:
    root = write_files(folders(tmp_path), {f"train/{more}": b""})
    (root / "train" / "empty").mkdir()
    assert (
        len(list_labeled_images(data_in(root, "imagefolder", Split(path="train")), "train")) == 6
    )


def test_missing_folder_split_and_images_are_said(tmp_path: Path) -> None:
    data = data_in(tmp_path, "imagefolder", Split(path="train"))
    with pytest.raises(AdapterError, match="no such folder"):
        list_labeled_images(data, "train")
    with pytest.raises(AdapterError, match="no split 'test'"):
        list_labeled_images(data, "test")
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(AdapterError, match="no image of the chosen classes"):
        list_labeled_images(data, "train")


def test_format_that_carries_no_class_of_an_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="'coco' cannot be read for classification") as error:
        list_labeled_images(data_in(tmp_path, "coco", Split(path="train")), "train")
    assert error.value.fix == "use a dataset of format imagefolder, csv, jsonl"


def write_labels(root: Path, form: str, rows: Sequence[tuple[str, str]]) -> str:
    file = root / f"labels.{form}"
    if form == "csv":
        file.write_text("\ufeffid,path,label\n" + "".join(f"7,{p},{c}\n" for p, c in rows))
    else:
        lines = [json.dumps({"path": path, "label": name, "id": 7}) for path, name in rows]
        file.write_text("\n\n".join(lines) + "\n")
    return file.name


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_label_file_beside_a_folder_of_images(tmp_path: Path, form: str) -> None:
    folders(tmp_path)
    name = write_labels(tmp_path, form, [("dog/2.png", "dog"), ("cat/1.png", "cat")])
    data = data_in(tmp_path, form, Split(path="train", annotations=name), classes=("dog", "cat"))
    assert listed(list_labeled_images(data, "train"), tmp_path) == [
        ("train/dog/2.png", 0),
        ("train/cat/1.png", 1),
    ]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_label_file_that_is_the_split_itself(tmp_path: Path, form: str) -> None:
    folders(tmp_path)
    name = write_labels(tmp_path, form, [("train/dog/2.png", "dog"), ("train/owl/1.png", "owl")])
    data = data_in(tmp_path, form, Split(path=name), classes=("dog",))
    assert listed(list_labeled_images(data, "train"), tmp_path) == [("train/dog/2.png", 0)]


@pytest.mark.parametrize("form", ["csv", "jsonl", "imagefolder"])
def test_a_class_without_train_images_is_refused_and_elsewhere_left_to_the_adapter(
    tmp_path: Path, form: str
) -> None:
    folders(tmp_path, ["dog", "owl"])
    rows = [("train/dog/2.png", "dog"), ("train/owl/1.png", "owl")]
    name = "train" if form == "imagefolder" else write_labels(tmp_path, form, rows)
    data = data_in(tmp_path, form, Split(path=name))
    with pytest.raises(AdapterError, match="train split has no images of class 'cat'") as told:
        list_labeled_images(data, "train")
    assert "leave the class out" in str(told.value.fix)
    elsewhere = replace(data, splits={"val": Split(path=name)})
    assert {target for _, target in list_labeled_images(elsewhere, "val")} == {1, 2}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("cat/1.png", "cot"), "'cot' is none of the dataset's classes"),
        (("cat/1.png", ""), "'label' is missing"),
        (("", "cat"), "'path' is missing"),
        (("cat/9.png", "cat"), "does not exist"),
        (("../secret.png", "cat"), "leads out of the dataset"),
        (("/etc/secret.png", "cat"), "leads out of the dataset"),
    ],
)
def test_bad_row_is_named_by_its_line(
    tmp_path: Path, form: str, row: tuple[str, str], message: str
) -> None:
    folders(tmp_path)
    name = write_labels(tmp_path, form, [("cat/1.png", "cat"), row])
    data = data_in(tmp_path, form, Split(path="train", annotations=name))
    with pytest.raises(AdapterError, match=message) as error:
        list_labeled_images(data, "train")
    assert f"labels.{form}:3: " in str(error.value)


@pytest.mark.parametrize("text", [b"{broken", b"\xff\xfe\x00", b"[1]\n", b"17\n"])
def test_file_that_is_not_jsonl_is_an_error_not_a_traceback(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "labels.jsonl").write_bytes(text)
    with pytest.raises(AdapterError, match=r"labels\.jsonl"):
        list_labeled_images(data_in(tmp_path, "jsonl", Split(path="labels.jsonl")), "train")


def test_missing_label_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="no such file"):
        list_labeled_images(data_in(tmp_path, "csv", Split(path="labels.csv")), "train")


def write_several(root: Path, form: str, rows: Sequence[tuple[str, Sequence[str]]]) -> Split:
    """A split of images with any number of classes each, in one of the formats that carry them."""
    folders(root)
    file = root / ("labels.json" if form == "coco" else f"labels.{form}")
    if form == "csv":
        lines = [f"{path},{' '.join(names)}\n" for path, names in rows]
        file.write_text("path,labels\n" + "".join(lines))
    elif form == "jsonl":
        lines = [json.dumps({"path": path, "labels": list(names)}) for path, names in rows]
        file.write_text("\n".join(lines))
    else:
        known = sorted({name for _, names in rows for name in names})
        objects = [(place, known.index(name)) for place, row in enumerate(rows) for name in row[1]]
        content = {
            "images": [
                {"id": place, "file_name": path, "width": 9, "height": 9}
                for place, (path, _) in enumerate(rows)
            ],
            "categories": [{"id": place, "name": name} for place, name in enumerate(known)],
            "annotations": [
                {"id": number, "image_id": place, "category_id": category, "bbox": [1, 1, 3, 3]}
                for number, (place, category) in enumerate(objects)
            ],
        }
        file.write_text(json.dumps(content))
    return Split(path="train", annotations=file.name)


SEVERAL = (
    ("dog/2.png", ("owl", "dog")),
    ("cat/1.png", ()),
    ("owl/1.png", ("cat", "owl", "owl")),
)


@pytest.mark.parametrize("form", ["csv", "jsonl", "coco"])
def test_an_image_has_any_number_of_classes_in_the_jobs_order(tmp_path: Path, form: str) -> None:
    data = data_in(tmp_path, form, write_several(tmp_path, form, SEVERAL))
    found = list_multilabel_images(data, "train")
    assert [
        (image.path.relative_to(tmp_path / "train").as_posix(), image.targets) for image in found
    ] == [
        ("dog/2.png", (1, 2)),
        ("cat/1.png", ()),
        ("owl/1.png", (0, 2)),
    ]
    # Where only some classes are asked for, an image that shows others alone stays.
    some = list_multilabel_images(replace(data, classes=("owl", "cat")), "train")
    assert [image.targets for image in some] == [(0,), (), (0, 1)]


@pytest.mark.parametrize("form", ["csv", "jsonl", "coco"])
def test_of_several_classes_each_is_known_and_learnt_from(tmp_path: Path, form: str) -> None:
    split = write_several(tmp_path, form, [("dog/2.png", ("owl", "dog")), ("cat/1.png", ("cot",))])
    data = data_in(tmp_path, form, split)
    with pytest.raises(AdapterError, match="'cot' is none of the dataset's classes") as error:
        list_multilabel_images(data, "train")
    assert "did you mean 'cat'?" in str(error.value.fix)
    known = replace(data, all_classes=(*CLASSES, "cot"))
    with pytest.raises(AdapterError, match="train split has no images of class 'cat'"):
        list_multilabel_images(known, "train")
    elsewhere = replace(known, splits={"val": split})
    assert [image.targets for image in list_multilabel_images(elsewhere, "val")] == [(1, 2), ()]


@pytest.mark.parametrize("row", ["cat/9.png,cat", "../secret.png,cat", ",cat", "cat/1.png"])
def test_a_bad_row_of_several_classes_is_named_by_its_line(tmp_path: Path, row: str) -> None:
    folders(tmp_path)
    (tmp_path / "labels.csv").write_text(f"path,labels\ncat/1.png,cat\n{row}\n")
    data = data_in(tmp_path, "csv", Split(path="train", annotations="labels.csv"))
    with pytest.raises(AdapterError, match=r"labels\.csv:3: "):
        list_multilabel_images(data, "train")


def test_folders_and_tables_without_images_have_nothing_for_several_classes(
    tmp_path: Path,
) -> None:
    data = data_in(folders(tmp_path), "imagefolder", Split(path="train"))
    with pytest.raises(AdapterError, match="'imagefolder' cannot be read for multilabel") as error:
        list_multilabel_images(data, "train")
    assert error.value.fix == "use a dataset of format csv, jsonl, coco"
    (tmp_path / "labels.csv").write_text("path,labels\n")
    empty = data_in(tmp_path, "csv", Split(path="train", annotations="labels.csv"))
    with pytest.raises(AdapterError, match="no image"):
        list_multilabel_images(empty, "train")
