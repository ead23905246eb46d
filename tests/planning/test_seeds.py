"""The plans of several seeds: each the one that `training.seed` gives, and none by chance."""

import json

import pytest

from plan_inputs import an_experiment, some_inputs
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.planning.policy import find_update
from vtspec.pipelines.planning.seeds import build_seed_plans, name_seed_plans
from vtspec.schema.kinds.experiment import Experiment

NAMES = {"registerAs": "digits"}


def planned(seed: int = 42, **spec: object) -> Plan:
    training = {"epochs": 5, "batchSize": 64, "seed": seed}
    return build_plan(an_experiment(training=training, **spec), some_inputs())


def test_each_seed_has_the_plan_that_its_seed_alone_gives() -> None:
    plans = build_seed_plans(planned(report={"seeds": 3}))
    assert [plan.training.seed for plan in plans] == [42, 43, 44]
    assert [plan.id for plan in plans] == [planned(seed).id for seed in (42, 43, 44)]
    assert all(plan_from_json(json.loads(json.dumps(plan.to_json()))) == plan for plan in plans)


def test_a_plan_on_file_names_the_plans_of_its_seeds() -> None:
    plans = build_seed_plans(planned(report={"seeds": 3}))
    for plan in plans:
        assert name_seed_plans(plan.to_json()) == {one.training.seed: one.id for one in plans}


def test_seeds_left_out_are_in_no_plan_id_or_digest() -> None:
    alone, judged = planned(), planned(report={"seeds": 3})
    assert build_seed_plans(alone) == (alone,)
    assert name_seed_plans(alone.to_json()) == {}
    assert "seeds" not in alone.to_json()["report"]
    assert "report.seeds" not in alone.origins
    assert judged.id == alone.id
    assert judged.digest != alone.digest


def test_only_the_first_seeds_model_is_registered() -> None:
    plans = build_seed_plans(planned(report={"seeds": 2}, tracking=NAMES))
    assert [plan.tracking.register_as for plan in plans] == ["digits", None]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {"seeds": 2}, [42, 43]),
        ({"seeds": 2}, {"seeds": 3}, [42, 43, 44]),
        ({"seeds": 2}, {}, None),
    ],
)
def test_seeds_asked_for_later_are_another_policy_of_the_same_result(
    before: dict[str, int], after: dict[str, int], words: list[int] | None
) -> None:
    update = find_update(planned(report=before), planned(report=after), is_over=True)
    assert update is not None
    assert update.steps == ("report",)
    assert [(one.path, one.after) for one in update.changes] == [("report.seeds", words)]


@pytest.mark.parametrize("seeds", [1, 21, 2.5])
def test_one_seed_is_none_to_judge_over_and_too_many_are_a_slip(seeds: float) -> None:
    with pytest.raises(ValueError, match="seeds"):
        an_experiment(report={"seeds": seeds})


def test_the_last_seed_is_one_too() -> None:
    largest = 2**32 - 1
    training = {"epochs": 5, "seed": largest - 1}
    assert isinstance(an_experiment(training=training, report={"seeds": 2}), Experiment)
    with pytest.raises(ValueError, match="beyond the largest"):
        an_experiment(training=training, report={"seeds": 3})
