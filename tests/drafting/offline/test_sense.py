"""What words mean by where they stand: classes, corrections, gates, limits, what is no request."""

from typing import Any

import pytest

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.project.repository import find_repository

REPOSITORY = find_repository(WORLD)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("helmets에서 안전모 안 쓴 사람(no-helmet)만 yolo11l 66에폭",
         {"dataset.classes": ["no-helmet"]}),
        ("parts yolov9m 38 epochs, just the nut class", {"dataset.classes": ["nut"]}),
        ("Washers and bolts keep jamming the feeder. parts, yolo26n, 130 epochs.",
         {"dataset.classes": None, "training.epochs": 130}),
        ("photo tags, only people and pets, google/vit-base-patch16-224, 9 epochs",
         {"dataset.classes": ["people", "pets"]}),
        ("flowers resnet18 3 epochs, light augmentation only", {"dataset.classes": None}),
        ("flowers를 resnet34로 20에폭, 아 잠깐 20은 적다 26에폭으로", {"training.epochs": 26}),
        ("like flowers-vit, except 60 epochs... no, hold on, 45", {"training.epochs": 45}),
        ("like flowers-vit, drop the warm-up to 3", {"training.warmupEpochs": 3.0}),
        ("cats resnet50, epochs 20 -> 40", {"training.epochs": 40}),
        ("flowers vit 실험 말고 cats-resnet50 실험 그대로 하되 에폭 80", {"dataset.ref": "cats"}),
        ("cats-resnet50 그대로, 정확도 0.95로 올리고", {"report.gates": ["accuracy >= 0.95"]}),
        ("receipts trocr 10 epochs, cer may be maximum 0.05", {"report.gates": ["cer <= 0.05"]}),
        ("chest-xray densenet121 32 epochs, passes when macro_recall reaches 0.94",
         {"report.gates": ["macro_recall >= 0.94"]}),
        ("digits resnet18 3 epochs, it took 3 hours last time, limit to 2",
         {"resources.maxDuration": "2h"}),
        ("cats resnet18 5 epochs, 시드는 7로 고정", {"training.seed": 7, "training.freeze": None}),
        ("cats resnet18 5 epochs, 난수 씨앗은 2024", {"training.seed": 2024}),
        ("digits,resnet18,15epochs,sed 3", {"training.seed": 3}),
        ("cats resnet18 9에폭, 조기 종료 넣어, 5번 안 오르면 끊어",
         {"training.earlyStopping.patience": 5}),
        ("flowers vit, 열 번 돌려", {"training.epochs": 10}),
        ("cats resnet18 5 epochs, AdamW at 3e-4", {"training.learningRate": 0.0003}),
        ("cats resnet18 5 epochs, lr 0.01 decaying to 0.0001",
         {"training.learningRate": 0.01, "training.minLearningRate": 0.0001}),
        ("cats resnet18 5 epochs polynomial schedule that ends at a learning rate of 1e-6",
         {"training.minLearningRate": 1e-6, "training.learningRate": None}),
        ("cats resnet18 5에폭 학습률 0.001에서 1e-6까지 코사인으로",
         {"training.learningRate": 0.001, "training.minLearningRate": 1e-6}),
        ("cats resnet50 5 epochs 학습률 1e-4에서 1/10로", {"training.learningRate": 1e-5}),
        ("like flowers-vit, weight decay reduced by a factor of ten",
         {"training.weightDecay": 0.005}),
        ("cats resnet18 1/3 of 90 epochs, batch half of 64",
         {"training.epochs": 30, "training.batchSize": 32}),
        ("athletes; yolov8s-pose; 64 ep; h100 x2", {"resources.gpus": 2}),
        ("street yolo eleven medium, 9 epochs, four t four gpus",
         {"resources.gpus": 4, "resources.gpuType": "t4", "model.name": "yolo11m"}),
        ("chest-xray densenet121 28에폭, 재현율 0.95 이상 안 나오면 불합격",
         {"report.gates": ["macro_recall >= 0.95"]}),
        ("cats-resnet50 as it is minus the accuracy gate", {"report.gates": None}),
        ("cats resnet50 30 epochs learning rate 0,001", {"training.learningRate": 0.001}),
        ("cats resnet18 10 epochs, batch 2^5", {"training.batchSize": 32}),
        ("use 2 of the 4 t4s, cats resnet18 10 epochs", {"resources.gpus": 2}),
        ("My GPU only has 8 GB, cats resnet18 5 epochs", {"resources.memory": None}),
        ("cats resnet18 5 epochs, memory 24GB", {"resources.memory": "24Gi"}),
        ("receipts trocr 7 epochs, stop after 2 epochs without improvement",
         {"training.epochs": 7, "training.earlyStopping.patience": 2}),
        ("helmets yolo26s 90 epochs mosaic off, close_mosaic 10", {"training.epochs": 90}),
        ("digits에서 0,1만 resnet18 5에폭", {"dataset.classes": ["0", "1"]}),
        ("꽃 데이터로 이피션트넷 비투 35에폭", {"model.name": "efficientnet_b2"}),
        ("헬멧 데이터에서 오분류가 많은데 yolov8x로 200에폭", {"task": "object-detection"}),
        ("helmets 착용 여부 자동 판별, yolov8l 85에폭", {"task": "object-detection"}),
    ],
)  # fmt: skip
def test_words_mean_what_they_do_where_they_stand(text: str, expected: dict[str, Any]) -> None:
    sketch = said(REPOSITORY, text)
    assert sketch.status == "complete"
    found = flat(sketch.data)
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("resnet34 말고 50으로 cats 9에폭", "resnet50"),
        ("small vit on cats, 5 epochs", "vit_small_patch16_224"),
        ("nano yolo on street 5 epochs", "yolo11n"),
        ("cats resnet 18 epochs", "resnet50"),
        ("parts yolo11s seg outlines 5 epochs", "yolo11s-seg"),
        ("athletes 욜로11s 포즈 5 epochs", "yolo11s-pose"),
        ("cats timm/resnet18 5 epochs", "timm/resnet18"),
        ("cats convnextv2 large 5 epochs", "convnextv2_large"),
        ("cats mobilenetv3 small 5 epochs", "mobilenetv3_small_100"),
        ("cats swin v2 base 5 epochs", "swinv2_base_window8_256"),
        ("chest-xray Efficientnet-B3 5 epochs", "efficientnet_b3"),
        ("cats vit_base_patch16_224.augreg_in21k 5 epochs", "vit_base_patch16_224.augreg_in21k"),
        ("captions-ko blip base 4 epochs", "Salesforce/blip-image-captioning-base"),
    ],
)
def test_a_model_is_told_by_family_size_and_number(text: str, model: str) -> None:
    assert flat(said(REPOSITORY, text).data).get("model.name") == model


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cats resnet18 100, not 50 epochs", {"training.epochs": 100}),
        ("cats resnet18 5에폭 모델은 cat-net으로 등록", {"tracking.registerAs": "cat-net"}),
        ("cats resnet18 5 epochs, lion optimizer", {"training.optimizer": "lion"}),
        ("cats resnet18 5 epochs, track as my-exp", {"tracking.experiment": "my-exp"}),
        ("cats 실험 이름은 foo-bar, resnet18 5 에폭", {"metadata.name": "foo-bar"}),
        ("cats resnet18 5 epochs, 'My Run'이라고 불러줘", {"metadata.name": "my-run"}),
        ("foo-bar라는 이름으로 cats resnet18 5 에폭", {"metadata.name": "foo-bar"}),
        ("like cats-resnte50 but 7 epochs", {"training.epochs": 7, "dataset.ref": "cats"}),
        ("cats resnet18 5 epochs on the CPU only", {"resources.gpus": 0}),
        ("cats resnet18 5 epochs, at least 95% accuracy", {"report.gates": ["accuracy >= 0.95"]}),
        ("cats resnet18 5에폭 95% 이상의 정확도", {"report.gates": ["accuracy >= 0.95"]}),
        ("cats resnet18 5 epochs, best epoch by accuracy",
         {"training.checkpoint.monitor": "accuracy"}),
        ("cats resnet18 5 epochs, loss must not exceed 12 percent",
         {"report.gates": ["loss <= 0.12"]}),
    ],
)  # fmt: skip
def test_settings_that_are_names_or_bounds_are_read(text: str, expected: dict[str, Any]) -> None:
    sketch = said(REPOSITORY, text)
    assert sketch.status == "complete"
    found = flat(sketch.data)
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("From chest-xray normal, pneumonia and effusion told apart, resnet50, 20 epochs",
         "spec.dataset.classes"),
        ("street, classes: car, bus and unicorn, yolo11s 10 epochs", "spec.dataset.classes"),
        ('{"dataset": "cats", "model": "resnet34", "lr": 0.01} 이고 lr은 0.001',
         "spec.training.learningRate"),
        ("flowers resnet50 50 ± 10 epochs", "spec.training.epochs"),
        ("street yolov8z 5 epochs", "spec.model.name"),
        ("cats resnet50qq 5 epochs", "spec.model.name"),
        ("roads segformer b9 5 epochs", "spec.model.name"),
        ("cats resnet18 5 epochs, sgd or lion", "spec.training.optimizer"),
        ("like horses-vit but 7 epochs", "metadata.name"),
        ("cats resnet18 5 epochs, compare with horses-vit", "spec.report.baseline"),
        ("train something", "spec.dataset.ref"),
        ("아무거나 하나 학습시켜 주세요", "spec.dataset.ref"),
        ("I want to build an AI that finds defects in our products", "spec.dataset.ref"),
    ],
)  # fmt: skip
def test_what_is_open_is_asked(text: str, field: str) -> None:
    sketch = said(REPOSITORY, text)
    assert sketch.question is not None
    assert sketch.question.field == field


@pytest.mark.parametrize(
    "text",
    [
        "train tickets to Busan for two at nine tomorrow",
        "내일 아침 아홉 시에 부산 가는 기차표 두 장만 예매해 줘",
        "who won the game last night??",
        "read me the headlines of this morning",
        "remind me to feed the cats at 7",
        "schedule a meeting with Bob at 5pm",
        "set a timer for 20 minutes",
        "우리 강아지 산책 30분만 시켜줘",
    ],
)
def test_what_has_nothing_of_training_in_it_is_refused(text: str) -> None:
    assert said(REPOSITORY, text).status == "refused"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("New data, please register:\n- folder: data/turbines\n- name: turbines\n"
         "- what for: oriented detection\n- labels: yolo\n- classes: blade, tower",
         {"tasks": ["oriented-detection"], "classes": ["blade", "tower"], "format": "yolo"}),
        ("신규 자료 등재 요청: 명칭은 permits, 소재는 data/permits, 용도는 문자 인식(OCR), "
         "서식은 csv",
         {"metadata.name": "permits", "tasks": ["ocr"], "format": "csv"}),
        ("등록 좀. 폴더는 data/scratches, 데이터셋 이름 scratches, 객체 탐지, voc 형식이고 "
         "클래스는 dent, scratch 두 개", {"classes": ["dent", "scratch"]}),
    ],
)  # fmt: skip
def test_data_is_registered_in_any_wording(text: str, expected: dict[str, Any]) -> None:
    sketch = said(REPOSITORY, text)
    assert sketch.data is not None
    assert sketch.data["kind"] == "Dataset"
    found = flat(sketch.data)
    assert {key: found.get(key) for key in expected} == expected
