"""`run`, `apply`, `step`, `status`, `logs` and `stop`, as a person types them."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from container_engine import StandInEngine
from mlflow_server import free_port
from run_folders import STARTED, a_run_folder, an_epoch, events_of
from vtspec.cli.main import cli
from vtspec.cli.views.progress import PlainProgress, make_progress
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs import RunLock, Runs
from vtspec.pipelines.runs.state import RunState, apply_event
from vtspec.pipelines.runs.state_phrases import format_figures


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `vtspec init` makes, with a finished run of each of its experiments."""
    root = tmp_path_factory.mktemp("template") / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    (root / ".git").mkdir()
    before = Path.cwd()
    os.chdir(root)
    try:
        for name in ("shapes-short", "shapes"):
            assert ran("run", name, "--no-tracking").exit_code == 0
    finally:
        os.chdir(before)
    return root


@pytest.fixture
def repository(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the template, which the commands run in."""
    root = shutil.copytree(template, tmp_path / "mine")
    monkeypatch.chdir(root)
    yield root


def ran(*words: str, answer: str | None = None) -> Any:
    """The result of a command, with its foreseen errors as they are raised."""
    return CliRunner().invoke(cli, list(words), input=answer, standalone_mode=False)


def code_of(result: Any) -> int:
    """The exit code; click gives the code of `Exit` as the command's value."""
    value = result.return_value
    return int(value) if isinstance(value, int) else int(result.exit_code)


def only_run(name: str) -> str:
    return Runs(Path("runs")).list_by_name(name)[-1].name


def set_in(path: str, old: str, new: str) -> None:
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


# run


@pytest.mark.slow
def test_a_finished_plan_is_shown_with_its_figures_and_where_things_are(
    repository: Path,
) -> None:
    result = ran("run", "shapes", "--no-tracking")
    assert code_of(result) == 0, result.output
    assert "this plan has been carried out" in result.stderr
    assert re.search(r"metric +this run +baseline +difference", result.stdout)
    assert re.search(r"accuracy +0\.\d{4} +0\.\d{4} +▲ \+0\.\d{4} better", result.stdout)
    assert re.search(r"Baseline: shapes-short-\w+\.", result.stdout)
    assert re.search(r"accuracy >= 0\.8 +0\.9\d* +passed", result.stdout)
    assert "report.html" in result.stdout
    assert "model/model.safetensors" in result.stdout
    assert "MLflow" not in result.stdout


@pytest.mark.slow
def test_a_run_tells_a_line_an_epoch_where_there_is_no_terminal(repository: Path) -> None:
    result = ran("run", "shapes", "--set", "training.epochs=3", "--no-tracking")
    assert code_of(result) == 0, result.output
    epochs = re.findall(
        r"^train +epoch +(\d)/3  train_loss \S+  val_loss \S+  accuracy", result.stderr, re.M
    )
    assert epochs == ["1", "2", "3"]
    assert len(Runs(Path("runs")).list_by_name("shapes")) == 2


@pytest.mark.slow
def test_results_are_written_for_dvc_even_of_a_run_that_is_only_shown(repository: Path) -> None:
    result = ran("run", "shapes", "--no-tracking", "--results", "results/shapes")
    assert code_of(result) == 0, result.output
    metrics = json.loads(Path("results/shapes/metrics.json").read_text())
    assert metrics["final"]["accuracy"] > 0.8


@pytest.mark.slow
def test_runs_can_be_put_elsewhere(repository: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    words = ("run", "shapes-short", "--no-tracking", "--runs", str(elsewhere))
    assert code_of(ran(*words)) == 0
    assert [run.spec_name for run in Runs(elsewhere).list_runs()] == ["shapes-short"]


@pytest.mark.slow
def test_a_missed_gate_is_an_exit_code_only_where_that_was_asked_for(repository: Path) -> None:
    set_in("specs/experiments/shapes.yaml", "accuracy >= 0.8", "accuracy >= 0.9999")
    result = ran("run", "shapes", "--no-tracking", "--again")
    assert code_of(result) == 0, result.output
    assert re.search(r"accuracy >= 0\.9999 +0\.9\d* +missed", result.stdout)
    assert code_of(ran("run", "shapes", "--no-tracking", "--fail-on-gate")) == 3


@pytest.mark.slow
def test_a_gate_that_is_asked_for_now_is_the_one_that_is_judged(repository: Path) -> None:
    set_in("specs/experiments/shapes.yaml", "accuracy >= 0.8", "accuracy >= 0.9999")
    planned = ran("plan", "shapes")
    assert "same result, other policy: gates to be judged anew" in " ".join(planned.stdout.split())
    assert planned.stdout.rstrip().endswith("vtspec apply shapes")
    before = Runs(Path("runs")).list_runs()
    result = ran("run", "shapes", "--no-tracking", "--fail-on-gate")
    assert code_of(result) == 3, result.output
    assert "same result, other policy: gates to be judged anew" in result.stderr
    assert re.search(r"accuracy >= 0\.9999 +0\.9\d* +missed", result.stdout)
    name = only_run("shapes")
    assert "accuracy >= 0.9999" in Path("runs", name, "report.md").read_text()
    # Planned, carried out, kept and shown under one name.
    (kept,) = Path("runs", name).glob(f"{name}-c*.json")
    assert f"as {kept.stem}" in " ".join(planned.stdout.split())
    assert f"its policy is {kept.stem}" in ran("status", kept.stem).stdout
    assert Runs(Path("runs")).list_runs() == before
    # And back, by an option.
    words = ("--set", "report.gates=[accuracy >= 0.8]", "--no-tracking", "--fail-on-gate")
    assert code_of(ran("run", "shapes", *words)) == 0


@pytest.mark.slow
def test_a_model_is_called_registered_once_it_is(repository: Path) -> None:
    asked = ("run", "shapes", "--set", "tracking.registerAs=shapes", "--no-tracking")
    result, sync = ran(*asked), f"vtspec sync {only_run('shapes')}"
    assert code_of(result) == 0, result.output
    assert "same result, other policy: to be registered as shapes" in result.stderr
    words = f"not registered as shapes yet; register it with: {sync}"
    assert words in result.stdout
    # In the same words wherever it is asked for.
    name = only_run("shapes")
    for shown in (
        ran("status", name),
        ran("report", name, "--output", "md"),
        ran("plan", *asked[1:4]),
    ):
        assert words in " ".join(shown.stdout.replace("|", " ").split())
    synced = ran(*sync.split()[1:])
    assert "0 left, model version 1" in synced.stdout, synced.output
    assert "registered as shapes, version 1" in ran(*asked).stdout


@pytest.mark.slow
def test_what_a_finished_run_can_no_longer_be_given_is_told_by_plan_and_run(
    repository: Path,
) -> None:
    words = ("shapes", "--set", "resources.memory=3Gi")
    planned = " ".join(ran("plan", *words).stdout.split())
    assert "resources.memory 2Gi → 3Gi" in planned
    assert "vtspec apply shapes --again" in planned
    result = ran("run", *words, "--no-tracking")
    assert isinstance(result.exception, Refused)
    assert "--again" in (result.exception.fix or "")


@pytest.mark.slow
def test_a_smoke_run_says_that_it_works_and_leaves_nothing(repository: Path) -> None:
    before = sorted(path.name for path in Path("runs").iterdir())
    result = ran("run", "shapes", "--smoke", "--set", "training.epochs=7")
    assert code_of(result) == 0, result.output
    assert "every step works on one batch" in result.stdout
    assert sorted(path.name for path in Path("runs").iterdir()) == before


@pytest.mark.slow
def test_a_smoke_run_that_fails_says_why_and_where(repository: Path) -> None:
    Path("start.safetensors").write_bytes(b"no weights")
    result = ran("run", "shapes", "--smoke", "--set", "model.weights=start.safetensors")
    assert code_of(result) == 2
    assert "start.safetensors" in result.stderr
    folder = Path(result.stderr.split("what it left is in ")[1].strip())
    assert folder.is_dir()
    shutil.rmtree(folder.parent)


@pytest.mark.slow
def test_a_run_that_fails_says_why_and_what_to_type(repository: Path) -> None:
    Path("start.safetensors").write_bytes(b"no weights")
    result = ran("run", "shapes", "--no-tracking", "--set", "model.weights=start.safetensors")
    assert code_of(result) == 2
    assert "refused: " in result.stderr
    assert "start.safetensors" in result.stderr


@pytest.mark.slow
def test_what_has_no_effect_in_a_container_or_is_no_backend_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = ran("run", "shapes", "--backend", "container", "--environment", "made")
    assert "--environment is of a process" in str(result.exception)
    monkeypatch.setenv("VTSPEC_BACKEND", "container")
    for words in (("run", "shapes"), ("predict", "shapes", "data")):
        result = ran(*words, "--environment", "made")
        assert "--environment is of a process" in str(result.exception), words
    monkeypatch.setenv("VTSPEC_BACKEND", "argo")
    result = ran("run", "shapes", "--queue")
    assert "--queue is this machine's" in str(result.exception)
    monkeypatch.setenv("VTSPEC_BACKEND", "docker")
    for words in (("run", "shapes"), ("apply", "shapes", "--yes"), ("plan", "shapes")):
        result = ran(*words)
        assert isinstance(result.exception, Refused)
        assert "VTSPEC_BACKEND says 'docker'" in str(result.exception)


@pytest.mark.slow
def test_a_plan_tells_that_the_backend_which_is_chosen_cannot_be_had(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = StandInEngine(tmp_path / "engine", has_image=False)
    monkeypatch.setenv("PATH", engine.path)
    assert "has no image here" not in ran("plan", "shapes").output
    monkeypatch.setenv("VTSPEC_BACKEND", "container")
    told = " ".join(ran("plan", "shapes").output.split())
    assert "toy has no image here" in told and "vtspec images build toy" in told


@pytest.mark.slow
def test_a_spec_that_is_not_there_is_told_with_a_near_one(repository: Path) -> None:
    result = ran("run", "shape")
    assert "did you mean 'shapes'" in str(result.exception)


@pytest.mark.slow
def test_a_run_is_seen_in_mlflow(repository: Path) -> None:
    result = ran("run", "shapes-short", "--again")
    assert code_of(result) == 0, result.output
    assert "mlflow ui --backend-store-uri sqlite:///" in result.stdout
    assert "have not arrived" not in result.stdout
    assert Path("runs/mlflow.db").exists()


# Interruption, as the process of a person's terminal sees it.


LONG = "run shapes --set training.epochs=3000 --no-tracking"

MAIN = "from vtspec.cli.main import main; main()"


def a_long_run(*more: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *LONG.split(), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("train     epoch   2/3000"):
            return process
    raise AssertionError("the run ended before its second epoch")


@pytest.mark.slow
def test_an_interrupted_run_is_resumed_by_what_it_says_to_type(repository: Path) -> None:
    process = a_long_run()
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate()
    assert process.returncode == 75
    run = Runs(Path("runs")).list_runs()[-1]
    assert f"{run.name} interrupted: train was interrupted; the last checkpoint is" in told
    typed = told.split("resume with: ")[1].strip()
    assert typed == "vtspec run shapes --set training.epochs=3000 --no-tracking --resume"
    listed = ran("status").stdout
    assert re.search(rf"{run.name} +interrupted", listed)
    # A resumed run goes on; it is stopped again, as 3,000 epochs take a while.
    again = subprocess.Popen(
        [sys.executable, "-c", MAIN, "run", run.name, "--resume", "--no-tracking"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert again.stderr is not None
    told = next(line for line in again.stderr if "going on after epoch" in line)
    assert int(told.split("after epoch ")[1].split()[0]) >= 2
    stopped = ran("stop", run.name)
    assert code_of(stopped) == 0, stopped.output
    assert f"{run.name} stopped" in stopped.stdout
    assert f"vtspec run {run.name} --resume" in stopped.stdout
    again.stderr.close()
    assert again.wait() == 75


@pytest.mark.slow
def test_figures_are_read_while_a_run_goes_on(repository: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    process = a_long_run("--metrics", address)
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    # The address is taken, which is told before anything is begun.
    taken = ran("run", "shapes", "--metrics", address)
    assert isinstance(taken.exception, Refused) and "name another" in str(taken.exception)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    run = Runs(Path("runs")).list_runs()[-1].name
    assert re.search(rf'^vtspec_train_epoch{{run="{run}"}} [1-9]', text, re.M)
    assert f'vtspec_val_metric{{metric="accuracy",run="{run}"}}' in text
    assert f'vtspec_run_step{{run="{run}",step="train"}} 1.0' in text


@pytest.mark.slow
def test_a_ctrl_c_stops_the_run_and_a_second_one_does_not_wait(repository: Path) -> None:
    process = a_long_run()
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 75
    assert Runs(Path("runs")).list_runs()[-1].ending == "stopped"


# apply


@pytest.mark.slow
def test_apply_shows_the_plan_and_asks_before_it_begins(repository: Path) -> None:
    words = ("apply", "shapes-short", "--no-tracking", "--set", "training.seed=7")
    result = ran(*words, answer="y\n")
    assert isinstance(result.exception, Refused)
    assert "nobody is there to be asked" in str(result.exception)
    assert "--yes" in str(result.exception)
    assert "training.seed" in result.stdout
    assert len(Runs(Path("runs")).list_by_name("shapes-short")) == 1
    result = ran(*words, "--yes")
    assert code_of(result) == 0, result.output
    assert len(Runs(Path("runs")).list_by_name("shapes-short")) == 2


@pytest.mark.slow
def test_apply_does_not_ask_about_a_plan_that_was_carried_out(repository: Path) -> None:
    result = ran("apply", "shapes", "--no-tracking")
    assert code_of(result) == 0, result.output
    assert "Gate passed" in result.stdout


# step


@pytest.mark.slow
def test_a_step_is_carried_out_from_a_plan_file(repository: Path) -> None:
    Path("plan.json").write_text(ran("plan", "shapes-short", "--output", "json").stdout)
    words = ("--plan", "plan.json", "--workdir", "work", "--attempt", "3")
    for name in ("data", "train"):
        result = ran("step", name, *words)
        assert code_of(result) == 0, result.output
    events = [json.loads(line) for line in Path("work/events.jsonl").read_text().splitlines()]
    assert {event["run"] for event in events} == {only_run("shapes-short") + "-3"}
    assert code_of(ran("step", "evaluate", *words, "--data", "nowhere")) != 0


@pytest.mark.slow
def test_a_step_refuses_what_is_no_plan(repository: Path) -> None:
    Path("plan.json").write_text("{")
    result = ran("step", "data", "--plan", "plan.json", "--workdir", "work")
    assert isinstance(result.exception, Refused)
    assert "vtspec plan SPEC --output json" in str(result.exception)


# status


@pytest.mark.slow
def test_status_lists_the_runs_and_shows_one(repository: Path) -> None:
    listed = ran("status").stdout
    assert re.search(r"shapes-\w+ +succeeded +20/20 +accuracy 0\.\d+", listed)
    shown = ran("status", "shapes").stdout
    for step in ("data", "train", "evaluate", "export", "report"):
        assert re.search(rf"{step} +succeeded", shown)
    assert re.search(r"accuracy >= 0\.8 +0\.9\d* +passed", shown)


@pytest.mark.slow
def test_status_is_data_for_programs(repository: Path) -> None:
    runs = json.loads(ran("status", "--output", "json").stdout)["runs"]
    assert [(run["spec"], run["status"]) for run in runs] == [
        ("shapes-short", "succeeded"),
        ("shapes", "succeeded"),
    ]
    one = json.loads(ran("status", "shapes", "--output", "json").stdout)
    assert one["steps"]["train"]["ending"] == "succeeded"
    assert one["final"]["accuracy"] > 0.8
    assert one["failure"] is None


def test_status_without_runs_says_how_to_begin_one(tmp_path: Path) -> None:
    result = ran("status", "--runs", str(tmp_path))
    assert "vtspec run SPEC" in result.stdout
    empty = json.loads(ran("status", "--runs", str(tmp_path), "--output", "json").stdout)
    assert (empty["runs"], empty["total"]) == ([], 0)


def test_a_run_without_an_end_or_a_process_is_killed_and_can_be_resumed(tmp_path: Path) -> None:
    folder = a_run_folder(tmp_path, [STARTED, ("step.started", {}), an_epoch(1)])
    shown = ran("status", folder.name, "--runs", str(tmp_path)).stdout
    assert "killed" in shown
    assert f"vtspec run {folder.name} --resume" in shown
    lock = RunLock.acquire(folder)
    assert lock is not None
    assert "running" in ran("status", "--runs", str(tmp_path)).stdout
    lock.release()


def test_status_shows_what_went_wrong_and_survives_damage(tmp_path: Path) -> None:
    failed = ("run.finished", {"ending": "failed", "message": "no memory", "fix": "buy some"})
    evaluated = ("evaluated", {"split": "test", "metrics": {"accuracy": 0.5}})
    warned = ("warning", {"message": "few images"})
    folder = a_run_folder(tmp_path, [STARTED, warned, evaluated, failed])
    (folder / "plan.json").write_text("damaged")
    shown = ran("status", "cats", "--runs", str(tmp_path)).stdout
    assert "no memory" in shown
    assert "fix: buy some" in shown
    assert "warning: few images" in shown
    assert "cannot be read" in shown


# logs


@pytest.mark.slow
def test_logs_print_what_the_framework_printed_and_what_the_steps_found(
    repository: Path,
) -> None:
    told = ran("logs", "shapes").stdout
    assert "[METRICS] epoch=20/20" in told
    assert re.search(r"^evaluate +test: accuracy", told, re.M)
    assert told.rstrip().endswith("run       succeeded")
    assert ran("logs", "shapes", "-f").stdout == told


@pytest.mark.slow
def test_raw_logs_are_every_byte(repository: Path) -> None:
    run = Runs(Path("runs")).find("shapes")
    raw = ran("logs", "shapes", "--raw").stdout_bytes
    assert raw == (run.path / "output.log").read_bytes()
    assert ran("logs", "shapes", "--raw", "-f").stdout_bytes == raw
    (run.path / "output.log").unlink()
    assert isinstance(ran("logs", "shapes", "--raw").exception, Refused)


def test_logs_tell_a_failure_with_its_traceback(tmp_path: Path) -> None:
    failed = ("failed", {"message": "boom", "fix": "mend", "traceback": "Traceback …"})
    a_run_folder(tmp_path, [STARTED, failed])
    told = ran("logs", "cats", "--runs", str(tmp_path)).stdout
    assert "Traceback …\nboom\n  fix: mend" in told


# stop


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (("run.finished", {"ending": "succeeded", "exit_code": 0}), "is over (succeeded)"),
        (("run.finished", {"ending": "stopped", "exit_code": 75}), "is over (stopped)"),
        (("train.started", {}), "is dead since it was killed"),
    ],
)
def test_a_run_that_nothing_works_on_is_not_asked_to_stop(
    tmp_path: Path, last: tuple[str, dict[str, Any]], status: str
) -> None:
    a_run_folder(tmp_path, [STARTED, last])
    result = ran("stop", "cats", "--runs", str(tmp_path))
    assert (result.stdout, result.stderr) == ("", "")
    (run,) = Runs(tmp_path).list_runs()
    told = str(result.exception).splitlines()[0]
    assert told == f"nothing works on {run.name}: it {status}"


@pytest.mark.slow
def test_nothing_is_stopped_where_nothing_runs(repository: Path) -> None:
    result = ran("stop", "shapes")
    assert isinstance(result.exception, Refused)
    assert "nothing works on" in str(result.exception)


# progress


def some_progress() -> list[tuple[Any, RunState]]:
    told = [
        ("run.started", {"environment": "this Python", "monitor": "accuracy", "epochs": 3}),
        ("run.resumed", {}),
        ("data.verified", {"files": 3, "bytes": 2048}),
        ("train.started", {"config": {"device": "cpu", "parameters": 1234, "epochs": 3}}),
        ("train.progress", {"epoch": 1, "step_in_epoch": 1, "steps_per_epoch": 2, "loss": 0.9}),
        an_epoch(1),
        ("train.checkpoint", {"epoch": 1, "best": True, "path": "checkpoints/epoch-0001"}),
        (
            "train.progress",
            {"epoch": 2, "step_in_epoch": 1, "steps_per_epoch": 2, "images_per_s": 99.6},
        ),
        ("run.resumed", {}),
        ("train.started", {"config": {"fromEpoch": 1, "fromStep": 3}}),
        ("train.finished", {"best_epoch": 1, "stopped_early": True}),
        ("evaluated", {"split": "test", "metrics": {"accuracy": 0.9, "loss": 0.1}}),
        ("exported", {"format": "onnx", "path": "model/model.onnx", "max_difference": 1e-6}),
        ("report.written", {"path": "report.md", "verdict": "passed"}),
        ("warning", {"message": "[bold]few[/bold] images"}),
        ("run.finished", {"ending": "succeeded"}),
    ]
    state, found = RunState(), []
    for event in events_of(told):  # type: ignore[arg-type]
        state = apply_event(state, event)
        found.append((event, state))
    return found


def test_lines_say_what_happened_and_nothing_twice() -> None:
    stream = io.StringIO()
    with make_progress(stream) as progress:
        assert isinstance(progress, PlainProgress)
        progress.show_line("making an environment")
        for event, state in some_progress():
            progress.show_event(event, state)
    assert stream.getvalue().splitlines() == [
        "making an environment",
        "run       cats-0123456789 in this Python",
        "run       cats-0123456789 resumed; it had left no checkpoint yet",
        "run       3 files, 2.0 KiB, as the plan pins them",
        "run       on cpu, 1,234 parameters",
        "run       epoch   1/3  train_loss 1.0000  val_loss 1.100  accuracy 0.5000"
        "  1.5 s  4.0 s left",
        "run       cats-0123456789 resumed",
        "run       going on after epoch 1 and 3 steps",
        "run       best epoch 1, accuracy 0.5000; stopped early",
        "run       test: accuracy 0.9000  loss 0.1000",
        "run       model/model.onnx, outputs differ by at most 1.00e-06",
        "run       report.md",
        "warning   [bold]few[/bold] images",
    ]


def test_the_figures_of_a_run_that_just_began_are_few() -> None:
    assert format_figures(RunState()) == "epoch 1/?"
