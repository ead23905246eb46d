"""Comments of a Korean pull request: no word of ours is left in English."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from cluster_plans import a_cluster_project, a_published_plan
from pull_request_world import World, a_plan_of, a_spec
from vtspec.pipelines.argo import find_settings
from vtspec.pipelines.argo.workflow_state import QueuePlace, StepProgress, WorkflowState
from vtspec.pipelines.controller.observed_plans import describe_obstacle
from vtspec.pipelines.controller.view import EndedRun, PlannedSpec
from vtspec.pipelines.operations.pull_request import Reach
from vtspec.pipelines.operations.render import make_obstacle
from vtspec.pipelines.planning.diff import compare_plans
from vtspec.pipelines.planning.prior_runs import Comparison
from vtspec.pipelines.runs.state import Failure
from vtspec.schema.problem import Problem

KOREAN = "숫자를 더 오래 학습합니다"
PLAN, OTHER, BEFORE = a_plan_of(), a_plan_of("cats", 7), a_plan_of("digits", 3)
SEEDS = tuple(a_plan_of("birds", seed=seed) for seed in (1, 2))
TEAMS = {"vision": {"logins": ["bob"], "limits": {"costPerMonth": 0.03, "gpus": 1}}}

NAMES = {"MLflow", "USD", "GPU", "CPU", "Argo", "ConfigMap", "UTC", "DVC", "vision"}
"""What is called so in either language."""

NOTE = "검증 메시지와 경고는 영어로만 제공됩니다."

SENTENCE = re.compile(r"(?<![-/.\w])[a-z']{2,}(?: [a-z',]{2,}){2,}")
"""Words of English in a row, as no line to type and no name has them."""


def find_text(markdown: str) -> Iterator[tuple[bool, str]]:
    """The parts of a comment, and whether each is quoted; fences are lines to paste."""
    plain = re.sub(r"<!--.*?-->", "", markdown, flags=re.DOTALL)
    for token in MarkdownIt("commonmark").enable("table").parse(plain):
        for part in token.children or [token]:
            if part.type in ("text", "html_block", "html_inline"):
                yield False, re.sub("<[^>]*>", " ", part.content)
            elif part.type == "code_inline":
                yield True, part.content


def find_english(markdown: str, kept: Collection[str] = ()) -> list[str]:
    """Words of ours in Latin letters, and English sentences that are quoted, but for those that
    plans keep, where it is said that they stay so."""
    found: list[str] = []
    for is_quoted, text in find_text(markdown):
        if is_quoted and text in kept and NOTE in markdown:
            continue
        if is_quoted:
            found += [] if text.startswith("vtspec ") else SENTENCE.findall(text)
        else:
            words = re.findall(r"[A-Za-z][A-Za-z0-9_]*", text)
            found += [word for word in words if word not in NAMES]
    return found


def propose(world: World, *specs: PlannedSpec, **changes: Any) -> int:
    number = world.open(*specs, title=KOREAN, **changes)
    world.settle()
    return number


def run_to(world: World, number: int, status: Any, **state: Any) -> None:
    world.apply(number, PLAN)
    world.settle()
    world.begin_working(PLAN.id)
    world.end(PLAN.id, status, **state)
    world.settle()


def compare(plan: Any) -> Comparison:
    changes = compare_plans(BEFORE.to_json(), plan.to_json())
    return Comparison(name="digits", note="the base branch", changes=changes)


def begin(world: World) -> int:
    number = propose(world, a_spec(PLAN, base=compare(PLAN)), a_spec(SEEDS[0], plans=SEEDS))
    world.apply(number, PLAN)
    world.settle()
    return number


def wait(world: World) -> None:
    begin(world)
    states = [
        WorkflowState(phase="waiting", step="train", wait="node"),
        WorkflowState(phase="waiting", step="train", wait="queue"),
        WorkflowState(
            phase="waiting",
            step="train",
            wait="queue",
            place=QueuePlace(queue="t4", place=2, place_in_cluster=3),
        ),
        WorkflowState(
            phase="running", step="train", steps={"train": StepProgress(phase="running")}
        ),
        WorkflowState(phase="waiting", step="data", wait="image"),
    ]
    for state in states:
        world.pass_time()
        world.attempts[PLAN.id] = replace(world.attempts[PLAN.id], workflow=state)
        world.settle()


def ask_everything(world: World) -> None:
    number = begin(world)
    lines = [
        "", "help", "aply", "plan", "plan digits", "plan dgits", "apply", "apply digits",
        "apply --all", "apply fffffff", "report", "rerun", "rerun birds", "allow", "stop dgits",
        f"allow {'1' * 40}", "stop birds", f"apply {PLAN.digest[7:14]}", "stop digits",
        f"apply {'a' * 2_100}",
    ]  # fmt: skip
    for line in lines:
        world.comment(number, f"/vtspec {line}".strip())
        world.settle()
    said = world.comment(number, "고맙습니다")
    world.edit(number, said, "/vtspec stop")
    world.settle()
    world.comment(number, "/vtspec plan")
    world.pass_time(3600)
    world.settle()


def end_in_each_way(world: World) -> None:
    number = propose(world, a_spec(PLAN))
    run_to(world, number, "failed", failure=Failure(message="NaN"))
    for status in ("crashed", "interrupted", "stopped", "succeeded"):
        world.apply(number, PLAN)
        world.settle()
        last = max(world.attempts)
        world.begin_working(last)
        world.end(last, status)
        world.settle()
    world.comment(number, "/vtspec report")
    world.comment(number, "/vtspec plan")
    world.settle()


def push_and_close(world: World) -> None:
    number = begin(world)
    world.apply(number, SEEDS[0])
    world.push(number, a_spec(a_plan_of("digits", 9), base=compare(PLAN)))
    world.settle()
    world.comment(number, f"/vtspec apply {PLAN.digest[7:14]}")
    world.settle()
    world.set_state(number, "closed")
    world.comment(number, "/vtspec plan")
    world.settle()


def refuse(world: World) -> None:
    number = propose(world, a_spec(PLAN), a_spec(OTHER, cause="asked"))
    for who in ("bob", "kim", "eve"):
        world.apply(number, OTHER, who)
        world.settle()
    for changes in ({"is_draft": True}, {"is_fork": True}):
        other = propose(world, a_spec(PLAN), **changes)
        world.apply(other, PLAN)
        world.comment(other, "/vtspec plan")
        world.settle()


def spend(world: World) -> None:
    world.ended.append(EndedRun(run="old-1", team="vision", ended=world.now, cost=0.02))
    number = propose(world, a_spec(PLAN), a_spec(a_plan_of("dear", 900)))
    world.apply(number, PLAN)
    world.settle()
    world.ended.append(EndedRun(run="old-2", team="vision", ended=world.now, cost=None))
    world.apply(number, PLAN)
    world.settle()


def obstruct(world: World) -> None:
    problem = Problem(
        file="vtspec.yaml", line=3, column=1, path="spec", value=None, message="m", fix="f"
    )
    told = a_published_plan()
    settings = find_settings(told, a_cluster_project(cluster=None, registry=None), None)
    assert isinstance(settings, tuple)
    obstacles = tuple(describe_obstacle(make_obstacle(problem, one.korean)) for one in settings)
    reach = (
        Reach(what="data", is_reached=False),
        Reach(what="weights", is_reached=None),
    )
    number = propose(world, a_spec(PLAN, obstacles=obstacles, reach=reach))
    world.apply(number, PLAN)
    world.comment(number, "/vtspec plan")
    world.settle()


def affect(world: World) -> None:
    propose(
        world,
        a_spec(PLAN),
        a_spec(OTHER, cause="affected", base=compare(OTHER)),
        a_spec(SEEDS[0], plans=SEEDS, cause="affected"),
    )
    propose(world)
    for when in ("approval", "merge"):
        told = World(approval={"when": when})
        number = propose(told, a_spec(PLAN), a_spec(OTHER, cause="affected"))
        told.apply(number, PLAN)
        told.comment(number, "/vtspec plan")
        told.review(number)
        told.settle()
        told.set_state(number, "merged", by="eve")
        told.settle()
        world.pulls[len(world.pulls) + 1] = told.pulls[number]


SCENES: dict[str, tuple[Callable[[World], Any], dict[str, Any]]] = {
    "waits": (wait, {}),
    "commands": (ask_everything, {}),
    "endings": (end_in_each_way, {}),
    "pushes": (push_and_close, {}),
    "rights": (refuse, {"teams": TEAMS, "approval": {"teams": ["vision"], "byAuthor": False}}),
    "limits": (spend, {"teams": TEAMS}),
    "obstacles": (obstruct, {}),
    "others": (affect, {}),
}


@pytest.mark.parametrize("scene", SCENES)
def test_every_word_of_a_comment_is_korean(scene: str) -> None:
    play, project = SCENES[scene]
    world = World(**project)
    play(world)
    comments = [
        one.body
        for pull in world.pulls.values()
        for one in pull.comments
        if one.author == "vtspec-bot"
    ]
    assert len(comments) > 1
    specs = [spec for pull in world.pulls.values() for spec in pull.specs]
    kept = {warning for spec in specs for plan in spec.plans for warning in plan.warnings}
    assert [word for body in comments for word in find_english(body, kept)] == []


def test_english_that_stays_is_said_to_stay() -> None:
    problem = Problem(
        file="specs/a.yaml",
        line=3,
        column=1,
        path="spec.x",
        value=0,
        message="must be at least one",
        fix="set it to one",
    )
    world = World()
    number = propose(world, a_spec(PLAN, plans=(), problems=(problem,)))
    plan = world.find(number, "plan")[0]
    assert find_english(plan) == ["must be at least one", "set it to one"]
    assert NOTE in plan
