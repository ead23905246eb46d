"""What a finished run lacks of what is asked for now, and the Workflow of that alone."""

from dataclasses import replace
from typing import Any

import pytest

from cluster_plans import a_published_plan, some_settings
from run_folders import STARTED, SUCCEEDED, Told, events_of
from vtspec.pipelines.argo import find_completion, render, render_completion
from vtspec.pipelines.planning.digest import name_completion
from vtspec.pipelines.planning.policy import find_update
from vtspec.pipelines.runs.events import STEPS
from vtspec.pipelines.runs.state import RunState, fold_events

RUN = a_published_plan().id
ONNX = {"formats": ["safetensors", "onnx"]}
GATES = {"gates": ["accuracy >= 0.1"]}


def _finished(*more: Told, steps: tuple[str, ...] = ()) -> RunState:
    """A run that is done, and what was told of it since; `steps` are done anew."""
    events = events_of([STARTED, *[_done] * len(STEPS), SUCCEEDED, *more, *[_done] * len(steps)])
    names = [None, *STEPS, None, *[None] * len(more), *steps]
    return fold_events(replace(one, step=step) for one, step in zip(events, names, strict=True))


_done: Told = ("step.finished", {"ending": "succeeded", "exit_code": 0})


@pytest.mark.parametrize(
    ("asked", "steps", "needs_pods"),
    [
        ({"export": ONNX}, ("data", "export", "report"), True),
        ({"report": GATES}, ("report",), False),
        ({"tracking": {"registerAs": "digits"}}, ("report",), False),
        ({"export": ONNX, "report": GATES}, ("data", "export", "report"), True),
    ],
)
def test_only_the_steps_that_another_policy_asks_for_are_missing(
    asked: dict[str, Any], steps: tuple[str, ...], needs_pods: bool
) -> None:
    stored, plan = a_published_plan(), a_published_plan(**asked)
    update = find_update(stored, plan, is_over=True)
    found = find_completion(RUN, _finished(), stored, update)
    assert found is not None
    assert (found.steps, found.needs_pods) == (steps, needs_pods)
    assert found.name == name_completion(RUN, plan.to_json())


def test_a_result_that_is_asked_for_as_it_is_lacks_nothing() -> None:
    assert find_completion(RUN, _finished(), a_published_plan(), None) is None


def test_what_was_cut_short_is_missing_also_where_something_else_is_asked_for() -> None:
    stored, name = a_published_plan(export=ONNX), f"{RUN}-c0a1b2c"
    told = {"completion": name, "steps": ["export", "report"]}
    begun = _finished(("run.updated", told))
    going_on = find_completion(RUN, begun, stored, None)
    assert going_on is not None
    assert (going_on.name, going_on.steps) == (name, ("data", "export", "report"))
    assert going_on.update is None
    update = find_update(stored, a_published_plan(export=ONNX, report=GATES), is_over=True)
    other = find_completion(RUN, begun, stored, update)
    assert other is not None
    assert other.name != name and other.steps == ("data", "export", "report")
    # Of its own steps what is done is done.
    rest = find_completion(RUN, _finished(("run.updated", told), steps=("export",)), stored, None)
    assert rest is not None
    assert (rest.steps, rest.needs_pods) == (("report",), False)


def test_its_workflow_is_the_plans_own_with_fewer_steps() -> None:
    stored, plan = a_published_plan(), a_published_plan(export=ONNX)
    update = find_update(stored, plan, is_over=True)
    found = find_completion(f"{RUN}-2", _finished(), stored, update)
    assert found is not None
    settings = some_settings(plan)
    config, workflow = render_completion(plan, settings, found, 2)
    whole = render(plan, settings, 2)
    assert workflow["metadata"]["name"] == found.name
    assert workflow["metadata"]["labels"] == whole["metadata"]["labels"]
    mounted = [
        one["configMap"]["name"] for one in workflow["spec"]["volumes"] if "configMap" in one
    ]
    # The chart's policy lets nothing else be mounted.
    assert mounted == [config["metadata"]["name"]] == [f"plan-{found.name}"]
    assert config["metadata"]["labels"]["vtspec.dev/run"] == f"{RUN}-2"
    dag, *templates = workflow["spec"]["templates"]
    assert dag["dag"]["tasks"] == [
        {"name": "data", "template": "data"},
        {"name": "export", "template": "export", "dependencies": ["data"]},
        {"name": "report", "template": "report", "dependencies": ["export"]},
    ]
    same = {one["name"]: one for one in whole["spec"]["templates"]}
    assert [one == same[one["name"]] for one in templates] == [True] * 3
    assert len(found.name) <= 63
