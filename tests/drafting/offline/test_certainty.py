"""A value that cannot be read with certainty is reckoned, asked about, or told; never guessed."""

import copy
from typing import Any

import pytest

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.drafting.offline import draft_offline
from vtspec.pipelines.drafting.result import ConversationState, Draft
from vtspec.pipelines.project.repository import Repository, find_repository

CATS = "cats resnet50 "


@pytest.fixture(scope="module")
def world() -> Repository:
    return find_repository(WORLD)


def talked(world: Repository, *texts: str, draft: Any = None) -> Draft:
    """The last answer of a conversation, each message after the answer to the one before."""
    answer = draft_offline(ConversationState(draft=draft, question=None, texts=texts[:1]), world)
    for text in texts[1:]:
        answer = draft_offline(
            ConversationState(draft=answer.data, question=answer.question, texts=(text,)), world
        )
    return answer


def changed(world: Repository, base: str, *texts: str) -> Draft:
    """The answer where a conversation begins with an experiment."""
    draft = copy.deepcopy(dict(world.sound_experiments[base]))
    draft["metadata"] = {**draft["metadata"], "name": f"{base}-9"}
    return talked(world, *texts, draft=draft)


def told(answer: Draft) -> str:
    """The words that were not understood, or are asked about."""
    words = [str(each.value) for each in answer.assumptions if not each.field]
    return " ".join([*words, answer.question.text if answer.question is not None else ""])


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("lr 3·10⁻⁴", "training.learningRate", 0.0003),
        ("lr 3 * 10^-4", "training.learningRate", 0.0003),
        ("5x10^-4 lr", "training.learningRate", 0.0005),
        ("lr 1e-3 \u00d7 2", "training.learningRate", 0.002),
        ("lr 0.001 times 3", "training.learningRate", 0.003),
        ("lr 1e-3/2", "training.learningRate", 0.0005),
        ("lr 1‰", "training.learningRate", 0.001),
        ("lr 1 over 1000", "training.learningRate", 0.001),
        ("lr one thousandth", "training.learningRate", 0.001),
        ("lr 1/1000", "training.learningRate", 0.001),
        ("momentum 9/10", "training.momentum", 0.9),
        ("label smoothing 1/10", "training.labelSmoothing", 0.1),
        ("학습률 천분의 일", "training.learningRate", 0.001),
        ("학습률 만분의 3", "training.learningRate", 0.0003),
        ("에폭 스물 다섯", "training.epochs", 25),
        ("배치 예순 넷", "training.batchSize", 64),
        ("이백 오십 에폭", "training.epochs", 250),
        ("백 이십 에폭", "training.epochs", 120),
        ("에폭 3십", "training.epochs", 30),
        ("百 epochs", "training.epochs", 100),
        ("에폭 오십 다섯", "training.epochs", 55),
        ("삼십 오 에폭", "training.epochs", 35),
        ("20+5 epochs", "training.epochs", 25),
        ("epochs ~50", "training.epochs", 50),
        ("lr 0,1", "training.learningRate", 0.1),
        ("two dozen epochs", "training.epochs", 24),
        ("30 epochs, warmup half an epoch", "training.warmupEpochs", 0.5),
        ("30 epochs, warm up 10% of the epochs", "training.warmupEpochs", 3.0),
        ("30 epochs of which 5 are warmup", "training.warmupEpochs", 5.0),
        ("5에폭 워밍업 후 30에폭", "training.epochs", 30),
        ("Learning rate? 0.003. Optimizer: SGD", "training.learningRate", 0.003),
        ("no weight decay", "training.weightDecay", 0.0),
        ("batch 32/gpu", "training.batchSize", 32),
        ("50ep/128bs", "training.batchSize", 128),
        ("ignore the previous 50 epochs, use 30", "training.epochs", 30),
    ],
)
def test_a_number_in_parts_is_one_number(
    world: Repository, text: str, path: str, value: float
) -> None:
    answer = said(world, CATS + text)

    assert (answer.status, flat(answer.data).get(path)) == ("complete", value)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("batch 8 x 4 accumulation", "training.batchSize"),
        ("배치 256 x 8", "training.batchSize"),
        ("3 x 10 epochs", "training.epochs"),
        ("½ epochs", "training.epochs"),
        ("gpu 3/4", "resources.gpus"),
        ("lr 0.01 0.1", "training.learningRate"),
        ("lr 0.001/0.01", "training.learningRate"),
        ("batch 32 64", "training.batchSize"),
        ("memory 16 x 2 GB", "resources.memory"),
        ("lr minus one", "training.learningRate"),
        ("epochs=50 epochs=60", "training.epochs"),
        ("에폭 50 내지 60", "training.epochs"),
        ("run three seeds 1, 2, 3", "training.seed"),
        ("에폭 5로 학습하고 워밍업은 10", "training.warmupEpochs"),
    ],
)
def test_what_is_no_single_value_is_asked_about(world: Repository, text: str, path: str) -> None:
    answer = said(world, CATS + text)

    assert answer.question is not None
    assert (answer.question.field, flat(answer.data).get(path)) == (f"spec.{path}", None)


@pytest.mark.parametrize(
    ("text", "words", "path"),
    [
        ("validation every 5 epochs", "5", "training.epochs"),
        ("lr 0.1 dropping by 10 every 30 epochs", "30", "training.epochs"),
        ("50 epochs 32", "32", "training.batchSize"),
        ("onnx fp16으로 내보내기", "fp16", "training.precision"),
        ("early stopping on f1", "f1", "training.checkpoint.monitor"),
        ("제일 정확한 모델", "제일 정확한 모델", "training.scheduler"),
        ("정확도 90 아니면 top 1 이상", "top 1", "report.gates"),
    ],
)
def test_what_has_no_field_is_told_and_is_no_other_fields(
    world: Repository, text: str, words: str, path: str
) -> None:
    answer = said(world, CATS + text)
    kept = flat(answer.data).get(path)

    assert words in told(answer)
    assert kept in (None, 50)


def test_the_side_of_images_before_a_batch_size_is_not_the_batch_size(
    world: Repository,
) -> None:
    answer = said(world, "YOLO11 extra large on street 640 batch 16")

    assert flat(answer.data)["training.batchSize"] == 16
    assert "640" in told(answer)


@pytest.mark.parametrize(
    "text",
    [
        "bigger model", "큰 모델로", "twice as long", "두 배 오래", "double everything",
        "less augmentation", "bigger images", "학습률은 작게, 에폭은 많이", "start over",
        "undo that",
        "actually start over", "원래대로", "한 번 더 두 배", "처음부터 다시", "취소",
    ],
)  # fmt: skip
def test_a_wish_without_a_value_changes_nothing_and_is_told_or_asked(
    world: Repository, text: str
) -> None:
    answer = changed(world, "cats-resnet50", text)

    assert answer.data is not None
    assert answer.data["spec"] == world.sound_experiments["cats-resnet50"]["spec"]
    assert text.split(",")[0].split()[0][:2] in told(answer)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("cats-resnet50에서 학습률 낮춰서 다시", "training.learningRate"),
        ("digits-resnet18 실험에서 학습률 좀 낮춰서 다시 돌려줘", "training.learningRate"),
        ("cats-resnet50, increase the learning rate a bit", "training.learningRate"),
        ("like cats-resnet50, tune the lr", "training.learningRate"),
        ("change the batch size of cats-resnet50", "training.batchSize"),
        ("cats-resnet50처럼, 배치는 메모리 되는대로 최대한", "training.batchSize"),
        ("cats resnet50, raise the weight decay", "training.weightDecay"),
        ("like flowers-vit but warm-up slightly longer", "training.warmupEpochs"),
        ("like cats-resnet50 but train longer", "training.epochs"),
        ("cats-resnet50, stronger augmentation", "training.augmentation"),
        ("like cats-resnet50 with a bigger model", "model.name"),
    ],
)
def test_a_change_without_a_value_is_asked_about(world: Repository, text: str, path: str) -> None:
    answer = said(world, text)

    assert answer.question is not None
    assert answer.question.field == f"spec.{path}"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("0.0003",), 0.0003),
        (("절반",), 0.0005),
        (("a third",), 0.001 / 3),
        (("글쎄", "2e-4로"), 0.0002),
        (("그냥 기본",), None),
    ],
)
def test_the_answer_to_how_much_counts_from_what_is_there(
    world: Repository, texts: tuple[str, ...], expected: float | None
) -> None:
    answer = talked(world, "cats-resnet50에서 학습률 낮춰서 다시", *texts)

    assert answer.status == "complete"
    found = flat(answer.data).get("training.learningRate")
    assert found == (None if expected is None else pytest.approx(expected))
    assert flat(answer.data)["training.batchSize"] == 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I think the learning rate was too high last time on cats-resnet50. "
         "Could you try a third of that?", {"training.learningRate": pytest.approx(0.001 / 3)}),
        ("배치 64에서 32로 줄이고 lr도 그에 맞게 절반으로 (cats-resnet50 기준)",
         {"training.batchSize": 32, "training.learningRate": 0.0005}),
        ("like digits-resnet18, half of the usual number of epochs", {"training.epochs": 5}),
    ],
)  # fmt: skip
def test_a_part_of_what_was_named_before_is_of_that(
    world: Repository, text: str, expected: dict[str, Any]
) -> None:
    answer = said(world, text)

    assert answer.status == "complete", answer.question
    assert {path: flat(answer.data).get(path) for path in expected} == expected


@pytest.mark.parametrize(
    ("base", "text", "expected"),
    [
        ("flowers-vit", "halve the lr and the warmup",
         {"training.learningRate": 0.00015, "training.warmupEpochs": 2.5}),
        ("flowers-vit", "lr와 batch 둘 다 절반",
         {"training.learningRate": 0.00015, "training.batchSize": 64}),
        ("flowers-vit", "학습률, 배치, 에폭 전부 두 배로",
         {"training.learningRate": 0.0006, "training.batchSize": 256, "training.epochs": 60}),
        ("flowers-vit", "lr from 3e-4 to 1e-4", {"training.learningRate": 0.0001}),
        ("cats-resnet50", "batch size to 150%", {"training.batchSize": 96}),
        ("cats-resnet50", "게이트 0.95로", {"report.gates": ["accuracy >= 0.95"]}),
        ("cats-resnet50", "accuracy 대신 f1 0.9", {"report.gates": ["macro_f1 >= 0.9"]}),
    ],
)  # fmt: skip
def test_a_change_reaches_all_that_it_is_said_of(
    world: Repository, base: str, text: str, expected: dict[str, Any]
) -> None:
    found = flat(changed(world, base, text).data)

    assert {path: found.get(path) for path in expected} == expected


def test_a_part_of_nothing_is_counted_from_the_default_and_says_so(world: Repository) -> None:
    answer = said(world, CATS + "lr half")

    assumed = {each.field: each.value for each in answer.assumptions}
    assert assumed["spec.training.learningRate"] == 0.0005


@pytest.mark.parametrize(
    ("first", "reply", "path"),
    [
        ("50 epochs 80 epochs", "both", "training.epochs"),
        ("lr 1e-4 to 1e-2", "in the middle", "training.learningRate"),
        ("0 epochs", "I do not know", "training.epochs"),
        ("0 epochs", "batch 32", "training.epochs"),
        ("에폭 5로 학습하고 워밍업은 10", "글쎄", "training.warmupEpochs"),
    ],
)
def test_a_question_is_asked_again_until_it_is_answered(
    world: Repository, first: str, reply: str, path: str
) -> None:
    answer = talked(world, CATS + first, reply)

    assert answer.question is not None
    assert answer.question.field == f"spec.{path}"
    assert flat(answer.data).get("training.batchSize") == (32 if "32" in reply else None)


def test_every_open_question_is_asked_in_its_turn(world: Repository) -> None:
    texts = (CATS + "lr -1, 0 epochs, momentum 3", "20", "0.01", "0.8")

    asked = [talked(world, *texts[:count]).question for count in (1, 2, 3)]
    last = talked(world, *texts)

    assert {each.field for each in asked if each is not None} == {
        "spec.training.epochs", "spec.training.learningRate", "spec.training.momentum",
    }  # fmt: skip
    assert last.status == "complete"
    assert last.data is not None
    assert "annotations" not in last.data["metadata"]


def test_a_question_may_be_left_to_the_default(world: Repository) -> None:
    answer = talked(world, CATS + "0 epochs", "just use the default")

    assert (answer.status, flat(answer.data)["training.epochs"]) == ("complete", 50)


@pytest.mark.parametrize(("reply", "value"), [("the larger", 80), ("작은 쪽", 50)])
def test_the_larger_of_two_values_is_an_answer(world: Repository, reply: str, value: int) -> None:
    answer = talked(world, CATS + "50 epochs 80 epochs", reply)

    assert flat(answer.data)["training.epochs"] == value


@pytest.mark.parametrize("note", ["[1, null]", "[{}]", "{", '{"a": 1}', '[{"field": 1}]'])
def test_a_strange_note_of_open_questions_is_ignored(world: Repository, note: str) -> None:
    draft = copy.deepcopy(dict(world.sound_experiments["cats-resnet50"]))
    draft["metadata"] = {
        "name": "cats-resnet50-9", "annotations": {"vtspec.dev/open-questions": note},
    }  # fmt: skip

    assert talked(world, "20 epochs", draft=draft).status == "complete"


def test_a_choice_that_is_left_open_is_said(world: Repository) -> None:
    answer = talked(world, "resnet50, 50 에폭", "아무거나")

    assert "spec.dataset.ref" in {each.field for each in answer.assumptions}


def test_an_answer_may_leave_one_choice_out(world: Repository) -> None:
    answer = talked(world, "resnet50, 50 에폭", "cats 말고 flowers, 그리고 배치 32")

    found = flat(answer.data)
    assert (found["dataset.ref"], found["training.batchSize"]) == ("flowers", 32)


def test_a_format_that_ends_in_folder_is_no_path(world: Repository) -> None:
    answer = talked(world, "add data/birds as a dataset", "imagefolder")

    assert flat(answer.data)["source.dvc.path"] == "data/birds"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("cats-resnet50 and flowers-vit both with 10 epochs", "metadata.name"),
        ("cats resnet50 이름은 고양이실험", "metadata.name"),
        ("cats에 resnet50 말고 다른 거", "spec.model.name"),
        ("cats vit-b/16", "spec.model.name"),
        ("고양이랑 강아지 분류", "spec.dataset.classes"),
    ],
)
def test_what_could_be_several_things_is_asked(world: Repository, text: str, field: str) -> None:
    answer = said(world, text)

    assert answer.question is not None
    assert answer.question.field == field


def test_an_unknown_model_is_answered_with_models_of_the_task(world: Repository) -> None:
    answer = said(world, "roads unet")

    assert answer.question is not None
    assert "nvidia/segformer-b0-finetuned-ade-512-512" in answer.question.choices


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("call it flora", "flora"),
        ("name it bench-04", "bench-04"),
        ("call it catz", "catz"),
        ("이름은 flowrs", "flowrs"),
        ("catz라고 불러줘", "catz"),
        ("named epocs-test", "epocs-test"),
        ("save it as bactch", "cats-resnet50-2"),
    ],
)
def test_a_name_that_is_given_is_not_mended(world: Repository, text: str, name: str) -> None:
    assert flat(said(world, CATS + text).data)["metadata.name"] == name


def test_deleting_what_was_trained_is_refused(world: Repository) -> None:
    assert said(world, "cats로 학습한 resnet50 지워줘").status == "refused"


def test_one_gpu_again_is_no_poem(world: Repository) -> None:
    assert changed(world, "cats-resnet50", "gpu 다시 하나").status == "complete"


def test_slashes_between_values_make_no_hub_id(world: Repository) -> None:
    found = flat(said(world, "resnet50/cats/30ep").data)

    assert (found["dataset.ref"], found["model.name"], found["training.epochs"]) == (
        "cats", "resnet50", 30,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["lr, ", "bigger model lr 0.1 ", "스물 ", "1 x 8 batch ", "두 배 lr와 "]
)
def test_the_longest_message_is_answered(world: Repository, unit: str) -> None:
    text = (unit * 20_000)[:20_000]

    assert said(world, text).status in ("complete", "question", "refused")
