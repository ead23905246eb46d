"""What a run costs is its Workflow's word, which no pod of it can change, or more."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster_plans import a_cluster_project, a_published_plan, some_settings
from run_folders import STARTED, SUCCEEDED, a_run_folder, append
from vtspec.pipelines.argo import Completion, render, render_completion
from vtspec.pipelines.argo.workflow import ESTIMATE, RUN, encode_estimate
from vtspec.pipelines.controller.observed_attempts import ObservedAttempts, list_ended
from vtspec.pipelines.controller.observed_runs import ObservedRuns
from vtspec.pipelines.controller.observed_workflows import observe_workflow
from vtspec.pipelines.controller.replies import explain_stored_cost
from vtspec.pipelines.controller.workflow_marks import read_expected_cost
from vtspec.pipelines.runs import Runs


def tell_costs(tmp_path: Path, stored: dict[str, Any], noted: dict[str, Any] | None) -> list[Any]:
    """What a run at work is to cost, what it has cost after a second, and what a comment says of
    it, where its plan in the store and its Workflow each say something."""
    planned = a_published_plan()
    plan = replace(planned, estimate=replace(planned.estimate, **stored))
    folder = a_run_folder(tmp_path, [STARTED], plan.to_json())
    said = {} if noted is None else {ESTIMATE: encode_estimate(replace(plan.estimate, **noted))}
    metadata = {"name": plan.id, "annotations": said, "labels": {RUN: plan.id}}
    workflows = {plan.id: [observe_workflow({"metadata": metadata})]}
    known, runs = ObservedRuns(), Runs(folder.parent)
    project = a_cluster_project(teams={"vision": {"specs": ["specs/experiments"]}})
    every = known.read(runs)
    (attempt,) = ObservedAttempts().make(known, every, workflows, runs, project)
    append(folder, [SUCCEEDED], 1)
    every = known.read(runs)
    (ended,) = list_ended(every, workflows, project)
    (after,) = ObservedAttempts().make(known, every, workflows, runs, project)
    assert (attempt.spent, after.spent) == (None, ended.cost)
    told = explain_stored_cost(attempt)
    return [attempt.cost, ended.cost, None if told is None else told.en]


@pytest.mark.parametrize(
    ("stored", "noted", "costs", "words"),
    [
        ((7.0, 70.0), None, (7.0, 0.1), None),
        ((7.0, 70.0), (7.0, 70.0), (7.0, 0.1), None),
        ((0.0, 70.0), (7.0, 70.0), (7.0, 0.1), "costs about 0.00 USD"),
        ((7.0, 7000.0), (7.0, 70.0), (7.0, 0.1), "for limits about 7.00 USD counts"),
        ((None, 70.0), (7.0, 70.0), (7.0, 0.1), "costs what nobody knows"),
        ((14.0, 70.0), (7.0, 70.0), (14.0, 0.2), "for limits about 14.00 USD counts"),
        # Nobody knew the price when it was begun.
        ((7.0, 70.0), (None, None), (None, None), "for limits what nobody knows counts"),
    ],
)
def test_a_run_counts_for_what_its_workflow_says_or_more(
    stored: tuple[float | None, float],
    noted: tuple[float | None, float | None] | None,
    costs: tuple[float | None, float | None],
    words: str | None,
    tmp_path: Path,
) -> None:
    def write(one: Sequence[float | None]) -> dict[str, Any]:
        return {"cost": one[0], "seconds": one[1], "report_seconds": None}

    found = tell_costs(tmp_path, write(stored), None if noted is None else write(noted))
    assert found[:2] == [None if one is None else pytest.approx(one) for one in costs]
    assert (words is None and found[2] is None) or (words is not None and words in found[2])


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cost": -1, "currency": "USD"}', '{"cost": 1}'])
def test_what_is_no_estimate_of_a_workflow_is_none(text: str) -> None:
    assert read_expected_cost({"annotations": {ESTIMATE: text}}) is None


def test_a_completion_says_of_no_run_what_it_costs() -> None:
    plan = a_published_plan()
    completion = Completion(name=f"{plan.id}-c123456", plan=plan, steps=("report",), update=None)
    _, made = render_completion(plan, some_settings(plan), completion)
    assert read_expected_cost(made["metadata"]) is None
    assert read_expected_cost(render(plan, some_settings(plan))["metadata"]) is not None
