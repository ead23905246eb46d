"""Error rates of text, held against jiwer and cases by hand."""

import json
import random

import jiwer
import numpy as np
import pytest

from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.ocr import OcrMetrics
from vtspec.adapters.metrics import METRICS


def some_texts(seed: int, count: int) -> list[tuple[str, str]]:
    drawn = random.Random(seed)
    made = []
    for _ in range(count):
        words = ["".join(drawn.choices("abcde", k=drawn.randint(1, 6))) for _ in range(5)]
        read = [word if drawn.random() < 0.7 else word[1:] + drawn.choice("xyz") for word in words]
        made.append((" ".join(words), " ".join(read[: drawn.randint(3, 5)])))
    return made


def measure(texts: list[tuple[str, str]]) -> OcrMetrics:
    metrics = OcrMetrics()
    for n, (truth, read) in enumerate(texts):
        metrics.update(f"{n}.png", truth, read)
    return metrics


@pytest.mark.parametrize("seed", range(3))
def test_rates_equal_those_of_jiwer(seed: int) -> None:
    texts = some_texts(seed, 40)
    found = measure(texts).compute()
    assert set(found) == {metric.name for metric in METRICS[TaskType.OCR]} - {"loss"}
    truth, read = (list(each) for each in zip(*texts, strict=True))
    assert found["cer"] == pytest.approx(jiwer.cer(truth, read))
    assert found["wer"] == pytest.approx(jiwer.wer(truth, read))
    assert found["exact_match"] == sum(a == b for a, b in texts) / 40


def test_two_ways_to_write_one_letter_and_more_white_space_are_no_error() -> None:
    metrics = measure([("cafe\u0301  noir", " caf\u00e9 noir\n")])
    assert metrics.compute() == {"cer": 0.0, "wer": 0.0, "exact_match": 1.0}
    assert metrics.build_details()["worst"] == []


def test_a_rate_may_be_above_one_and_reading_where_nothing_stands_is_an_error() -> None:
    assert measure([("a", "bcd")]).compute()["cer"] == 3.0
    assert measure([("", "ab")]).compute() == {"cer": 2.0, "wer": 1.0, "exact_match": 0.0}


def test_the_worst_texts_come_first() -> None:
    metrics = measure([("abc", "abd"), ("abc", "abc"), ("abc", "xyz")])
    details = metrics.build_details()
    assert [(one["image"], one["edits"]) for one in details["worst"]] == [
        ("2.png", 3),
        ("0.png", 1),
    ]
    assert json.loads(json.dumps(details, allow_nan=False)) == details


def test_the_values_of_images_have_the_metric_as_their_mean_and_its_spread() -> None:
    texts = some_texts(1, 200)
    metrics = measure(texts)
    found, samples = metrics.compute(), metrics.build_details()["samples"]
    drawn = np.random.default_rng(0)
    anew = [measure([texts[n] for n in drawn.integers(0, 200, 200)]).compute() for _ in range(200)]
    for name, column in samples["values"].items():
        assert np.mean(column) == pytest.approx(found[name], abs=1e-5)
        expected = np.std([one[name] for one in anew])
        assert np.std(column) / 200**0.5 == pytest.approx(expected, rel=0.2)
