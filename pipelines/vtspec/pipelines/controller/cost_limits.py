"""Whether a team's limit of cost for a month has room for a run. Pure."""

from vtspec.pipelines.language import Sentence

from . import replies, run_replies
from .approval import find_budget_problem
from .ledger import Ledger
from .view import View


def find_cost_problem(
    view: View, team: str, cost: float | None, run: str, ledger: Ledger
) -> Sentence | None:
    """Why a run of this cost may not be begun for a team, of which it may be reserved already;
    None where it may."""
    problem = _find_unknown_costs(view, team, run, ledger)
    if problem is not None:
        return problem
    return find_budget_problem(team, cost, ledger.count_spent(team, run), view.project)


def _find_unknown_costs(view: View, team: str, run: str, ledger: Ledger) -> Sentence | None:
    """What counts for a team's limit of this month by nobody knows how much."""
    if view.project.teams[team].limits.cost_per_month is None:
        return None
    if view.spoiled_reservation is not None:
        namespace = "" if view.project.cluster is None else view.project.cluster.namespace
        told = run_replies.explain_spoiled_reservation(view.spoiled_reservation, namespace)
        return run_replies.explain_unknown_costs(team, told)
    month = (view.now.year, view.now.month)
    unclear = next(
        (
            one
            for one in view.unclear
            if one.team in (None, team)
            and (one.ended is None or (one.ended.year, one.ended.month) == month)
        ),
        None,
    )
    if unclear is not None:
        return run_replies.explain_unknown_costs(team, replies.explain_unclear(unclear))
    uncounted = ledger.find_uncounted(team, run)
    if uncounted is None:
        return None
    told = run_replies.explain_uncounted(uncounted, team, view.project.prices.currency)
    return run_replies.explain_unknown_costs(team, told)
