"""Edits of what exists, answers to questions, and data that is registered."""

from typing import Any

import pytest

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.drafting.offline import draft_offline
from vtspec.pipelines.drafting.result import ConversationState, Draft, Question
from vtspec.pipelines.project.repository import Repository, find_repository


@pytest.fixture(scope="module")
def world() -> Repository:
    return find_repository(WORLD)


def talk(world: Repository, *texts: str) -> Draft:
    """The last answer of a conversation in which each text is answered."""
    last = said(world, texts[0])
    for text in texts[1:]:
        state = ConversationState(draft=last.data, question=last.question, texts=(text,))
        last = draft_offline(state, world)
    return last


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cats-resnet50이랑 똑같이 하되 학습률만 절반", {"training.learningRate": 0.0005}),
        ("cats-resnet50에서 배치만 두 배", {"training.batchSize": 128}),
        ("cats-resnet50 배치 4분의 1로", {"training.batchSize": 16}),
        ("same as digits-resnet18 but with 20 more epochs", {"training.epochs": 30}),
        ("take street-yolo11n and add 50 epochs", {"training.epochs": 150}),
        ("digits-resnet18 but 30% more epochs", {"training.epochs": 13}),
        ("flowers-vit에서 학습률 30% 낮추고", {"training.learningRate": 0.00021}),
        ("flowers-vit with a tenth of the learning rate", {"training.learningRate": 0.00003}),
        ("like cats-resnet50 with learning rate 10x", {"training.learningRate": 0.01}),
        ("cats-resnet50 처럼, 시간 제한만 두 배", {"resources.maxDuration": "8h"}),
        ("flowers-vit처럼 메모리만 절반", {"resources.memory": "16Gi"}),
        ("flowers-vit 기반으로 메모리 8GB 더", {"resources.memory": "40Gi"}),
        ("like cats-resnet50 but drop the gates", {"report.gates": None}),
        ("like cats-resnet50, accuracy at least 93%", {"report.gates": ["accuracy >= 0.93"]}),
        ("like flowers-vit without a warm-up", {"training.warmupEpochs": None}),
        ("flowers-vit처럼, gpu 없이", {"resources.gpus": 0, "resources.gpuType": None}),
        ("like cats-resnet50 but increase epochs to 80", {"training.epochs": 80}),
        ("change the batch size of cats-resnet50 from 64 to 32", {"training.batchSize": 32}),
        ("cats-resnet50 복사, 사전학습 끄고", {"model.pretrained": False}),
    ],
)
def test_an_edit_changes_what_was_said(
    world: Repository, text: str, expected: dict[str, Any]
) -> None:
    drafted = said(world, text)
    assert drafted.status == "complete", drafted.question
    assert {key: flat(drafted.data).get(key) for key in expected} == expected


def test_an_edit_keeps_everything_else_and_takes_a_new_name(world: Repository) -> None:
    drafted = said(world, "cats-resnet50이랑 똑같이 하되 에폭만 두 배")
    before = flat(world.sound_experiments["cats-resnet50"])
    after = flat(drafted.data)
    changed = {key for key in before if before[key] != after.get(key)}
    assert changed == {"metadata.name", "training.epochs"}
    assert after["metadata.name"] == "cats-resnet50-2"


def test_another_dataset_or_model_names_the_edit_anew(world: Repository) -> None:
    names = [
        flat(said(world, text).data)["metadata.name"]
        for text in ("like flowers-vit but on cats", "cats-resnet50처럼 하되 모델은 resnet101로")
    ]
    assert names == ["cats-vit-base-patch16-224", "cats-resnet101"]


def test_an_edit_to_a_model_of_another_framework_is_sound(world: Repository) -> None:
    drafted = said(world, "cats-resnet50처럼 하되 모델은 yolo11n-cls로")
    assert flat(drafted.data).get("framework") is None
    assert filter_errors(find_problems(drafted.data or {}, world)) == []


def test_a_misspelt_base_is_found_and_said(world: Repository) -> None:
    drafted = said(world, "like cats-resnt50 but 100 epochs")
    assert flat(drafted.data)["training.batchSize"] == 64
    assert "cats-resnt50" in [each.value for each in drafted.assumptions]


@pytest.mark.parametrize(
    ("texts", "field", "value"),
    [
        (("resnet18로 학습해줘", "flowers"), "dataset.ref", "flowers"),
        (("resnet18로 학습해줘", "두 번째"), "dataset.ref", "chest-xray"),
        (("resnet18로 학습해줘", "2번"), "dataset.ref", "chest-xray"),
        (("train resnet18", "3"), "dataset.ref", "digits"),
        (("train resnet18", "the last one, and 27 epochs please"), "training.epochs", 27),
        (("train resnet18", "아무거나"), "dataset.ref", "cats"),
        (("train a model", "cats please", "use vit"), "model.name", "vit_base_patch16_224"),
        (("parts 학습", "1번"), "task", "object-detection"),
        (("cats resnet50 0 에폭", "백으로 해주세요"), "training.epochs", 100),
        (("cats resnet50 lr 1e-4~1e-2", "0.001"), "training.learningRate", 0.001),
        (("cats resnet18 10~20 epochs", "the second one"), "training.epochs", 20),
        (("cats resnet18 memory 0GB", "16GB"), "resources.memory", "16Gi"),
        (("cats resnet18 메모리 8GB, 메모리 16GB", "두 번째"), "resources.memory", "16Gi"),
        (("yolo11n on cats", "yes, 1"), "model.name", "yolo11n-cls"),
        (("resnet5000 on cats", "resnet50"), "model.name", "resnet50"),
        (("like birds-resnet50 but 10 epochs", "cats-resnet50"), "training.batchSize", 64),
        (("like birds-resnet50 but 10 epochs", "cats-resnet50"), "training.epochs", 10),
        (("dogs 데이터로 resnet18", "그럼 flowers로"), "dataset.ref", "flowers"),
        (("V100으로 cats resnet50", "l4"), "resources.gpuType", "l4"),
        (("cats 4종류 분류", "siamese랑 persian"), "dataset.classes", ["siamese", "persian"]),
        (("cats 4종류 분류", "전부"), "dataset.ref", "cats"),
        (("cats resnet18", "배치 두 배로"), "training.batchSize", 64),
        (("cats resnet18", "이름은 abc로"), "metadata.name", "abc"),
        (("cats resnet18 early stopping", "조기 종료는 빼줘"), "training.earlyStopping", None),
        (("cats resnet18 optimizer sgd, optimizer adam", "adam"), "training.optimizer", "adam"),
    ],
)
def test_an_answer_is_the_value_that_was_asked_for(
    world: Repository, texts: tuple[str, ...], field: str, value: Any
) -> None:
    drafted = talk(world, *texts)
    assert drafted.status == "complete", drafted.question
    assert flat(drafted.data).get(field) == value


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        (("resnet18로 학습해줘", "코끼리"), "spec.dataset.ref"),
        (("resnet18로 학습해줘", "quuxdata"), "spec.dataset.ref"),
        (("resnet5000 on cats", "blorpnet"), "spec.model.name"),
        (("V100으로 cats resnet50", "zz9"), "spec.resources.gpuType"),
        (("resnet18로 학습해줘", "네"), "spec.dataset.ref"),
        (("cats resnet18 0 epochs", "-3"), "spec.training.epochs"),
    ],
)
def test_an_answer_that_nothing_resembles_is_asked_about_again(
    world: Repository, texts: tuple[str, ...], field: str
) -> None:
    asked = talk(world, *texts)
    assert asked.question is not None
    assert asked.question.field == field


def test_a_draft_keeps_its_name_and_forgets_who_signed_it(world: Repository) -> None:
    first = said(world, "cats resnet18")
    assert first.data is not None
    notes = {"vtspec.dev/draft-words": "sha256:0", "team": "a"}
    signed = {**first.data, "metadata": {"name": "mine", "annotations": notes}}
    drafted = draft_offline(
        ConversationState(draft=signed, question=None, texts=("100 epochs",)), world
    )
    assert drafted.data is not None
    assert drafted.data["metadata"] == {"name": "mine", "annotations": {"team": "a"}}


def test_a_made_name_follows_its_model(world: Repository) -> None:
    drafted = talk(world, "cats resnet18", "모델을 resnet34로 바꿔줘")
    assert flat(drafted.data)["metadata.name"] == "cats-resnet34"


def test_a_name_that_was_asked_for_is_taken_from_the_answer(world: Repository) -> None:
    asked = Question(field="metadata.name", text="What is it called?")
    first = said(world, "cats resnet18")
    drafted = draft_offline(
        ConversationState(draft=first.data, question=asked, texts=("sunny-day",)), world
    )
    assert flat(drafted.data)["metadata.name"] == "sunny-day"


@pytest.mark.parametrize(
    "text",
    [
        "data/birds 폴더를 birds 데이터셋으로 등록해줘, coco, 객체 탐지, 클래스는 sparrow, crow",
        "register data/birds as birds: coco, for object detection, classes sparrow and crow",
    ],
)
def test_data_is_registered(world: Repository, text: str) -> None:
    drafted = said(world, text)
    assert drafted.status == "complete", drafted.question
    assert drafted.data == {
        "apiVersion": "vtspec.dev/v1alpha1",
        "kind": "Dataset",
        "metadata": {"name": "birds"},
        "spec": {
            "source": {"dvc": {"path": "data/birds"}},
            "format": "coco",
            "tasks": ["object-detection"],
            "classes": ["sparrow", "crow"],
            "splits": {
                "train": {"path": "train", "annotations": "annotations/train.json"},
                "val": {"path": "val", "annotations": "annotations/val.json"},
            },
        },
    }


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        (("새 데이터셋을 등록하고 싶어요",), "spec.source.dvc.path"),
        (("register data/birds as birds",), "spec.tasks"),
        (("data/birds를 birds로 등록해줘, 이미지 분류용",), "spec.classes"),
        (("data/birds를 birds로 등록해줘, voc 형식, 의미 분할, 클래스는 a, b",), "spec.format"),
    ],
)
def test_what_data_lacks_is_asked(world: Repository, texts: tuple[str, ...], field: str) -> None:
    asked = talk(world, *texts)
    assert asked.question is not None
    assert asked.question.field == field


def test_data_is_registered_answer_by_answer(world: Repository) -> None:
    drafted = talk(
        world, "새 데이터셋을 등록하고 싶어요", "data/birds요", "분류", "참새, 까마귀, 비둘기"
    )
    assert drafted.status == "complete", drafted.question
    assert flat(drafted.data)["classes"] == ["참새", "까마귀", "비둘기"]
    assert flat(drafted.data)["metadata.name"] == "birds"
    assert {"spec.source.dvc.path", "spec.format", "spec.splits"} <= {
        each.field for each in talk(world, "data/x를 x로 등록, 초해상도").assumptions
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("street에서 버스 말고 다 탐지, yolo11n", ["person", "bicycle", "car", "truck",
                                                 "traffic-light"]),
        ("car 말고는 다 제외하고 street 탐지, yolo11m", ["car"]),
        ("digits 중에 3이랑 7만 구분, resnet18", ["3", "7"]),
        ("Leave person and bicycle out of street, yolo11m", ["car", "bus", "truck",
                                                             "traffic-light"]),
        ("cats, all three breeds, resnet18", None),
    ],
)  # fmt: skip
def test_classes_are_chosen_and_left_out(
    world: Repository, text: str, expected: list[str] | None
) -> None:
    drafted = said(world, text)
    assert drafted.status == "complete", drafted.question
    assert flat(drafted.data).get("dataset.classes") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("street yolo11n, mAP50 below 0.6 is a fail", ["mAP50 >= 0.6"]),
        ("receipts ocr, cer은 3%를 넘으면 안 돼", ["cer <= 0.03"]),
        ("rooms, abs_rel must not exceed 12 percent", ["abs_rel <= 0.12"]),
        ("cats resnet18, at least 95% accuracy", ["accuracy >= 0.95"]),
        ("chest-xray resnet18 f1 0.9 이상, 재현율 90% 초과", [
            "macro_f1 >= 0.9", "macro_recall > 0.9"]),
        ("photo-tags multilabel, mAP at least 0.5", ["mAP >= 0.5"]),
        ("cats resnet18 accuracy 0.9 목표", ["accuracy >= 0.9"]),
    ],
)  # fmt: skip
def test_gates_say_what_has_to_hold(world: Repository, text: str, expected: list[str]) -> None:
    assert flat(said(world, text).data)["report.gates"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cats-resnet50 but no gpu", {"resources.gpus": 0, "resources.gpuType": None}),
        ("cats-resnet50에서 gpu 하나 더", {"resources.gpus": 2}),
        ("cats resnet18 on a gpu", {"resources.gpus": 1}),
        ("cats-resnet50, CPU로만 돌려줘", {"resources.gpus": 0, "resources.gpuType": None}),
        ("cats-resnet50 not on l4 but on a100", {"resources.gpuType": "a100-80"}),
        ("cats resnet18 two A100 80GB", {"resources.gpus": 2, "resources.gpuType": "a100-80"}),
        ("cats resnet18 A100 80GB x2", {"resources.gpus": 2}),
        ("gpu 3장 l4로 cats resnet18 배치 33", {"resources.gpus": 3, "resources.gpuType": "l4"}),
    ],
)
def test_gpus_are_counted(world: Repository, text: str, expected: dict[str, Any]) -> None:
    drafted = said(world, text)
    assert drafted.status == "complete", drafted.question
    assert {key: flat(drafted.data).get(key) for key in expected} == expected


def test_start_from_a_run_is_its_weights(world: Repository) -> None:
    drafted = said(world, "cats resnet50 with weights from cats-resnet50")
    assert flat(drafted.data)["model.weights"] == "run:cats-resnet50"
    assert flat(drafted.data).get("model.pretrained") is None
