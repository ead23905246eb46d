"""What is removed, what is not because something needs it, and what a kill leaves of it."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cluster_plans import a_published_plan
from run_folders import ADAPTED, EVALUATED, STARTED, SUCCEEDED, Told, a_plan, a_run_folder, append
from toy_runs import a_plan as a_toy_plan
from toy_runs import name_plan
from vtspec.cli.main import cli
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.operations.removal import PruneRule, choose_prunable, choose_runs
from vtspec.pipelines.project.repository import find_repository
from vtspec.pipelines.runs import Run, RunLock, Runs
from vtspec.pipelines.tracking import choose_tracking_uri, sync_run
from vtspec.pipelines.tracking.mlflow_client import make_client

FINISHED = [STARTED, EVALUATED, SUCCEEDED]
FAILED = [STARTED, ("run.finished", {"ending": "failed", "exit_code": 3})]
STOPPED = [STARTED, ("run.finished", {"ending": "stopped", "exit_code": 75})]

CATS, DOGS, APES = "cats-0123456789", "dogs-0123456789", "apes-0123456789"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_run(root: Path, name: str, told: Sequence[Told] = FINISHED, **changes: Any) -> Run:
    return Run(a_run_folder(root / "runs", told, a_plan(id=name, **changes)))


def a_spec(root: Path, name: str, **spec: Any) -> None:
    file = root / "specs" / "experiments" / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"name": name}
    head = {"apiVersion": "vtspec.dev/v1alpha1", "kind": "Experiment", "metadata": metadata}
    file.write_text(json.dumps({**head, "spec": spec}))


def typed(*words: str) -> Result:
    return CliRunner().invoke(cli, words, standalone_mode=False)


def left(root: Path) -> list[str]:
    return sorted(run.name for run in Runs(root / "runs").list_runs())


def needers(root: Path, *words: str) -> dict[str, tuple[str, ...]]:
    chosen = choose_runs(words, Runs(root / "runs"), find_repository(root))
    return {one.found.run.name: one.needed_by for one in chosen}


def pruned(root: Path, **rule: Any) -> tuple[dict[str, str | None], list[str]]:
    going, needed = choose_prunable(PruneRule(**rule), Runs(root / "runs"), find_repository(root))
    return {one.found.run.name: one.why for one in going}, [one.found.run.name for one in needed]


# What a person names.


def test_a_run_is_removed_with_all_that_is_in_it_and_nothing_else(root: Path) -> None:
    run = a_run(root, CATS)
    a_run(root, DOGS)
    (run.path / "checkpoints").mkdir()
    (run.path / "checkpoints" / "state.pt").write_bytes(bytes(3 * 2**20))
    result = typed("rm", "cats-01", "--yes")
    assert "removed 1 run, 3.0 MiB" in result.output
    assert sorted(path.name for path in (root / "runs").iterdir()) == [".lock", DOGS]


def test_a_dry_run_removes_nothing_and_says_the_same(root: Path) -> None:
    a_run(root, CATS)
    result = typed("rm", CATS, "--dry-run")
    assert re.search(rf"{CATS}  +[\d.]+ KiB  succeeded\n1 run would be removed", result.output)
    assert left(root) == [CATS]


@pytest.mark.parametrize("obstacle", ["needed", "worked on", "a link", "not there"])
def test_a_dry_run_refuses_what_a_removal_would(root: Path, obstacle: str) -> None:
    run = a_run(root / "disk" if obstacle == "a link" else root, CATS)
    lock = None
    match obstacle:
        case "needed":
            a_spec(root, "against", report={"baseline": "cats"})
        case "worked on":
            lock = RunLock.acquire(run.path)
        case "a link":
            (root / "runs").mkdir()
            (root / "runs" / CATS).symlink_to(run.path)
        case _:
            Runs(root / "runs").remove(run)
    tried, done = typed("rm", CATS, "--dry-run"), typed("rm", CATS, "--yes")
    assert isinstance(tried.exception, Refused | Permanent)
    assert (type(tried.exception), str(tried.exception)) == (
        type(done.exception),
        str(done.exception),
    )
    # What is refused is still told of.
    assert tried.output == done.output
    forced = typed("rm", CATS, "--dry-run", "--force")
    assert (forced.exception is None) == (obstacle == "needed")
    if lock is not None:
        lock.release()


def test_prune_leaves_a_run_that_lies_elsewhere(root: Path) -> None:
    run = a_run(root / "disk", CATS, FAILED)
    (root / "runs").mkdir()
    (root / "runs" / CATS).symlink_to(run.path)
    for words in (("--dry-run",), ("--yes",)):
        assert "nothing to remove" in typed("prune", *words).output


def test_without_a_person_nothing_is_removed_unless_it_was_said(root: Path) -> None:
    a_run(root, CATS)
    result = typed("rm", CATS)
    assert isinstance(result.exception, Refused) and "--yes" in str(result.exception)
    assert left(root) == [CATS]


@pytest.mark.parametrize("word", ["cats", "cats-0", CATS[:-1]])
def test_a_word_that_fits_several_runs_names_none(root: Path, word: str) -> None:
    a_run(root, CATS)
    a_run(root, f"{CATS}-2")
    result = typed("rm", word, "--yes")
    assert f"names several runs: {CATS}, {CATS}-2" in str(result.exception)
    assert left(root) == [CATS, f"{CATS}-2"]
    typed("rm", CATS, "--yes")
    assert left(root) == [f"{CATS}-2"]


def test_one_that_is_worked_on_is_refused_with_what_stops_it(root: Path) -> None:
    a_run(root, DOGS)
    run = a_run(root, CATS, [STARTED])
    lock = RunLock.acquire(run.path)
    assert lock is not None
    result = typed("rm", DOGS, CATS, "--yes", "--force")
    assert isinstance(result.exception, Refused)
    assert f"fix: vtspec stop {CATS}" in str(result.exception)
    # Begun between the question and the answer.
    with pytest.raises(Temporary, match="a process works on"):
        Runs(root / "runs").remove(run)
    assert left(root) == [CATS, DOGS]
    lock.release()
    assert typed("rm", DOGS, CATS, "--yes").exception is None
    assert left(root) == []


@pytest.mark.parametrize("before", ["", "runs/"])
def test_a_completion_is_no_run_to_be_removed(root: Path, before: str) -> None:
    name = f"{CATS}-c0ffee0"
    told: Told = ("run.updated", {"sections": {}, "completion": name})
    run = a_run(root, CATS, [*FINISHED, told, SUCCEEDED])
    (run.path / f"{name}.json").write_text("{}")
    result = typed("rm", f"{before}{name}", "--yes", "--force")
    assert f"{name} is a completion of {CATS}" in str(result.exception)
    assert f"fix: vtspec rm {CATS} removes the run" in str(result.exception)
    assert left(root) == [CATS]


def test_a_link_to_a_run_that_lies_elsewhere_is_refused(root: Path) -> None:
    run = a_run(root / "disk", CATS)
    (root / "runs").mkdir()
    (root / "runs" / CATS).symlink_to(run.path)
    assert "is a link to" in str(typed("rm", CATS, "--yes").exception)
    assert run.read_plan()["id"] == CATS


# What something needs.


def test_it_is_said_what_a_run_is_needed_by(root: Path) -> None:
    a_run(root, CATS)
    a_spec(root, "from-run", model={"name": "resnet18", "weights": f"run:{CATS}"})
    a_spec(root, "from-spec", model={"name": "resnet18", "weights": "run:cats"})
    a_spec(root, "against", report={"baseline": "cats"})
    a_spec(root, "else", model={"weights": "run:elks"}, report={"baseline": "elks"})
    weights = {"name": "x", "weights": {"type": "run", "run": CATS}}
    a_run(root, DOGS, model=weights)
    a_run(root, APES, report={"baseline": "cats", "baselinePlan": CATS, "gates": []})
    assert needers(root, CATS, DOGS) == {
        CATS: (
            "experiment against is compared with it",
            "experiment from-run starts from its model",
            "experiment from-spec starts from its model",
            f"the report of {APES} compares with it",
        ),
        DOGS: (),
    }
    assert f"run {DOGS} started from its model" in needers(root, CATS)[CATS]


def test_one_that_is_needed_stays_unless_that_is_forced(root: Path) -> None:
    a_run(root, CATS)
    a_spec(root, "against", report={"baseline": "cats"})
    result = typed("rm", CATS, "--yes")
    assert "needed: experiment against is compared with it" in result.output
    assert f"vtspec rm {CATS} --force" in str(result.exception)
    assert left(root) == [CATS]
    typed("rm", CATS, "--force", "--yes")
    assert left(root) == []


@pytest.mark.parametrize(
    ("limits", "is_now", "told"),
    [
        ("{costPerMonth: 500}", True, "needed: costPerMonth of team vision counts about 7.00 EUR"),
        ("{costPerMonth: 500}", False, None),
        ("{gpus: 4}", True, None),
    ],
)
def test_what_a_limit_of_this_month_counts_is_not_freed_unasked(
    root: Path, limits: str, is_now: bool, told: str | None
) -> None:
    (root / "vtspec.yaml").write_text(
        "apiVersion: vtspec.dev/v1alpha1\nkind: Project\nmetadata: {name: here}\nspec:\n"
        "  prices: {cpuPerHour: 0.04, currency: EUR}\n"
        f"  teams: {{vision: {{specs: [specs/experiments], limits: {limits}}}}}\n"
    )
    plan = a_published_plan()
    # The run takes two seconds.
    estimate = replace(plan.estimate, cost=35.0, currency="EUR", seconds=10.0, report_seconds=None)
    folder = a_run_folder(root / "runs", FINISHED, replace(plan, estimate=estimate).to_json())
    events = folder / "events.jsonl"
    if is_now:
        events.write_text(
            events.read_text().replace("2026-01-01", f"{datetime.now(UTC):%Y-%m}-01")
        )
    shown = typed("rm", plan.id, "--yes")
    output = " ".join(shown.output.split())
    assert (told in output and "freer without it" in output) if told else "needed" not in output
    assert left(root) == ([plan.id] if told else [])
    assert typed("prune", "--keep", "0", "--yes", "--no-unfinished").exception is None
    assert left(root) == ([plan.id] if told else [])
    typed("rm", plan.id, "--force", "--yes")
    assert left(root) == []


def test_an_adapted_run_is_needed_as_a_baseline_only_where_that_is_allowed(root: Path) -> None:
    run = a_run(root, CATS)
    append(run.path, [ADAPTED], first=100)
    a_spec(root, "against", report={"baseline": "cats"})
    assert needers(root, CATS) == {CATS: ()}
    a_spec(root, "against", report={"baseline": "cats", "allowAdapted": True})
    assert needers(root, CATS) == {CATS: ("experiment against is compared with it",)}


def test_only_the_run_that_is_compared_with_is_needed_as_a_baseline(root: Path) -> None:
    a_run(root, "cats-0000000001")
    a_run(root, "cats-0000000002")
    a_run(root, "cats-0000000003", FAILED)
    a_run(root, APES, report={"baseline": "cats", "baselinePlan": "cats-0000000001"})
    a_spec(root, "against", report={"baseline": "cats"})
    found = needers(root, *(f"cats-000000000{n}" for n in (1, 2, 3)))
    assert {name: len(by) for name, by in found.items()} == {
        "cats-0000000001": 1,
        "cats-0000000002": 1,
        "cats-0000000003": 0,
    }


def test_events_that_mlflow_lacks_are_told(root: Path) -> None:
    run = a_run(root, CATS)
    state = {"uri": "http://mlflow", "shipped": 0}
    (run.path / "tracking.json").write_text(json.dumps(state))
    (told,) = needers(root, CATS)[CATS]
    assert told == f"2 events of it have not arrived in MLflow (vtspec sync {CATS})"
    (run.path / "tracking.json").write_text(json.dumps({**state, "shipped": 2}))
    assert needers(root, CATS) == {CATS: ()}


def test_a_model_that_an_alias_names_is_needed(root: Path) -> None:
    address = choose_tracking_uri(root / "runs", None, {})
    tracking = {"experiment": "cats", "registerAs": "cat-model"}
    for number in (1, 2):
        run = a_run(root, f"cats-{number:010}", tracking=tracking)
        (run.path / "model").mkdir()
        (run.path / "model" / "model.safetensors").write_bytes(b"weights")
        sync_run(run.path, address)
    # The newer one took the alias of the first.
    assert needers(root, "cats-0000000001") == {"cats-0000000001": ()}
    challenger = "MLflow's alias cat-model@challenger is its model, version 2"
    assert needers(root, "cats-0000000002") == {"cats-0000000002": (challenger,)}
    assert pruned(root, keep=0)[1] == ["cats-0000000002"]
    make_client(address).set_registered_model_alias("cat-model", "champion", "1")
    champion = "MLflow's alias cat-model@champion is its model, version 1"
    assert needers(root, "cats-0000000001") == {"cats-0000000001": (champion,)}
    make_client(address).delete_registered_model("cat-model")
    assert needers(root, "cats-0000000002") == {"cats-0000000002": ()}


def test_what_an_alias_names_is_not_known_where_mlflow_is_away(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(root, CATS)
    state = {"uri": "http://mlflow", "shipped": 2, "model_version": "4"}
    (run.path / "tracking.json").write_text(json.dumps({**state, "registered_as": "cat-model"}))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (told,) = needers(root, CATS)[CATS]
    assert told.startswith("an alias may name its model cat-model, version 4: ")


# What cannot be known.


@pytest.mark.parametrize(
    "content",
    [
        "spec: [",
        "",
        "kind: Experiment",
        "apiVersion: vtspec.dev/v1alpha1\nkind: Experiment\nspec: {model: run:cats}",
        "kind: Experiment\nspec: {report: {baseline: [cats]}}",
        "kind: Experiment\nspec: {model: {weights: a, weights: run:cats}}",
        b"kind: Experiment\nspec: {report: {baseline: \xff}}",
    ],
)
def test_a_spec_that_cannot_be_read_may_need_any_run(root: Path, content: str | bytes) -> None:
    for name, told in ((CATS, FINISHED), (f"{CATS}-2", FINISHED), (DOGS, FAILED)):
        a_run(root, name, told)
    file = root / "specs" / "experiments" / "against.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    shown = "specs/experiments/against.yaml"
    words = f"{shown} may need it, and cannot be read (vtspec validate {shown})"
    assert needers(root, CATS) == {CATS: (words,)}
    assert typed("rm", CATS, "--yes").exception is not None
    assert f"needed: {words}" in typed("prune", "--keep", "0", "--yes").output
    assert left(root) == [CATS, f"{CATS}-2", DOGS]
    assert typed("rm", CATS, "--yes", "--force").exception is None
    a_spec(root, "against", model={"name": "x", "weights": "no-run"}, repor="?")
    assert typed("prune", "--keep", "0", "--yes").exception is None
    assert left(root) == []


def test_each_of_two_specs_of_one_name_needs_its_run(root: Path) -> None:
    a_run(root, CATS)
    a_spec(root, "against", model={"name": "x"})
    first = root / "specs" / "experiments" / "against.yaml"
    first.rename(first.with_name("an-earlier.yaml"))
    a_spec(root, "against", report={"baseline": "cats"})
    assert needers(root, CATS) == {CATS: ("experiment against is compared with it",)}


def test_a_run_whose_plan_cannot_be_read_may_need_any_other(root: Path) -> None:
    a_run(root, CATS)
    (a_run(root, DOGS).path / "plan.json").write_text("{")
    assert needers(root, CATS) == {CATS: (f"{DOGS} may need it: its plan cannot be read",)}
    # It may go with what it may need, and by itself.
    assert needers(root, CATS, DOGS) == {CATS: (), DOGS: ()}


@pytest.mark.parametrize(("told", "count"), [([STARTED], 1), (STOPPED, 1), (FAILED, 0)])
def test_one_that_may_go_on_needs_its_baseline(root: Path, told: list[Told], count: int) -> None:
    a_run(root, CATS)
    run = a_run(root, APES, told, report={"baseline": "cats", "baselinePlan": CATS})
    assert len(needers(root, CATS)[CATS]) == count
    lock = RunLock.acquire(run.path)
    assert lock is not None
    # At work again, whatever came before.
    assert needers(root, CATS) == {CATS: (f"the report of {APES} compares with it",)}
    lock.release()


# Several seeds.


def a_result(
    root: Path, *seeds: int, epochs: int = 3, told: Sequence[Told] = FINISHED
) -> list[str]:
    """A run of each seed of one result, the first one begun first; their names."""
    runs = Runs(root / "runs")
    for seed in seeds:
        plan = a_toy_plan(training={"seed": seed, "epochs": epochs})
        plan["report"]["seeds"] = list(seeds)
        started = ("run.started", {"order": runs.count_order()})
        a_run_folder(runs.folder, [started, *FINISHED[1:]], name_plan(plan))
    return [run.name for run in runs.list_runs()[-len(seeds) :]]


def test_prune_keeps_or_takes_all_seeds_of_a_result(root: Path) -> None:
    first, second = a_result(root, 0, 1, 2), a_result(root, 0, 1, 2, epochs=4)
    assert sorted(pruned(root, keep=1)[0]) == sorted(first)
    assert pruned(root, keep=2) == ({}, [])
    assert len(pruned(root, keep=0)[0]) == 6
    # One of them is needed: what its report is made of stays with it.
    a_spec(root, "more", model={"name": "x", "weights": f"run:{first[1]}"})
    assert pruned(root, keep=1) == ({}, first)
    # Asked for again in part, it is no other result.
    assert sorted(pruned(root, keep=0)[0]) == sorted(second)


def test_attempts_of_one_plan_are_one_result(root: Path) -> None:
    a_run(root, "cats-0123456788")
    names = [CATS, f"{CATS}-2"]
    for order, name in enumerate(names, 1):
        a_run(root, name, [("run.started", {"order": order}), EVALUATED, SUCCEEDED])
    again = f"{CATS}-2 has the result of the same plan"
    assert pruned(root, keep=2) == ({CATS: again}, [])


@pytest.mark.parametrize(
    ("told", "is_needed"), [(FINISHED, True), (STOPPED, True), (FAILED, False)]
)
def test_a_seed_is_needed_by_those_that_are_judged_with_it(
    root: Path, told: list[Told], is_needed: bool
) -> None:
    (first, second), other = a_result(root, 0, 1), a_result(root, 0, epochs=4)
    run = Run(root / "runs" / second)
    (run.path / "events.jsonl").unlink()
    append(run.path, told, 0)
    needed = (f"the report of {second} is judged over its seed too",) if is_needed else ()
    assert needers(root, first) == {first: needed}
    assert needers(root, first, second) == {first: (), second: ()}
    assert needers(root, *other) == {other[0]: ()}


# What a rule lets go.


def test_prune_takes_what_failed_and_what_was_carried_out_again(root: Path) -> None:
    for name, told in (
        (CATS, FINISHED),
        (f"{CATS}-2", STOPPED),
        (f"{CATS}-3", FINISHED),
        (f"{CATS}-4", STOPPED),
        (DOGS, FAILED),
        (APES, FINISHED),
    ):
        a_run(root, name, told)
    again = f"{CATS}-3 has the result of the same plan"
    assert pruned(root) == ({CATS: again, f"{CATS}-2": again, DOGS: "failed"}, [])
    assert pruned(root, specs=("dogs",)) == ({DOGS: "failed"}, [])
    assert pruned(root, specs=("cats",), unfinished=True)[0][f"{CATS}-4"] == "stopped"


@pytest.mark.parametrize("told", [FINISHED, FAILED, STOPPED, [STARTED]])
def test_prune_leaves_what_is_worked_on_however_it_ended_before(
    root: Path, told: list[Told]
) -> None:
    run = a_run(root, CATS, told)
    a_run(root, f"{CATS}-2")
    lock = RunLock.acquire(run.path)
    assert lock is not None
    rule = {"keep": 1, "unfinished": True}
    assert pruned(root, **rule) == ({}, [])
    lock.release()
    assert list(pruned(root, **rule)[0]) == [CATS]


def test_prune_keeps_the_last_of_each_spec(root: Path) -> None:
    names = [f"cats-000000000{n}" for n in range(4)]
    for order, name in enumerate(names, 1):
        a_run(root, name, [("run.started", {"order": order}), EVALUATED, SUCCEEDED])
    a_run(root, DOGS)
    why = "older than the last 2 of cats"
    assert pruned(root, keep=2) == ({names[0]: why, names[1]: why}, [])
    assert len(pruned(root, keep=0)[0]) == 5
    assert pruned(root) == ({}, [])


def test_prune_spares_what_was_worked_on_lately(root: Path) -> None:
    a_run(root, CATS, FAILED)
    # As `run_folders` has it, the run ended a second after the year began.
    assert pruned(root, before=1_767_225_600)[0] == {}
    assert pruned(root, before=1_767_225_660)[0] == {CATS: "failed"}
    assert typed("prune", "--older-than", "3650d", "--yes").output == "nothing to remove\n"
    assert left(root) == [CATS]


@pytest.mark.parametrize(
    ("retention", "flags", "gone"),
    [
        ("{keep: 1}", [], ["cats-0000000001", "cats-0000000002"]),
        ("{keep: 1}", ["--keep", "2"], ["cats-0000000001"]),
        ("{keep: 2, olderThan: 3000d}", [], []),
        ("{unfinished: true}", [], [DOGS]),
        ("{unfinished: true}", ["--no-unfinished"], []),
        ("{}", [], []),
    ],
)
def test_prune_goes_by_retention_where_no_flag_says_otherwise(
    root: Path, retention: str, flags: list[str], gone: list[str]
) -> None:
    names = [f"cats-{number:010}" for number in (1, 2, 3)]
    for name in names:
        a_run(root, name)
    a_run(root, DOGS, STOPPED)
    head = "apiVersion: vtspec.dev/v1alpha1\nkind: Project\nmetadata: {name: vision}\n"
    (root / "vtspec.yaml").write_text(f"{head}spec: {{retention: {retention}}}\n")
    result = typed("prune", "--yes", *flags)
    assert sorted({*names, DOGS} - set(left(root))) == gone
    assert ("by retention of vtspec.yaml: " in result.output) is (retention != "{}" and not flags)


def test_prune_leaves_what_is_needed_and_what_that_needs(root: Path) -> None:
    def from_run(name: str) -> dict[str, Any]:
        return {"name": "x", "weights": {"type": "run", "run": name}}

    names = [f"cats-000000000{n}" for n in range(4)]
    a_run(root, names[0])
    a_run(root, names[1], model=from_run(names[0]))
    a_run(root, names[2], model=from_run(names[1]))
    a_spec(root, "more", model={"weights": f"run:{names[1]}"})
    a_run(root, names[3])
    going, needed = pruned(root, keep=0)
    assert (sorted(going), needed) == (names[2:], names[:2])
    result = typed("prune", "--keep", "0", "--yes")
    assert "these stay, since something needs them:" in result.output
    assert f"needed: run {names[1]} started from its model" in result.output
    assert left(root) == names[:2]


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1 week", "1.5h"])
def test_an_age_that_is_none_is_told(root: Path, age: str) -> None:
    assert "fix: --older-than 30d" in str(typed("prune", "--older-than", age).exception)


@pytest.mark.parametrize("option", ["--older-than", "--caches"])
def test_an_age_beyond_ten_years_is_told_the_longest(root: Path, option: str) -> None:
    told = str(typed("prune", option, "999999d").exception)
    assert f"must be at most 3650d, got '999999d'\n  fix: {option} 3650d" in told


def test_prune_makes_no_folder_where_there_are_no_runs(root: Path) -> None:
    assert typed("prune", "--yes").output == "nothing to remove\n"
    assert not (root / "runs").exists()


# What a kill leaves.


def test_who_asks_again_for_a_run_that_was_half_deleted_has_its_rest_removed(root: Path) -> None:
    run = a_run(root, CATS)
    # As a kill leaves it: the run has no name any more, its files are there.
    run.path.rename(run.path.with_name(f".gone-{run.name}-0a1b2c"))
    assert isinstance(typed("rm", CATS, "--yes", "--dry-run").exception, Refused)
    assert len(list((root / "runs").glob(".gone-*"))) == 1
    assert isinstance(typed("rm", CATS, "--yes").exception, Refused)
    assert list((root / "runs").glob(".gone-*")) == []


@pytest.mark.slow
def test_a_killed_removal_leaves_a_run_whole_or_nothing_of_it(root: Path) -> None:
    run = a_run(root, CATS)
    for number in range(5000):
        (run.path / f"{number}.bin").touch()
    code = "from vtspec.cli.main import main; main()"
    process = subprocess.Popen([sys.executable, "-c", code, "rm", CATS, "--yes"])
    # Killed as soon as anything is missing of it.
    while process.poll() is None and run.path.exists() and len(os.listdir(run.path)) >= 5000:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert left(root) == []
    (half,) = (root / "runs").glob(".gone-*")
    assert os.listdir(half)
    assert typed("prune", "--yes").exception is None
    assert os.listdir(root / "runs") == [".lock"]


CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link"}
"""Operations that change a folder, as Python tells them before each."""


def killed(number: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that is killed before the change of a folder of that number;
    whether it came to so many."""
    pid = os.fork()
    if pid == 0:
        changes = itertools.count(1)

        def kill_before(event: str, arguments: tuple[Any, ...]) -> None:
            opens = event == "open" and (arguments[2] or 0) & (
                os.O_CREAT | os.O_WRONLY | os.O_RDWR
            )
            if (opens or event in CHANGES) and next(changes) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill_before)
        try:
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "staying"), [(("rm", CATS, DOGS), [APES]), (("prune", "--keep", "0"), [])]
)
def test_a_removal_killed_before_any_change_leaves_whole_runs_or_none(
    root: Path, words: tuple[str, ...], staying: list[str]
) -> None:
    number = 0
    for number in itertools.count(1):
        for name in (APES, CATS, DOGS):
            run = a_run(root, name)
            (run.path / "model").mkdir()
            (run.path / "model" / "model.safetensors").write_bytes(name.encode())
        whole = contents(root / "runs")
        if not killed(number, lambda: typed(*words, "--yes")):
            break
        names = left(root)
        for name, file in ((name, file) for name in names for file in whole if name in file):
            assert (root / "runs" / file).read_bytes() == whole[file], (number, name)
        assert set(staying) <= set(names)
        # The next command, whichever changes runs, clears the rest.
        typed("prune", "--yes", "--older-than", "1d")
        assert sorted(os.listdir(root / "runs")) == [".lock", *names], number
        shutil.rmtree(root / "runs")
    assert number > 12, "the process told of no change"
    assert left(root) == staying


@pytest.mark.slow
def test_a_run_killed_before_any_change_of_its_making_is_whole_or_leaves_nothing(
    root: Path,
) -> None:
    runs, plan = Runs(root / "runs"), a_plan(id=CATS)

    def make() -> None:
        with runs.lock_runs():
            runs.create_attempt(plan)

    number = 0
    for number in itertools.count(1):
        if not killed(number, make):
            break
        for run in runs.list_runs():
            assert run.read_plan() == plan
        names = left(root)
        typed("prune", "--yes", "--older-than", "1d")
        found = set(os.listdir(root / "runs")) if (root / "runs").exists() else set()
        assert found - {".gitignore", ".lock"} == set(names), number
        shutil.rmtree(root / "runs", ignore_errors=True)
    assert number > 5, "the process told of no change"
