"""Data written in another format says the same, or it is told what it does not."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dataset_mutants import BUILDERS, Files, draw, draw_mask
from dvc_repositories import write_files
from object_sets import build_coco_set, build_table_set
from reader_trial import make_job
from vtspec.adapters.data.annotations import Annotation, Polygon, Question, Sample
from vtspec.adapters.data.split_reader import read_split
from vtspec.adapters.data.yolo import RowForm
from vtspec.pipelines.data.conversion.convert import (
    Conversion,
    ConversionOptions,
    convert_dataset,
)
from vtspec.pipelines.data.inspection.inspect import inspect_dataset
from vtspec.pipelines.errors import Permanent, Refused


def convert(root: Path, files: Files, to: str, **wish: Any) -> Conversion:
    source = write_files(root / "source", files)
    return convert_dataset(source, root / "target", ConversionOptions(to=to, **wish))


def told(done: Conversion) -> dict[str, int]:
    return {one.kind: one.count for one in done.omissions}


def read(root: Path, rows: RowForm = "boxes") -> dict[str, list[Sample]]:
    """What training reads of a dataset that inspection takes."""
    found = inspect_dataset(root)
    # Data may be converted before it is split.
    errors = [one for one in found.errors if "split" not in one.message]
    assert errors == []
    job = make_job(root, found.layout)
    sizes = {image: (look.width, look.height) for image, look in found.looks.items()}
    samples = {}
    for split in found.layout.splits:
        samples[split] = [
            one
            for one in read_split(job, split, rows=rows, get_size=sizes.__getitem__)
            if isinstance(one, Sample)
        ]
    return samples


def first(root: Path, rows: RowForm = "boxes") -> tuple[Annotation, ...]:
    """The objects of the first image of train."""
    return read(root, rows)["train"][0].annotations


BOX = [4.25, 3.5, 20.125, 11]
RING = [4.0, 3.0, 24.5, 3.0, 24.5, 14.0, 4.0, 12.0]


@pytest.mark.parametrize("to", ["coco", "yolo", "voc"])
def test_boxes_are_the_same_and_images_without_objects_are_kept(tmp_path: Path, to: str) -> None:
    objects = [{"bbox": BOX}, {"bbox": [0, 0, 40, 30], "category_id": 2}]
    done = convert(tmp_path, build_coco_set(objects), to)
    found = read(tmp_path / "target")
    assert [one.class_name for one in found["train"][0].annotations] == ["zebra", "ant"]
    box = found["train"][0].annotations[0].box
    assert box is not None and box.to_coco() == pytest.approx(BOX, abs=1e-6)
    assert {split: len(part) for split, part in found.items()} == {"train": 3, "val": 3}
    assert [len(one.annotations) for one in found["val"]] == [2, 0, 0]
    assert done.fidelity is not None and done.fidelity.box_error < 1e-6
    assert (done.fidelity.objects, done.fidelity.returned) == (4, 4)
    # VOC alone has one folder for the images of all splits, and sorts its classes.
    assert told(done) == ({"renamed": 3, "reordered": 2} if to == "voc" else {})


@pytest.mark.parametrize("through", ["yolo", "voc", "coco"])
@pytest.mark.parametrize("form", ["coco", "yolo", "voc"])
def test_objects_come_back_through_another_format(tmp_path: Path, form: str, through: str) -> None:
    files = BUILDERS[form]()
    if form == "coco":
        for file in [name for name in files if name.endswith(".json")]:
            files[file] = files[file].replace(b'"segmentation"', b'"was"')
    source = write_files(tmp_path / "source", files)
    convert_dataset(source, tmp_path / "other", ConversionOptions(to=through))
    convert_dataset(tmp_path / "other", tmp_path / "back", ConversionOptions(to=form))
    for split, samples in read(source).items():
        back = read(tmp_path / "back")[split]
        assert len(back) == len(samples)
        for one, other in zip(samples, back, strict=True):
            assert one.classes == other.classes
            for before, after in zip(one.annotations, other.annotations, strict=True):
                assert before.box is not None and after.box is not None
                assert after.box.to_coco() == pytest.approx(before.box.to_coco(), abs=1e-6)


def test_polygons_are_the_same_in_yolo(tmp_path: Path) -> None:
    done = convert(tmp_path, build_coco_set([{"bbox": BOX, "segmentation": [RING]}]), "yolo")
    (found,) = first(tmp_path / "target", "polygons")
    assert found.polygons[0].outer == pytest.approx(RING, abs=1e-6)
    assert (done.task, told(done)) == ("instance-segmentation", {})


def test_parts_and_holes_are_joined_for_yolo_and_told(tmp_path: Path) -> None:
    parts = [[1, 1, 5, 1, 5, 5, 1, 5], [20, 10, 30, 10, 30, 20, 20, 20]]
    # A square of 6 x 6 with a hole of 2 x 2, column by column.
    inside = [
        [3 <= x < 9 and 3 <= y < 9 and not (5 <= x < 7 and 5 <= y < 7)]
        for x in range(40)
        for y in range(30)
    ]
    counts, last = [0], False
    for (value,) in inside:
        counts = [*counts, 0] if value != last else counts
        counts[-1] += 1
        last = value
    objects = [
        {"bbox": [1, 1, 29, 19], "segmentation": parts},
        {"bbox": [3, 3, 6, 6], "segmentation": {"size": [30, 40], "counts": counts}},
    ]
    done = convert(tmp_path, build_coco_set(objects), "yolo")
    two, square = first(tmp_path / "target", "polygons")
    assert two.polygons[0].area == pytest.approx(16 + 100)
    assert square.polygons[0].area == pytest.approx(32)
    assert told(done) == {"parts": 2, "holes": 2, "traced": 2}
    assert done.fidelity is not None
    assert (done.fidelity.areas, done.fidelity.area_iou) == (4, 1.0)


def test_what_yolo_cannot_say_is_counted(tmp_path: Path) -> None:
    said = {"difficult": True, "colour": "red"}
    objects = [
        {"bbox": BOX, "segmentation": [RING], "attributes": said},
        {"bbox": BOX, "iscrowd": 1},
        {"bbox": [30, 20, 30, 30]},
        {"bbox": BOX, "keypoints": [5, 5, 2, 6, 6, 1]},
    ]
    done = convert(tmp_path, build_coco_set(objects), "yolo", task="object-detection")
    assert told(done) == {
        **{"crowd": 2, "cut": 2, "area": 2, "points": 2, "marks": 2, "attributes": 2}
    }
    assert len(first(tmp_path / "target")) == 3
    assert done.fidelity is not None
    assert (done.fidelity.objects, done.fidelity.returned) == (8, 6)
    assert done.fidelity.box_iou == pytest.approx(100 / 900)
    places = {place for one in done.omissions for place in one.places}
    assert places == {"images/train/a.png", "images/val/a.png"}


def test_keypoints_and_their_names_come_back(tmp_path: Path) -> None:
    points = [5.5, 6.25, 2, 0, 0, 0, 9, 30, 1]
    objects = [{"bbox": BOX, "keypoints": points}, {"bbox": BOX, "category_id": 2}]
    categories = [
        {"id": 1, "name": "zebra", "keypoints": ["nose", "ear", "tail"]},
        {"id": 2, "name": "ant"},
    ]
    done = convert(tmp_path, build_coco_set(objects, {"categories": categories}), "yolo")
    assert (done.task, told(done)) == ("pose-estimation", {"padded": 2})
    found, bare = first(tmp_path / "target", "keypoints")
    numbers = [v for p in found.keypoints for v in (p.x, p.y, p.visibility)]
    assert numbers == pytest.approx(points, abs=1e-6)
    assert [p.visibility for p in bare.keypoints] == [0, 0, 0]
    convert_dataset(tmp_path / "target", tmp_path / "back", ConversionOptions(to="coco"))
    layout = inspect_dataset(tmp_path / "back").layout
    assert layout.keypoints == {"zebra": ("nose", "ear", "tail")}
    again = first(tmp_path / "back")[0]
    assert [p.visibility for p in again.keypoints] == [2, 0, 1]


def test_two_numbers_a_keypoint_become_three(tmp_path: Path) -> None:
    files = {
        "data.yaml": b"names: [cat]\nkpt_shape: [2, 2]\n",
        "train/images/a.png": draw(1),
        "train/labels/a.txt": b"0 .5 .5 1 1 .25 .5 0 0\n",
    }
    convert(tmp_path, files, "yolo")
    (found,) = first(tmp_path / "target", "keypoints")
    assert [(p.x, p.y, p.visibility) for p in found.keypoints] == [(2, 4, 2), (0, 0, 0)]
    assert b"kpt_shape: [2, 3]" in (tmp_path / "target" / "data.yaml").read_bytes()


def test_turned_boxes_keep_their_corners_in_coco_and_come_back(tmp_path: Path) -> None:
    corners = "0 .5 .1 .9 .5 .5 .9 .1 .5\n"
    files = {
        "data.yaml": b"names: [ship]\n",
        "train/images/a.png": draw(1),
        "train/labels/a.txt": corners.encode(),
    }
    done = convert(tmp_path, files, "coco")
    assert (done.from_format, told(done)) == ("yolo", {"corners": 1})
    wish = ConversionOptions(to="yolo", task="oriented-detection")
    with pytest.raises(Refused, match="not of pose-estimation"):
        convert_dataset(tmp_path / "source", tmp_path / "x", replace(wish, task="pose-estimation"))
    done = convert_dataset(tmp_path / "source", tmp_path / "again", wish)
    (found,) = first(tmp_path / "again", "corners")
    assert found.oriented_box is not None
    assert found.oriented_box.corners == pytest.approx((4, 0.8, 7.2, 4, 4, 7.2, 0.8, 4), abs=1e-6)


def test_what_voc_says_of_objects_comes_back_through_coco(tmp_path: Path) -> None:
    files = BUILDERS["voc"]()
    text = files["Annotations/a0.xml"].decode()
    text = text.replace("<difficult>0", "<pose>Left</pose><truncated>1</truncated><difficult>1", 1)
    files["Annotations/a0.xml"] = text.encode()
    source = write_files(tmp_path / "source", files)
    assert told(convert_dataset(source, tmp_path / "coco", ConversionOptions(to="coco"))) == {}
    convert_dataset(tmp_path / "coco", tmp_path / "voc", ConversionOptions(to="voc"))
    one, other = first(tmp_path / "voc")
    assert (one.is_difficult, one.is_truncated, one.attributes) == (True, True, {"pose": "Left"})
    assert (other.is_difficult, other.is_truncated) == (False, False)


@pytest.mark.parametrize("pose", ["a\x01b", 3, {"x": 1}])
def test_a_pose_that_voc_cannot_say_is_told(tmp_path: Path, pose: object) -> None:
    objects = [{"bbox": BOX, "attributes": {"pose": pose}}]
    done = convert(tmp_path, build_coco_set(objects), "voc")
    assert told(done)["attributes"] == 2


def test_a_crowd_is_difficult_in_voc(tmp_path: Path) -> None:
    done = convert(tmp_path, build_coco_set([{"bbox": BOX, "iscrowd": 1}]), "voc")
    assert told(done)["crowd-as-difficult"] == 2
    assert first(tmp_path / "target")[0].is_difficult


def test_classes_that_voc_does_not_name_or_sorts_are_told(tmp_path: Path) -> None:
    done = convert(tmp_path, build_coco_set([{"bbox": BOX}]), "voc")
    assert told(done) == {"renamed": 3, "unseen-class": 1}
    places = {one.kind: one.places for one in done.omissions}
    assert places["unseen-class"] == ("ant",)


def test_objects_are_drawn_into_masks_and_come_back_as_areas(tmp_path: Path) -> None:
    over = [10.0, 3.0, 24.5, 3.0, 24.5, 14.0]
    objects = [
        {"bbox": BOX, "segmentation": [RING]},
        {"bbox": BOX, "segmentation": [over], "category_id": 2},
        {"bbox": BOX},
    ]
    done = convert(tmp_path, build_coco_set(objects), "masks")
    assert told(done) == {"no-pixels": 2, "covered": 2}
    with Image.open(tmp_path / "target" / "masks" / "train" / "a.png") as mask:
        shown = {mask.getpixel((x, y)) for x in range(40) for y in range(30)}
        assert (shown, mask.getpixel((5, 5)), mask.getpixel((20, 5))) == ({0, 1, 255}, 0, 1)
    with Image.open(tmp_path / "target" / "masks" / "train" / "b.png") as empty:
        assert empty.getextrema() == (255, 255)
    assert done.fidelity is not None and done.fidelity.area_iou < 1
    back = convert_dataset(tmp_path / "target", tmp_path / "back", ConversionOptions(to="coco"))
    areas = first(tmp_path / "back")
    assert [one.class_name for one in areas] == ["zebra", "ant"]
    assert back.fidelity is not None and back.fidelity.area_iou == 1


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16"])
def test_masks_of_any_depth_are_read(tmp_path: Path, mode: str) -> None:
    files = {
        "classes.txt": b"sky\nroad\n",
        "images/a.png": draw(1),
        "masks/a.png": draw_mask([0, 255] if mode == "1" else [0, 1], mode=mode),
    }
    convert(tmp_path, files, "coco")
    content = json.loads((tmp_path / "target/annotations/instances.json").read_bytes())
    assert [row["area"] for row in content["annotations"]] == [32, 32]


def test_a_mask_that_cannot_be_used_ends_it(tmp_path: Path) -> None:
    files = {**BUILDERS["masks"](), "masks/train/a0.png": draw_mask([0, 9])}
    with pytest.raises(Permanent, match=r"a0\.png has the value 9, and the data 3 classes"):
        convert(tmp_path, files, "coco")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


LABELS: Sequence[Mapping[str, object]] = ({"label": "cat"}, {"label": "no"}, {"label": "1e3"})
SETS = [{"labels": ["cat", "dog"]}, {"labels": []}, {"labels": ["dog"]}]
QUESTION = {"question": "What?", "answers": ["a sign", "red"]}


@pytest.mark.parametrize(
    ("rows", "through", "back"),
    [
        (LABELS, "imagefolder", "jsonl"),
        (LABELS, "csv", "jsonl"),
        (SETS, "csv", "jsonl"),
        (SETS, "coco", "jsonl"),
        ([{"text": 'a "b", c\nd'}, {"text": " "}], "csv", "jsonl"),
        ([{"caption": "a cat, and a dog"}, {"caption": "고양이"}], "csv", "jsonl"),
        ([{"caption": "a cat\nand a dog"}, {"caption": "none"}], "coco", "jsonl"),
        ([QUESTION, QUESTION], "jsonl", "jsonl"),
        ([{"text": "a", "page": 3}, {"text": "b", "by": {"x": None}}], "jsonl", "jsonl"),
    ],
)
def test_what_is_said_of_images_comes_back(
    tmp_path: Path, rows: Sequence[Mapping[str, Any]], through: str, back: str
) -> None:
    source = write_files(tmp_path / "source", build_table_set(rows))
    done = convert_dataset(source, tmp_path / "other", ConversionOptions(to=through))
    assert done.fidelity is not None
    assert done.fidelity.labels == done.fidelity.labels_returned > 0
    convert_dataset(tmp_path / "other", tmp_path / "back", ConversionOptions(to=back))

    def tell(sample: Sample) -> tuple[object, ...]:
        about = sample.label, sample.labels, sample.text, sample.captions, sample.question
        return (*about, dict(sample.attributes), Path(sample.image).name)

    assert sorted(map(tell, read(tmp_path / "back")["val"]), key=repr) == sorted(
        map(tell, read(source)["val"]), key=repr
    )


def test_several_captions_of_an_image_are_rows_of_a_table_and_one_image_again(
    tmp_path: Path,
) -> None:
    content = {
        "categories": [],
        "annotations": [
            {"id": n, "image_id": 0, "caption": text} for n, text in enumerate(("one", "two"))
        ],
    }
    convert(tmp_path, build_coco_set([], content), "jsonl")
    lines = (tmp_path / "target" / "train.jsonl").read_text().splitlines()
    assert [json.loads(line)["caption"] for line in lines[:2]] == ["one", "two"]


def test_a_second_row_of_an_image_has_no_place_in_folders(tmp_path: Path) -> None:
    files = build_table_set(LABELS)
    files["train.jsonl"] += b'\n{"path": "images/train/0.png", "label": "no"}'
    done = convert(tmp_path, files, "imagefolder")
    assert told(done) == {"row": 1}
    assert dict(done.images) == {"train": 3, "val": 3}
    assert (tmp_path / "target" / "train" / "cat" / "0.png").exists()


def test_sizes_that_no_image_has_are_not_believed(tmp_path: Path) -> None:
    side = 10**9
    mask = {"size": [side, side], "counts": [0, side * side]}
    objects = [{"bbox": [1, 1, 4, 4], "segmentation": mask}]
    rows = [{"id": 0, "file_name": "a.png", "width": side, "height": side}]
    done = convert(tmp_path, build_coco_set(objects, {"images": rows}), "yolo", images="none")
    assert told(done) == {"no-area": 2, "resized": 2, "unsplit": 4}


def test_a_table_says_what_a_folder_of_classes_does_not(tmp_path: Path) -> None:
    rows = [{"label": "cat", "caption": "a cat", "by": "me"}, {"label": "dog", "text": "STOP"}]
    done = convert(tmp_path, build_table_set(rows), "imagefolder")
    assert told(done) == {"text": 2, "captions": 2, "image-attributes": 2}


@pytest.mark.parametrize(
    ("build", "to", "words", "fix"),
    [
        (BUILDERS["csv"], "coco", "coco has no place for the labels of image-class", "--to csv"),
        (BUILDERS["yolo"], "csv", "csv has no place for the labels of object-det", "--to voc"),
        (lambda: build_table_set([QUESTION]), "csv", "csv has no place", "--to jsonl"),
        (lambda: build_table_set([{"text": "a\0b"}]), "csv", "'text' of .* has a NUL", "jsonl"),
        (lambda: build_coco_set([]), "jsonl", "jsonl has no place", "--to coco or --to yolo"),
        (lambda: build_table_set([{"labels": ["a b"]}]), "csv", "the class 'a b' would", "jsonl"),
        (
            lambda: build_table_set([{"label": "a/b"}, {"label": "c"}]),
            *("imagefolder", "the class 'a/b' cannot be the name of a folder", "--to csv"),
        ),
    ],
)
def test_what_a_format_has_no_place_for_is_refused_with_those_that_have(
    tmp_path: Path, build: Callable[[], Files], to: str, words: str, fix: str
) -> None:
    with pytest.raises(Refused, match=words) as caught:
        convert(tmp_path, build(), to)
    assert caught.value.fix is not None and fix in caught.value.fix
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_task_is_for_yolo_alone(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no other format asks"):
        convert(tmp_path, BUILDERS["yolo"](), "coco", task="object-detection")


def test_a_target_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    write_files(tmp_path / "target", {"mine.txt": b"mine"})
    with pytest.raises(Refused, match="exists already"):
        convert(tmp_path, BUILDERS["yolo"](), "coco")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(Refused, match="exists already"):
        convert_dataset(tmp_path / "source", tmp_path / "link", ConversionOptions(to="coco"))
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["mine.txt"]


def test_a_target_in_the_data_itself_is_refused(tmp_path: Path) -> None:
    source = write_files(tmp_path / "source", BUILDERS["yolo"]())
    before = sorted(source.rglob("*"))
    with pytest.raises(Refused, match="lies in the data itself"):
        convert_dataset(source, source / "coco", ConversionOptions(to="coco"))
    assert sorted(source.rglob("*")) == before


def test_nothing_is_left_of_what_fails_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[object] = []

    def fail(source: Path, target: Path) -> None:
        copied.append(target)
        if len(copied) == 3:
            raise OSError(28, "No space left on device", str(target))
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(shutil, "copyfile", fail)
    with pytest.raises(Refused, match="the disk is full"):
        convert(tmp_path, BUILDERS["yolo"](), "coco")
    assert ([path.name for path in tmp_path.iterdir()], len(copied)) == (["source"], 3)


def test_data_that_inspection_refuses_is_not_converted(tmp_path: Path) -> None:
    files = {**BUILDERS["yolo"](), "labels/train/a0.txt": b"0 .5 .5 .5\n"}
    with pytest.raises(Permanent, match=r"labels/train/a0\.txt:1: has 3 numbers") as caught:
        convert(tmp_path, files, "coco")
    assert caught.value.fix is not None and "vtspec datasets inspect" in caught.value.fix
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("name", ["labels/train/a0.txt", "images/train/a0.png"])
def test_a_link_out_of_the_data_is_not_followed(tmp_path: Path, name: str) -> None:
    source = write_files(tmp_path / "source", BUILDERS["yolo"]())
    write_files(tmp_path, {"secret": b"0 .5 .5 .5 .5\n"})
    (source / name).unlink()
    (source / name).symlink_to(tmp_path / "secret")
    with pytest.raises(Permanent, match="outside the data"):
        convert_dataset(source, tmp_path / "target", ConversionOptions(to="coco"))
    assert not (tmp_path / "target").exists()


def test_an_image_that_cannot_be_read_ends_it(tmp_path: Path) -> None:
    files = {**BUILDERS["yolo"](), "images/val/a0.png": b"no image"}
    with pytest.raises(Permanent, match=r"1 image cannot be read: images/val/a0\.png: it is"):
        convert(tmp_path, files, "coco")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_an_image_that_is_cut_off_ends_it_as_it_ends_training(tmp_path: Path) -> None:
    files = BUILDERS["voc"]()
    name = next(name for name in files if name.endswith(".png"))
    files[name] = files[name][:-40]
    with pytest.raises(Permanent, match=r"1 image cannot be read: .*truncated") as caught:
        convert(tmp_path, files, "coco")
    assert caught.value.fix is not None and "--skip-broken" in caught.value.fix
    # Without its images, nothing of it is read.
    assert convert(tmp_path, files, "coco", images="none").left_out == {}


def build_classes() -> Files:
    """A folder of classes with six images."""
    places = [(split, name) for split in ("train", "val") for name in ("cat", "dog", "eel")]
    return {f"{split}/{name}/a.png": draw(n) for n, (split, name) in enumerate(places)}


@pytest.mark.parametrize("form", ["coco", "yolo", "voc", "masks", "csv", "imagefolder"])
@pytest.mark.parametrize("length", [0, 60])
def test_broken_images_are_left_out_where_that_is_wanted(
    tmp_path: Path, form: str, length: int
) -> None:
    sound = build_classes() if form == "imagefolder" else BUILDERS[form]()
    name = next(name for name in sound if name.endswith(".png") and "masks" not in name)
    files = {**sound, name: sound[name][:length]}
    to = {"yolo": "coco", "csv": "jsonl", "imagefolder": "csv"}.get(form, form)
    done = convert(tmp_path, files, to, skips_broken=True)
    whole = convert_dataset(
        write_files(tmp_path / "whole", sound),
        tmp_path / "all",
        ConversionOptions(to=to),
    )
    assert list(done.left_out) == [name] and done.left_out[name]
    assert sum(done.images.values()) == sum(whole.images.values()) - 1
    assert done.to_json()["leftOut"] == dict(done.left_out)
    assert [one.kind for one in done.omissions] == [one.kind for one in whole.omissions]
    found = inspect_dataset(tmp_path / "target")
    assert "broken-images" not in {one.check for one in found.errors}


def test_an_image_whose_mask_is_broken_is_left_out_with_it(tmp_path: Path) -> None:
    files = {**BUILDERS["masks"](), "masks/train/a0.png": b"no mask"}
    for images in ("copy", "none"):
        with pytest.raises(Permanent, match=r"masks/train/a0\.png: it is no image"):
            convert(tmp_path, files, "coco", images=images)
        done = convert(tmp_path, files, "coco", images=images, skips_broken=True)
        assert done.left_out == {"masks/train/a0.png": "it is no image"}
        assert done.images["train"] == len(BUILDERS["masks"]()) // 4 - 1
        shutil.rmtree(tmp_path / "target")


def test_names_are_told_apart_without_their_endings(tmp_path: Path) -> None:
    files = build_coco_set([])
    for split in ("train", "val"):
        rows = [
            {"id": n, "file_name": name, "width": 8, "height": 8}
            for n, name in enumerate(("a.png", "a.bmp", "A.png", "b", ".c.png", "images/d.png"))
        ]
        labels = [{"id": 1, "image_id": 5, "category_id": 1, "bbox": [1, 1, 4, 4]}]
        content = {"images": rows, "annotations": labels, "categories": [{"id": 1, "name": "x"}]}
        files[f"annotations/instances_{split}.json"] = json.dumps(content).encode()
        for row in rows:
            files[f"images/{split}/{row['file_name']}"] = draw(3)
    source = write_files(tmp_path / "source", files)
    done = convert_dataset(source, tmp_path / "target", ConversionOptions(to="yolo"))
    assert told(done) == {"renamed": 8, "unsplit": 4}
    folder = tmp_path / "target" / "images" / "train"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == [
        *("A-3.png", "_c.png", "a-2.bmp", "a.png", "b.png", "images_/d.png"),
    ]
    labels_of = (tmp_path / "target" / "labels" / "train" / "images_" / "d.txt").read_text()
    assert labels_of == "0 0.375 0.375 0.5 0.5\n"


def test_places_are_pixels_of_the_image_as_it_is(tmp_path: Path) -> None:
    files = build_coco_set([{"bbox": [10, 10, 10, 10]}])
    files["images/train/a.png"] = draw(3, size=(80, 60))
    done = convert(tmp_path, files, "yolo")
    text = (tmp_path / "target" / "labels" / "train" / "a.txt").read_text()
    assert text == "0 0.1875 0.25 0.125 0.166666666667\n"
    assert told(done) == {"resized": 1}


def test_labels_alone_may_be_written(tmp_path: Path) -> None:
    done = convert(tmp_path, BUILDERS["coco"](), "yolo", images="none")
    assert not (tmp_path / "target" / "images").exists()
    assert len(list((tmp_path / "target").rglob("*.txt"))) == 8
    assert done.fidelity is not None and done.fidelity.returned == 8
    with pytest.raises(Refused, match="no labels but the folders"):
        convert_dataset(
            tmp_path / "source", tmp_path / "x", ConversionOptions(to="imagefolder", images="none")
        )


def test_data_that_is_not_split_stays_so(tmp_path: Path) -> None:
    files = {
        "data.yaml": b"names: [cat]\n",
        "images/a.png": draw(1),
        "labels/a.txt": b"0 .5 .5 .5 .5\n",
    }
    done = convert(tmp_path, files, "coco")
    assert dict(done.images) == {"all": 1}
    back = convert_dataset(tmp_path / "target", tmp_path / "back", ConversionOptions(to="yolo"))
    assert dict(back.images) == {"all": 1}
    assert (tmp_path / "back" / "labels" / "a.txt").read_text() == "0 0.5 0.5 0.5 0.5\n"
    voc = convert_dataset(tmp_path / "target", tmp_path / "voc", ConversionOptions(to="voc"))
    assert dict(voc.images) == {"all": 1}


def test_what_is_checked_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vtspec.pipelines.data.conversion.writers import yolo

    ordinary = yolo._NUMBERS["boxes"]

    def shift(found: Annotation, size: tuple[int, int]) -> str:
        x, *rest = ordinary(found, size).split()
        return " ".join((str(float(x) - 0.05), *rest))

    monkeypatch.setitem(yolo._NUMBERS, "boxes", shift)
    done = convert(tmp_path, build_coco_set([{"bbox": BOX}]), "yolo")
    assert done.fidelity is not None
    assert done.fidelity.box_error == pytest.approx(2)
    assert done.fidelity.box_iou == pytest.approx((20.125 - 2) / (20.125 + 2))


def test_a_polygon_model_is_not_needed_for_a_box(tmp_path: Path) -> None:
    done = convert(
        tmp_path,
        build_coco_set([{"segmentation": [RING]}]),
        "yolo",
        task="object-detection",
    )
    (found,) = first(tmp_path / "target")
    assert found.box is not None
    assert found.box.to_coco() == pytest.approx(Polygon(outer=tuple(RING)).to_box().to_coco())
    assert told(done) == {"area": 2}


def test_a_question_is_read_as_it_was_asked(tmp_path: Path) -> None:
    convert(tmp_path, build_table_set([QUESTION]), "jsonl")
    (found,) = read(tmp_path / "target")["val"]
    assert found.question == Question(text="What?", answers=("a sign", "red"))
