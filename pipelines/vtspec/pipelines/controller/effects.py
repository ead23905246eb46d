"""What was decided, carried out: on the cluster, and in the pull request."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, assert_never

from vtspec.pipelines.cluster.run_workflow import RunWorkflow
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.execution.steps import StopSignal
from vtspec.pipelines.forge.comment_text import find_marker, has_text, list_marked
from vtspec.pipelines.language import Tongue
from vtspec.pipelines.operations.cluster_runner import ClusterRequest
from vtspec.pipelines.operations.cluster_runs import begin_on_cluster
from vtspec.pipelines.operations.plan import PlannedRun
from vtspec.pipelines.operations.run import RunCallbacks, RunRequest
from vtspec.pipelines.redaction import make_redactor
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.run import find_completed_run
from vtspec.schema.problem import SpecError

from .actions import (
    Action,
    CreateRun,
    LabelRun,
    OnCluster,
    React,
    Reply,
    ReportCheck,
    SetStatus,
    StopRun,
    WriteComment,
    find_subject,
)
from .approval_check import Outdated, refuse_outdated
from .markers import DUPLICATE, find_comments, find_replies, note_visible
from .refusals import Refusal, add_refusals, answer_refusal, explain_refusal
from .reservation_record import ReservationRecord
from .reservations import Reservation
from .site import Site
from .workflow_marks import read_approvals, read_wanted, render_marks

if TYPE_CHECKING:
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient, Object
    from vtspec.pipelines.project.repository import Repository


REFUSED_S: Final = 60.0
"""After which time what was refused for good is tried again: somebody may have granted it."""


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """Whether an action was done; where it was not, why it is refused for good, if it is, and
    whether it `is_over`: not tried again as it was decided."""

    is_done: bool
    refusal: Refusal | None = None
    is_over: bool = False


@dataclass(kw_only=True)
class Effects:
    """Carries actions out, each in its turn. `delay_s` is after which time what failed for now is
    tried again, None where nothing did; `behind` are those that it was about. `patience_s` is for
    how long a cluster or forge wants no request. `reserved` are the costs that were reserved when
    it was decided; `tongues` the languages of the pull requests, English where one is absent.
    `unbegun` are the runs of which something was not done that was decided."""

    site: Site
    repository: "Repository"
    report: Callable[[str], None]
    reserved: ReservationRecord = field(default_factory=ReservationRecord)
    tongues: Mapping[int, Tongue] = field(default_factory=dict)
    delay_s: float | None = None
    patience_s: float = 0.0
    behind: set[int | str | None] = field(default_factory=set)
    unbegun: set[str] = field(default_factory=set)
    _failed: set[int] = field(default_factory=set)
    _to_reserve: list[Reservation] = field(default_factory=list)
    _held: dict[str, Reservation] = field(default_factory=dict)

    def carry_out(self, actions: Iterable[Action]) -> None:
        """All of them; where one of a command fails those after it are left, and where it can
        never be done the command is answered so."""
        self.write(self.act(actions))

    def act(self, actions: Iterable[Action]) -> list[Action]:
        """Do what is to be done on the cluster; what there is to be written then, without what
        would tell of something that failed. How runs go is left out altogether where one of them
        is `unbegun`: what was decided takes it for begun."""
        rest: list[Action] = []
        refused: dict[int, str] = {}
        unasked: dict[int, list[str]] = {}
        actions = list(actions)
        creations = [one for one in actions if isinstance(one, CreateRun)]
        over: set[int | str] = set()
        self._to_reserve = [one.reservation for one in creations if one.reservation is not None]
        for action in actions:
            if not isinstance(action, OnCluster):
                rest.append(action)
                continue
            outcome = self._try(action)
            if isinstance(action, StopRun):
                continue
            if not outcome.is_done:
                self.unbegun.add(action.run)
            if outcome.is_over:
                over.add(action.cause or action.run)
            refusal = outcome.refusal
            if refusal is None:
                continue
            number = _get_number(action)
            told = self._clean(refusal).tell(action, self.tongues.get(number, "en"))
            if action.cause is None:
                unasked.setdefault(number, []).append(told)
            else:
                refused[action.cause] = told
        # Also of those that come after it in a command, and were not tried.
        self._withdraw(
            one for one in creations if one.run in self.unbegun and (one.cause or one.run) in over
        )
        answers = [*self._answer_refusals(actions, refused)]
        left = [one for one in rest if not self._lacks_ground(one)]
        if self.unbegun:
            left = [one for one in left if not tells_of_runs(one)]
        # What answers a refusal has the cause of what failed, and is to be written all the same.
        self._failed -= refused.keys()
        return [*answers, *add_refusals(left, unasked, self.tongues)]

    def _answer_refusals(
        self, actions: Sequence[Action], refused: Mapping[int, str]
    ) -> Iterator[Action]:
        """What answers the commands of which something was refused."""
        for reply in (one for one in actions if isinstance(one, Reply)):
            if reply.cause is None or reply.cause not in refused:
                continue
            mine = [one for one in actions if one.cause == reply.cause]
            asked = {one.run for one in mine if isinstance(one, CreateRun | LabelRun)}
            tongue = self.tongues.get(reply.pull_request, "en")
            yield from answer_refusal(reply, asked & self.unbegun, refused[reply.cause], tongue)

    def write(self, actions: Iterable[Action]) -> None:
        """Write what there is to be written."""
        for action in actions:
            self._try(action)

    def _try(self, action: Action) -> _Outcome:
        if self._lacks_ground(action):
            return _Outcome(is_done=False)
        name, outcome, refusal = type(action).__name__, "done", None
        is_over = False
        try:
            self._do(action)
        except Temporary as error:
            outcome, is_over = "later", isinstance(error, Outdated)
            self.report(f"{name}: {error}")
            self._try_later(max(error.delay_s, 1.0))
            self.patience_s = max(self.patience_s, error.delay_s)
            self._leave(action)
        except (Refused, Permanent, SpecError) as error:
            outcome, refusal, is_over = "refused", explain_refusal(error), True
            self.report(f"{name}: {error}")
            self._leave(action)
            # What is refused on the cluster answers its command, and is asked for no more.
            if not isinstance(action, OnCluster) or action.cause is None:
                self._try_later(REFUSED_S)
        # A fault of ours, which is one action's: those of other pull requests are done.
        except Exception as error:
            outcome = "later"
            fault = self.site.note_fault(error)
            self.report(f"{name}: {fault}")
            self._try_later(fault.delay_s)
            self._leave(action)
        if self.site.metrics is not None:
            self.site.metrics.count_action(name, outcome)
        return _Outcome(is_done=outcome == "done", refusal=refusal, is_over=is_over)

    def _lacks_ground(self, action: Action) -> bool:
        """Whether what it was decided with has failed: of its cause, or of a run that another has
        begun; then it is decided anew."""
        # A stop is of each run by itself: that another one is not there yet stops none of them.
        is_stop = isinstance(action, LabelRun) and not action.is_wanted
        if action.cause is not None and action.cause in self._failed and not is_stop:
            return True
        match action:
            case LabelRun(run=run) | StopRun(run=run):
                is_lacking = run in self.unbegun
            case Reply(relies_on=runs) | React(relies_on=runs):
                is_lacking = bool(runs & self.unbegun)
            case _:
                is_lacking = False
        if is_lacking:
            self._leave(action)
        return is_lacking

    def _try_later(self, delay_s: float) -> None:
        self.delay_s = min(self.delay_s or 3600.0, delay_s)

    def _leave(self, action: Action) -> None:
        self.behind.add(find_subject(action))
        if action.cause is not None:
            self._failed.add(action.cause)

    def _clean(self, refusal: Refusal) -> Refusal:
        """What may stand in a comment: no secret, and not where the cluster is reached."""
        redact, server = make_redactor(self.site.environ).redact_text, ""
        # What cannot be opened has no address that could stand in it.
        with suppress(Temporary, Refused, Permanent):
            server = self._client.server
        clean = (redact(one) for one in (refusal.fix, *refusal.messages))
        fix, *messages = (one.replace(server, "the cluster") if server else one for one in clean)
        return Refusal(messages=messages, fix=fix)

    def _do(self, action: Action) -> None:
        forge = self.site.forge
        match action:
            case CreateRun():
                self._create_run(action)
            case LabelRun():
                self._label_run(action)
            case StopRun():
                self._stop_run(action)
            case WriteComment():
                self._write_comment(action)
            case Reply():
                if not self._reply(action):
                    # Its own reaction says how that answer was meant.
                    self._leave(action)
            case React():
                forge.add_reaction(action.comment_id, action.content)
            case SetStatus():
                forge.set_status(action.sha, action.status, action.decided)
                told = self.site.statuses.setdefault(action.sha, {})
                told[action.status.context] = action.status
            case ReportCheck():
                forge.report_check(action.sha, action.report)
                self.site.checks.setdefault(action.sha, {})[action.report.name] = action.report
            case _:
                assert_never(action)

    def _write_comment(self, action: WriteComment) -> None:
        forge, found = self.site.forge, action.comment_id
        if found is None:
            # It may have been written since it was decided on.
            there = forge.list_comments(action.pull_request)
            marked = list_marked(there, find_marker(action.body), forge.find_login())
            if marked and has_text(marked[0], action.body):
                return
            found = marked[0].id if marked else None
        if found is None:
            made = forge.create_comment(action.pull_request, action.body)
        else:
            made = forge.update_comment(found, action.body)
        if action.kind == "plan":
            self.site.visible[made.id] = note_visible(self.site.visible.get(made.id), made)

    def _reply(self, action: Reply) -> bool:
        """Whether the answer is ours: another controller may have been as fast."""
        forge = self.site.forge
        comments = forge.list_comments(action.pull_request)
        if action.word in find_replies(comments, forge.find_login()):
            return False
        made = forge.create_comment(action.pull_request, action.body)
        written = forge.list_comments(action.pull_request)
        kind = f"reply {action.word}"
        found = find_comments(written, forge.find_login(), kind)
        first = min((one.id for one in found), default=made.id)
        if first != made.id:
            # Both have looked before either wrote: the earlier one stands.
            forge.update_comment(made.id, DUPLICATE)
        return first == made.id

    def _create_run(self, action: CreateRun) -> None:
        approval = action.approval
        refuse_outdated(action, self.site, self.repository)
        self._refuse_moved(action)
        if action.reservation is not None:
            self._reserve(action.reservation)
        request = RunRequest(
            planned=PlannedRun(made=action.plan, repository=self.repository),
            command=f"/vtspec apply {approval.digest[:7]}",
            resume=action.begin == "resume",
            again=action.begin == "again",
            tracking=False,
            backend="argo",
        )
        marks = render_marks(approval.pull_request, approval)
        asked = ClusterRequest(
            request=request,
            check=self.site.check,
            marks=marks,
            team=action.team,
            # Whose run a completion works on was looked at above.
            run=None if action.begin == "completion" else action.run,
            is_completion=action.begin == "completion",
            is_controller=True,
        )
        heard = RunCallbacks(
            report=self.report, on_event=lambda event, state: None, stop=StopSignal()
        )
        for run in begin_on_cluster(asked, heard, self.site.environ):
            # Somebody else's Workflow, made before, has no word of this one.
            workflow = self._open_workflow(run)
            found = workflow.find()
            if found is None:
                continue
            if approval.pull_request not in read_wanted(found["metadata"]):
                workflow.change({"metadata": marks}, found)
            elif approval.word not in {one.word for one in read_approvals(found["metadata"])}:
                # A later word, which stands, or one that a stop has called off since.
                raise Outdated(f"{run.name} was begun by another word meanwhile")

    def _reserve(self, asked: Reservation) -> None:
        """Reserve what all that is to be begun may cost, which was decided together, from now on:
        others count it for as long as it may still come."""
        now = self.site.now
        if self._to_reserve:
            fresh = [replace(one, at=now) for one in self._to_reserve]
            self.reserved.add(self._client, fresh, now)
            self._to_reserve, self._held = [], {one.run: one for one in fresh}
        if not self._held[asked.run].is_held(now):
            raise Outdated(f"what is reserved for {asked.run} counts no more")

    def _withdraw(self, unbegun: Iterable[CreateRun]) -> None:
        """Let others have what runs that do not come are not going to cost."""
        asked = [one.reservation.run for one in unbegun if one.reservation is not None]
        # Where none was about to be begun nothing was reserved.
        ours = [self._held[run] for run in asked if run in self._held]
        if not ours:
            return
        try:
            self.reserved.withdraw(self._client, ours)
        except (Temporary, Refused, Permanent) as error:
            # Nobody is held back by it for long.
            self.report(f"what is reserved for {ours[0].run} is kept: {error}")

    def _refuse_moved(self, action: CreateRun) -> None:
        if action.after_seq is None:
            return
        runs = Runs(self.repository.runs)
        name = find_completed_run(action.run) or action.run
        run = runs.find_named(name)
        # A word that is of what is left would have all of it made anew.
        if run is None:
            raise Outdated(f"{name} was removed meanwhile")
        if run.read_state().seq != action.after_seq:
            raise Outdated(f"{name} was gone on with by somebody else meanwhile")

    def _label_run(self, action: LabelRun) -> None:
        number, approval = action.pull_request, action.approval
        workflow = self._open_workflow(self._find_run(action.run))
        found = workflow.find()
        if found is None:
            raise Temporary(f"{action.run} has no Workflow now")
        metadata = found["metadata"]
        last = [one for one in read_approvals(metadata) if one.pull_request == number]
        # What has been done, by whoever, is not done again.
        is_same = read_wanted(metadata).get(number) is action.is_wanted
        if is_same and (approval is None or last == [approval]):
            return
        refuse_outdated(action, self.site, self.repository)
        _refuse_other_workflow(action, found)
        if any(one not in action.known for one in last):
            raise Temporary(f"pull request {number} has approved {action.run} once more meanwhile")
        workflow.change({"metadata": render_marks(number, approval)}, found)

    def _stop_run(self, action: StopRun) -> None:
        workflow = self._open_workflow(self._find_run(action.run))
        found = workflow.find()
        if found is None:
            return
        _refuse_other_workflow(action, found)
        for number, is_wanted in read_wanted(found["metadata"]).items():
            if is_wanted and self.site.forge.get_pull_request(number).state != "closed":
                raise Temporary(f"pull request {number} wants {action.run} meanwhile")
        workflow.stop("Stop", action.reason, found)

    def _open_workflow(self, run: Run) -> RunWorkflow:
        file = run.read_workflow()
        if file is None:
            raise Temporary(f"{run.name} has no Workflow yet")
        self.site.workflows.touch(file.name)
        return RunWorkflow(self._client, run, file)

    @cached_property
    def _client(self) -> "KubernetesClient":
        # One for all that is done after a look: each reads the kubeconfig.
        return self.site.open_cluster()

    def _find_run(self, name: str) -> Run:
        runs = Runs(self.repository.runs)
        found = runs.find_named(name)
        if found is None:
            raise Temporary(f"{name} is not in {runs.place} yet")
        return found


def _refuse_other_workflow(action: LabelRun | StopRun, found: "Object") -> None:
    if action.uid not in (None, found["metadata"]["uid"]):
        raise Temporary(f"{action.run} goes on in another Workflow meanwhile")


def tells_of_runs(action: Action) -> bool:
    """Whether it tells of how runs go, whoever has asked for them; the comment on an approval is
    of what nothing comes of, whatever does of the rest."""
    is_comment = isinstance(action, WriteComment) and action.kind not in ("approval", "duplicate")
    return is_comment or isinstance(action, SetStatus)


def _get_number(action: CreateRun | LabelRun) -> int:
    return action.approval.pull_request if isinstance(action, CreateRun) else action.pull_request
