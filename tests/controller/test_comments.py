"""What stands in a pull request, as it is read there; and that no text of others has any power."""

import ast
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile_text import CORPUS, code_in, shape, texts, unhurried
from pull_request_world import World, a_plan_of, a_spec, an_obstacle, sha_of
from report_data import GOLDEN, a_baseline, a_plan, a_run, expect_golden
from vtspec.pipelines.argo.workflow_state import (
    Cause,
    Phase,
    QueuePlace,
    StepProgress,
    Wait,
    WorkflowState,
)
from vtspec.pipelines.argo.workflow_words import describe_workflow
from vtspec.pipelines.controller import replies
from vtspec.pipelines.controller.comment_text import LIMIT, count_characters, cut_text
from vtspec.pipelines.controller.commit_status import report_checks
from vtspec.pipelines.controller.ledger import open_ledger
from vtspec.pipelines.controller.markers import Shown
from vtspec.pipelines.controller.plan_comment import render_plan_comment
from vtspec.pipelines.controller.progress_comment import render_progress_comment
from vtspec.pipelines.controller.result_comment import pick_log_lines, render_result_comment
from vtspec.pipelines.controller.view import (
    Approval,
    Attempt,
    PlannedSpec,
    PullRequestView,
    View,
)
from vtspec.pipelines.formatting import format_duration
from vtspec.pipelines.language import Sentence
from vtspec.pipelines.operations.pull_request import Reach
from vtspec.pipelines.planning.diff import compare_plans
from vtspec.pipelines.planning.plan_phrases import describe_plan
from vtspec.pipelines.planning.prior_runs import Comparison, PriorRuns
from vtspec.pipelines.redaction import Redactor
from vtspec.pipelines.reporting.facts import build_facts
from vtspec.pipelines.runs.state import Failure, RunClock, RunState, fold_events
from vtspec.pipelines.runs.state import Status as RunStatus
from vtspec.schema.problem import Problem
from vtspec.schema.visible_text import make_visible

COMMENTS = GOLDEN.parent / "comments"
PLAN = a_plan_of(gates=("accuracy >= 0.95",))
BEFORE = a_plan_of("digits", 3)
HEAD = sha_of(9)
SHOWN = Shown(head_sha=HEAD, head_since=1, all_digest="0" * 64)
KOREAN: Final = "숫자를 더 오래 학습합니다"
SECRET = "s3cr3t-of-the-store-42"


def compare(name: str, note: str) -> Comparison:
    changes = compare_plans(BEFORE.to_json(), PLAN.to_json())
    return Comparison(name=name, note=note, changes=changes)


def a_whole_spec(**changes: Any) -> PlannedSpec:
    """A spec of which there is everything to tell."""
    beside = PriorRuns(
        runs_as="new",
        last=compare(BEFORE.id, "succeeded, accuracy 0.94"),
        unknown=("there is no baseline 'old' to compare with",),
    )
    reach = (
        Reach(what="data", is_reached=True, note="s3://acme-data/dvc"),
        Reach(what="weights", is_reached=None, note=""),
    )
    plan = replace(PLAN, warnings=("the weights' licence is cc-by-nc-4.0",))
    known = {
        "plans": (plan,),
        "beside": beside,
        "base": compare("digits", "on main"),
        "reach": reach,
    }
    return a_spec(PLAN, **{**known, **changes})


def a_broken_spec() -> PlannedSpec:
    problem = Problem(
        file="specs/experiments/cars.yaml",
        line=14,
        column=13,
        path="spec.training.epochs",
        value=0,
        message="must be at least 1, got 0",
        fix="set epochs to 1 or more",
    )
    return PlannedSpec(
        name="cars", path="specs/experiments/cars.yaml", cause="changed", problems=(problem,)
    )


def a_pull(*specs: PlannedSpec, title: str = "Train the digits for longer") -> PullRequestView:
    world = World()
    number = world.open(*specs, title=title, head_sha=HEAD)
    return replace(world.see().pull_requests[number - 1], changes_project=True)


def a_view(**changes: Any) -> View:
    world = World(
        runs="s3://acme-runs/vision",
        teams={"vision": {"logins": ["ann"]}},
        approval={"teams": ["vision"]},
    )
    return replace(world.see(), **changes)


def write_plan(seen: PullRequestView, *attempts: Attempt, **changes: Any) -> str:
    view = a_view(attempts=attempts, **changes)
    text, _ = render_plan_comment(seen, view, open_ledger(view), SHOWN)
    return text


def some_specs() -> tuple[PlannedSpec, ...]:
    two_gpus = a_plan_of("birds", 40)
    return (
        a_whole_spec(),
        a_broken_spec(),
        a_spec(
            a_plan_of("cats", 7),
            obstacles=(
                Sentence(
                    en="the data is not there: dvc push data/cats",
                    ko="데이터가 없습니다: dvc push data/cats",
                ),
            ),
        ),
        a_spec(two_gpus, cause="affected"),
        a_spec(a_plan_of("fish"), cause="affected"),
    )


def an_attempt(**changes: Any) -> Attempt:
    """A run at work, of an earlier commit."""
    approval = Approval(
        pull_request=1, login="ann", digest=PLAN.digest, head_sha=sha_of(8), source="comment"
    )
    known: dict[str, Any] = {
        "run": PLAN.id,
        "spec": PLAN.name,
        "plan_id": PLAN.id,
        "digest": PLAN.digest,
        "number": 1,
        "workflow": WorkflowState(
            phase="running",
            step="train",
            steps={"train": StepProgress(phase="running", node="gpu-node-1")},
        ),
        "approvals": (approval,),
        "wanted_by": {1: True},
    }
    return Attempt(**{**known, **changes})


def in_training() -> RunState:
    run = a_run()
    told = [one for one in run.events if one.body.__class__.__name__ != "RunFinished"]
    return replace(fold_events(told[:5]), status="running")


def a_failed_attempt(words: str = "CUDA out of memory", **changes: Any) -> Attempt:
    failure = Failure(
        message=f"{words}: tried to allocate, with {SECRET}",
        fix="lower training.batchSize",
        traceback=f'Traceback:\n  File "a.py", line 1\nMemoryError: {words}',
    )
    known: dict[str, Any] = {
        "state": RunState(status="failed", run=PLAN.id, failure=failure, exit_code=3),
        "workflow": WorkflowState(phase="failed", step="train", cause="memory"),
        "log": (
            "epoch 1/5",
            " 12%|####      | 1/8 [00:01<00:07]",
            '[METRICS] {"loss": 1.0}',
            "",
            f"connecting with {SECRET}",
            f"RuntimeError: {words} ``` </details> @octocat",
        ),
        "link": "https://reports.example/run/1?a=(b) c",
    }
    return an_attempt(**{**known, **changes})


def test_golden_plan_comment() -> None:
    expect_golden("plan.md", write_plan(a_pull(*some_specs())), COMMENTS)


def test_golden_plan_comment_of_a_plan_that_was_run_already() -> None:
    done = an_attempt(
        state=RunState(
            status="succeeded",
            run=PLAN.id,
            final=in_training().final,
            clock=RunClock(seconds=754.0),
        ),
        workflow=None,
        spent=0.031,
        link="https://reports.example/run/1",
    )
    expect_golden("plan-already-run.md", write_plan(a_pull(a_whole_spec()), done), COMMENTS)


def test_golden_plan_comment_in_korean() -> None:
    seen = a_pull(*some_specs(), title="숫자를 더 오래 학습합니다")
    expect_golden("plan-korean.md", write_plan(seen), COMMENTS)


def test_golden_progress_comment() -> None:
    waiting = an_attempt(
        run="cats-0123456789",
        plan_id="cats-0123456789",
        approvals=(),
        workflow=WorkflowState(
            phase="waiting",
            step="train",
            wait="queue",
            place=QueuePlace(queue="t4", place=3, place_in_cluster=7),
            message="quota of t4 is used up",
        ),
    )
    attempts = (an_attempt(state=in_training()), waiting)
    view = a_view(attempts=attempts, tracking="https://mlflow.example/#/experiments/1")
    expect_golden("progress.md", render_progress_comment(a_pull(), view, attempts), COMMENTS)


def test_a_korean_progress_comment_names_its_colours_in_korean() -> None:
    curves = an_attempt(state=in_training())
    text = render_progress_comment(a_pull(title=KOREAN), a_view(), (curves,))
    assert "\n파랑: train_loss, 주황: val_loss\n" in text


def test_golden_progress_comment_when_nothing_runs() -> None:
    text = render_progress_comment(a_pull(), a_view(), ())
    expect_golden("progress-over.md", text, COMMENTS)


def test_golden_progress_comment_when_a_run_was_lost_with_its_workflow() -> None:
    text = render_progress_comment(a_pull(), a_view(), (), (an_attempt(workflow=None),))
    expect_golden("progress-lost.md", text, COMMENTS)


def a_done_attempt() -> Attempt:
    plan = a_plan(report={"baseline": "digits-resnet10t", "gates": ["accuracy >= 0.95"]})
    run = a_run(plan)
    return an_attempt(
        run=run.name,
        state=fold_events(run.events),
        workflow=WorkflowState(phase="succeeded"),
        facts=build_facts(run, a_baseline()),
        link="https://reports.example/run/1",
    )


def test_golden_result_comment_against_the_baseline() -> None:
    text = render_result_comment(a_pull(), a_view(), (a_done_attempt(),))
    expect_golden("result.md", text, COMMENTS)


def test_golden_result_comment_against_the_baseline_in_korean() -> None:
    text = render_result_comment(a_pull(title=KOREAN), a_view(), (a_done_attempt(),))
    expect_golden("result-korean.md", text, COMMENTS)


@pytest.mark.parametrize(("title", "about"), [("Train longer", "about "), (KOREAN, "약 ")])
def test_what_a_run_has_cost_is_told_with_its_result(title: str, about: str) -> None:
    done, view = replace(a_done_attempt(), spent=1.25), a_view()
    text = render_result_comment(a_pull(title=title), view, (done,))
    assert f", {about}1.25 USD, " in text
    # Where nobody knows what an hour of it costs.
    other = render_result_comment(a_pull(title=title), view, (replace(done, spent=None),))
    took = format_duration(done.state.clock.result_s, tongue="ko" if title == KOREAN else "en")
    assert "USD" not in other and took in other
    assert f"`s3://acme-runs/vision/{done.run}/model`" in text and "[MLflow](" in text


def test_a_run_whose_report_cannot_be_read_says_so() -> None:
    done = replace(a_done_attempt(), facts=None)
    text = render_result_comment(a_pull(), a_view(), (done,))
    assert f"## ☑️ `{done.run}`" in text and "\nTook 1 min 30 s, its model is in `s3:" in text
    assert f"Its report cannot be read here; `vtspec report {done.run}` says why." in text
    korean = render_result_comment(a_pull(title=KOREAN), a_view(), (done,))
    assert "보고서를 여기서 읽을 수 없습니다" in korean and not find_english(korean)


def test_a_run_without_a_model_is_told_without_one() -> None:
    done = replace(a_done_attempt(), state=replace(a_done_attempt().state, exports={}))
    assert "its model is in" not in render_result_comment(a_pull(), a_view(), (done,))


def test_golden_result_comment_of_a_failure() -> None:
    view = a_view(redactor=Redactor(secrets=frozenset({SECRET})))
    text = render_result_comment(a_pull(a_spec(PLAN)), view, (a_failed_attempt(),))
    assert SECRET not in text
    expect_golden("result-failed.md", text, COMMENTS)


def test_golden_result_comment_of_a_stopped_run_in_korean() -> None:
    stopped = an_attempt(
        state=RunState(status="stopped", run=PLAN.id), workflow=WorkflowState(phase="stopped")
    )
    seen = a_pull(a_spec(PLAN), title="숫자를 더 오래 학습합니다")
    text = render_result_comment(seen, a_view(), (stopped,))
    expect_golden("result-stopped-korean.md", text, COMMENTS)


ENGLISH: Final = re.compile(r"[A-Za-z][a-z']*(?: [A-Za-z][a-z']*){2,}")


def find_english(markdown: str) -> list[str]:
    """Three or more English words in a row where nobody's name, log or command stands."""
    rest = re.sub(r"<!--.*?-->|\]\([^)]*\)", " ", markdown)
    for code in sorted(code_in(rest), key=len, reverse=True):
        rest = rest.replace(code, " | ")
    return ENGLISH.findall(rest)


def korean_comments() -> dict[str, str]:
    """Each kind of comment, of a pull request whose title is Korean."""
    seen, view = a_pull(*some_specs(), title=KOREAN), a_view()
    done = an_attempt(
        state=RunState(status="succeeded", run=PLAN.id, final=in_training().final),
        workflow=None,
        link="https://reports.example/run/1",
    )
    asked = a_spec(replace(PLAN, estimate=replace(PLAN.estimate, cost=None)), cause="asked")
    many = tuple(replace(a_whole_spec(), name=f"digits-{number}") for number in range(300))
    at_work = (an_attempt(state=in_training()), an_attempt(is_stopping=True))
    endings: tuple[RunStatus, ...] = ("failed", "crashed", "stopped", "interrupted", "running")
    ended = [
        an_attempt(
            run=f"{PLAN.id}-{at}",
            plan_id=f"{PLAN.id}-{at}",
            state=RunState(status=status, run=PLAN.id),
            workflow=WorkflowState(phase="failed", step="train", cause=cause),
        )
        for at, (status, cause) in enumerate(product(endings, get_args(Cause)))
    ]
    pulls = {
        "fork": replace(seen, pull=replace(seen.pull, is_fork=True)),
        "removed": replace(seen, removed=("specs/experiments/old.yaml",)),
        "empty": a_pull(title=KOREAN),
        "asked": a_pull(asked, title=KOREAN),
        "stuck": a_pull(a_broken_spec(), title=KOREAN),
        "cut": a_pull(*many, title=KOREAN),
        "whole": seen,
    }
    plans = {f"plan, {name}": write_plan(one) for name, one in pulls.items()}
    assert "잘랐습니다" in plans["plan, cut"]
    return {
        **plans,
        "plan, run already": write_plan(a_pull(a_whole_spec(), title=KOREAN), done),
        "progress": render_progress_comment(seen, view, at_work),
        "progress, over": render_progress_comment(seen, view, ()),
        "progress, lost": render_progress_comment(seen, view, (), (an_attempt(workflow=None),)),
        "failures": render_result_comment(seen, view, (a_failed_attempt(), *ended)),
        "result": render_result_comment(seen, view, (a_done_attempt(),)),
    }


def test_comments_in_korean_are_korean_as_a_whole() -> None:
    for kind, text in korean_comments().items():
        assert find_english(text) == [], kind
        assert re.search("[가-힣]", text), kind


def test_what_a_plan_and_a_workflow_say_in_code_is_korean_too() -> None:
    for gpus in (0, 2):
        plan = replace(PLAN, resources=replace(PLAN.resources, gpus=gpus, gpu_type="t4"))
        assert ENGLISH.findall(describe_plan(plan, "ko")) == []
    for phase, wait in product(get_args(Phase), get_args(Wait)):
        place = QueuePlace(queue="t4", place=3, place_in_cluster=7)
        for state in (
            WorkflowState(phase=phase, wait=wait, step="train", namespace="vision"),
            WorkflowState(phase=phase, wait=wait, place=place),
        ):
            told = describe_workflow(state, "ko")
            assert ENGLISH.findall(told) == [] and re.search("[가-힣]", told), told


def test_no_sentence_in_korean_is_half_english() -> None:
    """Each that is written in the source, whatever it is said of."""
    found = [
        (path.name, word.value)
        for path in sorted(Path(replies.__file__).parents[1].rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword) and node.arg == "ko"
        for word in ast.walk(node.value)
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    ]
    assert len(found) > 100
    assert [one for one in found if find_english(one[1])] == []


def test_only_the_last_attempt_of_a_plan_is_reported() -> None:
    first = a_failed_attempt()
    second = a_failed_attempt(run=f"{PLAN.id}-2", number=2)
    text = render_result_comment(a_pull(), a_view(), (second, first))
    assert f"`{PLAN.id}-2`" in text and f"`{PLAN.id}`" not in text


def test_the_plan_comment_says_what_the_affected_plans_cost_together() -> None:
    text = write_plan(a_pull(*some_specs()))
    birds, fish = a_plan_of("birds", 40), a_plan_of("fish")
    assert birds.estimate.cost is not None and fish.estimate.cost is not None
    assert f"costs about {birds.estimate.cost + fish.estimate.cost:.2f} USD" in text


def test_log_lines_are_the_last_that_tell_something() -> None:
    lines = [f"line {number}" for number in range(100)]
    lines += ["99%|##########| 9/9", "", "a\rb\rthe end"]
    shown = pick_log_lines(lines, Redactor())
    assert shown[-1] == "the end" and shown[0] == "line 61" and len(shown) == 40


def test_a_secret_that_takes_several_lines_is_masked() -> None:
    key = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA7", "-----END RSA PRIVATE KEY-----"]
    shown = pick_log_lines(["before", *key, "after"], Redactor())
    assert not any("MIIE" in line for line in shown)
    assert shown[0] == "before" and shown[-1] == "after"


@pytest.mark.slow
@settings(unhurried, max_examples=40)
@given(texts())
def test_no_text_of_others_breaks_out_of_a_comment(words: str) -> None:
    assert shape(say(words)) == shape(say("plain"))


@pytest.mark.parametrize("words", [one for one in CORPUS if one.strip()])
def test_nobody_is_called_and_nothing_is_linked(words: str) -> None:
    rest = say(words)
    for code in code_in(rest):
        rest = rest.replace(code, "")
    for power in ("@octocat", "fixes #1", "<script", "evil.example", "javascript:"):
        assert power not in rest


def say(words: str) -> str:
    """All comments of a pull request in which others have written `words` wherever they can."""
    # What is blank is told as such, in words of ours.
    line = words if make_visible(words).strip() else "x"
    problem = replace(a_broken_spec().problems[0], file=line, message=line, fix=line, path=line)
    spec = a_whole_spec(
        plans=(replace(PLAN, warnings=(line,)),),
        reach=(Reach(what="data", is_reached=False, note=line),),
        obstacles=(an_obstacle(line),),
        problems=(problem,),
        refusal=line,
        base=replace(compare("digits", line), changes=(replace(CHANGE, path=line, after=line),)),
    )
    seen, view = replace(a_pull(spec), removed=(line,)), a_view()
    workflow = WorkflowState(phase="waiting", step="train", wait="queue", message=line)
    approval = replace(an_attempt().approvals[0], login=line)
    at_work = an_attempt(workflow=workflow, approvals=(approval,), run=line)
    failed = a_failed_attempt(line, run=line, log=(f"x {line}",))
    return "\n\n".join(
        [
            *render_plan_comment(seen, view, open_ledger(view), SHOWN),
            render_progress_comment(seen, view, (at_work,)),
            render_result_comment(seen, view, (failed,)),
        ]
    )


CHANGE = compare_plans(BEFORE.to_json(), PLAN.to_json())[0]

PIECES = st.sampled_from(
    [
        "```",
        "````",
        "~~~",
        "```sh",
        "text",
        "😀" * 40,
        "<details>",
        "</details>",
        "",
        "x" * 90,
        "   ```",
    ]
)


@settings(unhurried)
@given(st.lists(PIECES, max_size=80), st.integers(900, 3000))
def test_a_long_text_is_cut_outside_of_any_fence(lines: list[str], limit: int) -> None:
    text = "\n".join(["<!-- vtspec:plan -->", *lines])
    cut = cut_text(text, "https://reports.example/1", limit)
    assert count_characters(cut) <= limit
    cut.encode("utf-16")
    if cut != text:
        assert "is cut here" in cut
        kept, _, _ = cut.partition("\n\n---\n\n")
        assert has_balanced_fences(kept)
        # What was folded away is closed again, so that the pointer is seen.
        assert shape(cut)[-1] == shape("\n\n*end*")[-1] or "is cut here" in str(shape(cut))


def has_balanced_fences(text: str) -> bool:
    """Whether a reader of markdown finds the line behind the text outside of code."""
    return "the very end" not in "".join(code_in(f"{text}\n\nthe very end"))


def test_a_fence_that_is_too_long_is_left_out_whole() -> None:
    text = "before\n\n```\n" + "x\n" * LIMIT + "```\nafter\n"
    cut = cut_text(text, None)
    assert cut.startswith("before\n\n---") and "x\nx" not in cut


def test_a_plan_comment_of_a_thousand_specs_fits_and_keeps_its_line() -> None:
    whole = a_whole_spec()
    specs = tuple(replace(whole, name=f"digits-{number}") for number in range(1000))
    seen = replace(a_pull(*specs), full_text="https://reports.example/plan")
    text = write_plan(seen)
    assert count_characters(text) <= LIMIT
    assert "/vtspec apply" in text and "https://reports.example/plan" in text
    assert has_balanced_fences(text)


def test_what_of_a_plan_does_not_fit_stands_below_its_check() -> None:
    whole = a_whole_spec(refusal=f"the key is {SECRET}")
    specs = tuple(replace(whole, name=f"digits-{number}") for number in range(100))
    seen = replace(a_pull(*specs), full_text="https://forge.example/pull/1/checks")
    view = a_view(redactor=Redactor(secrets=frozenset({SECRET})))
    comment, rest = render_plan_comment(seen, view, open_ledger(view), SHOWN)
    last = "### `digits-99`"
    assert last not in comment and "[more of it](https://forge.example/pull/1/checks)" in comment
    (told,) = report_checks([seen], view, rest)
    assert last in told.report.text and SECRET not in told.report.text
    # Where there is no such page, what to type is said in its place.
    plain = replace(seen, full_text=None)
    comment, rest = render_plan_comment(plain, view, open_ledger(view), SHOWN)
    assert "`/vtspec plan SPEC`" in comment.rpartition("---")[2]
    (told,) = report_checks([plain], view, rest)
    assert told.report.text == ""
