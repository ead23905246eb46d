"""Networks that give each pixel a class learn, go on where they were stopped, and say what they
see of the pixels of an image's own."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hotcoco import mask as runs
from PIL import Image

from adapter_training import assert_stops_change_nothing, prepare, train
from segmentation_jobs import GROUNDS, a_segmentation_job, write_grounds
from timm_jobs import differing
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.class_masks import IGNORED, list_masked_images, read_class_mask
from vtspec.adapters.transformers.adapter import Adapter
from vtspec.adapters.transformers.tasks.semantic_segmentation.images import count_pixels
from vtspec.adapters.transformers.tasks.semantic_segmentation.segmenter import find_classes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_grounds(tmp_path_factory.mktemp("grounds"))


@pytest.fixture(scope="module")
def learnt(grounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    """A network that was trained for seconds."""
    training = {"epochs": 12, "learningRate": 0.005, "augmentation": "light"}
    job = a_segmentation_job(grounds, tmp_path_factory.mktemp("learnt"), training=training)
    adapter = prepare(Adapter, job)
    for epoch in range(1, 13):
        adapter.train_epoch(epoch)
    return adapter


def test_it_learns_what_it_is_shown(learnt: Adapter) -> None:
    # One that says the same of every pixel has a third at most.
    assert learnt.evaluate("test").metrics["mIoU"] > 0.7


def test_stopped_at_every_step_it_ends_with_the_bits_of_an_unbroken_run(
    grounds: Path, tmp_path: Path
) -> None:
    training = {
        "gradientAccumulation": 2,
        "augmentation": "strong",
        "classWeights": "balanced",
        "labelSmoothing": 0.1,
        "ema": {"decay": 0.9, "warmup": True},
    }
    params = {"dropPathRate": 0.2, "vflip": 0.5}
    assert_stops_change_nothing(
        Adapter,
        lambda folder: a_segmentation_job(grounds, folder, training=training, params=params),
        tmp_path,
    )


def test_what_it_says_of_a_file_is_what_is_measured(learnt: Adapter, grounds: Path) -> None:
    right = labelled = 0
    for number, result in enumerate(
        learnt.predict(grounds / f"images/test/{number}.png" for number in range(6))
    ):
        truth = np.asarray(Image.open(grounds / f"masks/test/{number}.png"))
        told = result.predicted_mask
        assert told is not None and told["size"] == [48, 64]
        said = np.full(truth.shape, IGNORED)
        for segment in told["segments"]:
            inside = runs.decode({"size": told["size"], "counts": segment["counts"].encode()})
            assert segment["share"] == inside.mean()
            said[inside.astype(bool)] = GROUNDS.index(segment["label"])
        assert not (said == IGNORED).any()
        right += int((said == truth).sum())
        labelled += int((truth != IGNORED).sum())
    assert right / labelled == learnt.evaluate("test").metrics["pixel_accuracy"]


def test_without_weights_and_smoothing_the_loss_is_the_librarys(learnt: Adapter) -> None:
    network = learnt.set_up(learnt.model)
    data = network.make_dataset(learnt.images["train"])
    items: list[Any] = [data[0], data[1]]
    learnt.model.eval()
    with torch.no_grad():
        ours = network.compute_loss(items)
        labels = torch.stack([item.classes for item in items])
        theirs = network.run([item.pixels for item in items], labels=labels).loss
    assert torch.allclose(ours, theirs) and float(ours) > 0


def test_a_mask_moves_with_its_image(grounds: Path, tmp_path: Path) -> None:
    def load(epoch: int | None, **params: Any) -> Any:
        job = a_segmentation_job(
            grounds, tmp_path, training={"augmentation": "light"}, params={"hflip": 0.0, **params}
        )
        adapter = Adapter(job, Listener())
        adapter.prepare_model()
        images = list_masked_images(job.dataset, "train", lambda message: None)
        return adapter.set_up(adapter.model).make_dataset(images, epoch=epoch)[0]

    plain = load(1)
    for params, side in (({"hflip": 1.0}, -1), ({"vflip": 1.0}, -2)):
        turned = load(1, **params)
        assert torch.equal(plain.pixels.flip(side), turned.pixels)
        assert torch.equal(plain.classes.flip(side), turned.classes)
    # Smaller than what is cut out: the rest is of no class, and of the mean colour.
    small = load(1, scaleMin=0.5, scaleMax=0.5)
    beyond = small.classes == IGNORED
    assert 0.7 < float(beyond.float().mean()) < 0.8
    ground = small.pixels[:, beyond].abs()
    assert float(ground.median()) < 0.02


def test_balanced_weights_follow_from_the_pixels_of_the_train_split(
    grounds: Path, tmp_path: Path
) -> None:
    job = a_segmentation_job(grounds, tmp_path, training={"classWeights": "balanced"})
    images = list_masked_images(job.dataset, "train", lambda message: None)
    masks = [np.asarray(Image.open(grounds / f"masks/train/{number}.png")) for number in range(12)]
    counts = [sum(int((mask == place).sum()) for mask in masks) for place in range(3)]
    assert count_pixels(images, job) == counts
    adapter = prepare(Adapter, job)
    weights = adapter._require_training().network.weights  # type: ignore[attr-defined]
    assert weights.tolist() == pytest.approx([sum(counts) / (3 * count) for count in counts])


def test_classes_that_are_not_chosen_are_neither_learnt_nor_counted(
    grounds: Path, tmp_path: Path
) -> None:
    job = a_segmentation_job(grounds, tmp_path)
    chosen = dataclasses.replace(job.dataset, classes=("road", "sky"))
    (one, *_) = list_masked_images(chosen, "train", lambda message: None)
    stored = np.asarray(Image.open(grounds / "masks/train/0.png"))
    expected = np.select([stored == 2, stored == 0], [0, 1], IGNORED)
    assert (read_class_mask(one, (64, 48), chosen) == expected).all()


def test_objects_of_coco_are_drawn_as_a_mask_later_ones_over_earlier_ones(
    grounds: Path, tmp_path: Path
) -> None:
    job = a_segmentation_job(grounds, tmp_path)
    shutil.copytree(grounds / "images/train", tmp_path / "images/train")
    around = [[0, 0, 40, 0, 40, 48, 0, 48], [20, 0, 64, 0, 64, 10, 20, 10]]
    told = {
        "images": [{"id": 1, "file_name": "0.png", "width": 64, "height": 48}],
        "categories": [{"id": place, "name": name} for place, name in enumerate(GROUNDS)],
        "annotations": [
            {
                "id": place,
                "image_id": 1,
                "category_id": place,
                "segmentation": [ring],
                "bbox": [0, 0, 64, 48],
                "area": 1,
                "iscrowd": 0,
            }
            for place, ring in enumerate(around)
        ],
    }
    (tmp_path / "train.json").write_text(json.dumps(told))
    split = dataclasses.replace(
        job.dataset.splits["train"], annotations="train.json", targets=None
    )
    data = dataclasses.replace(job.dataset, root=tmp_path, format="coco", splits={"train": split})
    warned: list[str] = []
    (one,) = (each for each in list_masked_images(data, "train", warned.append) if each.objects)
    expected = np.full((48, 64), IGNORED)
    expected[:, :40], expected[:10, 20:] = 0, 1
    assert (read_class_mask(one, (64, 48), data) == expected).all()
    assert "of no class, neither learnt nor counted" in warned[0]


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((48, 60), np.uint8), "as a mask it is of another size"),
        (np.full((48, 64), 7, np.uint8), "as a mask it has the value 7, and the data 3 classes"),
        (np.zeros((48, 64, 3), np.uint8), "as a mask it is in colours"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(tmp_path: Path, mask: Any, said: str) -> None:
    root = write_grounds(tmp_path / "data", train=4, val=2, test=2)
    Image.fromarray(mask).save(root / "masks/train/2.png")
    with pytest.raises(AdapterError, match=said) as error:
        train(Adapter, a_segmentation_job(root, tmp_path / "run"))
    assert "masks/train/2.png" in str(error.value)


def test_a_split_without_a_pixel_of_the_classes_is_refused(tmp_path: Path) -> None:
    root = write_grounds(tmp_path / "data", train=4, val=2, test=2)
    for file in (root / "masks/val").iterdir():
        Image.fromarray(np.full((48, 64), IGNORED, np.uint8)).save(file)
    with pytest.raises(AdapterError, match="no pixel of the split"):
        train(Adapter, a_segmentation_job(root, tmp_path / "run"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"params": {"scaleMin": 3.0}}, "params.scaleMax 2"),
        ({"params": {"queries": 4}}, "no such parameter"),
        ({"training": {"augmentation": "none"}, "params": {"vflip": 0.5}}, "changes nothing"),
        ({"model": "vtspec/detr-tiny"}, "of the family detr, whose training for semantic"),
        ({"task": "pose-estimation"}, "does not train pose-estimation"),
        ({"training": {"classWeights": {"sky": 1.0}}}, "'field' has no weight"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    grounds: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    changes = {**changes, "training": {"augmentation": "standard", **changes.get("training", {})}}
    with pytest.raises(AdapterError) as error:
        prepare(Adapter, a_segmentation_job(grounds, tmp_path, **changes))
    assert said in f"{error.value} / {error.value.fix}"


def test_the_likeliest_class_is_found_a_few_classes_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logits = torch.randn(7, 5, 6, generator=torch.Generator().manual_seed(1))
    whole = find_classes(logits, (40, 30))
    module = "vtspec.adapters.pytorch.pixel_classes"
    monkeypatch.setattr(f"{module}._MOST_VALUES", 2 * 40 * 30)
    assert (find_classes(logits, (40, 30)) == whole).all() and len(np.unique(whole)) == 7


def test_weights_of_other_classes_get_a_new_last_layer(
    learnt: Adapter, grounds: Path, tmp_path: Path
) -> None:
    weights = learnt.export(["safetensors", "onnx"], tmp_path)["safetensors"].path
    job = a_segmentation_job(grounds, tmp_path / "other", weights=weights)
    data = dataclasses.replace(job.dataset, classes=("road", "sky"))
    listener = Listener()
    other = Adapter(dataclasses.replace(job, dataset=data), listener)
    other.prepare_model()
    changed = differing(learnt.model.state_dict(), other.model.state_dict())
    assert set(changed) == {"decode_head.classifier.weight", "decode_head.classifier.bias"}
    assert "heads start at random" in str(listener.told)
