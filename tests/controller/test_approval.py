"""Who may approve, and what: by logins, permissions, limits and budgets of the default branch."""

from dataclasses import replace
from typing import Any

import pytest

from cluster_plans import GPU, a_cluster_project, a_published_plan
from vtspec.pipelines.controller.approval import (
    Asker,
    choose_team,
    find_asker_problem,
    find_budget_problem,
    find_limit_problem,
)
from vtspec.pipelines.forge.forge import Permission
from vtspec.schema.kinds.project import ProjectSpec

TEAMS: dict[str, Any] = {
    "vision": {"logins": ["Jin"], "limits": {"gpus": 4, "costPerMonth": 100.0}},
    "faces": {"specs": ["specs/faces"], "logins": ["kim"], "limits": {"gpus": 1}},
}


def a_project(**approval: Any) -> ProjectSpec:
    return a_cluster_project(teams=TEAMS, approval=approval, prices={"cpuPerHour": 0.04})


def may(login: str, permission: Permission, author: str = "lee", **approval: Any) -> bool:
    asker = Asker(login=login, permission=permission)
    return find_asker_problem(asker, author, a_project(**approval)) is None


@pytest.mark.parametrize(
    ("permission", "expected"),
    [("none", False), ("read", False), ("write", True), ("admin", True)],
)
def test_who_may_write_may_approve(permission: Permission, expected: bool) -> None:
    assert may("somebody", permission) == expected


def test_only_members_of_the_teams_named_may_approve() -> None:
    assert may("jin", "read", teams=["vision"])
    assert may("JIN", "none", teams=["vision"])
    assert not may("kim", "admin", teams=["vision"])
    assert not may("lee", "admin", teams=["vision"])


def test_with_two_people_the_author_does_not_approve() -> None:
    assert may("Lee", "write", author="lee")
    assert not may("Lee", "write", author="lee", byAuthor=False)
    assert may("jin", "write", author="lee", byAuthor=False)


def test_a_plan_counts_for_its_folders_team_before_the_approvers() -> None:
    plan = a_published_plan()
    assert choose_team(plan, "jin", a_project()) == "vision"
    assert choose_team(plan, "stranger", a_project()) is None
    inside = replace(plan, spec_path="specs/faces/one.yaml")
    assert choose_team(inside, "jin", a_project()) == "faces"


def test_nobody_approves_what_their_own_team_may_not_run() -> None:
    two_gpus = a_published_plan(resources=GPU)
    assert find_limit_problem(two_gpus, "jin", a_project()) is None
    problem = find_limit_problem(two_gpus, "kim", a_project())
    assert problem is not None and "1 GPU at most, not 2" in problem.en and "faces" in problem.ko
    # Nor for a folder whose team may not.
    of_faces = replace(two_gpus, spec_path="specs/faces/one.yaml")
    assert find_limit_problem(of_faces, "jin", a_project()) is not None


def test_a_month_has_a_limit_of_cost() -> None:
    project = a_project()
    assert find_budget_problem("vision", 40.0, 60.0, project) is None
    problem = find_budget_problem("vision", 40.0, 60.01, project)
    assert problem is not None and "39.99 USD" in problem.en and "39.99 USD" in problem.ko
    unknown = find_budget_problem("vision", None, 0.0, project)
    assert unknown is not None and "not known" in unknown.en
    assert find_budget_problem("faces", None, 1e9, project) is None
    assert find_budget_problem(None, 5.0, 1e9, project) is None
