"""What is wrong with labels is told by file and place; nothing is passed over or shifted."""
# ruff: noqa: E501 - a case is a row, and is read as one

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dataset_mutants import BUILDERS, draw, draw_mask
from dvc_repositories import write_files
from vtspec.pipelines.data.inspection.inspect import Inspection, inspect_dataset
from vtspec.pipelines.errors import Permanent


def inspect(root: Path, form: str, changes: Mapping[str, bytes | None]) -> Inspection:
    """The sound dataset of a format with some files otherwise, or away."""
    files = {**BUILDERS[form](), **changes}
    return inspect_dataset(write_files(root, {n: d for n, d in files.items() if d is not None}))


def messages(inspection: Inspection) -> list[str]:
    return [f"{finding.severity}: {finding.message}" for finding in inspection.findings]


def assert_told(inspection: Inspection, words: str) -> None:
    found = messages(inspection)
    assert any(message.startswith(words) for message in found), found
    assert all(finding.fix for finding in inspection.findings)


@pytest.mark.parametrize("form", BUILDERS)
def test_a_sound_dataset_has_no_findings(tmp_path: Path, form: str) -> None:
    found = [m for m in messages(inspect(tmp_path, form, {})) if "more than" not in m]
    assert found == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"names: [cat, d\xe9g]\n", "data.yaml cannot be read: line 1 is not UTF-8 (byte 0xe9)"),
        ("names: [a, b]".encode("utf-16"), "data.yaml cannot be read: it is UTF-16"),
        (b"names:\n\t- cat\n", "data.yaml cannot be read: found character '\\t'"),
        (b"names: [cat\n", "data.yaml cannot be read: "),
        (b"names: [cat]\nnames: [dog]\n", "data.yaml cannot be read: it has the key 'names' more"),
        (b"nc: 2\n", "data.yaml has no 'names' of the classes"),
        (b"names: {1: cat, 2: dog}\n", "data.yaml: names has the keys 1, 2, so that class 0"),
        (b"names: {0: cat, 2: dog}\n", "data.yaml: names has the keys 0, 2, so that class 1"),
        (b"names: {0: cat, 0: dog}\n", "data.yaml: names has the key '0' more than once"),
        (b"names: [cat, dog]\nnc: 5\n", "data.yaml: nc is '5', but names has 2 classes"),
        (b"names: [cat, cat]\n", "data.yaml: two classes are called 'cat'"),
        (b"names: [cat, [dog]]\n", "data.yaml: the name of class 1 is no text"),
        (b"names: cat\n", "data.yaml: names is neither a list nor a mapping"),
        (b"names: [cat, dog]\nkpt_shape: 17\n", "data.yaml: kpt_shape is not"),
        (b"names: [cat, dog]\nkpt_shape: [many, 3]\n", "data.yaml: kpt_shape is not"),
        (b"names: [cat, dog]\nkpt_shape: [0, 3]\n", "data.yaml: kpt_shape is not"),
    ],
)
def test_what_is_wrong_with_data_yaml_is_said(tmp_path: Path, text: bytes, words: str) -> None:
    found = inspect(tmp_path, "yolo", {"data.yaml": text})
    assert_told(found, f"error: {words}")
    assert found.layout.format == "yolo"


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        (b"names: {'0': cat, '1': dog}\n", ("cat", "dog")),
        (b"# * a star *\nnames: [cat, dog]\n", ("cat", "dog")),
        (b"names: [no, yes]\n", ("no", "yes")),
        (b"names: [010, 1e3]\n", ("010", "1e3")),
        (b"names: {1: on, 0: ~}\n", ("~", "on")),
    ],
)
def test_names_of_classes_are_as_they_are_written(
    tmp_path: Path, text: bytes, classes: tuple[str, ...]
) -> None:
    found = inspect(tmp_path, "yolo", {"data.yaml": text})
    assert (found.layout.classes, list(found.errors)) == (classes, [])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("0 .5 .5 .5 .5 .9", "has 5 numbers: a box has 4, a polygon 3 or more pairs"),
        ("0 .1 .1 2 .1 .9 .9", "has numbers outside 0 to 1"),
        ("0 .1 .1 .9 .1 .9 nan", "is not a class index and numbers"),
        ("0 .5 .5 0 .5", "has no area"),
        ("0 .5 .5 .5 -.005", "has no area"),
        ("0 .1 .1 .2 .2 .3 .3", "has no area"),
        ("1_0 .5 .5 .5 .5", "is not a class index and numbers"),
        ("\u0661 .5 .5 .5 .5", "is not a class index and numbers"),
    ],
)
def test_a_row_of_yolo_is_told_by_its_line(tmp_path: Path, row: str, words: str) -> None:
    # The empty line counts: a person looks for the row in an editor.
    found = inspect(tmp_path, "yolo", {"labels/train/a0.txt": f"\n0 .5 .5 1 1\n{row}\n".encode()})
    assert_told(found, f"error: labels/train/a0.txt:3: {words}")
    assert found.layout.tasks == ("object-detection",)


BOX = {"bbox": [1, 1, 2, 2]}


def spoil_coco(**changes: Any) -> bytes:
    """The file of train, in which tables or rows (`images_0`) are otherwise."""
    content = json.loads(BUILDERS["coco"]()["annotations/instances_train.json"])
    for key, value in changes.items():
        table, _, place = key.partition("_")
        if place:
            content[table][int(place)] = value
        else:
            content[table] = value
    return json.dumps(content).encode()


CAT = {"id": 3, "name": "cat"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"annotations_0": {"image_id": 1, "category_id": 3, "bbox": [1, 1, 0, 2]}}, "annotations[0].bbox is 0 wide"),
        ({"annotations_0": {"image_id": 1, "category_id": 3, "bbox": [1, 1, 2, -2]}}, "annotations[0].bbox is 2 wide and -2"),
        ({"annotations_0": {"image_id": 1, "category_id": 3, "bbox": [1, 1, 2]}}, "annotations[0].bbox has 3 numbers"),
        ({"annotations_0": {"image_id": 1, "category_id": 3, "bbox": [90, 1, 2, 2]}}, "annotations[0].bbox lies outside"),
        ({"annotations_0": {"image_id": 1, "category_id": 3, "bbox": [1, 1, 2, 10**400]}}, "annotations[0].bbox has a number that"),
        ({"annotations_0": {"image_id": 1, "category_id": [3], **BOX}}, "annotations[0].category_id is no id, got [3]"),
        ({"annotations_0": {"image_id": True, "category_id": 3, **BOX}}, "annotations[0].image_id is no id, got True"),
        ({"annotations_0": {"image_id": 1, "category_id": 3}}, "annotations[0] of split train has no bbox"),
        ({"annotations_0": 7}, "annotations[0] is no object"),
        ({"categories_1": {"id": 3, "name": "kitten"}}, "categories[1].id is 3, as that of categories[0]"),
        ({"categories_1": {"id": 7, "name": "cat"}}, "categories[1].name is 'cat', as that of another"),
        ({"categories_1": {"id": 7}}, "categories[1].name is no text, got None"),
        ({"categories": {"3": "cat"}}, "cannot be read: 'categories' is no list"),
        ({"images_1": {"id": 1, "file_name": "a1.png"}}, "images[1].id is 1, as that of images[0]"),
        ({"images_1": {"id": 2, "file_name": "./a0.png"}}, "images[1].file_name is 'a0.png', as that of images[0]"),
        ({"images_1": {"id": 2, "coco_url": "http://x/a1.png"}}, "images[1] has no file_name (but a coco_url)"),
        ({"images_1": {"id": 2, "file_name": "../a1.png"}}, "'../a1.png' leads out of the dataset"),
        ({"images_1": {"id": 2, "file_name": "a1.png", "width": "8", "height": 8}}, "images[1].width is no number of pixels"),
    ],
)  # fmt: skip
def test_odd_rows_of_coco_are_told_by_their_place(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    file = "annotations/instances_train.json"
    found = inspect(tmp_path, "coco", {file: spoil_coco(**changes)})
    place = "" if " of split " in words else f"{file}: "
    assert_told(found, f"error: {place}{words}")


def test_a_category_that_is_only_the_heading_of_others_is_no_class(tmp_path: Path) -> None:
    changes = {
        "categories": [
            {"id": 0, "name": "pets", "supercategory": "none"},
            {"id": 3, "name": "cat", "supercategory": "pets"},
            {"id": 7, "name": "dog", "supercategory": "pets"},
        ]
    }
    found = inspect(tmp_path, "coco", {"annotations/instances_train.json": spoil_coco(**changes)})
    assert (found.layout.classes, list(found.errors)) == (("cat", "dog"), [])


def test_of_cocos_own_files_of_a_split_that_of_the_instances_is_read(tmp_path: Path) -> None:
    captions = json.dumps(
        {
            "images": [{"id": 1, "file_name": "a0.png"}],
            "annotations": [{"image_id": 1, "caption": "a cat"}],
        }
    ).encode()
    others = {f"annotations/captions_{split}.json": captions for split in ("train", "val")}
    found = inspect(tmp_path, "coco", others)
    assert found.layout.tasks == ("object-detection", "instance-segmentation")
    assert found.count_per_class("train") == {"cat": 2, "dog": 2}
    assert_told(found, "warning: 2 label files are passed over")


def test_several_files_of_one_split_are_told(tmp_path: Path) -> None:
    whole = json.loads(BUILDERS["coco"]()["annotations/instances_train.json"])
    singles = {
        f"annotations/p{n}.json": json.dumps({**whole, "images": [row]}).encode()
        for n, row in enumerate(whole["images"])
    }
    away = {f"annotations/instances_{split}.json": None for split in ("train", "val")}
    assert_told(inspect(tmp_path, "coco", {**singles, **away}), "error: 4 label files are of one")


def spoil_voc(old: str, new: str) -> dict[str, bytes | None]:
    text = BUILDERS["voc"]()["Annotations/a0.xml"].decode()
    assert old in text
    return {"Annotations/a0.xml": text.replace(old, new, 1).encode()}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<name>cat</name>", "", "object 1 has no <name>"),
        ("<name>cat</name>", "<name>cat</name><name>dog</name>", "object 1 has more than one <name>"),
        ("<xmin>1</xmin>", "<xmin>9</xmin>", "object 1 has a box that ends before it begins"),
        ("<xmin>1</xmin>", "", "object 1 has no <bndbox> of four numbers"),
        ("<xmin>1</xmin>", "<xmin>1</xmin><xmin>2</xmin>", "object 1 has no <bndbox> of four numbers"),
        ("<width>8</width>", "<width>0.5</width>", ""),
        ("annotation>", "notes>", "cannot be read"),
    ],
)  # fmt: skip
def test_odd_objects_of_voc_are_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    found = inspect(tmp_path, "voc", spoil_voc(old, new))
    if words:
        assert_told(found, f"error: Annotations/a0.xml: {words}")
    else:
        assert list(found.errors) == []


@pytest.mark.parametrize(
    ("form", "file", "content", "fix"),
    [
        ("coco", "annotations/instances_val.json", b'{"images": [], "annotations": [], "categories": 3}', "correct that in it"),
        ("coco", "annotations/instances_val.json", b"{,", "correct that in it"),
        ("coco", "annotations/instances_val.json", b'{"a": "\xe9"}', "write it anew as UTF-8"),
        ("voc", "Annotations/a0.xml", b"<image/>", "correct that in it"),
        ("voc", "Annotations/a0.xml", None, "give every image its label"),
        ("voc", "ImageSets/Main/train.txt", "a0\n".encode("utf-16"), "write it anew as UTF-8"),
        ("csv", "val.csv", b"path;label\nimages/a0.png;cat\n", "correct that in it"),
        ("csv", "val.csv", b"path,label\nimages/a0.png,caf\xe9\n", "write it anew as UTF-8"),
        ("csv", "val.csv", b"path,label\n,cat\n", "give every image its path"),
        ("jsonl", "val.jsonl", b"[1]", "correct that in it"),
        ("yolo", "labels/train/a0.txt", b"0 \xff", "write it anew as UTF-8"),
    ],
)  # fmt: skip
def test_what_to_do_fits_what_is_wrong_with_a_file(
    tmp_path: Path, form: str, file: str, content: bytes | None, fix: str
) -> None:
    found = inspect(tmp_path, form, {file: content}).errors
    assert [issue.fix for issue in found if issue.fix.startswith(fix)], found


@pytest.mark.parametrize(
    ("form", "changes", "words"),
    [
        ("voc", {"Annotations/a0.xml": None}, "error: Annotations/a0.xml: does not exist"),
        ("voc", {"JPEGImages/a0.bmp": draw(9, form="BMP")}, "error: Annotations/a0.xml: is the label file of"),
        ("voc", {"ImageSets/Main/train.txt": "a0\n".encode("utf-16")}, "error: ImageSets/Main/train.txt: cannot be read: it is UTF-16"),
        ("voc", {"ImageSets/Main/train.txt": b"a0\na0\n"}, "error: ImageSets/Main/train.txt: 'a0' stands there twice"),
        ("voc", {"ImageSets/Main/train2012.txt": b"a0\n"}, "error: 2 lists are of one split (train)"),
        ("voc", {"Annotations/x.xml": b"<annotation/>"}, "warning: 1 file in Annotations/ of no image"),
        ("yolo", {"labels/train/x.txt": b"0 .5 .5 1 1"}, "error: labels/train/x.txt: belongs to no image"),
        ("yolo", {"images/train/a0.bmp": draw(9, form="BMP")}, "error: labels/train/a0.txt: is the label file of"),
        ("yolo", {"labels/train/a0.txt": None}, "warning: 1 image has no label file"),
        ("yolo", {"labels/train/a0.txt": b"0 \xff"}, "error: labels/train/a0.txt: cannot be read: line 1 is not UTF-8"),
        ("masks", {"masks/train/a0.png": None}, "error: images/train/a0.png: has no namesake"),
        ("masks", {"images/train/a0.png": None}, "error: masks/train/a0.png: belongs to no image"),
        ("masks", {"masks/train/a0.bmp": draw(9, form="BMP")}, "error: masks/train/a0.png: has the name of"),
        ("masks", {"classes.txt": b"sky\nr\xe9\n"}, "error: classes.txt cannot be read: line 2 is not UTF-8"),
        ("masks", {"classes.txt": b"sky\n\nroad\nsea\n"}, "error: classes.txt cannot be read: line 2 is empty"),
        ("masks", {"classes.txt": b"sky\nsky\nsea\n"}, "error: classes.txt cannot be read: lines 1 and 2 are both 'sky'"),
        ("masks", {"masks/train/a0.png": draw_mask([0, 7])}, "error: masks/train/a0.png: has the value 7"),
        ("masks", {"masks/train/a0.png": draw_mask([0, 300], mode="I;16")}, "error: masks/train/a0.png: has the value 300"),
        ("masks", {"masks/train/a0.png": draw_mask([0], size=(8, 4))}, "error: masks/train/a0.png: is of another size"),
        ("masks", {"masks/train/a0.png": draw(3)}, "error: masks/train/a0.png: is in colours (mode RGB)"),
        ("coco", {"annotations/instances_val.json": b'{"a": "\xe9"}'}, "error: annotations/instances_val.json: cannot be read: line 1 is not UTF-8"),
        ("coco", {"annotations/instances_val.json": b"[" * 100_000}, "error: annotations/instances_val.json: cannot be read: it is nested deeper than 32"),
        ("csv", {"val.csv": b"path;label\nimages/a0.png;cat\n"}, "error: val.csv: cannot be read: cells are divided by ';'"),
        ("csv", {"val.csv": b"path,label\nimages/a0.png,caf\xe9\n"}, "error: val.csv: cannot be read: line 2 is not UTF-8"),
        ("csv", {"val.csv": "path,label\n".encode("utf-16")}, "error: val.csv: cannot be read: it is UTF-16"),
        ("csv", {"val.csv": b""}, "error: val.csv: cannot be read: it has no header"),
        ("csv", {"val.csv": b"path,label,label\n"}, "error: val.csv: cannot be read: the header names the column 'label'"),
        ("csv", {"val.csv": b"path,label\nimages/a0.png,cat,black\n"}, "error: val.csv:2: has 3 cells, but the header has 2"),
        ("csv", {"val.csv": b'path,label\nimages/a0.png,"cat\nimages/a1.png,dog\n'}, "error: val.csv:3: cannot be read: unexpected end"),
        ("csv", {"val.csv": b"path,label\n\nimages/a0.png,\n"}, "error: val.csv:3: 'label' is missing"),
        ("csv", {"val.csv": b"path,label\nimages/a0.png,c\0at\n"}, "error: val.csv: cannot be read: line 2 has a NUL"),
        ("csv", {"val.csv": "path,label\nimages/a0.png,c\u202eat\n".encode()}, "error: the class name 'c\\u202eat' has the character U+202E"),
        ("csv", {"val.csv": None, "val.jsonl": b'{"path": "images/a0.png", "label": "cat"}'}, "error: the tables are of two formats: train.csv, val.jsonl"),
        ("csv", {"more/val.csv": b"path,label\n"}, "error: 2 tables are of one split (val): more/val.csv, val.csv"),
        ("jsonl", {"val.jsonl": b"[" * 100_000}, "error: val.jsonl:1: cannot be read: it is nested deeper than 32"),
        ("jsonl", {"val.jsonl": b'{"path": "images/a0.png", "label": ' + b"9" * 5000 + b"}"}, "error: val.jsonl:1: "),
        ("jsonl", {"val.jsonl": b'{"path": "images/a0.png", "label": 3}'}, "error: val.jsonl:1: 'label' is no text, got 3"),
        ("jsonl", {"val.jsonl": b'{"path": "images/a0.png", "label": "cat", "label": "dog"}'}, "error: val.jsonl:1: cannot be read: an object has the key 'label' more"),
        ("jsonl", {"val.jsonl": b'{"path": "images/a0.png", "label": "\\ud800"}'}, "error: val.jsonl:1: cannot be read: it has half a surrogate pair"),
        ("jsonl", {"val.jsonl": b'{"path": "images/a0.png"}'}, "error: val.jsonl:1: 'label' is missing"),
        ("jsonl", {"val.jsonl": b"{}"}, "error: val.jsonl:1: 'path' is missing"),
    ],
)  # fmt: skip
def test_a_label_file_that_is_there_is_read_or_told(
    tmp_path: Path, form: str, changes: dict[str, bytes | None], words: str
) -> None:
    found = inspect(tmp_path, form, changes)
    assert_told(found, words)
    assert found.layout.format == form


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("voc", "Annotations/._a0.xml"),
        ("coco", "annotations/._instances_train.json"),
        ("csv", "._train.csv"),
        ("yolo", "labels/train/._a0.txt"),
        ("masks", "masks/train/.thumbs/a9.png"),
    ],
)
def test_what_is_hidden_is_no_label(tmp_path: Path, form: str, name: str) -> None:
    assert list(inspect(tmp_path, form, {name: b"\0\5\x16\7"}).errors) == []


def test_a_list_of_voc_may_name_images_with_spaces(tmp_path: Path) -> None:
    found = inspect(tmp_path, "voc", {"ImageSets/Main/train.txt": b"b 0 -1\r\na0  1\n"})
    images = [item.image for item in found.layout.splits["train"].items]
    assert (images, list(found.errors)) == (["JPEGImages/b 0.png", "JPEGImages/a0.png"], [])


def test_a_line_of_jsonl_ends_at_a_line_feed_alone(tmp_path: Path) -> None:
    row = json.dumps(
        {"path": "images/a0.png", "label": "cat", "note": "a\u2028b"}, ensure_ascii=False
    )
    other = '{"path": "images/b1.png",\r"label": "dog"}'
    found = inspect(tmp_path, "jsonl", {"train.jsonl": f"{row}\r\n{other}\n".encode()})
    assert (found.count_per_class("train"), list(found.errors)) == ({"cat": 1, "dog": 1}, [])


def test_the_folders_that_data_yaml_names_are_read(tmp_path: Path) -> None:
    files = {sort_by_split(name): data for name, data in BUILDERS["yolo"]().items()}
    files["data.yaml"] = b"train: ../a/images\nval: b/images\nnames: [cat, dog]\n"
    found = inspect_dataset(write_files(tmp_path, files))
    assert {split: part.path for split, part in found.layout.splits.items()} == {
        "train": "a/images",
        "val": "b/images",
    }
    assert (found.count_per_class("train"), list(found.errors)) == ({"cat": 2, "dog": 6}, [])


def sort_by_split(name: str) -> str:
    """`a/images/x` of `images/train/x`, and `b` for val."""
    kind, _, rest = name.partition("/")
    split, _, file = rest.partition("/")
    return f"{'a' if split == 'train' else 'b'}/{kind}/{file}" if file else name


def test_labels_beside_the_images_where_none_is_read_are_told(tmp_path: Path) -> None:
    files = {"data.yaml": b"names: [cat, dog]\n"}
    for n, split in enumerate(("train", "val")):
        files[f"{split}/images/a.png"] = draw(n)
        files[f"{split}/images/a.txt"] = b"0 .5 .5 1 1\n"
    found = inspect_dataset(write_files(tmp_path, files))
    assert found.layout.format == "yolo"
    assert_told(found, "error: 1 label file lies beside the images in train/images/")


@pytest.mark.parametrize(("prefix", "splits"), [("", ["all"]), ("train/", ["train"])])
def test_text_files_of_numbers_beside_the_images_are_yolo(
    tmp_path: Path, prefix: str, splits: list[str]
) -> None:
    files = {f"{prefix}{n}.png": draw(n) for n in range(3)}
    files |= {f"{prefix}{n}.txt": b"0 .5 .5 1 1\n" for n in range(3)}
    found = inspect_dataset(write_files(tmp_path, {"classes.txt": b"cat\ndog\n", **files}))
    assert (found.layout.format, found.layout.classes) == ("yolo", ("cat", "dog"))
    assert list(found.layout.splits) == splits
    assert found.count_per_class(splits[0]) == {"cat": 3, "dog": 0}


def test_captions_beside_the_images_are_no_yolo(tmp_path: Path) -> None:
    files = {"a.png": draw(1), "a.txt": b"a cat on a mat with 3 dogs\n"}
    with pytest.raises(Permanent, match="in no format that is known"):
        inspect_dataset(write_files(tmp_path, files))


def test_images_and_tables_that_no_split_reads_are_told(tmp_path: Path) -> None:
    changes = {"images/extra.png": draw(77), "val.csv": b"path,label\n"}
    found = inspect(tmp_path, "coco", changes)
    assert_told(found, "warning: 1 image in no split")
    assert_told(found, "warning: 1 table not read: the format is coco")


def test_folders_of_classes_without_an_image_are_told(tmp_path: Path) -> None:
    classes = {f"{split}/{c}/1.png": draw(ord(c)) for split in ("train", "val") for c in "ab"}
    write_files(tmp_path, {**classes, "train/notes/a.txt": b"", "train/jfif/a.jfif": draw(5)})
    (tmp_path / "train" / "empty").mkdir()
    found = inspect_dataset(tmp_path)
    assert found.layout.classes == ("a", "b")
    told = next(f for f in found.findings if f.message.startswith("no class is made of"))
    assert told.files == ("train/empty", "train/jfif", "train/notes")


def test_two_folders_of_one_split_are_refused(tmp_path: Path) -> None:
    files = {f"{s}/{c}/1.png": draw(1) for s in ("train", "val", "valid") for c in "ab"}
    with pytest.raises(Permanent, match="'val' and 'valid' are both the split val"):
        inspect_dataset(write_files(tmp_path, files))


def test_folders_called_alike_do_not_matter_to_a_table(tmp_path: Path) -> None:
    changes = {"train/1.png": draw(50), "training/1.png": draw(51)}
    assert list(inspect(tmp_path, "csv", changes).errors) == []


def test_images_of_another_size_than_labels_say_are_told(tmp_path: Path) -> None:
    found = inspect(tmp_path, "voc", spoil_voc("<width>8</width>", "<width>80</width>"))
    assert_told(found, "warning: 1 image of another size than the labels say")
    found = inspect(tmp_path, "voc", spoil_voc("<xmax>4</xmax>", "<xmax>12</xmax>"))
    assert_told(found, "warning: 1 image with a box that reaches outside")


@pytest.mark.parametrize(
    ("size", "words"), [((16, 16), None), ((16, 8), "is no multiple"), ((4, 4), "is no multiple")]
)
def test_a_higher_resolution_is_a_multiple(
    tmp_path: Path, size: tuple[int, int], words: str | None
) -> None:
    files = {f"{s}/low/a.png": draw(n) for n, s in enumerate(("train", "val"))}
    files |= {f"{s}/high/a.png": draw(n, size=(16, 16)) for n, s in enumerate(("train", "val"))}
    files["train/high/a.png"] = draw(7, size=size)
    found = inspect_dataset(write_files(tmp_path, files))
    told = [] if words is None else [f"train/high/a.png: {words} of the size of its image"]
    assert [finding.message for finding in found.errors] == told
