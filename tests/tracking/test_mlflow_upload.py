"""Events arrive in MLflow: in order, once, whatever MLflow does meanwhile."""

import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from mlflow_server import MlflowServer
from run_folders import (
    ADAPTED,
    EVALUATED,
    IN_WORDS,
    STARTED,
    SUCCEEDED,
    Told,
    a_plan,
    a_run_folder,
    an_epoch,
    append,
)
from toy_runs import a_plan as a_whole_plan
from vtspec.pipelines.address import Address, parse_address
from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.execution.steps.initial_weights import find_start_weights
from vtspec.pipelines.runs import Run, RunLock
from vtspec.pipelines.tracking import (
    SyncResult,
    choose_tracking_uri,
    has_waiting_events,
    start_follower,
    sync_run,
)
from vtspec.pipelines.tracking.follower import (
    describe_registration,
    follow_run,
    load_sync_state,
    read_sync_result,
)
from vtspec.pipelines.tracking.mlflow_client import make_client
from vtspec.pipelines.tracking.mlflow_upload import (
    SyncState,
    read_sync_state,
    send_events,
    write_sync_state,
)
from vtspec.pipelines.weights.model import MlflowWeights
from vtspec.pipelines.weights.model_versions import make_model_download

pytestmark = pytest.mark.slow

AWAY = parse_address("http://127.0.0.1:9")


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store with its tables, made once: MLflow's migrations take seconds."""
    folder = tmp_path_factory.mktemp("store")
    make_client(parse_address(f"sqlite:///{folder}/mlflow.db")).search_experiments()
    return folder / "mlflow.db"


@pytest.fixture
def runs(tmp_path: Path, empty_store: Path) -> Path:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


def _uri(runs: Path) -> Address:
    return choose_tracking_uri(runs, None, {})


def _a_finished_run(
    runs: Path, plan: dict[str, object] | None = None, told: Sequence[Told] | None = None
) -> Path:
    usual = [STARTED, an_epoch(1), an_epoch(2), an_epoch(3), EVALUATED, SUCCEEDED]
    run_dir = a_run_folder(runs, usual if told is None else told, plan)
    (run_dir / "model").mkdir()
    (run_dir / "model" / "model.safetensors").write_bytes(b"weights")
    (run_dir / "report.md").write_text("# Report\n")
    return run_dir


def _history(uri: Address, run_id: str, name: str = "accuracy") -> list[tuple[int, float]]:
    found = make_client(uri).get_metric_history(run_id, name)
    return [(m.step, m.value) for m in sorted(found, key=lambda m: (m.timestamp, m.step))]


def _run_id(run_dir: Path) -> str:
    place = read_sync_state(run_dir)
    assert place is not None and place.run_id is not None
    return place.run_id


def test_a_finished_run_is_whole_in_mlflow(runs: Path) -> None:
    run_dir, uri = _a_finished_run(runs), _uri(runs)
    shipped = sync_run(run_dir, uri)
    assert (6, 0) == (shipped.sent, shipped.left)
    client = make_client(uri)
    run = client.get_run(_run_id(run_dir))
    assert "FINISHED" == run.info.status
    assert "cats-0123456789" == run.info.run_name
    assert "8" == run.data.params["training.batchSize"]
    assert "c0ffee" == run.data.tags["mlflow.source.git.commit"]
    assert [(1, 0.5), (2, 0.75), (3, 1 - 0.5 / 3)] == _history(uri, run.info.run_id)
    assert 0.9 == run.data.metrics["final_accuracy"]
    assert run.inputs is not None
    assert ["a" * 32 + ".dir"] == [i.dataset.digest for i in run.inputs.dataset_inputs]
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"report.md", "plan.json", "model"} == names


def test_sending_again_changes_nothing(runs: Path) -> None:
    run_dir, uri = _a_finished_run(runs), _uri(runs)
    sync_run(run_dir, uri)
    first = _history(uri, _run_id(run_dir))
    # As after a crash between a batch that arrived and the note that it did.
    write_sync_state(run_dir, SyncState(uri=str(uri)))
    sync_run(run_dir, uri)
    assert first == _history(uri, _run_id(run_dir))
    assert 1 == len(make_client(uri).search_runs(["1"]))


def test_of_two_machines_that_send_a_run_at_once_it_is_there_once(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir, uri = _a_finished_run(runs), _uri(runs)
    sync_run(run_dir, uri)
    first = _run_id(run_dir)
    # The other machine's note, whose process has looked before this one had made anything.
    write_sync_state(run_dir, SyncState(uri=str(uri)))
    search = MlflowClient.search_runs
    looks: list[Any] = []

    def look(client: MlflowClient, *given: Any, **named: Any) -> Any:
        looks.append(given)
        return [] if len(looks) == 1 else search(client, *given, **named)

    monkeypatch.setattr(MlflowClient, "search_runs", look)
    sync_run(run_dir, uri)
    monkeypatch.undo()
    assert len(looks) == 2
    assert _run_id(run_dir) == first
    assert [one.info.run_id for one in make_client(uri).search_runs(["1"])] == [first]


def test_an_adapted_model_is_challenger_only_where_the_report_allows_it(runs: Path) -> None:
    for allowed in (False, True):
        tracking = {"experiment": "cats", "registerAs": "cats-model"}
        report: dict[str, object] = {"baseline": None, "gates": [], "allowAdapted": allowed}
        name = f"cats-000000000{int(allowed)}"
        plan = a_plan(tracking=tracking, report=report, id=name)
        told = [STARTED, an_epoch(1), ADAPTED, an_epoch(2), an_epoch(3), EVALUATED, SUCCEEDED]
        run_dir, uri = _a_finished_run(runs, plan, told), _uri(runs)
        version = sync_run(run_dir, uri).model_version
        client = make_client(uri)
        assert client.get_run(_run_id(run_dir)).data.tags["vtspec.adapted"] == IN_WORDS
        found = client.get_model_version("cats-model", str(version))
        assert found.tags["vtspec.adapted"] == IN_WORDS
        assert found.aliases == (["challenger"] if allowed else [])
        said = describe_registration(Run(run_dir)) or ""
        assert said.endswith(f"version {version}") == allowed
        assert allowed or "not as challenger (report.allowAdapted: true)" in said
        if not allowed:
            # Allowed later, of the version that there is.
            asked = {
                "changed": ["report.allowAdapted"],
                "steps": ["report"],
                "sections": {"report": {**report, "allowAdapted": True}},
            }
            append(run_dir, [("run.updated", asked), SUCCEEDED], first=100)
            assert sync_run(run_dir, uri).model_version == version
            found = client.get_model_version("cats-model", str(version))
            assert found.aliases == ["challenger"]


def test_a_model_is_registered_once_as_challenger(runs: Path) -> None:
    plan = a_plan(tracking={"experiment": "cats", "registerAs": "cats-model"})
    run_dir, uri = _a_finished_run(runs, plan), _uri(runs)
    assert "1" == sync_run(run_dir, uri).model_version
    write_sync_state(run_dir, SyncState(uri=str(uri)))
    assert "1" == sync_run(run_dir, uri).model_version
    version = make_client(uri).get_model_version_by_alias("cats-model", "challenger")
    assert (_run_id(run_dir), "1") == (version.run_id, str(version.version))
    # A plan may start from it, wherever it is kept: here in the SQLite file of the runs.
    cache = runs / "cache"
    weights = MlflowWeights(name="cats-model", version="1")
    found = find_start_weights(weights, runs, cache, make_model_download(lambda: uri))
    assert found is not None and found.is_relative_to(cache)
    assert (run_dir / "model" / "model.safetensors").read_bytes() == found.read_bytes()


@pytest.mark.parametrize(
    ("change", "name", "is_sent"),
    [
        ("edit", "cats-model", False),
        ("remove", "cats-model", False),
        ("edit", None, False),
        ("remove", None, True),
        ("card", "cats-model", True),
    ],
)
def test_a_model_that_is_not_what_the_run_left_is_not_sent(
    runs: Path, change: str, name: str | None, is_sent: bool
) -> None:
    plan = a_plan(tracking={"experiment": "cats", "registerAs": name})
    files = {"model/model.safetensors": b"weights", "model/README.md": b"card"}
    sums = {path: f"sha256:{hashlib.sha256(held).hexdigest()}" for path, held in files.items()}
    finished = ("run.finished", {"ending": "succeeded", "artifacts": sums})
    run_dir, uri = a_run_folder(runs, [STARTED, EVALUATED, finished], plan), _uri(runs)
    (run_dir / "model").mkdir()
    for path, held in files.items():
        (run_dir / path).write_bytes(held)
    weights = run_dir / "model" / "model.safetensors"
    match change:
        case "edit":
            weights.write_bytes(b"wrights")
        case "remove":
            weights.unlink()
        case _:
            (run_dir / "model" / "README.md").write_text("made anew by a report")
    if is_sent:
        assert sync_run(run_dir, uri).left == 0
        return
    with pytest.raises(Permanent, match=r"model\.safetensors is not what the run left"):
        sync_run(run_dir, uri)
    assert read_sync_result(run_dir).model_version is None
    weights.write_bytes(b"weights")
    shipped = sync_run(run_dir, uri)
    assert (shipped.left, shipped.model_version) == (0, None if name is None else "1")


@pytest.mark.parametrize("change", ["edit", "remove"])
def test_an_evaluation_that_was_edited_is_not_sent(runs: Path, change: str) -> None:
    sums = {"evaluation.json": f"sha256:{hashlib.sha256(b'{}').hexdigest()}"}
    finished = ("run.finished", {"ending": "succeeded", "artifacts": sums})
    run_dir, uri = a_run_folder(runs, [STARTED, EVALUATED, finished], a_plan()), _uri(runs)
    file = run_dir / "evaluation.json"
    if change == "remove":
        assert sync_run(run_dir, uri).left == 0
        return
    file.write_bytes(b'{"better": 1}')
    with pytest.raises(Permanent, match=r"evaluation\.json is not what the run left"):
        sync_run(run_dir, uri)
    file.write_bytes(b"{}")
    assert sync_run(run_dir, uri).left == 0


@pytest.mark.parametrize(("has_store", "version"), [(False, "1"), (True, "7"), (True, "x")])
def test_a_model_that_no_store_has_is_not_waited_for(
    runs: Path, has_store: bool, version: str
) -> None:
    uri = _uri(runs)
    if not has_store:
        (runs / "mlflow.db").unlink()
    with pytest.raises(Permanent, match=f"has no model 'cats' version {version}"):
        make_model_download(lambda: uri)("cats", version, runs / "cache")
    assert not (runs / "cache").exists()


def test_a_failed_run_registers_nothing(runs: Path) -> None:
    plan = a_plan(tracking={"experiment": "cats", "registerAs": "cats-model"})
    failed = ("run.finished", {"ending": "failed", "message": "out of memory"})
    run_dir = a_run_folder(runs, [STARTED, an_epoch(1), failed], plan)
    assert None is sync_run(run_dir, _uri(runs)).model_version
    run = make_client(_uri(runs)).get_run(_run_id(run_dir))
    assert ("FAILED", "out of memory") == (run.info.status, run.data.tags["vtspec.message"])


def test_a_resumed_run_goes_on_in_the_same_mlflow_run(runs: Path) -> None:
    interrupted = ("run.finished", {"ending": "interrupted", "exit_code": 75})
    run_dir, uri = a_run_folder(runs, [STARTED, an_epoch(1), interrupted]), _uri(runs)
    sync_run(run_dir, uri)
    first = _run_id(run_dir)
    assert "KILLED" == make_client(uri).get_run(first).info.status
    append(run_dir, [("run.resumed", {"from_epoch": 1}), an_epoch(2)], first=3)
    sync_run(run_dir, uri)
    assert "RUNNING" == make_client(uri).get_run(first).info.status
    append(run_dir, [an_epoch(3), SUCCEEDED], first=5)
    sync_run(run_dir, uri)
    assert (first, "FINISHED") == (_run_id(run_dir), make_client(uri).get_run(first).info.status)
    assert [1, 2, 3] == [step for step, _ in _history(uri, first)]


def test_another_mlflow_gets_the_run_from_its_beginning(runs: Path) -> None:
    run_dir = _a_finished_run(runs)
    write_sync_state(
        run_dir, SyncState(uri="http://127.0.0.1:9", run_id="gone", shipped=5, finished=True)
    )
    assert 6 == sync_run(run_dir, _uri(runs)).sent


def test_a_server_that_is_killed_in_mid_run_and_comes_back_gets_everything(runs: Path) -> None:
    server = MlflowServer(runs)
    server.start()
    run_dir = a_run_folder(runs / "runs", [STARTED, an_epoch(1)])
    follower = start_follower(run_dir, parse_address(server.uri))
    try:
        _until(lambda: read_sync_result(run_dir).sent == 2)
        server.kill()
        append(run_dir, [an_epoch(2)], first=2)
        _until(lambda: (read_sync_state(run_dir) or SyncState(uri="")).error is not None)
        append(run_dir, [an_epoch(3), EVALUATED, SUCCEEDED], first=3)
        assert 4 == read_sync_result(run_dir).left
        server.start()
        _until(lambda: read_sync_result(run_dir).left == 0)
        assert (6, 0, None) == _finished(follower.finish())
        history = _history(parse_address(server.uri), _run_id(run_dir))
        assert [(1, 0.5), (2, 0.75), (3, 1 - 0.5 / 3)] == history
    finally:
        follower.finish(0)
        server.kill()


def _finished(shipped: SyncResult) -> tuple[int, int, str | None]:
    return shipped.sent, shipped.left, shipped.reason


def _until(claim: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A port that takes every connection and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def _take() -> None:
        while True:
            try:
                taken.append(listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=_take, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for connection in taken:
        connection.close()


def test_a_server_that_never_answers_loses_nothing(runs: Path, silent_server: str) -> None:
    run_dir = _a_finished_run(runs)
    shipped = start_follower(run_dir, parse_address(silent_server)).finish()
    assert shipped.reason is not None and "did not answer" in shipped.reason
    assert (0, 6) == (shipped.sent, shipped.left)
    assert (6, 0) == _finished(sync_run(run_dir, _uri(runs)))[:2]


def test_an_mlflow_that_is_away_is_told_as_such(runs: Path) -> None:
    run_dir = _a_finished_run(runs)
    with pytest.raises(Temporary, match=r"127\.0\.0\.1:9 did not answer"):
        sync_run(run_dir, AWAY)
    place = follow_run(run_dir, AWAY, told=lambda: True)
    assert place.error is not None and "did not answer" in place.error
    assert (0, 6) == _finished(read_sync_result(run_dir))[:2]


def test_what_mlflow_refuses_is_permanent(runs: Path) -> None:
    run_dir = _a_finished_run(runs, a_plan(tracking={"experiment": "x" * 600, "registerAs": None}))
    with pytest.raises(Permanent, match="refused"):
        sync_run(run_dir, _uri(runs))


def test_two_processes_do_not_send_the_same_run(runs: Path) -> None:
    from vtspec.pipelines.tracking.mlflow_upload import lock_sync

    run_dir = _a_finished_run(runs)
    with lock_sync(run_dir) as mine, pytest.raises(Temporary, match="by another process"):
        assert mine
        sync_run(run_dir, _uri(runs))


def test_a_damaged_place_starts_over(runs: Path) -> None:
    run_dir = _a_finished_run(runs)
    (run_dir / "tracking.json").write_text("{half")
    assert SyncState(uri="x") == load_sync_state(run_dir, parse_address("x"))


def test_a_run_without_events_waits(runs: Path) -> None:
    run_dir = runs / "empty"
    run_dir.mkdir()
    place, uri = SyncState(uri=str(_uri(runs))), _uri(runs)
    assert place == send_events(run_dir, make_client(uri), place, uri)


def test_the_environment_goes_before_the_configuration(tmp_path: Path) -> None:
    environ = {"MLFLOW_TRACKING_URI": "http://a"}
    assert "http://c" == choose_tracking_uri(tmp_path, "http://b", environ, "http://c").uri
    assert "http://a" == choose_tracking_uri(tmp_path, "http://b", environ).uri
    assert "http://b" == choose_tracking_uri(tmp_path, "http://b", {}).uri
    assert f"sqlite:///{tmp_path}/mlflow.db" == choose_tracking_uri(tmp_path, None, {}).uri


def test_the_place_is_kept_whole(runs: Path) -> None:
    run_dir = _a_finished_run(runs)
    sync_run(run_dir, _uri(runs))
    kept = json.loads((run_dir / "tracking.json").read_text())
    assert (5, True, None) == (kept["shipped"], kept["finished"], kept["error"])


def test_points_that_are_told_again_arrive_once(runs: Path) -> None:
    run_dir, uri = a_run_folder(runs, [STARTED, an_epoch(1), EVALUATED]), _uri(runs)
    sync_run(run_dir, uri)
    resumed = ("run.resumed", {"from_epoch": 0})
    append(run_dir, [resumed, an_epoch(1, seconds=4), EVALUATED, SUCCEEDED], first=3)
    sync_run(run_dir, uri)
    # As after a crash before the place was noted: all of it once more.
    write_sync_state(run_dir, SyncState(uri=str(uri)))
    sync_run(run_dir, uri)
    for name in ("accuracy", "train_loss", "epoch_seconds", "final_accuracy"):
        assert 1 == len(_history(uri, _run_id(run_dir), name)), name


def test_a_run_that_was_stopped_and_succeeds_says_only_that(runs: Path) -> None:
    stopped = ("run.finished", {"ending": "stopped", "message": "train was stopped"})
    run_dir, uri = a_run_folder(runs, [STARTED, an_epoch(1), stopped]), _uri(runs)
    sync_run(run_dir, uri)
    append(run_dir, [("run.resumed", {"from_epoch": 1}), an_epoch(2), SUCCEEDED], first=3)
    sync_run(run_dir, uri)
    run = make_client(uri).get_run(_run_id(run_dir))
    assert ("FINISHED", "succeeded") == (run.info.status, run.data.tags["vtspec.ending"])
    assert "vtspec.message" not in run.data.tags


def test_an_ending_and_its_resumption_in_one_batch_leave_a_run_at_work(runs: Path) -> None:
    stopped = ("run.finished", {"ending": "stopped", "message": "train was stopped"})
    told = [STARTED, stopped, ("run.resumed", {"from_epoch": 0}), an_epoch(1)]
    run_dir, uri = a_run_folder(runs, told), _uri(runs)
    sync_run(run_dir, uri)
    run = make_client(uri).get_run(_run_id(run_dir))
    assert ("RUNNING", False) == (run.info.status, "vtspec.message" in run.data.tags)


def test_one_plan_in_two_clones_makes_two_runs_of_which_one_names_the_other(runs: Path) -> None:
    uri = _uri(runs)
    first = _a_finished_run(runs / "one")
    second = a_run_folder(runs / "two", [STARTED, an_epoch(1), SUCCEEDED])
    moved = (second / "events.jsonl").read_text().replace("2026-01-01", "2026-01-02")
    (second / "events.jsonl").write_text(moved)
    sync_run(first, uri)
    sync_run(second, uri)
    assert _run_id(first) != _run_id(second)
    assert 1 == len(_history(uri, _run_id(second)))
    told = make_client(uri).get_run(_run_id(second)).data.tags
    assert _run_id(first) == told["vtspec.run.first"]


def test_an_experiment_is_marked_as_one_of_training(runs: Path) -> None:
    uri = _uri(runs)
    make_client(uri).create_experiment("cats", artifact_location=(runs / "kept").as_uri())
    sync_run(_a_finished_run(runs), uri)
    found = make_client(uri).get_experiment_by_name("cats")
    assert found is not None
    assert "custom_model_development" == found.tags["mlflow.experimentKind"]


@pytest.mark.parametrize("name", ["../../outside", "/tmp/vtspec-outside", "a/../../b"])
def test_artefacts_never_leave_the_runs_folder(runs: Path, name: str) -> None:
    plan = a_plan(tracking={"experiment": name, "registerAs": None})
    run_dir = _a_finished_run(runs / "deep" / "runs", plan)
    sync_run(run_dir, _uri(runs))
    kept = [path for path in runs.rglob("model.safetensors") if run_dir not in path.parents]
    assert [runs / "deep" / "runs" / "mlartifacts"] == [path.parents[4] for path in kept]
    assert not Path("/tmp/vtspec-outside").exists()


@pytest.mark.parametrize("folder", ["a?b", "a%20b", "a%b", "a#b c", "x;y=1&z'\"", "도형"])
def test_a_folder_of_any_name_has_its_store_in_it(
    tmp_path: Path, empty_store: Path, folder: str
) -> None:
    runs = tmp_path / folder / "runs"
    run_dir = _a_finished_run(runs)
    shutil.copy(empty_store, runs / "mlflow.db")
    before = (runs / "mlflow.db").stat().st_mtime_ns
    sync_run(run_dir, _uri(runs))
    assert before != (runs / "mlflow.db").stat().st_mtime_ns
    assert [folder] == [path.name for path in tmp_path.iterdir()]
    client = make_client(_uri(runs))
    assert "model" in {file.path for file in client.list_artifacts(_run_id(run_dir))}
    assert list((runs / "mlartifacts").rglob("model.safetensors"))


def test_what_was_deleted_in_mlflow_is_restored_by_what_the_fix_says(runs: Path) -> None:
    run_dir, uri = a_run_folder(runs, [STARTED, an_epoch(1)]), _uri(runs)
    sync_run(run_dir, uri)
    client = make_client(uri)
    found = client.get_experiment_by_name("cats")
    assert found is not None
    deletions: list[Callable[[], None]] = [
        lambda: client.delete_run(_run_id(run_dir)),
        lambda: client.delete_experiment(found.experiment_id),
    ]
    for first, delete in enumerate(deletions, start=2):
        delete()
        append(run_dir, [an_epoch(first)], first=first)
        with pytest.raises(Permanent) as raised:
            sync_run(run_dir, uri)
        command = str(raised.value.fix).partition(" && ")[0]
        subprocess.run(["bash", "-c", command], check=True, env=os.environ)
        assert 0 == sync_run(run_dir, uri).left


def test_a_run_that_ends_at_once_arrives(runs: Path) -> None:
    failed = ("run.finished", {"ending": "failed", "message": "no such thing"})
    run_dir, uri = a_run_folder(runs / "runs", [STARTED, failed]), _uri(runs)
    assert (2, 0, None) == _finished(start_follower(run_dir, uri).finish())
    assert "FAILED" == make_client(uri).get_run(_run_id(run_dir)).info.status


def test_the_end_of_another_policy_is_waited_for(runs: Path) -> None:
    """A result that has arrived already, while a gate of it is judged anew."""
    run_dir, uri = a_run_folder(runs / "runs", [STARTED, SUCCEEDED]), _uri(runs)
    sync_run(run_dir, uri)
    append(run_dir, [("run.updated", {"changed": ["report.gates"], "sections": {}})], first=2)
    rest = [[SUCCEEDED]]

    def sleep(_: float) -> None:
        append(run_dir, rest.pop(), first=3)

    follow_run(run_dir, uri, told=lambda: False, sleep=sleep)
    assert (4, 0, None) == _finished(read_sync_result(run_dir))


def test_what_earlier_runs_could_not_send_arrives_beside_the_next_one(runs: Path) -> None:
    uri, folder = _uri(runs), runs / "runs"
    early = a_run_folder(folder, [STARTED, SUCCEEDED], a_plan(id="early-0123456789"))
    untracked = a_run_folder(folder, [STARTED, SUCCEEDED], a_plan(id="untracked-0123456789"))
    write_sync_state(early, SyncState(uri=str(uri), error="MLflow was away"))
    follow_run(_a_finished_run(folder), uri, told=lambda: False)
    assert (2, 0, None) == _finished(read_sync_result(early))
    assert read_sync_state(untracked) is None


def test_an_earlier_run_whose_plan_was_edited_does_not_arrive_beside_the_next_one(
    runs: Path,
) -> None:
    uri, folder, whole = _uri(runs), runs / "runs", a_whole_plan()
    edited = a_whole_plan(training={**whole["training"], "seed": 70})
    early = {
        a_run_folder(folder, [STARTED, SUCCEEDED], plan): sent
        for plan, sent in ((whole, 2), (edited, 0))
    }
    (run_dir,) = [one for one, sent in early.items() if not sent]
    raw = json.loads((run_dir / "plan.json").read_text())
    raw["training"]["seed"] = 71
    (run_dir / "plan.json").write_text(json.dumps(raw))
    for one in early:
        write_sync_state(one, SyncState(uri=str(uri), error="MLflow was away"))
    program = [sys.executable, "-m", "vtspec.pipelines.operations.sync"]
    subprocess.run([*program, str(_a_finished_run(folder)), uri.uri], check=True, timeout=120)
    assert early == {one: read_sync_result(one).sent for one in early}


# The SQLite file itself: none, or a whole one; and what is damaged is told with what mends it.

KILLER = """
import os, signal, sqlite3, sys, time
from pathlib import Path
from typing import Any
import mlflow.store.tracking.sqlalchemy_store
from vtspec.pipelines.tracking.mlflow_client import make_client
from vtspec.pipelines.tracking.mlflow_store import locate_store

def fork(file):
    child = os.fork()
    if not child:
        try:
            make_client(locate_store(file))
        finally:
            os._exit(0)
    return child

def count_tables(file):
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as store:
        return store.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]

folder, moments = Path(sys.argv[1]), int(sys.argv[2])
begun = time.monotonic()
os.waitpid(fork(folder / "whole.db"), 0)
whole_s, tables = time.monotonic() - begun, count_tables(folder / "whole.db")
for number in range(1, moments + 1):
    file = folder / f"{number}.db"
    child = fork(file)
    time.sleep(whole_s * 1.1 * number / moments)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(count_tables(file) == tables if file.exists() else "none")
file = folder / "1.db"
os.waitpid(fork(file), 0)
print(count_tables(file) == tables)
"""


@pytest.mark.exhaustive
def test_a_store_whose_making_was_killed_is_whole_or_not_there(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", KILLER, str(tmp_path), "8"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    *killed, last = done.stdout.split()
    assert {"none", "True"} >= set(killed) and "none" in killed
    # The next process makes it, and clears what the killed one left of its own.
    assert "True" == last
    assert not list(tmp_path.glob(".tmp-1.db-*"))


def _leave_half_made(file: Path) -> None:
    """As MLflow leaves it that was killed within one change of its tables."""
    with sqlite3.connect(file) as store:
        store.execute("UPDATE alembic_version SET version_num = '534353b11cbc'")
        store.execute("DROP TABLE evaluation_dataset_tags")
    store.close()


def _lose_a_table(file: Path) -> None:
    with sqlite3.connect(file) as store:
        store.execute("ALTER TABLE runs RENAME COLUMN run_uuid TO id")
    store.close()


@pytest.mark.parametrize(
    "spoil", [_leave_half_made, pytest.param(_lose_a_table, marks=pytest.mark.exhaustive)]
)
def test_a_half_made_store_is_told_with_what_mends_it(
    runs: Path, spoil: Callable[[Path], None]
) -> None:
    early, uri = _a_finished_run(runs, a_whole_plan(name="early")), _uri(runs)
    sync_run(early, uri)
    spoil(runs / "mlflow.db")
    late = a_run_folder(runs, [STARTED, SUCCEEDED], a_whole_plan(name="late"))
    # In a process of its own: this one has the store open as it was.
    shown = start_follower(late, uri).finish()
    assert shown.left == 2 and f"{runs / 'mlflow.db'} is damaged" in str(shown.reason)
    # What it says is done; then every run arrives anew, those too that had arrived before.
    fix = str(shown.fix).partition("a new one: ")[2]
    assert fix == f"mv -- {runs}/mlflow.db {runs}/mlflow.db.damaged && vtspec sync"
    (runs / "mlflow.db").rename(runs / "mlflow.db.damaged")
    assert has_waiting_events(early, uri)
    sync = [sys.executable, "-c", "from vtspec.cli.main import main; raise SystemExit(main())"]
    subprocess.run([*sync, "sync", "--runs", str(runs)], check=True, cwd=runs.parent)
    with sqlite3.connect(runs / "mlflow.db") as store:
        found = store.execute("SELECT name, status FROM runs ORDER BY name").fetchall()
    store.close()
    assert [(early.name, "FINISHED"), (late.name, "FINISHED")] == found


def test_an_empty_file_is_made_a_store_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "kept.db").touch()
    (tmp_path / "mlflow.db").symlink_to("disk/kept.db")
    uri = parse_address(f"sqlite:///{tmp_path}/mlflow.db")
    assert make_client(uri).search_experiments()
    assert (tmp_path / "mlflow.db").is_symlink()
    assert ["kept.db"] == sorted(path.name for path in (tmp_path / "disk").iterdir() if path.stem)


def test_a_run_that_ends_before_there_is_a_database_arrives(tmp_path: Path) -> None:
    refused = ("run.finished", {"ending": "refused", "message": "no such thing"})
    run_dir, uri = a_run_folder(tmp_path, [STARTED, refused]), _uri(tmp_path)
    assert (2, 0, None) == _finished(start_follower(run_dir, uri).finish())


# Killed, and never resumed.

BEGUN = ("run.started", {**STARTED[1], "backend": "process"})


def leave_killed(run_dir: Path) -> None:
    """Work on the run in a process that is killed."""
    script = (
        "import os, sys; from pathlib import Path; from vtspec.pipelines.runs import RunLock\n"
        "lock = RunLock.acquire(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(run_dir)], check=False)
    assert -signal.SIGKILL == killed.returncode


def _status(run_dir: Path, uri: Address) -> tuple[str, str | None]:
    run = make_client(uri).get_run(_run_id(run_dir))
    return run.info.status, run.data.tags.get("vtspec.ending")


def test_a_run_that_was_killed_works_no_more_in_mlflow_until_it_is_resumed(runs: Path) -> None:
    run_dir, uri = a_run_folder(runs, [BEGUN, an_epoch(1)]), _uri(runs)
    leave_killed(run_dir)
    for _ in range(2):
        assert 0 == sync_run(run_dir, uri).left
        assert ("KILLED", "killed") == _status(run_dir, uri)
    lock = RunLock.acquire(run_dir)
    assert lock is not None
    append(run_dir, [("run.resumed", {}), an_epoch(2)], first=2)
    sync_run(run_dir, uri)
    assert ("RUNNING", None) == _status(run_dir, uri)
    append(run_dir, [SUCCEEDED], first=4)
    lock.release()
    sync_run(run_dir, uri)
    assert ("FINISHED", "succeeded") == _status(run_dir, uri)


def test_a_run_that_was_killed_long_ago_is_closed_by_the_next_sync(runs: Path) -> None:
    run_dir, uri = a_run_folder(runs, [BEGUN, an_epoch(1)]), _uri(runs)
    # Sent while it worked: nothing waits when it is killed.
    sync_run(run_dir, uri)
    assert ("RUNNING", None) == _status(run_dir, uri)
    leave_killed(run_dir)
    sync_run(run_dir, uri)
    assert ("KILLED", "killed") == _status(run_dir, uri)


def test_a_run_that_was_killed_is_closed_beside_the_next_one(runs: Path) -> None:
    uri, folder = _uri(runs), runs / "runs"
    early = a_run_folder(folder, [BEGUN, an_epoch(1)], a_plan(id="early-0123456789"))
    sync_run(early, uri)
    leave_killed(early)
    follow_run(_a_finished_run(folder), uri, told=lambda: False)
    assert ("KILLED", "killed") == _status(early, uri)


@pytest.mark.parametrize("why", ["it works", "another machine's", "steps of a container", "done"])
def test_what_is_not_known_to_have_been_killed_is_left_alone(runs: Path, why: str) -> None:
    told = [STARTED if why == "steps of a container" else BEGUN, an_epoch(1)]
    if why == "done":
        # Killed while another policy was applied to it.
        told += [SUCCEEDED, ("run.updated", {"changed": ["description"], "sections": {}})]
    run_dir, uri = a_run_folder(runs, told), _uri(runs)
    leave_killed(run_dir)
    lock = RunLock.acquire(run_dir) if why == "it works" else None
    if why == "another machine's":
        note = json.loads((run_dir / "lock").read_text())
        (run_dir / "lock").write_text(json.dumps({**note, "host": "elsewhere"}))
    sync_run(run_dir, uri)
    assert ("FINISHED" if why == "done" else "RUNNING") == _status(run_dir, uri)[0]
    if lock is not None:
        lock.release()
