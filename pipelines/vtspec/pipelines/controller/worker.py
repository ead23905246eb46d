"""A repository looked after for as long as a process lives: at what it is told of, and anyway."""

import math
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.operations.cluster_workflows import renew_credentials
from vtspec.pipelines.operations.sync import choose_target, sync_runs
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.redaction import make_redactor
from vtspec.pipelines.runs import Runs
from vtspec.schema.problem import SpecError

from .actions import Action, OnCluster, find_subject
from .commit_status import build_obstacle
from .effects import Effects, tells_of_runs
from .observation import observe_site, survey_site
from .reconcile import EVERY_PART, Part, find_next_looks, reconcile_each
from .site import Reason, Site
from .view import View
from .write_queue import Key, WriteQueue

if TYPE_CHECKING:
    from vtspec.pipelines.forge.forge import PullRequest

SWEEP_S: Final = 60.0
"""After which time everything is looked at although nothing was told: webhooks are lost."""

TRACKING_S: Final = 20.0
"""How often MLflow is sent what runs have told."""

_SOONEST_S: Final = 1.0
_LATEST_S: Final = 300.0

_AWAY_S: Final = 10.0
"""How long at the most a forge or a cluster is left alone that is away, and did not ask for it."""

_LEFT_OUT_S: Final = 5.0
"""How soon a pull request is looked at again that could not be looked at."""

_MOST_AT_ONCE: Final = 5
"""Pull requests in one look at what nobody waits for, so that who does waits for few."""

_QUIET_S: Final = 2.0
"""How long nothing is told of before everything is looked at."""

_EVERYTHING: Final = None
"""In place of a pull request's number."""

HandOver: TypeAlias = Callable[[Collection[int] | None, Sequence[Action]], None]
"""Takes what a look at these pull requests, or at all, would have written."""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What a look has come to: how much was to be done, after how many seconds what failed is to
    be tried again, None where nothing did, and of which pull requests that was, None for a run
    alone; for how long nobody wants to be asked; and the pull requests that are to be looked at
    once more although nothing is told of them, each after its seconds. `left_out` are those that
    could not be looked at, `view` is what was seen of the others.
    """

    actions: int
    delay_s: float | None
    behind: Collection[int | None] = ()
    patience_s: float = 0.0
    due: Mapping[int, float] = field(default_factory=dict)
    left_out: Mapping[int, Reason] = field(default_factory=dict)
    view: View | None = None


def survey_once(site: Site, report: Callable[[str], None]) -> Pass:
    """Find what there is to look at, and have it looked at next. Raises as `serve_once`."""
    with _telling_obstacles(site):
        survey = survey_site(site)
    _report_run_errors(site, report)
    site.repository = survey.repository
    _renew_credentials(site, survey.repository, report)
    left_out = _note_left_out(site, survey.left_out, report)
    due = dict.fromkeys(survey.numbers, 0.0) | left_out
    return Pass(actions=0, delay_s=None, due=due, left_out=survey.left_out)


def serve_once(
    site: Site,
    report: Callable[[str], None],
    numbers: Collection[int] | None = None,
    hand_over: HandOver | None = None,
    parts: Sequence[Part] = EVERY_PART,
) -> Pass:
    """Look at these pull requests, or at everything; decide; act. What is to be written is handed
    over, or else written now. Raises as `observe_site` does, after the open pull requests were
    told so where waiting does not help; what one action comes upon is reported and tried again."""
    with _telling_obstacles(site):
        observed = observe_site(site, numbers)
    _report_run_errors(site, report)
    site.repository = observed.repository
    due = {number: one.total_seconds() for number, one in find_next_looks(observed.view).items()}
    decided = reconcile_each(observed.view, parts)
    actions, view = decided.actions, decided.view
    left_out = {**observed.left_out, **site.note_faults(decided.pull_faults)}
    for run, error in decided.run_faults.items():
        report(f"what {run} has come to is not known: {site.note_fault(error)}")
    due |= _note_left_out(site, left_out, report)
    effects = Effects(
        site=site,
        repository=observed.repository,
        report=report,
        reserved=observed.reservations,
        tongues={one.pull.number: detect_language([one.pull.title]) for one in view.pull_requests},
    )
    writes = effects.act(actions)
    if effects.unbegun:
        # How runs go is told as it was seen, and the next look tells of those that were begun.
        seen = reconcile_each(view, [one for one in parts if one != "apply"]).actions
        writes += [one for one in seen if tells_of_runs(one)]
    if hand_over is None:
        effects.write(writes)
    else:
        beside = {one.pull.number for one in view.pull_requests}
        hand_over(None if numbers is None else beside | {*numbers}, writes)
    if numbers is None:
        _renew_credentials(site, observed.repository, report)
    if site.metrics is not None:
        site.metrics.show(view)
    for action in actions:
        subject = find_subject(action)
        if not isinstance(subject, int) or subject in effects.behind:
            continue
        # What was done may leave more to be done; what is handed over is told of once it is.
        if hand_over is None or isinstance(action, OnCluster):
            due[subject] = 0.0
    return Pass(
        actions=len(actions),
        delay_s=effects.delay_s,
        behind={one if isinstance(one, int) else None for one in effects.behind},
        patience_s=effects.patience_s,
        due=due,
        left_out=left_out,
        view=view,
    )


def _report_run_errors(site: Site, report: Callable[[str], None]) -> None:
    """Report and count what reading single runs has come upon; they are held as unclear."""
    for error in (*site.runs.take_errors(), *site.attempts.take_errors()):
        report(str(site.note_fault(error)))


def _note_left_out(
    site: Site, left_out: Mapping[int, Reason], report: Callable[[str], None]
) -> dict[int, float]:
    """Report which pull requests are left out; after which time those are to be looked at that
    may be there then. Those where waiting does not help are told why, but at a head whose check
    tells of another one."""
    told = {head for number, head in site.heads.items() if number not in left_out}
    for number, reason in left_out.items():
        report(f"pull request {number} is left out: {reason}")
        if not isinstance(reason, Temporary) and site.heads.get(number) not in told:
            _tell_obstacle(site, str(reason), partial(_find_open, site, number))
    return {
        number: max(reason.delay_s, _LEFT_OUT_S)
        for number, reason in left_out.items()
        if isinstance(reason, Temporary)
    }


def _renew_credentials(site: Site, repository: Repository, report: Callable[[str], None]) -> None:
    """Keep good what the pods of its runs reach the store with: nobody else may look on."""
    cluster = repository.project.spec.cluster
    if cluster is None or cluster.runs_role is None:
        return
    those = [run for run in Runs(repository.runs).list_runs() if run.is_on_cluster()]
    if those:
        renew_credentials(those, site.open_cluster(), repository, site.credentials, report)


@contextmanager
def _telling_obstacles(site: Site) -> Iterator[None]:
    """Tell the open pull requests what is raised within, where waiting does not help."""
    try:
        yield
    except (Permanent, Refused, SpecError) as error:
        _tell_obstacle(site, str(error), site.forge.list_open_pull_requests)
        raise


def _tell_obstacle(
    site: Site, message: str, find_pulls: "Callable[[], Iterable[PullRequest]]"
) -> None:
    """Tell pull requests why they are not looked at, each once."""
    report = build_obstacle(message, make_redactor(site.environ))
    # The forge may be who refuses.
    with suppress(Permanent, Refused, Temporary):
        for pull in find_pulls():
            told = site.checks.setdefault(pull.head_sha, {})
            if told.get(report.name) != report:
                site.forge.report_check(pull.head_sha, report)
                told[report.name] = report


def _find_open(site: Site, number: int) -> "list[PullRequest]":
    pull = site.forge.get_pull_request(number)
    return [pull] if pull.state == "open" else []


@dataclass(kw_only=True)
class SiteWorker:
    """One thread's work on one repository: each look is at what is due, pull requests that it was
    told of or everything. How often it is told changes nothing."""

    site: Site
    report: Callable[[str], None]
    sweep_s: float = SWEEP_S
    serve: Callable[..., Pass] = serve_once
    survey: Callable[..., Pass] = survey_once
    get_time: Callable[[], float] = time.monotonic
    _due: dict[int | None, float] = field(default_factory=dict)
    _told: dict[int | None, float] = field(default_factory=dict)
    _urgent: set[int | None] = field(default_factory=set)
    _surveyed: set[int | None] = field(default_factory=set)
    _told_at: float = -math.inf
    _failures: int = 0
    _setbacks: dict[int | None, int] = field(default_factory=dict)
    _patient_until: float = -math.inf
    _is_stopped: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.queue = WriteQueue(write=self._write, on_written=self._note_written)
        self._due[_EVERYTHING] = self.get_time()

    def tell(self, number: int | None, *, is_urgent: bool = False) -> None:
        """Look at a pull request now, or at everything; before all others where somebody waits for
        it. Returns at once."""
        with self._changed:
            if number is not None:
                self._told_at = self.get_time()
                self._surveyed.discard(number)
                # Something is other than a survey found it, or finds it just now.
                self.site.told.add(number)
                self.site.surveyed.discard(number)
            if is_urgent and number is not None:
                self._urgent.add(number)
            self._told.setdefault(number, self.get_time())
            self._look_in(number, 0.0)

    def tell_all(self, numbers: Iterable[int]) -> None:
        """Look at these pull requests."""
        for number in numbers:
            self.tell(number)

    def stop(self) -> None:
        """End `run` after the look that is under way."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def run(self) -> None:
        """Look, until `stop`. No error ends it: what fails is tried again, later each time."""
        while (keys := self._await_due()) is not None:
            numbers = None if _EVERYTHING in keys else sorted(one for one in keys if one)
            begun = self.get_time()
            with self._changed:
                told = {key: self._told.pop(key) for key in keys if key in self._told}
            is_done = False
            try:
                if numbers is None:
                    done = self.survey(self.site, self.report)
                else:
                    done = self.serve(self.site, self.report, numbers, self.queue.put)
            except Exception as error:
                self._note_failure(keys, told, error)
            else:
                is_done = True
                self._note_pass(keys, done)
            if self.site.metrics is not None:
                now, is_whole = self.get_time(), numbers is None
                self.site.metrics.note_look(now - begun, is_whole=is_whole, is_done=is_done)
                if is_done:
                    self.site.metrics.note_events(now - at for at in told.values())

    def _await_due(self) -> list[int | None] | None:
        """What is to be looked at now: pull requests, or everything alone; None at the end."""
        with self._changed:
            while not self._is_stopped:
                now = self.get_time()
                due = [] if now < self._patient_until else self._find_due(now)
                if due:
                    return due
                soonest = max(self._patient_until, min(map(self._find_time, self._due)))
                self._changed.wait(soonest - now)
            return None

    def _find_due(self, now: float) -> list[int | None]:
        due = [key for key in self._due if self._find_time(key) <= now]
        named: list[int | None] = [key for key in due if key is not _EVERYTHING]
        if _EVERYTHING in due and (not named or self._due[_EVERYTHING] + self.sweep_s <= now):
            self._due[_EVERYTHING] = now + self.sweep_s
            return [_EVERYTHING]
        # What somebody has asked for waits for nothing but its like, and what was told of not for
        # what was merely found.
        urgent = [key for key in named if key in self._urgent]
        oldest = sorted(named, key=lambda key: (key in self._surveyed, self._due[key]))
        chosen = urgent or oldest[:_MOST_AT_ONCE]
        self._urgent -= {*chosen}
        self._surveyed -= {*chosen}
        for key in chosen:
            del self._due[key]
        return chosen

    def _find_time(self, key: int | None) -> float:
        """When something is to be looked at. A look at everything takes long and comes again, so
        it waits for a quiet moment; but not for ever."""
        at = self._due[key]
        if key is not _EVERYTHING:
            return at
        return max(at, min(self._told_at + _QUIET_S, at + self.sweep_s))

    def _note_pass(self, keys: Sequence[int | None], done: Pass) -> None:
        self._failures = 0
        with self._changed:
            if _EVERYTHING in keys:
                self._surveyed |= done.due.keys() - self._due.keys()
            for number, seconds in done.due.items():
                self._look_in(number, seconds)
            behind: set[int | None] = {one for one in done.behind if one is not None}
            if None in done.behind:
                behind |= {*keys}
            before = {key: self._setbacks.pop(key, 0) for key in {*keys, *behind}}
            for key in behind:
                self._setbacks[key] = before[key] + 1
                self._look_in(key, max(done.delay_s or 0.0, _wait(before[key], _AWAY_S)))
            if done.patience_s:
                self._patient_until = self.get_time() + done.patience_s

    def _note_failure(
        self,
        keys: Sequence[int | None],
        told: Mapping[int | None, float],
        error: Exception,
    ) -> None:
        self.report(f"{self.site.forge.repository}: {_describe(error)}")
        self._failures += 1
        if isinstance(error, Temporary):
            wait_s = max(error.delay_s, _wait(self._failures, _AWAY_S))
        else:
            wait_s = _wait(self._failures, _LATEST_S)
        with self._changed:
            # Whatever is told meanwhile: the forge or the cluster has asked for patience.
            self._patient_until = self.get_time() + wait_s
            self._told = {**self._told, **told}
            self.site.surveyed.clear()
            for key in keys:
                self._look_in(key, wait_s)

    def _write(self, actions: Sequence[Action]) -> float | None:
        repository = self.site.repository
        assert repository is not None
        effects = Effects(site=self.site, repository=repository, report=self.report)
        effects.write(actions)
        return effects.delay_s

    def _note_written(self, key: Key, delay_s: float | None) -> None:
        # A commit's own statuses are told of in no look; where they failed all is looked at.
        number = key if isinstance(key, int) else _EVERYTHING
        if number is _EVERYTHING and delay_s is None:
            return
        with self._changed:
            self._look_in(number, delay_s or 0.0)

    def _look_in(self, key: int | None, seconds: float) -> None:
        at = self.get_time() + seconds
        self._due[key] = min(at, self._due.get(key, at))
        self._changed.notify_all()


def track_once(site: Site, report: Callable[[str], None]) -> None:
    """Send MLflow what runs have told since it was sent to last; nothing before the repository has
    been looked at, or where no MLflow is named. Raises where MLflow cannot be asked."""
    repository = site.repository
    if repository is None:
        return
    named = repository.project.spec.tracking.uri or site.environ.get("MLFLOW_TRACKING_URI")
    # A file beside a mirror of the runs is shown to nobody.
    if not named:
        return
    for run, arrived in sync_runs(choose_target(repository, None, None, site.environ)):
        if isinstance(arrived, Permanent | Temporary):
            report(f"{run.name} in MLflow: {arrived}")


@dataclass(kw_only=True)
class TrackingWorker:
    """One thread's work on what MLflow shows: no Workflow and no comment waits for that."""

    site: Site
    report: Callable[[str], None]
    pause_s: float = TRACKING_S
    track: Callable[[Site, Callable[[str], None]], None] = track_once
    _stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End `run` after what is under way."""
        self._stopped.set()

    def run(self) -> None:
        """Send, until `stop`. No error ends it."""
        while not self._stopped.wait(self.pause_s):
            try:
                self.track(self.site, self.report)
            except Exception as error:
                self.report(f"{self.site.forge.repository} in MLflow: {_describe(error)}")


def _wait(failures: int, latest_s: float) -> float:
    """How long to wait after so many failures in a row."""
    return min(latest_s, _SOONEST_S * 2.0 ** min(failures, 20))


def _describe(error: Exception) -> str:
    """An error in its own words; one that nobody foresaw with the place that it comes from."""
    if isinstance(error, Temporary | Permanent | Refused | SpecError):
        return str(error)
    return make_redactor(os.environ).redact_traceback(error)
