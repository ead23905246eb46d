"""The objects of a split's images, as what finds them is taught and measured."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtspec.adapters.contract import AdapterError, DatasetJob, Split
from vtspec.adapters.data.annotations import Annotation
from vtspec.adapters.data.image_objects import list_image_objects

TURNED = "0 0.5 0.25 0.75 0.5 0.5 0.75 0.25 0.5\n"


def write_turned(root: Path, *rows: str) -> DatasetJob:
    """An image of 40 by 20 pixels for each text of YOLO's rows, whose numbers are corners."""
    for folder in ("images/train", "labels/train"):
        (root / folder).mkdir(parents=True)
    for number, row in enumerate(rows):
        Image.fromarray(np.zeros((20, 40, 3), np.uint8)).save(root / f"images/train/{number}.png")
        (root / f"labels/train/{number}.txt").write_text(row)
    return DatasetJob(
        root=root,
        format="yolo",
        classes=("card",),
        all_classes=("card",),
        splits={"train": Split(path="images/train")},
        final_split="train",
    )


def ignore(message: str) -> None:
    raise AssertionError(message)


def test_a_turned_box_has_an_upright_one_around_it(tmp_path: Path) -> None:
    data = write_turned(tmp_path, TURNED, "")
    first, second = list_image_objects(data, "train", ignore, rows="corners")
    assert (first.boxes, first.classes) == (((10.0, 5.0, 30.0, 15.0),), (0,))
    assert first.annotations[0].oriented_box is not None
    assert second.boxes == ()


def test_a_file_that_is_no_image_is_named_even_without_objects(tmp_path: Path) -> None:
    data = write_turned(tmp_path, TURNED, "")
    (tmp_path / "images/train/1.png").write_bytes(b"no image")
    with pytest.raises(AdapterError, match=r"images/train/1\.png cannot be read as an image"):
        list_image_objects(data, "train", ignore, rows="corners")


def test_an_object_that_lacks_what_a_task_needs_is_named_by_its_place(tmp_path: Path) -> None:
    def refuse(each: Annotation) -> None:
        raise ValueError("has no points")

    data = write_turned(tmp_path, "", TURNED)
    with pytest.raises(AdapterError) as error:
        list_image_objects(data, "train", ignore, rows="corners", check=refuse)
    told = str(error.value)
    assert "labels/train/1.txt" in told and "an object of class 'card' has no points" in told
    assert error.value.fix is not None and error.value.fix.startswith("correct or remove it")
