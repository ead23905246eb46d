"""What YOLO networks are taught and say of each pixel: its class, or how far away it is."""

import base64
import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pair_jobs import write_depths
from segmentation_jobs import COLOURS, GROUNDS, write_grounds
from timm_jobs import differing
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.mask_rle import parse_rle
from vtspec.adapters.pytorch.loading import UnreadableImage
from vtspec.adapters.ultralytics.adapter import Adapter
from vtspec.adapters.ultralytics.images import ImageDataset, Item, Placement
from vtspec.adapters.ultralytics.semantic_segmentation import find_classes
from yolo_jobs import a_yolo_job, on_depths, on_masks

pytestmark = pytest.mark.framework

STILL = {"translate": 0.0, "scale": 0.0, "hflip": 0.0}


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_grounds(tmp_path_factory.mktemp("grounds"))


@pytest.fixture(scope="module")
def depths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_depths(tmp_path_factory.mktemp("depths"))


def a_segmenter(
    root: Path, folder: Path, training: Mapping[str, Any] | None = None, **changes: Any
) -> Adapter:
    plan = {"model": "yolo26n-sem", **on_masks(training), **changes}
    return Adapter(a_yolo_job(root, folder, **plan), Listener())


def an_estimator(
    root: Path, folder: Path, training: Mapping[str, Any] | None = None, **changes: Any
) -> Adapter:
    short = {"imageSize": [64, 64], **(training or {})}
    plan = {"model": "yolo26n-depth", **on_depths(short), **changes}
    return Adapter(a_yolo_job(root, folder, **plan), Listener())


def a_dataset(adapter: Adapter, epoch: int | None = None) -> ImageDataset:
    data = adapter.task.build_dataset(
        adapter.task.list_images("train", lambda message: None), epoch
    )
    assert isinstance(data, ImageDataset)
    return data


def item_of(data: ImageDataset, index: int) -> Item:
    item = data[index]
    assert isinstance(item, Item)
    return item


MOVED = {"degrees": 20.0, "shear": 5.0, "vflip": 0.5, "hsvHue": 0.0, "hsvValue": 0.0}
"""All that moves pixels, and nothing that recolours them."""


def test_masks_follow_their_pixels_through_every_augmentation(
    grounds: Path, tmp_path: Path
) -> None:
    params = {**MOVED, "hsvSaturation": 0.0, "cutmix": 0.5, "closeMosaic": 0}
    data = a_dataset(
        a_segmenter(grounds, tmp_path, {"augmentation": "standard"}, params=params), 1
    )
    seen, right = 0, 0
    for index in range(len(data)):
        content = item_of(data, index).content
        colours = content["img"].permute(1, 2, 0).numpy().astype(int)
        nearest = np.abs(colours[:, :, None] - COLOURS).sum(axis=-1).argmin(axis=-1)
        mask = content["semantic_mask"].numpy()
        assert mask.shape == (64, 64) and set(np.unique(mask)) <= {0, 1, 2, 255}
        seen += int((mask != 255).sum())
        right += int((nearest == mask)[mask != 255].sum())
    # Of twelve pictures of 4,096 pixels; noise and edges make some look like another's.
    assert seen > 20000 and right > 0.93 * seen, (seen, right)


def test_distances_follow_their_pixels_and_stay_metres(depths: Path, tmp_path: Path) -> None:
    params = {**MOVED, "hsvSaturation": 0.0}
    data = a_dataset(
        an_estimator(depths, tmp_path, {"augmentation": "standard"}, params=params), 1
    )
    # Of each picture the farther is the brighter; what is padded has no distance.
    for index in range(len(data)):
        content = item_of(data, index).content
        metres, bright = content["depth"][0].numpy(), content["img"].sum(dim=0).numpy()
        known = metres > 0
        assert known.sum() > 200 and 1 <= metres[known].min() <= metres[known].max() <= 4
        assert np.corrcoef(metres[known], bright[known])[0, 1] > 0.9


@pytest.mark.parametrize("fitting", ["pad", "crop"])
def test_a_mask_lies_over_its_image_in_training_cut_out_of_it(
    grounds: Path, tmp_path: Path, fitting: str
) -> None:
    training = {"augmentation": "none" if fitting == "pad" else "light"}
    params = {} if fitting == "pad" else STILL
    data = a_dataset(a_segmenter(grounds, tmp_path, training, params=params), 1)
    shown = data.get_image_and_label(0)
    # Of 64 by 48 pixels: the longer side fills the square, or the shorter one does.
    wanted = (48, 64) if fitting == "pad" else (64, 85)
    assert shown["img"].shape[:2] == shown["semantic_mask"].shape == wanted
    mask = item_of(data, 0).content["semantic_mask"].numpy()
    if fitting == "pad":
        assert (mask[:8] == 255).all() and (mask[56:] == 255).all()
        with Image.open(grounds / "masks/train/0.png") as truth:
            assert np.array_equal(mask[8:56], np.asarray(truth))
    else:
        assert (mask[20:] != 255).all()


def test_classes_are_told_of_an_images_own_pixels() -> None:
    # 128 by 64 as 64 by 32, below 16 rows; the upper half is of class 1, the lower of class 2.
    placement = Placement((128, 64), (0.5, 0.5), 0, 16, 64)
    logits = torch.zeros(3, 8, 8)
    logits[0], logits[1, :4], logits[2, 4:] = 0.5, 1.0, 1.0
    found = find_classes(logits, placement)
    assert found.shape == (64, 128)
    assert (found[:28] == 1).all() and (found[36:] == 2).all()


def test_many_classes_are_gone_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    placement = Placement((64, 64), (1.0, 1.0), 0, 0, 64)
    logits = torch.randn(7, 8, 8, generator=torch.Generator().manual_seed(1))
    whole = find_classes(logits, placement)
    module = "vtspec.adapters.pytorch.pixel_classes._MOST_VALUES"
    monkeypatch.setattr(module, 2 * 64 * 64)
    assert np.array_equal(find_classes(logits, placement), whole) and len(np.unique(whole)) == 7


def test_predictions_are_as_large_as_their_images(
    grounds: Path, depths: Path, tmp_path: Path
) -> None:
    segmenter = a_segmenter(grounds, tmp_path / "a")
    segmenter.prepare_model()
    (told,) = segmenter.predict([grounds / "images/val/1.png"])
    assert told.predicted_mask is not None
    segments = told.predicted_mask["segments"]
    assert sum(one["share"] for one in segments) == pytest.approx(1)
    runs = [parse_rle({"size": [48, 64], "counts": one["counts"]}) for one in segments]
    assert sum(one.area for one in runs) == 48 * 64
    assert {one["label"] for one in segments} <= set(GROUNDS)
    estimator = an_estimator(depths, tmp_path / "b", params={"depthScale": 500.0, "maxDepth": 1})
    estimator.prepare_model()
    (told,) = estimator.predict([depths / "rgb/val/1.png"])
    assert told.predicted_image is not None
    with Image.open(io.BytesIO(base64.b64decode(told.predicted_image))) as image:
        numbers = np.asarray(image)
    # Before it learns it tells some 1.2 m, and nothing is told that is farther than the farthest.
    assert numbers.shape == (32, 40) and numbers.max() == 500 and numbers.min() > 300


def test_what_is_farther_is_neither_learnt_nor_measured(depths: Path, tmp_path: Path) -> None:
    adapter = an_estimator(depths, tmp_path, params={"maxDepth": 2})
    item = item_of(a_dataset(adapter), 0)
    assert 0 < item.content["depth"].max() <= 2 < item.truth.max()
    adapter.prepare_model()
    adapter.prepare_dataset()
    assert adapter.evaluate("val").details["farthest"] == 2
    nothing = an_estimator(depths, tmp_path / "b", params={"depthScale": 1.0})
    nothing.prepare_model()
    nothing.prepare_dataset()
    with pytest.raises(AdapterError, match="no image of a split has a distance of up to 100 m"):
        nothing.validate(1)


def test_metres_that_weights_were_scaled_to_are_taken_up(depths: Path, tmp_path: Path) -> None:
    first = an_estimator(depths, tmp_path / "a")
    first.prepare_model()
    weights = first.export([], tmp_path)["safetensors"].path
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
    scaled = load_file(weights)
    (name,) = (key for key in scaled if key.endswith("cal_b"))
    scaled[name] += np.log(2.0)
    save_file(scaled, tmp_path / "scaled.safetensors", metadata)
    again = an_estimator(depths, tmp_path / "b", weights=tmp_path / "scaled.safetensors")
    again.prepare_model()
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    ours, theirs = (one.model.eval()(images) for one in (first, again))
    assert torch.allclose(2 * ours, theirs, rtol=1e-4)
    # So that what is learnt is what is told.
    ours, theirs = (one.model.train()(images)["depth"] for one in (first, again))
    assert torch.allclose(2 * ours, theirs, rtol=1e-3)


def test_weights_of_other_classes_get_new_last_layers(grounds: Path, tmp_path: Path) -> None:
    first = a_segmenter(grounds, tmp_path / "a")
    first.prepare_model()
    weights = first.export([], tmp_path)["safetensors"].path
    plan = on_masks({"seed": 9})
    plan["dataset"] |= {"classes": ["sky", "road"]}
    other = Adapter(
        a_yolo_job(grounds, tmp_path / "b", model="yolo26n-sem", weights=weights, **plan),
        Listener(),
    )
    other.prepare_model()
    own = first.model.state_dict()
    kept = {
        name: value
        for name, value in other.model.state_dict().items()
        if value.shape == own[name].shape
    }
    assert differing({name: own[name] for name in kept}, kept) == []
    assert {name.split(".", 2)[2] for name in own.keys() - kept.keys()} == {
        f"{layer}.1.{kind}" for layer in ("classifier", "aux_head") for kind in ("weight", "bias")
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": ["sky"]}, "there is nothing that it could be told from"),
        ({"classes": ["sky", "field"]}, ""),
    ],
)
def test_one_class_alone_is_refused(
    grounds: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    plan = on_masks()
    plan["dataset"] |= change
    job = a_yolo_job(grounds, tmp_path, model="yolo26n-sem", **plan)
    if not said:
        Adapter(job, Listener())
        return
    with pytest.raises(AdapterError, match=said):
        Adapter(job, Listener())


@pytest.mark.parametrize(
    ("training", "params", "said"),
    [
        ({"augmentation": "standard"}, {"mosaic": 0.5}, "no such parameter"),
        ({}, {"degrees": 5.0}, "with augmentation 'none'"),
        ({}, {"maxDepth": 149}, "maxDepth"),
        ({}, {"boxLossWeight": 1.0}, "no such parameter"),
    ],
)
def test_what_depth_has_no_use_for_is_refused(
    depths: Path,
    tmp_path: Path,
    training: dict[str, Any],
    params: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(AdapterError, match=said):
        an_estimator(depths, tmp_path, training, params=params)


def test_a_map_of_another_size_is_refused(tmp_path: Path) -> None:
    root = write_depths(tmp_path / "data")
    Image.fromarray(np.ones((8, 8), np.uint16)).save(root / "depth/train/3.png")
    with pytest.raises(AdapterError, match=r"depth/train/3\.png is 8 x 8"):
        a_dataset(an_estimator(root, tmp_path / "run"))


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: Image.new("RGB", (64, 48)).save(path), "as a mask it is in colours"),
        (lambda path: path.write_bytes(b"no image"), "no image"),
        (lambda path: Image.new("L", (64, 48), 9).save(path), "as a mask it has the value 9"),
    ],
)
def test_a_mask_that_cannot_be_used_is_named(tmp_path: Path, write: Any, said: str) -> None:
    root = write_grounds(tmp_path / "data", train=2, val=2, test=2)
    file = root / "masks/train/1.png"
    file.unlink()
    write(file)
    found = a_dataset(a_segmenter(root, tmp_path / "run"))[1]
    assert isinstance(found, UnreadableImage)
    assert found.path == file and (said in found.reason or said == "no image")


def test_a_split_without_a_class_is_not_measured(grounds: Path, tmp_path: Path) -> None:
    root = write_grounds(tmp_path / "data", train=4, val=2, test=2)
    for number in range(2):
        Image.new("L", (64, 48), 255).save(root / f"masks/val/{number}.png")
    adapter = a_segmenter(root, tmp_path / "run")
    adapter.prepare_model()
    adapter.prepare_dataset()
    with pytest.raises(AdapterError, match="no pixel of the split is of the classes"):
        adapter.validate(1)


def test_a_loss_of_a_batch_as_a_whole_is_not_divided_among_gpus(
    grounds: Path, tmp_path: Path
) -> None:
    job = a_yolo_job(grounds, tmp_path, model="yolo26n-sem", **on_masks())
    with pytest.raises(AdapterError, match="whose loss is of a batch as a whole") as error:
        Adapter(dataclasses.replace(job, gpus=2), Listener())
    assert error.value.fix == "set resources.gpus to 1"
