"""What is answered where the cluster, or what was planned, refuses what was asked for."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hostile_text import shape
from pull_request_world import BOT, START, World, a_plan_of, sha_of
from vtspec.pipelines.cluster.api_errors import ApiCall, explain_answer
from vtspec.pipelines.controller.actions import CreateRun, Reply, WriteComment
from vtspec.pipelines.controller.comment_text import LIMIT, count_characters
from vtspec.pipelines.controller.effects import Effects
from vtspec.pipelines.controller.site import Site
from vtspec.pipelines.controller.view import Approval
from vtspec.pipelines.errors import Permanent
from vtspec.schema.problem import Problem, SpecError

PLAN = a_plan_of()
SERVER = "https://10.96.0.1:6443"


def a_denial() -> Exception:
    call = ApiCall(
        verb="create", resource="workflows.argoproj.io", namespace="vision", server=SERVER
    )
    body = f'{{"message": "{SERVER}/apis says\\nno to canary-1234"}}'.encode()
    return explain_answer(call, 403, body, lambda text: text)


def answer(
    error: Exception,
    *,
    cause: int | None = 7,
    can_open: bool = True,
    runs: Sequence[str] = (PLAN.id,),
    beside: Sequence[WriteComment] = (),
    **changes: Any,
) -> str:
    """What is written where runs that were asked for are refused so, beside what else was."""

    def refuse(number: int) -> None:
        raise error

    def open_cluster() -> Any:
        if not can_open:
            raise Permanent("there is no kubeconfig")
        return SimpleNamespace(server=SERVER)

    forge: Any = SimpleNamespace(
        get_pull_request=refuse, find_time=lambda: START, find_login=lambda: BOT
    )
    site: Any = Site(
        forge=forge,
        folder=Path(),
        environ={"MY_TOKEN": "canary-1234"},
    )
    site.open_cluster = open_cluster
    repository: Any = SimpleNamespace(project=SimpleNamespace(spec=World().project))
    effects = Effects(site=site, repository=repository, report=lambda text: None, **changes)
    approval = Approval(
        pull_request=1, login="ann", digest=PLAN.digest, head_sha=sha_of(1), source="comment"
    )
    created = [
        CreateRun(run=run, plan=PLAN, begin="new", approval=approval, team=None, cause=cause)
        for run in runs
    ]
    # What would have been said had nothing been refused.
    replies = [Reply(pull_request=1, word=cause, body="🚀", cause=cause)] if cause else []
    written = effects.act([*created, *replies, *beside])
    (body,) = [one.body for one in written if isinstance(one, Reply | WriteComment)]
    return body


def test_message_and_fix_have_a_line_each_and_the_address_none() -> None:
    lines = answer(a_denial()).splitlines()
    assert f"👎 What was asked for `{PLAN.id}` was refused:" in lines
    told, fix = (line for line in lines if line.startswith("- "))
    assert told.startswith("- `the cluster, namespace vision: you may not create workflows")
    assert fix.startswith("- Fix: `kubectl auth can-i create workflows.argoproj.io -n vision;")
    assert lines[-1] == "Paste the line again once that is mended."
    assert SERVER not in "".join(lines) and "canary" not in "".join(lines)


def test_in_a_korean_pull_request_our_words_are_korean() -> None:
    text = answer(a_denial(), tongues={1: "ko"})
    assert f"👎 `{PLAN.id}`에 대한 요청이 거부되었습니다:" in text
    assert "- 해결: `kubectl auth" in text and "다시 붙여 넣으세요" in text
    assert "Paste" not in answer(a_denial(), tongues={1: "ko"}, cause=None)


def test_what_no_command_asked_for_is_tried_again_without_one() -> None:
    text = answer(a_denial(), cause=None)
    assert "tried again, without being asked" in text and "Paste" not in text


def test_a_cluster_that_cannot_be_opened_has_no_address_to_hide() -> None:
    assert "`no kubeconfig`" in answer(Permanent("no kubeconfig"), can_open=False)


def test_each_problem_of_a_file_has_a_line() -> None:
    problem = Problem(
        file="vtspec.yaml", line=3, column=5, path="spec.runs", value=1, message="m", fix="f"
    )
    lines = answer(SpecError([problem, problem])).splitlines()
    assert sum("vtspec.yaml:3:5" in line for line in lines) == 2
    assert all(line.count("`") == 2 for line in lines if line.startswith("- "))
    many = answer(SpecError([problem] * 100))
    assert many.count("\n- ") == 20


@pytest.mark.parametrize("words", ["``` x", "</details>", "@octocat", "a\n\n# b"])
def test_what_refuses_has_no_power_in_its_words(words: str) -> None:
    plain = answer(Permanent("plain", fix="plain"))
    assert shape(answer(Permanent(words, fix=words))) == shape(plain)


def test_what_many_runs_are_refused_with_fits_into_a_comment() -> None:
    runs = [f"{PLAN.id}-{number}" for number in range(2, 102)]
    text = answer(Permanent("x " * 400, fix="y " * 400), cause=None, runs=runs)
    assert count_characters(text) <= LIMIT and "too long and is cut here" in text
    assert f"What was asked for `{runs[0]}` was refused" in text


def test_what_is_refused_stands_beside_why_nothing_comes_of_the_rest() -> None:
    kept = WriteComment(pull_request=1, kind="approval", body="<!-- vtspec:approval -->\nNo room.")
    text = answer(Permanent("no"), cause=None, beside=(kept,))
    assert text.startswith("<!-- vtspec:approval -->\nNo room.\n") and "`no`" in text
