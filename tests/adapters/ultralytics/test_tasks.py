"""What YOLO networks are taught and say beside boxes: masks, points, turned boxes, classes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from detector_jobs import POINTS, write_shapes
from timm_jobs import DIGITS, differing, write_digits
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.mask_rle import encode_mask, parse_rle
from vtspec.adapters.evaluation.objects import Objects
from vtspec.adapters.ultralytics.adapter import Adapter
from vtspec.adapters.ultralytics.images import ImageDataset, Item, Placement
from yolo_jobs import a_yolo_job, on_folders, on_task

pytestmark = pytest.mark.framework

MODELS = {
    "instance-segmentation": "yolo11n-seg",
    "pose-estimation": "yolo11n-pose",
    "oriented-detection": "yolo11n-obb",
}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"), outlined=True)


def an_adapter(root: Path, folder: Path, task: str, **changes: Any) -> Adapter:
    plan = {"model": MODELS[task], **on_task(task, changes.pop("training", None)), **changes}
    return Adapter(a_yolo_job(root, folder, **plan), Listener())


def load_item(adapter: Adapter, place: int, epoch: int | None = None) -> tuple[Item, Any]:
    images = adapter.task.list_images("train", lambda message: None)
    data = adapter.task.build_dataset(images, epoch)
    assert isinstance(data, ImageDataset)
    item = data[place]
    assert isinstance(item, Item)
    return item, images[place]


def test_masks_are_learnt_where_their_outlines_are(shapes: Path, tmp_path: Path) -> None:
    # In a picture of 64 by 48, padded by 8 rows above and below.
    adapter = an_adapter(shapes, tmp_path, "instance-segmentation", params={"maskRatio": 1})
    item, image = load_item(adapter, 1)
    learnt = item.content["masks"][0].numpy()
    assert learnt.shape == (64, 64) and learnt.max() == len(image.boxes) == 2
    for mark in range(1, learnt.max() + 1):
        rows, columns = np.nonzero(learnt == mark)
        box = columns.min(), rows.min() - 8, columns.max() + 1, rows.max() - 7
        assert any(np.abs(np.array(own) - box).max() <= 1.5 for own in image.boxes)


def test_an_object_of_two_parts_and_one_with_a_hole_are_learnt_as_they_are() -> None:
    from ultralytics.data.utils import polygon2mask

    from vtspec.adapters.ultralytics.instance_segmentation import _join_rings, _list_rings

    pixels = np.zeros((48, 64), np.uint8)
    pixels[4:24, 4:24] = 1
    pixels[10:18, 10:18] = 0
    pixels[30:40, 40:60] = 1
    outline = encode_mask(pixels.tobytes(), 64, 48)
    ring = _join_rings(_list_rings(outline))
    drawn = polygon2mask((48, 64), [ring.reshape(-1)])
    # All but the rims, and the bridges between the parts, a pixel wide.
    assert (drawn != pixels).sum() < 80
    assert drawn[14, 14] == 0 and drawn[35, 50] == 1 and drawn[6, 6] == 1


def test_masks_are_told_in_the_pixels_of_their_image(shapes: Path, tmp_path: Path) -> None:
    adapter = an_adapter(shapes, tmp_path, "instance-segmentation")
    # Twice as wide as what is shown of it: 128 by 64 as 64 by 32, below 16 rows.
    placement = Placement((128, 64), (0.5, 0.5), 0, 16, 64)
    prototypes = torch.full((32, 16, 16), -1.0)
    # A quarter of the side: what is shown of rows 16 to 32, columns 16 to 48.
    prototypes[0, 4:8, 4:12] = 1.0
    prototypes[1:] = 0.0
    row = torch.zeros(1, 38)
    row[0, :6] = torch.tensor([8.0, 16.0, 56.0, 40.0, 0.9, 1.0])
    row[0, 6] = 1.0
    task: Any = adapter.task
    found: Objects = task.make_found(row, Item({}, 0, placement), prototypes)
    assert found.boxes.tolist() == [[16.0, 0.0, 112.0, 48.0]]
    (told,) = task.tell(found)["predicted_boxes"]
    runs = parse_rle(told["mask"])
    box = runs.to_box()
    assert (runs.width, runs.height) == (128, 64) and box is not None
    assert np.abs(np.array(box) - [32, 0, 96, 32]).max() <= 3
    # What lies outside of the box is none of it.
    row[0, 2] = 32.0
    (cut,) = task.tell(task.make_found(row, Item({}, 0, placement), prototypes))["predicted_boxes"]
    box = parse_rle(cut["mask"]).to_box()
    assert box is not None and box.x_max == 64


@pytest.mark.parametrize("overlap", [True, False])
def test_of_objects_that_share_pixels_one_is_learnt_or_all(
    shapes: Path, tmp_path: Path, overlap: bool
) -> None:
    adapter = an_adapter(
        shapes, tmp_path, "instance-segmentation", params={"overlapMasks": overlap}
    )
    item, image = load_item(adapter, 2)
    assert len(item.content["masks"]) == (1 if overlap else len(image.boxes))
    adapter.prepare_model()
    adapter.prepare_dataset()
    assert adapter.validate(0).val_loss


def test_points_change_sides_in_a_mirror(shapes: Path, tmp_path: Path) -> None:
    still = {"translate": 0.0, "scale": 0.0}
    plain, turned = (
        load_item(
            an_adapter(
                shapes,
                tmp_path,
                "pose-estimation",
                training={"augmentation": "light"},
                params={**still, "hflip": flip},
            ),
            1,
            1,
        )[0].content["keypoints"]
        for flip in (0.0, 1.0)
    )
    assert plain.shape == turned.shape == (2, 3, 3)
    expected = plain[:, [0, 2, 1]].clone()
    expected[..., 0] = 1 - expected[..., 0]
    assert torch.allclose(expected, turned, atol=1e-5)
    assert POINTS[1:] == ("left-end", "right-end")


def test_points_are_told_by_name_in_the_pixels_of_their_image(
    shapes: Path, tmp_path: Path
) -> None:
    task: Any = an_adapter(shapes, tmp_path, "pose-estimation").task
    placement = Placement((128, 96), (0.5, 0.5), 0, 8, 64)
    row = torch.tensor([[0.0, 8, 64, 56, 0.9, 1.0, 10, 18, 0.7, 30, 28, 0.1, 70, 60, 0.4]])
    (told,) = task.tell(task.make_found(row, Item({}, 0, placement), None))["predicted_boxes"]
    assert told["keypoints"] == {
        "top": pytest.approx([20, 20, 0.7]),
        "left-end": pytest.approx([60, 40, 0.1]),
        # Never outside of the image.
        "right-end": pytest.approx([128, 96, 0.4]),
    }


def test_a_turned_box_is_told_by_its_corners(shapes: Path, tmp_path: Path) -> None:
    task: Any = an_adapter(shapes, tmp_path, "oriented-detection").task
    placement = Placement((128, 96), (0.5, 0.5), 0, 8, 64)
    # Its centre, 20 by 10 and upright but for a quarter turn.
    row = torch.tensor([[30.0, 28, 20, 10, 0.9, 1.0, np.pi / 2]])
    (told,) = task.tell(task.make_found(row, Item({}, 0, placement), None))["predicted_boxes"]
    assert told["box"] == pytest.approx([50, 20, 70, 60], abs=1e-3)
    corners = {tuple(map(round, corner)) for corner in np.array(told["corners"]).reshape(-1, 2)}
    assert corners == {(50, 20), (70, 20), (70, 60), (50, 60)}


def test_turned_boxes_are_learnt_as_they_lie(shapes: Path, tmp_path: Path) -> None:
    item, image = load_item(an_adapter(shapes, tmp_path, "oriented-detection"), 0)
    (learnt,) = item.content["bboxes"].numpy()
    (corners,) = (np.array(each.polygons[0].outer).reshape(-1, 2) for each in image.annotations)
    # A disc's outline is a square on its corner, whose sides are √½ of its box's.
    centre = corners.mean(axis=0) + np.array([0, 8])
    assert np.allclose(learnt[:2] * 64, centre, atol=0.1)
    side = np.hypot(*(corners[1] - corners[0]))
    assert np.allclose(learnt[2:4] * 64, side, atol=0.3)
    assert abs(learnt[4] % (np.pi / 2) - np.pi / 4) < 0.05


def edit(root: Path, change: Any) -> None:
    file = root / "train.json"
    told = json.loads(file.read_text())
    change(told["annotations"][0])
    file.write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("task", "change", "said"),
    [
        ("instance-segmentation", {"segmentation": []}, "has no outline"),
        ("oriented-detection", {"segmentation": []}, "has no turned box"),
        ("oriented-detection", {"segmentation": [[1, 1, 9, 1, 9, 9]]}, "four points"),
        ("pose-estimation", {"keypoints": [1, 1, 2]}, "has 1 keypoints, and the dataset names 3"),
    ],
)
def test_an_object_that_lacks_what_is_learnt_is_named(
    tmp_path: Path, task: str, change: dict[str, Any], said: str
) -> None:
    root = write_shapes(tmp_path / "data", train=2, val=2, test=2, outlined=True)
    edit(root, lambda row: row.update(change))
    adapter = an_adapter(root, tmp_path / "run", task)
    with pytest.raises(AdapterError, match=said) as error:
        adapter.task.list_images("train", lambda message: None)
    assert "train.json" in str(error.value)


def test_a_body_without_labelled_points_is_learnt_by_its_box(tmp_path: Path) -> None:
    root = write_shapes(tmp_path / "data", train=2, val=2, test=2, outlined=True)
    edit(root, lambda row: row.pop("keypoints"))
    item, _ = load_item(an_adapter(root, tmp_path / "run", "pose-estimation"), 0)
    assert item.content["keypoints"][..., 2].tolist() == [[0, 0, 0]]
    assert len(item.content["bboxes"]) == 1


@pytest.mark.parametrize(
    ("keypoints", "changes", "said"),
    [
        ([], {}, "does not name its keypoints"),
        (["left-ear", "nose", "x"], {"augmentation": "light"}, "has no 'right-ear'"),
        (["left-ear", "nose", "x"], {}, ""),
    ],
)
def test_keypoints_that_a_network_cannot_place_are_told(
    shapes: Path, tmp_path: Path, keypoints: list[str], changes: dict[str, Any], said: str
) -> None:
    plan = on_task("pose-estimation", changes)
    plan["dataset"]["keypoints"] = keypoints
    job = a_yolo_job(shapes, tmp_path, model="yolo11n-pose", **plan)
    if not said:
        Adapter(job, Listener())
        return
    with pytest.raises(AdapterError, match=said):
        Adapter(job, Listener())


def test_a_weight_that_a_loss_does_not_know_is_refused(shapes: Path, tmp_path: Path) -> None:
    params = {"likelihoodLossWeight": 2.0}
    with pytest.raises(AdapterError, match="likelihoodLossWeight changes nothing"):
        an_adapter(shapes, tmp_path, "pose-estimation", params=params).prepare_model()


def test_weights_for_other_points_keep_all_but_the_layers_of_points(
    shapes: Path, tmp_path: Path
) -> None:
    first = an_adapter(shapes, tmp_path / "a", "pose-estimation")
    first.prepare_model()
    weights = first.export([], tmp_path)["safetensors"].path
    plan = on_task("pose-estimation")
    plan["dataset"]["keypoints"] = ["nose", "tail"]
    job = a_yolo_job(shapes, tmp_path / "b", model="yolo11n-pose", weights=weights, **plan)
    listener = Listener()
    other = Adapter(
        dataclasses.replace(job, training=dataclasses.replace(job.training, seed=9)), listener
    )
    other.prepare_model()
    changed = differing(first.model.state_dict(), other.model.state_dict())
    assert changed and all(".cv4." in name for name in changed)
    assert "labels of another form" in listener.of("warning")[0]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), width=12)


def a_classifier(digits: Path, folder: Path, **changes: Any) -> Adapter:
    plan = on_folders(DIGITS, {"imageSize": [32, 32], **changes.pop("training", {})})
    named = {"model": "yolo11n-cls", **plan, **changes}
    return Adapter(a_yolo_job(digits, folder, **named), Listener())


def compute_gradient(adapter: Adapter) -> torch.Tensor:
    """That of the first optimizer step, of the last layer."""
    adapter.prepare_model()
    adapter.prepare_dataset()
    made: Any = adapter._training
    # Without the statistics of a batch, which a smaller one has otherwise.
    adapter.model.eval()
    course = adapter._make_progress(made)
    found: list[torch.Tensor] = []
    head: Any = adapter.model.model[-1]  # type: ignore[index]
    made.recipe.update = lambda: found.append(head.linear.weight.grad.clone())
    made.step(made.iter_batches(1, course), course)
    (gradient,) = found
    return gradient


def test_a_classifiers_accumulated_gradient_is_that_of_a_larger_batch(
    digits: Path, tmp_path: Path
) -> None:
    one, two = (
        compute_gradient(
            a_classifier(
                digits,
                tmp_path / str(size),
                training={"batchSize": size, "gradientAccumulation": 8 // size},
            )
        )
        for size in (8, 4)
    )
    scale = float(one.abs().max())
    assert scale > 0 and torch.allclose(one, two, atol=scale / 1000)


def test_a_classifiers_images_are_turned_as_their_exif_says(digits: Path, tmp_path: Path) -> None:
    adapter = a_classifier(digits, tmp_path)
    upright = tmp_path / "upright.png"
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:10] = 255
    Image.fromarray(pixels).save(upright)
    turned = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels).copy()).save(turned, exif=exif)
    data = adapter.task.build_dataset(adapter.task.make_unlabelled([upright, turned]))
    first, second = (data[place] for place in range(2))
    assert isinstance(first, Item) and isinstance(second, Item)
    assert torch.equal(first.content["img"], second.content["img"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"params": {"hsvHue": 0.5}, "training": {"augmentation": "standard"}}, "recolours"),
        ({"params": {"autoAugment": "augmix"}}, "with augmentation 'none'"),
        (
            {"params": {"hsvHue": 0.6}, "training": {"augmentation": "light"}},
            "hsvHue is at most 0.5",
        ),
        (
            {"params": {"mosaic": 0.5}, "training": {"augmentation": "standard"}},
            "no such parameter",
        ),
        ({"model": "yolo11n"}, "is no network for image-classification"),
    ],
)
def test_what_a_classifier_cannot_be_told_is_refused(
    digits: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(AdapterError, match=said):
        a_classifier(digits, tmp_path, **changes).prepare_model()


SMALLEST = {
    "instance-segmentation": ("yolov8n-seg", "yolo26n-seg"),
    "pose-estimation": ("yolov8n-pose", "yolo26n-pose"),
    "oriented-detection": ("yolov8n-obb", "yolo26n-obb"),
}


@pytest.mark.parametrize(
    ("task", "model"), [(task, model) for task, models in SMALLEST.items() for model in models]
)
def test_every_family_trains_and_is_measured_once(
    shapes: Path, tmp_path: Path, task: str, model: str
) -> None:
    end_to_end = {"params": {"endToEnd": True}} if model.startswith("yolo26") else {}
    adapter = an_adapter(
        shapes,
        tmp_path,
        task,
        model=model,
        smoke=True,
        training={"augmentation": "standard"},
        **end_to_end,
    )
    adapter.prepare_model()
    adapter.prepare_dataset()
    assert adapter.train_epoch(1).train_loss
    assert adapter.validate(1).val_loss
    (result,) = adapter.predict([shapes / "val/1.png"])
    assert len(result.predicted_boxes or ()) > 0
