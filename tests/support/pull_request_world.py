"""A forge, a cluster and a store of runs in memory, on which the controller's actions are done.

Its clock is a number that tests move. What it does with an action is what the edge has to: a
comment is looked for before it is written, a Workflow that is there is taken for the one that was
asked for, and a head that has moved is no approval any more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any, Final

from cluster_plans import a_cluster_project, publish
from plan_inputs import an_experiment_dict, some_inputs
from vtspec.pipelines.argo.workflow_state import WorkflowState
from vtspec.pipelines.controller.actions import (
    Action,
    CreateRun,
    LabelRun,
    React,
    Reply,
    ReportCheck,
    SetStatus,
    StopRun,
    WriteComment,
)
from vtspec.pipelines.controller.effects import tells_of_runs
from vtspec.pipelines.controller.markers import (
    VisiblePlans,
    find_comments,
    find_visible,
    make_marker,
    note_visible,
)
from vtspec.pipelines.controller.observation import find_visible_plans
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.request import list_earlier_heads
from vtspec.pipelines.controller.view import (
    Approval,
    Attempt,
    EarlierPlans,
    EndedRun,
    PlannedSpec,
    PullRequestView,
    View,
)
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
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs.state import RunState
from vtspec.pipelines.runs.state import Status as RunStatus
from vtspec.schema.kinds.experiment import Experiment
from vtspec.schema.kinds.project import ProjectSpec

BOT: Final = "vtspec-bot"
START: Final = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)
PEOPLE: Final[dict[str, Permission]] = {
    "ann": "admin",
    "bob": "write",
    "kim": "write",
    "eve": "read",
    "guest": "none",
}


@lru_cache
def a_plan_of(
    name: str = "digits", epochs: int = 5, gates: tuple[str, ...] = (), **training: Any
) -> Plan:
    """The plan of an experiment on the cluster; about 0.02 USD."""
    spec: dict[str, Any] = {"training": {"epochs": epochs, "batchSize": 64, **training}}
    if gates:
        spec["report"] = {"gates": list(gates)}
    raw = an_experiment_dict(**spec)
    raw["metadata"]["name"] = name
    inputs = some_inputs(spec_path=f"specs/experiments/{name}.yaml")
    return publish(build_plan(Experiment.model_validate(raw), inputs))


def a_spec(plan: Plan, **changes: Any) -> PlannedSpec:
    """A spec that a pull request changes, as it is planned."""
    known = {"name": plan.name, "path": plan.spec_path, "cause": "changed", "plans": (plan,)}
    return PlannedSpec(**{**known, **changes})


def an_obstacle(text: str) -> Sentence:
    """Why the cluster cannot carry a plan out, in both languages."""
    return Sentence(en=text, ko=text)


def sha_of(number: int) -> str:
    """The hash of the commit of that number."""
    return f"{number:07x}".rjust(7, "0") + "c0ffee" + "0" * 27


@dataclass
class FakePullRequest:
    """What the forge and git hold of one pull request."""

    pull: PullRequest
    specs: tuple[PlannedSpec, ...]
    comments: list[Comment] = field(default_factory=list)
    reactions: dict[int, list[Reaction]] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    merged_by: str | None = None
    earlier: list[EarlierPlans] = field(default_factory=list)


class World:
    """Everything that the controller sees and changes."""

    def __init__(self, **project: Any) -> None:
        self.project: ProjectSpec = a_cluster_project(prices={"cpuPerHour": 0.04}, **project)
        self.now = START
        self.people: Mapping[str, Permission] = PEOPLE
        self.pulls: dict[int, FakePullRequest] = {}
        self.attempts: dict[str, Attempt] = {}
        self.created: list[tuple[str, Approval]] = []
        self.visible: dict[int, VisiblePlans] = {}
        self.ended: list[EndedRun] = []
        self.statuses: dict[str, dict[str, Status]] = {}
        self.checks: dict[str, dict[str, CheckReport]] = {}
        self._ids, self._commits = count(1), count(1)

    # What people do.

    def open(self, *specs: PlannedSpec, author: str = "bob", **changes: Any) -> int:
        """Open a pull request; its number."""
        number = len(self.pulls) + 1
        known: dict[str, Any] = {
            "number": number,
            "title": f"Try number {number} with more epochs",
            "state": "open",
            "is_draft": False,
            "author": author,
            "head_sha": sha_of(next(self._commits)),
            "head_ref": "try",
            "head_repository": "1",
            "base_ref": "main",
            "base_sha": sha_of(0),
            "is_fork": False,
            "url": f"https://forge.example/acme/vision/pulls/{number}",
        }
        pull = PullRequest(**{**known, **changes})
        self.pulls[number] = FakePullRequest(pull=pull, specs=specs)
        return number

    def push(self, number: int, *specs: PlannedSpec) -> str:
        """Push another commit, with the same specs where none are given; its hash."""
        self.pass_time()
        at = self.pulls[number]
        sha = sha_of(next(self._commits))
        at.earlier.insert(0, EarlierPlans(head_sha=at.pull.head_sha, specs=at.specs))
        at.pull = replace(at.pull, head_sha=sha)
        at.specs = specs or at.specs
        return sha

    def comment(self, number: int, body: str, author: str = "bob") -> int:
        """Write a comment; its id."""
        self.pass_time()
        return self._write(number, body, author).id

    def edit(self, number: int, comment_id: int, body: str) -> None:
        """Change what a comment says, whoever's it is."""
        self.pass_time()
        known = self.visible.get(comment_id)
        self._replace(number, comment_id, body)
        if known is not None:
            # Whoever has written it, the controller has not.
            self.visible[comment_id] = known

    def apply(self, number: int, plan: Plan, author: str = "bob") -> int:
        """Paste the line that carries a plan out; the comment's id."""
        return self.comment(number, f"/vtspec apply {plan.digest[7:14]}", author)

    def review(self, number: int, author: str = "ann", **changes: Any) -> None:
        """Approve the pull request as it is."""
        self.pass_time()
        known: dict[str, Any] = {
            "id": next(self._ids),
            "user": author,
            "is_approved": True,
            "is_dismissed": False,
            "commit_sha": self.pulls[number].pull.head_sha,
            "submitted_at": self._tell_time(),
        }
        self.pulls[number].reviews.append(Review(**{**known, **changes}))

    def set_state(self, number: int, state: PullRequestState, by: str = "ann") -> None:
        """Close, merge or open a pull request."""
        self.pass_time()
        at = self.pulls[number]
        merged_at = self._tell_time() if state == "merged" else ""
        at.pull = replace(at.pull, state=state, merged_at=merged_at)
        at.merged_by = by if state == "merged" else None

    def pass_time(self, seconds: float = 20.0) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)

    # What the cluster does.

    def begin_working(self, run: str) -> None:
        """Let the pods of a run begin."""
        self._change(run, workflow=WorkflowState(phase="running", step="train"))

    def end(self, run: str, status: RunStatus = "succeeded", **state: Any) -> None:
        """Let a run end, and its events tell so."""
        phase = "succeeded" if status == "succeeded" else "failed"
        if status == "stopped":
            phase = "stopped"
        seq = self.attempts[run].state.seq + 1
        self._change(
            run,
            state=RunState(seq=seq, status=status, run=run, **state),
            workflow=WorkflowState(phase=phase),  # type: ignore[arg-type]
            is_stopping=False,
        )

    def delete_workflow(self, run: str) -> None:
        """Remove a Workflow, as its time to live does, and who approved it with it."""
        self._change(run, workflow=None, approvals=(), wanted_by={}, is_stopping=False)

    # What the controller sees and does.

    def see(self) -> View:
        """The world as a view."""
        numbers = {n for one in self.attempts.values() for n in one.wanted_by} | set(self.pulls)
        view = View(
            now=self.now,
            login=BOT,
            project=self.project,
            pull_requests=tuple(self._see(number) for number in sorted(self.pulls)),
            states={n: self.pulls[n].pull.state for n in numbers},
            attempts=tuple(self.attempts.values()),
            ended=tuple(self.ended),
            statuses={sha: tuple(told.values()) for sha, told in self.statuses.items()},
            checks={sha: tuple(told.values()) for sha, told in self.checks.items()},
        )
        return find_visible_plans(view, self.visible)

    def _see(self, number: int) -> PullRequestView:
        at = self.pulls[number]
        seen = PullRequestView(
            pull=at.pull,
            comments=tuple(at.comments),
            reactions={key: tuple(found) for key, found in at.reactions.items()},
            reviews=tuple(at.reviews),
            permissions=self.people,
            specs=at.specs,
            experiments=tuple(spec.name for spec in at.specs),
            merged_by=at.merged_by,
        )
        plans = find_comments(at.comments, BOT, "plan")
        if plans:
            visible = find_visible(plans[0], self.visible.get(plans[0].id))
            seen = replace(seen, visible=visible)
        view = View(now=self.now, login=BOT, project=self.project)
        heads = list_earlier_heads(seen, view)
        earlier = [one for head in heads for one in at.earlier if one.head_sha == head]
        return replace(seen, earlier=earlier)

    def look(self) -> list[Action]:
        """One pass: what the controller decides, done."""
        actions = reconcile(self.see())
        self.do(actions)
        return actions

    def settle(self) -> list[Action]:
        """A pass, after which nothing is left to do."""
        actions = self.look()
        left = reconcile(self.see())
        assert left == [], left
        return actions

    def do(
        self, actions: Iterable[Action], fate: Callable[[Action], int] = lambda action: 1
    ) -> None:
        """Do actions as often as `fate` says of each; after one that was lost, those of the same
        cause are left, and how runs go is not told."""
        lost: set[int] = set()
        unbegun: set[str] = set()
        for action in actions:
            relies_on = action.relies_on if isinstance(action, Reply | React) else frozenset()
            if action.cause in lost or relies_on & unbegun or (unbegun and tells_of_runs(action)):
                continue
            times = fate(action)
            done = [self._do(action) for _ in range(times)]
            if not (done and all(done)):
                lost |= set() if action.cause is None else {action.cause}
                unbegun |= {action.run} if isinstance(action, CreateRun | LabelRun) else set()

    def _do(self, action: Action) -> bool:
        match action:
            case CreateRun():
                return self._create(action)
            case LabelRun():
                return self._label(action)
            case Reply():
                return self._reply(action)
            case StopRun(run=run):
                if run in self.attempts and self.attempts[run].is_at_work:
                    self._change(run, is_stopping=True)
            case SetStatus(sha=sha, status=status):
                self.statuses.setdefault(sha, {})[status.context] = status
            case ReportCheck(sha=sha, report=report):
                self.checks.setdefault(sha, {})[report.name] = report
            case _:
                self._tell(action)
        return True

    def _tell(self, action: WriteComment | React) -> None:
        match action:
            case WriteComment(pull_request=number, body=body, comment_id=int() as comment_id):
                self._replace(number, comment_id, body)
            case WriteComment(pull_request=number, body=body):
                self._write_once(number, body)
            case React(pull_request=number, comment_id=comment_id, content=content):
                found = self.pulls[number].reactions.setdefault(comment_id, [])
                if Reaction(content=content, user=BOT) not in found:
                    found.append(Reaction(content=content, user=BOT))

    def _reply(self, action: Reply) -> bool:
        if self.find(action.pull_request, f"reply {action.word} "):
            return False
        self._write(action.pull_request, action.body, BOT)
        return True

    def _label(self, action: LabelRun) -> bool:
        before = self.attempts.get(action.run)
        if before is None:
            return False
        approvals = before.approvals
        if action.approval is not None and action.approval not in approvals:
            approvals = (*approvals, action.approval)
        wanted = {**before.wanted_by, action.pull_request: action.is_wanted}
        self._change(action.run, wanted_by=wanted, approvals=approvals)
        return True

    def _create(self, action: CreateRun) -> bool:
        pull = self.pulls[action.approval.pull_request].pull
        if pull.head_sha != action.approval.head_sha:
            return False
        is_answered = self.find(pull.number, f"reply {action.approval.word} ")
        if action.approval.source != "comment" and is_answered:
            return False
        plan, approval = action.plan, action.approval
        number = 1
        # A completion is a Workflow of its own, and what it works on is the run.
        run = action.run.rpartition("-c")[0] if action.begin == "completion" else action.run
        before = self.attempts.get(run)
        if action.begin == "again":
            number = int(action.run.removeprefix(plan.id).removeprefix("-") or 1)
        if before is not None and (before.is_at_work or action.begin in ("new", "again")):
            return True
        told = -1 if before is None else before.state.seq
        if before is not None and told != action.after_seq:
            return False
        self.created.append((action.run, approval))
        self.attempts[run] = Attempt(
            run=run,
            spec=plan.name,
            plan_id=plan.id,
            digest=plan.digest,
            number=number if before is None else before.number,
            state=RunState(seq=told + 1, status="running"),
            workflow=WorkflowState(phase="waiting"),
            approvals=(*(before.approvals if before else ()), approval),
            wanted_by={approval.pull_request: True},
            team=action.team,
            cost=plan.estimate.cost,
            currency=plan.estimate.currency,
        )
        return True

    def _change(self, run: str, **changes: Any) -> None:
        self.attempts[run] = replace(self.attempts[run], **changes)

    def _tell_time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _write_once(self, number: int, body: str) -> None:
        marker = body.split("\n", 1)[0]
        for one in self.pulls[number].comments:
            if one.author == BOT and one.body.startswith(marker):
                self._replace(number, one.id, body)
                return
        self._write(number, body, BOT)

    def _write(self, number: int, body: str, author: str) -> Comment:
        at = self._tell_time()
        made = Comment(
            id=next(self._ids), body=body, author=author, created_at=at, updated_at=at, url=""
        )
        self.pulls[number].comments.append(made)
        self._note(made)
        return made

    def _replace(self, number: int, comment_id: int, body: str) -> None:
        comments = self.pulls[number].comments
        for index, one in enumerate(comments):
            if one.id == comment_id and one.body != body:
                comments[index] = replace(one, body=body, updated_at=self._tell_time())
                self._note(comments[index])

    def _note(self, written: Comment) -> None:
        if written.author == BOT and written.body.startswith(make_marker("plan")):
            before = self.visible.get(written.id)
            self.visible[written.id] = note_visible(before, written)

    # What a reader sees.

    def find(self, number: int, kind: str) -> list[str]:
        """The texts of our comments of a kind."""
        marker = f"<!-- vtspec:{kind}"
        return [
            one.body
            for one in self.pulls[number].comments
            if one.author == BOT and one.body.startswith(marker)
        ]

    def reply_to(self, number: int, comment_id: int) -> str:
        """The only answer to a command."""
        (found,) = self.find(number, f"reply {comment_id} ")
        return found

    def reactions_to(self, number: int, comment_id: int) -> set[str]:
        """How we reacted to a comment."""
        return {one.content for one in self.pulls[number].reactions.get(comment_id, ())}


def names_of(actions: Sequence[Action]) -> list[str]:
    """The names of actions, in their order."""
    return [type(one).__name__ for one in actions]
