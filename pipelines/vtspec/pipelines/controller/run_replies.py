"""What is answered to who wants plans carried out, in English and Korean. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.language import Sentence
from vtspec.pipelines.reporting.escape import render_code

from .comment_text import render_sha
from .digests import Target
from .ledger import RunCost, Standing
from .markers import Shown
from .phrases import quote
from .replies import describe_run, explain_line
from .reservations import RECORD_NAME
from .view import ApprovalSource, Attempt

_MOST_LINES: Final = 20
_SENTENCE: Final = 600

IS_DRAFT: Final = Sentence(
    en="this pull request is a draft; mark it as ready for review, and paste the line again",
    ko="초안 풀 리퀘스트입니다. 리뷰 준비 완료로 바꾼 뒤 같은 줄을 다시 붙여 넣으세요",
)

DRAFT: Final = Sentence(
    en="This pull request is a draft, of which nothing is carried out: mark it as ready for "
    "review, and the line to paste stands here.",
    ko="초안 풀 리퀘스트는 아무것도 실행하지 않습니다. 리뷰 준비 완료로 바꾸면 붙여 넣을 줄이 "
    "여기에 표시됩니다.",
)
REVIEWS_ITS_OWN: Final = Sentence(
    en="A review carries out what a pull request itself changes: to run one of these, "
    "change its spec in one.",
    ko="리뷰는 풀 리퀘스트가 바꾼 실험만 실행합니다. 이 중 하나를 실행하려면 풀 "
    "리퀘스트에서 그 명세를 바꾸세요.",
)
AFTER_MERGE: Final = Sentence(en="Once it is merged, paste:", ko="병합한 뒤 붙여 넣으세요:")


def explain_when(when: str) -> Sentence:
    """Here a comment is not what creates runs."""
    english = {"approval": "approve it in a review", "merge": "merge it"}[when]
    korean = {"approval": "리뷰로 승인하세요", "merge": "병합하세요"}[when]
    return Sentence(
        en=f"in this repository a comment carries nothing out (`approval.when: {when}` in "
        f"`vtspec.yaml`); {english}",
        ko=f"이 저장소에서는 댓글로 실행하지 않습니다 (`vtspec.yaml`의 `approval.when: {when}`). "
        f"{korean}",
    )


_WORDS: Final[Mapping[ApprovalSource, Sentence]] = {
    "comment": Sentence(en="comment", ko="댓글"),
    "approval": Sentence(en="review", ko="리뷰"),
    "merge": Sentence(en="merge", ko="병합"),
}


def explain_begun(begun: Sequence[Attempt], source: ApprovalSource = "comment") -> Sentence:
    """What a comment, a review or a merge has had carried out already."""
    names, word = ", ".join(quote(one.run) for one in begun), _WORDS[source]
    return Sentence(en=f"by this {word.en} {names} was begun", ko=f"이 {word.ko}로 {names} 시작됨")


def explain_late_rest(line: str) -> Sentence:
    """What else a comment asked for could not be begun in time."""
    return Sentence(
        en="the rest could not be begun for a quarter of an hour, and is not tried any more. "
        f"Paste as a new comment:\n\n```\n{line}\n```",
        ko="나머지는 15분 동안 시작하지 못하여 더 시도하지 않습니다. 새 댓글로 붙여 넣으세요:"
        f"\n\n```\n{line}\n```",
    )


def explain_called_off(targets: Sequence[Target], line: str) -> Sentence:
    """What was asked for was stopped before it was begun."""
    names = ", ".join(f"`{one}`" for one in dict.fromkeys(map(_name_plan, targets[:_MOST_LINES])))
    return Sentence(
        en=f"{names} was not begun, since `/vtspec stop` was said after this; to carry it out all "
        f"the same, paste as a new comment:\n\n```\n{line}\n```",
        ko=f"{names}: 이 뒤에 `/vtspec stop`이 있어 시작하지 않았습니다. 그래도 실행하려면 새 "
        f"댓글로 붙여 넣으세요:\n\n```\n{line}\n```",
    )


def explain_ambiguous(word: str, lines: Sequence[str]) -> Sentence:
    """A digest means several plans."""
    shown = "\n".join(lines[:_MOST_LINES])
    return Sentence(
        en=f"{quote(word)} begins several digests; paste one of:\n\n```\n{shown}\n```",
        ko=f"{quote(word)}(으)로 시작하는 다이제스트가 여럿입니다. 하나를 붙여 넣으세요:"
        f"\n\n```\n{shown}\n```",
    )


def explain_too_many(count: int, most: int, lines: Sequence[str]) -> Sentence:
    """More runs are asked for at once than an answer can note."""
    shown = "\n".join(lines[:_MOST_LINES])
    return Sentence(
        en=f"these are {count:,} runs, and one command begins {most} at the most; paste each line "
        f"as a comment of its own:\n\n```\n{shown}\n```",
        ko=f"실행이 {count:,}개입니다. 한 명령으로는 {most}개까지 시작합니다. 한 줄씩 따로 댓글로 "
        f"붙여 넣으세요:\n\n```\n{shown}\n```",
    )


def explain_lines(lines: Sequence[str], *, is_after_merge: bool = False) -> Sentence:
    """The lines to paste, each as a comment of its own; once it is merged, or now."""
    shown = "\n\n".join(f"```\n{line}\n```" for line in lines[:_MOST_LINES])
    head = AFTER_MERGE if is_after_merge else _NOW
    return Sentence(en=f"{head.en}\n\n{shown}", ko=f"{head.ko}\n\n{shown}")


_NOW: Final = Sentence(
    en="To carry it out, paste as a comment:", ko="실행하려면 댓글로 붙여 넣으세요:"
)


def explain_stale(head: str, shown: Shown | None, line: str, *, is_same: bool) -> Sentence:
    """The head has changed since, or what was approved was not shown yet; `is_same` says whether
    it was named by its digest."""
    sha = render_sha(head)
    if shown is None or shown.head_sha == head:
        what = f"the plan of the head {sha}, and who may approve it as it is now, was not shown "
        what += "when this was written"
        korean = f"이 댓글을 쓸 때 최신 커밋 {sha}의 계획과 지금의 승인 규칙이 아직 표시되지 "
        korean += "않았습니다"
    else:
        old = render_sha(shown.head_sha)
        what = f"the head was {old} and is {sha} now"
        korean = f"최신 커밋이 {old}에서 {sha}(으)로 바뀌었습니다"
        if is_same:
            what += ", of which the plan is the same"
            korean += " (계획은 같습니다)"
    return Sentence(
        en=f"{what}; look at the plan as it is now, and paste:\n\n```\n{line}\n```",
        ko=f"{korean}. 지금의 계획을 확인하고 붙여 넣으세요:\n\n```\n{line}\n```",
    )


def explain_obstacles(target: Target) -> Sentence:
    """The cluster cannot carry a plan out."""
    obstacles = target.spec.obstacles
    told = "; ".join(render_code(one.en, _SENTENCE) for one in obstacles)
    korean = "; ".join(render_code(one.ko, _SENTENCE) for one in obstacles)
    return Sentence(
        en=f"`{target.plan.name}` cannot be carried out on the cluster: {told}",
        ko=f"`{target.plan.name}`은(는) 클러스터에서 실행할 수 없습니다: {korean}",
    )


_REMOVAL: Final = ("delete", "configmap", RECORD_NAME)


def explain_spoiled_reservation(run: str, namespace: str) -> Sentence:
    """What is reserved for a run cannot be read."""
    name, removal = quote(run), format_command("kubectl", "-n", namespace, *_REMOVAL)
    return Sentence(
        en=f"ConfigMap `{RECORD_NAME}` says of {name} what is no reservation: have somebody who "
        f"may, type `{removal}`",
        ko=f"ConfigMap `{RECORD_NAME}`의 {name} 항목이 예약이 아닙니다. 권한이 있는 사람이 "
        f"실행해야 합니다: `{removal}`",
    )


def explain_uncounted(one: RunCost, team: str, currency: str) -> Sentence:
    """What a run costs cannot be added up with what others do."""
    run, limit = quote(one.run), f"`teams.{team}.limits.costPerMonth`"
    if one.cost is None:
        why = f"there was no price for {run} when it was planned"
        korean = f"{run}을(를) 계획할 때 가격이 없었습니다"
    else:
        why = f"{run} was planned in {one.currency}, and the limit is in {currency}"
        korean = f"{run}은(는) {one.currency}로 계획되었고 한도는 {currency}입니다"
    return Sentence(
        en=f"{why}; wait until next month (UTC), or have {limit} in `vtspec.yaml` taken out until "
        "then",
        ko=f"{korean}. 다음 달(UTC)까지 기다리거나 그때까지 `vtspec.yaml`에서 {limit}을(를) "
        "빼세요",
    )


def explain_unknown_costs(team: str, told: Sentence) -> Sentence:
    """What of a limit is left is not known, as is told."""
    return Sentence(
        en=f"team {team} has a limit of cost, and what is spent of it is not known: {told.en}",
        ko=f"{team} 팀에는 비용 한도가 있는데 쓴 비용을 알 수 없습니다: {told.ko}",
    )


def put_before(target: Target, problem: Sentence) -> Sentence:
    """A problem with the name of the plan that has it."""
    name = target.plan.name
    return Sentence(en=f"`{name}`: {problem.en}", ko=f"`{name}`: {problem.ko}")


def explain_standing(target: Target, standing: Standing, is_changed: bool) -> Sentence:
    """What has come of carrying a plan out."""
    run = quote(standing.run)
    match standing.begin:
        case "new":
            return Sentence(en=f"{run} begins", ko=f"{run} 시작합니다")
        case "again":
            return Sentence(en=f"{run} begins, another attempt", ko=f"{run} 다시 시작합니다")
        # Whoever began it was killed before the cluster knew of it.
        case "resume" if standing.attempt is not None and standing.attempt.is_only_named:
            return Sentence(en=f"{run} begins", ko=f"{run} 시작합니다")
        case "resume":
            return Sentence(
                en=f"{run} goes on from its checkpoint", ko=f"{run} 체크포인트에서 이어갑니다"
            )
        case "completion":
            return Sentence(
                en=f"{run} begins: the result is there, and what its policy lacks is made",
                ko=f"{run} 시작합니다: 결과는 이미 있고, 빠진 것만 만듭니다",
            )
        case None:
            return _explain_there(standing, is_changed)
        case _:
            assert_never(standing.begin)


def _explain_there(standing: Standing, is_changed: bool) -> Sentence:
    run = quote(standing.run)
    if standing.is_at_work:
        more = ", and this pull request wants it too" if is_changed else ""
        extra = ". 이 풀 리퀘스트도 함께 기다립니다" if is_changed else ""
        return Sentence(en=f"{run} is at work{more}", ko=f"{run} 실행 중입니다{extra}")
    told = Sentence(en="", ko="")
    if standing.attempt is not None:
        how = describe_run(standing.attempt)
        told = Sentence(en=f": {how.en}", ko=f": {how.ko}")
    name = standing.attempt.spec if standing.attempt is not None else "SPEC"
    return Sentence(
        en=f"{run} was run already{told.en}; to run it again: `/vtspec rerun {name}`",
        ko=f"{run} 이미 실행되었습니다{told.ko}. 다시 실행하려면: `/vtspec rerun {name}`",
    )


def explain_stopping(run: str, *, is_pasted: bool = True) -> Sentence:
    """A run is on its way to its end; where the line `is_pasted`, it is to be pasted again."""
    what = "; paste the line again once it has ended" if is_pasted else ""
    korean = ". 끝난 뒤 같은 줄을 다시 붙여 넣으세요" if is_pasted else ""
    return Sentence(
        en=f"{quote(run)} is being stopped{what}", ko=f"{quote(run)} 중지되는 중입니다{korean}"
    )


def explain_other_policy(run: str, *, is_pasted: bool = True) -> Sentence:
    """The plan is at work with another policy; `is_pasted` as of `explain_stopping`."""
    what = "paste the line again, and " if is_pasted else ""
    korean = "끝난 뒤 같은 줄을 다시 붙여 넣으면" if is_pasted else "끝난 뒤에는"
    return Sentence(
        en=f"{quote(run)} is at work on the same result with another policy; once it has ended, "
        f"{what}only what it lacks is made",
        ko=f"{quote(run)} 같은 결과를 다른 정책으로 만드는 중입니다. {korean} 빠진 것만 만듭니다",
    )


def explain_other_digest(target: Target, line: str) -> Sentence:
    """The plan was carried out with another policy, which somebody else has approved."""
    return Sentence(
        en=f"`{target.plan.name}` has run with another policy; approve this one:"
        f"\n\n```\n{line}\n```",
        ko=f"`{target.plan.name}`은(는) 다른 정책으로 실행되었습니다. 이것을 승인하세요:"
        f"\n\n```\n{line}\n```",
    )


def explain_at_work(run: str) -> Sentence:
    """What runs is not run again."""
    return Sentence(
        en=f"{quote(run)} is at work; stop it first, or wait for its end",
        ko=f"{quote(run)} 실행 중입니다. 먼저 중지하거나 끝날 때까지 기다리세요",
    )


def explain_never_run(line: str | None) -> Sentence:
    """What never ran cannot be run again."""
    paste = explain_line(line)
    return Sentence(
        en=f"this plan has not been carried out yet; {paste.en}",
        ko=f"이 계획은 아직 실행된 적이 없습니다. {paste.ko}",
    )


def explain_unnamed(line: str) -> Sentence:
    """What the pull request itself does not change is run again by its name alone."""
    return Sentence(
        en="what this pull request itself changes has not been carried out yet; what it has run "
        f"beside that is run again by name:\n\n```\n{line}\n```",
        ko="이 풀 리퀘스트가 바꾼 실험은 아직 실행된 적이 없습니다. 그 밖에 실행한 것은 이름을 "
        f"적어야 다시 실행합니다:\n\n```\n{line}\n```",
    )


def explain_fresh(targets: Sequence[Target]) -> Sentence:
    """Plans that never ran are not run again, beside others that are."""
    names = ", ".join(
        f"`{name}`" for name in dict.fromkeys(_name_plan(one) for one in targets[:_MOST_LINES])
    )
    return Sentence(
        en=f"{names} never ran, so there is nothing to repeat, and nobody has approved it yet",
        ko=f"{names}: 아직 실행된 적이 없어 반복할 것이 없고, 승인되지도 않았습니다",
    )


def _name_plan(target: Target) -> str:
    """A plan by its experiment, and by its seed where that has several."""
    is_one = len(target.spec.plans) < 2
    return target.plan.name if is_one else f"{target.plan.name} (seed {target.plan.training.seed})"
