"""The adapter's methods beside training itself: measuring, predicting, exporting, describing."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from timm_jobs import DIGITS, a_timm_job, differing, prepared, trained, weights_of, write_digits
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError, ExportedFile, Job, TaskType
from vtspec.adapters.pytorch.epoch_progress import EpochProgress
from vtspec.adapters.pytorch.errors import translate_errors
from vtspec.adapters.pytorch.export import TOLERANCE, export_onnx
from vtspec.adapters.pytorch.state import save_weights
from vtspec.adapters.timm.adapter import TASKS, VERSION, Adapter

pytestmark = pytest.mark.slow

EMA = {"decay": 0.5, "warmup": False}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), train=12)


@pytest.fixture(scope="module")
def job(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    training = {"epochs": 4, "learningRate": 0.01, "ema": EMA}
    return a_timm_job(digits, tmp_path_factory.mktemp("work"), training=training)


@pytest.fixture(scope="module")
def adapter(job: Job) -> Adapter:
    adapter = trained(job)
    adapter.save_checkpoint(4)
    return adapter


def test_module_says_what_it_does() -> None:
    assert VERSION == "2"
    assert TASKS == (TaskType.IMAGE_CLASSIFICATION, TaskType.MULTILABEL_CLASSIFICATION)


def test_it_learns(adapter: Adapter) -> None:
    assert adapter.evaluate("test").metrics["accuracy"] > 0.3


def test_averaged_weights_are_what_is_measured(adapter: Adapter, digits: Path) -> None:
    assert adapter.ema is not None
    weights = [adapter.ema.module.state_dict(), adapter.model.state_dict()]
    assert differing(weights[0], weights[1]) != []
    averaged = adapter.evaluate("val").metrics
    assert averaged == adapter.validate(4).metrics
    # Without the average, the same checkpoint measures something else.
    kept, adapter.ema = adapter.ema, None
    try:
        assert adapter.evaluate("val").metrics["loss"] != averaged["loss"]
    finally:
        adapter.ema = kept


def test_details_show_the_worst_mistakes_with_pictures(adapter: Adapter, job: Job) -> None:
    (job.workdir / "plots" / "errors").mkdir(parents=True, exist_ok=True)
    (job.workdir / "plots" / "errors" / "99.png").touch()
    evaluation = adapter.evaluate("test")
    errors = evaluation.details["errors"]
    wrong = 40 - round(evaluation.metrics["accuracy"] * 40)
    assert len(errors) == min(wrong, 24)
    assert [e["confidence"] for e in errors] == sorted(
        (e["confidence"] for e in errors), reverse=True
    )
    for error in errors:
        assert error["image"].startswith(f"test/{error['true']}/")
        assert error["predicted"] != error["true"]
        with Image.open(job.workdir / error["thumbnail"]) as picture:
            assert (picture.format, max(picture.size) <= 96) == ("PNG", True)
    pictures = sorted(path.name for path in (job.workdir / "plots" / "errors").iterdir())
    assert pictures == [f"{place:02d}.png" for place in range(len(errors))]


def test_predictions_are_those_that_evaluate_counts(adapter: Adapter) -> None:
    images = adapter.images["test"]
    results = list(adapter.predict(image.path for image in images))
    evaluation = adapter.evaluate("test")
    right = [
        r.predicted_label == DIGITS[i.targets[0]] for r, i in zip(results, images, strict=True)
    ]
    assert np.mean(right) == pytest.approx(evaluation.metrics["accuracy"])
    losses = [
        -math.log((r.scores or {})[DIGITS[i.targets[0]]])
        for r, i in zip(results, images, strict=True)
    ]
    assert np.mean(losses) == pytest.approx(evaluation.metrics["loss"], rel=1e-5)
    first = results[0]
    assert first.scores is not None
    assert tuple(first.scores) == DIGITS
    assert sum(first.scores.values()) == pytest.approx(1.0)
    assert first.confidence == max(first.scores.values())
    assert first.image_path == str(images[0].path)


def test_prediction_goes_on_after_a_broken_image(adapter: Adapter, tmp_path: Path) -> None:
    good, broken = tmp_path / "good.png", tmp_path / "broken.png"
    Image.new("L", (8, 8)).save(good)
    broken.write_bytes(b"not a picture")
    size = adapter.job.training.batch_size
    for asked in ([broken], [good, broken, good], [broken] * size + [good]):
        results = list(adapter.predict(asked))
        assert [result.image_path for result in results] == [str(path) for path in asked]
        for path, result in zip(asked, results, strict=True):
            assert result.error == (None if path == good else "it is no image")
            assert (result.predicted_label is None) == (path == broken)


def test_colours_and_sizes_of_any_kind_can_be_predicted(adapter: Adapter, tmp_path: Path) -> None:
    paths = []
    for mode, size in (("L", (8, 8)), ("RGBA", (300, 20)), ("P", (1, 1)), ("1", (40, 90))):
        paths.append(tmp_path / f"{mode}.png")
        Image.new(mode, size).save(paths[-1])
    assert [Path(r.image_path) for r in adapter.predict(paths)] == paths


@pytest.fixture(scope="module")
def exported(
    adapter: Adapter, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, ExportedFile]:
    return adapter.export(("safetensors", "onnx"), tmp_path_factory.mktemp("exported"))


def test_export_is_what_was_measured_with_all_that_a_reader_needs(
    adapter: Adapter, exported: Mapping[str, ExportedFile]
) -> None:
    assert adapter.ema is not None
    weights = load_file(exported["safetensors"].path)
    assert differing(weights, adapter.ema.module.state_dict()) == []
    with safe_open(exported["safetensors"].path, framework="pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["classes"]) == list(DIGITS)
    assert json.loads(metadata["image_size"]) == [32, 32]
    assert (metadata["framework"], metadata["model"]) == ("timm", "test_resnet")
    difference = exported["onnx"].max_difference
    assert difference is not None
    assert 0 <= difference < 1e-4


def test_onnx_runtime_gives_the_predictions_of_the_adapter(
    adapter: Adapter, exported: Mapping[str, ExportedFile]
) -> None:
    import onnx
    import onnxruntime

    path = exported["onnx"].path
    properties = {each.key: each.value for each in onnx.load(path).metadata_props}
    assert json.loads(properties["classes"]) == list(DIGITS)
    mean, std = (np.array(json.loads(properties[name])) for name in ("mean", "std"))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    images = [image.path for image in adapter.images["test"]][:7]
    method = Image.Resampling[properties["interpolation"].upper()]
    # A reader with nothing but the file: resize to size / crop_pct, cut the centre, normalise.
    side = int(32 / float(properties["crop_pct"]))
    inputs = []
    for image_path in images:
        with Image.open(image_path) as image:
            larger = image.convert("RGB").resize((side, side), method)
        edge = round((side - 32) / 2)
        pixels = np.asarray(larger.crop((edge, edge, edge + 32, edge + 32))) / 255
        inputs.append(((pixels - mean) / std).transpose(2, 0, 1).astype(np.float32))
    (logits,) = session.run(["logits"], {"images": np.stack(inputs)})
    assert isinstance(logits, np.ndarray)
    called = [DIGITS[index] for index in logits.argmax(axis=1)]
    assert called == [result.predicted_label for result in adapter.predict(images)]


class Swings(torch.nn.Module):
    """Gives other outputs whenever it is asked again."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)
        self.calls = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        scores: torch.Tensor = self.layer(images)
        return scores if torch.compiler.is_exporting() else scores + 10 * TOLERANCE


def test_onnx_export_that_says_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(AdapterError, match="gives other logits: they differ by up to"):
        export_onnx(Swings(), torch.randn(3, 4), path, {})
    assert not path.exists()


def test_exports_of_the_same_model_are_the_same_files(adapter: Adapter, tmp_path: Path) -> None:
    exports: list[dict[str, bytes]] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        written = adapter.export(("onnx",), tmp_path / name)
        exports.append({form: file.path.read_bytes() for form, file in written.items()})
    assert exports[0] == exports[1]
    # Nor do they say on which machine they were made.
    assert str(Path(torch.__file__).parents[1]).encode() not in exports[0]["onnx"]


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {name: name for name in "gfedcba"}, {"클래스": '["고양이", "a\\"b\\n\x01"]'}],
)
def test_weights_are_written_in_one_order_and_read_back(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    network = torch.nn.Linear(2, 2)
    contents = []
    for name in ("first", "second"):
        save_weights(network, tmp_path / name, metadata)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    with safe_open(tmp_path / "first", "pt") as file:
        assert (file.metadata() or {}) == (metadata or {})
        assert torch.equal(file.get_tensor("weight"), network.weight)


def test_unknown_export_is_refused(adapter: Adapter, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="'tensorrt' cannot be written"):
        adapter.export(("tensorrt",), tmp_path)


def test_predicting_and_exporting_need_no_data(job: Job, adapter: Adapter, tmp_path: Path) -> None:
    from dataclasses import replace

    away = replace(job, dataset=replace(job.dataset, root=tmp_path / "gone"))
    alone = Adapter(away, Listener())
    alone.prepare_model()
    assert alone.load_checkpoint(job.workdir / "checkpoints" / "epoch-0004") == (4, 0)
    images = [image.path for image in adapter.images["val"]]
    expected = [result.scores for result in adapter.predict(images)]
    assert [result.scores for result in alone.predict(images)] == expected
    assert alone.export(("onnx",), tmp_path)["onnx"].path.is_file()


def test_checkpoint_of_another_network_is_refused(
    digits: Path, adapter: Adapter, job: Job, tmp_path: Path
) -> None:
    other = prepared(a_timm_job(digits, tmp_path, model="test_vit", training={"ema": EMA}))
    with pytest.raises(AdapterError, match="is no checkpoint of this network"):
        other.load_checkpoint(job.workdir / "checkpoints" / "epoch-0004")


def test_description_says_on_what_it_trains(adapter: Adapter) -> None:
    told = adapter.describe()
    assert json.loads(json.dumps(told)) == told
    assert told["device"] == "cpu"
    assert told["images"] == {"train": 120, "val": 40, "test": 40}
    assert told["stepsPerEpoch"] == 8
    assert told["parameters"] == told["trainable"] > 1000


def test_classes_of_the_job_decide_the_index(digits: Path, tmp_path: Path) -> None:
    adapter = trained(
        a_timm_job(digits, tmp_path, classes=("9", "0", "4"), training={"epochs": 1})
    )
    assert {
        DIGITS.index(image.path.parent.name): image.targets[0] for image in adapter.images["val"]
    } == {
        9: 0,
        0: 1,
        4: 2,
    }
    evaluation = adapter.evaluate("test")
    assert evaluation.details["classes"] == ["9", "0", "4"]
    assert [row["support"] for row in evaluation.details["perClass"]] == [4, 4, 4]


def test_class_without_train_images_is_refused_and_elsewhere_told(
    tmp_path: Path,
) -> None:
    data = write_digits(tmp_path / "data", train=2, val=1, test=1)
    (data / "val" / "3" / "0000.png").unlink()
    listener = Listener()
    prepared(a_timm_job(data, tmp_path / "work"), listener)
    assert ("warning", "split val has no images of 3") in listener.told
    for path in (data / "train" / "5").iterdir():
        path.unlink()
    with pytest.raises(AdapterError, match="no images of class '5'"):
        prepared(a_timm_job(data, tmp_path / "work"))


def test_smoke_takes_one_batch_of_every_split(digits: Path, tmp_path: Path) -> None:
    adapter = prepared(a_timm_job(digits, tmp_path, smoke=True))
    assert {name: len(images) for name, images in adapter.images.items()} == {
        "train": 16,
        "val": 16,
        "test": 16,
    }
    assert len({image.targets[0] for image in adapter.images["train"]}) == 10
    assert adapter.describe()["stepsPerEpoch"] == 1


def test_images_left_out_and_a_warm_up_that_never_ends_are_told(
    digits: Path, tmp_path: Path
) -> None:
    listener = Listener()
    training = {"batchSize": 17, "warmupEpochs": 3.0}
    prepared(a_timm_job(digits, tmp_path, training=training), listener)
    told = [message for kind, message in listener.told if kind == "warning"]
    assert len(told) == 2
    assert told[0].startswith("each epoch leaves out 1 train image, another every time: it would")
    assert told[1].startswith("a warm-up of 3 epochs in a training of 2")


def test_loss_that_is_no_number_ends_the_training(digits: Path, tmp_path: Path) -> None:
    adapter = prepared(
        a_timm_job(digits, tmp_path, training={"learningRate": 100.0, "optimizer": "sgd"})
    )
    with torch.no_grad():
        next(adapter.model.parameters()).fill_(math.nan)
    with pytest.raises(AdapterError, match="no longer a number in epoch 1, step 8") as error:
        adapter.train_epoch(1)
    assert "training.learningRate" in (error.value.fix or "")
    with pytest.raises(AdapterError, match="no longer numbers"):
        adapter.validate(1)


def test_loss_is_told_on_a_cadence_and_at_the_end() -> None:
    course = EpochProgress({})
    for value, images in ((1.0, 10), (2.0, 30)):
        course.add(torch.tensor(value), images)
    assert course.compute_recent_loss(1) == pytest.approx(1.75)
    course.add(torch.tensor(3.0), 10)
    assert course.compute_recent_loss(1) == pytest.approx(3.0)
    assert course.compute_mean_loss() == pytest.approx(2.0)


def test_training_before_the_data_is_a_mistake_in_the_code(digits: Path, tmp_path: Path) -> None:
    adapter = Adapter(a_timm_job(digits, tmp_path), Listener())
    with pytest.raises(RuntimeError, match="prepare_dataset comes before"):
        adapter.train_epoch(1)


def test_checkpoint_holds_weights_of_both_networks(adapter: Adapter, job: Job) -> None:
    assert adapter.ema is not None
    path = job.workdir / "checkpoints" / "epoch-0004"
    assert differing(weights_of(path), adapter.model.state_dict()) == []
    averaged = weights_of(path, "ema.safetensors")
    assert differing(averaged, adapter.ema.module.state_dict()) == []


def test_channels_last_learns_the_same(digits: Path, tmp_path: Path) -> None:
    plain, last = (
        trained(
            a_timm_job(
                digits, tmp_path / str(flag), params={"channelsLast": flag}, training={"epochs": 1}
            )
        )
        for flag in (False, True)
    )
    weight = last.model.get_parameter("layer1.0.conv2.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert last.metrics["loss"] == pytest.approx(plain.metrics["loss"], rel=1e-3)


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "halve training.batchSize"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal"), "training.workers: 0"),
        (RuntimeError("Too many open files. Communication with the workers"), "ulimit -n"),
        (
            OSError(
                "Caught OSError in DataLoader worker process 0.\n[Errno 24] Too many open files"
            ),
            "ulimit -n",
        ),
        (ValueError("Expected more than 1 value per channel when training"), "batchSize to 2"),
    ],
)
def test_errors_of_pytorch_that_can_be_mended_are_explained(error: Exception, fix: str) -> None:
    with pytest.raises(AdapterError) as raised, translate_errors():
        raise error
    assert fix in (raised.value.fix or "")


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="a bug"), translate_errors():
        raise RuntimeError("a bug")
