"""How messages are written: dictated numbers, pasted configurations, misspelt and plain words."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.drafting import offline
from vtspec.pipelines.drafting.offline.common_words import is_ordinary
from vtspec.pipelines.drafting.offline.pasted_config import flatten_configs
from vtspec.pipelines.drafting.offline.spoken_numbers import replace_spoken_numbers
from vtspec.pipelines.project.repository import find_repository

REPOSITORY = find_repository(WORLD)


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("zero point zero zero zero two", "0.0002"),
        ("ninety five point five", "95.5"),
        ("momentum point nine", "momentum 0.9"),
        ("at that point one of us", "at that point one of us"),
        ("two e minus five", "2e-5"),
        ("2e minus 5", "2e-5"),
        ("ten to the minus four", "1e-4"),
        ("five times ten to the minus four", "5e-4"),
        ("ten to the power of three", "1e3"),
        ("영 점 영영영이로", "0.0002로"),
        ("영점영일이고", "0.01이고"),
        ("제로 점 오", "0.5"),
        ("0점 001", "0.001"),
        ("일 이 마이너스 사", "1e-4"),
        ("십의 마이너스 삼승", "1e-3"),
        ("by a factor of ten", "by 10 times"),
        ("divided by four", "reduced by 4 times"),
        ("multiplied by 3", "3 times"),
        ("2로 나눠", "2배 줄여"),
        ("욜로 십일 엠 포즈", "yolo11m 포즈"),
        ("레즈넷 백일로", "resnet101로"),
        ("이피션트넷 비제로", "efficientnet_b0"),
        ("yolo v eight small", "yolov8 small"),
        ("resnet one oh one on cats", "resnet101 on cats"),
        ("resnet one fifty two on cats", "resnet152 on cats"),
        ("yolo fifty epochs", "yolo fifty epochs"),
        ("resnet 18 and more", "resnet 18 and more"),
        ("레즈넷 오십 에폭", "레즈넷 오십 에폭"),
        ("resnet fiftyish", "resnet fiftyish"),
    ],
)
def test_dictated_numbers_are_written_in_digits(spoken: str, written: str) -> None:
    assert replace_spoken_numbers(spoken) == written


@pytest.mark.parametrize(
    ("pasted", "lines"),
    [
        ('```json\n{"lr": 0.1, "amp": true}\n```', ["lr: 0.1", "amp: true"]),
        ('{"model": {"name": "resnet18", "pretrained": false}}',
         ["model: resnet18", "pretrained: false"]),
        ('{"imgsz": [320, 640], "classes": ["a", "b"]}', ["imgsz: 320x640", "classes: a, b"]),
        ('{"each": [{"a": 1}], "none": null}', ["each: a 1"]),
        ("{epochs: 20, lr: '0.01', odd,}", ["epochs: 20", "lr: 0.01", "odd"]),
        ("a { b", ["a", "b"]),
        ("training:\n  epochs: 3 # few\n  seed: null\nclasses:\n  - rose\n  - tulip",
         ["epochs: 3", "classes: rose", "classes: tulip"]),
        ("apiVersion: v1\nmetadata:\n  name: my-run", ["name: my-run"]),
        ("| key | value |\n|---|---|\n| epochs | 30 |", ["key: value", "epochs: 30"]),
        ("1. cats\n2. resnet18\n5. 스케줄러 step", ["cats", "resnet18", "스케줄러 step"]),
        ("1. cats 2. resnet18 3. 20 epochs", ["cats", "resnet18", "20 epochs"]),
        ("version 1. cats", ["version 1. cats"]),
        ("- cats\n* resnet18", ["cats", "resnet18"]),
        ("train.py --batch-size 32 --amp", ["train.py", "batch-size: 32", "amp"]),
    ],
)  # fmt: skip
def test_pasted_configurations_become_lines(pasted: str, lines: list[str]) -> None:
    found = [line.strip() for line in flatten_configs(pasted).split("\n") if line.strip()]
    assert found == lines


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='{}[]":,-|`\n 1.ab=가', max_size=60))
def test_no_text_is_too_odd_to_be_unfolded(text: str) -> None:
    assert isinstance(replace_spoken_numbers(flatten_configs(text)), str)


@pytest.mark.parametrize(
    "text",
    [
        '{"dataset": "flowers", "model": "resnet34", "epochs": 21, "batch": 24, "lr": 0.003}',
        "```yaml\ndata: flowers\nmodel: resnet34\nepochs: 21\nbatch: 24\nlr: 0.003\n```",
        "model=resnet34 data=flowers epochs=21 batch=24 lr=0.003",
        "train.py --data flowers --model resnet34 --epochs 21 --batch 24 --lr 3e-3",
        "1. flowers\n2. resnet34\n3. 21 epochs\n4. batch of 24\n5. lr 0.003",
        "데이터: flowers\n모델: resnet34\n에폭: 21\n배치: 24\n학습률: 0.003",
        "flowers, resnet thirty four, twenty one epochs, batch size twenty four, learning rate "
        "three e minus three",
    ],
)
def test_however_it_is_written_it_says_the_same(text: str) -> None:
    expected: dict[str, Any] = {
        "dataset.ref": "flowers",
        "model.name": "resnet34",
        "training.epochs": 21,
        "training.batchSize": 24,
        "training.learningRate": 0.003,
    }
    sketch = said(REPOSITORY, text)
    assert sketch.status == "complete"
    assert {key: flat(sketch.data).get(key) for key in expected} == expected


@pytest.mark.parametrize(
    "word",
    ["reaches", "tricks", "running", "tries", "stopped", "belts", "clever", "점심", "기차표"],
)
def test_ordinary_words_are_known(word: str) -> None:
    assert is_ordinary(word)


@pytest.mark.parametrize("word", ["epcohs", "resnte", "catss", "btach", "에퍽", "배취"])
def test_misspelt_words_are_not_ordinary(word: str) -> None:
    assert not is_ordinary(word)


def test_an_ordinary_word_is_mended_only_as_part_of_a_known_phrase() -> None:
    plain = said(REPOSITORY, "chest-xray resnet18 5 epochs. Whatever it reaches, no tricks.")
    assert [each.value for each in plain.assumptions if "read as" in each.why] == []
    phrase = said(REPOSITORY, "cats resnet18 5 epochs, leaning rate 0.02")
    assert flat(phrase.data)["training.learningRate"] == 0.02


def test_the_list_of_words_travels_with_its_notice() -> None:
    folder = Path(offline.__file__).parent / "words"
    assert "Kevin Atkinson" in (folder / "english.LICENSE.txt").read_text(encoding="utf-8")
    assert (folder / "english.txt").stat().st_size < 120_000
