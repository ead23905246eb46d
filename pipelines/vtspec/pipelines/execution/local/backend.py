"""From a plan to its result on this machine: begin, resume, join, or show what is there."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias

from vtspec.pipelines.data.fetch import PinnedData, describe_changed_data
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.execution.steps import EXIT_CODES, Outcome, RunContext
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.planning.policy import (
    PlanUpdate,
    apply_sections,
    describe_update,
    find_update,
)
from vtspec.pipelines.runs import Attempt, LockHolder, Run, RunLock, Runs
from vtspec.pipelines.runs.events import Ending
from vtspec.pipelines.runs.run_mirror import ON_DEMAND
from vtspec.pipelines.runs.state import RunState, Status
from vtspec.pipelines.tracking import SyncResult

from .attach import follow_run
from .next_action import AttemptState, Decision, Liveness, RunOptions, decide
from .runner import ExecutionOptions, execute_run

ORPHAN_GRACE_S = 60.0
"""How long the adapter of a killed vtspec may take to write its checkpoint."""


How: TypeAlias = Literal["carried out", "joined", "shown", "updated"]


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What came of asking for a plan's result.

    `how` says whether the run was carried out here, by another process that was looked at, or
    before, and if so whether its policy was applied anew. `outcome` is None where somebody
    stopped looking on.
    """

    run: Run
    state: RunState
    how: How
    outcome: Outcome | None
    shipped: SyncResult | None = None


@dataclass(frozen=True, kw_only=True)
class LocalRunner:
    """Carries plans out on this machine.

    `choose` finds the framework's environment before a run's folder is made, so that one that
    cannot be had leaves no failed run behind. `ready` raises where something else is missing.
    `follow` looks on at a run of somebody else's until it ends or `place.stop` is asked; left out,
    by what the folder or the store hears of it.
    """

    runs: Runs
    place: RunContext
    choose: Callable[[], Environment]
    ready: Callable[[], None]
    follow: Callable[[Run], RunState] | None = None
    orphan_grace_s: float = ORPHAN_GRACE_S

    def run(self, plan: Plan, choice: RunOptions, command: str) -> RunResult:
        """The result of the plan. `command` is what a person typed, without `--resume`.

        Raises `Refused` where the last attempt was cut short and nobody said what to do about it,
        where there is none to go on with, or where something is asked for that could only have had
        its effect before.
        """
        result = self._carry_out(plan, choice, command)
        # Steps read it; and it is how a person reads what was asked for.
        if (lost := result.run.restore_plan()) is not None:
            self.place.report(f"warning: {lost}")
        if result.how == "carried out" or result.outcome is None or not result.state.has_result:
            return result
        return self._update(result, plan, command)

    def _carry_out(self, plan: Plan, choice: RunOptions, command: str) -> RunResult:
        # First without the lock: an environment takes minutes to make, and nobody should wait.
        decision = self._decide(plan, choice)
        environment, attempt = None, None
        if decision.action in ("begin", "resume"):
            environment = self._prepare()
        if decision.action == "begin":
            with self.runs.lock_runs():
                # Another process may have begun meanwhile.
                decision = self._decide(plan, choice)
                if decision.action == "begin":
                    attempt = self.runs.create_attempt(plan.to_json())
        if decision.why and decision.action != "refuse":
            self.place.report(f"{decision.why}{_format_run_suffix(decision)}")
        match decision.action:
            case "begin":
                assert environment is not None and attempt is not None
                options = ExecutionOptions(resume_with=f"{command} --resume")
                return self._execute(attempt, environment, options)
            case "resume":
                assert environment is not None
                return self._resume(self._get_run(decision), environment, command, plan)
            case "attach":
                return self._join(self._get_run(decision))
            case "show":
                run = self._get_run(decision)
                self._warn_of_changed_data(run, plan)
                return _show(run)
            case "refuse":
                raise make_refusal(decision, command)

    def _warn_of_changed_data(self, run: Run, plan: Plan) -> None:
        # A run would look at its data, and a result that is only shown is taken for one on it.
        data = plan.dataset
        pinned = PinnedData(name=data.name, hash=data.hash, source=data.source)
        told = describe_changed_data(pinned, self.place.root, run.read_events())
        if told is not None:
            self.place.report(f"warning: {told}")

    def _prepare(self) -> Environment:
        with self.place.stop.raise_on_request():
            self.ready()
            return self.choose()

    def would_begin(self, plan: Plan, choice: RunOptions) -> bool:
        """Whether carrying the plan out would begin or resume anything, or do a part anew."""
        decision = self._decide(plan, choice)
        if decision.action != "show":
            return decision.action in ("begin", "resume")
        run = self._get_run(decision)
        return _has_to_change(run, plan)

    def refuse_cut_short(self, plan: Plan, choice: RunOptions, command: str) -> None:
        """Raise where `run` would, since the last attempt of the plan was cut short."""
        decision = self._decide(plan, choice)
        if decision.action == "refuse":
            raise make_refusal(decision, command)

    def _decide(self, plan: Plan, choice: RunOptions) -> Decision:
        return decide(
            [_read_attempt_state(run) for run in self.runs.list_by_plan(plan.id)], choice
        )

    def _get_run(self, decision: Decision) -> Run:
        assert decision.run is not None
        return Run(self.runs.folder / decision.run)

    def _update(self, found: RunResult, plan: Plan, command: str) -> RunResult:
        """Apply the policy that the plan is asked for with to the run that has its result."""
        run = found.run
        if not _has_to_change(run, plan):
            return found
        self.ready()
        lock = self._take_over(run)
        # Another process applies one: it may be this one.
        if lock is None:
            return self.run(plan, RunOptions(), command)
        # With the lock, since another process may have applied it meanwhile.
        update = find_run_update(run, plan)
        if update is None and run.read_state().before is None:
            lock.release()
            return _show(run)
        words = "going on with it" if update is None else describe_update(update.changes)
        self.place.report(f"same result, other policy: {words}")
        options = ExecutionOptions(resume_with=command, resumed=True, update=update)
        return replace(self._execute(Attempt(run=run, lock=lock), None, options), how="updated")

    def _execute(
        self,
        attempt: Attempt,
        environment: Environment | None,
        options: ExecutionOptions,
    ) -> RunResult:
        try:
            lost = partial(self.place.stop.request, "interrupted")
            with self.runs.keep_stored(attempt.run, lost):
                carried = execute_run(
                    attempt,
                    self.place,
                    self.choose if environment is None else lambda: environment,
                    options,
                )
        finally:
            attempt.lock.release()
        return RunResult(
            run=attempt.run,
            state=carried.state,
            how="carried out",
            outcome=carried.outcome,
            shipped=carried.shipped,
        )

    def _resume(self, run: Run, environment: Environment, command: str, plan: Plan) -> RunResult:
        if run.read_workflow() is not None:
            raise Refused(
                f"{run.name} is a run of a cluster",
                fix=f"go on with it there: {command} --resume --backend argo; or a new attempt "
                f"here: {command} --again",
            )
        lock = self._take_over(run)
        # Another process resumed it first; its result is the one that was asked for.
        if lock is None:
            return self._join(run)
        attempt = Attempt(run=run, lock=lock)
        if run.read_state().has_result:
            # Somebody else resumed it, and was done before us.
            lock.release()
            return _show(run)
        update = find_run_update(run, plan)
        options = ExecutionOptions(resume_with=f"{command} --resume", resumed=True, update=update)
        return self._execute(attempt, environment, options)

    def _take_over(self, run: Run) -> RunLock | None:
        """The run's lock, once what a killed vtspec left behind is gone; None where one works."""
        self.runs.fetch(run, *ON_DEMAND)
        lock = RunLock.acquire(run.path)
        holder = run.find_holder() if lock is None else None
        if lock is not None or holder is None or _get_liveness(holder) == "alive":
            return lock or RunLock.acquire(run.path)
        self.place.report("waiting for the training that the killed vtspec had started to end")
        for number in (signal.SIGTERM, signal.SIGKILL):
            _send_signal(holder, number)
            lock = lock or RunLock.acquire(run.path, self.orphan_grace_s)
        if lock is None:
            raise Temporary(
                f"something still holds {run.path}/lock, and it is not known what",
                fix="end the processes that have it open (lsof or fuser), and try again",
            )
        return lock

    def _join(self, run: Run) -> RunResult:
        self.place.report(f"looking on at {run.name}; Ctrl-C stops looking, not the run")
        state = (
            follow_run(run, self.place.told, self.place.stop, partial(self.runs.refresh, run))
            if self.follow is None
            else self.follow(run)
        )
        if state.is_over:
            return RunResult(run=run, state=state, how="joined", outcome=find_outcome(state))
        if self.place.stop.reason is not None:
            return RunResult(run=run, state=state, how="joined", outcome=None)
        raise Permanent(
            f"{run.name} was killed while it was looked at", fix="run it again with --resume"
        )


def make_refusal(decision: Decision, command: str) -> Refused:
    """Why nothing is done about a plan whose last attempt was cut short, or which has none to go
    on with, and what to type."""
    if decision.run is None:
        return Refused(f"{decision.why}", fix=f"begin one: {command}")
    return Refused(
        f"{decision.why}",
        fix=f"{command} --resume to go on, or {command} --again for a new attempt",
    )


def _show(run: Run) -> RunResult:
    state = run.read_state()
    return RunResult(run=run, state=state, how="shown", outcome=find_outcome(state))


def _has_to_change(run: Run, plan: Plan) -> bool:
    return find_run_update(run, plan) is not None or run.read_state().before is not None


def find_run_update(run: Run, plan: Plan) -> PlanUpdate | None:
    """What the plan asks for that the run was not, its last update counted as applied."""
    state = run.read_state()
    stored = plan_from_json(run.read_plan())
    if state.sections:
        stored = apply_sections(stored, state.sections)
    return find_update(stored, plan, is_over=state.has_result)


def _read_attempt_state(run: Run) -> AttemptState:
    holder = run.find_holder()
    liveness: Liveness = "dead" if holder is None else _get_liveness(holder)
    state = run.read_state()
    # Killed while another policy was applied to it: its result is there all the same.
    status: Status = "succeeded" if state.has_result else state.status
    return AttemptState(run=run.name, status=status, liveness=liveness)


def _get_liveness(holder: LockHolder) -> Liveness:
    # A holder elsewhere cannot be asked; one that is gone here has left heirs of its lock.
    return "alive" if holder.pid is not None or not holder.is_here else "orphaned"


def _send_signal(holder: LockHolder, number: signal.Signals) -> None:
    if holder.adapter is None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if number is signal.SIGKILL:
            os.killpg(holder.adapter, number)
        else:
            os.kill(holder.adapter, number)


def find_outcome(state: RunState) -> Outcome | None:
    """How a run ended by its events; None where they tell no end."""
    ending: Ending | None = "succeeded" if state.has_result else state.ending
    if ending is None:
        return None
    failure = state.failure
    return Outcome(
        ending=ending,
        exit_code=EXIT_CODES[ending] if state.exit_code is None else state.exit_code,
        message=failure.message if failure else None,
        fix=failure.fix if failure else None,
    )


def _format_run_suffix(decision: Decision) -> str:
    return f": {decision.run}" if decision.run and decision.run not in (decision.why or "") else ""
