"""What two evaluations can show: image by image, by counts, class by class, and not by chance."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from report_data import measure_calls, some_samples
from vtspec.pipelines.reporting.evaluation import EvaluationResults, parse_results
from vtspec.pipelines.reporting.evidence import Measurement, find_interval, weigh_evidence

CLASSES = ("0", "1", "2")


def some_measurement(samples: Mapping[str, Any], **metrics: float) -> Measurement:
    """What a run measured that left such records, all of it in agreement."""
    size, images = len(CLASSES), len(samples["true"])
    counts = [[0] * size for _ in CLASSES]
    for true, called in zip(samples["true"], samples["predicted"], strict=True):
        counts[true][called] += 1
    evaluation = {
        "classes": list(CLASSES),
        "images": images,
        "confusion": counts,
        "samples": samples,
    }
    found = {**measure_calls(samples, CLASSES), **metrics}
    # Of these records nothing else follows than what they are told for.
    del found["top5_accuracy"]
    return Measurement(metrics=found, results=parse_results(evaluation))


def wrong_in(places: Iterable[int], confidence: float = 0.9, loss: float = 0.2) -> Measurement:
    """120 images, three classes in turn, of which those at these places are called the next."""
    return some_measurement(some_samples(places, confidence, loss))


def without_records(measured: Measurement) -> Measurement:
    """The same as an older run told it."""
    return replace(measured, results=replace(measured.results, samples=None))


def test_a_few_images_that_all_turned_for_the_better_show_it_where_counts_do_not() -> None:
    # 7 of 120 better and none worse is p = 0.016 by McNemar; 113 and 120 of 120 as if apart less.
    new, old = wrong_in(range(20, 28)), wrong_in([*range(20, 28), *range(8)])
    assert weigh_evidence(new, old, "seed").metrics["accuracy"] is True
    apart = weigh_evidence(without_records(new), without_records(old), "seed")
    assert apart.metrics["accuracy"] is False


def test_one_image_of_thirty_six_makes_no_class_worse() -> None:
    new, old = wrong_in([5]), wrong_in([])
    found = weigh_evidence(new, old, "seed")
    assert set(found.metrics.values()) == {False}
    assert found.classes == {"0": 0, "1": 0, "2": 0}


@pytest.mark.parametrize("images", [1, 3, 5])
def test_fewer_than_six_images_that_differ_show_nothing_of_what_is_called(images: int) -> None:
    new, old = wrong_in([]), wrong_in(range(images))
    found = weigh_evidence(new, old, "seed").metrics
    names = ("accuracy", "macro_f1", "macro_precision", "macro_recall")
    assert [found[name] for name in names] == [False] * 4
    # Each image has its own loss, so that few mistakes hide no difference of that.
    sure = weigh_evidence(wrong_in([], loss=0.1), wrong_in(range(images), loss=0.3), "seed")
    assert sure.metrics["loss"] is True


@pytest.mark.parametrize("paired", [True, False])
def test_every_metric_of_two_models_that_differ_much_is_told_apart(paired: bool) -> None:
    new = wrong_in(range(3), confidence=0.97, loss=0.1)
    old = wrong_in(range(50), confidence=0.9, loss=0.9)
    if not paired:
        new, old = without_records(new), without_records(old)
    found = weigh_evidence(new, old, "seed")
    names = {"accuracy", "macro_f1", "macro_precision", "macro_recall"}
    assert {name for name, shown in found.metrics.items() if shown} == (
        names | {"ece", "loss"} if paired else names
    )
    assert found.classes == {"0": 1, "1": 1, "2": 1}
    assert {*weigh_evidence(old, new, "seed").classes.values()} == {-1}


CALLED = ("accuracy", "macro_f1", "macro_precision", "macro_recall")


def test_metrics_that_are_one_number_on_balanced_classes_get_one_verdict() -> None:
    # Of 30 images 11 turned for the worse and 4 for the better: 11 % by McNemar's test.
    new, old = (_call_wrong(30, places) for places in ([*range(11), 22], range(11, 15)))
    assert new.metrics["macro_recall"] == pytest.approx(new.metrics["accuracy"])
    found = weigh_evidence(new, old, "seed", "accuracy").metrics
    assert {name: found[name] for name in CALLED} == dict.fromkeys(CALLED, False)


@pytest.mark.parametrize("primary", ["accuracy", "loss", None])
@pytest.mark.parametrize("lost", [7, 8, 9, 10])
@pytest.mark.parametrize("kept", [True, False], ids=["records", "counts alone"])
def test_whatever_is_primary_no_two_verdicts_on_one_number_differ(
    kept: bool, lost: int, primary: str | None
) -> None:
    # A few images around where the level is crossed.
    new, old = _call_wrong(30, range(lost)), _call_wrong(30, range(29, 30))
    if not kept:
        new, old = without_records(new), without_records(old)
    found = weigh_evidence(new, old, "seed", primary).metrics
    assert found["macro_recall"] == found["accuracy"]


def test_metrics_other_than_the_primary_are_corrected_for_their_number() -> None:
    # 8 against 1 is p = 0.039: enough for one question, and not for one of several.
    new, old = _call_wrong(31, range(8)), _call_wrong(31, [30])
    judged = {
        primary: weigh_evidence(new, old, "seed", primary)
        for primary in ("accuracy", "loss", None)
    }
    assert judged["accuracy"].metrics["accuracy"] is True
    assert judged["accuracy"].metrics["macro_f1"] is False
    assert judged["loss"].metrics["accuracy"] is False
    assert judged[None].metrics["accuracy"] is False
    assert [one.primary for one in judged.values()] == ["accuracy", "loss", None]


@pytest.mark.parametrize("primary", ["accuracy", "macro_recall"])
def test_seeds_are_judged_with_the_number_of_metrics_in_view_too(primary: str) -> None:
    # Welch's p is 0.033 of each alone; macro_recall is accuracy's number.
    moved = {"accuracy": 0.0, "macro_recall": 0.0, "macro_f1": 0.01, "loss": 0.02}
    sides = []
    for values in ((0.90, 0.92, 0.94), (0.85, 0.86, 0.89)):
        seeds = {name: [value + by for value in values] for name, by in moved.items()}
        metrics = {name: found[0] for name, found in seeds.items()}
        sides.append(Measurement(metrics=metrics, results=EvaluationResults(), seeds=seeds))
    found = weigh_evidence(sides[0], sides[1], "seed", primary).metrics
    shown = {name for name, is_shown in found.items() if is_shown}
    assert shown == {"accuracy", "macro_recall"}


def _call_wrong(images: int, places: Iterable[int]) -> Measurement:
    return some_measurement(some_samples(places, 0.9, 0.2, images=images))


def test_classes_are_corrected_for_how_many_there_are() -> None:
    # Seven images of class 0: p = 2 / 2 ** 7 = 0.0156, which three classes make 0.047, twelve not.
    few, many = CLASSES, tuple(map(str, range(12)))
    shown = [
        weigh_evidence(*_confuse_first_class(classes, 7), "seed").classes["0"]
        for classes in (few, many)
    ]
    assert shown == [1, 0]


def _confuse_first_class(classes: Sequence[str], images: int) -> tuple[Measurement, Measurement]:
    size = len(classes)
    true = [n % size for n in range(size * 10)]
    pair = []
    for wrong in (0, images):
        predicted = list(true)
        # Called 1 or 2 in turn, so that neither of these has as many against it.
        for k in range(wrong):
            predicted[k * size] = 1 + k % 2
        samples: dict[str, Any] = {
            "images": [f"{n}.png" for n in range(len(true))],
            "true": true,
            "predicted": predicted,
            "confidence": [0.9] * len(true),
        }
        right = sum(a == b for a, b in zip(true, predicted, strict=True)) / len(true)
        evaluation = {"classes": list(classes), "images": len(true), "samples": samples}
        pair.append(Measurement(metrics={"accuracy": right}, results=parse_results(evaluation)))
    return pair[0], pair[1]


def test_an_adapter_that_means_something_else_by_a_name_is_not_judged_by_records() -> None:
    new, old = wrong_in(range(2)), wrong_in(range(60))
    other = replace(new, metrics={**new.metrics, "macro_f1": 0.5})
    assert "macro_f1" in weigh_evidence(new, old, "seed").metrics
    assert "macro_f1" not in weigh_evidence(other, old, "seed").metrics
    assert find_interval("macro_f1", other, "seed") is None


def test_runs_that_kept_nothing_but_figures_are_told_apart_by_shares_of_images_alone() -> None:
    metrics = {"accuracy": 0.9, "mAP": 0.5, "loss": 0.1}
    worse = {"accuracy": 0.5, "mAP": 0.1, "loss": 0.9}
    some = EvaluationResults(images=200)
    new, old = (Measurement(metrics=one, results=some) for one in (metrics, worse))
    assert weigh_evidence(new, old, "seed").metrics == {"accuracy": True}
    none = EvaluationResults()
    new, old = (Measurement(metrics=one, results=none) for one in (metrics, worse))
    assert weigh_evidence(new, old, "seed").metrics == {}


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "macro_recall", "ece", "loss"])
def test_a_figure_lies_in_its_interval_whatever_it_is(name: str) -> None:
    measured = wrong_in(range(10))
    interval = find_interval(name, measured, "seed")
    assert interval is not None
    assert interval[0] < measured.metrics[name] < interval[1]


def test_counts_that_nobody_could_have_measured_are_not_counted_out() -> None:
    many = 10**12
    evaluation = {
        "classes": ["a", "b"],
        "images": 2 * many,
        "confusion": [[many, 0], [1, many - 1]],
    }
    results = parse_results(evaluation)
    new = Measurement(metrics={"accuracy": 0.9, "macro_f1": 0.9}, results=results)
    old = Measurement(metrics={"accuracy": 0.8, "macro_f1": 0.8}, results=results)
    assert weigh_evidence(new, old, "seed").metrics == {"accuracy": True}
    assert find_interval("macro_f1", new, "seed") is None


def test_an_evaluation_of_no_images_says_nothing() -> None:
    results = parse_results({"classes": ["a"], "images": 0, "confusion": [[0]]})
    empty = Measurement(metrics={"accuracy": 0.9}, results=results)
    worse = Measurement(metrics={"accuracy": 0.1}, results=results)
    assert weigh_evidence(empty, worse, "seed").metrics == {}


def test_a_figure_of_which_nothing_single_is_known_has_no_interval() -> None:
    measured = Measurement(metrics={"mAP": 0.5}, results=EvaluationResults(images=200))
    assert find_interval("mAP", measured, "seed") is None
    assert find_interval("accuracy", measured, "seed") is None


@pytest.mark.slow
def test_two_models_that_are_equally_good_are_hardly_ever_told_apart() -> None:
    drawn, pairs = random.Random("equal models"), 120
    called: dict[str, int] = {}
    for pair in range(pairs):
        new, old = (_draw_model(drawn) for _ in range(2))
        for name, shown in weigh_evidence(new, old, str(pair)).metrics.items():
            called[name] = called.get(name, 0) + shown
    # 5 % of 120 are 6; more than 13 has a chance of one in 300.
    assert called.keys() >= {"accuracy", "macro_f1", "ece", "loss"}
    assert {name for name, count in called.items() if count > 13} == set()


def _draw_model(drawn: random.Random) -> Measurement:
    true = [n % 3 for n in range(40)]
    sure = [drawn.uniform(0.4, 1.0) for _ in true]
    samples = {
        "images": [f"{n}.png" for n in range(40)],
        "true": true,
        "predicted": [
            t if drawn.random() < 0.8 else (t + drawn.randrange(1, 3)) % 3 for t in true
        ],
        "confidence": sure,
        "values": {"loss": [drawn.expovariate(1.0) for _ in true]},
    }
    return some_measurement(samples)
