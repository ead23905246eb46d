"""Networks that outline objects go on where they were stopped, and say what they find."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hotcoco import mask as runs

from adapter_training import assert_stops_change_nothing, prepare
from outline_jobs import an_outline_job, write_outlines
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.image_objects import list_image_objects
from vtspec.adapters.evaluation.objects import make_outlined_truth
from vtspec.adapters.transformers.adapter import Adapter

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outlines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_outlines(tmp_path_factory.mktemp("outlines"))


def test_stopped_at_every_step_it_ends_with_the_bits_of_an_unbroken_run(
    outlines: Path, tmp_path: Path
) -> None:
    training = {
        "gradientAccumulation": 2,
        "augmentation": "strong",
        "ema": {"decay": 0.9, "warmup": True},
    }
    assert_stops_change_nothing(
        Adapter, lambda folder: an_outline_job(outlines, folder, training=training), tmp_path
    )


def test_it_learns_what_it_is_shown(outlines: Path, tmp_path: Path) -> None:
    training = {"epochs": 40, "learningRate": 0.003, "augmentation": "none"}
    adapter = prepare(Adapter, an_outline_job(outlines, tmp_path, training=training))
    before = adapter.evaluate("train").metrics["mask_mAP50"]
    for epoch in range(1, 41):
        adapter.train_epoch(epoch)
    after = adapter.evaluate("train").metrics
    assert before < 0.05 and after["mask_mAP50"] > before + 0.2, (before, after)
    # What it says of a file is what was measured: a mask of the image's size, and its box.
    (result,) = adapter.predict([outlines / "train/0.png"])
    told = result.predicted_boxes or ()
    assert told and list(told) == sorted(told, key=lambda one: -one["confidence"])
    inside = runs.decode({**told[0]["mask"], "counts": told[0]["mask"]["counts"].encode()})
    assert inside.shape == (48, 64)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    around = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert told[0]["box"] == around


def test_measuring_draws_nothing_from_what_training_draws_from(
    outlines: Path, tmp_path: Path
) -> None:
    adapter = prepare(Adapter, an_outline_job(outlines, tmp_path))
    state = torch.get_rng_state()
    losses = [adapter.validate(1).val_loss for _ in range(2)]
    assert losses[0] == losses[1] and torch.equal(state, torch.get_rng_state())


def test_polygons_become_masks_by_cocos_rule_and_holes_are_left_out(
    outlines: Path, tmp_path: Path
) -> None:
    job = an_outline_job(outlines, tmp_path)
    told = json.loads((outlines / "train.json").read_text())
    for image in list_image_objects(job.dataset, "train", lambda message: None, rows="polygons"):
        truth = make_outlined_truth(image, (64, 48))
        number = int(Path(image.name).stem)
        mine = [one for one in told["annotations"] if one["image_id"] == number]
        expected = [runs.merge(runs.frPyObjects(one["segmentation"], 48, 64)) for one in mine]
        assert truth.masks is not None and [*truth.masks] == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {"labelSmoothing": 0.1}}, "labelSmoothing cannot be in instance"),
        ({"params": {"denoisingQueries": 4}}, "no such parameter"),
        ({"params": {"scaleMin": 3.0}}, "params.scaleMax 2"),
        ({"model": "vtspec/segformer-tiny"}, "whose training for instance-segmentation"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    outlines: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    changes = {**changes, "training": {"augmentation": "standard", **changes.get("training", {})}}
    with pytest.raises(AdapterError) as error:
        prepare(Adapter, an_outline_job(outlines, tmp_path, **changes))
    assert said in f"{error.value} / {error.value.fix}"


def test_an_object_without_an_outline_is_refused(outlines: Path, tmp_path: Path) -> None:
    root = write_outlines(tmp_path / "data", train=4, val=2, test=2)
    told = json.loads((root / "train.json").read_text())
    told["annotations"][0]["segmentation"] = []
    (root / "train.json").write_text(json.dumps(told))
    with pytest.raises(AdapterError, match="has no outline"):
        prepare(Adapter, an_outline_job(root, tmp_path / "run"))
