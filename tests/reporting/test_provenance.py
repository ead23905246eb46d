"""What was run, as a person reads it, and the commands that run it again."""

from dataclasses import replace
from typing import Any

import pytest

from report_data import a_plan, events_of, some_facts, told
from vtspec.pipelines.reporting.provenance import (
    RunTimes,
    build_commands,
    build_groups,
    collect_times,
    format_setting,
)
from vtspec.pipelines.runs.events import GitState
from vtspec.pipelines.runs.state import Provenance, RunState, fold_events


def _group(title: str, **parts: Any) -> dict[str, str]:
    groups = {group.title: dict(group.entries) for group in some_facts(**parts).groups}
    return groups[title]


def test_the_commit_says_whether_files_differed_from_it() -> None:
    events = told()
    assert _group("Code", events=events)["commit"] == "c0ffee" * 6 + "c0ff"
    events[0][1]["git"] = {"commit": "c0ffee", "dirty": True}
    assert _group("Code", events=events)["commit"] == (
        "c0ffee, with changes that are not committed"
    )


def test_outside_of_git_there_is_no_commit() -> None:
    events = told()
    events[0][1]["git"] = None
    assert _group("Code", events=events) == {"spec": "specs/experiments/digits-resnet18.yaml"}
    assert fold_events([]).provenance.git is None


def test_weights_are_named_with_their_revision() -> None:
    assert _group("Model")["start"] == f"hub timm/resnet18.a1_in1k {'c' * 40}"
    plan = a_plan()
    plan["model"]["weights"] = None
    assert _group("Model", plan=plan)["start"] == "random"


def test_data_weights_and_framework_are_told_with_their_licences() -> None:
    plan = a_plan()
    plan["dataset"]["licence"] = "CC-BY-NC-4.0"
    expected = {"data": "CC-BY-NC-4.0", "weights": "apache-2.0", "framework": "not told"}
    assert _group("Licences", plan=plan) == expected
    plan["framework"]["licence"] = "AGPL-3.0"
    plan["model"]["weights"] = None
    assert _group("Licences", plan=plan) == {"data": "CC-BY-NC-4.0", "framework": "AGPL-3.0"}


def test_a_setting_that_another_leaves_no_effect_is_shown_only_where_it_was_chosen() -> None:
    plan = a_plan(origins={"training.momentum": "default"})
    plan["training"] |= {"optimizer": "adamw", "momentum": 0.9}
    assert "momentum" not in _group("Training", plan=plan)
    assert _group("Training", plan={**plan, "origins": {"training.momentum": "spec"}})["momentum"]
    plan["training"]["optimizer"] = "sgd"
    assert _group("Training", plan=plan)["momentum"] == "0.9"


def test_an_export_says_how_far_its_outputs_are_from_the_models() -> None:
    assert _group("Exports") == {
        "onnx": "model/model.onnx, outputs differ by at most 1.90e-06",
    }


def test_an_export_that_was_not_compared_is_its_path() -> None:
    events = [*told(), ("exported", {"format": "safetensors", "path": "model/x"})]
    assert _group("Exports", events=events)["safetensors"] == "model/x"


def test_a_group_without_facts_is_left_out() -> None:
    titles = [group.title for group in build_groups({}, fold_events([]))]
    assert titles == []


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("training.ema", None, "none"),
        ("deterministic", True, "true"),
        ("training.imageSize", [32, 32], "[32, 32]"),
        ("ema", {"decay": 0.9, "warmup": False}, "{decay: 0.9, warmup: false}"),
        ("machine.memoryBytes", 8 * 2**30, "8.0 GiB"),
        ("name", "a b", "a b"),
    ],
)
def test_a_setting_reads_as_it_would_be_typed(path: str, value: Any, text: str) -> None:
    assert format_setting(path, value) == text


@pytest.mark.parametrize(
    ("actual", "estimated", "words"),
    [
        (120.0, 100.0, "2 min 00 s without the report, estimated 1 min 40 s (20 % over)"),
        (50.0, 100.0, "50.0 s without the report, estimated 1 min 40 s (50 % under)"),
        (100.0, 100.0, "1 min 40 s without the report, estimated 1 min 40 s (as estimated)"),
        (800.0, 100.0, "13 min 20 s without the report, estimated 1 min 40 s (8.0 times as long)"),
        (100.0, None, "1 min 40 s without the report, not estimated"),
        (None, 100.0, "\N{EN DASH}, estimated 1 min 40 s"),
    ],
)
def test_times_are_held_against_the_estimate(
    actual: float | None, estimated: float | None, words: str
) -> None:
    times = RunTimes(estimated_s=estimated, actual_s=actual, basis=None, steps=())
    assert times.in_words == words


@pytest.mark.parametrize(
    ("actual", "words"),
    [
        (100.0, "as estimated, within"),
        (30.0, "70 % under, outside"),
        (301.0, "3.0 times as long, outside"),
    ],
)
def test_a_time_is_held_against_the_range_too(actual: float, words: str) -> None:
    plan = a_plan(estimate={"seconds": 100.0, "secondsLow": 50.0, "secondsHigh": 300.0})
    times = replace(collect_times(plan, fold_events([])), actual_s=actual)
    expected = f"estimated 1 min 40 s ({words} the range of 50 s to 5 min)"
    assert times.in_words.endswith(expected)


def test_the_time_is_what_the_run_has_worked_and_steps_show_those_that_have_ended() -> None:
    events = [*told(ending=None), ("step.started", {"step": "export"})]
    times = collect_times(a_plan(), fold_events(events_of("x", events)))
    assert [(step.name, step.seconds) for step in times.steps] == [("train", 104.0)]
    assert times.actual_s == 90.0


def test_a_report_says_the_same_time_while_it_is_written_and_ever_after() -> None:
    begun = [*told(ending=None), ("step.started", {"step": "report"})]
    written = ("step.finished", {"step": "report", "ending": "succeeded", "seconds": 3.0})
    ended = [*begun, written, ("run.finished", {"ending": "succeeded", "seconds": 110.0})]
    while_written = collect_times(a_plan(), fold_events(events_of("x", begun)))
    later = collect_times(a_plan(), fold_events(events_of("x", ended)))
    assert while_written.in_words == later.in_words
    assert later.actual_s == 90.0


@pytest.mark.parametrize(
    ("pauses", "words"),
    [
        (0, "20.0 s without the report, estimated 10.0 s (2.0 times as long)"),
        (1, "20.0 s without the report, interrupted once, estimated 10.0 s (2.0 times as long)"),
        (2, "20.0 s without the report, interrupted twice, estimated 10.0 s (2.0 times as long)"),
        (
            3,
            "20.0 s without the report, interrupted 3 times, estimated 10.0 s (2.0 times as long)",
        ),
    ],
)
def test_a_run_that_was_interrupted_says_how_often(pauses: int, words: str) -> None:
    times = RunTimes(estimated_s=10.0, actual_s=20.0, basis=None, steps=(), pauses=pauses)
    assert times.in_words == words


def test_before_a_step_has_ended_the_time_is_that_of_the_events() -> None:
    times = collect_times({}, fold_events(events_of("x", told(epochs=0, final={}, ending=None))))
    assert (times.actual_s, times.estimated_s) == (10.0, None)


def at_commit(*, dirty: bool) -> RunState:
    return RunState(provenance=Provenance(git=GitState(commit="c0ffee", dirty=dirty)))


def test_commands_are_quoted_for_a_shell() -> None:
    plan = {"specPath": "specs/it's; rm -rf.yaml", "overrides": ["description=$(id)"]}
    assert build_commands(plan, "run", at_commit(dirty=False), "plan.json") == (
        "git checkout c0ffee",
        "vtspec plan 'specs/it'\"'\"'s; rm -rf.yaml' --set 'description=$(id)'",
        "vtspec run 'specs/it'\"'\"'s; rm -rf.yaml' --set 'description=$(id)' --again",
        f"# or this very plan, from the file beside this report: {EXACT}",
        # Its spec as it stands is another plan, so that its name would mean another run.
        "vtspec report --open",
    )
    assert build_commands({}, "run", RunState(), "plan.json") == ("vtspec report run --open",)


@pytest.mark.parametrize("dirty", [False, True])
@pytest.mark.parametrize("run", ["a-0123456789", "a-0123456789-2"])
def test_the_report_to_open_is_that_of_the_run_that_the_commands_before_it_made(
    run: str, dirty: bool
) -> None:
    plan = {"specPath": "a.yaml", "name": "a", "id": "a-0123456789"}
    commands = build_commands(plan, run, at_commit(dirty=dirty), "plan.json")
    assert commands[-1] == ("vtspec report --open" if dirty else "vtspec report a --open")


EXACT = "vtspec run --plan plan.json --again"


def test_where_the_commit_is_not_what_ran_the_plan_itself_is_run_again() -> None:
    commands = build_commands({"specPath": "a.yaml"}, "run", at_commit(dirty=True), "plan.json")
    assert EXACT in commands
    assert not any("a.yaml" in line for line in commands)


def test_a_run_that_was_completed_is_run_again_with_the_policy_that_it_has_now() -> None:
    state = replace(at_commit(dirty=True), completion="cats-0123456789-c00beef")
    commands = build_commands({"specPath": "a.yaml"}, "run", state, state.plan_file)
    assert "vtspec run --plan cats-0123456789-c00beef.json --again" in commands


def test_a_run_that_starts_from_another_says_so_on_one_line() -> None:
    weights = {"type": "run", "run": "cats\nrm -rf ~", "path": "runs/cats/model/model.safetensors"}
    plan = {"specPath": "a.yaml", "model": {"weights": weights}}
    commands = build_commands(plan, "run", RunState(), "plan.json")
    (line,) = (one for one in commands if "has to be there first" in one)
    assert line.startswith("# ") and "\n" not in line
