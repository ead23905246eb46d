"""The happy paths again with real providers: `pytest -m live`, a key in the environment."""

import os
from pathlib import Path

import pytest

from llm_world import a_repository, person, vtspec
from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.drafting.llm import LlmDrafter, find_drafter
from vtspec.pipelines.drafting.llm.field_paths import find_value
from vtspec.pipelines.drafting.llm.providers import KEYS, PROVIDERS
from vtspec.pipelines.project.repository import Repository

pytestmark = pytest.mark.live


@pytest.fixture
def around(tmp_path: Path) -> Repository:
    return a_repository(tmp_path)


@pytest.fixture(params=PROVIDERS)
def drafter(request: pytest.FixtureRequest) -> LlmDrafter:
    if not any(os.environ.get(name) for name in KEYS[request.param]):
        pytest.skip(f"no key of {request.param} in the environment")
    made = find_drafter({**os.environ, "VTSPEC_DRAFT_PROVIDER": request.param})
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (
            "ResNet50으로 고양이 3종류 분류, cats 데이터로 50 에폭",
            {
                "spec.dataset.ref": "cats",
                "spec.model.name": "resnet50",
                "spec.training.epochs": 50,
            },
        ),
        (
            "like flowers-vit but 10 epochs",
            {"spec.dataset.ref": "flowers", "spec.training.epochs": 10},
        ),
    ],
)
def test_words_become_a_valid_spec(
    drafter: LlmDrafter, around: Repository, words: str, values: dict[str, object]
) -> None:
    sketch = drafter.make_draft([person(words)], around)
    assert sketch.status == "complete"
    assert filter_errors(find_problems(sketch.data or {}, around)) == []
    assert {field: find_value(sketch.data, field) for field in values} == values


def test_what_is_missing_is_asked_and_its_answer_understood(
    drafter: LlmDrafter, around: Repository
) -> None:
    words = person("이미지 분류 모델을 학습해줘, resnet50, 20 에폭")
    sketch = drafter.make_draft([words], around)
    assert sketch.question is not None
    assert sketch.question.field == "spec.dataset.ref"
    asked = vtspec(sketch.question.text, sketch.data, sketch.question)
    answered = drafter.make_draft([words, asked, person("flowers")], around)
    assert find_value(answered.data, "spec.dataset.ref") == "flowers"


@pytest.mark.parametrize("words", ["delete all specs", "오늘 날씨 어때?"])
def test_what_is_no_request_is_refused(
    drafter: LlmDrafter, around: Repository, words: str
) -> None:
    assert drafter.make_draft([person(words)], around).status == "refused"
