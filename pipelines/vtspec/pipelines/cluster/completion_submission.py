"""What is missing of a finished run, given to a cluster: a Workflow of its own.

The event that begins it is written on condition and names that Workflow, so that of several who
ask at once one begins it, and all come to the same.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.argo import Completion, RenderSettings, render_completion
from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.planning.plan_model import plan_from_json
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.event_log import get_timestamp
from vtspec.pipelines.runs.events import RunUpdated
from vtspec.pipelines.runs.state import RunState
from vtspec.pipelines.runs.stored_events import append_stored_event
from vtspec.pipelines.runs.workflow_file import WorkflowFile

from .kubernetes_client import KubernetesClient
from .run_credential import RunCredentials, create_objects
from .run_follower import get_mirror
from .run_workflow import RunWorkflow
from .submission import tell_resumption


@dataclass(frozen=True, kw_only=True)
class CompletionSubmission:
    """A completion of a run, and where it is to be carried out."""

    client: KubernetesClient
    runs: Runs
    run: Run
    completion: Completion
    settings: RenderSettings
    credentials: RunCredentials = field(default_factory=RunCredentials)
    marks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    get_time: Callable[[], str] = get_timestamp

    def begin(self) -> None:
        """Say that it is made, or gone on with, and create its objects.

        Raises `Temporary` where somebody else has changed the run meanwhile.
        """
        if self.completion.update is None:
            tell_resumption(self.runs, self.run, self._make_file())
        else:
            self._tell_update()
        self.create()

    def create(self) -> None:
        """Make its objects, where they are not there."""
        file = self.run.read_workflow()
        if file is None or file.name != self.completion.name:
            raise Temporary(
                f"{self.run.name} was changed by somebody else meanwhile",
                fix=f"see it: {format_command('vtspec', 'status', self.run.name)}; then ask again",
            )
        # As the run has it: whoever was faster may have typed it otherwise.
        plan = plan_from_json(self.run.read_plan())
        workflow = RunWorkflow(self.client, self.run, file)
        credential = self.credentials.get(workflow, self.settings, self.run.name, plan)
        create_objects(
            workflow,
            render_completion(plan, self.settings, self.completion, self.run.attempt),
            credential,
            self.marks,
        )

    def _tell_update(self) -> None:
        update, known = self.completion.update, self.run.read_state()
        assert update is not None
        stored, workflow = plan_from_json(self.run.read_plan()), self._make_file().to_json()
        mirror = get_mirror(self.runs)

        def decide(state: RunState) -> RunUpdated | None:
            # What is missing was found out of what was told until then.
            if state.seq != known.seq:
                return None
            return update.make_event(stored, self.completion.name, workflow)

        # Before the event that names it: whoever reads the run finds the plan that it speaks of.
        text = json.dumps(update.plan.to_json(), indent=2, ensure_ascii=False) + "\n"
        mirror.store.put(f"{self.run.name}/{self.completion.name}.json", text.encode())
        append_stored_event(mirror.store, self.run.name, decide)
        mirror.forget()
        self.runs.refresh(self.run)

    def _make_file(self) -> WorkflowFile:
        return WorkflowFile(
            namespace=self.settings.namespace,
            name=self.completion.name,
            digest=self.completion.plan.digest,
            created_at=self.get_time(),
            namespace_uid=self.client.find_namespace_uid(self.settings.namespace) or "",
            team=self.settings.team or "",
        )
