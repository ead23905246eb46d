"""One run's way into MLflow: batches in order, each remembered only once it has arrived.

The place reached is kept in `tracking.json` beside the events. A batch that arrived just before a
crash is sent again; MLflow keeps a metric of the same key, step, time and value once, so nothing
is doubled. The MLflow run of a run is the one that began with it: a clone that carries the same
plan out has a run of its own, which names the first.
"""

import json
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.address import Address
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.lock import try_lock
from vtspec.pipelines.runs.run import EVALUATION_FILE, describe_changed_file
from vtspec.pipelines.runs.state import MODEL_FOLDER, PLAN_FILE, fold_events
from vtspec.pipelines.runs.state_phrases import describe_adaptations

from .mlflow_client import translate_errors
from .mlflow_mapping import (
    ADAPTED_TAG,
    ENDING_TAG,
    TrackedPlan,
    TrackingEntry,
    make_folder_name,
    parse_plan,
    parse_time_ms,
    translate_event,
    translate_events,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun

SYNC_FILE: Final = "tracking.json"
"""In a run's folder: how far it has come in MLflow."""

ARTIFACTS = ("report.md", "report.html", PLAN_FILE, "metrics.json", EVALUATION_FILE)
FOLDERS = ("plots", "model")
_KIND: Final = "mlflow.experimentKind"
_TRAINING: Final = "custom_model_development"
"""Without it MLflow opens an experiment with the traces of language models."""

_CREATED: Final = "vtspec.tracked_ns"
"""When a process made the run in MLflow, by its clock, in nanoseconds."""

BATCH = 200
"""Events in one call at most; their metrics go in as many as MLflow's 1,000 needs."""


@dataclass(frozen=True, kw_only=True)
class SyncState:
    """How far a run has come in MLflow: `shipped` is the last event's seq, -1 before the first;
    `registered_as` is the name that `model_version` is one of."""

    uri: str
    run_id: str | None = None
    experiment_id: str | None = None
    shipped: int = -1
    finished: bool = False
    model_version: str | None = None
    registered_as: str | None = None
    error: str | None = None


def read_sync_state(run_dir: Path) -> SyncState | None:
    """The place that `tracking.json` names, or None where nothing was shipped yet."""
    try:
        raw = json.loads((run_dir / SYNC_FILE).read_text(encoding="utf-8"))
        return SyncState(**raw)
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def find_run_page(run_dir: Path) -> str | None:
    """Where a browser sees the run in MLflow; None where it has not arrived at a server."""
    place = read_sync_state(run_dir)
    if place is None or place.run_id is None or not place.uri.startswith(("http://", "https://")):
        return None
    return f"{place.uri.rstrip('/')}/#/experiments/{place.experiment_id}/runs/{place.run_id}"


def write_sync_state(run_dir: Path, place: SyncState) -> None:
    """Keep `place`, whole or not at all."""
    write_file_atomic(run_dir / SYNC_FILE, json.dumps(asdict(place), indent=2).encode())


def lock_sync(run_dir: Path) -> AbstractContextManager[bool]:
    """Whether this process alone may ship the run now; a second one is told no at once."""
    return try_lock(run_dir / "tracking.lock")


def send_events(
    run_dir: Path, client: "MlflowClient", place: SyncState, address: Address
) -> SyncState:
    """Send what is new; the place reached. Keeps it on disk after every batch.

    Raises `Temporary` or `Permanent` with what is on disk true.
    """
    every = Run(run_dir).read_events()
    told = list(translate_events(every))
    waiting = [entry for entry in told if entry.seq > place.shipped]
    if not waiting:
        return place
    # MLflow cannot move a run into another experiment: there it is told of as a whole.
    if any("tracking.experiment" in entry.changed for entry in waiting):
        # The version that its model is stays that one, whichever run of MLflow it came from.
        fresh = SyncState(uri=place.uri)
        version, name = place.model_version, place.registered_as
        place, waiting = replace(fresh, model_version=version, registered_as=name), told
    plan = _read_plan(run_dir, every)
    with translate_errors(address):
        place = _open_run(run_dir, client, place, plan, every[0])
        for start in range(0, len(waiting), BATCH):
            place = _send_batch(run_dir, client, place, plan, waiting[start : start + BATCH])
            write_sync_state(run_dir, place)
    return place


def close_killed_run(
    run_dir: Path, client: "MlflowClient", place: SyncState, address: Address
) -> SyncState:
    """Say of a run that was killed that it works no more; the place reached. If it is resumed
    it is told to work again.

    Raises `Temporary` or `Permanent` with what is on disk true.
    """
    if place.run_id is None or place.finished or not Run(run_dir).was_killed():
        return place
    with translate_errors(address):
        client.set_tag(place.run_id, ENDING_TAG, "killed")
        ended = parse_time_ms(Run(run_dir).read_events()[-1].time)
        client.set_terminated(place.run_id, "KILLED", ended)
    place = replace(place, finished=True)
    write_sync_state(run_dir, place)
    return place


def _read_plan(run_dir: Path, events: Sequence[Event]) -> TrackedPlan:
    path = run_dir / PLAN_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        # Another policy is told in the events, and for a run that was killed nowhere else.
        return parse_plan({**raw, **fold_events(events).sections}, events[0].run)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Permanent(
            f"{path} is not a whole plan: {error!r}", fix="plan and run the spec again"
        ) from error


def _open_run(
    run_dir: Path, client: "MlflowClient", place: SyncState, plan: TrackedPlan, first: Event
) -> SyncState:
    if place.run_id is not None:
        return place
    from mlflow.entities import Dataset, DatasetInput, Param

    experiment_id = _ensure_experiment(run_dir, client, place.uri, plan.experiment)
    begin = translate_event(first).time_ms
    of_run = f"tags.`vtspec.run` = '{first.run}'"
    named = client.search_runs([experiment_id], of_run, order_by=["start_time ASC"])
    # A process that was killed between creating the run and noting its id finds it so.
    mine = _find_first(named, begin)
    if mine is None:
        same = {"vtspec.run.first": named[0].info.run_id} if named else {}
        made = client.create_run(
            experiment_id,
            start_time=begin,
            tags={**plan.tags, **same, _CREATED: f"{time.time_ns():020}"},
            run_name=first.run,
        )
        # Of two processes that have both looked before either made one the first one's stays.
        mine = _find_first(client.search_runs([experiment_id], of_run), begin) or made
        if mine.info.run_id != made.info.run_id:
            client.delete_run(made.info.run_id)
    run_id = mine.info.run_id
    params = [Param(name, value) for name, value in plan.params.items()]
    for start in range(0, len(params), 100):
        client.log_batch(run_id, params=params[start : start + 100])
    source = json.dumps(plan.source, sort_keys=True)
    digest = plan.data_hash.removeprefix("md5:")
    client.log_inputs(run_id, [DatasetInput(Dataset(plan.dataset, digest, "dvc", source), [])])
    place = replace(place, run_id=run_id, experiment_id=experiment_id)
    write_sync_state(run_dir, place)
    return place


def _find_first(named: "Sequence[MlflowRun]", begin: int) -> "MlflowRun | None":
    """That of a run which began at a time, in milliseconds; of several the one made first."""
    mine = [one for one in named if one.info.start_time == begin]
    return min(
        mine, key=lambda one: (one.data.tags.get(_CREATED, ""), one.info.run_id), default=None
    )


def _ensure_experiment(run_dir: Path, client: "MlflowClient", uri: str, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        if _KIND not in found.tags:
            client.set_experiment_tag(found.experiment_id, _KIND, _TRAINING)
        return str(found.experiment_id)
    # A local store would put artefacts beside whatever folder the process was started in.
    local = uri.startswith(("sqlite:", "sqlite+"))
    place = run_dir.parent.resolve() / "mlartifacts" / make_folder_name(name)
    folder = place.as_uri() if local else None
    from mlflow.exceptions import MlflowException

    try:
        return str(
            client.create_experiment(name, artifact_location=folder, tags={_KIND: _TRAINING})
        )
    except MlflowException:
        # Another run created it in between.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def _send_batch(
    run_dir: Path,
    client: "MlflowClient",
    place: SyncState,
    plan: TrackedPlan,
    entries: Sequence[TrackingEntry],
) -> SyncState:
    from mlflow.entities import Metric, RunTag

    assert place.run_id is not None
    metrics = [Metric(m.key, m.value, m.time_ms, m.step) for e in entries for m in e.metrics]
    tags: dict[str, str | None] = {}
    for entry in entries:
        tags |= dict.fromkeys(entry.removed_tags) | dict(entry.tags)
    kept = [RunTag(name, value) for name, value in tags.items() if value is not None]
    if metrics or kept:
        for start in range(0, max(len(metrics), 1), 900):
            client.log_batch(
                place.run_id, metrics[start : start + 900], tags=kept if start == 0 else ()
            )
    _remove_tags(client, place.run_id, [name for name, value in tags.items() if value is None])
    ends = [entry for entry in entries if entry.status is not None]
    version, name, finished = place.model_version, place.registered_as, place.finished
    is_renamed = any("tracking.registerAs" in entry.changed for entry in entries)
    # Of a run that is told anew, what was changed once may be as it is registered already.
    if is_renamed and name != plan.register_as:
        version = name = None
    # Its version is there, and may be challenger now.
    if plan.allow_adapted and any("report.allowAdapted" in entry.changed for entry in entries):
        version = None
    if ends and ends[-1].status != "RUNNING":
        _refuse_changed_files(Run(run_dir), plan)
        _log_artifacts(run_dir, client, place.run_id)
        if ends[-1].status == "FINISHED":
            version = version or _register_model(run_dir, client, place.run_id, plan)
            name = None if version is None else plan.register_as
        client.set_terminated(place.run_id, ends[-1].status, ends[-1].time_ms)
        finished = True
    elif ends:
        # Resumed after an interruption that had been told as an ending.
        client.update_run(place.run_id, status="RUNNING")
        finished = False
    return replace(
        place,
        shipped=entries[-1].seq,
        finished=finished,
        model_version=version,
        registered_as=name,
        error=None,
    )


def _remove_tags(client: "MlflowClient", run_id: str, names: Sequence[str]) -> None:
    if not names:
        return
    # MLflow refuses to delete what is not there.
    there = client.get_run(run_id).data.tags
    for name in names:
        if name in there:
            client.delete_tag(run_id, name)


def _log_artifacts(run_dir: Path, client: "MlflowClient", run_id: str) -> None:
    # A dict, since a run without a completion names `plan.json` twice.
    for name in dict.fromkeys((*ARTIFACTS, Run(run_dir).plan_file.name)):
        if (run_dir / name).is_file():
            client.log_artifact(run_id, str(run_dir / name))
    for name in FOLDERS:
        if (run_dir / name).is_dir():
            client.log_artifacts(run_id, str(run_dir / name), artifact_path=name)


def _refuse_changed_files(run: Run, plan: TrackedPlan) -> None:
    """Raise `Permanent` where the model or the evaluation is not what the run left; where a model
    is to be registered, also that there is none."""
    model = run.list_changed(MODEL_FOLDER)
    if plan.register_as is None:
        model = tuple(name for name in model if (run.path / name).exists())
    # One that is gone is not sent, and the report tells of it.
    evaluation = run.list_changed(EVALUATION_FILE)
    changed = [*model, *(name for name in evaluation if (run.path / name).exists())]
    if changed:
        sync = format_command("vtspec", "sync", run.name)
        raise Permanent(
            describe_changed_file(run, changed[0]), fix=f"put the file back, then: {sync}"
        )


def _register_model(
    run_dir: Path, client: "MlflowClient", run_id: str, plan: TrackedPlan
) -> str | None:
    name = plan.register_as
    if name is None:
        return None
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    mine = [
        v for v in client.search_model_versions(f"name='{_quote(name)}'") if v.run_id == run_id
    ]
    adapted = describe_adaptations(Run(run_dir).read_state())
    marks = {} if adapted is None else {ADAPTED_TAG: adapted.en}
    version = (
        mine[0]
        if mine
        else client.create_model_version(
            name,
            source=f"runs:/{run_id}/model",
            run_id=run_id,
            tags={"vtspec.run": run_dir.name, "vtspec.plan.id": plan.id, **marks},
        )
    )
    # What is tried against the champion is a plan's result, or was asked for in so many words.
    if adapted is None or plan.allow_adapted:
        client.set_registered_model_alias(name, "challenger", version.version)
    return str(version.version)


def _quote(name: str) -> str:
    return name.replace("'", "''")
