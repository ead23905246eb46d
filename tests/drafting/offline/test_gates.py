"""A gate holds in the direction of its metric, however the miss of it is told."""

import pytest

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.project.repository import Repository, find_repository


@pytest.fixture(scope="module")
def world() -> Repository:
    return find_repository(WORLD)


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("20 epochs and fail if accuracy is below 0.9", "accuracy >= 0.9"),
        ("accuracy has to be at least 85%, otherwise the gate should fail", "accuracy >= 0.85"),
        ("fail when accuracy drops under 0.9", "accuracy >= 0.9"),
        ("don't pass it if accuracy is less than 90%", "accuracy >= 0.9"),
        ("reject it if the loss is above 0.3", "loss <= 0.3"),
        ("it fails unless accuracy is more than 0.9", "accuracy > 0.9"),
        ("accuracy >= 0.9, else fail", "accuracy >= 0.9"),
        ("accuracy should not fall below 0.92", "accuracy >= 0.92"),
        ("정확도 0.9 미만이면 실패", "accuracy >= 0.9"),
        ("정확도 0.9 이상 안 나오면 불합격", "accuracy >= 0.9"),
        ("정확도 0.9 못 넘으면 탈락", "accuracy > 0.9"),
        ("손실이 0.3을 넘으면 실패", "loss <= 0.3"),
        ("손실 목표 0.3", "loss <= 0.3"),
        ("정확도 95프로 넘고", "accuracy > 0.95"),
    ],
)
def test_a_gate_keeps_its_direction(world: Repository, text: str, gate: str) -> None:
    answer = said(world, f"resnet50 on cats; {text}")

    assert answer.status == "complete", answer.question
    assert flat(answer.data)["report.gates"] == [gate]
    assert [each.value for each in answer.assumptions if not each.field] == []


def test_a_gate_that_was_turned_is_told(world: Repository) -> None:
    answer = said(world, "resnet50 on cats, fail if accuracy is below 0.9")

    (why,) = [each.why for each in answer.assumptions if each.field == "spec.report.gates"]
    assert why == "'accuracy is below 0.9', as what has to hold"
