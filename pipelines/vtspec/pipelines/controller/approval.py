"""Who may have a plan carried out, and what it may ask for and cost. Pure.

Whoever asks is known by a login of the forge; what it may do is `vtspec.yaml`'s of the default
branch alone.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.formatting import format_cost
from vtspec.pipelines.language import Sentence
from vtspec.pipelines.validation.teams import (
    check_limits,
    explain_limit,
    find_member_team,
    find_team,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vtspec.pipelines.forge.forge import Permission, Review
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.schema.kinds.project import ProjectSpec


_ANSWERED: Final = "each review and merge is answered"


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks, and what the forge says now that they may do in the repository."""

    login: str
    permission: "Permission"

    @property
    def may_write(self) -> bool:
        """Whether they may change the repository."""
        return self.permission in ("write", "admin")


def find_standing_reviews(reviews: "Iterable[Review]") -> "dict[str, Review]":
    """The reviews that approve, by who gave them: of each reviewer the last word counts."""
    last = {one.user: one for one in reviews}
    return {user: one for user, one in last.items() if one.is_approved and not one.is_dismissed}


def find_asker_problem(asker: Asker, author: str, project: "ProjectSpec") -> Sentence | None:
    """Why somebody may not approve plans of a pull request by `author`; None where they may."""
    teams = project.approval.teams
    if teams:
        team = find_member_team(project.teams, asker.login)
        if team not in teams:
            names = ", ".join(teams)
            return Sentence(
                en=f"only members of {names} may approve here (`approval.teams` in `vtspec.yaml`)",
                ko=f"여기서는 {names} 팀의 구성원만 승인할 수 있습니다 (`vtspec.yaml`의 "
                "`approval.teams`)",
            )
    elif not asker.may_write:
        return Sentence(
            en="only who may write to this repository may approve",
            ko="이 저장소에 쓸 수 있는 사람만 승인할 수 있습니다",
        )
    if not project.approval.by_author and asker.login.casefold() == author.casefold():
        return Sentence(
            en="the author of a pull request does not approve it here (`approval.byAuthor` in "
            "`vtspec.yaml`); ask somebody else to paste the line",
            ko="여기서는 작성자가 자신의 풀 리퀘스트를 승인할 수 없습니다 (`vtspec.yaml`의 "
            "`approval.byAuthor`). 다른 사람에게 같은 줄을 부탁하세요",
        )
    return None


def name_policy(project: "ProjectSpec") -> str:
    """What says who approves and how, as a word and a hash: another name is another policy, under
    which nobody has said anything yet. Limits are no part of it."""
    approval, teams = project.approval, project.teams
    listed = {login.casefold() for name in approval.teams for login in teams[name].logins}
    members = [one for one in listed if find_member_team(teams, one) in approval.teams]
    # Without any named team it is whoever may write, which the forge alone knows. What an earlier
    # vtspec has shown may have been carried out without an answer.
    rules = [_ANSWERED, bool(approval.teams), sorted(members), approval.by_author]
    found = hashlib.sha256(json.dumps(rules).encode()).hexdigest()
    return f"{approval.when} {found[:16]}"


def describe_approvers(project: "ProjectSpec") -> Sentence:
    """Who may approve, for whoever reads a plan."""
    teams, others = project.approval.teams, project.approval.by_author
    names = ", ".join(teams)
    who = f"members of {names}" if teams else "who may write to this repository"
    whom = f"{names} 팀의 구성원" if teams else "이 저장소에 쓸 수 있는 사람"
    return Sentence(
        en=f"{who}{'' if others else ', but not its author'}",
        ko=f"{whom}{'' if others else ' (작성자 제외)'}",
    )


def choose_team(plan: "Plan", login: str, project: "ProjectSpec") -> str | None:
    """The team that a run counts for: that of its spec's folder, else of whoever approved it."""
    found = find_team(project.teams, plan.spec_path, None)
    return found or find_member_team(project.teams, login)


def find_limit_problem(plan: "Plan", login: str, project: "ProjectSpec") -> Sentence | None:
    """What a plan asks for beyond the limits of its team, or of who approves it; None if nothing.

    Nobody approves what they may not run themselves.
    """
    teams, asked = project.teams, plan.resources
    mine = find_member_team(teams, login)
    for name in dict.fromkeys(filter(None, (choose_team(plan, login, project), mine))):
        for broken in check_limits(asked.gpus, asked.max_duration, name, teams[name]):
            return Sentence(
                en=f"{broken.message}; {broken.fix}",
                ko=explain_limit(broken, name, teams[name], asked.gpus, asked.max_duration),
            )
    return None


def find_budget_problem(
    team: str | None, cost: float | None, spent: float, project: "ProjectSpec"
) -> Sentence | None:
    """Why a run of this cost may not be begun when its team has spent so much this month."""
    limit = None if team is None else project.teams[team].limits.cost_per_month
    if team is None or limit is None:
        return None
    if cost is None:
        return Sentence(
            en=f"team {team} has a limit of cost, and what this plan costs is not known: it needs "
            "a price and a number of images (`prices` and `gpuTypes` in `vtspec.yaml`, "
            "`statistics` of the dataset)",
            ko=f"{team} 팀에는 비용 한도가 있는데 이 계획의 비용을 알 수 없습니다: 가격과 이미지 "
            "수가 필요합니다 (`vtspec.yaml`의 `prices`와 `gpuTypes`, 데이터셋의 `statistics`)",
        )
    if spent + cost <= limit:
        return None
    currency = project.prices.currency
    whole, left, asked = (
        format_cost(one, currency) for one in (limit, max(0.0, limit - spent), cost)
    )
    return Sentence(
        en=f"it would cost about {asked}, and of the {whole} of team {team} for this month {left} "
        f"are left; wait, or have `teams.{team}.limits.costPerMonth` in `vtspec.yaml` raised",
        ko=f"약 {asked}이 드는데, {team} 팀의 이달 한도 {whole} 중 {left}이 남아 있습니다. "
        f"기다리거나 `vtspec.yaml`의 `teams.{team}.limits.costPerMonth`를 올리세요",
    )
