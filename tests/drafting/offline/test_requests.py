"""Single requests: what is read of them, in both languages."""

from typing import Any

import pytest

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.project.repository import Repository, find_repository


@pytest.fixture(scope="module")
def world() -> Repository:
    return find_repository(WORLD)


def fields(**values: Any) -> dict[str, Any]:
    return {key.replace("__", "."): value for key, value in values.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "ResNet50으로 고양이 3종류 분류, cats 데이터로 50 에폭",
            {"dataset.ref": "cats", "model.name": "resnet50", "training.epochs": 50},
        ),
        (
            "레즈넷101로 꽃분류 에폭100배치128학습률0.001",
            {
                "dataset.ref": "flowers",
                "model.name": "resnet101",
                "training.epochs": 100,
                "training.batchSize": 128,
                "training.learningRate": 0.001,
            },
        ),
        (
            "digits resnet18 for a hundred and fifty epochs with batches of sixty-four",
            {"dataset.ref": "digits", "training.epochs": 150, "training.batchSize": 64},
        ),
        (
            "안전모 썼는지 탐지하는 모델 필요해요. 욜로11 스몰, 이백 에폭이요.",
            {"dataset.ref": "helmets", "model.name": "yolo11s", "training.epochs": 200},
        ),
        (
            "H100 두 장으로 street yolo11l 300에폭, 이미지 크기 1280, 최대 12시간",
            {
                "resources.gpus": 2,
                "resources.gpuType": "h100",
                "resources.maxDuration": "12h",
                "training.imageSize": 1280,
            },
        ),
        (
            "finetune vit small on chest x-ray for a dozen epochs with cosine schedule and 2 "
            "warmup epochs",
            {
                "dataset.ref": "chest-xray",
                "model.name": "vit_small_patch16_224",
                "model.pretrained": True,
                "training.scheduler": "cosine",
                "training.epochs": 12,
                "training.warmupEpochs": 2.0,
            },
        ),
        (
            "cats resnet18 8 CPU cores, 64GB ram, 6 workers, within 2 days",
            {
                "resources.cpus": 8,
                "resources.memory": "64Gi",
                "resources.maxDuration": "2d",
                "training.workers": 6,
            },
        ),
        (
            "freeze the backbone, flowers, efficientnet b0, label smoothing 0.1, fp16",
            {
                "training.freeze": "backbone",
                "training.labelSmoothing": 0.1,
                "training.precision": "fp16",
                "model.name": "efficientnet_b0",
            },
        ),
        (
            "정확도 98% 이상이어야 하고 손실은 0.1 이하여야 해. digits resnet18 20에폭",
            {"report.gates": ["accuracy >= 0.98", "loss <= 0.1"]},
        ),
        (
            "segformer b0 roads 80 epochs mIoU at least 0.7, compare with cats-resnet50",
            {"report.gates": ["mIoU >= 0.7"], "report.baseline": "cats-resnet50"},
        ),
        (
            "cats resnet18, register as kitty-net, export onnx, early stopping with patience 7",
            {
                "tracking.registerAs": "kitty-net",
                "export.formats": ["safetensors", "onnx"],
                "training.earlyStopping.patience": 7,
            },
        ),
        (
            "cats vit_base_patch16_224, gradient clipping 1.0, accumulate gradients over 4 "
            "batches, keep an EMA with decay 0.999, deterministic off, seed 3, sgd momentum 0.95",
            {
                "training.gradientClipping": 1.0,
                "training.gradientAccumulation": 4,
                "training.ema.decay": 0.999,
                "training.deterministic": False,
                "training.seed": 3,
                "training.optimizer": "sgd",
                "training.momentum": 0.95,
            },
        ),
        (
            "best by macro f1, chest-xray resnet50, balanced class weights, save a checkpoint "
            "every 5 epochs",
            {
                "training.checkpoint.monitor": "macro_f1",
                "training.checkpoint.every": 5,
                "training.classWeights": "balanced",
            },
        ),
        (
            "digits resnet18 in the MLflow experiment spring, weight decay 0.05, 90분 안에",
            {
                "tracking.experiment": "spring",
                "training.weightDecay": 0.05,
                "resources.maxDuration": "90m",
            },
        ),
        ("resnet50.a1_in1k on cats", {"model.name": "resnet50.a1_in1k"}),
        ("acme/my-model로 cats 학습", {"model.name": "acme/my-model"}),
        ("cats resnet18 finishing in an hour and a half", {"resources.maxDuration": "90m"}),
        ("call it my-cats: resnet18 on cats", {"metadata.name": "my-cats"}),
        ("이름은 first-try로 하고 digits resnet18", {"metadata.name": "first-try"}),
        (
            "cats resnet18, '봄 모델'이 아니라 spring-run이라고 불러줘",
            {"metadata.name": "spring-run"},
        ),
        ("ships yolo11s-obb image size 640x480", {"training.imageSize": [640, 480]}),
        ("cats resnet18 weights from run:old-run", {"model.weights": "run:old-run"}),
        ("cats resnet18 early stopping after 8 epochs, 90 epochs", {"training.epochs": 90}),
    ],
)
def test_what_is_said_is_in_the_draft(
    world: Repository, text: str, expected: dict[str, Any]
) -> None:
    drafted = said(world, text)
    assert drafted.status == "complete", drafted.question
    assert {key: flat(drafted.data).get(key) for key in expected} == expected
    assert filter_errors(find_problems(drafted.data or {}, world)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cats 말고 flowers, resnet18", {"dataset.ref": "flowers"}),
        ("not resnet18 but resnet50 on flowers", {"model.name": "resnet50"}),
        ("cats resnet18 without augmentation", {"training.augmentation": "none"}),
        ("digits 사전학습 없이 resnet18", {"model.pretrained": False}),
        ("train resnet18 from scratch on digits", {"model.pretrained": False}),
        ("street yolo11n adam instead of sgd", {"training.optimizer": "adam"}),
        ("cats resnet18, batch size 64 rather than 32", {"training.batchSize": 64}),
        ("cats resnet18 64 말고 배치 32", {"training.batchSize": 32}),
        ("cats resnet18 no gpu, on the cpu", {"resources.gpus": 0}),
        ("flowers except daisy, resnet18", {
            "dataset.classes": ["dandelion", "rose", "sunflower", "tulip"]}),
        ("cats resnet18, neither early stopping nor augmentation", {
            "training.earlyStopping": None}),
    ],
)  # fmt: skip
def test_what_is_negated_is_left_out(
    world: Repository, text: str, expected: dict[str, Any]
) -> None:
    drafted = said(world, text)
    assert drafted.status == "complete", drafted.question
    assert {key: flat(drafted.data).get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("text", "epochs"),
    [
        ("cats resnet18 50, no, 100 epochs", 100),
        ("50 에폭 아니 80 에폭으로 cats resnet50", 80),
        ("50 아니 100 에폭 cats resnet18", 100),
        ("cats resnet50 50 epochs, actually make it 80", 80),
    ],
)
def test_a_correction_takes_the_last(world: Repository, text: str, epochs: int) -> None:
    assert flat(said(world, text).data)["training.epochs"] == epochs


@pytest.mark.parametrize(
    ("text", "typed", "field", "value"),
    [
        ("resnt50 on cats", "resnt50", "model.name", "resnet50"),
        ("flwoers resnet18", "flwoers", "dataset.ref", "flowers"),
        ("cats resnet18 40 epohcs", "epohcs", "training.epochs", 40),
        ("cats resnet18 80에픅", "에픅", "training.epochs", 80),
        ("cats resnet18 lerning rate 0.01", "lerning", "training.learningRate", 0.01),
        ("trainyolo11s on street", "trainyolo11s", "model.name", "yolo11s"),
    ],
)
def test_a_misspelt_word_is_read_and_said(
    world: Repository, text: str, typed: str, field: str, value: Any
) -> None:
    drafted = said(world, text)
    assert flat(drafted.data)[field] == value
    assert typed in [each.value for each in drafted.assumptions if each.field == ""]


def test_words_that_are_not_understood_are_said_once(world: Repository) -> None:
    drafted = said(world, "cats resnet18 10 epochs with frobnication and quuxness")
    assert [each.value for each in drafted.assumptions if not each.field] == [
        "frobnication quuxness"
    ]


def test_politeness_is_understood_as_nothing(world: Repository) -> None:
    drafted = said(
        world, "음 그냥 cats 데이터로 resnet18 좀 10에폭 돌려줘, 부탁드려요. please, thanks!"
    )
    assert [each for each in drafted.assumptions if not each.field] == []


@pytest.mark.parametrize(
    ("task", "epochs"), [("image-captioning", 3), ("depth-estimation", 50), ("text-generation", 3)]
)
def test_what_nobody_said_is_assumed_aloud(world: Repository, task: str, epochs: int) -> None:
    drafted = said(world, f"a model for {task.replace('-', ' ')} please")
    assert drafted.status == "complete"
    told = {each.field: each.value for each in drafted.assumptions}
    assert told["spec.training.epochs"] == epochs
    assert {
        "spec.dataset.ref",
        "spec.model.name",
        "spec.model.pretrained",
        "metadata.name",
    } <= set(told)
    assert all(each.why for each in drafted.assumptions)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("yolo on ships", "yolo11n-obb"),
        ("yolo 세그멘테이션 parts", "yolo11n-seg"),
        ("yolov8 medium on helmets", "yolov8m"),
        ("vit on flowers", "vit_base_patch16_224"),
        ("resnet on flowers", "resnet50"),
        ("mobilenet v3 small, digits", "mobilenetv3_small_100"),
        ("photo tagging with swin tiny", "swin_tiny_patch4_window7_224"),
        ("resnet 50 epochs on cats", "resnet50"),
        ("vit base patch32 384 on cats", "vit_base_patch32_384"),
        ("욜로 라지로 운동선수 포즈 추정", "yolo11l-pose"),
    ],
)
def test_families_and_sizes_name_a_member(world: Repository, text: str, name: str) -> None:
    assert flat(said(world, text).data)["model.name"] == name


def test_reasons_are_in_the_language_of_the_person(world: Repository) -> None:
    korean = said(world, "깊이 추정 모델").assumptions
    english = said(world, "depth estimation").assumptions
    assert all(any("가" <= letter <= "힣" for letter in each.why) for each in korean)
    assert all(each.why.isascii() for each in english)


def test_the_same_words_give_the_same_sketch(world: Repository) -> None:
    text = "yolo로 거리에서 자동차랑 버스만 탐지, 배치 두 배, 학습률은 0.01, foo bar"
    assert said(world, text) == said(find_repository(WORLD), text)


def test_a_name_that_is_taken_gets_a_number(world: Repository) -> None:
    assert flat(said(world, "cats resnet50").data)["metadata.name"] == "cats-resnet50-2"
    assert flat(said(world, "resnet18 on cats, call it cats-resnet50").data)["metadata.name"] == (
        "cats-resnet50-2"
    )


@pytest.mark.parametrize(
    "words",
    [
        "기준은 cats-resnet50",
        "비교 대상은 cats-resnet50",
        "목표는 cats-resnet50 보다 좋게",
        "cats-resnet50보다 나아야 해",
        "baseline cats-resnet50",
        "reference is cats-resnet50",
        "it should beat cats-resnet50",
        "better than cats-resnet50",
    ],
)
def test_an_experiment_to_be_compared_with_is_the_baseline_and_copied_from_in_nothing(
    world: Repository, words: str
) -> None:
    draft = said(world, f"flowers resnet18 7 epochs, {words}")
    found = flat(draft.data)
    assert found["report.baseline"] == "cats-resnet50"
    assert (found["dataset.ref"], found["model.name"]) == ("flowers", "resnet18")
    assert "training.learningRate" not in found
    assert [one.value for one in draft.assumptions if not one.field] == []


@pytest.mark.parametrize(
    "words", ["like cats-resnet50 but better, 3 epochs", "cats-resnet50보다 학습률만 절반"]
)
def test_an_experiment_that_is_changed_is_no_baseline(world: Repository, words: str) -> None:
    found = flat(said(world, words).data)
    assert found["dataset.ref"] == "cats"
    assert found.get("report.baseline") != "cats-resnet50"


@pytest.mark.parametrize(
    "words",
    [
        "shapes-model로 등록해줘",
        "shapes-model이라는 이름으로 등록해줘",
        "모델을 shapes-model로 등록",
        "모델 이름은 shapes-model",
        "모델명은 'shapes-model'",
    ],
)
def test_a_models_name_in_korean_is_the_one_that_it_is_registered_under(
    world: Repository, words: str
) -> None:
    draft = said(world, f"cats로 resnet18 5 에폭, {words}")
    found = flat(draft.data)
    assert found["tracking.registerAs"] == "shapes-model"
    assert (found["metadata.name"], found["model.name"]) == ("cats-resnet18", "resnet18")


@pytest.mark.parametrize(
    "words", ["모델 이름은 resnet18", "모델 이름은 resnet-18", "model name is resnet-18"]
)
def test_a_models_name_that_a_catalog_has_is_the_network(world: Repository, words: str) -> None:
    found = flat(said(world, f"cats, 5 epochs, {words}").data)
    assert (found["metadata.name"], found["model.name"]) == ("cats-resnet18", "resnet18")
    assert "tracking.registerAs" not in found
