"""A gate holds in the direction of its metric, however the miss of it is told."""

import pytest

from offline_drafts import WORLD, flat, said
from vtspec.adapters.metrics import METRICS
from vtspec.pipelines.drafting.offline import draft_offline
from vtspec.pipelines.drafting.offline.lexicon import iter_rows
from vtspec.pipelines.drafting.offline.vocabulary import fields
from vtspec.pipelines.drafting.result import ConversationState, Draft
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


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("yolo11n on helmets; map75 at least 0.6", "mAP75 >= 0.6"),
        ("yolo11n on helmets; small map at least 0.2", "mAP_small >= 0.2"),
        ("yolo11n-seg on parts; mask iou at least 0.7", "mask_iou >= 0.7"),
        ("yolo11n-pose on athletes; pck at least 0.8", "pck >= 0.8"),
    ],
)
def test_a_detectors_metrics_are_told_from_each_other(
    world: Repository, text: str, gate: str
) -> None:
    assert flat(said(world, text).data)["report.gates"] == [gate]


def test_every_metric_of_every_task_has_a_word() -> None:
    names = {metric.name for metrics in METRICS.values() for metric in metrics}
    assert names == {name for name, _ in iter_rows(fields.METRICS)}


def test_a_gate_that_was_turned_is_told(world: Repository) -> None:
    answer = said(world, "resnet50 on cats, fail if accuracy is below 0.9")

    (why,) = [each.why for each in answer.assumptions if each.field == "spec.report.gates"]
    assert why == "'accuracy is below 0.9', as what has to hold"


def answered(world: Repository, text: str, reply: str) -> Draft:
    """The answer to a reply, which was given to the question that a text is met with."""
    first = said(world, text)
    state = ConversationState(draft=first.data, question=first.question, texts=(reply,))
    return draft_offline(state, world)


@pytest.mark.parametrize(
    "text",
    [
        "검증 지표는 macro_f1",
        "지표는 f1로",
        "평가 지표 f1",
        "validation metric is macro_f1",
        "the metric is macro f1",
        "monitor macro_f1",
    ],
)
def test_the_metric_that_decides_is_monitored(world: Repository, text: str) -> None:
    answer = said(world, f"resnet50 on cats, {text}")

    assert answer.status == "complete", answer.question
    assert flat(answer.data)["training.checkpoint.monitor"] == "macro_f1"
    assert [each.value for each in answer.assumptions if not each.field] == []


def test_early_stopping_may_be_said_with_its_metric(world: Repository) -> None:
    found = flat(said(world, "cats resnet50, 조기 종료 지표는 f1").data)

    assert found["training.earlyStopping"] == {}
    assert found["training.checkpoint.monitor"] == "macro_f1"


@pytest.mark.parametrize(
    "text",
    [
        "평가 지표는 정확도 95% 이상",
        "정확도 지표 95% 이상",
        "the metric accuracy must be at least 0.95",
    ],
)
def test_a_metric_with_a_bound_is_a_gate_whatever_it_is_called(
    world: Repository, text: str
) -> None:
    answer = said(world, f"cats resnet50, {text}")

    assert flat(answer.data)["report.gates"] == ["accuracy >= 0.95"]
    assert "training.checkpoint.monitor" not in flat(answer.data)
    assert [each.value for each in answer.assumptions if not each.field] == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("macro_f1, 10 epochs", {"macro_f1"}),
        ("report the f1 metric", {"report", "f1", "metric"}),
        ("정확도 지표를 높게", {"정확도", "지표"}),
    ],
)
def test_a_metric_that_nothing_is_said_of_is_told(
    world: Repository, text: str, told: set[str]
) -> None:
    answer = said(world, f"cats resnet50, {text}")

    (left_out,) = [str(each.value) for each in answer.assumptions if not each.field]
    assert set(left_out.split()) == told
    assert "training.checkpoint.monitor" not in flat(answer.data)


@pytest.mark.parametrize(
    ("text", "field", "choices"),
    [
        ("no gate and accuracy at least 99%", "report.gates", ("none", "accuracy >= 0.99")),
        ("게이트 없이 정확도 99% 이상", "report.gates", ("none", "accuracy >= 0.99")),
        (
            "accuracy at least 0.9 and accuracy at most 0.5",
            "report.gates",
            ("accuracy >= 0.9", "accuracy > 0.5"),
        ),
        ("no export and ONNX", "export.formats", ("safetensors", "onnx")),
        ("내보내기 없이 onnx로", "export.formats", ("safetensors", "onnx")),
        ("without onnx, export onnx", "export.formats", ("safetensors", "onnx")),
        (
            "no augmentation and strong augmentation",
            "training.augmentation",
            ("none", "strong"),
        ),
        ("증강 없이, 강한 증강", "training.augmentation", ("none", "strong")),
        ("without warm-up, warm-up 3 epochs", "training.warmupEpochs", ("0", "3")),
        ("조기 종료 없이 patience 5", "training.earlyStopping.patience", ("none", "5")),
        ("without ema and ema decay 0.99", "training.ema.decay", ("none", "0.99")),
    ],
)
def test_words_that_contradict_each_other_are_asked_about_until_answered(
    world: Repository, text: str, field: str, choices: tuple[str, ...]
) -> None:
    text = f"resnet50 on cats, {text}"
    asked = said(world, text).question

    assert asked is not None
    assert (asked.field, asked.choices) == (f"spec.{field}", choices)
    for reply in choices:
        answer = answered(world, text, reply)
        assert answer.status == "complete", answer.question
        held = flat(answer.data).get(field)
        value = held[-1] if isinstance(held, list) else held
        assert (
            value == reply or str(held) in (reply, f"{reply}.0") or (held, reply) == (None, "none")
        )
    # other words leave it open
    assert answered(world, text, "batch 32").question == asked


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("no gate, actually accuracy at least 0.9", "report.gates", ["accuracy >= 0.9"]),
        ("기본 증강 말고 강한 증강", "training.augmentation", "strong"),
        ("do not export onnx", "export.formats", None),
        ("no export", "export.formats", None),
        ("no early stopping", "training.earlyStopping", None),
    ],
)
def test_what_is_corrected_or_only_negated_is_no_contradiction(
    world: Repository, text: str, field: str, value: object
) -> None:
    answer = said(world, f"resnet50 on cats, {text}")

    assert answer.status == "complete", answer.question
    assert flat(answer.data).get(field) == value


@pytest.mark.parametrize(
    ("reply", "gate"),
    [("accuracy", "accuracy >= 0.9"), ("loss <= 0.9", "loss <= 0.9"), ("3", "macro_f1 >= 0.9")],
)
def test_a_bound_without_a_metric_is_answered_with_the_metric(
    world: Repository, reply: str, gate: str
) -> None:
    answer = answered(world, "cats resnet50 gate 0.9", reply)

    assert answer.status == "complete", answer.question
    assert flat(answer.data)["report.gates"] == [gate]
