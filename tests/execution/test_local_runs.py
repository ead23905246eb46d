"""A plan carried out on this machine: once, resumed after anything, joined, shown, or again."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from local_repository import Repository, Watcher, a_local, a_repository, model_sum, this_python
from run_folders import a_plan as a_planned
from run_folders import a_run_folder
from toy_runs import unmeasured
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.execution.local import (
    AttemptState,
    RunOptions,
    RunResult,
    follow_run,
    run_smoke_test,
    stop_run,
)
from vtspec.pipelines.execution.local.next_action import Decision, Liveness, decide
from vtspec.pipelines.execution.steps import StopSignal
from vtspec.pipelines.runs import EventLog, Run, RunLock, find_holder
from vtspec.pipelines.runs.events import RunStarted, Told
from vtspec.pipelines.runs.state import find_remaining_steps, fold_events
from vtspec.pipelines.tracking import SyncResult

SHAPES = "shapes-0123456789"

RESUME = RunOptions(resume=True)


def carry(repository: Repository, watcher: Watcher, choice: RunOptions | None = None) -> RunResult:
    local = a_local(repository, watcher)
    return local.run(repository.planned, choice or RunOptions(), "vtspec run shapes")


# Deciding.


@pytest.mark.parametrize(
    ("status", "liveness", "choice", "action"),
    [
        ("running", "alive", RunOptions(), "attach"),
        ("running", "alive", RunOptions(again=True), "attach"),
        ("running", "alive", RESUME, "attach"),
        ("running", "dead", RunOptions(), "refuse"),
        ("running", "dead", RESUME, "resume"),
        ("running", "orphaned", RunOptions(), "refuse"),
        ("running", "orphaned", RESUME, "resume"),
        ("queued", "dead", RESUME, "resume"),
        ("interrupted", "dead", RunOptions(), "refuse"),
        ("interrupted", "dead", RESUME, "resume"),
        ("interrupted", "dead", RunOptions(again=True), "begin"),
        ("stopped", "dead", RunOptions(), "refuse"),
        ("failed", "dead", RunOptions(), "begin"),
        ("failed", "dead", RESUME, "resume"),
        ("crashed", "dead", RunOptions(), "begin"),
        ("refused", "dead", RunOptions(), "begin"),
        ("succeeded", "dead", RunOptions(), "show"),
        ("succeeded", "dead", RESUME, "show"),
        ("succeeded", "dead", RunOptions(again=True), "begin"),
    ],
)
def test_the_last_attempt_and_the_person_decide(
    status: str, liveness: Liveness, choice: RunOptions, action: str
) -> None:
    seen = AttemptState(run=SHAPES, status=status, liveness=liveness)  # type: ignore[arg-type]
    older = AttemptState(run="older", status="failed", liveness="dead")
    decision = decide([older, seen], choice)
    assert decision.action == action
    if action in ("attach", "resume", "show"):
        assert decision.run == SHAPES


@pytest.mark.parametrize(
    ("status", "liveness", "told"),
    [
        ("running", "dead", "was killed"),
        ("running", "orphaned", "was killed"),
        ("queued", "dead", "was killed"),
        ("interrupted", "dead", "was interrupted"),
        ("stopped", "dead", "was stopped"),
        ("refused", "dead", "was refused"),
        ("failed", "dead", "failed"),
        ("crashed", "dead", "crashed"),
    ],
)
def test_a_later_attempt_without_a_result_takes_none_away(
    status: str, liveness: Liveness, told: str
) -> None:
    done = AttemptState(run="done", status="succeeded", liveness="dead")
    later = AttemptState(run=SHAPES, status=status, liveness=liveness)  # type: ignore[arg-type]
    shown = decide([done, later], RunOptions())
    assert (shown.action, shown.run) == ("show", "done")
    assert f"{SHAPES} is later and {told}" in (shown.why or "")
    # Two that came to nothing, too.
    assert decide([done, later, later], RunOptions()).run == "done"
    assert decide([done, later], RESUME) == Decision(action="resume", run=SHAPES)
    assert decide([done, later], RunOptions(again=True)).action == "begin"
    assert decide([later, done], RunOptions()).run == "done"


def test_who_names_an_attempt_to_go_on_with_means_that_one() -> None:
    """Also the first, which is called as its plan is, by the fix that was told when it ended."""
    first, second = (
        AttemptState(run=name, status="stopped", liveness="dead") for name in (SHAPES, "second")
    )
    for name, meant in ((SHAPES, SHAPES), ("second", "second"), (None, "second")):
        decision = decide([first, second], RunOptions(resume=True, run=name))
        assert decision == Decision(action="resume", run=meant)
    # Without --resume it is the plan that is named; and nobody trains beside one that is at work.
    assert decide([first, second], RunOptions(run=SHAPES)).run == "second"
    running = AttemptState(run="second", status="running", liveness="alive")
    joined = decide([first, running], RunOptions(resume=True, run=SHAPES))
    assert (joined.action, joined.run) == ("attach", "second")


def test_a_later_attempt_at_work_is_joined_whatever_was_there_before() -> None:
    done = AttemptState(run="done", status="succeeded", liveness="dead")
    later = AttemptState(run=SHAPES, status="running", liveness="alive")
    for choice in (RunOptions(), RESUME, RunOptions(again=True)):
        assert (decide([done, later], choice).action, later.run) == ("attach", SHAPES)


def test_where_nothing_was_begun_there_is_nothing_to_resume(tmp_path: Path) -> None:
    assert decide([], RunOptions()).action == "begin"
    repository = a_repository(tmp_path)
    with pytest.raises(Refused, match="no attempt of this plan to resume") as refused:
        carry(repository, Watcher(), RESUME)
    assert refused.value.fix == "begin one: vtspec run shapes"
    assert repository.runs.list_runs() == []


def test_a_resumed_run_checks_its_data_before_it_uses_it() -> None:
    done = fold_events([])
    assert find_remaining_steps(done) == ("data", "train", "evaluate", "export", "report")


# An unbroken run.


@pytest.mark.slow
def test_an_unbroken_run_leaves_all_that_the_documentation_names(tmp_path: Path) -> None:
    repository, watcher = a_repository(tmp_path), Watcher()
    result = carry(repository, watcher)
    assert result.how == "carried out"
    assert result.outcome is not None and result.outcome.is_good
    assert result.run.name == repository.name
    left = {path.name for path in result.run.path.iterdir() if not path.name.startswith(".")}
    assert left >= {
        "plan.json",
        "events.jsonl",
        "metrics.json",
        "evaluation.json",
        "checkpoints",
        "model",
        "report.md",
        "output.log",
    }
    kinds = watcher.kinds()
    assert (kinds[0], kinds[-1]) == ("run.started", "run.finished")
    assert [e.seq for e in result.run.read_events()] == list(range(len(kinds)))
    assert set(result.state.artifacts) == {
        "metrics.json",
        "evaluation.json",
        "report.md",
        "model/model.safetensors",
    }
    assert not result.run.is_alive()
    assert watcher.reports == [result.run.path]


@pytest.mark.slow
def test_the_sums_of_the_terminal_event_are_those_of_the_files(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    result = carry(repository, Watcher())
    import hashlib

    for name, told in result.state.artifacts.items():
        content = (result.run.path / name).read_bytes()
        assert told == "sha256:" + hashlib.sha256(content).hexdigest()


@pytest.mark.slow
def test_a_plan_that_was_carried_out_is_shown_and_not_run_again(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    first = carry(repository, Watcher())
    before = (first.run.path / "events.jsonl").read_bytes()
    second = carry(repository, Watcher())
    assert (second.how, second.run) == ("shown", first.run)
    assert second.outcome == first.outcome
    assert (first.run.path / "events.jsonl").read_bytes() == before
    again = carry(repository, Watcher(), RunOptions(again=True))
    assert (again.how, again.run.name) == ("carried out", f"{repository.name}-2")
    assert model_sum(repository, f"{repository.name}-2") == model_sum(repository, repository.name)


@pytest.mark.slow
def test_two_runs_at_once_are_one_run_that_both_see(tmp_path: Path) -> None:
    repository = a_repository(tmp_path, training={"epochs": 30})
    results: list[RunResult] = []
    ready = threading.Barrier(2)

    def go() -> None:
        ready.wait()
        results.append(carry(repository, Watcher()))

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.how for result in results) == ["carried out", "joined"]
    assert {result.run.name for result in results} == {repository.name}
    assert all(result.outcome is not None and result.outcome.is_good for result in results)
    assert [run.name for run in repository.runs.list_runs()] == [repository.name]


@pytest.mark.slow
def test_whoever_looks_on_may_leave_and_the_run_goes_on(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    folder = a_run_folder(repository.root / "runs", [], repository.plan)
    lock = RunLock.acquire(folder)
    assert lock is not None
    EventLog(folder, repository.name, 1).append_told(
        Told(kind="run.started", fields={"plan_id": repository.name})
    )
    watcher = Watcher(stop_at="run.started")
    result = carry(repository, watcher)
    assert (result.how, result.outcome) == ("joined", None)
    assert find_holder(folder) is not None
    lock.release()


@pytest.mark.slow
def test_a_run_that_dies_while_it_is_looked_at_is_told_as_dead(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    folder = a_run_folder(repository.root / "runs", [], repository.plan)
    lock = RunLock.acquire(folder)
    assert lock is not None
    threading.Timer(0.5, lock.release).start()
    with pytest.raises(Permanent, match="killed while it was looked at"):
        carry(repository, Watcher())


# What goes wrong.


@pytest.mark.slow
def test_an_interrupted_run_is_not_taken_up_without_a_word(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    result = carry(repository, Watcher(stop_at="train.epoch"))
    assert result.outcome is not None
    assert (result.outcome.ending, result.outcome.exit_code) == ("interrupted", 75)
    assert result.outcome.fix == "resume with: vtspec run shapes --resume"
    with pytest.raises(Refused, match="--resume to go on"):
        carry(repository, Watcher())
    assert [run.name for run in repository.runs.list_runs()] == [repository.name]


@pytest.mark.slow
def test_a_resumed_run_has_the_weights_and_epochs_of_an_unbroken_one(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    carry(repository, Watcher(stop_at="train.epoch"))
    resumed = carry(repository, Watcher(), RESUME)
    assert (resumed.run.name, resumed.how) == (repository.name, "carried out")
    unbroken = carry(repository, Watcher(), RunOptions(again=True))
    assert model_sum(repository, repository.name) == model_sum(repository, unbroken.run.name)
    assert without_times(resumed) == without_times(unbroken)


def without_times(result: RunResult) -> object:
    metrics = result.run.compute_metrics()
    return (
        metrics["final"],
        metrics["best"],
        [
            {key: value for key, value in epoch.items() if key != "seconds"}
            for epoch in metrics["epochs"]
        ],
    )


@pytest.mark.slow
@pytest.mark.parametrize("step", ["data", "train", "evaluate", "export", "report"])
def test_a_run_that_is_stopped_in_any_step_goes_on_with_that_step(
    tmp_path: Path, step: str
) -> None:
    repository = a_repository(tmp_path)

    class AtStep(Watcher):
        def told(self, event, state):  # type: ignore[no-untyped-def]
            super().told(event, state)
            if (event.kind, event.step) == ("step.started", step):
                self.stop.request("stopped")

    first = carry(repository, AtStep())
    assert first.outcome is not None and first.outcome.ending == "stopped"
    watcher = Watcher()
    resumed = carry(repository, watcher, RESUME)
    assert resumed.outcome is not None and resumed.outcome.is_good
    begun = [event.step for event in watcher.events if event.kind == "step.started"]
    assert step in begun
    done = {"evaluate": ["train"], "export": ["train", "evaluate"], "report": ["train", "export"]}
    assert not set(begun) & set(done.get(step, []))


@pytest.mark.slow
def test_a_run_without_a_single_event_is_begun_by_a_resume(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    a_run_folder(repository.root / "runs", [], repository.plan)
    result = carry(repository, Watcher(), RESUME)
    assert result.outcome is not None and result.outcome.is_good
    assert result.run.read_events()[0].kind == "run.started"


@pytest.mark.slow
def test_an_adapter_that_fails_ends_the_run_in_its_own_words(tmp_path: Path) -> None:
    repository = a_repository(tmp_path, training={"optimizer": "lion"})
    result = carry(repository, Watcher())
    assert result.outcome is not None
    assert (result.outcome.ending, result.outcome.exit_code) == ("refused", 2)
    assert "training.optimizer" in (result.outcome.message or "")
    second = carry(repository, Watcher())
    assert second.run.name == f"{repository.name}-2"


@pytest.mark.slow
def test_a_traceback_of_the_framework_is_a_failed_run(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    broken = repository.root / "data" / "shapes" / "train" / "circle" / "000.png"
    broken.write_bytes(b"not a picture")
    from vtspec.adapters.data.content_hash import hash_content

    repository.plan["dataset"]["hash"] = hash_content(tmp_path / "data" / "shapes").hash
    result = carry(repository, Watcher())
    assert result.outcome is not None and not result.outcome.is_good
    assert "000.png" in (result.outcome.message or "")
    assert result.run.read_state().failure is not None


@pytest.mark.slow
def test_a_run_whose_time_is_up_fails_and_says_so(tmp_path: Path) -> None:
    repository = a_repository(tmp_path, training={"epochs": 5000})
    repository.plan["resources"]["maxDuration"] = "1s"
    result = carry(repository, Watcher())
    assert result.outcome is not None
    assert (result.outcome.ending, result.outcome.exit_code) == ("failed", 3)
    assert "time limit of 1s" in (result.outcome.message or "")
    assert "maxDuration" in (result.outcome.fix or "")
    # The time of the first part counts: there is none left.
    resumed = carry(repository, Watcher(), RESUME)
    assert resumed.outcome == result.outcome


@pytest.mark.slow
def test_a_bug_in_the_report_ends_the_run_as_crashed_and_a_resume_mends_it(
    tmp_path: Path,
) -> None:
    def broken(_folder: Path, _report: object) -> str:
        raise ZeroDivisionError("a bug")

    repository = a_repository(tmp_path)
    local = a_local(repository, Watcher(), write_report=broken)
    with pytest.raises(ZeroDivisionError):
        local.run(repository.planned, RunOptions(), "vtspec run shapes")
    state = repository.runs.find(repository.name).read_state()
    assert (state.status, state.exit_code) == ("crashed", 1)
    assert state.failure is not None and "ZeroDivisionError" in (state.failure.traceback or "")
    assert not repository.runs.find(repository.name).is_alive()
    resumed = carry(repository, watcher := Watcher(), RESUME)
    assert resumed.outcome is not None and resumed.outcome.is_good
    assert [e.step for e in watcher.events if e.kind == "step.started"] == ["report"]


def test_what_is_missing_is_told_before_a_run_is_made(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    local = a_local(repository, Watcher())

    def choose() -> Environment:
        raise Permanent("uv is not here", fix="pip install 'vtspec[env]'")

    broken = replace(local, choose=choose)
    with pytest.raises(Permanent, match="uv is not here"):
        broken.run(repository.planned, RunOptions(), "vtspec run shapes")
    assert repository.runs.list_runs() == []


@pytest.mark.slow
def test_the_tracker_is_ended_with_the_run_and_what_it_says_is_kept(tmp_path: Path) -> None:
    class Tracker:
        def __init__(self, folder: Path) -> None:
            self.folder = folder

        def finish(self, timeout_s: float = 30.0) -> SyncResult:
            return SyncResult(sent=0, left=0, reason=Run(self.folder).ending or "too early")

    repository = a_repository(tmp_path)
    local = a_local(repository, Watcher(), track=Tracker)
    result = local.run(repository.planned, RunOptions(), "vtspec run shapes")
    assert result.shipped == SyncResult(sent=0, left=0, reason="succeeded")


# A smoke run.


@pytest.mark.slow
def test_a_smoke_run_leaves_nothing_behind(tmp_path: Path) -> None:
    repository, watcher = a_repository(tmp_path, training={"epochs": 500}), Watcher()
    local = a_local(repository, watcher)
    smoked = run_smoke_test(repository.planned, local.place, this_python(tmp_path))
    assert smoked.outcome.is_good
    (started,) = [event.body for event in watcher.events if event.kind == "run.started"]
    assert isinstance(started, RunStarted)
    assert started.environment == str(this_python(tmp_path))
    assert smoked.folder is None
    assert not watcher.reports[0].exists()
    assert watcher.kinds().count("train.epoch") == 1
    assert repository.runs.list_runs() == []


@pytest.mark.slow
def test_a_smoke_run_that_fails_is_kept_for_a_look(tmp_path: Path) -> None:
    repository = a_repository(tmp_path, training={"optimizer": "lion"})
    local = a_local(repository, Watcher())
    smoked = run_smoke_test(repository.planned, local.place, this_python(tmp_path))
    assert smoked.outcome.exit_code == 2
    assert smoked.folder is not None and (smoked.folder / "output.log").exists()


# Kills. The run is a process of its own, in a repository of its own.

CARRY = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from local_repository import Repository, Watcher, a_local
import json
from vtspec.pipelines.execution.local import RunOptions
root = Path(sys.argv[2])
repository = Repository(root=root, plan=json.loads((root / "plan.json").read_text()))
watcher = Watcher()
with watcher.stop.handle_signals():
    result = a_local(repository, watcher).run(
        repository.planned, RunOptions(resume="--resume" in sys.argv), "vtspec run shapes")
sys.exit(result.outcome.exit_code)
"""


def a_carrier(repository: Repository, *more: str) -> "subprocess.Popen[bytes]":
    import json

    (repository.root / "plan.json").write_text(json.dumps(repository.plan))
    tests = str(Path(__file__).parents[1] / "support")
    return subprocess.Popen(
        [sys.executable, "-c", CARRY, tests, str(repository.root), *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=unmeasured(),
    )


def wait_for(what: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    while not what() and process.poll() is None:
        time.sleep(0.005)


def events_in(repository: Repository, kind: str) -> int:
    path = repository.root / "runs" / repository.name / "events.jsonl"
    return path.read_text(errors="replace").count(f'"kind":"{kind}"') if path.exists() else 0


def has_epochs(repository: Repository, count: int) -> bool:
    return events_in(repository, "train.epoch") >= count


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, object]:
    """The weights' checksum and the metrics of a run of 40 epochs that nobody disturbed."""
    repository = a_repository(tmp_path_factory.mktemp("unbroken"), training={"epochs": 40})
    result = carry(repository, Watcher())
    return model_sum(repository, repository.name), without_times(result)


def kill_vtspec(repository: Repository, process: "subprocess.Popen[bytes]") -> None:
    process.kill()


def kill_adapter(repository: Repository, process: "subprocess.Popen[bytes]") -> None:
    holder = find_holder(repository.root / "runs" / repository.name)
    if holder is not None and holder.adapter is not None:
        os.killpg(holder.adapter, signal.SIGKILL)


def kill_both(repository: Repository, process: "subprocess.Popen[bytes]") -> None:
    kill_adapter(repository, process)
    process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("kill", [kill_vtspec, kill_adapter, kill_both])
def test_a_run_that_is_killed_anywhere_ends_as_if_it_had_not_been(
    tmp_path: Path,
    unbroken: tuple[str, object],
    kill: Callable[[Repository, "subprocess.Popen[bytes]"], None],
) -> None:
    chance = random.Random(kill.__name__)
    repository = a_repository(tmp_path, training={"epochs": 40})
    more: tuple[str, ...] = ()
    for _ in range(3):
        process = a_carrier(repository, *more)
        before, more = events_in(repository, "train.epoch"), ("--resume",)
        enough = before + chance.randint(1, 10)
        wait_for(partial(has_epochs, repository, enough), process)
        time.sleep(chance.uniform(0, 0.03))
        kill(repository, process)
        process.wait()
    result = carry(repository, Watcher(), RESUME)
    assert result.outcome is not None and result.outcome.is_good, result.outcome
    sequence = [event.seq for event in result.run.read_events()]
    assert sequence == list(range(len(sequence)))
    assert (model_sum(repository, repository.name), without_times(result)) == unbroken


@pytest.mark.slow
def test_a_run_that_is_asked_by_a_signal_leaves_with_75_and_resumes(
    tmp_path: Path, unbroken: tuple[str, object]
) -> None:
    repository = a_repository(tmp_path, training={"epochs": 40})
    process = a_carrier(repository)
    wait_for(lambda: events_in(repository, "train.epoch") >= 2, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 75
    assert repository.runs.find(repository.name).ending == "interrupted"
    result = carry(repository, Watcher(), RESUME)
    assert (model_sum(repository, repository.name), without_times(result)) == unbroken


@pytest.mark.slow
def test_a_run_is_stopped_by_another_process(tmp_path: Path) -> None:
    repository = a_repository(tmp_path, training={"epochs": 5000})
    process = a_carrier(repository)
    wait_for(lambda: events_in(repository, "train.epoch") >= 1, process)
    run = repository.runs.find(repository.name)
    with pytest.raises(Temporary, match="has not ended"):
        stop_run(run, timeout_s=0)
    state = stop_run(run, timeout_s=60)
    assert process.wait() == 75
    assert (state.status, state.exit_code) == ("stopped", 75)
    assert state.training.checkpoint is not None
    with pytest.raises(Refused, match="nothing works on"):
        stop_run(run, timeout_s=1)


@pytest.mark.slow
def test_an_adapter_whose_vtspec_was_killed_can_be_stopped(tmp_path: Path) -> None:
    repository = a_repository(tmp_path, training={"epochs": 5000})
    process = a_carrier(repository)
    wait_for(lambda: events_in(repository, "train.epoch") >= 1, process)
    process.kill()
    process.wait()
    run = repository.runs.find(repository.name)
    if run.is_alive():
        assert stop_run(run, timeout_s=60).status == "running"
    assert not run.is_alive()
    with pytest.raises(Refused, match="dead since it was killed"):
        stop_run(run, timeout_s=1)


ORPHAN = """
import signal, subprocess, sys, time
from pathlib import Path
from vtspec.pipelines.runs import RunLock
lock = RunLock.acquire(Path(sys.argv[1]))
child = subprocess.Popen([sys.executable, "-c", sys.argv[2]], stdout=subprocess.PIPE,
                         pass_fds=[lock.fd], start_new_session=True)
lock.note_adapter(child.pid)
child.stdout.readline()
print("ready", flush=True)
time.sleep(600)
"""

DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""

LISTENING = 'import time; print("ready", flush=True); time.sleep(600)'


def leave_an_orphan(folder: Path, adapter: str) -> None:
    """Kill a vtspec whose adapter lives on and holds the run's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(folder), adapter],
        stdout=subprocess.PIPE,
        env=unmeasured(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize(("adapter", "grace_s"), [(LISTENING, 60.0), (DEAF, 0.3)])
def test_a_resume_ends_the_training_that_a_killed_vtspec_left(
    tmp_path: Path, adapter: str, grace_s: float
) -> None:
    repository = a_repository(tmp_path)
    carry(repository, Watcher(stop_at="train.epoch"))
    leave_an_orphan(tmp_path / "runs" / repository.name, adapter)
    watcher = Watcher()
    local = replace(a_local(repository, watcher), orphan_grace_s=grace_s)
    with pytest.raises(Refused, match="--resume to go on"):
        local.run(repository.planned, RunOptions(), "vtspec run shapes")
    result = local.run(repository.planned, RESUME, "vtspec run shapes")
    assert result.outcome is not None and result.outcome.is_good
    assert any("killed vtspec" in line for line in watcher.said)


@pytest.mark.slow
def test_a_lock_that_somebody_unknown_keeps_is_not_broken(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    carry(repository, Watcher(stop_at="train.epoch"))
    folder = tmp_path / "runs" / repository.name
    lock = RunLock.acquire(folder)
    assert lock is not None
    (folder / "lock").write_text("unreadable")
    local = replace(a_local(repository, Watcher()), orphan_grace_s=0.1)
    with pytest.raises(Temporary, match="something still holds"):
        local.run(repository.planned, RESUME, "vtspec run shapes")
    lock.release()


def test_a_run_on_another_machine_is_not_ours_to_stop(tmp_path: Path) -> None:
    run = Run(a_run_folder(tmp_path, [], a_planned()))
    lock = RunLock.acquire(run.path)
    assert lock is not None
    (run.path / "lock").write_text('{"host": "elsewhere", "pid": 1}')
    with pytest.raises(Permanent, match="carried out on elsewhere"):
        stop_run(run, timeout_s=1)
    lock.release()


@pytest.mark.slow
def test_following_a_finished_run_tells_all_of_it_once(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    result = carry(repository, Watcher())
    watcher = Watcher()
    state = follow_run(result.run, watcher.told, StopSignal(), lambda: None)
    assert watcher.events == result.run.read_events()
    assert state.status == "succeeded"
