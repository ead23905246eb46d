"""Runs that a cluster carries out, whoever began them: looked at, followed, stopped, deleted."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.workflow_file import WORKFLOW_FILE, read_workflow_file

from .run import RunCallbacks

if TYPE_CHECKING:
    from vtspec.pipelines.argo import WorkflowState
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
    from vtspec.pipelines.cluster.run_credential import RunCredential, RunCredentials
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow
    from vtspec.pipelines.project.repository import Repository
    from vtspec.pipelines.runs.state import RunState
    from vtspec.schema.kinds.cluster import Cluster

STOP_POLL_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class ClusterLook:
    """What the cluster says of runs on it, by their names; a run whose Workflow is not there is
    left out. `problem` is why it was not asked, or no more from some run on; `problems` are those
    of single runs, by their names."""

    found: "Mapping[str, WorkflowState]" = field(default_factory=dict)
    problem: Permanent | Refused | Temporary | None = None
    problems: Mapping[str, Permanent | Refused | Temporary] = field(default_factory=dict)


def look_at_runs(
    runs: Runs, which: Iterable[Run], environ: Mapping[str, str] = os.environ
) -> ClusterLook:
    """What the cluster says of those of the runs that are on it; it is not asked where none is.

    The end of one whose Workflow is over is written down where its events have none.
    """
    every = tuple(which)
    foreign = {
        run.name: _refuse_foreign(run)
        for run in every
        if run.has_foreign_workflow() and not run.read_state().is_over
    }
    those = [run for run in every if run.is_on_cluster()]
    if not those:
        return ClusterLook(problems=foreign)
    try:
        look = settle_runs(runs, those, open_cluster(environ))
    except (Permanent, Refused, Temporary) as error:
        return ClusterLook(problem=error, problems=foreign)
    return replace(look, problems={**foreign, **look.problems})


def look_on(
    run: Run, runs: Runs, callbacks: RunCallbacks, environ: Mapping[str, str] = os.environ
) -> "RunState":
    """Look on at a run until it ends, nobody works on it, or somebody stops looking: one on the
    cluster as `follow_on_cluster` does, any other, and where that cannot be asked, as the folder
    or the store hears of it."""
    from vtspec.pipelines.execution.local import follow_run

    if run.is_on_cluster():
        try:
            client = open_cluster_of(run, environ)
        except (Permanent, Refused, Temporary) as error:
            callbacks.report(
                "the cluster was not asked, this is what the store hears, and a credential of the "
                f"run's own is not renewed: {error}"
            )
        else:
            return follow_on_cluster(run, runs, callbacks, client, environ)
    return follow_run(run, callbacks.on_event, callbacks.stop, lambda: runs.refresh(run))


def follow_on_cluster(
    run: Run,
    runs: Runs,
    callbacks: RunCallbacks,
    client: "KubernetesClient",
    environ: Mapping[str, str] = os.environ,
) -> "RunState":
    """Look on at a run on the cluster, live, until it ends or somebody stops looking; meanwhile
    its credential is renewed, where it has one of its own."""
    from vtspec.pipelines.cluster.run_follower import FollowerCallbacks, RunFollower

    found: list[RunCredential | None] = []

    def renew() -> None:
        if not found:
            found.append(_find_credential_here(run, runs, client, callbacks.report, environ))
        if found[0] is not None:
            found[0].renew()

    heard = FollowerCallbacks(
        on_event=callbacks.on_event, report=callbacks.report, stop=callbacks.stop, renew=renew
    )
    return RunFollower(runs, run, client, heard).follow()


def renew_credentials(
    those: Iterable[Run],
    client: "KubernetesClient",
    repository: "Repository",
    credentials: "RunCredentials",
    report: Callable[[str], None],
) -> None:
    """Keep good what the pods of the runs reach the store with; `credentials` remember when that
    was done. What one run comes upon is reported, and keeps it from no other."""
    from vtspec.schema.problem import SpecError

    for run in those:
        try:
            found = _find_credential(run, client, repository, credentials)
            if found is not None:
                found.renew()
        except (Permanent, Refused, Temporary, SpecError) as error:
            report(f"the credential of {run.name} is not renewed: {error}")


def _find_credential(
    run: Run, client: "KubernetesClient", repository: "Repository", credentials: "RunCredentials"
) -> "RunCredential | None":
    """What the pods of a run reach the store with; None where that is no credential of its own.
    Raises `Permanent`, `Refused` or `SpecError` where the repository does not say how one is
    made."""
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow
    from vtspec.pipelines.planning.plan_model import plan_from_json

    from .render import find_run_settings

    file = run.read_workflow()
    if file is None or not (workflow := RunWorkflow(client, run, file)).has_credential():
        return None
    plan = plan_from_json(run.read_plan())
    found = credentials.get(workflow, find_run_settings(plan, repository), run.name, plan)
    if found is None:
        raise Permanent("vtspec.yaml names no cluster.runsRole")
    return found


def _find_credential_here(
    run: Run,
    runs: Runs,
    client: "KubernetesClient",
    report: Callable[[str], None],
    environ: Mapping[str, str],
) -> "RunCredential | None":
    """As `_find_credential` by the repository that this is called in; what keeps it from being
    renewed is told."""
    from vtspec.pipelines.cluster.run_credential import RunCredentials
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.schema.problem import SpecError

    try:
        repository = find_repository(Path.cwd()).with_runs(runs.folder)
        return _find_credential(run, client, repository, RunCredentials(environ=environ))
    except (Permanent, Refused, SpecError) as error:
        again = format_command("vtspec", "run", run.name, "--backend", "argo")
        report(
            "warning: its pods' credential runs out, and is not renewed here: "
            f"{str(error).partition(chr(10))[0]}\n"
            f"  fix: in the repository that began it: {again}"
        )
    return None


def stop_on_cluster(
    run: Run,
    runs: Runs,
    timeout_s: float,
    environ: Mapping[str, str] = os.environ,
    sleep: Callable[[float], None] = time.sleep,
) -> "RunState":
    """Have a run's Workflow stop, and wait until it has; the state it ended in.

    The step that is at work writes a checkpoint; a second call while it does ends it at once.
    Raises `Refused` where there is nothing to stop, or it may be on another cluster, `Temporary`
    where it has not ended in time.
    """
    from vtspec.pipelines.cluster.run_follower import settle_run
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow

    file, stop = run.read_workflow(), format_command("vtspec", "stop", run.name)
    assert file is not None
    workflow = RunWorkflow(open_cluster(environ), run, file)
    _check_namespace(workflow)
    doubt = workflow.look().doubt
    if doubt is not None:
        raise doubt
    how = "Terminate" if workflow.was_asked_to_stop() else "Stop"
    if not workflow.stop(how) and not was_begun(run):
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
    """Delete the Workflows of a run, and its plans' ConfigMaps where no other run has them; why
    that was not done, where it was not."""
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow

    file = run.read_workflow() or read_workflow_file(run.path)
    if file is None:
        return _refuse_foreign(run) if run.has_foreign_workflow() else None
    kept = {
        found.digest
        for other in runs.list_by_plan(run.plan_id)
        if other != run and other.is_on_cluster() and (found := other.read_workflow())
    }
    try:
        workflow = RunWorkflow(open_cluster(environ), run, file)
        _check_namespace(workflow)
        workflow.delete_run(kept)
    except Refused as error:
        # Nothing can be said to be gone of a run that is: what is left is found by its label.
        delete = ("delete", "workflows,configmaps", "-l", f"vtspec.dev/run={run.name}")
        at = ("kubectl", "--context", "NAME", "-n", file.namespace)
        return Refused(error.message, fix=format_command(*at, *delete))
    except (Permanent, Temporary) as error:
        return error
    return None


def find_cluster(here: Path) -> "Cluster | None":
    """What the `vtspec.yaml` of `here` says of the cluster; None where it says nothing, or is
    wrong: runs are stopped from anywhere."""
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.schema.problem import SpecError

    try:
        return find_repository(here).project.spec.cluster
    except (Refused, SpecError):
        return None


def open_cluster(environ: Mapping[str, str]) -> "KubernetesClient":
    """The cluster that the kubeconfig of whoever calls leads to. Raises `Permanent` for none."""
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient

    return KubernetesClient(environ)


def open_cluster_of(run: Run, environ: Mapping[str, str]) -> "KubernetesClient":
    """As `open_cluster`; raises `Refused` where that may be another one than the run's."""
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow

    client, file = open_cluster(environ), run.read_workflow()
    doubt = None if file is None else RunWorkflow(client, run, file).look().doubt
    if doubt is not None:
        raise doubt
    return client


def settle_runs(runs: Runs, those: Sequence[Run], client: "KubernetesClient") -> ClusterLook:
    """As `look_at_runs`, of runs on a cluster that is open already."""
    from vtspec.pipelines.cluster.api_errors import Unreachable

    found: dict[str, WorkflowState] = {}
    problems: dict[str, Permanent | Refused | Temporary] = {}
    for run in those:
        try:
            workflow = _settle(run, runs, client)
        except Unreachable as error:
            # Each of the rest would be waited for as long.
            return ClusterLook(found=found, problem=error, problems=problems)
        except (Permanent, Refused, Temporary) as error:
            problems[run.name] = error
            continue
        if workflow is not None:
            found[run.name] = workflow
    return ClusterLook(found=found, problems=problems)


def _settle(run: Run, runs: Runs, client: "KubernetesClient") -> "WorkflowState | None":
    """What the cluster has of a run, whose end is written down where nobody did. Raises `Refused`
    where it may be on another one."""
    from vtspec.pipelines.cluster.run_follower import settle_run
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow

    file = run.read_workflow()
    if file is None or not run.is_on_cluster():
        return None
    sighting = RunWorkflow(client, run, file).look()
    if sighting.doubt is not None:
        raise sighting.doubt
    # A Workflow that is not there may be about to be made.
    if sighting.is_over and (sighting.workflow is not None or was_begun(run)):
        settle_run(runs, run, sighting)
        runs.refresh(run)
    return sighting.workflow


def _refuse_foreign(run: Run) -> Refused:
    return Refused(
        f"{run.name} has a {WORKFLOW_FILE} that names no Workflow of it, and is not believed",
        fix="kubectl get workflows --all-namespaces -l "
        + format_command(f"vtspec.dev/run={run.name}"),
    )


def _check_namespace(workflow: "RunWorkflow") -> None:
    """Raises `Refused` where a run's file names another namespace than the one that whoever calls
    means: that of `vtspec.yaml`, else of their kubeconfig's context."""
    cluster = find_cluster(Path.cwd())
    space = workflow.file.namespace
    meant = workflow.client.namespace if cluster is None else cluster.namespace
    if space == meant:
        return
    where = "that of the kubeconfig's context" if cluster is None else "cluster.namespace"
    context = ("kubectl", "config", "set-context", "--current", f"--namespace={space}")
    set_it = (
        format_command(*context)
        if cluster is None
        else f"set cluster.namespace: {space} in vtspec.yaml, or call it outside the repository"
    )
    raise Refused(
        f"{workflow.run.name} is said to be in namespace {space}, and {where} is {meant}",
        fix=f"where {space} is right: {set_it}",
    )


def end_gone_run(run: Run, runs: Runs, environ: Mapping[str, str] = os.environ) -> "RunState":
    """End a run of which a person says that its Workflow is gone, where that cannot be found out.

    Raises `Refused` where it is there.
    """
    from vtspec.pipelines.cluster.run_follower import settle_run
    from vtspec.pipelines.cluster.run_workflow import RunWorkflow, Sighting

    file = run.read_workflow()
    assert file is not None
    try:
        sighting = RunWorkflow(open_cluster(environ), run, file).look()
    # As of a cluster that is no more: their word stands.
    except (Permanent, Temporary):
        sighting = Sighting(workflow=None)
    if sighting.workflow is not None or any(pod.is_alive for pod in sighting.pods):
        raise Refused(
            f"{run.name} is on the cluster, and not gone",
            fix=format_command("vtspec", "stop", run.name),
        )
    if not was_begun(run):
        return _stop_unbegun(run, runs)
    state = settle_run(runs, run, Sighting(workflow=None))
    runs.refresh(run)
    return state


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


def was_begun(run: Run) -> bool:
    """Whether the Workflow that a run has now has told anything yet."""
    from vtspec.pipelines.runs.events import RunResumed, RunUpdated

    events = run.read_events()
    return bool(events) and not isinstance(events[-1].body, RunResumed | RunUpdated)
