"""What goes on with a run that was cut short, or runs it again: what to type, where that works.
Pure."""

from typing import TYPE_CHECKING

from vtspec.pipelines.argo.run_ending import format_resume
from vtspec.pipelines.language import Sentence

from .comment_text import render_sha
from .digests import Target, list_targets, write_line
from .view import Attempt, PullRequestView

if TYPE_CHECKING:
    from vtspec.schema.kinds.project import ProjectSpec


def explain_continuation(
    attempt: Attempt, seen: PullRequestView, project: "ProjectSpec"
) -> Sentence:
    """Whether a checkpoint of a run is kept, and what goes on from it."""
    way = _explain_way_on(attempt, seen, project)
    if attempt.state.training.checkpoint is None:
        return way
    return Sentence(
        en=f"its checkpoint is kept, and {way.en}", ko=f"체크포인트가 남아 있습니다. {way.ko}"
    )


def explain_repetition(
    attempt: Attempt, seen: PullRequestView, project: "ProjectSpec"
) -> Sentence | None:
    """Why nothing here runs a run once more, and what else does; None where `rerun` does."""
    if not _takes_approvals(seen, project):
        return _explain_closed(seen)
    if _find_target(attempt, seen) is not None:
        return None
    gone = _explain_gone(attempt, seen)
    return Sentence(
        en=f"{gone.en}; to run it again, push the spec as it was",
        ko=f"{gone.ko}. 다시 실행하려면 스펙을 그때대로 푸시하세요",
    )


def explain_change(seen: PullRequestView, project: "ProjectSpec") -> Sentence:
    """What to do with a spec that was changed since a run failed."""
    if seen.pull.state != "open":
        return _explain_closed(seen)
    if project.approval.when == "comment":
        return Sentence(
            en="push that, and paste the new line of the plan comment",
            ko="푸시하고 계획 댓글의 새 줄을 붙여 넣으세요",
        )
    return Sentence(
        en="push that, and have the new plan approved", ko="푸시하고 새 계획을 승인받으세요"
    )


def _explain_way_on(attempt: Attempt, seen: PullRequestView, project: "ProjectSpec") -> Sentence:
    if not _takes_approvals(seen, project):
        closed = _explain_closed(seen)
        command = _explain_command(attempt, project)
        return closed if command is None else _join(closed, command)
    target = _find_target(attempt, seen)
    if target is None:
        gone = _explain_gone(attempt, seen)
        command = _explain_command(attempt, project)
        pushed = Sentence(
            en="push the spec as it was to go on with it here",
            ko="여기서 이어가려면 스펙을 그때대로 푸시하세요",
        )
        return _join(gone, pushed) if command is None else _join(gone, command, pushed)
    if seen.pull.state == "open" and project.approval.when == "approval":
        return Sentence(
            en="a review that approves and is written from now on goes on with it",
            ko="지금부터 작성하는 승인 리뷰로 이어갈 수 있습니다",
        )
    if seen.pull.state == "open" and project.approval.when == "merge":
        return Sentence(en="the merge goes on with it", ko="병합하면 이어갑니다")
    if seen.pull.state == "open" and target.spec.cause == "changed":
        return Sentence(
            en="the plan comment has the line that goes on with it",
            ko="계획 댓글의 줄로 이어갈 수 있습니다",
        )
    line = f"`{write_line([target], seen.specs)}`"
    return Sentence(en=f"{line} goes on with it", ko=f"{line}(으)로 이어갈 수 있습니다")


def _takes_approvals(seen: PullRequestView, project: "ProjectSpec") -> bool:
    """Whether anything is still carried out for the pull request."""
    state = seen.pull.state
    return state == "open" or (state == "merged" and project.approval.when == "merge")


def _find_target(attempt: Attempt, seen: PullRequestView) -> Target | None:
    """The plan of the pull request's now that a run is of; its policy may be another since."""
    found = (one for one in list_targets(seen.specs) if one.plan.id == attempt.plan_id)
    return next(found, None)


def _explain_closed(seen: PullRequestView) -> Sentence:
    korean = "병합되어" if seen.pull.state == "merged" else "닫혀서"
    return Sentence(
        en=f"this pull request is {seen.pull.state}, and nothing more is carried out for it",
        ko=f"이 풀 리퀘스트는 {korean} 더 실행하지 않습니다",
    )


def _explain_gone(attempt: Attempt, seen: PullRequestView) -> Sentence:
    """The plan of a run is no plan of the pull request's now."""
    mine = [one.head_sha for one in attempt.approvals if one.pull_request == seen.pull.number]
    if not mine or mine[-1] == seen.pull.head_sha:
        return Sentence(
            en="its plan is not proposed here now", ko="이 실행의 계획은 지금 여기에 없습니다"
        )
    sha = render_sha(mine[-1])
    return Sentence(
        en=f"it is of the earlier commit {sha}, whose plan is not proposed any more",
        ko=f"이전 커밋 {sha}의 실행이며, 그 계획은 이제 여기에 없습니다",
    )


def _explain_command(attempt: Attempt, project: "ProjectSpec") -> Sentence | None:
    """What is typed on the command line; None where only the controller may create runs."""
    if project.cluster is not None and project.cluster.submit == "controller":
        return None
    command = f"`{format_resume(attempt.run)}`"
    return Sentence(
        en=f"on the command line {command} goes on with it",
        ko=f"명령줄에서는 {command}(으)로 이어갈 수 있습니다",
    )


def _join(*parts: Sentence) -> Sentence:
    return Sentence(en="; ".join(one.en for one in parts), ko=". ".join(one.ko for one in parts))
