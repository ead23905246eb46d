"""Steps of a run in a store, each on a node of its own: a cache, and nothing else."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from object_storage import BreakableStorage
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.execution.steps import Outcome, StopSignal
from vtspec.pipelines.operations.run import RunCallbacks
from vtspec.pipelines.operations.step import StepOptions, load_plan, run_step
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.event_log import EVENTS_FILE
from vtspec.pipelines.runs.events import PRINTED_PREFIX, STEPS
from vtspec.pipelines.runs.object_store import ObjectStore

pytestmark = pytest.mark.slow

MAIN = (sys.executable, "-c", "from vtspec.cli.main import main; main()")

TIMED = {"train.progress", "output"}
"""Kinds of which there are as many as the time allows."""


@dataclass
class Nodes:
    """Machines that have a repository and a store, and a cache of which nothing is kept."""

    root: Path
    url: str
    plan: Path
    places: Path
    printed: list[str] = field(default_factory=list)

    def command(self, *words: str) -> list[str]:
        return [*MAIN, *words]

    def step(self, name: str) -> subprocess.Popen[str]:
        """A step on a machine that nothing was ever on."""
        at = "--plan", str(self.plan), "--runs", self.url
        return subprocess.Popen(
            self.command("step", name, *at, "--resume", "--print-events"),
            cwd=self.root,
            env=os.environ | {"VTSPEC_CACHE": str(self.make_cache())},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def make_cache(self) -> Path:
        self.places.mkdir(exist_ok=True)
        return self.places / str(len(list(self.places.iterdir())) + 1)

    def finish(self, process: subprocess.Popen[str]) -> int:
        """The exit code; what was printed is kept."""
        told, said = process.communicate(timeout=300)
        self.printed += told.splitlines()
        print(said)
        return process.returncode

    def do(self, *names: str) -> None:
        for name in names:
            assert self.finish(self.step(name)) == 0, name

    def see(self) -> Run:
        """The run, as somebody sees it who never did before."""
        runs = Runs(get_mirror_folder(self.url, {"VTSPEC_CACHE": str(self.make_cache())}))
        (run,) = [run for run in runs.list_runs() if run.plan_id == load_plan(self.plan).id]
        runs.fetch(run, "model")
        return run

    def has(self, name: str) -> bool:
        """Whether the run has an object of that name in the store."""
        run = load_plan(self.plan).id
        return ObjectStore(self.url).find_tag(f"{run}/{name}") is not None


@pytest.fixture
def nodes(storage: BreakableStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nodes:
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    bucket = "".join(letter for letter in tmp_path.name.lower() if letter.isalnum())[-40:]
    root = tmp_path / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    found = Nodes(
        root=root,
        url=f"{storage.make_bucket(bucket)}/team",
        plan=tmp_path / "plan.json",
        places=tmp_path / "nodes",
    )
    made = subprocess.run(
        found.command("plan", "shapes", "--output", "json"),
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    found.plan.write_text(made.stdout)
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The plan of every test, carried out by `vtspec run`."""
    root = tmp_path_factory.mktemp("whole") / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    done = subprocess.run(
        [*MAIN, "run", "shapes", "--no-tracking", "--runs", "runs"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (run,) = Runs(root / "runs").list_runs()
    return run


def tell_order(run: Run) -> list[tuple[str, str | None]]:
    """What happened, in order, as far as the machine's speed is out of it."""
    return [(one.kind, one.step) for one in run.read_events() if one.kind not in TIMED]


def sum_model(run: Run) -> str:
    return hashlib.sha256((run.path / "model" / "model.safetensors").read_bytes()).hexdigest()


def assert_numbered(run: Run) -> None:
    """No event is lost, and none there twice."""
    lines = (run.path / EVENTS_FILE).read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(len(lines)))


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise TimeoutError


def test_steps_each_on_a_node_of_its_own_make_the_run_that_one_machine_makes(
    nodes: Nodes, whole: Run
) -> None:
    nodes.do(*STEPS)
    run = nodes.see()
    assert run.plan_id == whole.plan_id
    assert sum_model(run) == sum_model(whole)
    assert tell_order(run) == tell_order(whole)
    assert_numbered(run)
    # What was printed is what is stored, byte for byte, and nothing else was.
    stored = (run.path / EVENTS_FILE).read_text().splitlines()
    assert nodes.printed == [PRINTED_PREFIX + line for line in stored]
    assert not run.is_alive()
    # A pod whose end was not heard of is started again.
    nodes.do("report")
    assert (nodes.see().path / EVENTS_FILE).read_text().splitlines() == stored


def test_a_training_that_is_killed_goes_on_elsewhere_to_the_same_model(
    nodes: Nodes, whole: Run
) -> None:
    nodes.do("data")
    process = nodes.step("train")
    wait_for(lambda: nodes.has("checkpoints/last.json"))
    process.kill()
    process.communicate()
    left = len(nodes.see().read_events())
    nodes.do("train", "evaluate", "export", "report")
    run = nodes.see()
    resumed = [one for one in run.read_events()[left:] if one.kind == "train.started"]
    assert resumed
    assert run.read_state().status == "succeeded"
    assert sum_model(run) == sum_model(whole)
    assert_numbered(run)


def test_a_pod_notes_its_workflow_in_the_run_and_takes_over_what_another_left(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a schedule each night has a Workflow of its own, and all nights have one run."""
    monkeypatch.setenv("VTSPEC_NAMESPACE", "vision")
    plan_id = json.loads(nodes.plan.read_text())["id"]
    first, second = (f"{plan_id}-17640000{night}" for night in ("00", "60"))
    monkeypatch.setenv("VTSPEC_WORKFLOW", first)
    nodes.do("data")
    found = nodes.see().read_workflow()
    assert found is not None
    assert (found.namespace, found.name, found.created_at) == ("vision", first, "")
    assert nodes.see().is_on_cluster()
    # Once: the same Workflow's next pod has nothing to say.
    nodes.do("data")
    assert "run.resumed" not in [event.kind for event in nodes.see().read_events()]
    monkeypatch.setenv("VTSPEC_WORKFLOW", second)
    nodes.do("data")
    run = nodes.see()
    found = run.read_workflow()
    assert found is not None and found.name == second
    assert [event.kind for event in run.read_events()].count("run.resumed") == 1


def test_a_store_that_is_away_in_the_midst_of_a_step_loses_nothing(
    nodes: Nodes, storage: BreakableStorage
) -> None:
    nodes.do("data")
    process = nodes.step("train")
    wait_for(lambda: nodes.has("checkpoints/last.json"))
    with storage.away():
        time.sleep(5)
    assert nodes.finish(process) == 0
    run = nodes.see()
    assert run.read_state().has_done("train")
    assert_numbered(run)
    stored = (run.path / EVENTS_FILE).read_text().splitlines()
    assert nodes.printed == [PRINTED_PREFIX + line for line in stored]


def do_here(nodes: Nodes, name: str, on_line: Callable[[bytes], None] | None = None) -> Outcome:
    """A step in this process, on a machine that nothing was ever on."""
    callbacks = RunCallbacks(report=print, on_event=lambda event, state: None, stop=StopSignal())
    place = StepOptions(
        root=nodes.root,
        runs=get_mirror_folder(nodes.url, {"VTSPEC_CACHE": str(nodes.make_cache())}),
        resume=True,
        patience_s=0.0,
        on_line=on_line,
    )
    return run_step(name, load_plan(nodes.plan), place, callbacks, os.environ)


def test_a_store_that_is_away_at_the_end_of_a_step_has_it_tried_again(
    nodes: Nodes, storage: BreakableStorage
) -> None:
    nodes.do("data")
    before = (nodes.see().path / EVENTS_FILE).read_bytes()

    def hear(line: bytes) -> None:
        if b'"step.finished"' in line:
            storage.stop()

    with pytest.raises(Temporary, match="cannot be reached") as caught:
        do_here(nodes, "train", on_line=hear)
    storage.start()
    assert caught.value.exit_code == 75
    assert (nodes.see().path / EVENTS_FILE).read_bytes().startswith(before)
    assert not nodes.see().read_state().has_done("train")
    nodes.do("train")
    assert_numbered(nodes.see())


def test_a_run_that_somebody_carries_out_on_their_machine_is_left_to_them(nodes: Nodes) -> None:
    done = subprocess.run(
        nodes.command("run", "--plan", str(nodes.plan), "--no-tracking", "--runs", nodes.url),
        cwd=nodes.root,
        env=os.environ | {"VTSPEC_CACHE": str(nodes.make_cache())},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    events = nodes.see().path / EVENTS_FILE
    before = events.read_bytes()
    # A result that is there is as good as the step's own, and stays as it is.
    assert do_here(nodes, "data").ending == "succeeded"
    assert nodes.see().path.joinpath(EVENTS_FILE).read_bytes() == before
    # Of one without an end yet nobody knows but whoever began it.
    key = f"{nodes.see().name}/{EVENTS_FILE}"
    ObjectStore(nodes.url).put(key, before.rstrip(b"\n").rpartition(b"\n")[0] + b"\n")
    with pytest.raises(Refused, match="was begun by 'vtspec run'"):
        do_here(nodes, "data")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "one of --workdir and --runs"),
        (("--workdir", "w", "--runs", "s3://acme-runs/x"), "one of --workdir and --runs"),
        (("--runs", "runs"), "--runs is a store"),
    ],
)
def test_where_the_run_is_has_to_be_said_once(
    tmp_path: Path, words: Sequence[str], says: str
) -> None:
    done = subprocess.run(
        [
            *MAIN,
            *("step", "train", "--plan", "p.json", *words),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert says in done.stderr
