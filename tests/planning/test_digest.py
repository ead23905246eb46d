"""Ids and digests: one for what decides the result, one for what is approved."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_inputs import (
    PARAMS,
    REVISION,
    TRAINING,
    WEIGHTS,
    a_dataset,
    an_experiment,
    an_experiment_dict,
    experiments,
    some_inputs,
    unhurried,
)
from vtspec.adapters.contract import Ema
from vtspec.pipelines.catalog import find_model, load_frameworks, load_params
from vtspec.pipelines.planning.digest import (
    ADAPTATIONS,
    build_result_material,
    canonicalize,
    compute_id,
    name_completion,
)
from vtspec.pipelines.planning.plan import build_plan, refuse_unsupported
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.project.repository import find_repository
from vtspec.pipelines.weights.model import FileWeights, RunWeights, UnpinnedWeights, Weights
from vtspec.schema.kinds.experiment import Experiment, Training

GOLDEN = Path(__file__).parents[1] / "golden" / "ids.json"

SPECS = Path(__file__).parents[2] / "specs"

GOLDEN_COMPLETION = "run-c71cb88"

RUN_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

INPUTS = some_inputs()

CSV_SPLITS = {
    name: {"path": name, "annotations": f"{name}.csv"} for name in ("train", "val", "test")
}

OTHER_SPLITS = {"train": {"path": "train"}, "val": {"path": "val"}, "test": {"path": "held-out"}}


def planned(raw: Mapping[str, Any] | None = None, **spec: Any) -> Plan:
    found = an_experiment(**spec) if raw is None else Experiment.model_validate(raw)
    return build_plan(found, INPUTS)


BASE = planned()

OTHER_VALUES: dict[str, Any] = {
    "epochs": 6,
    "batchSize": 32,
    "learningRate": 0.002,
    "imageSize": 32,
    "seed": 43,
    "optimizer": "sgd",
    "momentum": 0.8,
    "weightDecay": 0.02,
    "scheduler": "step",
    "minLearningRate": 1e-6,
    "warmupEpochs": 0.5,
    "gradientAccumulation": 2,
    "gradientClipping": 1.0,
    "ema": {},
    "labelSmoothing": 0.1,
    "classWeights": "balanced",
    "augmentation": "light",
    "precision": "bf16",
    "freeze": "backbone",
    "earlyStopping": {},
    "checkpoint": {"every": 2},
    "workers": 3,
    "deterministic": False,
    "onOutOfMemory": "halve",
    "onNan": "rollback",
    "onTimeLimit": "shorten",
}


def test_the_other_values_cover_every_field_of_training() -> None:
    fields = {field.alias for field in Training.model_fields.values()}
    assert fields == set(OTHER_VALUES) == set(TRAINING)


@pytest.mark.parametrize("field", sorted(OTHER_VALUES))
def test_every_field_of_training_changes_the_id_and_the_digest(field: str) -> None:
    training = {"epochs": 5, "batchSize": 64, field: OTHER_VALUES[field]}
    changed = planned(training=training)
    assert changed.id != BASE.id
    assert changed.digest != BASE.digest


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"name": "resnet34"}},
        {"dataset": {"ref": "digits", "classes": ["0", "1"]}},
        {"params": {"drop_rate": 0.5}},
        {"resources": {"gpus": 1, "cpus": 2, "memory": "4Gi", "maxDuration": "30m"}},
        {"resources": {"gpus": 0, "cpus": 2, "memory": "4Gi", "maxDuration": "31m"}},
        {"task": "multilabel-classification"},
    ],
)
def test_other_deciding_fields_change_the_id(change: dict[str, Any]) -> None:
    assert planned(**change).id != BASE.id


@pytest.mark.parametrize(
    "change",
    [
        {"dataset_hash": "md5:" + "c" * 32 + ".dir"},
        {"framework": replace(INPUTS.framework, requirements_hash="sha256:" + "c" * 64)},
        {"framework": replace(INPUTS.framework, adapter_version="2")},
        {"framework": replace(INPUTS.framework, adapter="another")},
        {"weights": WEIGHTS},
        {"weights": replace(WEIGHTS, revision="f" * 40)},
        {"dataset": a_dataset(format="csv", splits=CSV_SPLITS)},
        {"dataset": a_dataset(splits=OTHER_SPLITS)},
        {"dataset": a_dataset(classes=["a", "b"], statistics=None)},
        {"params": {**PARAMS, "crop": replace(PARAMS["crop"], default="border")}},
    ],
)
def test_what_the_world_says_and_decides_changes_the_id(change: dict[str, Any]) -> None:
    seen = {BASE.id, build_plan(an_experiment(), replace(INPUTS, weights=WEIGHTS)).id}
    changed = build_plan(an_experiment(), replace(INPUTS, **change))
    assert (changed.id in seen) == (change == {"weights": WEIGHTS})


@pytest.mark.parametrize(
    "change",
    [
        {"resources": {"gpus": 0, "cpus": 3, "memory": "4Gi", "maxDuration": "30m"}},
        {"resources": {"gpus": 0, "cpus": 2, "memory": "5Gi", "maxDuration": "30m"}},
        {"export": {"formats": ["onnx"]}},
        {"tracking": {"experiment": "mine"}},
        {"tracking": {"registerAs": "digits"}},
        {"report": {"baseline": "digits-resnet10t"}},
        {"report": {"gates": ["accuracy >= 0.95"]}},
    ],
)
def test_policy_changes_the_digest_and_not_the_id(change: dict[str, Any]) -> None:
    changed = planned(**change)
    assert changed.id == BASE.id
    assert changed.digest != BASE.digest


@pytest.mark.parametrize(
    "change",
    [
        {"export": {"formats": ["onnx"]}},
        {"tracking": {"registerAs": "digits"}},
        {"report": {"gates": ["accuracy >= 0.95"]}},
        {"description": "Another try."},
    ],
)
def test_what_a_completion_can_change_is_in_its_name(change: dict[str, Any]) -> None:
    run = f"{BASE.id}-2"
    changed = name_completion(run, planned(**change).to_json())
    assert changed == name_completion(run, planned(**change).to_json())
    assert changed != name_completion(run, BASE.to_json())
    assert re.fullmatch(rf"{run}-c[0-9a-f]{{6}}", changed)


def test_what_a_completion_cannot_change_is_not_in_its_name() -> None:
    other = planned(resources={"gpus": 0, "cpus": 3, "memory": "4Gi", "maxDuration": "30m"})
    names = {name_completion("run", plan.to_json()) for plan in (BASE, other)}
    # On file by this name: another one would carry the same completion out again.
    assert names == {GOLDEN_COMPLETION}


def test_a_licence_that_is_told_anew_is_another_completion() -> None:
    raw = BASE.to_json()
    told = {**raw, "dataset": {**raw["dataset"], "licence": "CC-BY-NC-4.0"}}
    untold = {**raw, "dataset": {**raw["dataset"], "licence": None}}
    assert name_completion("run", told) != name_completion("run", raw)
    assert name_completion("run", untold) == name_completion("run", raw)


def test_the_longest_completion_is_a_dns_label() -> None:
    longest = f"{'n' * 40}-0123456789-999"
    assert len(name_completion(longest, BASE.to_json())) == 63


def test_the_image_changes_the_digest_and_not_the_id() -> None:
    framework = replace(INPUTS.framework, image_digest="sha256:" + "d" * 64)
    published = build_plan(an_experiment(), replace(INPUTS, framework=framework))
    assert published.id == BASE.id
    assert published.digest != BASE.digest


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Another try."},
        {"training": {"batchSize": 64, "epochs": 5}},
        {"training": {"epochs": 5.0, "batchSize": 64, "learningRate": 1e-3, "seed": 42}},
        {"training": {"epochs": 5, "batchSize": 64, "imageSize": 224}},
        {"training": {"epochs": 5, "batchSize": 64, "imageSize": [224, 224]}},
        {"training": {"epochs": 5, "batchSize": 64, "precision": "fp32"}},
        {"training": {"epochs": 5, "batchSize": 64, "checkpoint": {"monitor": "accuracy"}}},
        {"params": {"drop_rate": 0, "head_depth": 1.0, "crop": "center"}},
        {"framework": None},
        {"dataset": {"ref": "digits", "classes": [str(digit) for digit in range(10)]}},
        {"resources": {"gpus": 0, "cpus": 2, "memory": "4096Mi", "maxDuration": "1800s"}},
        {"tracking": {"experiment": "digits"}},
        {"export": {"formats": ["safetensors"]}},
    ],
)
def test_what_is_said_in_another_way_changes_neither(change: dict[str, Any]) -> None:
    changed = planned(**change)
    assert (changed.id, changed.digest) == (BASE.id, BASE.digest)


def test_labels_and_annotations_change_neither() -> None:
    raw = an_experiment_dict()
    raw["metadata"] |= {"labels": {"team": "a"}, "annotations": {"why": "because"}}
    assert (planned(raw).id, planned(raw).digest) == (BASE.id, BASE.digest)


def test_weights_of_equal_content_give_one_id_wherever_they_lie() -> None:
    inputs = [
        replace(INPUTS, weights=FileWeights(path="a.safetensors", sha256="0" * 64)),
        replace(INPUTS, weights=FileWeights(path="b/c.safetensors", sha256="0" * 64)),
        replace(INPUTS, weights=RunWeights(run="r-0123456789", path="runs/r", sha256="0" * 64)),
    ]
    assert len({build_plan(an_experiment(), one).id for one in inputs}) == 1


def test_a_configuration_of_a_hub_is_part_of_the_id_and_its_absence_is_not() -> None:
    at = [None, WEIGHTS, replace(WEIGHTS, revision="f" * 40), replace(WEIGHTS, licence=None)]
    found = [build_plan(an_experiment(), replace(INPUTS, configuration=one)) for one in at]
    assert [one.id == BASE.id for one in found] == [True, False, False, False]
    assert [one.id == found[1].id for one in found] == [False, True, False, True]
    assert found[0].to_json() == BASE.to_json()
    assert "configuration" not in BASE.to_json()["model"]


def test_what_is_not_pinned_never_has_the_id_of_what_is() -> None:
    ends: list[Weights | None] = [
        WEIGHTS,
        UnpinnedWeights(source=f"hf-hub:{WEIGHTS.id}"),
        UnpinnedWeights(source=f"hf-hub:{WEIGHTS.id}@v1"),
        None,
    ]
    ids = {build_plan(an_experiment(), replace(INPUTS, weights=one)).id for one in ends}
    assert len(ids) == len(ends)


def test_a_licence_is_not_part_of_the_id() -> None:
    known = replace(INPUTS, weights=WEIGHTS)
    unknown = replace(INPUTS, weights=replace(WEIGHTS, licence=None))
    assert build_plan(an_experiment(), known).id == build_plan(an_experiment(), unknown).id


@unhurried
@given(st.data())
def test_the_id_changes_exactly_when_one_field_of_training_does(data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(TRAINING)))
    first, second = data.draw(TRAINING[field]), data.draw(TRAINING[field])
    one = planned(training={"epochs": 5, field: first})
    other = planned(training={"epochs": 5, field: second})
    assert (one.id == other.id) == (canonicalize(one.training) == canonicalize(other.training))
    if first == second:
        assert one.id == other.id


@unhurried
@given(st.data())
def test_the_order_of_keys_and_the_spelling_of_numbers_do_not_matter(data: st.DataObject) -> None:
    raw = data.draw(experiments())
    shuffled = _shuffled(raw, data)
    assert planned(raw).to_json()["id"] == planned(shuffled).to_json()["id"]
    assert planned(raw).digest == planned(shuffled).digest


def _shuffled(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict):
        keys = data.draw(st.permutations(sorted(value)))
        return {key: _shuffled(value[key], data) for key in keys}
    if isinstance(value, list):
        return [_shuffled(item, data) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and data.draw(st.booleans()):
        return float(value)
    return value


@unhurried
@given(
    st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True),
    st.integers(1, 10**11 - 1),
)
def test_names_of_plans_and_their_attempts_are_dns_labels(name: str, attempt: int) -> None:
    raw = an_experiment_dict()
    raw["metadata"]["name"] = name
    made = planned(raw)
    assert made.id.startswith(f"{name}-")
    assert re.fullmatch(r".*-[0-9a-f]{10}", made.id)
    assert RUN_NAME.fullmatch(made.id)
    assert RUN_NAME.fullmatch(f"{made.id}-{attempt}")


def test_one_name_is_not_another_plan_of_the_same_content() -> None:
    raw = an_experiment_dict()
    raw["metadata"]["name"] = "other"
    assert planned(raw).id.removeprefix("other") == BASE.id.removeprefix("digits-resnet18")
    assert planned(raw).digest != BASE.digest


@pytest.mark.parametrize(
    ("path", "parent", "key"),
    [
        ("training.mixup", "training", "mixup"),
        ("training.ema.power", "ema", "power"),
        ("params.timm.drop_path", "params", "drop_path"),
    ],
)
def test_a_field_added_later_stays_out_while_it_has_its_first_value(
    path: str, parent: str, key: str
) -> None:
    before = planned(training={"epochs": 5, "ema": {}}).to_json()
    after = json.loads(json.dumps(before))
    place = after["training"]["ema"] if parent == "ema" else after[parent]
    table = {path: 0.0}
    place[key] = 0
    material = build_result_material(before)
    assert build_result_material(after, table) == material
    assert compute_id("x", build_result_material(after, table)) == compute_id("x", material)
    place[key] = 0.2
    assert compute_id("x", build_result_material(after, table)) != compute_id("x", material)
    place[key] = False
    assert compute_id("x", build_result_material(after, table)) != compute_id("x", material)


def test_what_is_null_is_not_set_and_needs_no_entry() -> None:
    raw = BASE.to_json()
    later = json.loads(json.dumps(raw))
    later["training"]["mixup"] = None
    later["params"]["drop_path"] = None
    assert build_result_material(later) == build_result_material(raw)
    later["params"]["drop_path"] = 0
    assert build_result_material(later) != build_result_material(raw)


def test_a_field_added_later_may_lie_where_a_plan_has_nothing() -> None:
    before = BASE.to_json()
    assert build_result_material(before, {"training.ema.power": 0.0}) == build_result_material(
        before
    )


@pytest.mark.parametrize(
    ("one", "other"), [(5, 5.0), (1e-3, 0.001), ((1, 2), [1, 2.0]), ({"a": -0.0}, {"a": 0})]
)
def test_canonical_makes_equal_what_means_the_same(one: Any, other: Any) -> None:
    assert json.dumps(canonicalize(one)) == json.dumps(canonicalize(other))


def golden_plans() -> dict[str, Plan]:
    # As it was before there were fields that came later: those make other plans.
    later = {name: OTHER_VALUES[name] for name in ADAPTATIONS}
    first = {name: value for name, value in OTHER_VALUES.items() if name not in later}
    everything = {"epochs": 5, **first}
    return {
        "small": planned(),
        "weights": build_plan(an_experiment(), replace(INPUTS, weights=WEIGHTS)),
        "file": build_plan(
            an_experiment(),
            replace(INPUTS, weights=FileWeights(path="a.safetensors", sha256=REVISION)),
        ),
        "adapted": planned(training={"epochs": 5, "batchSize": 64, **later}),
        "everything": planned(
            training=everything,
            resources={"gpus": 2, "cpus": 8, "memory": "16Gi", "maxDuration": "2d"},
            params={"drop_rate": 0.1},
            dataset={"ref": "digits", "classes": ["1", "0"]},
            export={"formats": ["onnx"]},
            report={"baseline": "old", "gates": ["accuracy >= 0.95"]},
            tracking={"experiment": "mine", "registerAs": "digits"},
        ),
        "korean": build_plan(
            an_experiment(),
            replace(INPUTS, dataset=a_dataset(classes=["고양이", "강아지"], statistics=None)),
        ),
    }


def shipped_plans() -> dict[str, Plan]:
    """The specs of this repository, with their own datasets and their framework's own parameters;
    what is locked in images/ is left out, as it changes with every upgrade."""
    workspace = find_repository(SPECS.parent)
    plans = {}
    for path in sorted((SPECS / "experiments").rglob("*.yaml")):
        spec = workspace.load_experiment(path)
        found = find_model(spec.spec.model.name)
        ((framework, _),) = [pair for pair in found if spec.spec.framework in (None, pair[0].name)]
        made_up = replace(INPUTS.framework, name=framework.name, adapter=framework.adapter)
        inputs = replace(
            INPUTS,
            dataset=workspace.load_dataset(spec.spec.dataset.ref),
            framework=made_up,
            params=load_params(framework),
        )
        plans[path.relative_to(SPECS).as_posix()] = build_plan(spec, inputs)
    assert len(plans) >= 2
    return plans


def test_ids_are_those_on_file() -> None:
    plans = {**golden_plans(), **shipped_plans()}
    made = {name: {"id": one.id, "digest": one.digest} for name, one in plans.items()}
    if os.environ.get("VTSPEC_REGENERATE") == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == made


@pytest.mark.parametrize("spec", sorted(shipped_plans()))
def test_an_average_of_the_weights_is_no_matter_of_what_else_an_adapter_refuses(spec: str) -> None:
    plan = shipped_plans()[spec]
    framework = load_frameworks()[plan.framework.name]
    averaged = replace(plan.training, ema=Ema(decay=0.99, warmup=True))
    # It raises where it does.
    refuse_unsupported(replace(plan, training=averaged), framework)
