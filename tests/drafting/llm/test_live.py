"""The happy paths again with real providers: `pytest -m live`, a key in the environment."""

import os
from pathlib import Path

import pytest

from llm_world import a_repository, person, vtspec
from vtspec.pipelines.drafting.context import Surroundings, errors
from vtspec.pipelines.drafting.llm import LlmDrafter, drafter_of
from vtspec.pipelines.drafting.llm.field_paths import value_in
from vtspec.pipelines.drafting.llm.providers import KEYS, PROVIDERS

pytestmark = pytest.mark.live


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return a_repository(tmp_path)


@pytest.fixture(params=PROVIDERS)
def drafter(request: pytest.FixtureRequest) -> LlmDrafter:
    if not any(os.environ.get(name) for name in KEYS[request.param]):
        pytest.skip(f"no key of {request.param} in the environment")
    made = drafter_of({**os.environ, "VTSPEC_DRAFT_PROVIDER": request.param})
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
    drafter: LlmDrafter, around: Surroundings, words: str, values: dict[str, object]
) -> None:
    sketch = drafter.sketch([person(words)], around)
    assert sketch.status == "complete"
    assert errors(around.problems(sketch.data or {})) == []
    assert {field: value_in(sketch.data, field) for field in values} == values


def test_what_is_missing_is_asked_and_its_answer_understood(
    drafter: LlmDrafter, around: Surroundings
) -> None:
    words = person("이미지 분류 모델을 학습해줘, resnet50, 20 에폭")
    sketch = drafter.sketch([words], around)
    assert sketch.question is not None
    assert sketch.question.field == "spec.dataset.ref"
    asked = vtspec(sketch.question.text, sketch.data, sketch.question)
    answered = drafter.sketch([words, asked, person("flowers")], around)
    assert value_in(answered.data, "spec.dataset.ref") == "flowers"


@pytest.mark.parametrize("words", ["delete all specs", "오늘 날씨 어때?"])
def test_what_is_no_request_is_refused(
    drafter: LlmDrafter, around: Surroundings, words: str
) -> None:
    assert drafter.sketch([person(words)], around).status == "refused"
