"""Plans carried out on the cluster, and what of their results is made there anew."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vtspec.pipelines.runs import Run

from .cluster_runner import BegunRun, ClusterRequest, ClusterRunner, open_runner
from .run import RunCallbacks
from .seeds import SeedsResult, refresh_reports, report_turn

if TYPE_CHECKING:
    from vtspec.pipelines.planning.plan_model import Plan


def would_begin_on_cluster(asked: ClusterRequest, environ: Mapping[str, str]) -> bool:
    """Whether carrying the plans out would begin or resume anything, or do a part anew; raises
    where that would be refused, by `vtspec.yaml` or by the cluster."""
    runner = open_runner(asked, environ)
    plans, begins = asked.request.planned.plans, False
    if asked.limits is not None:
        asked.limits.check(runner.list_to_begin(plans), runner.client)
    for plan in plans:
        decision = runner.decide(plan)
        completion = runner.find_completion(decision, plan)
        if decision.action == "begin" or (completion is not None and completion.needs_pods):
            # Before somebody says yes to it; what is only a warning is told when it is begun.
            runner.check_data(plan)
        begins = begins or completion is not None or decision.action in ("begin", "resume")
    return begins


def run_on_cluster(
    asked: ClusterRequest, callbacks: RunCallbacks, environ: Mapping[str, str]
) -> SeedsResult:
    """Carry the plans out on the cluster side by side: submit, resume or join the run of each, and
    then look on at them in turn until all have ended; or show the result that there is.

    What another policy asks of such a result is made of it: there, where it needs a framework.
    Who stops looking leaves the runs alone. Raises `SpecError` with all that lacks for a cluster,
    `Refused` where runs are in a folder, only the controller may submit, a limit of cost has no
    room, or the last attempt was cut short and nobody said what to do about it; and as the cluster
    and the store do.
    """
    runner = open_runner(asked, environ)
    plans = asked.request.planned.plans
    # One alone is decided when it is run, which is now.
    if len(plans) > 1:
        for plan in plans:
            # Nobody should learn with the first under way that the third could not go on.
            runner.decide(plan)
    begun = _begin_all(runner, plans, callbacks)
    credentials = [runner.find_credential(one) for one in begun]
    results = []
    for turn, one in enumerate(begun):
        if callbacks.stop.reason is None:
            report_turn(one.plan, plans, callbacks)
        # Also of those whose turn to be looked on at is still to come.
        results.append(runner.finish(one, callbacks, credentials[turn:]))
    if len(plans) > 1:
        refresh_reports(asked.request.planned.made, runner.runs, callbacks.report)
    return SeedsResult(results=tuple(results), left=plans[len(begun) :])


def begin_on_cluster(
    asked: ClusterRequest, callbacks: RunCallbacks, environ: Mapping[str, str]
) -> list[Run]:
    """Have the plans carried out and look no further; the run of each. Raises as
    `run_on_cluster`."""
    runner = open_runner(asked, environ)
    begun = _begin_all(runner, asked.request.planned.plans, callbacks)
    for one in begun:
        if one.completion is not None and not one.completion.needs_pods:
            runner.complete_here(one.plan, callbacks)
    return [one.run for one in begun]


def _begin_all(
    runner: ClusterRunner, plans: "Sequence[Plan]", callbacks: RunCallbacks
) -> list[BegunRun]:
    limits = runner.asked.limits
    if limits is not None:
        limits.reserve(runner.list_to_begin(plans), runner.client)
    begun: list[BegunRun] = []
    try:
        for plan in plans:
            if callbacks.stop.reason is None:
                begun.append(runner.begin(plan, callbacks))
    except BaseException:
        names = ", ".join(one.run.name for one in begun if one.how != "shown")
        if names:
            callbacks.report(f"the cluster goes on with {names}; ask again to look on")
        raise
    return begun
