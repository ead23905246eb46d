"""Captions, held against figures of COCO's own code and against sacrebleu."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sacrebleu

from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.captioning import CaptioningMetrics, cut_words
from vtspec.adapters.metrics import METRICS

# Twenty-five captions with their references, and what pycocoevalcap 1.2 makes of them: it is not
# installed here, being 100 MB of Java for other metrics.
RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("captions.json").read_text())


def measure(rows: list[dict[str, Any]]) -> CaptioningMetrics:
    metrics = CaptioningMetrics()
    for row in rows:
        metrics.update(row["image"], row["references"], row["caption"])
    return metrics


def test_figures_equal_those_of_cocos_own_code() -> None:
    metrics = measure(RECORDED["captions"])
    found, values = metrics.compute(), metrics.build_details()["samples"]["values"]
    assert set(found) == {one.name for one in METRICS[TaskType.IMAGE_CAPTIONING]} - {"loss"}
    for name in found:
        assert found[name] == pytest.approx(RECORDED[name], abs=1e-9)
    for name in ("cider", "rouge_l"):
        expected = [row[name] for row in RECORDED["captions"]]
        assert values[name] == pytest.approx(expected, abs=1e-6)
    assert np.mean(values["bleu4"]) == pytest.approx(found["bleu4"], abs=1e-6)


def test_bleu_equals_that_of_sacrebleu() -> None:
    rows = [row for row in RECORDED["captions"] if len(row["references"]) >= 3]
    streams = [[row["references"][n] for row in rows] for n in range(3)]
    told = sacrebleu.corpus_bleu(
        [row["caption"] for row in rows], streams, tokenize="none", smooth_method="none"
    )
    three = [{**row, "references": row["references"][:3]} for row in rows]
    assert measure(three).compute()["bleu4"] == pytest.approx(told.score / 100)


def test_without_any_run_of_four_words_in_common_bleu_is_zero() -> None:
    metrics = measure([{"image": "a", "references": ["one two three four"], "caption": "one two"}])
    assert metrics.compute()["bleu4"] == 0.0


def test_words_are_letters_and_digits_in_lower_case_whatever_stands_between() -> None:
    text = "A man's dog\u2014no 2, the (RED) one!"
    assert cut_words(text) == ["a", "man's", "dog", "no", "2", "the", "red", "one"]
    shown = {"image": "a", "references": ["The dog, at last, sleeps."]}
    twice = [
        {**shown, "caption": "the dog at last sleeps"},
        {**shown, "references": ["a cat"], "caption": "a cat"},
    ]
    assert measure(twice).compute()["rouge_l"] == pytest.approx(1.0)


def test_a_caption_without_references_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.png: no reference"):
        CaptioningMetrics().update("a.png", [], "a cat")
