"""From a plan to its result on this machine: begin, resume, join, or show what is there."""

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.execution.steps import EXIT_CODES, Outcome
from vtspec.pipelines.runs import Attempt, Holder, Run, RunLock, Runs
from vtspec.pipelines.runs.state import RunState

from .attach import follow
from .next_action import Choice, Decision, Liveness, Seen, decide
from .runner import Place, carry_run

ORPHAN_GRACE_S = 60.0
"""How long the adapter of a killed vtspec may take to write its checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of asking for a plan's result.

    `how` says whether the run was carried out here, by another process that was looked at, or
    before. `outcome` is None where somebody stopped looking on.
    """

    run: Run
    state: RunState
    how: Literal["carried out", "joined", "shown"]
    outcome: Outcome | None
    shipped: Any = None


@dataclass(frozen=True, kw_only=True)
class Local:
    """Carries plans out on this machine.

    `choose` finds the framework's environment before a run's folder is made, so that one that
    cannot be had leaves no failed run behind. `ready` raises where something else is missing.
    """

    runs: Runs
    place: Place
    choose: Callable[[], Environment]
    ready: Callable[[], None]
    orphan_grace_s: float = ORPHAN_GRACE_S

    def run(self, plan: Mapping[str, Any], choice: Choice, command: str) -> Result:
        """The result of the plan. `command` is what a person typed, without `--resume`.

        Raises `Refused` where the last attempt was cut short and nobody said what to do about it.
        """
        decision = self._decide(plan, choice)
        environment, attempt = None, None
        if decision.action in ("begin", "resume"):
            with self.place.stop.interrupting():
                self.ready()
                environment = self.choose()
        if decision.action == "begin":
            with self.runs.deciding():
                # Another process may have begun meanwhile.
                decision = self._decide(plan, choice)
                if decision.action == "begin":
                    attempt = self.runs.new_attempt(plan)
        if decision.why and decision.action != "refuse":
            self.place.report(f"{decision.why}{_named(decision)}")
        match decision.action:
            case "begin":
                assert environment is not None and attempt is not None
                return self._carry(attempt, environment, command, resumed=False)
            case "resume":
                assert environment is not None
                return self._resume(self._named(decision), environment, command)
            case "attach":
                return self._join(self._named(decision))
            case "show":
                run = self._named(decision)
                return Result(run=run, state=run.state(), how="shown", outcome=_ended(run.state()))
            case "refuse":
                raise Refused(
                    f"{decision.why}",
                    fix=f"{command} --resume to go on, or {command} --again for a new attempt",
                )

    def would_begin(self, plan: Mapping[str, Any], choice: Choice) -> bool:
        """Whether carrying the plan out would begin or resume anything."""
        return self._decide(plan, choice).action in ("begin", "resume")

    def _decide(self, plan: Mapping[str, Any], choice: Choice) -> Decision:
        return decide([_seen(run) for run in self.runs.of_plan(str(plan["id"]))], choice)

    def _named(self, decision: Decision) -> Run:
        assert decision.run is not None
        return Run(self.runs.folder / decision.run)

    def _carry(
        self, attempt: Attempt, environment: Environment, command: str, *, resumed: bool
    ) -> Result:
        try:
            carried = carry_run(
                attempt,
                self.place,
                environment,
                resumed=resumed,
                resume_with=f"{command} --resume",
            )
        finally:
            attempt.lock.release()
        return Result(
            run=attempt.run,
            state=carried.state,
            how="carried out",
            outcome=carried.outcome,
            shipped=carried.shipped,
        )

    def _resume(self, run: Run, environment: Environment, command: str) -> Result:
        lock = self._taken_over(run)
        if lock is None:
            return self._join(run)
        attempt = Attempt(run=run, lock=lock)
        state = run.state()
        if state.status == "succeeded":
            # Somebody else resumed it, and was done before us.
            lock.release()
            return Result(run=run, state=state, how="shown", outcome=_ended(state))
        return self._carry(attempt, environment, command, resumed=True)

    def _taken_over(self, run: Run) -> RunLock | None:
        """The run's lock, once what a killed vtspec left behind is gone; None where one works."""
        lock = RunLock.acquire(run.path)
        holder = run.holder() if lock is None else None
        if lock is not None or holder is None or _liveness(holder) == "alive":
            return lock or RunLock.acquire(run.path)
        self.place.report("waiting for the training that the killed vtspec had started to end")
        for number in (signal.SIGTERM, signal.SIGKILL):
            _tell(holder, number)
            lock = lock or RunLock.acquire(run.path, self.orphan_grace_s)
        if lock is None:
            raise Temporary(
                f"something still holds {run.path}/lock, and it is not known what",
                fix="end the processes that have it open (lsof or fuser), and try again",
            )
        return lock

    def _join(self, run: Run) -> Result:
        self.place.report(f"looking on at {run.name}; Ctrl-C stops looking, not the run")
        state = follow(run, self.place.told, self.place.stop)
        if state.is_over:
            return Result(run=run, state=state, how="joined", outcome=_ended(state))
        if self.place.stop.reason is not None:
            return Result(run=run, state=state, how="joined", outcome=None)
        raise Permanent(
            f"{run.name} was killed while it was looked at", fix="run it again with --resume"
        )


def _seen(run: Run) -> Seen:
    holder = run.holder()
    liveness: Liveness = "dead" if holder is None else _liveness(holder)
    return Seen(run=run.name, status=run.state().status, liveness=liveness)


def _liveness(holder: Holder) -> Liveness:
    # A holder elsewhere cannot be asked; one that is gone here has left heirs of its lock.
    return "alive" if holder.pid is not None or not holder.is_here else "orphaned"


def _tell(holder: Holder, number: signal.Signals) -> None:
    if holder.adapter is None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if number is signal.SIGKILL:
            os.killpg(holder.adapter, number)
        else:
            os.kill(holder.adapter, number)


def _ended(state: RunState) -> Outcome | None:
    ending = state.ending
    if ending is None:
        return None
    failure = state.failure
    return Outcome(
        ending=ending,
        exit_code=EXIT_CODES[ending] if state.exit_code is None else state.exit_code,
        message=failure.message if failure else None,
        fix=failure.fix if failure else None,
    )


def _named(decision: Decision) -> str:
    return f": {decision.run}" if decision.run and decision.run not in (decision.why or "") else ""
