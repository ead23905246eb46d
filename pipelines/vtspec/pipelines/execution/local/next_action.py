"""What `run` does about a plan, given the attempts there are. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from vtspec.pipelines.runs.state import (
    Standing,
    Status,
    choose_attempt,
    describe_later_attempt,
    find_standing,
)

Liveness = Literal["alive", "orphaned", "dead"]
"""`orphaned`: vtspec was killed, and the adapter that it had started still lives."""

Action = Literal["begin", "resume", "attach", "show", "refuse"]


@dataclass(frozen=True, kw_only=True)
class AttemptState:
    """One attempt of the plan as it was found."""

    run: str
    status: Status
    liveness: Liveness


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a person asked for beside the plan; `run` is the attempt that they named, if any."""

    resume: bool = False
    again: bool = False
    run: str | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do, with which run (None for a new one), and why, for a person to read."""

    action: Action
    run: str | None = None
    why: str | None = None


def decide(attempts: Sequence[AttemptState], choice: RunOptions) -> Decision:
    """The plan's last attempt decides, or a finished one before it, whose result stays.

    A person's `--again` or `--resume` helps where it is open; who names an attempt to go on with
    means that one, as the first, which is called as the plan is. One that is being worked on is
    joined whatever was asked: its result is the plan's result. Who goes on where nothing was begun
    may mean another plan, whose spec was edited since.
    """
    attempts = _choose_named(attempts, choice)
    if not attempts:
        why = "there is no attempt of this plan to resume" if choice.resume else None
        return Decision(action="refuse" if choice.resume else "begin", why=why)
    last = attempts[-1]
    standings: list[Standing] = [
        find_standing(one.status, is_worked_on=one.liveness == "alive") for one in attempts
    ]
    standing, counts = standings[-1], attempts[choose_attempt(standings)]
    # Two processes on one plan would train the same thing twice.
    if standing == "running":
        return Decision(action="attach", run=last.run, why="it is being carried out already")
    if choice.again:
        return Decision(action="begin", why=f"{last.run} stays as it is")
    # Only a person knows whether a later attempt is still wanted.
    if counts is not last and not choice.resume:
        later = describe_later_attempt(last.run, last.status)
        why = f"this plan has been carried out: {counts.run}; {later}"
        return Decision(action="show", run=counts.run, why=why)
    match standing:
        case "done":
            return Decision(action="show", run=last.run, why="this plan has been carried out")
        case "failed":
            if choice.resume:
                return Decision(action="resume", run=last.run)
            return Decision(action="begin", why=f"{last.run} {last.status}")
        case "cut short":
            if choice.resume:
                return Decision(action="resume", run=last.run)
            return Decision(action="refuse", run=last.run, why=_explain_interruption(last))
        case _:
            assert_never(standing)


def _choose_named(attempts: Sequence[AttemptState], choice: RunOptions) -> Sequence[AttemptState]:
    """The attempt alone that is to go on by its name, unless the last one is being worked on."""
    if not choice.resume or not attempts or attempts[-1].liveness == "alive":
        return attempts
    return [one for one in attempts if one.run == choice.run] or attempts


def _explain_interruption(last: AttemptState) -> str:
    if last.status in ("interrupted", "stopped"):
        return f"{last.run} was {last.status} before its end"
    if last.liveness == "orphaned":
        return f"vtspec was killed in {last.run}, and its training still runs on its own"
    return f"{last.run} was killed before its end"
