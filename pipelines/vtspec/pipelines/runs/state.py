"""Events added up to the state of a run. Pure: no clock, no file; no event can make it raise."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Final, Literal, TypeAlias, assert_never

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.language import Sentence, Tongue

from .events import (
    ADAPTER_STEPS,
    STEPS,
    DataVerified,
    Ending,
    Evaluated,
    Event,
    Exported,
    Failed,
    GitState,
    Message,
    Predicted,
    Printed,
    ReportWritten,
    ResultEvent,
    RunEvent,
    RunFinished,
    RunResumed,
    RunStarted,
    RunUpdated,
    StepEvent,
    StepFinished,
    StepStarted,
    TrainAdapted,
    TrainCheckpoint,
    TrainEpoch,
    TrainFinished,
    TrainProgress,
    TrainStarted,
    Unknown,
    Warned,
)
from .frozen_copy import replace
from .training_state import Training, apply_training, pause_training

PLAN_FILE: Final = "plan.json"
"""The plan that trained, in the folder of its run."""

MODEL_FOLDER: Final = "model"
CHECKPOINTS_FOLDER: Final = "checkpoints"
"""Folders of a run: what was exported, and what training goes on from."""

_COMPLETION: Final = re.compile(r"[a-z0-9-]+-c[0-9a-f]{6}")

Status: TypeAlias = Literal["queued", "running"] | Ending
"""`queued`: nothing happened yet; `running`: no terminal event (its process may be dead all the
same, which only a lock tells); the rest is the ending of the terminal event."""


Standing: TypeAlias = Literal["running", "done", "failed", "cut short"]
"""What an attempt of a plan is to the next one: at work, the plan's result, nothing, or open."""


def find_standing(status: Status, *, is_worked_on: bool) -> Standing:
    """Where an attempt stands; its status alone does not tell a run at work from a killed one."""
    if is_worked_on:
        return "running"
    match status:
        case "succeeded":
            return "done"
        case "failed" | "crashed" | "refused":
            return "failed"
        case "queued" | "running" | "interrupted" | "stopped":
            return "cut short"
        case _:
            assert_never(status)


def choose_attempt(standings: Sequence[Standing]) -> int:
    """Which attempt says what a plan has come to, of at least one, the oldest first; its index.

    The last one, save that a later attempt without a result takes none away.
    """
    last = len(standings) - 1
    if standings[last] == "running":
        return last
    done = (n for n in range(last, -1, -1) if standings[n] == "done")
    return next(done, last)


def describe_later_attempt(run: str, status: Status) -> str:
    """What a person is told of an attempt without a result, where an earlier one has one."""
    go_on = format_command("vtspec", "run", run, "--resume")
    return f"{run} is later and {describe_ending(status)} (go on with it: {go_on})"


def describe_ending(status: Status, tongue: Tongue = "en") -> str:
    """How a run that nobody works on ended, behind its name: `failed`, `was stopped`."""
    if tongue == "ko":
        return _KOREAN_ENDINGS[status]
    if status in ("failed", "crashed", "succeeded"):
        return status
    return "was killed" if status in ("queued", "running") else f"was {status}"


_KOREAN_ENDINGS: Final[dict[Status, str]] = {
    "queued": "강제 종료됨",
    "running": "강제 종료됨",
    "succeeded": "성공",
    "failed": "실패",
    "crashed": "비정상 종료",
    "refused": "거부됨",
    "interrupted": "중단됨",
    "stopped": "중지됨",
}


@dataclass(frozen=True, kw_only=True)
class StepState:
    """One step of a run: `ending` is None while it works, or where it was cut short.

    `seconds` are those of all its tries that are over, `begun_s` of the run at the last one's.
    """

    ending: str | None = None
    exit_code: int | None = None
    seconds: float | None = None
    begun_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a run did not succeed, as a person should read it."""

    message: str
    fix: str | None = None
    traceback: str | None = None
    cause: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunClock:
    """When a run began, when it last told something, and the seconds that it worked.

    `seconds` adds up the time of its parts (first start to interruption, resume to end), without
    the pauses between them, of which there were `pauses`. `before_report_s` is what of them had
    passed when its report was begun.
    """

    started: str | None = None
    updated: str | None = None
    seconds: float = 0.0
    pauses: int = 0
    before_report_s: float | None = None
    _at: float | None = None

    @property
    def result_s(self) -> float:
        """The seconds that the result took, so far: what estimates and people are told.

        The report is no part of them: it could not tell how long it will have taken itself.
        """
        return self.seconds if self.before_report_s is None else self.before_report_s


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What its last start said that a run is carried out on, and of which plan it is."""

    plan_id: str | None = None
    plan_digest: str | None = None
    backend: str | None = None
    environment: str | None = None
    machine: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, object] = field(default_factory=dict)
    git: GitState | None = None


@dataclass(frozen=True, kw_only=True)
class FinalMetrics:
    """What the best checkpoint measured on a split; empty before it was evaluated."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    split: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExportedModel:
    """The model in one format; `max_difference` is between its outputs and the checkpoint's."""

    path: str
    max_difference: float | None


@dataclass(frozen=True, kw_only=True)
class WrittenReport:
    """Where the report is, and the name of its verdict; None before it is written."""

    path: str | None = None
    verdict: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunState:
    """All that is known of a run from its events.

    `told` numbers the last line of the present step's adapter; `data` is the folder of the
    verified data; `exports` are by format, `artifacts` checksums by path. `sections` are what
    updates put into the plan, `completion` is its name where the result was there before;
    `before` is the result that an update at work began from; `undone_update` says what the last
    one was and why it failed, where it did and left the result as it was. `workflow` is which
    Workflow of a cluster carries out what was begun last, where that was told.
    """

    seq: int = -1
    run: str | None = None
    attempt: int = 1
    status: Status = "queued"
    step: str | None = None
    steps: Mapping[str, StepState] = field(default_factory=dict)
    told: int = 0
    clock: RunClock = field(default_factory=RunClock)
    provenance: Provenance = field(default_factory=Provenance)
    data: str | None = None
    training: Training = field(default_factory=Training)
    final: FinalMetrics = field(default_factory=FinalMetrics)
    exports: Mapping[str, ExportedModel] = field(default_factory=dict)
    report: WrittenReport = field(default_factory=WrittenReport)
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None
    exit_code: int | None = None
    artifacts: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, object] = field(default_factory=dict)
    completion: str | None = None
    before: "RunState | None" = None
    undone_update: Sentence | None = None
    workflow: Mapping[str, str] = field(default_factory=dict)

    @property
    def ending(self) -> Ending | None:
        """How the run ended, or None where it has no terminal event."""
        status = self.status
        return None if status == "queued" or status == "running" else status

    @property
    def is_adapted(self) -> bool:
        """Whether training went on otherwise than planned, so that it is no plan's result."""
        return bool(self.training.adaptations)

    @property
    def has_result(self) -> bool:
        """Whether it succeeded, if perhaps with another policy than is being applied now."""
        return self.status == "succeeded" or self.before is not None

    @property
    def is_over(self) -> bool:
        """Whether the last thing that happened to the run is its end."""
        return self.ending is not None

    @property
    def plan_file(self) -> str:
        """The name of the file with the plan as it is asked for now, in the run's folder."""
        # A damaged line names no file outside of it.
        if self.completion is None or not _COMPLETION.fullmatch(self.completion):
            return PLAN_FILE
        return f"{self.completion}.json"

    def has_done(self, step: str) -> bool:
        """Whether the step has finished well, in this part of the run or an earlier one."""
        found = self.steps.get(step)
        return found is not None and found.ending == "succeeded"


def find_remaining_steps(state: RunState) -> tuple[str, ...]:
    """The steps that a run still has to do, the data being checked anew before them."""
    left = [step for step in STEPS if not state.has_done(step)]
    # It may go on on another machine, where the data was never checked.
    needs_data = any(step in ADAPTER_STEPS for step in left)
    return tuple(step for step in STEPS if step in left or (step == "data" and needs_data))


def undo_steps(state: RunState, steps: Sequence[str]) -> RunState:
    """The state with these steps still to be done."""
    left = {name: step for name, step in state.steps.items() if name not in steps}
    return replace(state, steps=left)


def fold_events(events: Iterable[Event]) -> RunState:
    """The state after the events, whatever their order and however often each is repeated."""
    return reduce(apply_event, sorted(events, key=lambda event: event.seq), RunState())


def apply_event(state: RunState, event: Event) -> RunState:
    """The state after one more event; one that was seen already changes nothing.

    A kind that is not known moves the clock and nothing else.
    """
    if event.seq <= state.seq:
        return state
    state = _advance_clock(state, event)
    match event.body:
        case RunStarted() | RunResumed() | RunUpdated() | RunFinished() as told:
            return _apply_run(state, told)
        case StepStarted() | StepFinished() as told:
            return _apply_step(state, event.step, told)
        case (
            TrainStarted()
            | TrainProgress()
            | TrainEpoch()
            | TrainCheckpoint()
            | TrainAdapted()
            | TrainFinished()
        ) as told:
            now = state.clock._at if event.elapsed is None else event.elapsed
            training = apply_training(state.training, told, now)
            return replace(state, training=training)
        case Evaluated() | Exported() | Predicted() | DataVerified() | ReportWritten() as told:
            return _apply_result(state, told)
        case Warned() | Failed() | Printed() as told:
            return _apply_message(state, told)
        # A later vtspec's event is no reason to show nothing of a run.
        case Unknown():
            return state
        case _ as never:
            assert_never(never)


def _advance_clock(state: RunState, event: Event) -> RunState:
    at, before = _parse_timestamp(event.time), state.clock
    begins = isinstance(event.body, RunStarted | RunResumed | RunUpdated)
    if state.before is not None or isinstance(event.body, RunUpdated):
        # What is made anew of a result is not what it took, and no part of its time limit.
        seconds = before.seconds
    elif event.elapsed is not None:
        seconds = max(before.seconds, event.elapsed)
    else:
        # An earlier vtspec told the time alone. The pause before a start or a resume is nobody's
        # work.
        spent = 0.0 if begins or at is None or before._at is None else at - before._at
        seconds = before.seconds + max(0.0, spent)
    # Each step's adapter counts its lines anew.
    told = 0 if isinstance(event.body, StepStarted) else event.n
    return replace(
        state,
        seq=event.seq,
        # The first one names the run; a line that was copied in from another does not rename it.
        run=state.run or event.run or None,
        attempt=event.attempt,
        told=told if told is not None else state.told,
        clock=replace(
            before,
            # A clock that nobody can read leaves the last one standing.
            updated=event.time if at is not None else before.updated,
            seconds=seconds,
            _at=at if at is not None else before._at,
        ),
    )


def _apply_run(state: RunState, told: RunEvent) -> RunState:
    match told:
        case RunStarted():
            return _apply_run_started(state, told)
        case RunResumed():
            # What is made anew of a result is no part of its time, nor is a break in that.
            pauses = state.clock.pauses + (state.before is None)
            return replace(
                state,
                status="running",
                step=None,
                steps={name: _close_try(step, state.clock) for name, step in state.steps.items()},
                clock=replace(state.clock, pauses=pauses),
                failure=None,
                exit_code=None,
                training=pause_training(state.training),
                workflow=told.workflow,
            )
        case RunUpdated():
            return _apply_run_updated(state, told)
        case RunFinished(ending="failed" | "crashed" | "refused") if state.before is not None:
            return _restore_result(state, state.before, told)
        # Nothing was begun that could end: an earlier vtspec wrote this where it could not begin.
        case RunFinished() if state.status == "succeeded" != told.ending:
            return _restore_result(state, state, told)
        case RunFinished():
            return replace(
                state,
                # No ending is final: a resume begins a new part after it.
                status=told.ending,
                step=None,
                exit_code=told.exit_code,
                failure=_explain_ending(state.failure, told),
                artifacts=told.artifacts,
                training=pause_training(state.training),
                before=None if told.ending == "succeeded" else state.before,
            )
        case _:
            assert_never(told)


def _apply_run_updated(state: RunState, told: RunUpdated) -> RunState:
    return replace(
        state,
        status="running",
        step=None,
        steps=undo_steps(state, told.steps).steps,
        # The folder is written anew, and what the new plan leaves out goes with the old one.
        exports={} if "export" in told.steps else state.exports,
        failure=None,
        exit_code=None,
        provenance=replace(state.provenance, plan_digest=told.plan_digest),
        # Each was asked of the plan as the one before it had left it.
        sections={**state.sections, **told.sections},
        completion=told.completion,
        undone_update=None,
        workflow=told.workflow,
        before=state if state.status == "succeeded" else state.before,
    )


def _restore_result(state: RunState, before: RunState, told: RunFinished) -> RunState:
    """The result as it was: an update that fails takes nothing away from a run that is done."""
    failure = _explain_ending(state.failure, told)
    why = f": {failure.message}" if failure is not None else ""
    begun = state.completion if state.before is not None else None
    name, korean = begun or "its last change of policy", begun or "마지막 정책 변경"
    return replace(
        before,
        seq=state.seq,
        attempt=state.attempt,
        told=state.told,
        clock=state.clock,
        undone_update=Sentence(
            en=f"{name} {describe_ending(told.ending)}, and the result stays as it was{why}",
            ko=f"{korean} {describe_ending(told.ending, 'ko')}, 결과는 그대로입니다{why}",
        ),
    )


def _apply_run_started(state: RunState, told: RunStarted) -> RunState:
    return replace(
        state,
        status="running",
        clock=replace(state.clock, started=state.clock.updated),
        provenance=Provenance(
            plan_id=told.plan_id,
            plan_digest=told.plan_digest,
            backend=told.backend,
            environment=told.environment,
            machine=told.machine,
            versions=told.versions,
            git=told.git,
        ),
        training=replace(
            state.training,
            epochs=told.epochs or state.training.epochs,
            monitor=told.monitor or state.training.monitor,
        ),
    )


def _explain_ending(known: Failure | None, told: RunFinished) -> Failure | None:
    if told.ending == "succeeded":
        return None
    if told.message is None:
        return known
    # The terminal event speaks for the run; only the step's own has the traceback.
    trace, cause = (known.traceback, known.cause) if known is not None else (None, None)
    return Failure(message=told.message, fix=told.fix, traceback=trace, cause=cause)


def _apply_step(state: RunState, name: str | None, told: StepEvent) -> RunState:
    # An event of a step that names none could only be put to the wrong one.
    if not name:
        return state
    match told:
        case StepStarted():
            return _begin_step(state, name)
        case StepFinished():
            before = state.steps.get(name, StepState())
            done = replace(
                before,
                ending=told.ending or "crashed",
                exit_code=told.exit_code,
                seconds=_add_seconds(before.seconds, told.seconds),
            )
            return replace(state, step=None, steps={**state.steps, name: done})
        case _:
            assert_never(told)


def _begin_step(state: RunState, name: str) -> RunState:
    clock, earlier = state.clock, state.steps.get(name, StepState())
    if name == "report" and clock.before_report_s is None:
        clock = replace(clock, before_report_s=clock.seconds)
    begun = StepState(seconds=earlier.seconds, begun_s=clock.seconds)
    return replace(state, step=name, steps={**state.steps, name: begun}, clock=clock)


def _close_try(step: StepState, clock: RunClock) -> StepState:
    """The step with the time of a try that nobody saw the end of."""
    if step.ending is not None:
        return step
    return replace(step, seconds=_add_seconds(step.seconds, clock.seconds - step.begun_s))


def _add_seconds(before: float | None, more: float | None) -> float | None:
    told = [one for one in (before, more) if one is not None]
    return round(sum(told), 3) if told else None


def _apply_result(state: RunState, told: ResultEvent) -> RunState:
    match told:
        case Evaluated():
            return _apply_evaluated(state, told)
        case Exported(format=str() as name, path=str() as path):
            model = ExportedModel(path=path, max_difference=told.max_difference)
            return replace(state, exports={**state.exports, name: model})
        # An export without a format or a path is nothing that anybody could load.
        case Exported() | Predicted():
            return state
        case DataVerified():
            return replace(state, data=told.path or state.data)
        case ReportWritten():
            return replace(state, report=WrittenReport(path=told.path, verdict=told.verdict))
        case _:
            assert_never(told)


def _apply_evaluated(state: RunState, told: Evaluated) -> RunState:
    best = told.checkpoint_epoch
    return replace(
        state,
        final=FinalMetrics(metrics=told.metrics, split=told.split),
        # It is the evaluation that loaded the best checkpoint, and so knows which it was.
        training=state.training if best is None else replace(state.training, best_epoch=best),
    )


def _apply_message(state: RunState, told: Message) -> RunState:
    match told:
        case Warned(message=message):
            # Every epoch may warn of the same; a person reads it once.
            if message is None or message in state.warnings:
                return state
            return replace(state, warnings=(*state.warnings, message))
        # What could not begin after a result is no failure of that.
        case Failed() if state.status == "succeeded":
            return state
        case Failed():
            # Said by the step itself, before the run's end says it again in other words.
            failure = Failure(
                message=told.message or "the step failed and did not say why",
                fix=told.fix,
                traceback=told.traceback,
                cause=told.cause,
            )
            return replace(state, failure=failure)
        case Printed():
            return state
        case _:
            assert_never(told)


def _parse_timestamp(time: str) -> float | None:
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
