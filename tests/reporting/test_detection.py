"""What a report says of a detector, and of two of them on the same images."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detections import make_detections
from report_data import a_plan, a_run, told
from vtspec.adapters.evaluation.detection import DetectionMetrics
from vtspec.adapters.evaluation.objects import Objects
from vtspec.adapters.evaluation.semantic_segmentation import SemanticSegmentationMetrics
from vtspec.pipelines.reporting.comparison import (
    build_class_rows,
    build_metric_rows,
    find_ranking_metric,
)
from vtspec.pipelines.reporting.evaluation import parse_results
from vtspec.pipelines.reporting.evidence import Measurement, find_interval, weigh_evidence
from vtspec.pipelines.reporting.facts import build_facts
from vtspec.pipelines.reporting.render.markdown import render_markdown
from vtspec.pipelines.reporting.sections import build_report_document

NAMES = ("cat", "dog", "owl")


def detect(truth: Objects, random: np.random.Generator, share: float, jitter: float) -> Objects:
    """That share of the objects about where they are, as sure as chance has it, and two that are
    nowhere."""
    found = np.flatnonzero(random.random(len(truth.boxes)) < share)
    boxes: NDArray[Any] = truth.boxes[found] + random.normal(0, jitter, (len(found), 4))
    boxes = np.concatenate([boxes, random.uniform(0, 200, (2, 4))])
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 2)
    classes = np.concatenate([truth.classes[found], random.integers(0, 3, 2)])
    scores = np.concatenate([random.uniform(0.3, 1, len(found)), random.uniform(0, 0.8, 2)])
    return Objects(boxes=boxes, classes=classes, scores=scores)


def run_detector(truths: list[Objects], seed: int, share: float, jitter: float) -> Measurement:
    random, metrics = np.random.default_rng(seed), DetectionMetrics(NAMES)
    for n, truth in enumerate(truths):
        metrics.update(f"{n}.png", truth, detect(truth, random, share, jitter))
    return Measurement(
        metrics=metrics.compute(), results=parse_results(dict(metrics.build_details()))
    )


def make_truths(seed: int, images: int) -> list[Objects]:
    return [truth for _, truth, _ in make_detections(seed, images, 3)]


def test_a_detector_that_finds_more_is_called_better_and_classes_by_average_precision() -> None:
    truths = make_truths(0, 80)
    new, old = run_detector(truths, 1, 0.9, 3.0), run_detector(truths, 2, 0.6, 6.0)
    found = weigh_evidence(new, old, "seed", "mAP50-95")
    assert [found.metrics[name] for name in ("mAP50-95", "mAP50", "mAP75")] == [True] * 3
    rows = {row.name: row for row in build_metric_rows("object-detection", new, old, found)}
    assert rows["mAP50-95"].judgement == "better"
    # Of them nothing is known image by image.
    assert {rows[name].judgement for name in ("precision", "recall")} == {"not judged"}
    classes = build_class_rows(new.results.classes, old.results.classes, found)
    assert find_ranking_metric(new.results.classes) == "ap50_95"
    assert classes[0].change == pytest.approx(
        classes[0].values["ap50_95"] - classes[0].baseline["ap50_95"]
    )


@pytest.mark.slow
def test_two_detectors_that_are_equally_good_are_hardly_ever_told_apart() -> None:
    apart = 0
    for seed in range(60):
        truths = make_truths(seed, 50)
        pair = [run_detector(truths, 1000 + 2 * seed + n, 0.75, 5.0) for n in range(2)]
        apart += weigh_evidence(pair[0], pair[1], f"{seed}", "mAP50-95").metrics["mAP50-95"]
    # 5 % of them, 3 of 60; 9 or more happen in 4 of 1,000.
    assert apart <= 8


def test_a_figure_lies_in_its_interval_and_both_between_zero_and_one() -> None:
    for share, jitter in ((0.75, 5.0), (0.99, 0.01), (0.05, 9.0)):
        measured = run_detector(make_truths(3, 30), 4, share, jitter)
        interval = find_interval("mAP50", measured, "seed")
        assert interval is not None
        assert 0 <= interval[0] <= measured.metrics["mAP50"] <= interval[1] <= 1


def write_report(evaluation: dict[str, Any], task: str, **final: float) -> str:
    plan = a_plan(task=task)
    run = a_run(plan, {**evaluation, "split": "test"}, told(final=final))
    return render_markdown(build_report_document(build_facts(run)))


def test_the_report_tells_kinds_of_errors_and_what_was_confused_with_nothing() -> None:
    metrics = DetectionMetrics(NAMES)
    box = np.array([[0, 0, 50, 50], [100, 0, 150, 50]])
    found = Objects(
        boxes=np.array([[0, 0, 50, 50], [0, 100, 50, 150]]),
        classes=np.array([0, 1]),
        scores=np.array([0.9, 0.9]),
    )
    metrics.update("a.png", Objects(boxes=box, classes=np.array([0, 1])), found)
    text = write_report(dict(metrics.build_details()), "object-detection", **metrics.compute())
    assert "## Error types" in text
    assert "| Miss | an object that nothing found | 1 |" in text
    assert "| Bkg | nothing is there | 1 |" in text
    assert "`background`" in text
    assert "The 95 % interval of mAP50-95" not in text  # of one image nothing varies


def test_the_report_tells_how_far_a_figure_is_chance() -> None:
    metrics = DetectionMetrics(NAMES)
    for row in make_detections(3, 60, 3):
        metrics.update(*row)
    evaluation = {**metrics.build_details(), "split": "test"}
    run = a_run(a_plan(task="object-detection"), evaluation, told(final=metrics.compute()))
    rows = {row.name: row for row in build_facts(run).metrics}
    interval = rows["mAP50-95"].interval
    assert interval is not None
    assert interval[0] < metrics.compute()["mAP50-95"] < interval[1]
    # Which confidence is best differs from one set of images to another.
    assert rows["precision"].interval is None
    sentence = "The 95 % interval of mAP50-95 on so many images is {:.4f} to {:.4f}."
    assert sentence.format(*interval) in render_markdown(build_report_document(build_facts(run)))
    again = build_facts(replace(run, name="another-run")).metrics
    assert {row.name: row for row in again}["mAP50-95"].interval == interval


def test_a_split_without_objects_is_no_reason_to_doubt_its_records() -> None:
    metrics = DetectionMetrics(NAMES)
    nothing = Objects(boxes=np.zeros((0, 4)), classes=np.zeros(0, int), scores=np.zeros(0))
    metrics.update("a.png", nothing, nothing)
    found = parse_results(dict(metrics.build_details()))
    assert (found.samples, found.notes) == (None, ())


def test_pixels_are_called_pixels_and_are_not_taken_for_images() -> None:
    metrics = SemanticSegmentationMetrics(NAMES)
    metrics.update("a.png", np.zeros((4, 4), int), np.zeros((4, 4), int))
    details = dict(metrics.build_details())
    text = write_report(details, "semantic-segmentation", **metrics.compute())
    assert "No pixel was called wrong." in text
    alone = parse_results({**details, "samples": None})
    # Sixteen pixels of one image tell nothing of other images.
    measured = Measurement(metrics={"macro_f1": 1.0}, results=alone)
    assert weigh_evidence(measured, measured, "seed").metrics == {}
