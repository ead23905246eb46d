"""What commands are answered, in English and Korean; `run_replies` has what begins runs. Pure."""

from collections.abc import Sequence
from typing import Final, assert_never

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.forge.forge import PullRequestState
from vtspec.pipelines.formatting import format_cost, format_number
from vtspec.pipelines.language import Sentence
from vtspec.pipelines.reporting.escape import render_code
from vtspec.pipelines.runs.state import describe_ending
from vtspec.pipelines.runs.state_phrases import describe_adaptations

from .commands import LONGEST_LINE, USAGE, VERBS, BadCommand
from .comment_text import render_link, render_sha
from .digests import shorten_digests, strip_digest
from .phrases import quote
from .view import Attempt, PlannedSpec, UnclearRun

_MOST_LINES: Final = 20
_SENTENCE: Final = 600

EDITED: Final = Sentence(
    en="an edited comment is no command: what somebody has read must be what was said. Paste the "
    "line as a new comment",
    ko="수정된 댓글은 명령이 아닙니다. 같은 줄을 새 댓글로 붙여 넣으세요",
)
TOO_OLD: Final = Sentence(
    en="this came too late: nobody was there to carry it out for a quarter of an hour. Paste it "
    "again as a new comment",
    ko="너무 늦었습니다: 15분 동안 이 명령을 실행할 수 없었습니다. 새 댓글로 다시 붙여 넣으세요",
)
NO_MAINTAINER: Final = Sentence(
    en="only who may write to this repository may allow a fork's commit",
    ko="이 저장소에 쓸 수 있는 사람만 포크의 커밋을 허용할 수 있습니다",
)
NO_FORK: Final = Sentence(
    en="this pull request is of the repository itself; nothing has to be allowed",
    ko="이 풀 리퀘스트는 포크에서 오지 않았습니다. 허용할 것이 없습니다",
)
NO_SPECS: Final = Sentence(
    en="this pull request changes no experiment; name one: `/vtspec plan SPEC`",
    ko="이 풀 리퀘스트가 바꾸는 실험이 없습니다. 이름을 쓰세요: `/vtspec plan SPEC`",
)
NO_RUNS: Final = Sentence(
    en="no plan of this pull request has been carried out yet",
    ko="이 풀 리퀘스트의 계획은 아직 실행된 적이 없습니다",
)
NOTHING_RUNS: Final = Sentence(
    en="nothing of this pull request runs, so there is nothing to stop",
    ko="이 풀 리퀘스트에서 실행 중인 것이 없어 중지할 것이 없습니다",
)
_BLANK: Final = Sentence(
    en="a command begins with `/vtspec` and a plain blank, and nothing stands before it, hidden "
    "characters neither",
    ko="명령은 줄 맨 앞의 `/vtspec`와 보통 공백 한 칸으로 시작해야 합니다 (보이지 않는 문자도 쓸 "
    "수 없음)",
)

OWN_ACCOUNT: Final = Sentence(
    en="this account is the one that the controller itself speaks as, so what it says carries "
    "nothing out: give the controller a GitHub App, or a token of an account of its own, or ask "
    "somebody else",
    ko="이 계정은 컨트롤러가 쓰는 계정이라 아무것도 실행할 수 없습니다. 컨트롤러에 GitHub App이나 "
    "전용 계정의 토큰을 주거나 다른 사람에게 부탁하세요",
)

MERGED_FOR_NOTHING: Final = Sentence(
    en="This was merged while a merge carried plans out here, and `vtspec.yaml` says otherwise "
    "now, so it carries nothing out any more; open another pull request with what is still "
    "wanted.",
    ko="병합이 계획을 실행하던 때에 병합되었지만 지금의 `vtspec.yaml`은 다르게 정하므로 더 이상 "
    "실행하지 않습니다. 아직 필요하면 풀 리퀘스트를 새로 여세요.",
)


def explain_bad(
    bad: BadCommand, line: str | None, changes: Sentence | None = None
) -> tuple[Sentence, ...]:
    """What is wrong with a line that is no command, and what to type; `changes` are those since
    the head before, where it is approved without saying what."""
    word = quote(bad.word)
    usage = Sentence(en=_use(bad.verb), ko=_use(bad.verb))
    match bad.fault:
        case "too long":
            found = Sentence(
                en=f"the line has more than {LONGEST_LINE:,} characters; split it",
                ko=f"한 줄이 {LONGEST_LINE:,}자를 넘습니다. 나누어 쓰세요",
            )
        case "blank":
            return (_BLANK, explain_line(bad.word) if bad.word else explain_help())
        case "no verb":
            return (explain_help(),)
        case "verb":
            near = "" if bad.nearest is None else f"; did you mean `/vtspec {bad.nearest}`?"
            meant = "" if bad.nearest is None else f". `/vtspec {bad.nearest}`인가요?"
            found = Sentence(
                en=f"there is no command {word}{near}", ko=f"{word}라는 명령은 없습니다{meant}"
            )
            return (found, explain_help())
        case "option":
            found = Sentence(
                en=f"{word} is an option, and commands here have none",
                ko=f"{word}: 여기서는 옵션을 쓸 수 없습니다",
            )
        case "no digest" | "digest":
            told = () if changes is None else (changes,)
            return (_explain_no_digest(bad), *told, explain_line(line))
        case "spec":
            found = Sentence(
                en=f"{word} is no name of an experiment", ko=f"{word}: 실험의 이름이 아닙니다"
            )
        case "sha":
            found = Sentence(
                en="name the head commit of this pull request by its whole hash"
                + (f", not {word}" if bad.word else ""),
                ko="이 풀 리퀘스트의 최신 커밋 해시를 전부 쓰세요"
                + (f" ({word}이(가) 아니라)" if bad.word else ""),
            )
        case "too many":
            found = Sentence(en=f"{word} is one word too many", ko=f"{word}: 단어가 너무 많습니다")
        case _:
            assert_never(bad.fault)
    return (found, usage)


def _use(verb: str | None) -> str:
    return f"`{USAGE[verb]}`" if verb in USAGE else "`/vtspec help`"


def _explain_no_digest(bad: BadCommand) -> Sentence:
    if bad.fault == "no digest":
        return Sentence(
            en="say which plan by its digest: approved is what a plan says, not whatever it is "
            "by then",
            ko="어떤 계획인지 다이제스트로 쓰세요",
        )
    return Sentence(
        en=f"{quote(bad.word)} is no digest of a plan: at least seven hex digits, in lower case; "
        "never a name or a branch",
        ko=f"{quote(bad.word)}: 계획의 다이제스트가 아닙니다 (소문자 16진수 7자리 이상). 이름이나 "
        "브랜치는 쓸 수 없습니다",
    )


def explain_line(line: str | None) -> Sentence:
    """The line to paste; that there is none, where nothing can be carried out."""
    if line is None:
        return Sentence(
            en="there is nothing here that could be carried out",
            ko="여기에는 실행할 수 있는 계획이 없습니다",
        )
    return Sentence(en=f"paste:\n\n```\n{line}\n```", ko=f"붙여 넣으세요:\n\n```\n{line}\n```")


def explain_help() -> Sentence:
    """The commands."""
    meanings = {
        "apply": ("carry out the plans with these digests", "다이제스트의 계획을 실행"),
        "plan": ("show the plans, of other experiments too", "계획을 표시 (다른 실험도)"),
        "stop": (
            "stop runs of this pull request; checkpoints stay",
            "실행 중지 (체크포인트 유지)",
        ),
        "rerun": ("run again what has run", "이미 실행한 것을 다시 실행"),
        "report": ("tell how runs ended", "실행 결과를 표시"),
        "allow": ("treat a fork's commit like one of ours (maintainers)", "포크의 커밋을 허용"),
        "help": ("this", "이 도움말"),
    }
    english = "\n".join(f"| `{USAGE[verb]}` | {meanings[verb][0]} |" for verb in VERBS)
    korean = "\n".join(f"| `{USAGE[verb]}` | {meanings[verb][1]} |" for verb in VERBS)
    return Sentence(
        en="Commands are the first line of a new comment:\n\n| command | what it does |\n"
        f"|---|---|\n{english}",
        ko=f"명령은 새 댓글의 첫 줄에 씁니다:\n\n| 명령 | 하는 일 |\n|---|---|\n{korean}",
    )


def explain_other_head(given: str, head: str) -> Sentence:
    """A commit was allowed that is not the head."""
    return Sentence(
        en=f"the head is {render_sha(head)}, not {quote(given)}; look at what it changes, and "
        f"paste:\n\n```\n/vtspec allow {head}\n```",
        ko=f"최신 커밋은 {quote(given)}이(가) 아니라 {render_sha(head)}입니다. 변경을 확인한 "
        f"뒤 붙여 넣으세요:\n\n```\n/vtspec allow {head}\n```",
    )


def explain_allowed(head: str) -> Sentence:
    """A fork's commit is allowed."""
    sha = render_sha(head)
    return Sentence(
        en=f"commit {sha} is treated like one of this repository; the next push is not",
        ko=f"커밋 {sha}을(를) 이 저장소의 커밋처럼 다룹니다. 다음 푸시는 아닙니다",
    )


def explain_fork(head: str) -> Sentence:
    """A fork's plan is not carried out before a maintainer has looked."""
    return Sentence(
        en="this comes from a fork; who may write to this repository looks at what it changes, "
        f"and allows this very commit:\n\n```\n/vtspec allow {head}\n```",
        ko="포크에서 온 풀 리퀘스트입니다. 이 저장소에 쓸 수 있는 사람이 변경을 확인하고 이 "
        f"커밋을 허용해야 합니다:\n\n```\n/vtspec allow {head}\n```",
    )


def explain_closed(state: PullRequestState) -> Sentence:
    """Nothing is carried out for a pull request that is not open."""
    korean = {"closed": "닫혔습니다", "merged": "병합되었습니다", "open": "열려 있습니다"}[state]
    return Sentence(
        en=f"this pull request is {state}; open another one",
        ko=f"이 풀 리퀘스트는 이미 {korean}. 새로 여세요",
    )


def explain_unclear(one: UnclearRun) -> Sentence:
    """What a run has come to is not known, and what to type."""
    if one.is_left:
        return _explain_left(one)
    fault, remove = render_code(one.fault, _SENTENCE), format_command("vtspec", "rm", one.run)
    return Sentence(
        en=f"what {quote(one.run)} has come to cannot be read: {fault}; have its files put "
        f"back, or the run removed: `{remove}`",
        ko=f"{quote(one.run)} 결과를 읽을 수 없습니다: {fault}. 파일을 되돌리거나 실행을 "
        f"지우세요: `{remove}`",
    )


def _explain_left(one: UnclearRun) -> Sentence:
    run, places, korean = quote(one.run), [], []
    stop = []
    if one.namespace is not None:
        places.append(f"in namespace {quote(one.namespace)}")
        korean.append(f"네임스페이스 {quote(one.namespace)}")
        context = ("config", "set-context", "--current", f"--namespace={one.namespace}")
        stop.append(format_command("kubectl", *context))
    if one.store is not None:
        places.append(f"with store {quote(one.store)}")
        korean.append(f"저장소 {quote(one.store)}")
    where = () if one.store is None else ("--runs", one.store)
    stop.append(format_command("vtspec", "stop", one.run, *where))
    told = ", ".join(f"`{line}`" for line in stop)
    is_unseen = len(places) > 1
    more = "; to run its plan here, open another pull request" if is_unseen else ""
    extra = ". 여기서 실행하려면 다른 풀 리퀘스트를 여세요" if is_unseen else ""
    doubt = "may not have ended" if is_unseen else "has not ended"
    doubted = "끝나지 않았을 수 있습니다" if is_unseen else "끝나지 않았습니다"
    return Sentence(
        en=f"{run} {doubt} {' '.join(places)}, which `vtspec.yaml` has left: it is neither "
        "followed nor stopped from here; wait for its end, or stop it outside the repository: "
        f"{told}{more}",
        ko=f"{run} `vtspec.yaml`이 더는 쓰지 않는 {', '.join(korean)}에서 {doubted}. 여기서는 "
        "지켜보거나 중지하지 않습니다. 끝나기를 기다리거나 저장소 밖에서 중지하세요: "
        f"{told}{extra}",
    )


def describe_run(attempt: Attempt) -> Sentence:
    """How a run stands, in words, with its main figure and where MLflow shows it."""
    state = attempt.state
    words = Sentence(en="at work", ko="실행 중")
    if not attempt.is_at_work:
        status = state.status
        words = Sentence(en=describe_ending(status), ko=describe_ending(status, "ko"))
    final, monitor = state.final.metrics, state.training.monitor
    name = monitor if monitor in final else next(iter(final), None)
    figure = "" if name is None else f", {quote(name)} {format_number(final[name])}"
    where = "" if attempt.link is None else f" ({render_link('MLflow', attempt.link)})"
    adapted = describe_adaptations(state)
    english = "" if adapted is None else f", {quote(adapted.en)}"
    korean = "" if adapted is None else f", {quote(adapted.ko)}"
    return Sentence(
        en=f"{words.en}{figure}{english}{where}", ko=f"{words.ko}{figure}{korean}{where}"
    )


def explain_stored_cost(attempt: Attempt) -> Sentence | None:
    """That the plan of a run in the store says otherwise what it costs than its Workflow."""
    stored = attempt.stored_cost
    if stored is None:
        return None
    told = _format_expected(stored.cost, stored.currency)
    counted = _format_expected(attempt.cost, attempt.currency)
    return Sentence(
        en=f"its `plan.json` in the store says that it costs {told.en}, and its Workflow says "
        f"otherwise: for limits {counted.en} counts",
        ko=f"저장소의 `plan.json`에 적힌 비용({told.ko})이 워크플로의 것과 다릅니다. 한도에는 "
        f"{counted.ko}로 셉니다",
    )


def _format_expected(cost: float | None, currency: str) -> Sentence:
    if cost is None:
        return Sentence(en="what nobody knows", ko="알 수 없음")
    text = format_cost(cost, currency)
    return Sentence(en=f"about {text}", ko=f"약 {text}")


def explain_stop(run: str, others: Sequence[int], continuation: Sentence) -> Sentence:
    """A run is stopped, and what goes on with it then; or it goes on for other pull requests."""
    if others:
        numbers = ", ".join(f"#{number}" for number in others)
        return Sentence(
            en=f"{quote(run)} goes on for {numbers}; this pull request wants it no more",
            ko=f"{quote(run)} {numbers} 때문에 계속됩니다. 이 풀 리퀘스트는 더 기다리지 않습니다",
        )
    return Sentence(
        en=f"{quote(run)} is being stopped; {continuation.en}",
        ko=f"{quote(run)} 중지합니다. {continuation.ko}",
    )


def explain_unknown_spec(name: str, nearest: str | None) -> Sentence:
    """There is no such experiment."""
    near = "" if nearest is None else f"; did you mean `{nearest}`?"
    meant = "" if nearest is None else f". `{nearest}`인가요?"
    return Sentence(
        en=f"there is no experiment {quote(name)} here{near}",
        ko=f"{quote(name)}라는 실험은 여기에 없습니다{meant}",
    )


def explain_not_planned(names: Sequence[str]) -> Sentence:
    """Experiments that are there and could not be planned."""
    shown = ", ".join(quote(name) for name in names)
    return Sentence(
        en=f"{shown} could not be planned; who may write to this repository may ask for it",
        ko=f"{shown}: 계획할 수 없었습니다. 이 저장소에 쓸 수 있는 사람이 요청하세요",
    )


def list_plans(chosen: Sequence[PlannedSpec], specs: Sequence[PlannedSpec], head: str) -> Sentence:
    """Specs and the digests of their plans, which the plan comment has in full."""
    lines, short = [], shorten_digests(specs)
    for spec in chosen[:_MOST_LINES]:
        digests = ", ".join(f"`{short[strip_digest(plan.digest)]}`" for plan in spec.plans)
        lines.append(f"- `{spec.name}`: {digests or quote(spec.refusal or 'invalid')}")
    more = len(chosen) - len(lines)
    listed = "\n".join([*lines, *([f"- … {more}"] if more else [])])
    sha = render_sha(head)
    return Sentence(
        en=f"the plan comment is of {sha}, the head:\n\n{listed}",
        ko=f"계획 댓글은 최신 커밋 {sha} 기준입니다:\n\n{listed}",
    )


def list_runs(found: Sequence[Attempt]) -> Sentence:
    """How runs stand."""
    told = [(quote(one.run), describe_run(one)) for one in found[-_MOST_LINES:]]
    english = "\n".join(f"- {run}: {how.en}" for run, how in told)
    korean = "\n".join(f"- {run}: {how.ko}" for run, how in told)
    return Sentence(en=f"runs:\n\n{english}", ko=f"실행:\n\n{korean}")


def explain_merged_otherwise(paste: Sentence) -> Sentence:
    """The merge made other plans of what was shown."""
    return Sentence(
        en="The merge made other plans than the ones that were shown, so nothing was carried out; "
        f"to carry out what they are now, {paste.en}",
        ko="병합 결과의 계획이 표시된 것과 달라서 아무것도 실행하지 않았습니다. 지금의 계획을 "
        f"실행하려면 {paste.ko}",
    )


def explain_merged_before(paste: Sentence) -> Sentence:
    """The merge was under another policy than that of now."""
    return Sentence(
        en="When this was merged, `vtspec.yaml` said otherwise who approves plans and how, or an "
        "earlier vtspec had shown them, so nothing was carried out; who may approve now may "
        f"{paste.en}",
        ko="병합할 때는 `vtspec.yaml`의 승인 규칙이 지금과 다르거나 이전 버전의 vtspec이 계획을 "
        "표시했으므로 아무것도 실행하지 않았습니다. 지금 승인할 수 있는 사람이 "
        f"{paste.ko}",
    )


def explain_unseen_merge(paste: Sentence) -> Sentence:
    """Who merged may have seen other plans, or none."""
    return Sentence(
        en="Whether these plans were to be seen before the merge is not known: their comment is "
        "not of these commits, was written after it, or was changed by somebody else. So nothing "
        f"was carried out; to carry them out, {paste.en}",
        ko="계획 댓글이 이 커밋의 것이 아니거나, 병합 뒤에 작성되었거나, 다른 사람이 바꾸어서 "
        "병합 전에 이 계획이 보였는지 알 수 없습니다. 그래서 아무것도 실행하지 않았습니다. "
        f"실행하려면 {paste.ko}",
    )


def explain_lost_merge(sha: str, line: str | None) -> Sentence:
    """What a merge has made cannot be looked at any more; the line carries out what was shown."""
    commit = render_sha(sha)
    what = explain_line(line)
    if line is None:
        what = Sentence(
            en="open another pull request with what is still wanted",
            ko="아직 필요하면 풀 리퀘스트를 새로 여세요",
        )
    return Sentence(
        en=f"The commits of this merge ({commit}) are in no branch any more, so nobody can tell "
        f"which plans it made, and nothing was carried out; {what.en}",
        ko=f"이 병합의 커밋({commit})이 어느 브랜치에도 없어 병합이 만든 계획을 알 수 없으므로 "
        f"아무것도 실행하지 않았습니다. {what.ko}",
    )


def explain_early_review(login: str) -> Sentence:
    """Who approved may have seen other plans than those that are shown."""
    name = quote(login)
    return Sentence(
        en=f"The review of {name} is of another commit, or it is not known that the plans above "
        "were shown before it as they are now, under what `vtspec.yaml` says now, so it carries "
        "nothing out. Read them, and approve once more.",
        ko=f"{name}의 리뷰는 다른 커밋의 것이거나, 그 전에 지금의 `vtspec.yaml`에 따라 위 계획이 "
        "이대로 표시되었는지 알 수 없어 아무것도 실행하지 않았습니다. 계획을 읽고 다시 "
        "승인하세요.",
    )


def explain_late_review(login: str, state: PullRequestState) -> Sentence:
    """The pull request was over before what a review approves was begun."""
    name, closed = quote(login), explain_closed(state)
    return Sentence(
        en=f"The review of {name} carries nothing out: {closed.en}.",
        ko=f"{name}의 리뷰로는 아무것도 실행하지 않습니다. {closed.ko}.",
    )


def explain_review_for_nothing(login: str) -> Sentence:
    """A review carries nothing out any more, and did when it was given."""
    name = quote(login)
    return Sentence(
        en=f"The review of {name} carries nothing out any more: `vtspec.yaml` says otherwise now "
        "how plans are approved, as their comment tells.",
        ko=f"{name}의 리뷰로는 더 이상 실행하지 않습니다: 지금의 `vtspec.yaml`은 승인 방법을 "
        "다르게 정합니다. 계획 댓글을 보세요.",
    )


def explain_own_review(login: str) -> Sentence:
    """Who approved is the account that the controller speaks as."""
    name = quote(login)
    return Sentence(
        en=f"The review of {name} carries nothing out: {OWN_ACCOUNT.en}.",
        ko=f"{name}의 리뷰로는 아무것도 실행하지 않습니다. {OWN_ACCOUNT.ko}.",
    )


def explain_merged_by_other(login: str, problem: Sentence, paste: Sentence) -> Sentence:
    """Who merged may not have anything carried out."""
    name = quote(login)
    return Sentence(
        en=f"{name} has merged, and {problem.en}, so nothing was carried out; who may approve "
        f"may {paste.en}",
        ko=f"{name}이(가) 병합했습니다. {problem.ko}. 그래서 아무것도 실행하지 않았습니다. "
        f"승인할 수 있는 사람이 {paste.ko}",
    )


def explain_merged_by_nobody(paste: Sentence) -> Sentence:
    """The forge does not say any more who merged."""
    return Sentence(
        en="Who merged this is not known any more, so nothing was carried out; who may approve "
        f"may {paste.en}",
        ko="누가 병합했는지 더는 알 수 없어 아무것도 실행하지 않았습니다. 승인할 수 있는 사람이 "
        f"{paste.ko}",
    )


def explain_merged_fork(head: str, paste: Sentence) -> Sentence:
    """A fork was merged whose commit no maintainer has allowed."""
    fork = explain_fork(head)
    return Sentence(
        en=f"{fork.en}\n\nThis was merged before that, so nothing was carried out; once it is "
        f"allowed, {paste.en}",
        ko=f"{fork.ko}\n\n그전에 병합되어 아무것도 실행하지 않았습니다. 허용한 뒤 {paste.ko}",
    )


CALLED_OFF: Final = Sentence(
    en="a `/vtspec stop` that was said after this has called it off",
    ko="나중의 `/vtspec stop`으로 취소되었습니다",
)


def explain_once_more(line: str | None) -> Sentence:
    """How what could not be carried out is asked for again: by a line, or by another review."""
    if line is None:
        return Sentence(
            en="to have that carried out once nothing is in its way, approve once more",
            ko="문제가 없어진 뒤 실행하려면 다시 승인하세요",
        )
    paste = explain_line(line)
    return Sentence(
        en=f"to have that carried out once nothing is in its way, {paste.en}",
        ko=f"문제가 없어진 뒤 실행하려면 {paste.ko}",
    )


def render_no_more(title: str) -> str:
    """That what was refused is refused no more, in the language of the pull request."""
    return f"{_NO_MORE.say(detect_language([title]))}\n"


_NO_MORE: Final = Sentence(
    en="*What stood here holds no more.*", ko="*여기 있던 내용은 더 이상 해당하지 않습니다.*"
)
