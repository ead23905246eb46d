"""What differs between two plans, and whether it means another run."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_inputs import WEIGHTS, an_experiment, experiments, some_inputs, unhurried
from vtspec.pipelines.planning.diff import Change, compare_plans, find_worst_effect
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.weights.model import FileWeights
from vtspec.schema.kinds.experiment import Experiment

INPUTS = some_inputs()


def raw(**spec: Any) -> dict[str, Any]:
    return build_plan(an_experiment(**spec), INPUTS).to_json()


def test_two_equal_plans_differ_in_nothing() -> None:
    assert compare_plans(raw(), raw()) == ()
    assert find_worst_effect(()) is None


def test_a_deciding_field_means_a_new_run() -> None:
    found = compare_plans(raw(), raw(training={"epochs": 6, "batchSize": 64}))
    assert found == (Change(path="training.epochs", before=5, after=6, effect="new run"),)


def test_policy_means_the_same_run() -> None:
    found = compare_plans(raw(), raw(report={"gates": ["accuracy >= 0.9"]}))
    assert found == (
        Change(path="report.gates", before=[], after=["accuracy >= 0.9"], effect="same run"),
    )


def test_a_description_is_cosmetic() -> None:
    found = compare_plans(raw(), raw(description="Why."))
    assert found == (Change(path="description", before=None, after="Why.", effect="cosmetic"),)


@pytest.mark.parametrize(
    ("spec", "path", "effect"),
    [
        ({"resources": {"maxDuration": "1800s", "memory": "4Gi"}}, "maxDuration", "cosmetic"),
        ({"resources": {"maxDuration": "1h", "memory": "4Gi"}}, "maxDuration", "new run"),
        ({"resources": {"maxDuration": "30m", "memory": "4096Mi"}}, "memory", "cosmetic"),
        ({"resources": {"maxDuration": "30m", "memory": "5Gi"}}, "memory", "same run"),
    ],
)
def test_another_spelling_of_the_same_is_cosmetic(
    spec: dict[str, Any], path: str, effect: str
) -> None:
    (change,) = compare_plans(raw(), raw(**spec))
    assert (change.path, change.effect) == (f"resources.{path}", effect)


def test_a_parameter_of_the_framework_has_its_own_path() -> None:
    (change,) = compare_plans(raw(), raw(params={"drop_rate": 0.5}))
    assert (change.path, change.before, change.after) == ("params.drop_rate", 0.0, 0.5)
    assert change.effect == "new run"


def test_a_section_that_appears_is_told_field_by_field() -> None:
    found = compare_plans(
        raw(), raw(training={"epochs": 5, "batchSize": 64, "ema": {"decay": 0.9}})
    )
    assert {(one.path, one.after) for one in found} == {
        ("training.ema.decay", 0.9),
        ("training.ema.warmup", True),
    }
    assert {one.effect for one in found} == {"new run"}


def test_weights_that_moved_are_cosmetic_and_others_are_not() -> None:
    def with_weights(weights: Any) -> dict[str, Any]:
        return build_plan(an_experiment(), replace(INPUTS, weights=weights)).to_json()

    here = with_weights(FileWeights(path="a.safetensors", sha256="0" * 64))
    there = with_weights(FileWeights(path="b.safetensors", sha256="0" * 64))
    assert find_worst_effect(compare_plans(here, there)) == "cosmetic"
    assert find_worst_effect(compare_plans(here, with_weights(WEIGHTS))) == "new run"
    assert find_worst_effect(compare_plans(raw(), here)) == "new run"


def test_the_gravest_come_first() -> None:
    found = compare_plans(
        raw(),
        raw(description="x", training={"epochs": 9}, report={"baseline": "old"}),
    )
    assert [one.effect for one in found] == ["new run", "new run", "same run", "cosmetic"]
    assert find_worst_effect(reversed(found)) == "new run"


def test_estimates_warnings_and_names_are_left_out() -> None:
    other = copy.deepcopy(raw())
    other |= {"name": "x", "id": "x-1", "digest": "d", "warnings": ["w"], "specPath": "y"}
    other["estimate"]["seconds"] = 1
    other["origins"] = {}
    assert compare_plans(raw(), other) == ()


@unhurried
@given(st.data())
def test_there_is_a_new_run_exactly_where_the_ids_differ(data: st.DataObject) -> None:
    one = build_plan(Experiment.model_validate(data.draw(experiments())), INPUTS)
    other = build_plan(Experiment.model_validate(data.draw(experiments())), INPUTS)
    found = compare_plans(one.to_json(), other.to_json())
    effects = {change.effect for change in found}
    assert ("new run" in effects) == (one.id != other.id)
    assert bool(effects - {"cosmetic"}) == (one.digest != other.digest)
    back = compare_plans(other.to_json(), one.to_json())
    assert {(one.path, one.after, one.before) for one in map(_hashable, back)} == {
        (one.path, one.before, one.after) for one in map(_hashable, found)
    }


def _hashable(change: Change) -> Change:
    return replace(change, before=repr(change.before), after=repr(change.after))
