"""What runs and what it costs, with what this pass has decided so far.

So two commands that are seen at once are judged one after the other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from vtspec.pipelines.argo.workflow_state import WorkflowState
from vtspec.pipelines.estimation.estimate import Estimate
from vtspec.pipelines.runs import make_run_name
from vtspec.pipelines.runs.state import choose_attempt

from .actions import Begin, LabelRun
from .approved_runs import restore_approvals
from .digests import Target
from .markers import WordId
from .reservations import Reservation
from .view import Approval, Attempt, EndedRun, View


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What carrying out a plan would come to now: `begin` says how, None where nothing is begun;
    `run` is the run that is meant, `attempt` what is known of it."""

    begin: Begin | None
    run: str
    attempt: Attempt | None = None

    @property
    def after_seq(self) -> int | None:
        """The last event that was told of what is to go on; None where nothing is."""
        going_on = self.begin in ("resume", "completion")
        return self.attempt.state.seq if going_on and self.attempt is not None else None

    @property
    def is_completion(self) -> bool:
        """Whether a result is only completed, which counts for no limit of cost: no GPU works."""
        return self.begin == "completion"

    @property
    def counted_run(self) -> str:
        """The run that it costs something for: of a completion, the one that it completes."""
        if self.is_completion and self.attempt is not None:
            return self.attempt.run
        return self.run

    @property
    def is_at_work(self) -> bool:
        """Whether the run goes on."""
        return self.attempt is not None and self.attempt.is_at_work


class RunCost(NamedTuple):
    """What a run costs and in which currency; None where that is not known."""

    run: str
    cost: float | None
    currency: str

    def is_in(self, currency: str) -> bool:
        """Whether it can be added to what others cost in that currency."""
        return self.cost is not None and self.currency == currency


class Ledger:
    """The runs of a repository and the month's spending of its teams, in `currency`; `ended` are
    of this month, `reservations` those that are held."""

    def __init__(
        self,
        attempts: Iterable[Attempt],
        ended: Iterable[EndedRun],
        reservations: Iterable[Reservation],
        currency: str,
    ) -> None:
        self._attempts = {one.run: one for one in attempts}
        self._ended = tuple(ended)
        self._reservations = tuple(reservations)
        self._currency = currency
        # What this pass begins or labels, with the name that it is begun under: a completion has
        # one of its own.
        self._changed: dict[str, str] = {}

    def copy(self) -> "Ledger":
        """One to try something with."""
        made = Ledger(self._attempts.values(), self._ended, self._reservations, self._currency)
        made.adopt(self)
        return made

    def adopt(self, trial: "Ledger") -> None:
        """Take over what was tried."""
        self._attempts = dict(trial._attempts)
        self._changed = dict(trial._changed)

    @property
    def changed(self) -> Mapping[str, Attempt]:
        """The runs that this pass begins or labels so far, by the names that actions have for
        them."""
        return {name: self._attempts[run] for run, name in self._changed.items()}

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All runs, by their names."""
        return tuple(self._attempts[run] for run in sorted(self._attempts))

    def list_by_plan(self, plan_id: str) -> list[Attempt]:
        """The attempts of a plan, the oldest first."""
        found = (one for one in self._attempts.values() if one.plan_id == plan_id)
        return sorted(found, key=lambda one: one.number)

    def list_wanted(self, pull_request: int) -> list[Attempt]:
        """The runs at work that a pull request wants."""
        return [one for one in self.attempts if one.is_at_work and one.wanted_by.get(pull_request)]

    def list_begun_by(self, word: WordId) -> list[Attempt]:
        """The runs that a command, a review or a merge has had carried out."""
        return [one for one in self.attempts if any(each.word == word for each in one.approvals)]

    def count_spent(self, team: str, but_for: str | None = None) -> float:
        """What a team's runs have cost this month; those at work count with their estimate, and
        those that are to come with what is reserved for them, but for one that is to be begun.
        Those in another currency do not."""
        counted = (
            one for one in self._list_costs(team, but_for) if one.currency == self._currency
        )
        return sum(one.cost or 0.0 for one in counted)

    def find_uncounted(self, team: str, but_for: str | None = None) -> RunCost | None:
        """One of those whose cost is not known, or told in another currency."""
        every = self._list_costs(team, but_for)
        return next((one for one in every if not one.is_in(self._currency)), None)

    def _list_costs(self, team: str, but_for: str | None) -> Iterator[RunCost]:
        for ended in self._ended:
            if ended.team == team:
                yield RunCost(ended.run, ended.cost, ended.currency)
        for one in self._attempts.values():
            if one.team == team and one.is_at_work:
                yield RunCost(one.run, one.cost, one.currency)
        for held in self._reservations:
            if held.team == team and held.run != but_for and self._is_to_come(held):
                yield RunCost(held.run, held.cost, held.currency or self._currency)

    def _is_to_come(self, one: Reservation) -> bool:
        """Whether what is reserved is not counted as a run yet."""
        attempt = self._attempts.get(one.run)
        if attempt is None:
            return True
        has_ended_since = attempt.state.is_over and attempt.state.seq > one.after_seq
        return not (attempt.is_at_work or has_ended_since)

    def find_standing(self, target: Target, name_completion: str | None) -> Standing:
        """What carrying out a plan would come to; `name_completion` is the name of the completion
        that its result lacks, None where it lacks none."""
        plan_id = target.plan.id
        attempts = self.list_by_plan(plan_id)
        if not attempts:
            return Standing(begin="new", run=make_run_name(plan_id, 1))
        chosen = attempts[choose_attempt([one.standing for one in attempts])]
        last = attempts[-1]
        match chosen.standing:
            case "running":
                return Standing(begin=None, run=chosen.run, attempt=chosen)
            case "done" if name_completion is not None:
                return Standing(begin="completion", run=name_completion, attempt=chosen)
            case "done":
                return Standing(begin=None, run=chosen.run, attempt=chosen)
            case "cut short":
                return Standing(begin="resume", run=last.run, attempt=last)
            case "failed":
                return self.find_next(target)

    def find_next(self, target: Target) -> Standing:
        """Another attempt of a plan; the last one where nothing but its name was taken yet."""
        attempts = self.list_by_plan(target.plan.id)
        if attempts and attempts[-1].is_only_named:
            attempts.pop()
        number = attempts[-1].number + 1 if attempts else 1
        run = make_run_name(target.plan.id, number)
        last = attempts[-1] if attempts else None
        return Standing(begin="again", run=run, attempt=last)

    def begin_run(
        self, target: Target, standing: Standing, approval: Approval, team: str | None
    ) -> None:
        """Count a run that is to be carried out as one at work."""
        run, number = standing.counted_run, 1
        before = standing.attempt
        if before is not None:
            number = before.number + 1 if standing.begin == "again" else before.number
        plan = target.plan
        self._changed[run] = standing.run
        self._attempts[run] = Attempt(
            run=run,
            spec=plan.name,
            plan_id=plan.id,
            digest=plan.digest,
            number=number,
            workflow=WorkflowState(phase="waiting"),
            approvals=(*_keep_approvals(before, standing), approval),
            wanted_by={approval.pull_request: True},
            team=team,
            # What the result cost is counted already.
            cost=0.0 if standing.is_completion else plan.estimate.cost,
            currency=plan.estimate.currency,
        )

    def hold(self, reservation: Reservation) -> None:
        """Count what is reserved for a run that is to come."""
        self._reservations = (*self._reservations, reservation)

    def stop_run(self, run: str) -> None:
        """Note that the cluster is told to stop a run."""
        self._attempts[run] = replace(self._attempts[run], is_stopping=True)

    def label_run(
        self, run: str, pull_request: int, approval: Approval | None, cause: int | None = None
    ) -> LabelRun:
        """What has a pull request want a run, by an approval, or no more, by none; it is taken for
        done."""
        before = self._attempts[run]
        self._changed.setdefault(run, run)
        self._attempts[run] = replace(
            before,
            wanted_by={**before.wanted_by, pull_request: approval is not None},
            approvals=before.approvals if approval is None else (*before.approvals, approval),
        )
        return LabelRun(
            run=run,
            pull_request=pull_request,
            is_wanted=approval is not None,
            approval=approval,
            uid=before.workflow_uid,
            known=tuple(one for one in before.approvals if one.pull_request == pull_request),
            cause=cause,
        )


def _keep_approvals(before: Attempt | None, standing: Standing) -> tuple[Approval, ...]:
    if before is None or standing.begin == "again":
        return ()
    return before.approvals


def open_ledger(view: View) -> Ledger:
    """The ledger as a view begins it: what has ended this calendar month (UTC) is spent."""
    month = (view.now.year, view.now.month)
    ended = (one for one in view.ended if (one.ended.year, one.ended.month) == month)
    held = (one for one in view.reservations if one.is_held(view.now))
    return Ledger(restore_approvals(view), ended, held, view.project.prices.currency)


def make_reservation(
    target: Target, standing: Standing, team: str | None, view: View
) -> Reservation | None:
    """What is reserved for a run that is to be begun; None where nothing limits what it costs."""
    if standing.is_completion or team is None:
        return None
    after_seq = -1 if standing.after_seq is None else standing.after_seq
    return reserve_cost(standing.counted_run, target.plan.estimate, team, after_seq, view)


def reserve_cost(
    run: str, estimate: Estimate, team: str, after_seq: int, view: View
) -> Reservation | None:
    """The same of a run by its name, of which `after_seq` is the last event that was told."""
    if view.project.teams[team].limits.cost_per_month is None or estimate.cost is None:
        return None
    return Reservation(
        run=run,
        team=team,
        cost=estimate.cost,
        after_seq=after_seq,
        at=view.now,
        currency=estimate.currency,
    )
