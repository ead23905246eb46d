"""Dialogues turn by turn: a path, a count and named classes keep their meaning whatever the
repository holds, and an answer that fits none of the choices chooses none."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from offline_drafts import WORLD, flat
from vtspec.pipelines.drafting.conversation import make_reply, make_user_message
from vtspec.pipelines.drafting.drafter import OfflineDrafter, draft
from vtspec.pipelines.drafting.result import DraftResult, Message, Question
from vtspec.pipelines.project.repository import find_repository


def a_repository(root: Path, *datasets: str, **folders: str) -> Path:
    """A repository with datasets of the words benchmark, and three kinds of cat in `folders`."""
    place = root / "specs" / "datasets"
    place.mkdir(parents=True, exist_ok=True)
    (root / "vtspec.yaml").write_bytes((WORLD / "vtspec.yaml").read_bytes())
    files = WORLD / "specs" / "datasets"
    for name in datasets:
        (place / f"{name}.yaml").write_bytes((files / f"{name}.yaml").read_bytes())
    for name, folder in folders.items():
        data = yaml.safe_load((files / "cats.yaml").read_bytes())
        data["metadata"]["name"] = name
        data["spec"]["source"] = {"dvc": {"path": folder}}
        (place / f"{name}.yaml").write_text(yaml.safe_dump(data))
    return root


def answer(root: Path, *texts: str) -> DraftResult:
    """The answer to the last text, each of which follows the answer to the one before."""
    *earlier, last = texts
    messages: list[Message] = []
    for text in earlier:
        messages.append(make_user_message(text))
        found = draft(messages, find_repository(root), OfflineDrafter())
        messages.append(make_reply(found, found.question.text if found.question else "complete"))
    return draft([*messages, make_user_message(last)], find_repository(root), OfflineDrafter())


KITTENS = "ResNet50으로 고양이 3종류 분류하는 모델 만들어줘"


@pytest.mark.parametrize("datasets", [("digits",), ("digits", "street"), ()])
def test_a_folder_that_is_no_dataset_is_offered_to_be_added(
    tmp_path: Path, datasets: tuple[str, ...]
) -> None:
    root = a_repository(tmp_path, *datasets)
    asked = answer(root, KITTENS)
    assert asked.question is not None
    assert asked.question.field == "spec.dataset.ref"

    offered = answer(root, KITTENS, "./cat_dataset")
    assert offered.question is not None
    assert offered.question.field == "spec.dataset.ref"
    assert "vtspec datasets add ./cat_dataset --name cat-dataset" in offered.question.text
    assert offered.left_out == ()

    again = answer(root, KITTENS, "./cat_dataset", "등록했어")
    assert again.question is not None
    assert "vtspec datasets add ./cat_dataset" in again.question.text


@pytest.mark.parametrize("last", ["cat-dataset", "등록했어", "./cat_dataset"])
def test_a_dialogue_goes_on_when_the_folder_was_added(tmp_path: Path, last: str) -> None:
    root = a_repository(tmp_path, "digits")
    messages: list[Message] = []
    for text in (KITTENS, "./cat_dataset", last):
        if text == last:
            a_repository(root, **{"cat-dataset": "cat_dataset"})
        messages.append(make_user_message(text))
        found = draft(messages, find_repository(root), OfflineDrafter())
        messages.append(make_reply(found, found.question.text if found.question else ""))
    spec = flat(found.draft)
    assert (found.status, spec["dataset.ref"], spec["model.name"]) == (
        "complete", "cat-dataset", "resnet50",
    )  # fmt: skip


@pytest.mark.parametrize(
    "texts",
    [
        ("resnet50 학습해줘", "./cat_dataset"),
        ("resnet50 학습해줘", "cat_dataset"),
        ("resnet50 on ./cat_dataset, 5 epochs",),
        ("resnet50, 데이터는 ./cat_dataset 에 있어",),
    ],
)
def test_a_folder_names_the_dataset_that_lies_there(
    tmp_path: Path, texts: tuple[str, ...]
) -> None:
    root = a_repository(tmp_path, "digits", kitties="cat_dataset")
    found = answer(root, *texts)
    assert found.status == "complete", found.question
    assert flat(found.draft)["dataset.ref"] == "kitties"
    assert found.left_out == ()


def test_a_dataset_and_another_folder_are_asked_about(tmp_path: Path) -> None:
    found = answer(a_repository(tmp_path, "digits"), "resnet18 on digits, data at ./digits_new")
    assert found.question is not None
    assert (found.question.field, found.question.choices) == ("spec.dataset.ref", ("digits",))
    assert "vtspec datasets add ./digits_new" in found.question.text


def test_a_folder_that_holds_no_data_is_no_dataset(tmp_path: Path) -> None:
    found = answer(a_repository(tmp_path, "digits"), "resnet18 on digits, log under runs/a/b")
    assert found.status == "complete"
    assert any("runs/a/b" in each for each in found.left_out)


@pytest.mark.parametrize("count", ["40번", "40회", "40번 돌려", "사십 번이요", "40"])
def test_a_count_answers_how_many_epochs(tmp_path: Path, count: str) -> None:
    root = a_repository(tmp_path, "digits")
    asked = Question(field="spec.training.epochs", text="Epochs는 몇 번 할까요?")
    first = answer(root, "digits resnet18")
    talk = [
        make_user_message("digits resnet18"),
        Message(author="vtspec", text=asked.text, draft=first.draft, question=asked),
        make_user_message(count),
    ]
    found = draft(talk, find_repository(root), OfflineDrafter())
    assert (found.status, flat(found.draft)["training.epochs"]) == ("complete", 40)
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("texts", "epochs"),
    [
        (("digits resnet18 40번",), 40),
        (("digits resnet18, 서른 번",), 30),
        (("digits resnet18", "40회"), 40),
        (("digits resnet18, 10번 반복",), 10),
        (("digits resnet18 한 번 돌려줘",), 50),
        (("digits resnet18 폴드 2번",), 50),
    ],
)
def test_a_bare_count_is_one_of_epochs(
    tmp_path: Path, texts: tuple[str, ...], epochs: int
) -> None:
    found = answer(a_repository(tmp_path, "digits"), *texts)
    assert flat(found.draft)["training.epochs"] == epochs


NAMED = "클래스는 person, car, dog"


@pytest.mark.parametrize("datasets", [(), ("cats", "digits"), ("cats", "digits", "street")])
def test_classes_are_kept_until_the_dataset_is_known(
    tmp_path: Path, datasets: tuple[str, ...]
) -> None:
    root = a_repository(tmp_path, *datasets)
    found = answer(root, "ResNet50으로 학습해줘", NAMED)
    assert found.question is not None
    assert found.question.field == "spec.dataset.ref"
    assert flat(found.draft)["dataset.classes"] == ["person", "car", "dog"]
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("resnet50 학습, 클래스는 siamese, persian",),
         {"dataset.ref": "cats", "dataset.classes": ["siamese", "persian"]}),
        (("resnet50 학습, 클래스는 Siamese, bengals", "cats"),
         {"dataset.ref": "cats", "dataset.classes": ["siamese", "bengal"]}),
        (("train yolo11n, classes are person and car",),
         {"dataset.ref": "street", "dataset.classes": ["person", "car"]}),
    ],
)  # fmt: skip
def test_named_classes_find_their_dataset(
    tmp_path: Path, texts: tuple[str, ...], expected: dict[str, Any]
) -> None:
    found = answer(a_repository(tmp_path, "cats", "digits", "street", "helmets"), *texts)
    assert found.status == "complete", found.question
    assert {path: flat(found.draft).get(path) for path in expected} == expected


def test_kept_classes_that_the_dataset_lacks_are_asked_about(tmp_path: Path) -> None:
    root = a_repository(tmp_path, "cats", "street")
    found = answer(root, "train a detector, classes are person, car, dog", "street")
    assert found.question is not None
    assert found.question.field == "spec.dataset.classes"
    assert "'dog'" in found.question.text


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        (("고양이 분류 resnet50", "글쎄요"), "spec.dataset.ref"),
        (("고양이 분류 resnet50", "배치 16"), "spec.dataset.ref"),
        (("yolo11n on digits", "hmm"), "spec.model.name"),
        (("digits, resnet50, convnext", "둘 다요"), "spec.model.name"),
        (("V100으로 digits resnet50", "글쎄"), "spec.resources.gpuType"),
        (("like birds-resnet50 but 10 epochs", "well"), "metadata.name"),
    ],
)
def test_what_fits_no_choice_chooses_none(
    tmp_path: Path, texts: tuple[str, ...], field: str
) -> None:
    root = a_repository(tmp_path, "digits")
    first, last = answer(root, *texts[:1]), answer(root, *texts)
    assert first.question is not None
    assert last.question is not None
    assert (last.question.field, first.question.field) == (field, field)


def test_a_dialogue_in_korean_stays_so_when_a_name_is_typed(tmp_path: Path) -> None:
    found = answer(a_repository(tmp_path, "digits"), "digits resnet18 학습해줘", "./other")
    assert found.question is not None
    assert "등록" in found.question.text
