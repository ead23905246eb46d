"""What the adapters that are here train, of all that the catalogs know."""

import pkgutil

import pytest

import vtspec.adapters
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.discovery import has_adapter, load_adapter
from vtspec.pipelines.catalog import (
    find_model,
    find_training_problem,
    load_frameworks,
    load_params,
)
from vtspec.schema.kinds.tasks import TASKS

MODULES = [module.name for module in pkgutil.iter_modules(vtspec.adapters.__path__)]


def _loads(name: str) -> bool:
    try:
        load_adapter(name)
    except AdapterError:
        return False
    return True


@pytest.mark.parametrize("name", [*MODULES, "nowhere", ""])
def test_an_adapter_is_there_exactly_where_it_can_be_loaded(name: str) -> None:
    assert has_adapter(name) == _loads(name)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", list(load_frameworks()))
def test_a_task_is_trained_exactly_where_an_adapter_declares_it(name: str, task: str) -> None:
    framework = load_frameworks()[name]
    declared = load_adapter(framework.adapter).TASKS if _loads(framework.adapter) else ()
    trained = find_training_problem(framework, task=task) is None
    assert trained == (task in [each.value for each in declared])


@pytest.mark.parametrize(
    ("model", "task", "from_weights", "told"),
    [
        ("resnet18", None, True, None),
        ("softmax-regression", "image-classification", False, None),
        ("resnet18", "object-detection", False, "does not train object-detection"),
        ("yolo11n", None, False, None),
        ("yolo11n", None, True, "are a plain download that nothing pins"),
        ("yolo11n-cls", "image-classification", False, None),
        ("yolo26n-sem", "semantic-segmentation", False, None),
        ("yolo26n-depth", "depth-estimation", False, None),
        ("rtdetr-l", "object-detection", False, "does not train 'rtdetr-l'"),
        ("vtspec/rt-detr-v2-tiny", "object-detection", True, None),
        ("PekingU/rtdetr_r50vd", "object-detection", True, None),
        ("Roboflow/rf-detr-base", None, False, "does not train 'Roboflow/rf-detr-base'"),
        ("facebook/detr-resnet-50", "object-detection", True, None),
        (
            "facebook/detr-resnet-50",
            "semantic-segmentation",
            True,
            "does not train 'facebook/detr-resnet-50' for semantic-segmentation",
        ),
        ("facebook/sapiens2-seg-0.4b", None, False, "does not train 'facebook/sapiens2-seg-0.4b'"),
        ("google/vit-base-patch16-224", None, True, None),
        (
            "google/vit-base-patch16-224",
            "multilabel-classification",
            True,
            "does not train multilabel-classification",
        ),
        ("somebody/unlisted", None, True, None),
        ("gcvit_tiny", None, False, None),
        ("gcvit_tiny", None, True, "are a plain download that nothing pins"),
        ("test_byobnet.r160_in1k", None, True, None),
    ],
)
def test_the_one_answer_is_of_model_task_and_weights(
    model: str, task: str | None, from_weights: bool, told: str | None
) -> None:
    ((framework, found),) = find_model(model)
    problem = find_training_problem(framework, found, task, from_weights=from_weights)
    assert (problem is None) == (told is None)
    if problem is not None:
        assert told is not None and told in problem.message
        assert "vtspec models search" in (problem.fix or "")


def test_a_model_without_a_classifier_is_trained_nowhere() -> None:
    timm = load_frameworks()["timm"]
    without = next(name for name, raw in timm.catalog["models"].items() if not raw["tasks"])
    problem = find_training_problem(timm, timm.model(without))
    assert problem is not None and "has no classifier" in problem.message


def test_every_setting_of_an_adapter_says_what_it_does() -> None:
    assert all(param.help for param in load_params(load_frameworks()["timm"]).values())


@pytest.mark.parametrize("name", ["toy"])
def test_an_image_says_what_its_adapter_can_do(name: str) -> None:
    assert load_frameworks()[name].supported == load_adapter(name).SUPPORTED  # type: ignore[attr-defined]


def test_a_search_that_is_told_finds_what_is_trained() -> None:
    timm, toy = load_frameworks()["timm"], load_frameworks()["toy"]
    problem = find_training_problem(toy, task="pose-estimation")
    assert problem is not None
    assert problem.fix == "vtspec models search --task pose-estimation --framework ultralytics"
    # Where nothing here does the task, none of its models is offered.
    problem = find_training_problem(timm, task="text-generation")
    assert problem is not None and problem.fix is not None
    assert "nothing here trains text-generation" in problem.fix
    assert "--task image-classification" in problem.fix
