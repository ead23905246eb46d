"""Names of the repository that are words of the language too: taken only where they are meant."""

import importlib
import shutil
import sys
from typing import Any

import pytest

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.project.scaffold import scaffold

# Scripts beside each other and no package, as `score.py` finds them.
sys.path.append(str(WORLD.parent))
repositories = importlib.import_module("repositories")

PRODUCT = WORLD.parents[2]


@pytest.fixture(scope="module")
def product() -> Repository:
    """The repository of vtspec itself, which has an A10G and two A100."""
    return find_repository(PRODUCT)


@pytest.fixture(scope="module")
def collisions() -> Repository:
    found: Repository = repositories.build_collisions()
    return found


@pytest.mark.parametrize(
    "text",
    [
        "Train a ResNet18 on digits for 5 epochs",
        "train a vit on digits",
        "do a 5-epoch run of resnet18 on digits",
        "Need a model for digits, 10 epochs, batch 64",
        "As a test, run resnet18 on digits for one epoch",
        "a resnet18 for a small test on digits",
        "train resnet18 on digits for a 100 epochs",
    ],
)
def test_an_article_is_no_gpu(product: Repository, text: str) -> None:
    answer = said(product, text)

    assert answer.status == "complete", answer.question
    assert {"resources.gpus", "resources.gpuType"}.isdisjoint(flat(answer.data))
    assert "test" not in [each.value for each in answer.assumptions]


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("train resnet18 on digits on a t4", "t4", 1),
        ("one A100 80GB, resnet50, digits, 20 epochs", "a100-80", 1),
        ("digits resnet18, A100 40GB 두 장", "a100-40", 2),
        ("digits resnet18 A100 80기가 두 장", "a100-80", 2),
        ("digits resnet18 on an a100-40", "a100-40", 1),
        ("digits, resnet18, 2x h100 80GB", "h100", 2),
        ("resnet18 on digits on an A10G", "a10g", 1),
    ],
)
def test_a_gpu_is_known_by_its_name_and_its_memory(
    product: Repository, text: str, kind: str, count: int
) -> None:
    answer = said(product, text)
    found = flat(answer.data)

    assert answer.status == "complete", answer.question
    assert (found["resources.gpuType"], found["resources.gpus"]) == (kind, count)


@pytest.mark.parametrize("text", ["on an a100", "에이백 한 장"])
def test_of_two_gpus_of_one_name_only_those_are_offered(product: Repository, text: str) -> None:
    answer = said(product, f"resnet18 on digits, {text}")

    assert answer.question is not None
    assert answer.question.choices == ("a100-40", "a100-80")


def test_a_memory_that_no_gpu_of_the_name_has_is_asked_about(product: Repository) -> None:
    answer = said(product, "resnet18 on digits, one A100 60GB")

    assert answer.question is not None
    assert answer.question.field == "spec.resources.gpuType"


@pytest.mark.parametrize(
    "text",
    [
        "train resnet50 on cats, a small test of 5 epochs",
        "the best resnet50 for cats, on a small gpu",
        "cats 데이터로 작은 resnet50 한 번 학습, 이 모델로",
        "as a test train resnet50 on the cats dataset",
    ],
)
def test_a_common_word_is_no_name(collisions: Repository, text: str) -> None:
    found = flat(said(collisions, text).data)

    assert {path: found.get(path) for path in ("dataset.ref", "dataset.classes")} == {
        "dataset.ref": "cats", "dataset.classes": None,
    }  # fmt: skip
    assert found.get("resources.gpuType") is None
    assert found["metadata.name"] == "cats-resnet50-2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resnet50 on the test dataset", {"dataset.ref": "test"}),
        ("resnet50 on 'train', 3 epochs", {"dataset.ref": "train"}),
        ("resnet50, dataset: small", {"dataset.ref": "small"}),
        ("resnet50 on cats, gpu type: small", {"resources.gpuType": "small"}),
        ("test 실험처럼 하되 에폭만 7", {"training.epochs": 7, "training.batchSize": 64}),
    ],
)
def test_a_common_word_is_a_name_where_its_field_is_named(
    collisions: Repository, text: str, expected: dict[str, Any]
) -> None:
    found = flat(said(collisions, text).data)

    assert {path: found.get(path) for path in expected} == expected


@pytest.fixture(scope="module")
def plainly_named(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The benchmark's world with datasets whose names are plain words."""
    root = tmp_path_factory.mktemp("plain") / "mine"
    shutil.copytree(WORLD, root)
    datasets = root / "specs" / "datasets"
    written = (datasets / "digits.yaml").read_text(encoding="utf-8")
    for name in ("photos", "animals", "demo", "a"):
        named = written.replace("name: digits", f"name: {name}")
        (datasets / f"{name}.yaml").write_text(named, encoding="utf-8")
    return find_repository(root)


@pytest.mark.parametrize(
    ("text", "dataset"),
    [
        ("resnet18 on photos", "photos"),
        ("train resnet18 on the photos with batch size 8", "photos"),
        ("resnet18 on photos dataset", "photos"),
        ("photos로 resnet18 학습", "photos"),
        ("photos 데이터셋으로 resnet18", "photos"),
        ("fine-tune resnet18 on animals, 5 epochs", "animals"),
        ("resnet18 on demo for 3 epochs", "demo"),
        ("resnet18 on photos of cats", "cats"),
        ("resnet18 on small photos of cats", "cats"),
        ("train resnet18 on a small machine, cats", "cats"),
        ("classify photos of cats with resnet18", "cats"),
    ],
)
def test_a_dataset_of_a_plain_name_is_known_where_data_is_named(
    plainly_named: Repository, text: str, dataset: str
) -> None:
    answer = said(plainly_named, text)

    assert (answer.status, flat(answer.data)["dataset.ref"]) == ("complete", dataset)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("h flips off", 0.0),
        ("좌우반전 꺼줘", 0.0),
        ("no horizontal flip", 0.0),
        ("hflip 0.3", 0.3),
    ],
)
def test_flips_are_a_setting(product: Repository, text: str, value: float) -> None:
    answer = said(product, f"train resnet18 on digits, {text}")

    assert (answer.status, flat(answer.data).get("params.hflip")) == ("complete", value)


@pytest.fixture(scope="module")
def namesakes(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """What `vtspec init` makes: the experiment `shapes` is on the dataset `shapes`."""
    root = tmp_path_factory.mktemp("init") / "mine"
    scaffold(root, "mine", print, find=lambda _: None)
    return find_repository(root)


@pytest.mark.parametrize(
    ("text", "epochs"),
    [
        ("like shapes but twice as many epochs", 40),
        ("same as shapes, 3 epochs", 3),
        ("shapes처럼 하되 에폭만 두 배", 40),
        ("shapes랑 똑같이 하되 에폭만 7", 7),
    ],
)
def test_what_is_to_be_alike_is_the_experiment_of_that_name(
    namesakes: Repository, text: str, epochs: int
) -> None:
    found = flat(said(namesakes, text).data)

    assert (found["training.epochs"], found["training.optimizer"]) == (epochs, "sgd")
    assert found["report.gates"] == ["accuracy >= 0.8"]


@pytest.mark.parametrize(
    "text",
    [
        "softmax-regression on shapes, 4 epochs",
        "softmax-regression on data like shapes, 4 epochs",
        "shapes와 같은 데이터로 softmax-regression 4 에폭",
    ],
)
def test_data_that_is_alike_is_the_dataset_of_that_name(namesakes: Repository, text: str) -> None:
    found = flat(said(namesakes, text).data)

    assert (found["dataset.ref"], found["training.epochs"]) == ("shapes", 4)
    assert "training.optimizer" not in found
