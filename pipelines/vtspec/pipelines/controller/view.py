"""What the controller sees of one repository at one moment, as plain data. Pure.

The edge fills it: forge, git, cluster and store of runs. What it could not find out is absent, and
nothing is decided on what is absent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from vtspec.pipelines.argo.workflow_state import WorkflowState
from vtspec.pipelines.forge.forge import (
    CheckReport,
    Comment,
    Permission,
    PullRequest,
    PullRequestState,
    Reaction,
    Review,
    Status,
)
from vtspec.pipelines.language import Sentence
from vtspec.pipelines.operations.pull_request import Reach
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.planning.prior_runs import Comparison, PriorRuns
from vtspec.pipelines.redaction import Redactor
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.runs.state import RunState, Standing, find_standing
from vtspec.schema.problem import Problem

from .expected_cost import ExpectedCost
from .markers import VisiblePlans, WordId
from .reservations import Reservation

if TYPE_CHECKING:
    from vtspec.schema.kinds.project import ProjectSpec

SpecCause = Literal["changed", "affected", "asked"]
"""Why a spec is planned: the pull request changes it; its plan becomes another by what else that
changes (data, lock, image, `vtspec.yaml`); or a comment names it."""

ApprovalSource = Literal["comment", "approval", "merge"]
"""What an approval was: a comment, a review, or the merge."""


@dataclass(frozen=True, kw_only=True)
class Approval:
    """Who let a plan be carried out, of which pull request at which commit, and by what; kept on
    the run's Workflow. `comment_id` is that of the comment or the review, 0 of a merge, and where
    an earlier vtspec noted a review; `digest` is "" where only a comment of ours tells of it;
    `place` is where the run was begun, as `View.place` has it, "" where that is not noted."""

    pull_request: int
    login: str
    digest: str
    head_sha: str
    source: ApprovalSource
    comment_id: int = 0
    place: str = ""

    @property
    def word(self) -> WordId:
        """The command, review or merge that it is."""
        match self.source:
            case "comment":
                return self.comment_id
            case "approval":
                return f"review-{self.comment_id}"
            case "merge":
                return f"merge-{self.pull_request}"


@dataclass(frozen=True, kw_only=True)
class PlannedSpec:
    """A spec of a pull request: its plan, and those of its other seeds; none where it cannot be
    planned, as `problems` or `refusal` then say.

    `base` is what differs from its plan on the base branch, None for a new spec. `obstacles` say
    why the cluster cannot carry it out.
    """

    name: str
    path: str
    cause: SpecCause
    plans: tuple[Plan, ...] = ()
    problems: tuple[Problem, ...] = ()
    refusal: str | None = None
    beside: PriorRuns | None = None
    base: Comparison | None = None
    reach: tuple[Reach, ...] = ()
    obstacles: tuple[Sentence, ...] = ()

    def has_update(self, plan: Plan) -> bool:
        """Whether the plan's result is there, and its policy asks for more than that had."""
        beside = self.beside
        if beside is None:
            return False
        seeds = {one.plan.id: one.update for one in beside.seeds}
        return seeds.get(plan.id, beside.update) is not None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A run, as its store and the cluster have it. `number` counts the attempts of its plan.

    `wanted_by` are the pull requests that approved it, and whether each still wants it: False
    since one of them said stop. `is_stopping` says that the cluster was told so; `workflow_uid` is
    which Workflow is its last one, None while that is to be made. `cost` is what
    it is estimated to cost, `stored_cost` what its plan in the store says of that where its
    Workflow says otherwise, `spent` what it has cost once it is over, None where that is not
    known; `team` whose limits it counts for. `log` are the last lines that its failed step
    printed, `facts` its report's, once it is over; `link` is where MLflow shows it.
    """

    run: str
    spec: str
    plan_id: str
    digest: str
    number: int
    state: RunState = field(default_factory=RunState)
    workflow: WorkflowState | None = None
    approvals: tuple[Approval, ...] = ()
    wanted_by: Mapping[int, bool] = field(default_factory=dict)
    is_stopping: bool = False
    workflow_uid: str | None = None
    team: str | None = None
    cost: float | None = None
    currency: str = "USD"
    spent: float | None = None
    stored_cost: ExpectedCost | None = None
    facts: Facts | None = None
    log: Sequence[str] = ()
    link: str | None = None

    @property
    def standing(self) -> Standing:
        """What it is to the next attempt of its plan."""
        status = "succeeded" if self.state.has_result else self.state.status
        return find_standing(status, is_worked_on=self.is_at_work)

    @property
    def is_only_named(self) -> bool:
        """Whether whoever began it was killed before the cluster knew of it."""
        return self.workflow is None and self.state.seq < 0

    @property
    def is_at_work(self) -> bool:
        """Whether the cluster works on it, or has ended and its events do not tell that yet."""
        if self.workflow is None:
            return False
        return not self.workflow.is_over or not self.state.is_over


@dataclass(frozen=True, kw_only=True)
class EndedRun:
    """What a run of a team that is over has cost, None where that is not known; at its end."""

    run: str
    team: str
    ended: datetime
    cost: float | None
    currency: str = "USD"


@dataclass(frozen=True, kw_only=True)
class UnclearRun:
    """A run of which it is not known what it costs and has come to: its files were spoiled, as
    `fault` says; or it has not ended, in a `namespace` or of a `store` that `vtspec.yaml` has
    left, and of both where it is not even seen. `team` is whose it may be, None for any; `ended`
    when it was over, None while it is not."""

    run: str
    plan_id: str
    fault: str = ""
    namespace: str | None = None
    store: str | None = None
    team: str | None = None
    ended: datetime | None = None

    @property
    def is_left(self) -> bool:
        """Whether it may be at work where nobody follows it."""
        return self.namespace is not None or self.store is not None


@dataclass(frozen=True, kw_only=True)
class EarlierPlans:
    """The specs of a pull request as they are planned at a commit that was its head before."""

    head_sha: str
    specs: tuple[PlannedSpec, ...]


@dataclass(frozen=True, kw_only=True)
class PullRequestView:
    """A pull request, with its specs as they are at its head, or at the merge commit once it is
    merged.

    `reactions` are those to comments that begin with `/vtspec`; `permissions` are of everybody
    who wrote such a comment, approved or merged, and who is absent has none. `experiments` are
    all names in its tree, `removed` the files of those that it takes away. `full_text` is where
    what of the plan comment had to be cut can be read. `visible` is what people see there, and
    since when, None where there is none yet. Where it `is_merge_lost` nobody can tell any more
    what its merge has made of its specs, which are its head's then. `earlier` are plans of
    earlier heads, where a command that nobody has answered asks for what is no plan any more.
    """

    pull: PullRequest
    comments: Sequence[Comment] = ()
    reactions: Mapping[int, Sequence[Reaction]] = field(default_factory=dict)
    reviews: Sequence[Review] = ()
    permissions: Mapping[str, Permission] = field(default_factory=dict)
    specs: Sequence[PlannedSpec] = ()
    experiments: Sequence[str] = ()
    merged_by: str | None = None
    removed: Sequence[str] = ()
    changes_project: bool = False
    full_text: str | None = None
    visible: VisiblePlans | None = None
    is_merge_lost: bool = False
    earlier: Sequence[EarlierPlans] = ()


@dataclass(frozen=True, kw_only=True)
class View:
    """A repository. `now` is by the clock of the forge; `login` is our own; `project` is of the
    default branch.

    `states` are of every pull request that an attempt is labelled with, `heads` of all that are
    known to be open; `statuses` and `checks` what was told of commits, by their sha.
    `reservations` are every controller's, where a team has a limit of cost;
    `spoiled_reservation` is a run whose own cannot be read. `store` is that of the runs.
    """

    now: datetime
    login: str
    project: "ProjectSpec"
    pull_requests: Sequence[PullRequestView] = ()
    states: Mapping[int, PullRequestState] = field(default_factory=dict)
    heads: Mapping[int, str] = field(default_factory=dict)
    attempts: Sequence[Attempt] = ()
    ended: Sequence[EndedRun] = ()
    reservations: Sequence[Reservation] = ()
    spoiled_reservation: str | None = None
    unclear: Sequence[UnclearRun] = ()
    statuses: Mapping[str, Sequence[Status]] = field(default_factory=dict)
    checks: Mapping[str, Sequence[CheckReport]] = field(default_factory=dict)
    redactor: Redactor = field(default_factory=Redactor)
    tracking: str | None = None
    store: str | None = None

    @property
    def place(self) -> str:
        """The namespace and the store that runs are begun in; "" where there are none."""
        cluster = self.project.cluster
        return "" if cluster is None or self.store is None else f"{cluster.namespace} {self.store}"
