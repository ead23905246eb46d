"""Every family of detectors trains, goes on where it was stopped, and says what it cannot do."""

import contextlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from adapter_training import assert_stops_change_nothing, train
from detector_jobs import a_detector_job, a_detector_plan, write_plan, write_shapes
from timm_jobs import differing, weights_of
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.image_objects import list_image_objects
from vtspec.adapters.training import checkpoints
from vtspec.adapters.transformers.adapter import Adapter
from vtspec.adapters.transformers.tasks.object_detection.architectures import ARCHITECTURES
from vtspec.adapters.transformers.tasks.object_detection.images import DetectionImages
from vtspec.cli.commands import predict

pytestmark = pytest.mark.slow

NAME = "shapes-0123456789"

TINY = [name for name in ARCHITECTURES if name.endswith("-tiny")]

LIKE_ANOTHER = ("vtspec/rt-detr-tiny", "vtspec/d-fine-tiny", "vtspec/conditional-detr-tiny")
"""Each trained as another family is, and dear to train."""


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"))


def refused(shapes: Path, tmp_path: Path, **changes: Any) -> str:
    with pytest.raises(AdapterError) as error:
        adapter = Adapter(a_detector_job(shapes, tmp_path, **changes), Listener())
        adapter.prepare_model()
        adapter.prepare_dataset()
    return f"{error.value} / {error.value.fix}"


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(name, marks=[pytest.mark.exhaustive] if name in LIKE_ANOTHER else [])
        for name in TINY
    ],
)
def test_a_family_stopped_at_every_step_ends_with_the_bits_of_an_unbroken_run(
    shapes: Path, tmp_path: Path, model: str
) -> None:
    training = {
        "gradientAccumulation": 2,
        "augmentation": "strong",
        "ema": {"decay": 0.9, "warmup": True},
    }
    assert_stops_change_nothing(
        Adapter,
        lambda folder: a_detector_job(shapes, folder, model=model, training=training),
        tmp_path,
    )


def test_workers_change_nothing(shapes: Path, tmp_path: Path) -> None:
    ends = []
    for workers in (0, 2):
        training = {"workers": workers, "augmentation": "strong"}
        job = a_detector_job(shapes, tmp_path / str(workers), training=training)
        train(Adapter, job)
        ends.append(weights_of(job.workdir / "checkpoints/epoch-0002"))
    assert differing(*ends) == []


@dataclass(frozen=True)
class Learnt:
    """A detector that has learnt the shapes that it was shown, as a run of a repository."""

    root: Path
    before: Mapping[str, float]
    after: Mapping[str, float]

    def ask(self, *words: str) -> Result:
        """What `vtspec predict` says."""
        words = (NAME, *words, "--runs", str(self.root / "runs"), "--environment", "current")
        return CliRunner().invoke(predict.command, words)


@pytest.fixture(scope="module")
def learnt(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    root = tmp_path_factory.mktemp("repository")
    data, folder = root / "data" / "shapes", root / "runs" / NAME
    shutil.copytree(shapes, data)
    changes: dict[str, Any] = {
        "training": {"epochs": 60, "learningRate": 0.003, "augmentation": "none"}
    }
    adapter = Adapter(a_detector_job(data, folder, **changes), Listener())
    adapter.prepare_model()
    adapter.prepare_dataset()
    before = adapter.evaluate("train").metrics
    for epoch in range(1, 61):
        adapter.train_epoch(epoch)
    path = adapter.save_checkpoint(60)
    checkpoints.write_pointer(path.parent, "best", path.name, {})
    write_plan(folder / "plan.json", a_detector_plan(**changes))
    return Learnt(root, before, adapter.evaluate("train").metrics)


def test_a_detector_learns_what_it_is_shown(learnt: Learnt) -> None:
    before, after = learnt.before["mAP50"], learnt.after["mAP50"]
    assert before < 0.1 and after > before + 0.2, (before, after)


def measure(truth: Path, results: Any) -> list[float]:
    """COCO's mAP50-95, mAP50 and mAP75 of results, by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(truth)
        measured = COCOeval(coco, coco.loadRes(results), "bbox")
        measured.evaluate()
        measured.accumulate()
        measured.summarize()
    figures: list[float] = measured.stats[:3].tolist()
    return figures


def test_predict_says_what_evaluate_counts(
    learnt: Learnt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(learnt.root)
    asked = learnt.ask("data/shapes/train", "--output", "coco", "--into", str(tmp_path / "drawn"))
    assert asked.exit_code == 0, asked.output
    expected = [learnt.after[name] for name in ("mAP50-95", "mAP50", "mAP75")]
    found = measure(learnt.root / "data/shapes/train.json", json.loads(asked.stdout))
    assert found == pytest.approx(expected, rel=1e-6)
    drawn = {path.name for path in (tmp_path / "drawn").iterdir()}
    assert drawn == {f"{number}.png" for number in range(12)}


def test_small_objects_of_a_large_image_are_found_in_tiles(
    learnt: Learnt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(learnt.root)
    # Four by four of the images, each stretched to the square that the network sees.
    told = json.loads((learnt.root / "data/shapes/train.json").read_text())
    large = Image.new("RGB", (256, 192))
    rows = []
    for place in range(12):
        with Image.open(f"data/shapes/train/{place}.png") as one:
            large.paste(one.resize((64, 64)), (64 * (place % 4), 64 * (place // 4)))
    for row in told["annotations"]:
        x, y, width, height = row["bbox"]
        left, top = 64 * (row["image_id"] % 4), 64 * (row["image_id"] // 4)
        box = [left + x, top + y * 4 / 3, width, height * 4 / 3]
        rows.append({**row, "image_id": 1, "bbox": box, "area": box[2] * box[3]})
    large.save(tmp_path / "large.png")
    images = [{"id": 1, "file_name": "large.png", "width": 256, "height": 192}]
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({**told, "images": images, "annotations": rows}))
    words = ("--tiles", "64:32", "--output", "coco", "--into", str(tmp_path / "drawn"))
    asked = learnt.ask(str(tmp_path / "large.png"), *words)
    assert asked.exit_code == 0, asked.output
    # 0.76 where it was tried, 0.58 where what is seen twice stays, 0.0 without tiles.
    assert measure(truth, json.loads(asked.stdout))[1] > 0.65


def test_boxes_move_with_a_flip(shapes: Path, tmp_path: Path) -> None:
    images = list_image_objects(
        a_detector_job(shapes, tmp_path).dataset, "train", lambda message: None
    )
    items = []
    for flip in (0.0, 1.0):
        job = Adapter(
            a_detector_job(
                shapes, tmp_path, training={"augmentation": "light"}, params={"hflip": flip}
            ),
            Listener(),
        ).job
        data = DetectionImages(images, job, lambda pixels: pixels, epoch=1)
        items.append(data[0])
    plain, turned = items
    assert torch.equal(plain.pixels.flip(-1), turned.pixels)  # type: ignore[union-attr]
    expected = plain.boxes.clone()  # type: ignore[union-attr]
    expected[:, 0] = 1 - expected[:, 0]
    assert torch.allclose(expected, turned.boxes)  # type: ignore[union-attr]


def test_weights_of_other_classes_get_new_heads_and_their_own_keep_them(
    shapes: Path, tmp_path: Path
) -> None:
    job = a_detector_job(shapes, tmp_path / "first")
    adapter = Adapter(job, Listener())
    adapter.prepare_model()
    weights = adapter.export([], tmp_path)["safetensors"].path
    listener = Listener()
    again = Adapter(a_detector_job(shapes, tmp_path / "again", weights=weights), listener)
    again.prepare_model()
    assert not [each for kind, each in listener.told if kind == "warning"]
    plan = a_detector_job(shapes, tmp_path / "other", weights=weights)
    classes = ("wedge", "disc")
    import dataclasses

    dataset = dataclasses.replace(plan.dataset, classes=classes)
    other = Adapter(dataclasses.replace(plan, dataset=dataset), listener)
    other.prepare_model()
    changed = differing(
        {k: v for k, v in again.model.state_dict().items() if "backbone" in k},
        {k: v for k, v in other.model.state_dict().items() if "backbone" in k},
    )
    assert changed == []
    assert "heads start at random" in str(listener.told)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "somebody/unlisted"}, "the plan pins none"),
        ({"model": "vtspec/detr-tiny", "params": {"denoisingQueries": 4}}, "no such setting"),
        ({"model": "vtspec/yolos-tiny", "params": {"freezeBatchNorm": True}}, "no batch norms"),
        ({"model": "vtspec/yolos-tiny", "training": {"freeze": "backbone"}}, "no backbone"),
        ({"training": {"freeze": ["modle"]}}, "did you mean 'model'"),
        ({"training": {"labelSmoothing": 0.1}}, "labelSmoothing cannot be"),
        ({"training": {"classWeights": "balanced"}}, "classWeights cannot be"),
        ({"training": {"augmentation": "none"}, "params": {"hflip": 0.5}}, "changes nothing"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    shapes: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    assert said in refused(shapes, tmp_path, **changes)


def test_an_image_that_its_exif_turns_is_refused(shapes: Path, tmp_path: Path) -> None:
    root = write_shapes(tmp_path / "data", train=4, val=2, test=2)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = root / "train/0.png"
    Image.open(file).save(file, exif=exif)
    with pytest.raises(AdapterError, match="its EXIF turns it"):
        train(Adapter, a_detector_job(root, tmp_path / "run"))


def test_what_is_told_of_an_image_is_limited(shapes: Path, tmp_path: Path) -> None:
    def count(**params: Any) -> int:
        adapter = Adapter(a_detector_job(shapes, tmp_path, params=params), Listener())
        adapter.prepare_model()
        (result,) = adapter.predict([shapes / "val/0.png"])
        return len(result.predicted_boxes or ())

    # 20 queries of 3 classes each.
    assert (count(), count(maxDetections=7), count(confidenceThreshold=0.999)) == (60, 7, 0)


def test_a_frozen_backbone_stays_as_it_is(shapes: Path, tmp_path: Path) -> None:
    job = a_detector_job(shapes, tmp_path, training={"freeze": "backbone"})
    adapter = Adapter(job, Listener())
    adapter.prepare_model()
    before = {name: value.clone() for name, value in adapter.model.state_dict().items()}
    adapter.prepare_dataset()
    adapter.train_epoch(1)
    moved = differing(before, adapter.model.state_dict())
    assert moved and not [name for name in moved if ".backbone." in name]


def test_an_image_without_objects_is_trained_on_and_counted(shapes: Path, tmp_path: Path) -> None:
    job = a_detector_job(shapes, tmp_path)
    images = list_image_objects(job.dataset, "val", lambda message: None)
    told = json.loads((shapes / "val.json").read_text())
    assert len(images) == len(told["images"]) == 6
    assert images[-1].boxes == ()
