"""Networks of super-resolution and depth train, go on where they were stopped, and say what they
cannot do."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adapter_training import assert_stops_change_nothing, prepare, train
from pair_jobs import DEPTH, ENLARGE, a_pair_job, write_depths, write_enlargements
from timm_jobs import differing, weights_of
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.evaluation.depth import DepthMetrics
from vtspec.adapters.transformers.adapter import Adapter

pytestmark = pytest.mark.slow


TINY = {
    "vtspec/swin2sr-tiny": ENLARGE,
    "vtspec/rrdbnet-tiny": ENLARGE,
    "vtspec/glpn-tiny": DEPTH,
    "vtspec/depth-anything-tiny": DEPTH,
}


def list_models(*dear: str) -> list[Any]:
    """Those of TINY; the `dear` ones show what another one of their task does."""
    return [
        pytest.param(name, marks=[pytest.mark.exhaustive] if name in dear else []) for name in TINY
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("data")
    return {
        ENLARGE: write_enlargements(root / "enlargements"),
        DEPTH: write_depths(root / "depths"),
    }


@pytest.mark.parametrize("model", list_models("vtspec/rrdbnet-tiny", "vtspec/depth-anything-tiny"))
def test_a_family_stopped_at_every_step_ends_with_the_bits_of_an_unbroken_run(
    data: dict[str, Path], tmp_path: Path, model: str
) -> None:
    changes: dict[str, Any] = {
        "model": model,
        "training": {
            "gradientAccumulation": 2,
            "augmentation": "strong",
            "ema": {"decay": 0.9, "warmup": True},
        },
    }
    task = TINY[model]
    assert_stops_change_nothing(
        Adapter, lambda folder: a_pair_job(task, data[task], folder, **changes), tmp_path
    )


@pytest.mark.parametrize("task", [ENLARGE, DEPTH])
def test_workers_change_nothing(data: dict[str, Path], tmp_path: Path, task: str) -> None:
    ends = []
    for workers in (0, 2):
        training = {"workers": workers, "augmentation": "strong", "epochs": 1}
        job = a_pair_job(task, data[task], tmp_path / str(workers), training=training)
        train(Adapter, job)
        ends.append(weights_of(job.workdir / "checkpoints/epoch-0001"))
    assert differing(*ends) == []


# The samples are learnt by the others.
@pytest.mark.parametrize("model", list_models("vtspec/swin2sr-tiny", "vtspec/glpn-tiny"))
def test_a_network_learns_what_it_is_shown(
    data: dict[str, Path], tmp_path: Path, model: str
) -> None:
    task = TINY[model]
    training: dict[str, Any] = {"epochs": 40, "learningRate": 0.004}
    adapter = prepare(
        Adapter, a_pair_job(task, data[task], tmp_path, model=model, training=training)
    )
    before = adapter.evaluate("test").metrics
    for epoch in range(1, 41):
        adapter.train_epoch(epoch)
    after = adapter.evaluate("test").metrics
    if task == ENLARGE:
        assert after["psnr"] > before["psnr"] + 6, (before, after)
    else:
        # The mean distance of all images has 0.3.
        assert after["abs_rel"] < 0.15 < before["abs_rel"], (before, after)


@pytest.mark.parametrize("model", list_models("vtspec/swin2sr-tiny", "vtspec/depth-anything-tiny"))
def test_the_onnx_form_says_the_same_of_any_number_of_images(
    data: dict[str, Path], tmp_path: Path, model: str
) -> None:
    import onnxruntime

    task = TINY[model]
    adapter = prepare(Adapter, a_pair_job(task, data[task], tmp_path, model=model))
    written = adapter.export(["onnx"], tmp_path)["onnx"]
    assert written.max_difference is not None and written.max_difference < 1e-5
    session = onnxruntime.InferenceSession(written.path, providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    assert told["task"] == task
    height, width = adapter.job.training.image_size
    if task == ENLARGE:
        # Of any size, too, in whole steps.
        height, width = height + 2 * int(told["size_step"]), width - int(told["size_step"])
    pixels = np.random.default_rng(0).random((3, 3, height, width), np.float32)
    made: Any = session.run(None, {"images": pixels})[0]
    scale = int(told["scale"]) if task == ENLARGE else 1
    assert made.shape[-2:] == (height * scale, width * scale) and len(made) == 3


def test_distances_that_are_told_are_those_that_are_measured(
    data: dict[str, Path], tmp_path: Path
) -> None:
    adapter = prepare(Adapter, a_pair_job(DEPTH, data[DEPTH], tmp_path))
    metrics = DepthMetrics()
    images = sorted((data[DEPTH] / "rgb/test").glob("*.png"))
    for path, result in zip(images, adapter.predict(images), strict=True):
        assert result.predicted_image is not None
        told = np.asarray(Image.open(io.BytesIO(base64.b64decode(result.predicted_image))))
        true = np.asarray(Image.open(data[DEPTH] / "depth/test" / path.name))
        metrics.update(path.name, true / 1000, told / 1000)
    # A file holds whole millimetres.
    evaluated = adapter.evaluate("test").metrics
    assert metrics.compute() == pytest.approx(
        {name: value for name, value in evaluated.items() if name != "loss"}, abs=1e-3
    )


@pytest.mark.parametrize("model", ["vtspec/swin2sr-tiny", "vtspec/glpn-tiny"])
def test_exported_weights_are_start_weights_without_a_word(
    data: dict[str, Path], tmp_path: Path, model: str
) -> None:
    task = TINY[model]
    first = Adapter(a_pair_job(task, data[task], tmp_path / "a", model=model), Listener())
    first.prepare_model()
    weights = first.export([], tmp_path)["safetensors"].path
    listener = Listener()
    training = {"seed": 8}
    job = a_pair_job(
        task, data[task], tmp_path / "b", model=model, weights=weights, training=training
    )
    again = Adapter(job, listener)
    again.prepare_model()
    assert listener.of("warning") == []
    assert differing(first.model.state_dict(), again.model.state_dict()) == []


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        ("vtspec/rrdbnet-23", {}, "makes images 4 times as large"),
        ("vtspec/swin2sr-tiny", {"params": {"scale": 4}}, "set params.scale: 2"),
        ("vtspec/rrdbnet-tiny", {"params": {"scale": 3}}, "2 or 4"),
        ("vtspec/swin2sr-tiny", {"params": {"metricBorder": 15}}, "SSIM needs is left"),
        ("vtspec/swin2sr-tiny", {"params": {"normalize": "none"}}, "cannot be in super-res"),
        ("vtspec/swin2sr-tiny", {"training": {"imageSize": 24}}, "crops of 24 x 24"),
        ("vtspec/swin2sr-tiny", {"training": {"imageSize": 10}}, "multiples of 8"),
        (
            "vtspec/swin2sr-tiny",
            {"training": {"imageSize": [16, 24], "augmentation": "standard"}},
            "crops of 24 x 24",
        ),
        ("vtspec/swin2sr-tiny", {"training": {"labelSmoothing": 0.1}}, "labelSmoothing cannot"),
        ("vtspec/swin2sr-tiny", {"params": {"vflip": 0.5}}, "changes nothing"),
        ("vtspec/glpn-tiny", {"params": {"cutDepth": 0.5}}, "changes nothing"),
        ("vtspec/glpn-tiny", {"params": {"depthScale": 1.0}}, "has a distance of up to 10 m"),
        ("vtspec/glpn-tiny", {"training": {"classWeights": "balanced"}}, "classWeights cannot"),
        ("vtspec/depth-anything-tiny", {"training": {"imageSize": 32}}, "multiples of 14"),
        ("vtspec/swin2sr-tiny", {"params": {"freezeBatchNorm": True}}, "no batch norms"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    data: dict[str, Path], tmp_path: Path, model: str, changes: dict[str, Any], said: str
) -> None:
    task = TINY.get(model, ENLARGE)
    training = {"augmentation": "none", **changes.get("training", {})}
    size = training.get("imageSize")
    if isinstance(size, int):
        training["imageSize"] = [size, size]
    job = a_pair_job(
        task, data[task], tmp_path, **{**changes, "model": model, "training": training}
    )
    with pytest.raises(AdapterError) as error:
        train(Adapter, job)
    assert said in f"{error.value} / {error.value.fix}"


def test_pairs_that_do_not_fit_each_other_are_named(tmp_path: Path) -> None:
    root = write_enlargements(tmp_path / "enlargements")
    file = root / "high/val/3.png"
    Image.new("RGB", (72, 60)).save(file)
    with pytest.raises(AdapterError, match=r"val/3.png is 3 times as large") as error:
        train(Adapter, a_pair_job(ENLARGE, root, tmp_path / "run"))
    assert error.value.fix == "make a dataset of each"
    Image.new("RGB", (50, 40)).save(file)
    with pytest.raises(AdapterError, match="is 50 x 40, which is no multiple of the 24 x 20"):
        train(Adapter, a_pair_job(ENLARGE, root, tmp_path / "run"))
    root = write_depths(tmp_path / "depths")
    Image.new("I;16", (8, 8)).save(root / "depth/test/0.png")
    with pytest.raises(AdapterError, match=r"0.png is 8 x 8, and its image .* is 40 x 32"):
        train(Adapter, a_pair_job(DEPTH, root, tmp_path / "run"))
    (root / "depth/test/0.png").unlink()
    with pytest.raises(AdapterError, match=r"test/0.png"):
        train(Adapter, a_pair_job(DEPTH, root, tmp_path / "run"))


def test_a_map_of_colours_is_refused_by_its_name(tmp_path: Path) -> None:
    root = write_depths(tmp_path / "depths")
    Image.new("RGB", (40, 32)).save(root / "depth/train/0.png")
    with pytest.raises(AdapterError, match=r"train/0.png cannot be read.*numbers of one channel"):
        train(Adapter, a_pair_job(DEPTH, root, tmp_path / "run"))


def test_a_model_that_tells_an_order_needs_to_be_told_how_far_it_sees(
    data: dict[str, Path], tmp_path: Path
) -> None:
    from transformers import DepthAnythingConfig

    job = Adapter(a_pair_job(DEPTH, data[DEPTH], tmp_path), Listener())
    config = DepthAnythingConfig()
    with pytest.raises(AdapterError, match="no distances but an order") as error:
        job.part.configure(config, job.job)
    assert error.value.fix is not None and "params.maxDepth" in error.value.fix
    far = Adapter(a_pair_job(DEPTH, data[DEPTH], tmp_path, params={"maxDepth": 80}), Listener())
    far.part.configure(config, far.job)
    assert config.depth_estimation_type == "metric"
