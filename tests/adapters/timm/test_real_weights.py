"""Start weights that were trained on ImageNet: of photographs they say what they should, and a
model that starts from them learns faster than one that does not.

The figures were seen with timm's own transform on the same weights. Each part of the way from a
file to a network's input is broken once on purpose, to see that they would show it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import vtspec.adapters.pytorch.loading
import vtspec.adapters.timm.adapter
from real_weights import (
    MODEL,
    describe_class,
    list_imagenet_classes,
    write_crops,
    write_photographs,
    write_weights,
)
from timm_jobs import a_timm_job, trained
from toy_runs import Listener
from vtspec.adapters.contract import Job
from vtspec.adapters.data.image_decoding import read_image
from vtspec.adapters.timm.adapter import Adapter
from vtspec.adapters.timm.data import build_eval_transform, resolve_settings

pytestmark = pytest.mark.slow

SEEN = {
    "palace": {"palace": 0.2983, "bell cote": 0.1698, "monastery": 0.0665},
    "daisy": {"daisy": 0.3230, "bee": 0.0586, "mushroom": 0.0447},
}
CLOSE = 0.002


@dataclass(frozen=True)
class Ground:
    """Weights, photographs by what they show, and a folder to work in."""

    weights: Path
    photographs: Mapping[str, Path]
    folder: Path

    def make_job(self) -> Job:
        """A job of ImageNet's own classes, which keeps the head."""
        classes = list(list_imagenet_classes())
        dataset: dict[str, Any] = {
            "name": "imagenet",
            "format": "imagefolder",
            "splits": {},
            "statistics": None,
        }
        return a_timm_job(
            self.folder,
            self.folder / "work",
            weights=self.weights,
            model=MODEL,
            training={"imageSize": [224, 224]},
            dataset={
                **dataset,
                "statistics": None,
                "finalSplit": "test",
                "classes": classes,
                "allClasses": classes,
            },
        )

    def load(self) -> Adapter:
        listener = Listener()
        adapter = Adapter(self.make_job(), listener)
        adapter.prepare_model()
        assert listener.of("warning") == []
        return adapter


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("imagenet")
    return Ground(
        weights=write_weights(folder / "lite0.safetensors"),
        photographs=write_photographs(folder / "photographs"),
        folder=folder,
    )


def rank(scores: Mapping[str, float]) -> dict[str, float]:
    """The three classes that score most, by a word for each."""
    first = sorted(scores.items(), key=lambda one: -one[1])[:3]
    return {describe_class(name): score for name, score in first}


def predict(ground: Ground) -> dict[str, dict[str, float]]:
    adapter = ground.load()
    answers = adapter.predict(ground.photographs.values())
    return {
        shown: rank(one.scores or {})
        for shown, one in zip(ground.photographs, answers, strict=True)
    }


def is_as_seen(found: Mapping[str, Mapping[str, float]]) -> bool:
    return all(found[shown] == pytest.approx(scores, abs=CLOSE) for shown, scores in SEEN.items())


def test_photographs_are_what_they_show(ground: Ground) -> None:
    found = predict(ground)
    assert is_as_seen(found), found


def swap_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_swapped(path: Path) -> Image.Image:
        red, green, blue = read_image(path).split()
        return Image.merge("RGB", (blue, green, red))

    monkeypatch.setattr(vtspec.adapters.pytorch.loading, "read_image", read_swapped)


def with_settings(**changes: Any) -> Callable[[pytest.MonkeyPatch], None]:
    def change(monkeypatch: pytest.MonkeyPatch) -> None:
        def resolve(model: Any, job: Job) -> Any:
            return {**resolve_settings(model, job), **changes}

        monkeypatch.setattr(vtspec.adapters.timm.adapter, "resolve_settings", resolve)

    return change


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(swap_channels, id="blue for red"),
        # ImageNet's usual figures, which most other models want.
        pytest.param(
            with_settings(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)), id="normalized"
        ),
        pytest.param(with_settings(mean=(0, 0, 0), std=(1, 1, 1)), id="not normalized"),
        pytest.param(with_settings(crop_pct=1.0), id="crop"),
        pytest.param(with_settings(crop_mode="squash"), id="squashed"),
        pytest.param(with_settings(interpolation="bilinear"), id="interpolation"),
    ],
)
def test_a_fault_on_the_way_to_the_network_would_show(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, fault: Callable[[pytest.MonkeyPatch], None]
) -> None:
    fault(monkeypatch)
    assert not is_as_seen(predict(ground))


def test_the_exported_model_says_the_same(ground: Ground, tmp_path: Path) -> None:
    adapter = ground.load()
    exported = adapter.export(["safetensors", "onnx"], tmp_path)
    session = onnxruntime.InferenceSession(exported["onnx"].path)
    transform = build_eval_transform(adapter.settings)
    for shown, path in ground.photographs.items():
        pixels: Any = transform(Image.open(path).convert("RGB"))
        outputs: Any = session.run(None, {session.get_inputs()[0].name: pixels.numpy()[None]})
        (logits,) = outputs[0]
        shares = np.exp(logits - logits.max())
        scores = dict(zip(list_imagenet_classes(), shares / shares.sum(), strict=True))
        assert rank(scores) == pytest.approx(SEEN[shown], abs=CLOSE)


MARGIN = 0.4


@pytest.mark.exhaustive
def test_who_starts_from_them_learns_more_in_an_epoch(ground: Ground, tmp_path: Path) -> None:
    classes = write_crops(tmp_path / "crops", train=60, test=8)
    accuracy = {}
    for start, weights in (("imagenet", ground.weights), ("random", None)):
        job = a_timm_job(
            tmp_path / "crops",
            tmp_path / start,
            weights=weights,
            model=MODEL,
            training={"epochs": 1, "imageSize": [96, 96], "learningRate": 0.002},
            dataset={
                "name": "crops",
                "format": "imagefolder",
                "splits": {name: {"path": name} for name in ("train", "val", "test")},
                "statistics": None,
                "finalSplit": "test",
                "classes": list(classes),
                "allClasses": list(classes),
            },
        )
        accuracy[start] = trained(job).evaluate("test").metrics["accuracy"]
    assert accuracy["imagenet"] - accuracy["random"] > MARGIN, accuracy
