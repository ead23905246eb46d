"""A plan given to a cluster: its name taken in the store, its plan put there, its objects made.

Each thing is made where it is not there yet, under a name that the plan decides. So whoever asks
again after a kill, or at the same time, comes to the same run.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.argo import RenderSettings, render, render_plan_config
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.failpoints import durable_step
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs import Run, Runs, make_run_name
from vtspec.pipelines.runs.event_log import get_timestamp
from vtspec.pipelines.runs.events import RunResumed
from vtspec.pipelines.runs.object_store import ObjectStore, Overtaken
from vtspec.pipelines.runs.run_mirror import RunMirror
from vtspec.pipelines.runs.run_writer import WRITER
from vtspec.pipelines.runs.state import PLAN_FILE, RunState
from vtspec.pipelines.runs.stored_events import append_stored_event
from vtspec.pipelines.runs.workflow_file import (
    WORKFLOW_FILE,
    WorkflowFile,
    parse_workflow_file,
    workflow_from_json,
)

from .kubernetes_client import KubernetesClient
from .run_credential import RunCredentials, create_objects
from .run_follower import get_mirror
from .run_workflow import RunWorkflow

FOR_CLUSTER: Final = "cluster"
"""For whom a name is taken that a Workflow is to have."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A plan, where it is to be carried out, and how the Workflow of an attempt is rendered."""

    client: KubernetesClient
    runs: Runs
    plan: Plan
    settings: RenderSettings
    credentials: RunCredentials = field(default_factory=RunCredentials)
    marks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    get_time: Callable[[], str] = get_timestamp

    def begin(self, attempt: int) -> Run:
        """The run of the plan's next attempt, at least this one, created in store and cluster."""
        mirror = get_mirror(self.runs)
        while True:
            name = make_run_name(self.plan.id, attempt)
            if self._take_name(mirror, name):
                break
            # Somebody's who carries it out on their machine.
            attempt += 1
        file = _agree_on_workflow(mirror.store, name, self._make_file(name))
        run = Run(self.runs.folder / name)
        self.complete(run, file)
        return run

    def complete(self, run: Run, file: WorkflowFile) -> None:
        """Put the plan of a run into the store and make its objects, where they are not there."""
        mirror = get_mirror(self.runs)
        self._agree_on_plan(mirror.store, run.name, file)
        mirror.forget()
        mirror.pull()
        # From here on its plan has the name, and soon its pods say that they work on it.
        if mirror.open_writer(run.name).find_owner() == FOR_CLUSTER:
            with durable_step("run.drop-note"):
                mirror.store.delete([f"{run.name}/{WRITER}"])
        workflow = RunWorkflow(self.client, run, file)
        credential = self.credentials.get(workflow, self.settings, run.name, self.plan)
        create_objects(workflow, self.render(run.attempt), credential, self.marks)

    def resume(self, run: Run) -> None:
        """Go on with a run that has ended without a result, under its name: a Workflow in place
        of the one that it had."""
        file = tell_resumption(self.runs, run, self._make_file(run.name))
        self.complete(run, file)

    def render(self, attempt: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The objects, in the order in which they are made."""
        return (
            render_plan_config(self.plan, self.settings),
            render(self.plan, self.settings, attempt),
        )

    def _take_name(self, mirror: RunMirror, name: str) -> bool:
        """Whether the run of this name is the cluster's: taken now, or before by whoever was
        killed, or submits it at the same time."""
        store = mirror.store
        with durable_step("run.take-name"):
            is_new = mirror.open_writer(name).begin(FOR_CLUSTER)
        if not is_new:
            # The note goes once all else is there.
            is_theirs = mirror.open_writer(name).find_owner() == FOR_CLUSTER
            return is_theirs or store.read(f"{name}/{WORKFLOW_FILE}") is not None
        # Begun, and let go of, since the runs were listed: its Workflow comes before its plan.
        is_local = store.read(f"{name}/{PLAN_FILE}") and not store.read(f"{name}/{WORKFLOW_FILE}")
        if is_local:
            store.delete([f"{name}/{WRITER}"])
        return not is_local

    def _make_file(self, name: str) -> WorkflowFile:
        return WorkflowFile(
            namespace=self.settings.namespace,
            name=name,
            digest=self.plan.digest,
            created_at=self.get_time(),
            namespace_uid=self.client.find_namespace_uid(self.settings.namespace) or "",
            team=self.settings.team or "",
        )

    def _agree_on_plan(self, store: ObjectStore, name: str, file: WorkflowFile) -> None:
        key = f"{name}/{PLAN_FILE}"
        text = json.dumps(self.plan.to_json(), indent=2, ensure_ascii=False) + "\n"
        try:
            with durable_step("run.store-plan"):
                store.create(key, text.encode())
        except Overtaken:
            found = store.read(key)
            theirs = None if found is None else json.loads(found[0]).get("digest")
            if theirs != self.plan.digest or file.digest != self.plan.digest:
                raise Refused(
                    f"{name} was begun by somebody else, with another policy",
                    fix=f"see it: {format_command('vtspec', 'logs', name, '-f')}",
                ) from None


def _agree_on_workflow(store: ObjectStore, name: str, mine: WorkflowFile) -> WorkflowFile:
    try:
        with durable_step("run.note-workflow"):
            store.create(f"{name}/{WORKFLOW_FILE}", mine.encode())
    except Overtaken:
        return _read_workflow_file(store, name) or mine
    return mine


def _read_workflow_file(store: ObjectStore, name: str) -> WorkflowFile | None:
    found = store.read(f"{name}/{WORKFLOW_FILE}")
    return None if found is None else parse_workflow_file(found[0])


def tell_resumption(runs: Runs, run: Run, fresh: WorkflowFile) -> WorkflowFile:
    """Tell that a run that was cut short goes on in a `fresh` Workflow; which one it has now: of
    two who ask at once, the first one's."""

    def decide(state: RunState) -> RunResumed | None:
        # Another one has said so meanwhile.
        if not state.is_over or state.status == "succeeded":
            return None
        reached = state.training.checkpoint
        return RunResumed(
            from_epoch=reached.epoch if reached else 0,
            from_step=reached.step if reached else 0,
            workflow=fresh.to_json(),
        )

    mirror = get_mirror(runs)
    state = append_stored_event(mirror.store, run.name, decide)
    mirror.forget()
    runs.refresh(run)
    return workflow_from_json(state.workflow) or run.read_workflow() or fresh
