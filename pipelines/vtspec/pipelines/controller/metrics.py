"""What a Prometheus is told of the controller.

Names are of https://prometheus.io/docs/practices/naming/; `docs/pull-requests.md` lists them.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, get_args

from vtspec.pipelines.argo.workflow_state import Phase
from vtspec.pipelines.errors import refuse_import

from .ledger import open_ledger
from .view import View

_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """The figures of a process, and the text that a Prometheus reads. Safe for threads.

    Raises:
        Permanent: the package is missing.
    """

    def __init__(self) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ImportError as error:
            raise refuse_import(
                error,
                "prometheus_client",
                "figures are told by the package prometheus_client",
                "pip install 'vtspec[controller]'",
            ) from error
        self._registry = at = CollectorRegistry()
        self.webhooks = Counter(
            "vtspec_webhooks", "Webhooks, by what came of each.", ["outcome"], registry=at
        )
        self.looks = Counter(
            "vtspec_looks",
            "Looks at pull requests, or at everything.",
            ["repository", "scope", "outcome"],
            registry=at,
        )
        self.look_seconds = Histogram(
            "vtspec_look_seconds",
            "How long a look took, with what it did on the cluster.",
            ["repository", "scope"],
            buckets=_SECONDS,
            registry=at,
        )
        self.event_seconds = Histogram(
            "vtspec_event_to_action_seconds",
            "From a webhook until what it asks for was done on the cluster.",
            ["repository"],
            buckets=_SECONDS,
            registry=at,
        )
        self.actions = Counter(
            "vtspec_actions",
            "What was done, by its kind and what came of it.",
            ["repository", "kind", "outcome"],
            registry=at,
        )
        self.faults = Counter(
            "vtspec_faults",
            "Errors of ours, each of one pull request or action, which is tried again.",
            ["repository"],
            registry=at,
        )
        self.requests_left = Gauge(
            "vtspec_forge_requests_left",
            "How many requests the forge takes until its limit begins anew.",
            ["repository"],
            registry=at,
        )
        self.writes_waiting = Gauge(
            "vtspec_writes_waiting",
            "Comments, reactions and statuses that are still to be written.",
            ["repository"],
            registry=at,
        )
        self.workflows = Gauge(
            "vtspec_workflows", "Workflows of runs.", ["repository", "phase"], registry=at
        )
        self.spend = Gauge(
            "vtspec_spend",
            "What a team has spent this month, runs at work at their estimate.",
            ["repository", "team", "currency"],
            registry=at,
        )

    @contextmanager
    def serve(self, host: str, port: int) -> Iterator[None]:
        """Let a Prometheus read them over HTTP while the context lasts. Raises `OSError` where the
        address cannot be had."""
        from prometheus_client import start_http_server

        server, thread = start_http_server(port, host, self._registry)
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def count_webhook(self, outcome: str) -> None:
        """Count a webhook."""
        self.webhooks.labels(outcome).inc()


@dataclass(frozen=True, kw_only=True)
class SiteMetrics:
    """The figures of one repository."""

    every: Metrics
    repository: str
    find_requests_left: Callable[[], int | None]

    def count_action(self, kind: str, outcome: str) -> None:
        """Count an action: `done`, `refused`, or left for `later`."""
        self.every.actions.labels(self.repository, kind, outcome).inc()

    def count_fault(self) -> None:
        """Count an error of ours, whose place is in the log."""
        self.every.faults.labels(self.repository).inc()

    def note_look(self, seconds: float, *, is_whole: bool, is_done: bool) -> None:
        """Count a look, and how long it took."""
        scope = "everything" if is_whole else "pull_requests"
        outcome = "done" if is_done else "failed"
        self.every.looks.labels(self.repository, scope, outcome).inc()
        self.every.look_seconds.labels(self.repository, scope).observe(seconds)
        left = self.find_requests_left()
        if left is not None:
            self.every.requests_left.labels(self.repository).set(left)

    def note_events(self, seconds: Iterable[float]) -> None:
        """Note how long after being told of each pull request it was acted on."""
        for one in seconds:
            self.every.event_seconds.labels(self.repository).observe(one)

    def count_waiting(self, writes: Callable[[], int]) -> None:
        """Have asked, whenever somebody reads the figures, how much is still to be written."""
        self.every.writes_waiting.labels(self.repository).set_function(writes)

    def show(self, view: View) -> None:
        """Show what a look has found: Workflows, and spending by team."""
        states = (one.workflow for one in view.attempts)
        phases = Tally(one.phase for one in states if one is not None)
        for phase in get_args(Phase):
            self.every.workflows.labels(self.repository, phase).set(phases[phase])
        ledger, currency = open_ledger(view), view.project.prices.currency
        for team in view.project.teams:
            spent = ledger.count_spent(team)
            self.every.spend.labels(self.repository, team, currency).set(spent)
