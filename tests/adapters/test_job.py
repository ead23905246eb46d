"""A plan becomes a job, and an adapter is found by its name; what is not known is refused."""

import dataclasses
import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from toy_runs import a_plan
from vtspec.adapters.contract import (
    AdapterError,
    EarlyStopping,
    Ema,
    Job,
    Param,
    Split,
    TaskType,
    TrainingJob,
)
from vtspec.adapters.discovery import load_adapter
from vtspec.adapters.job import build_job, resolve_params
from vtspec.adapters.toy import adapter as toy

CLASSIFICATION = TaskType.IMAGE_CLASSIFICATION


def job_from(plan: dict[str, Any], **more: Any) -> Job:
    places = {"data_root": Path("data"), "workdir": Path("runs/one"), **more}
    return build_job(plan, run="one", attempt=2, **places)


def test_every_field_of_a_plan_reaches_the_job() -> None:
    training = {
        "imageSize": [32, 48],
        "ema": {"decay": 0.99, "warmup": True},
        "earlyStopping": {"patience": 3, "minDelta": 0.01},
        "checkpoint": {"monitor": "macro_f1", "every": 5},
        "freeze": ["stem", "layer1"],
        "classWeights": {"circle": 2.0, "cross": 1.0, "stripe": 1.0},
        "gradientClipping": 1.0,
    }
    weights = {"type": "hub", "id": "timm/resnet18.a1_in1k", "revision": "abc", "licence": "mit"}
    plan = a_plan(
        training=training,
        params={"initStd": 0.5},
        model={"name": "resnet18", "parameters": 1, "weights": weights},
    )
    plan["dataset"] = {**plan["dataset"], "keypoints": ["nose", "tail"]}
    job = job_from(plan, weights=Path("w.safetensors"))

    assert (job.run, job.attempt, job.task) == ("one", 2, CLASSIFICATION)
    assert dataclasses.asdict(job.model) == {
        "name": "resnet18",
        "pretrained": True,
        "weights": Path("w.safetensors"),
        "hub_id": "timm/resnet18.a1_in1k",
        "hub_revision": "abc",
        # Beside the weights, as no other is named.
        "configuration": ("timm/resnet18.a1_in1k", "abc"),
    }
    assert job.dataset.splits["val"] == Split(path="val")
    assert (job.dataset.final_split, job.dataset.format) == ("test", "imagefolder")
    assert job.dataset.keypoints == ("nose", "tail")
    assert job.training == TrainingJob(
        epochs=3,
        batch_size=8,
        learning_rate=0.2,
        image_size=(32, 48),
        seed=7,
        optimizer="sgd",
        momentum=0.9,
        weight_decay=0.001,
        scheduler="cosine",
        min_learning_rate=0.0,
        warmup_epochs=0.5,
        gradient_accumulation=1,
        gradient_clipping=1.0,
        ema=Ema(decay=0.99, warmup=True),
        label_smoothing=0.0,
        class_weights={"circle": 2.0, "cross": 1.0, "stripe": 1.0},
        augmentation="none",
        precision="fp32",
        freeze=("stem", "layer1"),
        early_stopping=EarlyStopping(patience=3, min_delta=0.01),
        monitor="macro_f1",
        keep_every=5,
        workers=0,
        deterministic=True,
    )
    assert (job.params["initStd"], job.export_formats) == (0.5, ("safetensors",))
    assert (job.gpus, job.cpus, job.smoke) == (0, 1, False)


def test_a_smoke_job_is_one_epoch() -> None:
    job = job_from(a_plan(training={"earlyStopping": {"patience": 1, "minDelta": 0}}), smoke=True)
    assert (job.training.epochs, job.training.early_stopping, job.smoke) == (1, None, True)


def test_a_split_that_a_dataset_lacks_is_left_out() -> None:
    plan = a_plan()
    plan["dataset"] = {**plan["dataset"], "splits": {"train": {"path": "a"}, "test": None}}
    assert list(job_from(plan).dataset.splits) == ["train"]


@pytest.mark.parametrize(
    ("training", "path"),
    [
        ({"lookahead": True}, "training.lookahead"),
        ({"ema": {"decay": 0.9, "warmup": True, "start": 3}}, "training.ema.start"),
        ({"checkpoint": {"monitor": "x", "every": 1, "top": 3}}, "training.checkpoint.top"),
        ({"earlyStopping": {"patience": 1, "minDelta": 0, "mode": "min"}}, "earlyStopping.mode"),
    ],
)
def test_what_a_newer_plan_says_is_refused_rather_than_ignored(
    training: dict[str, Any], path: str
) -> None:
    with pytest.raises(AdapterError, match=re.escape(path)) as raised:
        job_from(a_plan(training=training))
    assert "older than the plan" in str(raised.value)
    assert raised.value.fix


def test_what_a_plan_lacks_is_named() -> None:
    plan = a_plan()
    del plan["training"]["seed"]
    with pytest.raises(AdapterError, match="the plan has no 'seed'"):
        job_from(plan)


def test_an_unknown_task_is_refused_with_a_guess() -> None:
    with pytest.raises(AdapterError) as raised:
        job_from(a_plan(task="image-clasification"))
    assert raised.value.fix == "did you mean 'image-classification'?"


DECLARED = {
    "dropRate": Param(type="float", default=0.0, help="Share.", minimum=0, maximum=1),
    "layers": Param(type="int", default=None, help="Number.", minimum=1),
    "pool": Param(type="str", default="avg", help="Pooling.", choices=("avg", "max")),
    "flip": Param(type="bool", default=False, help="Flip."),
    "boxes": Param(type="int", default=1, help="Boxes.", tasks=(TaskType.OBJECT_DETECTION,)),
}


def test_params_are_completed_with_the_defaults_of_the_task() -> None:
    given = {"dropRate": 1, "layers": None}
    assert resolve_params(given, DECLARED, CLASSIFICATION) == {
        "dropRate": 1,
        "layers": None,
        "pool": "avg",
        "flip": False,
    }


@pytest.mark.parametrize(
    ("given", "words", "fix"),
    [
        ({"dropRat": 0.1}, "params.dropRat: there is no such", "did you mean 'dropRate'?"),
        ({"boxes": 1}, "params.boxes: there is no such", "take one of dropRate"),
        ({"dropRate": "0.1"}, "must be of type float, got '0.1'", "Share."),
        ({"dropRate": True}, "must be of type float, got True", "Share."),
        ({"layers": 1.5}, "must be of type int, got 1.5", "Number."),
        ({"flip": 1}, "must be of type bool, got 1", "Flip."),
        ({"dropRate": -0.1}, "must be at least 0, got -0.1", "set it to 0 or more"),
        ({"dropRate": 1.1}, "must be at most 1, got 1.1", "set it to 1 or less"),
        ({"dropRate": float("nan")}, "must be at least 0, got nan", "set it to 0 or more"),
        ({"pool": "mac"}, "must be one of its choices, got 'mac'", "did you mean 'max'?"),
        ({"pool": None}, "must be of type str, got None", "Pooling."),
    ],
)
def test_a_param_that_breaks_its_rule_is_refused(
    given: dict[str, Any], words: str, fix: str
) -> None:
    with pytest.raises(AdapterError, match=re.escape(words)) as raised:
        resolve_params(given, DECLARED, CLASSIFICATION)
    assert str(raised.value.fix).startswith(fix)


def test_any_param_is_one_too_many_where_there_are_none() -> None:
    with pytest.raises(AdapterError) as raised:
        resolve_params({"a": 1}, {}, CLASSIFICATION)
    assert raised.value.fix == "leave it out: there are none"


def test_an_adapter_is_found_by_the_name_of_its_package() -> None:
    assert load_adapter("toy").Adapter is toy.Adapter


@pytest.mark.parametrize("name", ["tooy", "loop", "contract", "../toy", ""])
def test_a_name_that_is_no_adapter_is_refused(name: str) -> None:
    with pytest.raises(AdapterError, match="there is no adapter"):
        load_adapter(name)


def test_a_misspelt_name_gets_a_guess_and_the_machinery_is_no_guess() -> None:
    with pytest.raises(AdapterError) as raised:
        load_adapter("tooy")
    assert raised.value.fix == "did you mean 'toy'?"
    with pytest.raises(AdapterError) as raised:
        load_adapter("xgboost")
    known = str(raised.value.fix).removeprefix("there are: ").split(", ")
    assert "toy" in known
    assert "loop" not in known and "job" not in known


def a_point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group="vtspec.adapters")


def test_a_third_party_adapter_is_found_by_its_entry_point() -> None:
    points = [a_point("theirs", "broken_adapters:silent"), a_point("tey", "nowhere")]
    assert load_adapter("theirs", points).VERSION == "1"
    with pytest.raises(AdapterError) as raised:
        load_adapter("their", points)
    assert raised.value.fix == "did you mean 'theirs'?"


def test_a_third_party_cannot_take_the_name_of_a_built_in_one() -> None:
    assert load_adapter("toy", [a_point("toy", "broken_adapters:silent")]).Adapter is toy.Adapter


def test_a_third_party_adapter_that_does_not_import_says_why() -> None:
    with pytest.raises(AdapterError, match=r"\(no_such_module\) does not import: No module") as e:
        load_adapter("theirs", [a_point("theirs", "no_such_module")])
    assert "install what it needs" in str(e.value.fix)


def test_a_module_that_lacks_a_part_is_named_with_it() -> None:
    with pytest.raises(AdapterError, match="adapter 'theirs' has no PARAMS, VERSION, TASKS"):
        load_adapter("theirs", [a_point("theirs", "broken_importer")])
