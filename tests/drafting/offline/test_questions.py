"""What is missing, contradictory or unknown is asked, at the field where it is."""

import pytest

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.drafting.offline.korean_particles import append_particle
from vtspec.pipelines.project.repository import Repository, find_repository


@pytest.fixture(scope="module")
def world() -> Repository:
    return find_repository(WORLD)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("resnet18 for 40 epochs", "spec.dataset.ref"),
        ("detection with 80 epochs", "spec.dataset.ref"),
        ("hello", "spec.dataset.ref"),
        ("도와주세요", "spec.dataset.ref"),
        ("강아지 데이터로 resnet18 20에폭", "spec.dataset.ref"),
        ("train resnet18 on imagenet", "spec.dataset.ref"),
        ("cats랑 flowers로 resnet50", "spec.dataset.ref"),
        ("cats로 객체 탐지", "spec.dataset.ref"),
        ("parts, 60 epochs", "spec.task"),
        ("resnet5000 on cats", "spec.model.name"),
        ("cats with foobarnet-50", "spec.model.name"),
        ("digits를 미스테리넷으로 학습해줘", "spec.model.name"),
        ("captioning on captions-ko with blip large", "spec.model.name"),
        ("efficientnet b42 flowers 20 에폭", "spec.model.name"),
        ("yolo11n on cats", "spec.model.name"),
        ("resnet18 or resnet50 on cats", "spec.model.name"),
        ("cats 4종류 분류", "spec.dataset.classes"),
        ("cats, but only siamese and maine-coon", "spec.dataset.classes"),
        ("cats resnet18 0 epochs", "spec.training.epochs"),
        ("cats resnet18 마이너스 5 에폭", "spec.training.epochs"),
        ("cats resnet18 2.5 epochs", "spec.training.epochs"),
        ("cats resnet18 learning rate of -1", "spec.training.learningRate"),
        ("cats resnet18 batch size 1.5", "spec.training.batchSize"),
        ("cats resnet18 memory 0GB", "spec.resources.memory"),
        ("cats resnet18 메모리 8GB, 메모리 16GB", "spec.resources.memory"),
        ("cats resnet18 within 2~4 hours", "spec.resources.maxDuration"),
        ("cats resnet18 10~20 에폭", "spec.training.epochs"),
        ("cats resnet18 between ten and twenty epochs", "spec.training.epochs"),
        ("cats resnet18 lr 1e-4 to 1e-2", "spec.training.learningRate"),
        ("cats resnet18 30 epochs or 50 epochs", "spec.training.epochs"),
        ("cats resnet18 optimizer sgd, optimizer adam", "spec.training.optimizer"),
        ("cats resnet18 on a V100", "spec.resources.gpuType"),
        ("cats resnet18 on an MI250", "spec.resources.gpuType"),
        ("cats resnet18 l4랑 t4로", "spec.resources.gpuType"),
        ("like birds-resnet50 but 10 epochs", "metadata.name"),
        ("zebra-baseline에서 배치만 두 배", "metadata.name"),
        ("cats resnet18, compare with dogs-resnet50", "spec.report.baseline"),
        ("cats resnet18 mIoU at least 0.7", "spec.report.gates"),
        ("digits softmax regression 10에폭 사전학습된 가중치로", "spec.model.pretrained"),
    ],
)
def test_the_question_is_at_its_field(world: Repository, text: str, field: str) -> None:
    asked = said(world, text)
    assert asked.status == "question", asked.data
    assert asked.question is not None
    assert asked.question.field == field


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("물체 탐지 모델 만들고 싶어요", {"street", "helmets", "parts"}),
        ("parts 학습", {"object-detection", "instance-segmentation"}),
        ("yolo11s on flowers", {"yolo11s-cls"}),
        ("resnet18 on cats, 50 epochs, 100 epochs", {"50", "100"}),
        ("V100으로 cats resnet50", {"t4", "l4", "a100-80", "h100"}),
        ("like birds-resnet50 but 10 epochs", {"cats-resnet50"}),
        ("segmentation with digits", {"roads"}),
    ],
)
def test_choices_are_what_exists(world: Repository, text: str, choices: set[str]) -> None:
    asked = said(world, text)
    assert asked.question is not None
    assert choices <= set(asked.question.choices)


def test_a_contradiction_is_asked_before_what_is_missing(world: Repository) -> None:
    asked = said(world, "resnet18 with 50 epochs, 80 epochs on a V100")
    assert asked.question is not None
    assert asked.question.field == "spec.training.epochs"


def test_what_waits_for_its_own_question_is_said(world: Repository) -> None:
    asked = said(world, "cats resnet18 10~20 epochs, batch 16~32")
    waiting = {each.field: each.value for each in asked.assumptions}
    assert waiting["spec.training.batchSize"] == "16-32"


def test_a_draft_beside_a_question_holds_only_what_was_said(world: Repository) -> None:
    asked = said(world, "resnet18 with a batch of 64")
    assert flat(asked.data) == {
        "apiVersion": "vtspec.dev/v1alpha1",
        "kind": "Experiment",
        "metadata": {},
        "model.name": "resnet18",
        "model.pretrained": True,
        "training.batchSize": 64,
    }


def test_questions_are_in_the_language_of_the_person(world: Repository) -> None:
    korean, english = (
        said(world, "resnet18로 학습").question,
        said(world, "train resnet18").question,
    )
    assert korean is not None
    assert english is not None
    assert korean.text == (
        "데이터셋은 cats, chest-xray, digits, flowers, photo-tags 중 어느 것인가요?"
    )
    assert english.text == "Which dataset is it: cats, chest-xray, digits, flowers, photo-tags?"


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("모델", "은", "모델은"),
        ("데이터", "은", "데이터는"),
        ("서울", "으로", "서울로"),
        ("집", "으로", "집으로"),
        ("cats", "을", "cats를"),
        ("yolo11n", "은", "yolo11n은"),
        ("50", "이", "50이"),
        ("4", "과", "4와"),
        ("'digits'", "이라는", "'digits'라는"),
    ],
)
def test_particles_follow_the_sound_of_the_word(word: str, particle: str, expected: str) -> None:
    assert append_particle(word, particle) == expected
