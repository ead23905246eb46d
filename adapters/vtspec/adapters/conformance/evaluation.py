"""Checks of what a trained model is made into: evaluation, predictions, exports."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from vtspec.adapters.contract import (
    AdapterError,
    Evaluation,
    InferenceResult,
    Job,
    TaskType,
)
from vtspec.adapters.data.annotations import Sample
from vtspec.adapters.data.class_masks import list_masked_images, read_class_mask
from vtspec.adapters.data.image_decoding import open_image, read_image
from vtspec.adapters.data.mask_rle import decode_mask, parse_rle
from vtspec.adapters.data.split_reader import read_split
from vtspec.adapters.evaluation.depth import DepthMetrics
from vtspec.adapters.evaluation.semantic_segmentation import SemanticSegmentationMetrics
from vtspec.adapters.evaluation.super_resolution import SuperResolutionMetrics
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.training import checkpoints

from .harness import (
    LABEL_METRICS,
    Nonconformance,
    RecordingCallbacks,
    Subject,
    demand,
    demand_agreement,
    list_split,
    predict_split,
)
from .object_answers import OBJECT_TASKS, write_truth

_CLASSIFICATION_DETAILS = (
    "images",
    "classes",
    "confusion",
    "perClass",
    "prCurves",
    "calibration",
    "errors",
)
_SHOWN = (TaskType.SUPER_RESOLUTION, TaskType.DEPTH_ESTIMATION, TaskType.SEMANTIC_SEGMENTATION)
"""The tasks whose answers are about each pixel."""

_RIGHT = 0.95
"""Mean average precision of who is asked for what it said itself; 1 but for boxes without an area
and ties."""

_PNG = b"\x89PNG\r\n\x1a\n"


def validate_agrees_with_evaluate(subject: Subject) -> None:
    """`evaluate` of the val split measures what `validate` measured when the best epoch ended."""
    run = subject.unbroken
    best = checkpoints.find_best(run.job.workdir / "checkpoints")
    assert best is not None
    epoch = checkpoints.read_manifest(best).epoch
    validated = run.heard.epochs[epoch - 1].metrics
    evaluated = subject.load_evaluator(run).evaluate("val").metrics
    for name, value in validated.items():
        demand(
            # Not to the bit: the network was loaded anew, and sums may be made in another order.
            name in evaluated and math.isclose(value, evaluated[name], rel_tol=1e-4, abs_tol=1e-6),
            f"validate found {name} {value} in epoch {epoch}, evaluate {evaluated.get(name)}",
        )


def predict_agrees_with_evaluate(subject: Subject) -> None:
    """Image by image, `predict` says what `evaluate` counts; checked where images have labels,
    objects, areas or distances, or are enlarged."""
    run = subject.unbroken
    if run.job.task not in (*LABEL_METRICS, *OBJECT_TASKS, *_SHOWN):
        return
    split = run.job.dataset.final_split
    told = predict_split(subject.load_predictor(run), run.job, split)
    results = [result for _, result in told]
    if run.job.task in OBJECT_TASKS:
        _check_objects(subject, results)
        return
    evaluation = subject.load_evaluator(run).evaluate(split)
    match run.job.task:
        case TaskType.SUPER_RESOLUTION:
            _check_enlarged(results, run.job, evaluation)
        case TaskType.DEPTH_ESTIMATION:
            _check_distances(results, run.job, evaluation)
        case TaskType.SEMANTIC_SEGMENTATION:
            _check_areas(results, run.job, evaluation)
        case _:
            demand_agreement(told, evaluation.metrics)


def _check_objects(subject: Subject, results: Sequence[InferenceResult]) -> None:
    """What `predict` says, taken for the truth, is what `evaluate` finds.

    A network that has learnt little finds none of the data's own objects, and would agree with
    anything in that. One that says nothing at all has nothing to be compared.
    """
    run = subject.unbroken
    if run.job.dataset.format != "coco" or not any(one.predicted_boxes for one in results):
        return
    split = run.job.dataset.final_split
    folder = run.job.workdir / "told"
    job = write_truth(run.job, split, results, folder)
    metrics = subject.load_evaluator(dataclasses.replace(run, job=job)).evaluate(split).metrics
    names = [name for name in metrics if name.endswith("mAP50-95")]
    demand(bool(names), "evaluate measures no mean average precision")
    for name in names:
        demand(
            metrics[name] >= _RIGHT,
            f"of what predict says evaluate finds {name} {metrics[name]}, not all of it",
        )


def _check_areas(told: Sequence[InferenceResult], job: Job, evaluation: Evaluation) -> None:
    """The figures of the masks that `predict` tells are those that `evaluate` measured."""
    import numpy as np

    classes, metrics = job.dataset.classes, SemanticSegmentationMetrics(job.dataset.classes)
    images = list_masked_images(job.dataset, evaluation.split, lambda warning: None)
    for one, result in zip(images, told, strict=True):
        mask = result.predicted_mask
        demand(mask is not None, f"predict gives no mask of {one.name}")
        assert mask is not None
        height, width = mask["size"]
        said = np.zeros((height, width), np.uint8)
        for segment in mask["segments"]:
            runs = parse_rle({"size": mask["size"], "counts": segment["counts"]})
            inside = np.frombuffer(decode_mask(runs), np.uint8).reshape(height, width)
            said[inside == 1] = classes.index(segment["label"])
        metrics.update(one.name, read_class_mask(one, (width, height), job.dataset), said)
    _demand_figures(metrics.compute(), evaluation.metrics, 1e-3)


def _check_enlarged(told: Sequence[InferenceResult], job: Job, evaluation: Evaluation) -> None:
    """PSNR and SSIM of the pictures that `predict` tells are those that `evaluate` measured."""
    import numpy as np

    details = evaluation.details
    metrics = SuperResolutionMetrics(details["border"], details["channel"])
    data, split = job.dataset, evaluation.split
    samples = [one for one in read_split(data, split) if isinstance(one, Sample)]
    for sample, result in zip(samples, told, strict=True):
        demand(result.predicted_image is not None, f"predict gives no picture of {sample.image}")
        assert result.predicted_image is not None and sample.target is not None
        made = read_image(io.BytesIO(base64.b64decode(result.predicted_image)))
        true = read_image(data.root / sample.target.path)
        metrics.update(sample.image, np.asarray(true), np.asarray(made))
    _demand_figures(metrics.compute(), evaluation.metrics, 1e-4)


def _check_distances(told: Sequence[InferenceResult], job: Job, evaluation: Evaluation) -> None:
    """The figures of the maps that `predict` tells, in the dataset's unit, are those of what
    `evaluate` measured before it was rounded to that."""
    import numpy as np

    per_unit, metrics = job.params["depthScale"], DepthMetrics(evaluation.details["farthest"])
    data, split = job.dataset, evaluation.split
    samples = [one for one in read_split(data, split) if isinstance(one, Sample)]
    for sample, result in zip(samples, told, strict=True):
        demand(result.predicted_image is not None, f"predict gives no map of {sample.image}")
        assert result.predicted_image is not None and sample.target is not None
        with open_image(io.BytesIO(base64.b64decode(result.predicted_image))) as image:
            made = np.asarray(image) / per_unit
        with open_image(data.root / sample.target.path) as image:
            true = np.asarray(image) / per_unit
        metrics.update(sample.image, true, made)
    _demand_figures(metrics.compute(), evaluation.metrics, 1e-2)


def _demand_figures(
    figures: Mapping[str, float], counted: Mapping[str, float], tolerance: float
) -> None:
    for name, value in figures.items():
        demand(
            name in counted
            and math.isclose(value, counted[name], rel_tol=tolerance, abs_tol=1e-6),
            f"what predict says has {name} {value}, evaluate says {counted.get(name)}",
        )


def predict_goes_on_after_an_unreadable_image(subject: Subject) -> None:
    """A file that is no image gets a result with an `error`, in its place, and no other does."""
    run = subject.unbroken
    good = list_split(run.job, "val")[0][0]
    bad = run.job.workdir / "unreadable.png"
    bad.write_bytes(b"no image")
    asked = [good, bad, good]
    try:
        told = list(subject.load_predictor(run).predict(asked))
    except AdapterError as error:
        raise Nonconformance(f"predict stops at a file that is no image: {error}") from error
    demand(
        [result.image_path for result in told] == [str(path) for path in asked],
        "predict does not give a result for a file that is no image",
    )
    demand(
        [result.error is not None for result in told] == [False, True, False],
        "predict does not say in `error` which files are no images",
    )


def an_export_gives_the_same_outputs(subject: Subject) -> None:
    """Every format asked for is written, and the weights exported, taken as start weights, predict
    what the checkpoint predicts."""
    run = subject.unbroken
    adapter = subject.load_predictor(run)
    folder = run.job.workdir / "exported"
    folder.mkdir(exist_ok=True)
    written = adapter.export(run.job.export_formats, folder)
    for form in {"safetensors", *run.job.export_formats}:
        demand(form in written, f"export did not write {form}")
        demand(
            written[form].path.is_file() and folder in written[form].path.parents,
            f"export of {form} names no file in the folder that it was given",
        )
    start = written["safetensors"].path
    model = dataclasses.replace(run.job.model, pretrained=False, weights=start)
    job = dataclasses.replace(run.job, model=model)
    reloaded = subject.module.Adapter(job, RecordingCallbacks())
    reloaded.prepare_model()
    pairs = zip(
        predict_split(adapter, job, "val"), predict_split(reloaded, job, "val"), strict=True
    )
    for (_, before), (_, after) in pairs:
        demand(
            _get_outputs(before) == _get_outputs(after),
            f"the exported weights say something else of {before.image_path} than the checkpoint",
        )


def details_are_what_a_report_needs(subject: Subject) -> None:
    """The details are plain JSON with what `docs/results.md` names: of image-classification all of
    it, of other tasks the records of images."""
    run = subject.unbroken
    evaluation = subject.load_evaluator(run).evaluate(run.job.dataset.final_split)
    details = evaluation.details
    json.dumps(details, allow_nan=False)
    if run.job.task is not TaskType.IMAGE_CLASSIFICATION:
        if details.get("samples") is not None:
            _check_values(details["samples"], evaluation.metrics)
        return
    missing = [name for name in _CLASSIFICATION_DETAILS if name not in details]
    demand(not missing, f"the details of an evaluation lack {', '.join(missing)}")
    demand(details["classes"] == list(run.job.dataset.classes), "the details name other classes")
    demand(
        sum(map(sum, details["confusion"])) == details["images"],
        "the confusion matrix does not count every image once",
    )
    right = sum(row[index] for index, row in enumerate(details["confusion"]))
    demand(
        math.isclose(right / details["images"], evaluation.metrics["accuracy"]),
        "the confusion matrix and the accuracy disagree",
    )
    _check_errors(details, run.job.workdir)
    # Optional: without them two runs are compared by their counts alone.
    if details.get("samples") is not None:
        _check_samples(details, evaluation)


def _check_samples(details: JsonObject, evaluation: Evaluation) -> None:
    samples, count = details["samples"], details["images"]
    columns = [samples[name] for name in ("images", "true", "predicted", "confidence")]
    demand(
        {len(column) for column in columns} == {count},
        "the records of samples are not one for each image",
    )
    size = len(details["classes"])
    table = [[0] * size for _ in range(size)]
    for true, predicted in zip(samples["true"], samples["predicted"], strict=True):
        table[true][predicted] += 1
    demand(table == details["confusion"], "the records and the confusion matrix disagree")
    _check_values(samples, evaluation.metrics)


def _check_values(samples: JsonObject, metrics: Mapping[str, float]) -> None:
    count = len(samples["images"])
    for name, column in samples["values"].items():
        demand(len(column) == count, f"the records' {name} is not one for each image")
        demand(name in metrics, f"the records have {name}, which is no metric")
        demand(
            math.isclose(math.fsum(column) / count, metrics[name], rel_tol=1e-4, abs_tol=1e-5),
            f"the records' {name} does not average to the metric",
        )


def _check_errors(details: JsonObject, workdir: Path) -> None:
    errors = details["errors"]
    demand(len(errors) <= 24, "the details show more than 24 errors")
    confidences = [error["confidence"] for error in errors]
    demand(confidences == sorted(confidences, reverse=True), "the surest errors do not come first")
    for error in errors:
        demand(error["true"] != error["predicted"], f"{error['image']} is called an error")
        thumbnail = workdir / error["thumbnail"]
        demand(
            thumbnail.is_file() and thumbnail.read_bytes().startswith(_PNG),
            f"the thumbnail {error['thumbnail']} is no PNG in the work folder",
        )


def _get_outputs(result: InferenceResult) -> JsonObject:
    fields = dataclasses.asdict(result)
    # Time is the one thing that may differ.
    del fields["inference_time_ms"]
    return fields
