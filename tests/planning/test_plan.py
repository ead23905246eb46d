"""A spec and what the world says become a plan: what is filled in, and what is warned of."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_inputs import (
    PARAMS,
    WEIGHTS,
    a_dataset,
    an_experiment,
    an_experiment_dict,
    experiments,
    inputs_of,
    some_inputs,
    unhurried,
)
from vtspec.adapters.contract import Param
from vtspec.adapters.task_types import TaskType
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.estimation.estimate import Machine
from vtspec.pipelines.planning.digest import ADAPTATIONS
from vtspec.pipelines.planning.plan import ModelFacts, build_plan
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.weights.model import FileWeights, MlflowWeights, RunWeights, UnpinnedWeights
from vtspec.schema.kinds.experiment import Experiment

EARLIER = RunWeights(
    run="cats-0123456789", path="runs/cats-0123456789/model/model.safetensors", sha256="0" * 64
)


def resolved(**spec: Any) -> dict[str, Any]:
    return build_plan(an_experiment(**spec), some_inputs()).to_json()


def test_every_default_is_filled_in_and_its_origin_told() -> None:
    raw = resolved()
    assert raw["training"]["optimizer"] == "adamw"
    assert raw["origins"]["training.optimizer"] == "default"
    assert raw["origins"]["training.epochs"] == "spec"
    assert raw["origins"]["training.checkpoint.every"] == "default"
    assert set(raw["training"]) == {
        field.alias or name
        for name, field in type(an_experiment().spec.training).model_fields.items()
    } - set(ADAPTATIONS)


def test_what_came_later_stands_in_a_plan_only_where_it_asks_for_something() -> None:
    raw = resolved(training={"epochs": 1, "onNan": "rollback", "onTimeLimit": "stop"})
    assert raw["training"]["onNan"] == "rollback"
    assert not {"onTimeLimit", "onOutOfMemory"} & set(raw["training"])
    assert raw["origins"]["training.onNan"] == "spec"
    assert not {"training.onTimeLimit", "report.allowAdapted"} & set(raw["origins"])
    assert resolved(report={"allowAdapted": True})["report"]["allowAdapted"] is True


def test_every_resolved_value_has_an_origin() -> None:
    raw = resolved(training={"epochs": 1, "ema": {}, "earlyStopping": {}})
    for section in ("training", "params", "resources", "tracking", "report", "export"):
        for path in leaves(raw[section], section):
            assert path in raw["origins"], path


def leaves(value: Any, above: str) -> list[str]:
    if isinstance(value, dict):
        return [path for key, item in value.items() for path in leaves(item, f"{above}.{key}")]
    return [above]


def test_image_size_is_a_pair_and_the_models_own_where_left_out() -> None:
    raw = resolved()
    assert (raw["training"]["imageSize"], raw["origins"]["training.imageSize"]) == (
        [224, 224],
        "model",
    )
    assert resolved(training={"epochs": 1, "imageSize": 32})["training"]["imageSize"] == [32, 32]
    assert resolved(training={"epochs": 1, "imageSize": [32, 64]})["training"]["imageSize"] == [
        32,
        64,
    ]


@pytest.mark.parametrize(
    ("gpus", "has_bf16", "precision"),
    [(0, None, "fp32"), (1, True, "bf16"), (1, False, "fp16"), (1, None, "bf16")],
)
def test_precision_follows_from_the_gpu(gpus: int, has_bf16: bool | None, precision: str) -> None:
    made = build_plan(
        an_experiment(resources={"gpus": gpus}),
        some_inputs(has_bf16=has_bf16, machine=Machine(gpus=gpus, cpus=2)),
    )
    assert made.training.precision == precision
    assert made.origins["training.precision"] == "resources"


def test_a_written_precision_stays() -> None:
    raw = resolved(training={"epochs": 1, "precision": "bf16"})
    assert raw["training"]["precision"] == "bf16"
    assert raw["origins"]["training.precision"] == "spec"


def test_the_tasks_main_metric_is_monitored_unless_the_spec_names_one() -> None:
    assert resolved()["training"]["checkpoint"] == {"monitor": "accuracy", "every": None}
    assert resolved()["origins"]["training.checkpoint.monitor"] == "task"
    told = resolved(training={"epochs": 1, "checkpoint": {"monitor": "loss"}})
    assert told["training"]["checkpoint"]["monitor"] == "loss"


def test_the_final_split_is_test_or_else_val() -> None:
    assert resolved()["dataset"]["finalSplit"] == "test"
    splits = {"train": {"path": "train"}, "val": {"path": "val"}}
    made = build_plan(an_experiment(), some_inputs(dataset=a_dataset(splits=splits)))
    assert made.dataset.final_split == "val"
    assert any("no test split" in warning for warning in made.warnings)


def test_classes_are_the_datasets_or_the_specs_choice_in_its_order() -> None:
    assert resolved()["dataset"]["classes"] == [str(digit) for digit in range(10)]
    chosen = resolved(dataset={"ref": "digits", "classes": ["1", "0"]})["dataset"]
    assert chosen["classes"] == ["1", "0"]
    assert chosen["allClasses"] == [str(digit) for digit in range(10)]


def test_params_are_filled_from_the_adapters_and_typed_as_it_says() -> None:
    raw = resolved(params={"drop_rate": 0, "head_depth": 2.0})
    assert raw["params"] == {"drop_rate": 0.0, "head_depth": 2, "crop": "center"}
    assert raw["origins"]["params.drop_rate"] == "spec"
    assert raw["origins"]["params.crop"] == "default"
    assert isinstance(raw["params"]["drop_rate"], float)
    assert isinstance(raw["params"]["head_depth"], int)


def test_params_of_other_tasks_are_left_out() -> None:
    masks = Param(type="bool", default=True, help="", tasks=(TaskType.SEMANTIC_SEGMENTATION,))
    made = build_plan(an_experiment(), some_inputs(params={**PARAMS, "masks": masks}))
    assert set(made.params) == set(PARAMS)


def test_without_an_adapter_params_stay_as_written() -> None:
    made = build_plan(an_experiment(params={"anything": 1}), some_inputs(params=None))
    assert made.params == {"anything": 1}


def test_safetensors_is_always_exported_and_first() -> None:
    assert resolved(export={"formats": ["onnx"]})["export"] == {"formats": ["safetensors", "onnx"]}
    assert resolved()["export"] == {"formats": ["safetensors"]}


def test_the_mlflow_experiment_is_the_datasets_name_unless_named() -> None:
    assert resolved()["tracking"]["experiment"] == "digits"
    assert resolved()["origins"]["tracking.experiment"] == "dataset"
    assert resolved(tracking={"experiment": "mine"})["tracking"]["experiment"] == "mine"


@pytest.mark.parametrize(
    ("typed", "gate"),
    [
        ("accuracy>=0.95", "accuracy >= 0.95"),
        ("loss <   .5", "loss < 0.5"),
        ("mAP50-95 > 1e-7", "mAP50-95 > 1e-07"),
        ("accuracy >= 0.123456789", "accuracy >= 0.123456789"),
    ],
)
def test_gates_are_written_in_one_way(typed: str, gate: str) -> None:
    raw = resolved(report={"gates": [typed]})
    assert raw["report"]["gates"] == [gate]
    assert resolved(report={"gates": [gate]})["report"]["gates"] == [gate]


def test_steps_are_data_and_only_train_and_evaluate_use_gpus() -> None:
    made = build_plan(an_experiment(resources={"gpus": 4, "cpus": 8}), some_inputs())
    assert [(step.name, step.needs, step.resources.gpus) for step in made.steps] == [
        ("data", (), 0),
        ("train", ("data",), 4),
        ("evaluate", ("train",), 1),
        ("export", ("train",), 0),
        ("report", ("evaluate", "export"), 0),
    ]
    assert all(step.command == ("vtspec", "step", step.name) for step in made.steps)


def test_set_values_have_the_option_as_their_origin() -> None:
    made = build_plan(an_experiment(), some_inputs(overridden=frozenset({"training.epochs"})))
    assert made.origins["training.epochs"] == "--set"
    assert made.origins["training.batchSize"] == "spec"
    whole = build_plan(an_experiment(), some_inputs(overridden=frozenset({"training.checkpoint"})))
    assert whole.origins["training.checkpoint.every"] == "--set"


@pytest.mark.parametrize(
    ("spec", "inputs", "words"),
    [
        ({}, {"weights": WEIGHTS, "licence_is_clear": False}, "are under apache-2.0, which is"),
        (
            {},
            {"weights": UnpinnedWeights(source="hf-hub:me/mine")},
            "the weights hf-hub:me/mine are not pinned: this plan can be read, and can be neither "
            "approved nor run; plan again when the hub answers",
        ),
        (
            {},
            {"configuration": UnpinnedWeights(source="hf-hub:me/mine")},
            "the configuration hf-hub:me/mine is not pinned",
        ),
        (
            {},
            {"weights": UnpinnedWeights(source="hf-hub:me/mine"), "licence_is_clear": False},
            "the weights hf-hub:me/mine have no known licence",
        ),
        (
            {},
            {"weights": replace(EARLIER, licence="cc-by-nc-4.0"), "licence_is_clear": False},
            "the weights cats-0123456789 were made from what is under cc-by-nc-4.0, which is not",
        ),
        (
            {},
            {"dataset": a_dataset(license="CC-BY-NC-4.0")},
            "the data digits are under CC-BY-NC-4.0, which is not clearly permissive",
        ),
        (
            # With random weights too.
            {},
            {"framework": replace(some_inputs().framework, licence="AGPL-3.0"), "weights": None},
            "the framework timm is under AGPL-3.0, which is not clearly permissive",
        ),
        ({"training": {"epochs": 10000}}, {}, "more than resources.maxDuration allows (30m)"),
        ({"resources": {"memory": "1Mi"}}, {}, "more than resources.memory gives (1Mi)"),
        (
            {"resources": {"gpus": 1}},
            {"machine": Machine(gpus=1, cpus=2)},
            "no GPU type is named: training.precision is bf16",
        ),
    ],
)
def test_what_a_person_should_know_is_warned_of(
    spec: dict[str, Any], inputs: dict[str, Any], words: str
) -> None:
    made = build_plan(an_experiment(**spec), some_inputs(**inputs))
    assert [warning for warning in made.warnings if words in warning], made.warnings


@pytest.mark.parametrize("licence", [None, "CC-BY-4.0", "mit", "Apache 2.0", "CC0-1.0"])
def test_a_sound_plan_warns_of_nothing(licence: str | None) -> None:
    framework = replace(some_inputs().framework, licence="Apache-2.0")
    inputs = some_inputs(weights=WEIGHTS, framework=framework, dataset=a_dataset(license=licence))
    assert build_plan(an_experiment(), inputs).warnings == ()


def test_licences_stand_in_the_plan_and_change_neither_name() -> None:
    plain = build_plan(an_experiment(), some_inputs())
    framework = replace(some_inputs().framework, licence="AGPL-3.0")
    made = build_plan(
        an_experiment(), some_inputs(framework=framework, dataset=a_dataset(license="CC0-1.0"))
    )
    raw = made.to_json()
    assert (raw["dataset"]["licence"], raw["framework"]["licence"]) == ("CC0-1.0", "AGPL-3.0")
    assert (made.id, made.digest) == (plain.id, plain.digest)
    assert plan_from_json(raw) == made
    # A plan of before is written as it was.
    assert "licence" not in plain.to_json()["dataset"]


POSES: dict[str, Any] = {"tasks": ["pose-estimation", "object-detection"], "format": "coco"}


def test_the_names_of_keypoints_decide_a_plan_of_poses_alone() -> None:
    def plan(task: str, *keypoints: str) -> Plan:
        parts = {name: {"path": name, "annotations": "a.json"} for name in ("train", "val")}
        data = a_dataset(**POSES, splits=parts, keypoints=list(keypoints))
        return build_plan(an_experiment(task=task), some_inputs(dataset=data))

    plain, one, other = (
        plan("pose-estimation", *names) for names in ((), ("nose",), ("nose", "tail"))
    )
    assert len({plain.id, one.id, other.id}) == 3
    assert one.to_json()["dataset"]["keypoints"] == ["nose"]
    assert plan_from_json(one.to_json()) == one
    # Of before there were names, and of another task, a plan is what it was.
    assert "keypoints" not in plain.to_json()["dataset"]
    assert plan("object-detection", "nose") == plan("object-detection")


def test_warnings_found_while_reading_come_first() -> None:
    raw = an_experiment(resources={"memory": "1Mi"})
    made = build_plan(raw, some_inputs(doubts=("the hub did not answer",)))
    assert made.warnings[0] == "the hub did not answer"
    assert len(made.warnings) == 2


@unhurried
@given(st.data())
def test_any_valid_spec_plans_the_same_every_time_and_survives_json(data: st.DataObject) -> None:
    raw = data.draw(experiments())
    inputs = data.draw(inputs_of(raw))
    first = build_plan(Experiment.model_validate(raw), inputs)
    again = build_plan(Experiment.model_validate(raw), inputs)
    assert first.to_json() == again.to_json()
    written = json.dumps(first.to_json(), allow_nan=False)
    assert plan_from_json(json.loads(written)).to_json() == first.to_json()
    assert json.loads(written) == first.to_json()


@pytest.mark.parametrize(
    "weights",
    [
        None,
        WEIGHTS,
        FileWeights(path="a.safetensors", sha256="0" * 64),
        RunWeights(run="cats-0123456789", path="runs/x", sha256="0" * 64),
        MlflowWeights(name="cats", version="3"),
        UnpinnedWeights(source="hf-hub:me/mine@v1", licence="mit"),
    ],
)
@pytest.mark.parametrize("configuration", [None, WEIGHTS, UnpinnedWeights(source="hf-hub:a/b")])
def test_a_plan_comes_back_from_json_as_it_was(weights: Any, configuration: Any) -> None:
    made = build_plan(an_experiment(), some_inputs(weights=weights, configuration=configuration))
    assert plan_from_json(json.loads(json.dumps(made.to_json()))) == made


def test_what_is_not_pinned_is_told_apart() -> None:
    nowhere = UnpinnedWeights(source="hf-hub:me/mine")
    assert build_plan(an_experiment(), some_inputs(weights=WEIGHTS)).model.unpinned is None
    for part in ("weights", "configuration"):
        made = build_plan(an_experiment(), some_inputs(**{part: nowhere}))
        assert made.model.unpinned == nowhere


def test_a_configuration_is_that_of_a_hub() -> None:
    raw = resolved()
    weights = {"type": "mlflow", "name": "cats", "version": "3"}
    with pytest.raises(Permanent, match=r"damaged: model.configuration is of type MlflowWeights"):
        plan_from_json({**raw, "model": {**raw["model"], "configuration": weights}})


def test_a_model_of_no_known_size_leaves_it_to_the_adapter_and_is_not_estimated() -> None:
    unknown = ModelFacts(parameters=None, image_size=None)
    made = build_plan(an_experiment(), some_inputs(model=unknown))
    assert made.training.image_size is None
    assert made.origins["training.imageSize"] == "model"
    assert (made.estimate.seconds, made.estimate.memory_bytes) == (None, None)
    written = build_plan(
        an_experiment(training={"epochs": 5, "imageSize": 32}), some_inputs(model=unknown)
    )
    assert written.training.image_size == (32, 32)
    assert written.estimate.seconds is None


def test_plan_json_has_the_fields_that_its_page_names() -> None:
    raw = resolved()
    assert list(raw) == [
        "v",
        "kind",
        "name",
        "id",
        "digest",
        "specPath",
        "task",
        "framework",
        "model",
        "dataset",
        "training",
        "params",
        "resources",
        "export",
        "tracking",
        "report",
        "description",
        "origins",
        "steps",
        "estimate",
        "warnings",
    ]
    assert (raw["v"], raw["kind"]) == (1, "Plan")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"kind": "Experiment"}, "not a plan"),
        ({"v": 2}, "version 2"),
        ({"surprise": 1}, "damaged: 'surprise' is no part of a plan"),
        ({"steps": None}, "damaged"),
        ({"model": {}}, "damaged"),
        ({"framework": {"name": "timm"}}, "damaged: 'framework.adapter' is missing"),
    ],
)
def test_what_is_no_plan_is_refused_with_what_to_type(damage: dict[str, Any], words: str) -> None:
    with pytest.raises(Permanent, match=words) as caught:
        plan_from_json({**resolved(), **damage})
    assert caught.value.fix is not None and "vtspec plan" in caught.value.fix


def test_no_absolute_path_enters_a_plan() -> None:
    assert '"/' not in json.dumps(build_plan(an_experiment(), some_inputs()).to_json())


def test_the_builder_is_valid() -> None:
    assert an_experiment_dict()["metadata"]["name"] == an_experiment().metadata.name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("training", None),
        ("training.checkpoint", 3),
        ("training.momentun", 0.5),
        ("dataset.splits", ["train"]),
        ("dataset.source.type", "ftp"),
        ("report.gates", "accuracy >= 0.9"),
        ("steps", None),
        ("estimate.cost", -1000),
        ("estimate.cost", float("nan")),
        ("estimate.cost", [0.5]),
        ("estimate.seconds", float("inf")),
        ("estimate.seconds", 10**400),
    ],
)
def test_a_plan_whose_section_is_none_is_refused_as_damaged(path: str, value: object) -> None:
    raw = resolved()
    *above, last = path.split(".")
    place = raw
    for key in above:
        place = place[key]
    place[last] = value
    with pytest.raises(Permanent, match="the plan is damaged"):
        plan_from_json(raw)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("training.learningRate", 0.5),
        ("training.epochs", 6),
        ("dataset.splits.test.path", "val"),
        ("dataset.hash", "md5:" + "0" * 32 + ".dir"),
        ("framework.adapter", "toy"),
        ("framework.adapterVersion", "9"),
        ("framework.requirementsHash", "sha256:" + "0" * 64),
        ("training.seed", 7),
        ("task", "object-detection"),
        ("resources.maxDuration", "31m"),
        ("resources.cpus", 3),
        ("report.gates", ["accuracy >= 0.1"]),
        ("export.formats", ["safetensors", "onnx"]),
        ("name", "other"),
        ("id", "digits-resnet18-0123456789"),
        ("digest", "sha256:" + "0" * 64),
    ],
)
def test_a_plan_that_was_edited_is_refused_with_the_name_that_it_would_have(
    path: str, value: object
) -> None:
    raw = resolved()
    *above, last = path.split(".")
    place = raw
    for key in above:
        place = place[key]
    assert place[last] != value
    place[last] = value
    with pytest.raises(Permanent, match="the plan was changed after it was made") as caught:
        plan_from_json(raw)
    assert raw["id"] in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("dataset.finalSplit", "val"),
        ("steps", []),
        ("steps.1.command", ["sh", "-c", "id"]),
        ("steps.1.resources.gpus", 8),
        ("steps.4.needs", []),
    ],
)
def test_a_plan_whose_derived_part_was_edited_is_refused(path: str, value: object) -> None:
    raw = resolved()
    *above, last = path.split(".")
    place = raw
    for key in above:
        place = place[int(key) if key.isdigit() else key]  # type: ignore[index]
    place[last] = value
    with pytest.raises(Permanent, match="does not follow from the rest of it") as caught:
        plan_from_json(raw)
    assert raw["id"] in str(caught.value)


@pytest.mark.parametrize("section", ["training", "resources", "dataset", "report", "name", "id"])
def test_a_plan_that_lacks_a_part_is_refused_as_damaged(section: str) -> None:
    with pytest.raises(Permanent, match=f"the plan is damaged: .*{section}"):
        plan_from_json({key: value for key, value in resolved().items() if key != section})


_FREE = {
    "specPath": "where the spec lies; a person may have moved it",
    "description": "words",
    "warnings": "words",
    "overrides": "what was typed; what came of it is in the sections",
    "origins": "where each value came from, for people",
    "estimate": "a guess, for people",
    "model.parameters": "counted again by whoever trains",
    "model.weights.licence": "may be told anew",
    "model.weights.id": "weights are named by their sum, where they have one",
    "dataset.name": "the data is named by its hash",
    "dataset.licence": "may be told anew",
    "dataset.source": "where the data is; what is there is held against its hash",
    "dataset.statistics": "counted of data that its hash names",
    "report.baselinePlan": "looked up anew, and no wish of anybody",
}
"""What of a plan may be edited on file, and why that decides nothing."""


def list_leaves(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    match value:
        case dict() | list() if value:
            items = value.items() if isinstance(value, dict) else enumerate(value)
            return [leaf for key, item in items for leaf in list_leaves(item, (*above, key))]
        case _:
            return [above]


def list_edits(value: Any) -> list[Any]:
    match value:
        case bool():
            return [not value, None, "x"]
        case int() | float():
            return [value + 1, -value - 1, f"{value}", None, True]
        case str():
            return [f"{value}x", "", None, 7, [value]]
        case _:
            return ["x", 7, True, {"x": 1}]


@pytest.fixture(scope="module")
def full() -> dict[str, Any]:
    """A plan in which all that can be set is set."""
    spec = an_experiment(
        description="d",
        training={
            "epochs": 5, "batchSize": 64, "ema": {}, "earlyStopping": {}, "freeze": ["layer1"],
            "classWeights": {"0": 1, "1": 2.5}, "gradientClipping": 1.0,
            "checkpoint": {"every": 2},
        },
        report={"gates": ["accuracy >= 0.9"], "baseline": "other", "seeds": 2},
        export={"formats": ["onnx"]},
        tracking={"registerAs": "digits"},
        params={"drop_rate": 0.5},
    )  # fmt: skip
    inputs = some_inputs(
        weights=WEIGHTS, baseline_plan="other-0123456789", overrides=("training.seed=1",)
    )
    whole: dict[str, Any] = json.loads(json.dumps(build_plan(spec, inputs).to_json()))
    plan_from_json(whole)
    return whole


def is_accepted(raw: dict[str, Any]) -> bool:
    try:
        plan_from_json(raw)
    except Permanent:
        return False
    return True


def test_each_leaf_of_a_plan_is_held_to_its_names_or_decides_nothing(full: dict[str, Any]) -> None:
    every, accepted = list_leaves(full), set()
    for leaf in every:
        for value in list_edits(read_leaf(full, leaf)):
            raw = copy.deepcopy(full)
            read_leaf(raw, leaf[:-1])[leaf[-1]] = value
            if is_accepted(raw):
                accepted.add(".".join(map(str, leaf)))
    assert len(every) > 100 and accepted
    told = {each: [one for one in _FREE if f"{each}.".startswith(f"{one}.")] for each in accepted}
    assert [each for each, why in told.items() if not why] == []


def read_leaf(raw: Any, leaf: tuple[Any, ...]) -> Any:
    for key in leaf:
        raw = raw[key]
    return raw


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("specPath", None),
        ("framework.adapter", None),
        ("dataset.name", 7),
        ("dataset.source.path", None),
        ("dataset.source.rev", True),
        ("dataset.statistics.images", "1797"),
        ("dataset.statistics.splits.train.perClass", "x"),
        ("dataset.statistics.splits.train.perClass.0", "107"),
        ("estimate.seconds", "139.5"),
        ("estimate.currency", None),
        ("model.parameters", 0.5),
    ],
)
def test_what_no_name_is_of_is_of_its_own_kind_all_the_same(
    full: dict[str, Any], path: str, value: object
) -> None:
    raw = copy.deepcopy(full)
    *above, last = path.split(".")
    read_leaf(raw, tuple(above))[last] = value
    with pytest.raises(Permanent, match=r"the plan (is damaged|was changed)"):
        plan_from_json(raw)


def test_what_names_no_result_may_differ_in_a_plan_on_file() -> None:
    raw = resolved()
    raw |= {"description": "another", "warnings": ["more"], "specPath": "moved.yaml"}
    assert plan_from_json(raw).description == "another"


def test_what_was_typed_stands_in_the_plan_and_changes_neither_name() -> None:
    plain = build_plan(an_experiment(), some_inputs())
    typed = build_plan(an_experiment(), some_inputs(overrides=("training.epochs=5",)))
    assert typed.to_json()["overrides"] == ["training.epochs=5"]
    assert (typed.id, typed.digest) == (plain.id, plain.digest)
    assert "overrides" not in plain.to_json()


def test_the_baselines_plan_stands_in_the_plan_and_changes_neither_name() -> None:
    judged = an_experiment(report={"baseline": "small"})
    plain = build_plan(judged, some_inputs())
    pinned = build_plan(judged, some_inputs(baseline_plan="small-0123456789"))
    assert pinned.to_json()["report"]["baselinePlan"] == "small-0123456789"
    assert (pinned.id, pinned.digest) == (plain.id, plain.digest)
    assert "baselinePlan" not in plain.to_json()["report"]


def test_a_default_that_the_adapter_cannot_do_is_replaced_by_its_own_and_says_so() -> None:
    supported = {"training.optimizer": ("sgd",), "training.scheduler": ("cosine", "linear")}
    made = build_plan(an_experiment(), some_inputs(supported=supported))
    assert (made.training.optimizer, made.origins["training.optimizer"]) == ("sgd", "adapter")
    assert made.origins["training.scheduler"] == "default"
