"""YOLO networks train, go on where they were stopped, find what they were shown, and are refused
what they cannot do."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from adapter_training import assert_stops_change_nothing, train
from detector_jobs import SHAPES, write_shapes
from timm_jobs import differing, weights_of
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.image_objects import ImageObjects
from vtspec.adapters.ultralytics.adapter import Adapter
from vtspec.adapters.ultralytics.images import ImageDataset, Item
from yolo_jobs import a_yolo_job

pytestmark = pytest.mark.framework


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"))


def an_adapter(shapes: Path, tmp_path: Path, **changes: Any) -> Adapter:
    adapter = Adapter(a_yolo_job(shapes, tmp_path, **changes), Listener())
    adapter.prepare_model()
    return adapter


def warnings_of(adapter: Adapter) -> str:
    assert isinstance(adapter.callbacks, Listener)
    return " / ".join(adapter.callbacks.of("warning"))


@pytest.mark.parametrize("model", ["yolo11n", "yolo26n"])
def test_stopped_at_every_step_it_ends_with_the_bits_of_an_unbroken_run(
    shapes: Path, tmp_path: Path, model: str
) -> None:
    changes: dict[str, Any] = {
        "model": model,
        "training": {
            "gradientAccumulation": 2,
            "augmentation": "strong",
            "optimizer": "sgd",
            "warmupEpochs": 1.0,
            "gradientClipping": 10.0,
            "ema": {"decay": 0.9, "warmup": True},
        },
        "params": {"closeMosaic": 1, "emaSteps": 2.0, "bgr": 0.5, "cutmix": 0.5},
    }
    whole = assert_stops_change_nothing(
        Adapter, lambda folder: a_yolo_job(shapes, folder, **changes), tmp_path
    )
    averaged, last = (
        weights_of(whole.workdir / "checkpoints/epoch-0002", file)
        for file in ("ema.safetensors", "model.safetensors")
    )
    assert differing(averaged, last)


SMALLEST = (
    *("yolov3-tiny", "yolov5n", "yolov6n", "yolov8n", "yolov8n-ghost", "yolov8n-p2", "yolov9t"),
    *("yolov10n", "yolo11n", "yolo12n", "yolo26n", "yolo26n-p2"),
)
"""Of each family that detects."""


@pytest.mark.parametrize("model", [*SMALLEST, "yolov5n6u", "yolov8n-p6"])
def test_every_family_trains_and_is_measured(shapes: Path, tmp_path: Path, model: str) -> None:
    # Those of four levels and more take multiples of 64.
    side = 64 if model in SMALLEST else 128
    training = {"augmentation": "standard", "imageSize": [side, side]}
    job = a_yolo_job(shapes, tmp_path, smoke=True, model=model, training=training)
    (epoch,) = train(Adapter, job).of("epoch")
    assert epoch.train_loss > 0 and epoch.val_loss > 0


def test_workers_change_nothing(shapes: Path, tmp_path: Path) -> None:
    ends = []
    for workers in (0, 2):
        training = {"workers": workers, "augmentation": "strong"}
        job = a_yolo_job(
            shapes, tmp_path / str(workers), training=training, params={"closeMosaic": 0}
        )
        train(Adapter, job)
        ends.append(weights_of(job.workdir / "checkpoints/epoch-0002"))
    assert differing(*ends) == []


@pytest.fixture(scope="module")
def learnt(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    """A network that has seen the pictures often enough."""
    adapter = an_adapter(
        shapes,
        tmp_path_factory.mktemp("learnt"),
        model="yolov8n",
        training={
            "epochs": 60,
            "learningRate": 0.002,
            "warmupEpochs": 2.0,
            "augmentation": "light",
            "gradientClipping": 10.0,
        },
        params={"iouThreshold": 0.6},
    )
    adapter.prepare_dataset()
    for epoch in range(1, 61):
        adapter.train_epoch(epoch)
    return adapter


def test_it_finds_in_other_pictures_what_it_was_shown(
    shapes: Path, tmp_path: Path, learnt: Adapter
) -> None:
    untrained = an_adapter(shapes, tmp_path, model="yolov8n")
    untrained.prepare_dataset()
    before = untrained.evaluate("test").metrics["mAP50"]
    after = learnt.evaluate("test").metrics["mAP50"]
    assert before < 0.05 and after > 0.6, (before, after)


def test_predict_says_what_evaluate_measures(
    shapes: Path, learnt: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vtspec.adapters.evaluation.detection import DetectionMetrics

    measured: dict[str, list[tuple[Any, ...]]] = {}

    def note(self: Any, image: str, truth: Any, found: Any) -> None:
        measured[image] = [
            (*box, SHAPES[label], score)
            for box, label, score in zip(
                found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True
            )
        ]
        plain(self, image, truth, found)

    plain = DetectionMetrics.update
    monkeypatch.setattr(DetectionMetrics, "update", note)
    learnt.evaluate("val")
    assert len(measured) == 6 and sum(map(len, measured.values())) > 6
    results = learnt.predict(shapes / name for name in measured)
    for name, result in zip(measured, results, strict=True):
        told = [
            (*one["box"], one["label"], one["confidence"]) for one in result.predicted_boxes or ()
        ]
        assert [one[4] for one in told] == [one[4] for one in measured[name]]
        numbers = [[*one[:4], one[5]] for one in told]
        expected = [[*one[:4], one[5]] for one in measured[name]]
        assert np.allclose(numbers, expected, rtol=1e-4, atol=1e-3)


def test_detections_are_in_pixels_of_the_picture_they_were_made_in(
    shapes: Path, tmp_path: Path, learnt: Adapter
) -> None:
    """A picture three times as large shows the same objects three times as far apart."""
    small = Image.open(shapes / "train/2.png")
    large = tmp_path / "large.png"
    small.resize((small.width * 3, small.height * 3), Image.Resampling.NEAREST).save(large)
    first, second = learnt.predict([shapes / "train/2.png", large])
    ours, theirs = (list(result.predicted_boxes or ()) for result in (first, second))
    best = ours[0]["box"]
    assert max(best) > 8
    same = [one["box"] for one in theirs if one["label"] == ours[0]["label"]]
    nearest = min(same, key=lambda box: abs(np.array(box) / 3 - best).max())
    assert abs(np.array(nearest) / 3 - best).max() < 3


def test_overlapping_boxes_are_dropped_as_asked_for(
    shapes: Path, tmp_path: Path, learnt: Adapter
) -> None:
    def count(**params: Any) -> int:
        job = dataclasses.replace(learnt.job, params={**learnt.job.params, **params})
        again = Adapter(job, Listener())
        again.model, again.ema = learnt.model, None
        (result,) = again.predict([shapes / "val/2.png"])
        return len(result.predicted_boxes or ())

    usual = count()
    assert count(iouThreshold=0.01) < usual < count(iouThreshold=0.99)
    assert count(agnosticNms=True) < usual
    assert count(maxDetections=2) == 2
    assert 0 < count(confidenceThreshold=0.3) < usual


def known(data: ImageDataset, index: int) -> ImageObjects:
    one = data.images[index]
    assert isinstance(one, ImageObjects)
    return one


def item_of(data: ImageDataset, index: int) -> Item:
    item = data[index]
    assert isinstance(item, Item)
    return item


def a_dataset(shapes: Path, tmp_path: Path, epoch: int | None, **changes: Any) -> ImageDataset:
    adapter = an_adapter(shapes, tmp_path, **changes)
    images = adapter.task.list_images("train", lambda message: None)
    data = adapter.task.build_dataset(images, epoch)
    assert isinstance(data, ImageDataset)
    return data


def test_a_picture_is_padded_and_its_boxes_with_it(shapes: Path, tmp_path: Path) -> None:
    data = a_dataset(shapes, tmp_path, None)
    item, one = item_of(data, 1), known(data, 1)
    pixels = item.content["img"]
    with Image.open(one.path) as image:
        own = torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1)
    # 64 by 48 in 64 by 64: eight rows above and below.
    assert torch.equal(pixels[:, 8:56], own)
    assert set(pixels[:, :8].unique().tolist()) == {114}
    assert item.placement is not None
    centre, size = (
        item.content["bboxes"].numpy()[:, part] * 64 for part in (slice(2), slice(2, 4))
    )
    corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    assert np.allclose(item.placement.restore_boxes(corners), np.array(one.boxes), atol=1e-4)


def test_objects_move_with_a_flip(shapes: Path, tmp_path: Path) -> None:
    still = {"translate": 0.0, "scale": 0.0}
    plain, turned = (
        item_of(
            a_dataset(
                shapes,
                tmp_path,
                1,
                training={"augmentation": "light"},
                params={**still, "hflip": flip},
            ),
            1,
        ).content
        for flip in (0.0, 1.0)
    )
    assert torch.equal(plain["img"].flip(-1), turned["img"])
    expected = plain["bboxes"].clone()
    expected[:, 0] = 1 - expected[:, 0]
    assert torch.allclose(expected, turned["bboxes"], atol=1e-5)


def test_mosaics_have_the_objects_of_several_pictures_until_they_are_closed(
    shapes: Path, tmp_path: Path
) -> None:
    def count(epoch: int) -> list[int]:
        data = a_dataset(
            shapes,
            tmp_path,
            epoch,
            training={"augmentation": "standard"},
            params={"closeMosaic": 1, "scale": 0.0, "translate": 0.0},
        )
        return [len(item_of(data, index).content["cls"]) for index in range(len(data))]

    data = a_dataset(shapes, tmp_path, None)
    own = [len(known(data, index).boxes) for index in range(len(data))]
    assert own[-1] == 0
    # The last picture has no object of its own.
    assert count(1)[-1] > 0 and count(1) != own
    assert count(2) == own


def test_what_is_drawn_for_a_picture_leaves_no_trace(shapes: Path, tmp_path: Path) -> None:
    import random

    data = a_dataset(
        shapes,
        tmp_path,
        1,
        training={"augmentation": "strong"},
        params={"closeMosaic": 0},
    )
    random.seed(3)
    np.random.seed(3)
    states = random.getstate(), str(np.random.get_state())
    first, second = item_of(data, 0).content["img"], item_of(data, 0).content["img"]
    assert torch.equal(first, second)
    assert states == (random.getstate(), str(np.random.get_state()))
    data.epoch = 2
    assert not torch.equal(first, item_of(data, 0).content["img"])


def test_weights_of_other_classes_get_new_heads_and_their_own_keep_them(
    shapes: Path, tmp_path: Path
) -> None:
    first = an_adapter(shapes, tmp_path / "first")
    weights = first.export([], tmp_path)["safetensors"].path
    again = an_adapter(shapes, tmp_path / "again", weights=weights, training={"seed": 9})
    assert differing(first.model.state_dict(), again.model.state_dict()) == []
    assert warnings_of(again) == ""
    plan = a_yolo_job(shapes, tmp_path / "other", weights=weights, training={"seed": 9})
    dataset = dataclasses.replace(plan.dataset, classes=("wedge", "disc", "square"))
    other = Adapter(dataclasses.replace(plan, dataset=dataset), Listener())
    other.prepare_model()
    changed = differing(again.model.state_dict(), other.model.state_dict())
    assert changed and all(".cv3." in name for name in changed)
    assert "was trained for other classes" in warnings_of(other)


def test_weights_of_another_network_are_refused(shapes: Path, tmp_path: Path) -> None:
    weights = an_adapter(shapes, tmp_path / "a").export([], tmp_path)["safetensors"].path
    with pytest.raises(AdapterError, match="does not fit yolov8n"):
        an_adapter(shapes, tmp_path / "b", model="yolov8n", weights=weights)


def test_a_head_that_finds_each_object_once_drops_none(shapes: Path, tmp_path: Path) -> None:
    adapter = an_adapter(
        shapes, tmp_path, model="yolo26n", params={"endToEnd": True, "maxDetections": 50}
    )
    adapter.prepare_dataset()
    adapter.evaluate("val")
    (result,) = adapter.predict([shapes / "val/2.png"])
    assert len(result.predicted_boxes or ()) == 50
    folder = tmp_path / "exported"
    folder.mkdir()
    written = adapter.export(["onnx"], folder)["onnx"]
    assert written.max_difference is not None and written.max_difference < 0.01


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "yolo11m"}, ""),
        ({"model": "yolo11nn"}, "did you mean 'yolo11n'"),
        ({"model": "yolo11n-seg"}, "is no network for object-detection"),
        ({"model": "rtdetr-l"}, "learns in another way"),
        ({"model": "yolov8s-world"}, "learns in another way"),
        (
            {"model": "yolo26n", "params": {"iouThreshold": 0.5, "endToEnd": True}},
            "iouThreshold changes nothing with params.endToEnd",
        ),
        ({"params": {"endToEnd": True}}, "yolo11n has no head that finds each object once"),
        ({"training": {"imageSize": [64, 96]}}, "set training.imageSize: 96"),
        ({"training": {"imageSize": [80, 80]}}, "set training.imageSize: 64 or 96"),
        ({"training": {"freeze": ["modle.0"]}}, "did you mean 'model.0'"),
        ({"params": {"hflip": 0.5}}, "params.hflip changes nothing with augmentation 'none'"),
        ({"params": {"warmupMomentum": 0.5}}, "without a warm-up"),
        ({"params": {"emaSteps": 5.0}}, "without training.ema"),
        (
            {"training": {"augmentation": "standard"}, "params": {"mosaic": 0.5}},
            "params.closeMosaic is 10, and training.epochs 2",
        ),
        (
            {"training": {"scheduler": "constant", "minLearningRate": 0.0001}},
            "changes nothing with scheduler 'constant'",
        ),
        ({"training": {"precision": "fp16"}}, "fp16 needs a GPU"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    shapes: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    if not said:
        an_adapter(shapes, tmp_path, **changes)
        return
    with pytest.raises(AdapterError) as error:
        an_adapter(shapes, tmp_path, **changes)
    assert said in f"{error.value} / {error.value.fix}"


def test_what_a_smoke_test_cannot_show_is_not_refused_by_it(shapes: Path, tmp_path: Path) -> None:
    job = a_yolo_job(
        shapes,
        tmp_path,
        smoke=True,
        training={"epochs": 20, "augmentation": "standard"},
        params={"mosaic": 0.5},
    )
    assert train(Adapter, job).steps == 1


def test_a_picture_that_its_exif_turns_is_refused(tmp_path: Path) -> None:
    root = write_shapes(tmp_path / "data", train=4, val=2, test=2)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = root / "train/0.png"
    Image.open(file).save(file, exif=exif)
    with pytest.raises(AdapterError, match="its EXIF turns it"):
        train(Adapter, a_yolo_job(root, tmp_path / "run"))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_picture_of_a_mosaic_is_named(tmp_path: Path, workers: int) -> None:
    root = write_shapes(tmp_path / "data", train=4, val=2, test=2)
    (root / "train/3.png").write_bytes(b"no image")
    training = {"augmentation": "standard", "workers": workers}
    job = a_yolo_job(root, tmp_path / "run", training=training, params={"closeMosaic": 0})
    with pytest.raises(AdapterError, match=r"train/3.png cannot be read"):
        train(Adapter, job)


def test_a_frozen_backbone_stays_as_it_is(shapes: Path, tmp_path: Path) -> None:
    adapter = an_adapter(shapes, tmp_path, training={"freeze": "backbone"})
    before = {name: value.clone() for name, value in adapter.model.state_dict().items()}
    adapter.prepare_dataset()
    adapter.train_epoch(1)
    moved = differing(before, adapter.model.state_dict())
    frozen = [f"model.{place}." for place in range(11)]
    assert moved and not [name for name in moved if name.startswith(tuple(frozen))]


def test_a_picture_without_objects_is_trained_on_and_a_crowd_is_no_object(tmp_path: Path) -> None:
    root = write_shapes(tmp_path / "data", train=4, val=2, test=2)
    told = json.loads((root / "train.json").read_text())
    told["annotations"][0]["iscrowd"] = 1
    told["annotations"][0]["segmentation"] = {"size": [48, 64], "counts": [0, 48 * 64]}
    (root / "train.json").write_text(json.dumps(told))
    data = a_dataset(root, tmp_path / "run", None)
    assert len(data) == 4
    counts = [len(item_of(data, index).content["cls"]) for index in range(4)]
    assert counts == [len(known(data, index).list_learnt()) for index in range(4)]
    assert (counts[0], counts[-1]) == (0, 0)


def test_what_would_go_wrong_unseen_is_told(shapes: Path, tmp_path: Path) -> None:
    adapter = an_adapter(
        shapes,
        tmp_path,
        training={
            "augmentation": "standard",
            "optimizer": "sgd",
            "epochs": 5,
            "gradientClipping": None,
        },
    )
    adapter.prepare_dataset()
    told = warnings_of(adapter)
    assert "no images are mixed (mosaic)" in told
    assert "gradientClipping: 10.0" in told
    assert isinstance(adapter.images["train"][0], ImageObjects)
