"""A repository's runs beside their Workflows, into what a view has of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from vtspec.pipelines.argo import observe
from vtspec.pipelines.argo.node_tree import read_mapping, read_text
from vtspec.pipelines.argo.workflow import MANAGED, RUN
from vtspec.pipelines.argo.workflow_state import WorkflowState
from vtspec.pipelines.cluster.kubernetes_client import WORKFLOWS
from vtspec.pipelines.cluster.object_watch import ObjectWatch
from vtspec.pipelines.cluster.run_workflow import find_stores
from vtspec.pipelines.runs.run import find_plan_id

from .expected_cost import ExpectedCost
from .view import Approval, UnclearRun
from .workflow_marks import read_approvals, read_expected_cost, read_wanted

if TYPE_CHECKING:
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient, Object


@dataclass(frozen=True, kw_only=True)
class ObservedWorkflow:
    """A Workflow as the cluster has it, and what it says: of which run it is, what has come of it,
    who approved it, which pull requests want it still, which `stores` its pods tell of it, and
    what the run is `expected` to cost."""

    raw: "Object"
    run: str
    state: WorkflowState
    approvals: tuple[Approval, ...]
    wanted_by: Mapping[int, bool]
    stores: frozenset[str]
    expected: ExpectedCost | None

    def is_of(self, store: str | None) -> bool:
        """Whether its pods tell that store of it, as far as it says where; a folder is told by
        nobody."""
        return store is None or not self.stores or self.stores == {store}

    @property
    def is_stopping(self) -> bool:
        """Whether the cluster was told to stop it."""
        return bool(read_mapping(self.raw, "spec").get("shutdown"))


def observe_workflow(raw: "Object") -> ObservedWorkflow:
    """What a Workflow says."""
    metadata = read_mapping(raw, "metadata")
    return ObservedWorkflow(
        raw=raw,
        run=read_text(metadata, "labels", RUN) or "",
        state=observe(raw),
        approvals=tuple(read_approvals(metadata)),
        wanted_by=read_wanted(metadata),
        stores=frozenset(find_stores(read_mapping(raw, "spec"))),
        expected=read_expected_cost(metadata),
    )


WorkflowsByRun: TypeAlias = Mapping[str, Sequence[ObservedWorkflow]]
"""The Workflows of each run, those of its completions too."""


class ObservedWorkflows:
    """The Workflows that a repository has on its cluster: listed for each look, or, after
    `follow`, followed all the time."""

    def __init__(self) -> None:
        self._tell: Callable[[Iterable[int]], None] | None = None
        self._watch: ObjectWatch | None = None
        # By the identity of what was told, which is never changed, and kept with what it says.
        self._seen: dict[int, ObservedWorkflow] = {}
        self._touched: set[str] = set()

    def follow(self, tell: Callable[[Iterable[int]], None]) -> None:
        """Follow them from the next `read` on; `tell` is called with the pull requests that want
        one of which something has changed, and has to return at once."""
        self._tell = tell

    def stop(self) -> None:
        """Follow them no more."""
        self._tell = None
        if self._watch is not None:
            self._watch.stop()

    def touch(self, name: str) -> None:
        """Ask for one at the next `read`: it was just made or changed, and may not be told of
        yet."""
        self._touched.add(name)

    def read(
        self, open_client: "Callable[[], KubernetesClient]", namespace: str
    ) -> WorkflowsByRun:
        """Those of runs, as they are now. Raises as the client does."""
        if self._tell is None:
            found = open_client().find(WORKFLOWS, namespace, MANAGED)
        else:
            found = self._find_followed(open_client, namespace)
        self._seen = {id(raw): self._seen.get(id(raw)) or observe_workflow(raw) for raw in found}
        groups: dict[str, list[ObservedWorkflow]] = {}
        for one in self._seen.values():
            groups.setdefault(one.run, []).append(one)
        return groups

    def _find_followed(
        self, open_client: "Callable[[], KubernetesClient]", namespace: str
    ) -> "list[Object]":
        watch = self._watch
        if watch is None or watch.namespace != namespace:
            if watch is not None:
                watch.stop()
            self._watch = watch = ObjectWatch(
                open_client=open_client,
                resource=WORKFLOWS,
                namespace=namespace,
                labels=MANAGED,
                on_change=self._note_change,
            )
            watch.start()
        found = watch.find()
        if not self._touched:
            return found
        client = open_client()
        while self._touched:
            name = next(iter(self._touched))
            watch.note(name, client.get(WORKFLOWS, namespace, name))
            self._touched.discard(name)
        return watch.find()

    def _note_change(self, before: "Object | None", after: "Object | None") -> None:
        was, now = (None if one is None else observe_workflow(one) for one in (before, after))
        numbers = {number for one in (was, now) if one is not None for number in one.wanted_by}
        if numbers and self._tell is not None and _describe(was) != _describe(now):
            self._tell(numbers)


def _describe(one: ObservedWorkflow | None) -> object:
    """What of a Workflow anything is decided by."""
    return one and (one.state, one.wanted_by, one.approvals, one.is_stopping)


def list_left(workflows: WorkflowsByRun, store: str | None) -> Iterator[UnclearRun]:
    """The runs at work here that tell another store, which `vtspec.yaml` has left."""
    for run, group in workflows.items():
        for one in group:
            if not one.is_of(store) and not one.state.is_over:
                elsewhere = min(place for place in one.stores if place != store)
                yield UnclearRun(run=run, plan_id=find_plan_id(run), store=elsewhere)


def choose_followed(workflows: WorkflowsByRun, store: str | None) -> WorkflowsByRun:
    """Without those of another store, whatever they are called."""
    ours = {run: [one for one in group if one.is_of(store)] for run, group in workflows.items()}
    return {run: group for run, group in ours.items() if group}


def list_wanting(workflows: WorkflowsByRun, numbers: Iterable[int] | None) -> set[int]:
    """The pull requests that want runs; those alone that share one with `numbers`, if not None."""
    asked = None if numbers is None else {*numbers}
    found: set[int] = set()
    for group in workflows.values():
        wanting = {number for one in group for number in one.wanted_by}
        if asked is None or wanting & asked:
            found |= wanting
    return found


def list_runs_wanted_by(workflows: WorkflowsByRun, numbers: Collection[int]) -> set[str]:
    """The runs that these pull requests have approved."""
    return {
        run
        for run, group in workflows.items()
        if any(number in one.wanted_by for one in group for number in numbers)
    }
