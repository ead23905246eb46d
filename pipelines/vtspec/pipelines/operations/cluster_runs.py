"""Plans carried out on the cluster, and what becomes of such runs: looked at, stopped, deleted."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.formatting import format_duration
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.state import PLAN_FILE

from .render import check_data, find_access_caution, find_run_settings
from .run import RunCallbacks, RunRequest, build_options, get_tracking_uri
from .seeds import SeedsResult, refresh_reports, run_one_by_one

if TYPE_CHECKING:
    from vtspec.pipelines.argo import RenderSettings, WorkflowState
    from vtspec.pipelines.argo.settings import DataRemote
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
    from vtspec.pipelines.cluster.run_follower import Pace
    from vtspec.pipelines.cluster.submission import Submission
    from vtspec.pipelines.execution.local import Decision, How, RunOptions, RunResult
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.runs.state import RunState
    from vtspec.pipelines.tracking import SyncResult

STOP_POLL_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class ClusterLook:
    """What the cluster says of runs on it, by their names; a run whose Workflow is not there is
    left out. `problem` is why it was not asked, where it was not."""

    found: "Mapping[str, WorkflowState]" = field(default_factory=dict)
    problem: Permanent | Refused | Temporary | None = None


@dataclass(frozen=True, kw_only=True)
class ClusterRequest:
    """Plans; `check` says whether the remote has a plan's data, as `render.check_data` does."""

    request: RunRequest
    check: "Callable[[Plan, DataRemote, Path], str | None]" = check_data
    pace: "Pace | None" = None


def would_begin_on_cluster(asked: ClusterRequest, environ: Mapping[str, str]) -> bool:
    """Whether carrying the plans out would begin or resume anything; raises where that would be
    refused, by `vtspec.yaml` or by the cluster."""
    runner = _open_runner(asked, environ)
    begins = False
    for plan in asked.request.planned.plans:
        decision = runner.decide(plan)
        if decision.action == "begin":
            # Before somebody says yes to it; what is only a warning is told when it is begun.
            runner.check_data(plan)
        begins = begins or decision.action in ("begin", "resume")
    return begins


def run_on_cluster(
    asked: ClusterRequest, callbacks: RunCallbacks, environ: Mapping[str, str]
) -> SeedsResult:
    """Carry the plans out on the cluster, one after another: submit, resume or join the run of
    each, and look on until it ends; or show the result that there is.

    Who stops looking leaves the run alone. Raises `SpecError` with all that lacks for a cluster,
    `Refused` where runs are in a folder, only the controller may submit, or the last attempt was
    cut short and nobody said what to do about it; and as the cluster and the store do.
    """
    runner = _open_runner(asked, environ)
    plans = asked.request.planned.plans
    # One alone is decided when it is run, which is now.
    if len(plans) > 1:
        for plan in plans:
            # Nobody should learn after hours of the first seed that the third could not go on.
            runner.decide(plan)
    done = run_one_by_one(plans, callbacks, lambda plan: runner.run(plan, callbacks, environ))
    if len(plans) > 1:
        refresh_reports(asked.request.planned.made, runner.runs, callbacks.report)
    return done


@dataclass(frozen=True, kw_only=True)
class _ClusterRunner:
    """Carries plans out on the cluster as they were asked for."""

    asked: ClusterRequest
    runs: Runs
    client: "KubernetesClient"
    settings: "Mapping[str, RenderSettings]"
    options: "Mapping[str, RunOptions]"

    def decide(self, plan: "Plan") -> "Decision":
        """What to do about a plan; raises where that is nothing that may be done."""
        from vtspec.pipelines.execution.local import AttemptState, decide, make_refusal

        attempts = self._list_attempts(plan)
        _settle_runs(self.runs, attempts, self.client)
        states = []
        for run in attempts:
            state = run.read_state()
            states.append(
                AttemptState(
                    run=run.name,
                    status="succeeded" if state.has_result else state.status,
                    liveness="alive" if run.is_alive() else "dead",
                )
            )
        decision = decide(states, self.options[plan.id])
        if decision.action == "refuse":
            raise make_refusal(decision, self.asked.request.command)
        if decision.run is not None:
            self._check(decision, Run(self.runs.folder / decision.run), plan)
        return decision

    def check_data(self, plan: "Plan") -> str | None:
        """What to warn of where it cannot be told whether pods can fetch the plan's data. Raises
        `Refused` where they could not."""
        root = self.asked.request.planned.repository.root
        return self.asked.check(plan, self.settings[plan.id].remote, root)

    def _list_attempts(self, plan: "Plan") -> list[Run]:
        attempts = self.runs.list_by_plan(plan.id)
        for run in attempts:
            # One that somebody submits now may be here in part.
            if run.read_workflow() is None and not run.read_state().is_over:
                self.runs.fetch(run)
        # Of one whose name alone was taken nothing is there that could go on.
        return [run for run in attempts if run.read_workflow() or (run.path / PLAN_FILE).is_file()]

    def run(
        self, plan: "Plan", callbacks: RunCallbacks, environ: Mapping[str, str]
    ) -> "RunResult":
        """The result of a plan, once it is there or somebody stops looking."""
        decision = self.decide(plan)
        if decision.why:
            named = decision.run if decision.run and decision.run not in decision.why else None
            callbacks.report(f"{decision.why}: {named}" if named else decision.why)
        if decision.action == "show":
            assert decision.run is not None
            return self._show(Run(self.runs.folder / decision.run))
        warning = self.check_data(plan) if decision.action == "begin" else None
        if warning is not None:
            callbacks.report(f"warning: {warning}")
        run = self._submit(decision, plan, environ)
        space = self.settings[plan.id].namespace
        callbacks.report(self._describe_access(plan))
        callbacks.report(
            f"{run.name} is on the cluster at {self.client.server}, namespace {space}; Ctrl-C "
            "stops looking, not the run"
        )
        state, shipped = self._follow(run, plan, callbacks, environ)
        how: How = "joined" if decision.action == "attach" else "carried out"
        return self._make_result(run, state, how, shipped)

    def _describe_access(self, plan: "Plan") -> str:
        settings = self.settings[plan.id]
        caution = find_access_caution(settings)
        if caution is not None:
            return f"caution: {caution}"
        assert settings.runs.role is not None
        return (
            "its pods hold a credential for this run alone, good for "
            f"{format_duration(settings.runs.role.duration_s)}, and renewed while this command "
            "looks on"
        )

    def _check(self, decision: "Decision", run: Run, plan: "Plan") -> None:
        """Raises where what is asked of a run that is there would not have its effect."""
        from vtspec.pipelines.execution.local import find_run_update
        from vtspec.pipelines.planning.policy import describe_update

        if decision.action == "attach" and run.read_workflow() is None:
            holder = run.find_holder()
            where = holder.host if holder is not None and holder.host else "another machine"
            raise Temporary(
                f"{run.name} is being carried out on {where}, and not by the cluster",
                fix=format_command("vtspec", "logs", run.name, "-f"),
            )
        if decision.action not in ("show", "resume"):
            return
        update = find_run_update(run, plan)
        if update is None:
            return
        words = describe_update(update.changes)
        if decision.action == "show":
            raise Refused(
                f"{run.name} has the result, and is asked for with another policy: {words}; that "
                "is made of it on a machine",
                fix=f"{format_command('vtspec', 'run', plan.spec_path)} makes it here; "
                f"{format_command('vtspec', 'run', run.name, '--backend', 'argo')} shows it as "
                "it is",
            )
        raise Refused(
            f"{run.name} goes on as it was planned, and is asked for otherwise: {words}",
            fix=f"{format_command('vtspec', 'run', run.name, '--resume', '--backend', 'argo')}, "
            "or a new attempt with --again",
        )

    def _submit(self, decision: "Decision", plan: "Plan", environ: Mapping[str, str]) -> Run:
        submission = self._make_submission(plan, environ)
        if decision.action == "begin":
            attempts = [run.attempt for run in self._list_attempts(plan)]
            return submission.begin(max(attempts, default=0) + 1)
        assert decision.run is not None
        run = Run(self.runs.folder / decision.run)
        file = run.read_workflow()
        if decision.action == "resume":
            submission.resume(run)
        elif file is not None and not _was_begun(run):
            # Whoever submitted it was killed before all of it was there.
            submission.complete(run, file)
        return run

    def _make_submission(self, plan: "Plan", environ: Mapping[str, str]) -> "Submission":
        from vtspec.pipelines.cluster.submission import Submission

        return Submission(
            client=self.client,
            runs=self.runs,
            plan=plan,
            settings=self.settings[plan.id],
            environ=environ,
        )

    def _follow(
        self, run: Run, plan: "Plan", callbacks: RunCallbacks, environ: Mapping[str, str]
    ) -> "tuple[RunState, SyncResult | None]":
        from vtspec.pipelines.cluster.run_follower import FollowerCallbacks, RunFollower
        from vtspec.pipelines.tracking import start_follower

        request = self.asked.request
        tracker = None
        if request.tracking:
            address = get_tracking_uri(request.planned.repository, environ)
            tracker = start_follower(run.path, address)
        credential = self._make_submission(plan, environ).make_credential(run)
        heard = FollowerCallbacks(
            on_event=callbacks.on_event,
            report=callbacks.report,
            stop=callbacks.stop,
            renew=(lambda: None) if credential is None else credential.renew,
            # MLflow is sent it when the run's end is told.
            folders=("model",) if request.tracking else (),
        )
        shipped = None
        try:
            state = RunFollower(self.runs, run, self.client, heard, self.asked.pace).follow()
        finally:
            if tracker is not None:
                shipped = tracker.finish(30.0 if run.read_state().is_over else 1.0)
                _store_sync_state(run, self.runs)
        return state, shipped if state.is_over else None

    def _show(self, run: Run) -> "RunResult":
        return self._make_result(run, run.read_state(), "shown", None)

    def _make_result(
        self, run: Run, state: "RunState", how: "How", shipped: "SyncResult | None"
    ) -> "RunResult":
        from vtspec.pipelines.execution.local import RunResult, find_outcome

        self.runs.fetch(run)
        outcome = find_outcome(state)
        return RunResult(run=run, state=state, how=how, outcome=outcome, shipped=shipped)


def look_at_runs(
    runs: Runs, which: Iterable[Run], environ: Mapping[str, str] = os.environ
) -> ClusterLook:
    """What the cluster says of those of the runs that are on it; it is not asked where none is.

    The end of one whose Workflow is over is written down where its events have none.
    """
    those = [run for run in which if run.is_on_cluster()]
    if not those:
        return ClusterLook()
    try:
        return _settle_runs(runs, those, open_cluster(environ))
    except (Permanent, Refused, Temporary) as error:
        return ClusterLook(problem=error)


def follow_on_cluster(
    run: Run, runs: Runs, callbacks: RunCallbacks, client: "KubernetesClient"
) -> "RunState":
    """Look on at a run on the cluster, live, until it ends or somebody stops looking."""
    from vtspec.pipelines.cluster.run_follower import FollowerCallbacks, RunFollower

    heard = FollowerCallbacks(
        on_event=callbacks.on_event, report=callbacks.report, stop=callbacks.stop
    )
    return RunFollower(runs, run, client, heard).follow()


def stop_on_cluster(
    run: Run,
    runs: Runs,
    timeout_s: float,
    environ: Mapping[str, str] = os.environ,
    sleep: Callable[[float], None] = time.sleep,
) -> "RunState":
    """Have a run's Workflow stop, and wait until it has; the state it ended in.

    The step that is at work writes a checkpoint; a second call while it does ends it at once.
    Raises `Refused` where there is nothing to stop, `Temporary` where it has not ended in time.
    """
    from vtspec.pipelines.cluster.run_follower import settle_run
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow

    file, stop = run.read_workflow(), format_command("vtspec", "stop", run.name)
    assert file is not None
    workflow = RunWorkflow(open_cluster(environ), file)
    how = "Terminate" if workflow.was_asked_to_stop() else "Stop"
    if not workflow.stop(how) and not _was_begun(run):
        return _stop_unbegun(run, runs)
    waited = 0.0
    while not (sighting := workflow.look()).is_over:
        if waited >= timeout_s:
            raise Temporary(
                f"{run.name} was asked to stop and has not ended in {timeout_s:g} s",
                fix=f"wait, or end it without a checkpoint: {stop}",
            )
        sleep(STOP_POLL_S)
        waited += STOP_POLL_S
    state = settle_run(runs, run, sighting)
    runs.refresh(run)
    return state


def delete_from_cluster(
    run: Run, runs: Runs, environ: Mapping[str, str] = os.environ
) -> Permanent | Refused | Temporary | None:
    """Delete the Workflow of a run, and the plan's ConfigMap where no other run has it; why that
    was not done, where it was not."""
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow

    file = run.read_workflow()
    if file is None:
        return None
    others = [
        found
        for other in runs.list_by_plan(run.plan_id)
        if other != run and other.is_on_cluster() and (found := other.read_workflow())
    ]
    try:
        shared = any(found.digest == file.digest for found in others)
        RunWorkflow(open_cluster(environ), file).delete(plan_too=not shared)
    except (Permanent, Refused, Temporary) as error:
        return error
    return None


def open_cluster(environ: Mapping[str, str]) -> "KubernetesClient":
    """The cluster that the kubeconfig of whoever calls leads to. Raises `Permanent` for none."""
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient

    return KubernetesClient(environ)


def _open_runner(asked: ClusterRequest, environ: Mapping[str, str]) -> _ClusterRunner:
    from vtspec.pipelines.cluster.run_follower import get_mirror

    planned = asked.request.planned
    runs = Runs(planned.repository.runs)
    # Before the cluster is asked: whatever it says, these would stand against it.
    settings = {plan.id: find_run_settings(plan, planned.repository) for plan in planned.plans}
    get_mirror(runs)
    cluster = planned.repository.project.spec.cluster
    if cluster is not None and cluster.submit == "controller":
        raise Refused(
            "vtspec.yaml leaves creating runs to the controller (cluster.submit)",
            fix="have it begun by a pull request, or run it here: leave --backend out",
        )
    return _ClusterRunner(
        asked=asked,
        runs=runs,
        client=open_cluster(environ),
        settings=settings,
        options=build_options(asked.request, runs),
    )


def _settle_runs(runs: Runs, those: Sequence[Run], client: "KubernetesClient") -> ClusterLook:
    from vtspec.pipelines.cluster.run_follower import settle_run
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow

    found = {}
    for run in those:
        file = run.read_workflow()
        if file is None or not run.is_on_cluster():
            continue
        sighting = RunWorkflow(client, file).look()
        if sighting.workflow is not None:
            found[run.name] = sighting.workflow
        # A Workflow that is not there may be about to be made.
        is_lost = sighting.workflow is None and _was_begun(run)
        if sighting.is_over and (sighting.workflow is not None or is_lost):
            settle_run(runs, run, sighting)
            runs.refresh(run)
    return ClusterLook(found=found)


def _store_sync_state(run: Run, runs: Runs) -> None:
    """Tell those who look from elsewhere how far the run has come in MLflow."""
    from vtspec.pipelines.cluster.run_follower import get_mirror
    from vtspec.pipelines.tracking.mlflow_upload import SYNC_FILE

    file = run.path / SYNC_FILE
    # It is a convenience of theirs: whoever sends the run again doubles nothing.
    with suppress(OSError, Temporary):
        get_mirror(runs).store.upload(f"{run.name}/{SYNC_FILE}", file)


def _stop_unbegun(run: Run, runs: Runs) -> "RunState":
    """End a run whose Workflow was never made, as where whoever submitted it was killed."""
    from vtspec.pipelines.argo.run_ending import format_resume
    from vtspec.pipelines.cluster.run_follower import get_mirror
    from vtspec.pipelines.runs.events import RunFinished
    from vtspec.pipelines.runs.stored_events import append_stored_event

    ended = RunFinished(
        ending="stopped",
        exit_code=75,
        message="it was stopped before its Workflow was made",
        fix=f"resume with: {format_resume(run.name)}",
        artifacts={},
        seconds=0.0,
    )
    mirror = get_mirror(runs)
    state = append_stored_event(
        mirror.store, run.name, lambda state: None if state.is_over else ended
    )
    mirror.forget()
    runs.refresh(run)
    return state


def _was_begun(run: Run) -> bool:
    """Whether the Workflow that a run has now has told anything yet."""
    from vtspec.pipelines.runs.events import RunResumed

    events = run.read_events()
    return bool(events) and not isinstance(events[-1].body, RunResumed)
