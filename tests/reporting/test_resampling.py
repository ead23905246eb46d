"""Intervals by resampling, held against exact distributions and against the other method."""

import itertools
import math
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from vtspec.adapters.toy import plain_metrics
from vtspec.pipelines.reporting.resampling import (
    MOST_DRAWN,
    compute_difference_p,
    compute_metrics,
    estimate_intervals,
)
from vtspec.pipelines.reporting.sample_records import (
    SampleRecords,
    align_records,
    expand_counts,
    parse_sample_records,
)
from vtspec.pipelines.reporting.significance import compute_fisher_p, compute_sign_p

CLASSES = ("a", "b", "c", "d")


def some_records(count: int, right: float, seed: int) -> SampleRecords:
    """Records of a model that is right in that share of the images; every column by chance."""
    drawn = random.Random(seed)
    true = tuple(n % len(CLASSES) for n in range(count))
    hit = [drawn.random() < right for _ in true]
    return SampleRecords(
        classes=CLASSES,
        images=tuple(f"{n}.png" for n in range(count)),
        true=true,
        predicted=tuple(
            (t + (not h) * drawn.randrange(1, 4)) % 4 for t, h in zip(true, hit, strict=True)
        ),
        confidence=tuple(drawn.uniform(0.3, 1.0) for _ in true),
        values={"loss": tuple(drawn.expovariate(1.0) for _ in true)},
    )


def test_the_metrics_of_records_are_those_of_the_adapters() -> None:
    records = some_records(97, 0.7, seed=1)
    columns = zip(records.true, records.predicted, records.confidence, strict=True)
    calls = []
    for true, called, sure in columns:
        # The rest goes to the classes not called, so that the called one stays the surest.
        scores = [sure if n == called else (1 - sure) / 3 for n in range(4)]
        calls.append(plain_metrics.Prediction(scores, true))
    expected = plain_metrics.compute_metrics(calls, records.values["loss"])
    del expected["top5_accuracy"]
    assert compute_metrics(records) == pytest.approx(expected)


def test_a_confusion_matrix_alone_makes_the_metrics_that_follow_from_it() -> None:
    records = some_records(97, 0.7, seed=1)
    counts = [[0] * 4 for _ in CLASSES]
    for true, called in zip(records.true, records.predicted, strict=True):
        counts[true][called] += 1
    expanded = expand_counts(CLASSES, counts)
    assert expanded is not None
    assert compute_metrics(expanded) == pytest.approx(
        {k: v for k, v in compute_metrics(records).items() if k not in ("loss", "ece")}
    )


def find_quantiles(values: Iterable[tuple[float, float]], share: float) -> tuple[float, float]:
    """The values between which all but `share` a side of the probability lies."""
    ordered, low, total = sorted(values), math.nan, 0.0
    for value, probability in ordered:
        total += probability
        if math.isnan(low) and total > share:
            low = value
        if total >= 1 - share:
            return low, value
    return low, ordered[-1][0]


def test_a_bootstrapped_share_has_the_quantiles_of_the_binomial() -> None:
    # Drawing 60 of 60 images of which 45 are right is 60 tosses at 45/60.
    count, right = 60, 45
    records = SampleRecords(
        classes=("a", "b"),
        images=tuple(map(str, range(count))),
        true=(0,) * count,
        predicted=(0,) * right + (1,) * (count - right),
    )
    p = right / count
    exact = [
        (k / count, math.comb(count, k) * p**k * (1 - p) ** (count - k)) for k in range(count + 1)
    ]
    # Student's t of 59 degrees is 2.001, and 60/59 under the root: 2.2 % and not 2.5 % a side.
    expected = find_quantiles(exact, 0.0218)
    assert estimate_intervals(records, "seed")["accuracy"] == pytest.approx(
        expected, abs=1.01 / count
    )


def test_the_bootstrap_of_few_images_is_what_enumeration_gives() -> None:
    # 7 ** 7 drawings, of which the order does not matter: 1,716 with their weights.
    records = SampleRecords(
        classes=("a", "b"),
        images=tuple("abcdefg"),
        true=(0, 0, 0, 0, 1, 1, 1),
        predicted=(0, 0, 0, 1, 1, 1, 0),
    )
    exact = []
    for places in itertools.combinations_with_replacement(range(7), 7):
        repeats = [places.count(n) for n in range(7)]
        ways = math.factorial(7) / math.prod(map(math.factorial, repeats))
        exact.append((compute_metrics(records.pick(places))["macro_f1"], ways / 7**7))
    assert sum(probability for _, probability in exact) == pytest.approx(1.0)
    low, high = estimate_intervals(records, "seed")["macro_f1"]
    # Student's t of 6 degrees, widened: 0.4 % a side; a thousand drawings know it to the half.
    outer, inner = find_quantiles(exact, 0.001), find_quantiles(exact, 0.012)
    assert outer[0] - 1e-9 <= low <= inner[0] + 1e-9
    assert inner[1] - 1e-9 <= high <= outer[1] + 1e-9


@pytest.mark.parametrize(("wins", "losses"), [(0, 6), (5, 9), (4, 11), (1, 14)])
def test_drawing_which_run_an_image_belongs_to_is_mcnemars_test_of_accuracy(
    wins: int, losses: int
) -> None:
    new, old = _differ_by(60, wins, losses)
    exact = compute_sign_p(wins, losses)
    drawn = compute_difference_p(new, old, "seed")["accuracy"]
    # Four standard errors of a thousand draws.
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 1000) + 0.001)


def test_of_images_drawn_apart_it_is_fishers_test() -> None:
    new, old = _differ_by(60, 4, 20)
    apart = replace(old, images=())
    hits = [sum(map(int.__eq__, one.true, one.predicted)) for one in (new, old)]
    exact = compute_fisher_p(hits[0], 60, hits[1], 60)
    drawn = compute_difference_p(new, apart, "seed")["accuracy"]
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 1000) + 0.001)
    assert compute_difference_p(new, old, "seed")["accuracy"] < drawn


def _differ_by(count: int, wins: int, losses: int) -> tuple[SampleRecords, SampleRecords]:
    """Records of two runs of which the first alone is right on `wins` images, the second on
    `losses`, both on half of the others."""
    images, true = tuple(map(str, range(count))), tuple(n % 4 for n in range(count))
    # Anywhere: what stands in a row falls unevenly into the jackknife's groups.
    places, shared = random.Random(1).sample(range(count), count), wins + losses
    rights = [
        [n in alone or (n >= shared and n % 2 == 0) for n in places]
        for alone in (range(wins), range(wins, shared))
    ]
    new, old = (
        SampleRecords(
            classes=CLASSES,
            images=images,
            true=true,
            predicted=tuple((t + (not r)) % 4 for t, r in zip(true, right, strict=True)),
        )
        for right in rights
    )
    return new, old


def test_drawing_gives_what_enumerating_every_swap_gives() -> None:
    new, old = _differ_by(12, 1, 7)
    values = []
    for swaps in itertools.product((0, 1), repeat=12):
        sides = [
            [(a, b)[flip], (b, a)[flip]]
            for flip, a, b in zip(swaps, new.predicted, old.predicted, strict=True)
        ]
        mixed = [replace(new, predicted=tuple(side)) for side in zip(*sides, strict=True)]
        one, two = (compute_metrics(each)["macro_f1"] for each in mixed)
        values.append(abs(one - two))
    # The first of them swaps nothing.
    exact = sum(value >= values[0] - 1e-9 for value in values) / len(values)
    assert 0.02 < exact < 0.3
    drawn = compute_difference_p(new, old, "seed")["macro_f1"]
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 1000) + 0.001)


def test_many_images_are_judged_as_drawing_would_judge_them() -> None:
    new, old = _differ_by(4 * MOST_DRAWN, 60, 85)
    exact = compute_sign_p(60, 85)
    assert compute_difference_p(new, old, "seed")["accuracy"] == pytest.approx(exact, abs=0.02)
    apart = replace(old, images=())
    hits = [sum(map(int.__eq__, one.true, one.predicted)) for one in (new, old)]
    exact = compute_fisher_p(hits[0], new.count, hits[1], new.count)
    assert compute_difference_p(new, apart, "seed")["accuracy"] == pytest.approx(exact, abs=0.1)
    same = compute_difference_p(new, new, "seed")
    assert set(same.values()) == {1.0}


def test_the_interval_of_many_images_is_that_of_the_textbook() -> None:
    records = some_records(4000, 0.8, seed=5)
    found = estimate_intervals(records, "seed")
    p = compute_metrics(records)["accuracy"]
    width = 2 * 1.96 * math.sqrt(p * (1 - p) / 4000)
    assert found["accuracy"][1] - found["accuracy"][0] == pytest.approx(width, rel=0.2)
    low, high = found["loss"]
    assert low < compute_metrics(records)["loss"] < high
    assert high - low == pytest.approx(2 * 1.96 / math.sqrt(4000), rel=0.25)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    records = some_records(80, 0.8, seed=6)
    first, again, other = (estimate_intervals(records, seed)["loss"] for seed in ("a", "a", "b"))
    assert first == again != other


def test_one_image_alone_has_no_interval() -> None:
    assert estimate_intervals(some_records(1, 1.0, seed=7), "seed") == {}


def test_records_are_put_in_the_order_of_the_other_runs_images() -> None:
    records = some_records(30, 0.8, seed=8)
    turned = records.pick([*range(29, -1, -1)])
    assert align_records(records, turned) == records


@pytest.mark.parametrize(
    "others",
    [
        some_records(29, 0.8, seed=8),
        SampleRecords(classes=CLASSES, images=tuple(map(str, range(30))), true=(0,) * 30),
        SampleRecords(classes=("x", *CLASSES[1:]), images=some_records(30, 0.8, seed=8).images),
        SampleRecords(
            classes=CLASSES, images=some_records(30, 0.8, seed=8).images, true=(0,) * 30
        ),
    ],
    ids=["fewer images", "other images", "other classes", "another truth"],
)
def test_records_that_are_not_of_the_same_images_are_not_paired(others: SampleRecords) -> None:
    assert align_records(some_records(30, 0.8, seed=8), others) is None


def an_evaluation_of(**changes: object) -> dict[str, object]:
    samples: dict[str, object] = {
        "images": ["x", "y"],
        "true": [0, 1],
        "predicted": [1, 1],
        "confidence": [0.5, 0.9],
        "values": {"loss": [0.1, 2]},
    }
    return {"classes": ["a", "b"], "samples": {**samples, **changes}}


def test_records_are_read_as_they_were_written() -> None:
    assert parse_sample_records(an_evaluation_of()) == SampleRecords(
        classes=("a", "b"),
        images=("x", "y"),
        true=(0, 1),
        predicted=(1, 1),
        confidence=(0.5, 0.9),
        values={"loss": (0.1, 2.0)},
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"images": []},
        {"images": "xy"},
        {"true": [0, 2]},
        {"true": [0, 0.5]},
        {"predicted": [0]},
        {"predicted": [0, -1]},
        {"confidence": [0.5, None]},
        {"values": {"loss": [0.1]}},
        {"values": {"loss": "ab"}},
    ],
    ids=str,
)
def test_records_that_do_not_belong_together_are_left_out(changes: dict[str, object]) -> None:
    assert parse_sample_records(an_evaluation_of(**changes)) is None


def test_an_evaluation_without_records_or_with_values_alone_is_read() -> None:
    assert parse_sample_records({"classes": ["a"]}) is None
    only = {"images": ["x", "y"], "values": {"psnr": [30.0, 31.5]}}
    found = parse_sample_records({"classes": [], "samples": only})
    assert found is not None
    assert compute_metrics(found) == {"psnr": 30.75}
