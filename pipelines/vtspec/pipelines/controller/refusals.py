"""What is told of what was refused for good, and what to do about it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.reporting.escape import render_code
from vtspec.pipelines.runs.run import find_completed_run
from vtspec.schema.problem import SpecError

from .actions import Action, CreateRun, LabelRun, React, Reply, WriteComment
from .approved_runs import read_noted, render_approved
from .comment_text import cut_text
from .markers import make_marker, make_reply_marker

_LONGEST_REASON: Final = 600
_MOST_LINES: Final = 20


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why an action is refused for good, and what to do about it, where that is known."""

    messages: Sequence[str]
    fix: str = ""

    def tell(self, action: CreateRun | LabelRun, tongue: Tongue) -> str:
        """It in a comment; by who asked for it by a command it is asked for again."""
        lines = [render_code(one, _LONGEST_REASON) for one in self.messages]
        if self.fix:
            told = Sentence(en="Fix", ko="해결").say(tongue)
            lines.append(f"{told}: {render_code(self.fix, _LONGEST_REASON)}")
        run = render_code(action.run)
        head = Sentence(
            en=f"What was asked for {run} was refused:", ko=f"{run}에 대한 요청이 거부되었습니다:"
        )
        again = Sentence(
            en="Paste the line again once that is mended.",
            ko="고친 뒤 같은 줄을 다시 붙여 넣으세요.",
        )
        if action.cause is None:
            again = Sentence(
                en="It is tried again, without being asked, until that is mended.",
                ko="고칠 때까지 자동으로 다시 시도합니다.",
            )
        listed = "\n".join(f"- {one}" for one in lines)
        return f"👎 {head.say(tongue)}\n\n{listed}\n\n{again.say(tongue)}\n"


def explain_refusal(error: Refused | Permanent | SpecError) -> Refusal:
    """What an error says, and its fix."""
    if isinstance(error, SpecError):
        lines = [line.strip() for line in str(error).splitlines()]
        return Refusal(messages=lines[:_MOST_LINES])
    return Refusal(messages=[error.message], fix=error.fix or "")


def answer_refusal(
    reply: Reply, undone: Collection[str], told: str, tongue: Tongue
) -> Iterator[Action]:
    """What answers a command in place of its `reply`, of which these runs were not carried out:
    with those that were, now or before, as the reply notes them."""
    number, cause = reply.pull_request, reply.cause
    assert cause is not None
    missing = {find_completed_run(run) or run for run in undone}
    noted = dict(read_noted(reply.body, number))
    begun = {run: approval for run, approval in noted.items() if run not in missing}
    done = "".join(f"🚀 {render_code(run)}\n\n" for run in begun)
    marker = f"{make_reply_marker(cause, 'refused')}{render_approved(begun)}"
    body = _join_lines((marker, f"{done}{told}"), tongue)
    yield Reply(pull_request=number, word=cause, body=body, cause=cause)
    yield React(pull_request=number, comment_id=cause, content="-1", cause=cause)


def add_refusals(
    writes: Sequence[Action],
    refused: Mapping[int, Sequence[str]],
    tongues: Mapping[int, Tongue],
) -> Iterator[Action]:
    """What there is to be written, with what nobody has asked for by a command and was refused
    told in the comment on the approval, by pull requests."""
    untold = dict(refused)
    for one in writes:
        if isinstance(one, WriteComment) and one.kind == "approval":
            number, lines = one.pull_request, untold.pop(one.pull_request, ())
            one = replace(one, body=_join_lines((one.body, *lines), tongues.get(number, "en")))
        yield one
    for number, lines in untold.items():
        body = _join_lines((make_marker("approval"), *lines), tongues.get(number, "en"))
        yield WriteComment(pull_request=number, kind="approval", body=body)


def _join_lines(lines: Sequence[str], tongue: Tongue) -> str:
    # Of many runs each may be refused at length.
    return cut_text("\n".join(lines), tongue=tongue)
