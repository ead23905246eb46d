"""A conversation in, an answer out: state, checks, signatures, drafters that fail."""

import copy
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.drafting.conversation import (
    LONGEST,
    from_json,
    get_state,
    hash_words,
    make_reply,
    make_user_message,
    to_json,
)
from vtspec.pipelines.drafting.drafter import OfflineDrafter, draft, strip_provenance
from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.drafting.result import (
    Assumption,
    ConversationState,
    Draft,
    DraftResult,
    Message,
    Provenance,
    Question,
    Unavailable,
)
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.project.spec_names import find_free_name, make_name
from vtspec.schema.kinds.patterns import NAME

WORLD = Path(__file__).parents[2] / "benchmarks" / "words" / "world"

QUESTION = Question(field="spec.dataset.ref", text="Which dataset?", choices=("cats", "flowers"))


@pytest.fixture(scope="module")
def world() -> Repository:
    return find_repository(WORLD)


def a_draft(name: str = "mine", **spec: Any) -> dict[str, Any]:
    whole = {
        "task": "image-classification",
        "model": {"name": "resnet18"},
        "dataset": {"ref": "cats"},
        "training": {"epochs": 3},
        **spec,
    }
    return {
        "apiVersion": "vtspec.dev/v1alpha1",
        "kind": "Experiment",
        "metadata": {"name": name},
        "spec": whole,
    }


class Scripted:
    """A drafter that says what it was told to say."""

    name = "model"
    provider = "acme"
    model = "acme-1"
    prompt_hash = "sha256:" + "a" * 64

    def __init__(self, answer: Callable[[], Draft]) -> None:
        self._answer = answer

    def make_draft(self, conversation: Sequence[Message], repository: Repository) -> Draft:
        return self._answer()


def answered(world: Repository, sketch: Draft, *texts: str) -> DraftResult:
    conversation = [make_user_message(text) for text in texts or ("resnet18 on cats, 3 epochs",)]
    return draft(conversation, world, Scripted(lambda: sketch))


def test_state_is_the_last_draft_and_the_messages_after_it() -> None:
    first, second = a_draft("one"), a_draft("two")
    conversation = [
        make_user_message("a"),
        Message(author="vtspec", text="b", draft=first),
        make_user_message("c"),
        Message(author="vtspec", text="d", draft=second, question=QUESTION),
        make_user_message("e"),
        Message(author="vtspec", text="only words"),
        make_user_message("f"),
    ]
    # What was answered without a draft, as a refusal is, is over.
    assert get_state(conversation) == ConversationState(
        draft=second, question=QUESTION, texts=("f",)
    )
    assert get_state(conversation[:5]).texts == ("e",)
    assert get_state([make_user_message("a"), make_user_message("b")]) == ConversationState(
        draft=None, question=None, texts=("a", "b")
    )


def test_conversation_is_kept_as_json_without_a_loss(world: Repository) -> None:
    sketch = Draft(status="question", data=a_draft(), question=QUESTION)
    drafted = answered(world, sketch)
    conversation = [
        make_user_message("고양이"),
        make_reply(drafted, QUESTION.text),
        make_user_message("cats"),
    ]
    assert from_json(json.loads(json.dumps(to_json(conversation)))) == conversation


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, "no list"),
        ([1], "message 1 has no text"),
        ([{"author": "person"}], "message 1 has no text"),
        ([{"author": "system", "text": "x"}], "neither"),
        ([{"author": "vtspec", "text": "x", "draft": []}], "draft of message 1"),
        ([{"author": "vtspec", "text": "x", "question": {"field": "a"}}], "question of message 1"),
        ([{"author": "vtspec", "text": "x", "question": 1}], "question of message 1"),
    ],
)
def test_what_is_no_conversation_is_refused_with_an_example(data: Any, why: str) -> None:
    with pytest.raises(Refused, match=why) as error:
        from_json(data)
    assert '"author": "person"' in str(error.value.fix)


def test_message_may_be_neither_empty_nor_endless() -> None:
    with pytest.raises(Refused, match="no words"):
        make_user_message(" \n")
    assert make_user_message("x" * LONGEST).text
    with pytest.raises(Refused, match="may have 20,000"):
        make_user_message("x" * (LONGEST + 1))


def test_hash_of_words_is_over_what_people_typed_alone() -> None:
    one = hash_words([make_user_message("a"), make_user_message("b")])
    assert one == hash_words(
        [make_user_message("a"), Message(author="vtspec", text="x"), make_user_message("b")]
    )
    assert one != hash_words([make_user_message("ab")])
    assert one.startswith("sha256:")


@pytest.mark.parametrize(
    ("texts", "tongue"),
    [
        (("ResNet50으로 cats 분류",), "ko"),
        (("cats 데이터", "use a resnet50 for it please"), "en"),
        (("cats 데이터", "resnet50 please"), "ko"),
        (("고양이", "50"), "ko"),
        (("ㅇㅇ",), "ko"),
        ((), "en"),
    ],
)
def test_language_is_the_last_message_s(texts: tuple[str, ...], tongue: str) -> None:
    assert detect_language(texts) == tongue


def test_complete_draft_is_signed_and_sound(world: Repository) -> None:
    sketch = Draft(
        status="complete",
        data=a_draft(),
        assumptions=(Assumption(field="spec.training.epochs", value=3, why="usual"),),
        repairs=2,
    )
    drafted = answered(world, sketch, "비밀스러운 문장")
    assert drafted.status == "complete"
    assert drafted.draft is not None
    notes = drafted.draft["metadata"]["annotations"]
    assert notes["vtspec.dev/draft-provider"] == "acme"
    assert notes["vtspec.dev/draft-model"] == "acme-1"
    assert notes["vtspec.dev/draft-prompt"] == "sha256:" + "a" * 64
    assert notes["vtspec.dev/draft-words"] == hash_words([make_user_message("비밀스러운 문장")])
    assert notes["vtspec.dev/draft-repairs"] == "2"
    assert notes["vtspec.dev/draft-drafter"].startswith("model ")
    assert "비밀" not in json.dumps(drafted.to_json(), ensure_ascii=False)
    assert filter_errors(find_problems(drafted.draft, world)) == []
    assert list(drafted.to_json()) == [
        *("status", "draft", "question", "reason", "assumptions", "provenance")
    ]


def test_question_and_refusal_carry_no_signature_in_a_spec(world: Repository) -> None:
    asked = answered(world, Draft(status="question", data=a_draft(), question=QUESTION))
    assert asked.draft == a_draft()
    assert asked.to_json()["question"] == {
        "field": "spec.dataset.ref",
        "text": "Which dataset?",
        "choices": ["cats", "flowers"],
    }
    refused = answered(world, Draft(status="refused", reason="no"))
    assert (refused.draft, refused.reason) == (None, "no")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"training": {"epochs": 0}}, "spec.training.epochs"),
        ({"dataset": {"ref": "dogs"}}, "spec.dataset.ref"),
        ({"model": {"name": "{{workflow}}"}}, "spec.model.name"),
        ({"training": {}}, "spec.training.epochs"),
    ],
)
@pytest.mark.parametrize(("text", "word"), [("cats", "problem"), ("고양이", "문제")])
def test_draft_that_is_not_sound_is_never_complete(
    world: Repository, changes: dict[str, Any], field: str, text: str, word: str
) -> None:
    drafted = answered(world, Draft(status="complete", data=a_draft(**changes)), text)
    assert drafted.status == "question"
    assert drafted.question is not None
    assert drafted.question.field == field
    assert word in drafted.question.text


def test_name_that_is_taken_is_a_problem(world: Repository) -> None:
    drafted = answered(world, Draft(status="complete", data=a_draft("cats-resnet50")))
    assert drafted.question is not None
    assert drafted.question.field == "metadata.name"


@pytest.mark.parametrize("data", [{}, {"spec": {1, 2}}, {"a": float("nan")}, {"kind": []}])
def test_data_that_is_no_spec_becomes_a_question(world: Repository, data: dict[str, Any]) -> None:
    assert answered(world, Draft(status="complete", data=data)).status == "question"


def test_offline_answers_where_a_provider_does_not_and_says_so(world: Repository) -> None:
    def fail() -> Draft:
        raise Unavailable("no answer within 60 s")

    words = [make_user_message("resnet18 on cats, 3 epochs")]
    drafted = draft(words, world, Scripted(fail))
    alone = draft(words, world, OfflineDrafter())
    assert drafted.provenance == Provenance(
        drafter="offline",
        version=alone.provenance.version,
        words=hash_words(words),
        instead_of="acme",
        because="no answer within 60 s",
    )
    assert (drafted.status, drafted.draft) == (alone.status, alone.draft)
    assert alone.status == "complete"


def test_earlier_signature_is_replaced_and_other_notes_stay() -> None:
    data = a_draft()
    data["metadata"]["annotations"] = {"vtspec.dev/draft-words": "old", "team": "vision"}
    before = copy.deepcopy(data)
    assert strip_provenance(data)["metadata"] == {
        "name": "mine",
        "annotations": {"team": "vision"},
    }
    assert data == before
    assert strip_provenance(a_draft()) == a_draft()


def test_names_are_made_of_words_and_counted_up_where_they_are_taken() -> None:
    assert make_name("cats", "ResNet50.a1_in1k") == "cats-resnet50-a1-in1k"
    assert make_name("고양이") == "draft"
    assert find_free_name("cats", {"dogs"}) == "cats"
    assert find_free_name("cats", {"cats", "cats-2"}) == "cats-3"
    assert find_free_name("cats-2", {"cats", "cats-2"}) == "cats-3"
    assert find_free_name("resnet-50", {"resnet-50"}) == "resnet-50-2"
    assert find_free_name("x" * 40, {"x" * 40}) == "x" * 38 + "-2"


@settings(deadline=None)
@given(st.lists(st.text(), max_size=3), st.sets(st.sampled_from(["a", "a-2", "b-3", "draft"])))
def test_every_name_is_a_label_that_is_free(words: list[str], taken: set[str]) -> None:
    import re

    name = find_free_name(make_name(*words), taken)
    assert re.fullmatch(NAME.pattern, name)
    assert len(name) <= 40
    assert name not in taken


def test_surroundings_tell_what_is_there(world: Repository) -> None:
    cats = world.sound_datasets["cats"]
    assert (cats.tasks, cats.images) == (("image-classification",), 2400)
    assert cats.classes == ("siamese", "persian", "bengal")
    assert world.gpu_types == ("t4", "l4", "a100-80", "h100")
    assert world.sound_experiments["cats-resnet50"]["spec"]["training"]["batchSize"] == 64
    assert world.get_spec_path("Experiment", "mine").relative_to(WORLD) == Path(
        "specs/experiments/mine.yaml"
    )


@pytest.mark.parametrize(
    "text", ["like cats-resnet50, 9 epochs", "cats-resnet50에서 에폭만 9로", "resnet50 on cats"]
)
def test_a_draft_on_a_dataset_with_errors_is_a_question(tmp_path: Path, text: str) -> None:
    shutil.copytree(WORLD, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "specs" / "datasets" / "cats.yaml"
    file.write_text(file.read_text().replace("format: imagefolder", "format: imagefodler"))
    drafted = draft([make_user_message(text)], find_repository(tmp_path), OfflineDrafter())
    assert drafted.question is not None
    assert drafted.question.field == "spec.dataset.ref"
    told = [drafted.question.text, *(each.why for each in drafted.assumptions)]
    assert any("vtspec validate specs/datasets/cats.yaml" in one for one in told)


def test_a_model_s_draft_on_a_dataset_with_errors_is_a_question(tmp_path: Path) -> None:
    shutil.copytree(WORLD, tmp_path, dirs_exist_ok=True)
    (tmp_path / "specs" / "datasets" / "cats.yaml").write_text("kind: Dataset\nspec: [\n")
    model = Scripted(lambda: Draft(status="complete", data=a_draft()))
    drafted = draft([make_user_message("x")], find_repository(tmp_path), model)
    assert drafted.question is not None
    assert drafted.question.field == "spec.dataset.ref"


def test_what_was_left_out_is_kept_with_a_conversation(world: Repository) -> None:
    messages = [make_user_message("resnet50, frobnication 8, on unicorns")]
    messages.append(make_reply(draft(messages, world, OfflineDrafter()), "?"))
    assert messages[-1].left_out
    assert from_json(json.loads(json.dumps(to_json(messages)))) == messages
    wrongs: list[Any] = ["x", [1], {}]
    for wrong in wrongs:
        with pytest.raises(Refused, match="left out is no list of texts"):
            from_json([{"author": "vtspec", "text": "x", "leftOut": wrong}])
