"""Networks that give each image a class learn, go on where they were stopped, and say of a file
what is measured."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional

from adapter_training import assert_stops_change_nothing, prepare
from detector_jobs import SHAPES, write_squares
from label_jobs import a_label_job
from timm_jobs import differing
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.transformers.adapter import Adapter
from vtspec.adapters.transformers.architectures import ARCHITECTURES
from vtspec.adapters.transformers.families import Architecture
from vtspec.adapters.transformers.tasks import get_part
from vtspec.adapters.transformers.tasks.image_classification import PART

pytestmark = pytest.mark.slow

SMALL: dict[str, dict[str, Any]] = {
    "vit": dict(ARCHITECTURES["vtspec/vit-tiny"].settings),
    "dinov2": dict(ARCHITECTURES["vtspec/dinov2-tiny"].settings),
    "dinov2_with_registers": dict(ARCHITECTURES["vtspec/dinov2-tiny"].settings),
    "swin": {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4},
    "swinv2": {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4},
    "convnext": {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
    "convnextv2": {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]},
}
"""A network of each family that learns in seconds."""


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("squares"), per_class=8)


@pytest.fixture(scope="module")
def learnt(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    """A network that was trained for seconds."""
    training = {"epochs": 8, "augmentation": "light"}
    adapter = prepare(
        Adapter, a_label_job(squares, tmp_path_factory.mktemp("learnt"), training=training)
    )
    for epoch in range(1, 9):
        adapter.train_epoch(epoch)
    return adapter


@pytest.fixture
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a network of the family that is asked for."""
    known = Architecture(family=request.param, settings=SMALL[request.param], size=(32, 32))
    for names in (ARCHITECTURES, PART.architectures):
        monkeypatch.setitem(names, "vtspec/small", known)
    return "vtspec/small"


def test_each_family_is_tried() -> None:
    assert {*SMALL} == {*PART.families}
    assert get_part(PART.task) is PART


def test_it_learns_what_it_is_shown(learnt: Adapter) -> None:
    # One that says the same of every image has a third.
    assert learnt.evaluate("test").metrics["accuracy"] > 0.9


@pytest.mark.parametrize(
    "small",
    [
        pytest.param(family, marks=[pytest.mark.exhaustive] if family != "vit" else [])
        for family in SMALL
    ],
    indirect=True,
)
def test_stopped_at_every_step_it_ends_with_the_bits_of_an_unbroken_run(
    small: str, squares: Path, tmp_path: Path
) -> None:
    training = {
        "gradientAccumulation": 2,
        "batchSize": 6,
        "augmentation": "strong",
        "classWeights": "balanced",
        "labelSmoothing": 0.1,
        "ema": {"decay": 0.9, "warmup": True},
    }
    family = PART.families[small_family(small)]
    params = {
        "vflip": 0.5,
        "colorJitter": 0.3,
        **{name: 0.2 for name in ("dropout", "dropPathRate") if name in family.settings},
    }
    assert_stops_change_nothing(
        Adapter,
        lambda folder: a_label_job(squares, folder, model=small, training=training, params=params),
        tmp_path,
    )


def small_family(name: str) -> str:
    return ARCHITECTURES[name].family


def test_what_it_says_of_a_file_is_what_is_measured(learnt: Adapter, squares: Path) -> None:
    paths = sorted((squares / "test").rglob("*.png"))
    told = list(learnt.predict(paths))
    right = [
        one.predicted_label == path.parent.name for one, path in zip(told, paths, strict=True)
    ]
    assert np.mean(right) == learnt.evaluate("test").metrics["accuracy"]
    for one in told:
        assert one.scores is not None and list(one.scores) == list(SHAPES)
        assert sum(one.scores.values()) == pytest.approx(1.0)
        assert one.confidence == max(one.scores.values())


def test_without_weights_and_smoothing_the_loss_is_the_librarys(learnt: Adapter) -> None:
    network = learnt.set_up(learnt.model)
    data = network.make_dataset(learnt.images["train"])
    items: list[Any] = [data[place] for place in (0, 9, 18)]
    learnt.model.eval()
    with torch.no_grad():
        ours = network.compute_loss(items)
        labels = torch.tensor([item.target for item in items])
        theirs = network.run([item.pixels for item in items], labels=labels).loss
    assert torch.allclose(ours, theirs) and float(ours) > 0


def test_positions_fit_images_of_another_size(
    learnt: Adapter, squares: Path, tmp_path: Path
) -> None:
    weights = learnt.export(["safetensors", "onnx"], tmp_path)["safetensors"].path
    job = a_label_job(
        squares, tmp_path / "wide", weights=weights, training={"imageSize": [48, 64]}
    )
    assert prepare(Adapter, job).evaluate("test").metrics["accuracy"] > 0.6


def test_weights_of_other_classes_get_a_new_last_layer(
    learnt: Adapter, squares: Path, tmp_path: Path
) -> None:
    weights = learnt.export(["safetensors"], tmp_path)["safetensors"].path
    job = a_label_job(squares, tmp_path / "other", weights=weights)
    data = dataclasses.replace(job.dataset, classes=SHAPES[:2])
    listener = Listener()
    other = Adapter(dataclasses.replace(job, dataset=data), listener)
    other.prepare_model()
    changed = differing(learnt.model.state_dict(), other.model.state_dict())
    assert set(changed) == {"classifier.weight", "classifier.bias"}
    assert "heads start at random" in str(listener.told)


def test_an_image_is_shown_as_the_family_was_published(squares: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (60, 90, 3)).astype(np.uint8)
    picture = Image.fromarray(pixels)
    raw = torch.from_numpy(pixels).permute(2, 0, 1)

    def show(model: str, **params: Any) -> torch.Tensor:
        adapter = Adapter(a_label_job(squares, tmp_path, model=model, params=params), Listener())
        adapter.prepare_model()
        return adapter.set_up(adapter.model).prepare(picture)

    # ViT's processor stretches, and takes 0.5 from values of 0 to 1.
    stretched = functional.resize(raw, [32, 32], antialias=True) / 255
    assert torch.allclose(show("vtspec/vit-tiny"), (stretched - 0.5) / 0.5, atol=1e-6)
    # DINOv2's cuts 7/8 out of the middle, in the image's own shape.
    bicubic = functional.InterpolationMode.BICUBIC
    resized = functional.resize(raw, [37, 55], interpolation=bicubic, antialias=True)
    expected = functional.normalize(
        functional.center_crop(resized, [32, 32]) / 255,
        [0.485, 0.456, 0.406],
        [0.229, 0.224, 0.225],
    )
    assert torch.allclose(show("vtspec/dinov2-tiny"), expected, atol=1e-6)
    whole = show("vtspec/vit-tiny", cropPct=1.0)
    assert not torch.equal(whole, show("vtspec/vit-tiny"))
    assert whole.shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {"imageSize": [36, 32]}}, "in patches of 8"),
        ({"training": {"augmentation": "none"}, "params": {"reProb": 0.5}}, "changes nothing"),
        ({"params": {"dropPathRate": 0.1}}, "models of vit have no such setting"),
        ({"params": {"queries": 4}}, "no such parameter"),
        ({"model": "vtspec/detr-tiny"}, "of the family detr, whose training for image"),
        ({"training": {"classWeights": {"disc": 1.0}}}, "'square' has no weight"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    squares: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    changes = {**changes, "training": {"augmentation": "standard", **changes.get("training", {})}}
    with pytest.raises(AdapterError) as error:
        prepare(Adapter, a_label_job(squares, tmp_path, **changes))
    assert said in f"{error.value} / {error.value.fix}"
