"""A repository looked after for as long as a process lives: at what it is told of, and anyway."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.operations.cluster_workflows import renew_credentials
from vtspec.pipelines.operations.sync import choose_target, sync_runs
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.redaction import make_redactor
from vtspec.pipelines.runs import Runs
from vtspec.schema.problem import SpecError

from .commit_status import build_obstacle
from .effects import Effects
from .observation import Site, observe_site
from .reconcile import find_next_look, reconcile

SWEEP_S: Final = 60.0
"""After which time everything is looked at although nothing was told: webhooks are lost."""

TRACKING_S: Final = 20.0
"""How often MLflow is sent what runs have told."""

_SOONEST_S: Final = 1.0
_LATEST_S: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What a look has come to: how much was to be done, and after how many seconds it is due
    again although nothing is told of; None where it is not."""

    actions: int
    delay_s: float | None


def serve_once(site: Site, report: Callable[[str], None], numbers: Iterable[int] = ()) -> Pass:
    """Look, decide, act. Raises as `observe_site` does, after the open pull requests were told so
    where waiting does not help; what one action comes upon is reported and tried again."""
    try:
        observed = observe_site(site, numbers)
    except (Permanent, Refused, SpecError) as error:
        _tell_obstacle(site, str(error))
        raise
    site.repository = observed.repository
    for number, reason in observed.left_out.items():
        report(f"pull request {number} is left out: {reason}")
    actions = reconcile(observed.view)
    effects = Effects(site=site, repository=observed.repository, report=report)
    effects.carry_out(actions)
    _renew_credentials(site, observed.repository, report)
    pause = find_next_look(observed.view)
    looks = None if pause is None else pause.total_seconds()
    due = [one for one in (effects.delay_s, looks) if one is not None]
    return Pass(actions=len(actions), delay_s=min(due, default=None))


def _renew_credentials(site: Site, repository: Repository, report: Callable[[str], None]) -> None:
    """Keep good what the pods of its runs reach the store with: nobody else may look on."""
    cluster = repository.project.spec.cluster
    if cluster is None or cluster.runs_role is None:
        return
    those = [run for run in Runs(repository.runs).list_runs() if run.is_on_cluster()]
    if those:
        renew_credentials(those, site.open_cluster(), repository, site.credentials, report)


def _tell_obstacle(site: Site, message: str) -> None:
    report = build_obstacle(message, make_redactor(site.environ))
    # The forge may be who refuses.
    with suppress(Permanent, Refused, Temporary):
        for pull in site.forge.list_open_pull_requests():
            told = site.checks.setdefault(pull.head_sha, {})
            if told.get(report.name) != report:
                site.forge.report_check(pull.head_sha, report)
                told[report.name] = report


@dataclass(kw_only=True)
class SiteWorker:
    """One thread's work on one repository. What is told while it looks is looked at next; how
    often it is told changes nothing."""

    site: Site
    report: Callable[[str], None]
    sweep_s: float = SWEEP_S
    serve: Callable[..., Pass] = serve_once
    get_time: Callable[[], float] = time.monotonic
    _told: set[int] = field(default_factory=set)
    _is_told: bool = True
    _is_stopped: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, number: int | None) -> None:
        """Look at a pull request now, or at all; returns at once."""
        with self._changed:
            self._is_told = True
            if number is not None:
                self._told.add(number)
            self._changed.notify_all()

    def stop(self) -> None:
        """End `run` after the look that is under way."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def run(self) -> None:
        """Look, until `stop`. No error ends it: what fails is tried again, later each time."""
        failures = 0
        while True:
            with self._changed:
                numbers, self._told, self._is_told = self._told, set(), False
                if self._is_stopped:
                    return
            try:
                done = self.serve(self.site, self.report, numbers)
            except (Temporary, Permanent, Refused, SpecError) as error:
                failures += 1
                self._keep(numbers)
                self.report(f"{self.site.forge.repository}: {error}")
                asked_s = error.delay_s if isinstance(error, Temporary) else 0.0
                self._wait(max(asked_s, min(_LATEST_S, _SOONEST_S * 2**failures)), is_deaf=True)
                continue
            failures = 0
            # What was done shows what is left, such as the reaction after a reply.
            if done.actions and done.delay_s is None:
                continue
            self._wait(min(self.sweep_s, done.delay_s or self.sweep_s), is_deaf=False)

    def _keep(self, numbers: set[int]) -> None:
        with self._changed:
            self._told |= numbers

    def _wait(self, seconds: float, *, is_deaf: bool) -> None:
        """Until the time is over; not longer than until something is told, unless the forge or the
        cluster asked for patience."""
        end = self.get_time() + seconds
        with self._changed:
            while not self._is_stopped and (is_deaf or not self._is_told):
                left = end - self.get_time()
                if left <= 0:
                    return
                self._changed.wait(left)


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
            except (Temporary, Permanent, Refused, SpecError) as error:
                self.report(f"{self.site.forge.repository} in MLflow: {error}")
