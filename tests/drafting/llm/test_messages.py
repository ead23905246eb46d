"""What of a conversation and a repository is sent: bounded, and only what is sound."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from llm_world import a_repository, an_experiment, person, vtspec, whole
from vtspec.pipelines.drafting.llm.messages import LONGEST, build_history, build_prompt
from vtspec.pipelines.drafting.llm.request import DraftRequest
from vtspec.pipelines.drafting.result import Message, Question
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.redaction import Redactor


@pytest.fixture
def around(tmp_path: Path) -> Repository:
    return a_repository(tmp_path)


def a_turn(around: Repository, conversation: Sequence[Message]) -> DraftRequest:
    return DraftRequest(conversation=conversation, repository=around, hidden=Redactor())


def sent(turn: DraftRequest) -> str:
    parts: list[Any] = [part for one in build_history(turn) for part in one.parts]
    return "".join(str(part.content) for part in parts)


LARGE = whole(an_experiment(classes=[f"class-{number:04}" for number in range(900)]))
ASKED = Question(
    field="spec.dataset.classes", text="Which?", choices=tuple(f"c{n:05}" for n in range(1_500))
)


@pytest.mark.parametrize(
    "answer", [vtspec("ok", LARGE), vtspec("Which?", None, ASKED)], ids=["draft", "question"]
)
def test_history_counts_the_drafts_and_questions_that_it_sends(
    around: Repository, answer: Message
) -> None:
    conversation = [each for number in range(20) for each in (person(f"words {number}"), answer)]
    history = sent(a_turn(around, [*conversation, person("and 10 epochs")]))
    assert "words 19" in history
    assert "words 0" not in history
    assert len(history) <= LONGEST + 2_000


def test_the_last_draft_is_sent_however_long_it_is(around: Repository) -> None:
    answer = vtspec("ok", whole(an_experiment(classes=["x" * 40] * 3_000)))
    turn = a_turn(around, [person("a"), answer, person("b")])
    assert "x" * 40 in sent(turn)


def test_many_messages_since_the_last_answer_are_bounded_too(around: Repository) -> None:
    words = [person(f"{number} " + "x" * 19_000) for number in range(9)]
    told = json.loads(build_prompt(a_turn(around, words)))["words"]
    assert told[-1].startswith("8 ")
    assert sum(map(len, told)) <= LONGEST


def test_a_model_is_offered_only_what_can_be_used(around: Repository) -> None:
    specs = around.root / "specs"
    (specs / "datasets" / "birds.yaml").write_text("kind: Dataset\nspec: [\n")
    (specs / "experiments" / "odd.yaml").write_text("kind: Experiment\nspec: 3\n")
    again = find_repository(around.root)
    told = json.loads(build_prompt(a_turn(again, [person("x")])))["repository"]
    assert "cats" in told["datasets"]
    assert "birds" not in told["datasets"]
    assert "cats-resnet50" in told["experiments"]
    assert "odd" not in told["experiments"]
