"""Nothing that was said is lost: it is in the draft, in the question, or told to be left out."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.drafting.result import Draft
from vtspec.pipelines.project.repository import find_repository

REPOSITORY = find_repository(WORLD)

BASES = (
    "cats resnet18 5 epochs, {}",
    "{}; street yolo11s, 7 epochs",
    "train vit_small_patch16_224 on flowers for 9 epochs, {}, thanks",
    "digits 데이터로 resnet34 6에폭, {}",
    "고양이 분류 레즈넷50 8에폭 {} 부탁해요",
    "like cats-resnet50 but {}",
)

NUMBERS = (
    "batch size {}",
    "배치 {}",
    "seed {}",
    "시드는 {}",
    "{} warmup epochs",
    "patience {}",
    "frobnication {}",
    "with {} of them",
    "{} gizmos",
    "limit {}",
    "the thing at {}",
    "weight decay too and {}",
    "image size {} or so",
    "{} 픽셀",
    "워커 {}",
    "기준치 {}",
    "maybe {} quux",
    "learning rate between small and {}",
    "{}으로 늘려",
    "crop {} margin {}",
)

NAMES = (
    "dogs", "unicorns", "data/birds", "resnet9999", "flurbnet", "zxqv-blorp", "some/where/else",
    "강아지", "h900", "wobbulation",
)  # fmt: skip


def everything(sketch: Draft) -> str:
    """All that a person gets to see."""
    told: list[Any] = [sketch.reason]
    told += [str(value) for value in flat(sketch.data).values()]
    told += [part for each in sketch.assumptions for part in (str(each.value), each.why)]
    if sketch.question is not None:
        told += [sketch.question.text, *sketch.question.choices]
    return " ".join(map(str, told)).lower()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(BASES), st.sampled_from(NUMBERS), st.integers(113, 997))
def test_no_number_is_lost_in_silence(base: str, setting: str, number: int) -> None:
    text = base.format(setting.replace("{}", str(number)))
    sketch = said(REPOSITORY, text)
    assert str(number) in everything(sketch), text


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(BASES), st.sampled_from(NAMES))
def test_no_name_is_lost_in_silence(base: str, name: str) -> None:
    text = base.format(name)
    assert name.lower() in everything(said(REPOSITORY, text)), text


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(BASES),
    st.lists(st.integers(101, 997), min_size=2, max_size=4, unique=True),
)
def test_no_number_of_several_is_lost_in_silence(base: str, numbers: list[int]) -> None:
    phrases = ("batch size {}", "seed {}", "gizmos {}", "image size {}")
    extra = ", ".join(
        phrase.format(number) for phrase, number in zip(phrases, numbers, strict=False)
    )
    seen = everything(said(REPOSITORY, base.format(extra)))
    assert [number for number in numbers if str(number) not in seen] == []


@pytest.mark.parametrize(
    "text",
    [
        "I have waited 3 hours at the dentist. cats resnet18, 5 epochs",
        "과제 마감 40분 전이에요 ㅠㅠ cats resnet18 5에폭",
        "it took 3 hours last time; cats resnet18 5 epochs",
    ],
)
def test_a_time_that_is_only_told_is_no_limit(text: str) -> None:
    sketch = said(REPOSITORY, text)
    assert sketch.status == "complete"
    assert "resources.maxDuration" not in flat(sketch.data)


def test_a_setting_of_an_earlier_run_is_told_and_not_taken() -> None:
    sketch = said(REPOSITORY, "yesterday I ran 20 epochs on cats; today do 45 with resnet34")
    assert flat(sketch.data)["training.epochs"] == 45
    assert "20" in everything(sketch)


def test_of_two_names_the_last_is_taken_and_the_other_told() -> None:
    sketch = said(REPOSITORY, "call it foo, cats resnet18 5 epochs, name bar")
    assert sketch.data is not None
    assert sketch.data["metadata"]["name"] == "bar"
    assert "foo" in everything(sketch)


def test_what_the_draft_has_no_place_for_is_told() -> None:
    sketch = said(REPOSITORY, "cats resnet50 dogs, data/birds, 10 epochs, weight decay")
    assert [each.value for each in sketch.assumptions if not each.field] == [
        "data/birds weight decay dogs"
    ]
