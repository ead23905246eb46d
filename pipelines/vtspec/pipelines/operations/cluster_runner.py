"""A plan on the cluster: what is to be done about it, begun there, and looked on at."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.formatting import format_duration
from vtspec.pipelines.runs import Run, Runs, make_run_name
from vtspec.pipelines.runs.state import PLAN_FILE, RunState

from .cluster_results import find_known_state, find_lacking_completion, find_last_outcome
from .cluster_workflows import open_cluster, settle_runs, was_begun
from .render import (
    check_data,
    find_access_caution,
    find_renewal_caution,
    find_run_settings,
)
from .run import (
    RunCallbacks,
    RunRequest,
    build_options,
    build_runner,
    check_reporting,
    get_tracking_uri,
)

if TYPE_CHECKING:
    from vtspec.pipelines.argo import Completion, RenderSettings
    from vtspec.pipelines.argo.settings import DataRemote
    from vtspec.pipelines.cluster.completion_submission import CompletionSubmission
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
    from vtspec.pipelines.cluster.run_credential import RunCredential, RunCredentials
    from vtspec.pipelines.cluster.run_follower import Pace
    from vtspec.pipelines.cluster.submission import Submission
    from vtspec.pipelines.execution.local import Decision, How, RunOptions, RunResult
    from vtspec.pipelines.execution.steps import Outcome
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.tracking import SyncResult


@dataclass(frozen=True, kw_only=True)
class RunToBegin:
    """A run that is to be begun or gone on with, for whose limits it counts; `after_seq` is the
    last event that was told of it, -1 for none."""

    run: str
    plan: "Plan"
    team: str | None
    after_seq: int = -1


class CostLimits(Protocol):
    """What runs may cost together. Both raise `Refused` where that would be too much."""

    def check(self, runs: Sequence[RunToBegin], client: "KubernetesClient") -> None:
        """Only say so."""

    def reserve(self, runs: Sequence[RunToBegin], client: "KubernetesClient") -> None:
        """Keep what they may cost for them."""


@dataclass(frozen=True, kw_only=True)
class ClusterRequest:
    """Plans; `check` says whether the remote has a plan's data, as `render.check_data` does, and
    is asked once of each. `marks` are further labels and annotations of the Workflows,
    `team` whose queue they wait in if not their folder's or author's. `run` is the one that may be
    begun or gone on with, where that is no matter of what is there by then; where it
    `is_completion` none may, but what a result lacks is made. `limits` are held for all plans
    together; whoever has held them already leaves them out."""

    request: RunRequest
    check: "Callable[[Plan, DataRemote, Path], str | None]" = check_data
    pace: "Pace | None" = None
    checked: "dict[str, str | None]" = field(default_factory=dict)
    marks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    team: str | None = None
    run: str | None = None
    is_completion: bool = False
    is_controller: bool = False
    limits: CostLimits | None = None


@dataclass(frozen=True, kw_only=True)
class BegunRun:
    """A plan that was asked for and its run, to be looked on at; one that is `shown` has its
    result, of which a `completion` may be missing that needs no pod."""

    plan: "Plan"
    run: Run
    how: "How"
    completion: "Completion | None" = None


@dataclass(frozen=True, kw_only=True)
class ClusterRunner:
    """Carries plans out on the cluster as they were asked for."""

    asked: ClusterRequest
    runs: Runs
    client: "KubernetesClient"
    settings: "Mapping[str, RenderSettings]"
    options: "Mapping[str, RunOptions]"
    environ: Mapping[str, str]
    credentials: "RunCredentials"

    def decide(self, plan: "Plan", attempts: Sequence[Run] | None = None) -> "Decision":
        """What to do about a plan, by its `attempts` or those that there are now; raises where
        that is nothing that may be done."""
        from vtspec.pipelines.execution.local import AttemptState, decide, make_refusal

        attempts = self._list_attempts(plan) if attempts is None else attempts
        look = settle_runs(self.runs, attempts, self.client)
        for problem in (look.problem, *look.problems.values()):
            if problem is not None:
                raise problem
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
        checked, root = self.asked.checked, self.asked.request.planned.repository.root
        if plan.id not in checked:
            checked[plan.id] = self.asked.check(plan, self.settings[plan.id].remote, root)
        return checked[plan.id]

    def find_completion(self, decision: "Decision", plan: "Plan") -> "Completion | None":
        """What of a result that is there is asked for otherwise, or was cut short."""
        if decision.action != "show" or decision.run is None:
            return None
        return find_lacking_completion(Run(self.runs.folder / decision.run), plan)

    def list_to_begin(self, plans: "Sequence[Plan]") -> list[RunToBegin]:
        """The runs that carrying out the plans would begin or go on with; raises as `decide`."""
        found = []
        for plan in plans:
            attempts = self._list_attempts(plan)
            decision = self.decide(plan, attempts)
            if decision.action not in ("begin", "resume"):
                continue
            name = decision.run or make_run_name(plan.id, _count_next(attempts))
            seq = -1
            if decision.action == "resume":
                seq = Run(self.runs.folder / name).read_state().seq
            team = self.settings[plan.id].team
            found.append(RunToBegin(run=name, plan=plan, team=team, after_seq=seq))
        return found

    def _list_attempts(self, plan: "Plan") -> list[Run]:
        attempts = self.runs.list_by_plan(plan.id)
        for run in attempts:
            # One that somebody submits now may be here in part.
            if run.read_workflow() is None and not run.read_state().is_over:
                self.runs.fetch(run)
        # Of one whose name alone was taken nothing is there that could go on.
        return [run for run in attempts if run.read_workflow() or (run.path / PLAN_FILE).is_file()]

    def begin(self, plan: "Plan", callbacks: RunCallbacks) -> BegunRun:
        """Have the plan carried out there, or that of its result which needs a pod."""
        attempts = self._list_attempts(plan)
        decision = self.decide(plan, attempts)
        completion = self.find_completion(decision, plan)
        if decision.why and (completion is None or completion.needs_pods):
            named = decision.run if decision.run and decision.run not in decision.why else None
            callbacks.report(f"{decision.why}: {named}" if named else decision.why)
        if decision.action == "show":
            assert decision.run is not None
            run = Run(self.runs.folder / decision.run)
            if completion is not None and completion.needs_pods:
                return self._begin_completion(run, plan, completion, callbacks)
            return BegunRun(plan=plan, run=run, how="shown", completion=completion)
        if self.asked.is_completion and decision.action != "attach":
            raise Temporary(f"the result of {plan.name} was removed meanwhile")
        # As it was decided: whoever began it since then, which takes seconds, began the same run.
        number = _count_next(attempts)
        self._refuse_other(decision.run or make_run_name(plan.id, number))
        if decision.action == "begin":
            self._warn_of_data(plan, callbacks)
        self._warn_of_renewal(plan, callbacks)
        run = self._submit(decision, plan, number)
        self._tell_place(run, plan, callbacks)
        how: How = "joined" if decision.action == "attach" else "carried out"
        return BegunRun(plan=plan, run=run, how=how)

    def finish(
        self,
        begun: BegunRun,
        callbacks: RunCallbacks,
        credentials: "Sequence[RunCredential | None]",
    ) -> "RunResult":
        """The result of what was begun, once it is there or somebody stops looking."""
        from vtspec.pipelines.execution.local import find_outcome

        run, plan = begun.run, begun.plan
        if begun.how == "shown":
            if begun.completion is not None:
                return self.complete_here(plan, callbacks)
            state = run.read_state()
            return self._make_result(run, state, "shown", find_outcome(state))
        state, shipped = self._follow(run, callbacks, credentials)
        outcome = find_last_outcome(run, state)
        if begun.how == "joined" and outcome is not None and outcome.is_good:
            # Somebody else's, who may have asked for another policy.
            decision = self.decide(plan)
            if self.find_completion(decision, plan) is not None:
                again = self.begin(plan, callbacks)
                others = (self.find_credential(again), *credentials[1:])
                return self.finish(again, callbacks, others)
        return self._make_result(run, state, begun.how, outcome, shipped)

    def _begin_completion(
        self, run: Run, plan: "Plan", completion: "Completion", callbacks: RunCallbacks
    ) -> BegunRun:
        from vtspec.pipelines.planning.policy import describe_update

        update = completion.update
        words = "going on with it" if update is None else describe_update(update.changes)
        callbacks.report(
            f"same result, other policy: {words} ({completion.name}: "
            f"{', '.join(completion.steps)})"
        )
        self._warn_of_data(plan, callbacks)
        self._warn_of_renewal(plan, callbacks)
        self._make_completion(run, plan, completion).begin()
        self._tell_place(run, plan, callbacks)
        return BegunRun(plan=plan, run=run, how="updated", completion=completion)

    def complete_here(self, plan: "Plan", callbacks: RunCallbacks) -> "RunResult":
        """Judge and describe a result anew: a report needs no framework, and so no pod."""
        from vtspec.pipelines.execution.local import RunOptions

        asked = self.asked.request
        planned = replace(asked.planned, made=plan, others=())
        request = replace(asked, planned=planned, backend=None)
        runner = build_runner(
            request, callbacks, self.environ, ready=lambda: check_reporting(request, self.environ)
        )
        return runner.run(plan, RunOptions(), asked.command)

    def _warn_of_data(self, plan: "Plan", callbacks: RunCallbacks) -> None:
        warning = self.check_data(plan)
        if warning is not None:
            callbacks.report(f"warning: {warning}")

    def _warn_of_renewal(self, plan: "Plan", callbacks: RunCallbacks) -> None:
        renewal = find_renewal_caution(plan, self.asked.request.planned.repository)
        if renewal is not None:
            callbacks.report(f"caution: {renewal}")

    def _tell_place(self, run: Run, plan: "Plan", callbacks: RunCallbacks) -> None:
        space = self.settings[plan.id].namespace
        callbacks.report(self._describe_access(plan))
        callbacks.report(
            f"{run.name} is on the cluster at {self.client.server}, namespace {space}; Ctrl-C "
            "stops looking, not the run"
        )

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
        if decision.action != "resume":
            return
        update = find_run_update(run, plan)
        if update is not None:
            words = describe_update(update.changes)
            raise Refused(
                f"{run.name} goes on as it was planned, and is asked for otherwise: {words}",
                fix=f"{format_command('vtspec', 'run', run.name, '--resume', '--backend', 'argo')}"
                ", or a new attempt with --again",
            )

    def _refuse_other(self, run: str) -> None:
        if self.asked.run not in (None, run):
            raise Temporary(f"{self.asked.run} was begun, and has ended, meanwhile")

    def _submit(self, decision: "Decision", plan: "Plan", number: int) -> Run:
        submission = self._make_submission(plan)
        if decision.action == "begin":
            return submission.begin(number)
        assert decision.run is not None
        run = Run(self.runs.folder / decision.run)
        file = run.read_workflow()
        if decision.action == "resume":
            submission.resume(run)
        elif file is not None and not was_begun(run):
            # Whoever submitted it was killed before all of it was there.
            completion = find_lacking_completion(run, None)
            if completion is None:
                submission.complete(run, file)
            else:
                self._make_completion(run, plan, completion).create()
        return run

    def _make_submission(self, plan: "Plan") -> "Submission":
        from vtspec.pipelines.cluster.submission import Submission

        return Submission(
            client=self.client,
            runs=self.runs,
            plan=plan,
            settings=self.settings[plan.id],
            credentials=self.credentials,
            marks=self.asked.marks,
        )

    def _make_completion(
        self, run: Run, plan: "Plan", completion: "Completion"
    ) -> "CompletionSubmission":
        from vtspec.pipelines.cluster.completion_submission import CompletionSubmission

        return CompletionSubmission(
            client=self.client,
            runs=self.runs,
            run=run,
            completion=completion,
            settings=self.settings[plan.id],
            credentials=self.credentials,
            marks=self.asked.marks,
        )

    def find_credential(self, begun: BegunRun) -> "RunCredential | None":
        """What the pods of what was begun reach the store with, to be renewed; None where that is
        given them by other means, or no pod is at work."""
        from vtspec.pipelines.cluster.run_workflow import RunWorkflow

        file, settings = begun.run.read_workflow(), self.settings[begun.plan.id]
        if begun.how == "shown" or file is None:
            return None
        workflow = RunWorkflow(self.client, begun.run, file)
        return self.credentials.get(workflow, settings, begun.run.name, begun.plan)

    def _follow(
        self, run: Run, callbacks: RunCallbacks, credentials: "Sequence[RunCredential | None]"
    ) -> "tuple[RunState, SyncResult | None]":
        from vtspec.pipelines.cluster.run_follower import FollowerCallbacks, RunFollower
        from vtspec.pipelines.tracking import start_follower

        request = self.asked.request
        tracker = None
        if request.tracking:
            address = get_tracking_uri(request.planned.repository, self.environ)
            tracker = start_follower(run.path, address)

        def renew() -> None:
            for credential in credentials:
                if credential is not None:
                    credential.renew()

        heard = FollowerCallbacks(
            on_event=callbacks.on_event,
            report=callbacks.report,
            stop=callbacks.stop,
            renew=renew,
            # MLflow is sent it when the run's end is told.
            folders=("model",) if request.tracking else (),
            known=find_known_state(run),
        )
        shipped = None
        try:
            state = RunFollower(self.runs, run, self.client, heard, self.asked.pace).follow()
        finally:
            if tracker is not None:
                shipped = tracker.finish(30.0 if run.read_state().is_over else 1.0)
                _store_sync_state(run, self.runs)
        return state, shipped if state.is_over else None

    def _make_result(
        self,
        run: Run,
        state: "RunState",
        how: "How",
        outcome: "Outcome | None",
        shipped: "SyncResult | None" = None,
    ) -> "RunResult":
        from vtspec.pipelines.execution.local import RunResult

        self.runs.fetch(run)
        return RunResult(run=run, state=state, how=how, outcome=outcome, shipped=shipped)


def _count_next(attempts: Sequence[Run]) -> int:
    """The number of the attempt after these."""
    return 1 + max((run.attempt for run in attempts), default=0)


def open_runner(asked: ClusterRequest, environ: Mapping[str, str]) -> ClusterRunner:
    """What carries the plans out under the caller's kubeconfig. Raises as `run_on_cluster`."""
    from vtspec.pipelines.cluster.run_credential import RunCredentials
    from vtspec.pipelines.cluster.run_follower import get_mirror

    planned = asked.request.planned
    runs = Runs(planned.repository.runs)
    # Before the cluster is asked: whatever it says, these would stand against it.
    settings = {
        plan.id: find_run_settings(plan, planned.repository, asked.team) for plan in planned.plans
    }
    get_mirror(runs)
    cluster = planned.repository.project.spec.cluster
    if cluster is not None and cluster.submit == "controller" and not asked.is_controller:
        raise Refused(
            "vtspec.yaml leaves creating runs to the controller (cluster.submit)",
            fix="have it begun by a pull request, or run it here: leave --backend out",
        )
    return ClusterRunner(
        asked=asked,
        runs=runs,
        client=open_cluster(environ),
        settings=settings,
        options=build_options(asked.request, runs),
        environ=environ,
        credentials=RunCredentials(environ=environ),
    )


def _store_sync_state(run: Run, runs: Runs) -> None:
    """Tell those who look from elsewhere how far the run has come in MLflow."""
    from vtspec.pipelines.cluster.run_follower import get_mirror
    from vtspec.pipelines.tracking.mlflow_upload import SYNC_FILE

    file = run.path / SYNC_FILE
    # It is a convenience of theirs: whoever sends the run again doubles nothing.
    with suppress(OSError, Temporary):
        get_mirror(runs).store.upload(f"{run.name}/{SYNC_FILE}", file)
