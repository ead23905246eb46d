"""Looking on at a run on a cluster to its end: live from its pods, in truth from the store."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.argo.pod_events import EventOrder
from vtspec.pipelines.argo.run_ending import find_ending, find_stop_reason
from vtspec.pipelines.argo.workflow_words import describe_workflow
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.execution.steps import OnEvent, OnMessage, StopSignal
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.run_mirror import RunMirror
from vtspec.pipelines.runs.state import RunState, apply_event, fold_events
from vtspec.pipelines.runs.stored_events import append_stored_event

from .kubernetes_client import KubernetesClient
from .pod_logs import PodLogs
from .run_workflow import RunWorkflow, Sighting

POLL_S: Final = 0.3


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often, in seconds, the cluster is asked and the store; how long a Workflow that is gone
    is given to come back, and pods of one that is over to end."""

    look_s: float = 2.0
    fetch_s: float = 10.0
    gone_s: float = 30.0
    end_s: float = 180.0


@dataclass(frozen=True, kw_only=True)
class FollowerCallbacks:
    """Who hears of the run, and what ends the looking. `folders` are those of a run's files that
    are wanted here beside what tells of it, `known` is what they have heard of it already. `renew`
    keeps what its pods reach the store with good: it is called often, and raises as the cluster
    does."""

    on_event: OnEvent
    report: OnMessage
    stop: StopSignal
    folders: Sequence[str] = ()
    known: RunState = field(default_factory=RunState)
    renew: Callable[[], None] = lambda: None


class RunFollower:
    """One run, looked on at from its first event on, or behind what is known. `state` is what
    was told so far."""

    def __init__(
        self,
        runs: Runs,
        run: Run,
        client: KubernetesClient,
        callbacks: FollowerCallbacks,
        pace: Pace | None = None,
    ) -> None:
        self._runs, self._run, self._client = runs, run, client
        self._callbacks, self._pace = callbacks, pace or Pace()
        self.state = callbacks.known
        self._order = EventOrder(seq=self.state.seq)
        self._words: str | None = None
        self._problem: str | None = None
        self._stored = RunState()

    def follow(self) -> RunState:
        """Tell of every event until the run has its end in the store, or `stop` is asked.

        Whoever else follows it does no harm. Where the Workflow ended and the events do not say
        how, that is written down first; where it waits longer than it may it is stopped.
        """
        self._fetch()
        workflow = self._open()
        logs = PodLogs(self._client, workflow.file.namespace, self._run.name)
        look, fetch, over = _Timer(self._pace.look_s), _Timer(self._pace.fetch_s), _Since()
        try:
            while not self._stored.is_over and self._callbacks.stop.reason is None:
                for event in logs.take(POLL_S):
                    self._tell(self._order.add_told(event))
                if look.is_due():
                    sighting = self._look(workflow, logs)
                    if sighting is not None and self._settle(sighting, over):
                        fetch.expire()
                        workflow = self._open()
                # A pod tells before it stores; what it says of an end is not taken for one.
                is_behind = self._order.lacks or self.state.is_over
                if fetch.is_due(self._pace.look_s if is_behind else None):
                    self._fetch()
            return self._stored if self._stored.is_over else self.state
        finally:
            logs.close()

    def _open(self) -> RunWorkflow:
        file = self._run.read_workflow()
        if file is None:
            raise Permanent(
                f"{self._run.name} is not carried out by a cluster",
                fix=format_command("vtspec", "status", self._run.name),
            )
        return RunWorkflow(self._client, self._run, file)

    def _look(self, workflow: RunWorkflow, logs: PodLogs) -> Sighting | None:
        """What the cluster has of it, told where it changed; None where it cannot be asked."""
        try:
            sighting = workflow.look()
            logs.follow(sighting.pods)
            if sighting.workflow is not None:
                self._tell_words(describe_workflow(sighting.workflow))
                why = find_stop_reason(sighting.workflow, datetime.now(UTC))
                if why is not None and sighting.workflow.stop_reason is None:
                    self._callbacks.report(f"{why}: it is stopped")
                    workflow.stop("Stop", why)
                if not sighting.workflow.is_over:
                    self._renew_credential()
        except Temporary as error:
            self._tell_problem(error)
            return None
        self._problem = None
        return sighting

    def _renew_credential(self) -> None:
        try:
            self._callbacks.renew()
        # The run goes on for as long as the one that it has is good.
        except (Permanent, Refused) as error:
            raise Temporary(
                f"the run's credential could not be renewed: {error.message}", fix=error.fix
            ) from error

    def _tell_words(self, words: str) -> None:
        if words != self._words:
            self._callbacks.report(words)
        self._words = words

    def _settle(self, sighting: Sighting, over: "_Since") -> bool:
        """Whether the run has come to its end on the cluster; written down where nobody did."""
        workflow = sighting.workflow
        if workflow is not None and not workflow.is_over:
            over.forget()
            return False
        waited = over.measure()
        if workflow is None and waited < self._pace.gone_s:
            return False
        if sighting.doubt is not None:
            raise sighting.doubt
        if not sighting.is_over and waited < self._pace.end_s:
            return False
        try:
            settle_run(self._runs, self._run, sighting)
        except Temporary as error:
            self._tell_problem(error)
            return False
        return True

    def _fetch(self) -> None:
        try:
            get_mirror(self._runs).fetch(self._run.name, *self._callbacks.folders)
        except Temporary as error:
            self._tell_problem(error)
            return
        events = self._run.read_events()
        self._stored = fold_events(events)
        self._tell(self._order.add_stored(events))

    def _tell_problem(self, error: Temporary) -> None:
        # The run does not need us. Said once, and then tried until somebody stops looking.
        if self._problem != error.message:
            self._callbacks.report(f"{error.message}; trying again")
        self._problem = error.message

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self.state = apply_event(self.state, event)
            self._callbacks.on_event(event, self.state)


class _Timer:
    """Whether something that is done every so many seconds is to be done now; first at once."""

    def __init__(self, every_s: float) -> None:
        self._every_s, self._done_at = every_s, -math.inf

    def is_due(self, every_s: float | None = None) -> bool:
        now = time.monotonic()
        if now - self._done_at < (self._every_s if every_s is None else every_s):
            return False
        self._done_at = now
        return True

    def expire(self) -> None:
        self._done_at = -math.inf


class _Since:
    """How long something has been so."""

    def __init__(self) -> None:
        self._at: float | None = None

    def measure(self) -> float:
        if self._at is None:
            self._at = time.monotonic()
        return time.monotonic() - self._at

    def forget(self) -> None:
        self._at = None


def settle_run(runs: Runs, run: Run, sighting: Sighting) -> RunState:
    """Write the end of a run whose Workflow is over where its events have none; its state then."""
    mirror = get_mirror(runs)
    state = append_stored_event(
        mirror.store, run.name, lambda state: find_ending(sighting.workflow, state, run.name)
    )
    mirror.forget()
    return state


def get_mirror(runs: Runs) -> RunMirror:
    """The mirror of runs that a cluster carries out. Raises `Refused` for runs in a folder."""
    if runs.mirror is None:
        raise Refused(
            f"a run on a cluster needs its runs in a store, and they are in {runs.place}",
            fix="set 'runs: s3://BUCKET/PREFIX' under 'spec' in vtspec.yaml, or add "
            "--runs s3://BUCKET/PREFIX",
        )
    return runs.mirror
