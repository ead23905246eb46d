"""What a person has begun on the cluster by a command, held to the limits of cost that hold in
pull requests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.operations.cluster_runner import RunToBegin
from vtspec.pipelines.runs import Runs

from .cost_limits import find_cost_problem
from .ledger import open_ledger, reserve_cost
from .observed_attempts import ObservedAttempts, list_ended
from .observed_runs import ObservedRuns
from .observed_workflows import ObservedWorkflows, choose_followed, list_left
from .reservation_record import ReservationRecord, read_reservations
from .reservations import Reservation
from .view import View

if TYPE_CHECKING:
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
    from vtspec.pipelines.project.repository import Repository

_TRIES: Final = 5
"""How often it is decided anew where others reserve costs at the same time."""


@dataclass(frozen=True, kw_only=True)
class SubmittedCosts:
    """The limits of cost that a `vtspec.yaml` sets, for who submits runs of its repository."""

    repository: "Repository"
    get_time: Callable[[], datetime] = lambda: datetime.now(UTC)

    def check(self, runs: Sequence[RunToBegin], client: "KubernetesClient") -> None:
        """Raises `Refused` where the runs together would pass a limit, or what is spent of one is
        not known; as cluster and store do."""
        limited = self._choose_limited(runs)
        if limited:
            self._judge(limited, client)

    def reserve(self, runs: Sequence[RunToBegin], client: "KubernetesClient") -> None:
        """The same, and reserve what they may cost, so that nobody else counts on that."""
        limited = self._choose_limited(runs)
        for left in reversed(range(_TRIES if limited else 0)):
            record, reservations, now = self._judge(limited, client)
            try:
                record.add(client, reservations, now)
            except Temporary:
                if not left:
                    raise
            else:
                return

    def _choose_limited(self, runs: Sequence[RunToBegin]) -> list[RunToBegin]:
        teams = self.repository.project.spec.teams
        return [
            one
            for one in runs
            if one.team is not None and teams[one.team].limits.cost_per_month is not None
        ]

    def _judge(
        self, limited: Sequence[RunToBegin], client: "KubernetesClient"
    ) -> tuple[ReservationRecord, list[Reservation], datetime]:
        cluster = self.repository.project.spec.cluster
        assert cluster is not None
        record = read_reservations(client, cluster.namespace)
        view = self._look(client, cluster.namespace, record)
        ledger, reservations = open_ledger(view), list[Reservation]()
        for one in limited:
            assert one.team is not None
            cost = one.plan.estimate.cost
            problem = find_cost_problem(view, one.team, cost, one.run, ledger)
            if problem is not None:
                raise Refused(f"{one.run} is not begun: {problem.en}")
            reservation = reserve_cost(one.run, one.plan.estimate, one.team, one.after_seq, view)
            assert reservation is not None
            reservations.append(reservation)
            ledger.hold(reservation)
        return record, reservations, view.now

    def _look(self, client: "KubernetesClient", namespace: str, record: ReservationRecord) -> View:
        """What the teams have spent and runs are to cost, without any pull request."""
        project, runs = self.repository.project.spec, Runs(self.repository.runs)
        known, attempts = ObservedRuns(), ObservedAttempts()
        store = find_store(runs.folder)
        found = ObservedWorkflows().read(lambda: client, namespace)
        left, workflows = list_left(found, store), choose_followed(found, store)
        every = known.read(runs)
        if settled := attempts.settle(runs, every, workflows, project, lambda: client):
            every = known.read_some(runs, settled)
        # Of one that is over its report would be read, and it counts as ended.
        reserved = {one.run for one in record.every}
        counted = [
            one
            for one in every
            if one.name in reserved or (one.name in workflows and not one.state.is_over)
        ]
        return View(
            now=self.get_time(),
            login="",
            project=project,
            attempts=attempts.make(known, counted, workflows, runs, project),
            ended=tuple(list_ended(every, workflows, project)),
            reservations=record.every,
            spoiled_reservation=record.spoiled,
            unclear=(*attempts.list_unclear(every, project), *left),
            store=store,
        )
