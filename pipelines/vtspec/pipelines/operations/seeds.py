"""The plans of several seeds carried out on this machine, one after another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .run import (
    RunCallbacks,
    RunRequest,
    build_options,
    build_runner,
    join_queue,
    refuse_cut_short,
    would_begin_run,
    write_run_report,
)

if TYPE_CHECKING:
    from vtspec.pipelines.execution.local import LocalRunner, RunResult
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.runs import Run, Runs


@dataclass(frozen=True, kw_only=True)
class SeedsResult:
    """What came of the plans in their order; `left` are those that were not come to, since one
    did not succeed or somebody asked to stop."""

    results: "tuple[RunResult, ...]"
    left: "tuple[Plan, ...]"


def run_seeds(
    request: RunRequest, callbacks: RunCallbacks, environ: Mapping[str, str]
) -> SeedsResult:
    """Carry the plans out, each a run of its own: begin it, resume it, look on at it, or show the
    result that there is; and bring their reports up to the seeds that are finished.

    Raises `Refused` where the last attempt of one was cut short and nobody said what to do about
    it, before anything is begun, and `Permanent` where something is missing that a run needs.
    """
    runner = build_runner(request, callbacks, environ)
    # Nobody should learn after hours of the first seed that the third could not go on.
    refuse_cut_short(request, runner, build_options(request, runner.runs))
    # What is only shown, or looked on at, needs no place.
    if request.queue and would_begin_run(request, callbacks, environ):
        with join_queue(request, callbacks, environ) as granted:
            return _run_all(request, callbacks, build_runner(request, callbacks, environ, granted))
    return _run_all(request, callbacks, runner)


def _run_all(request: RunRequest, callbacks: RunCallbacks, runner: "LocalRunner") -> SeedsResult:
    # Before any is begun, which would be the last one then.
    options = build_options(request, runner.runs)
    plans = request.planned.plans
    results: list[RunResult] = []
    for plan in plans:
        if callbacks.stop.reason is not None:
            break
        report_turn(plan, plans, callbacks)
        result = runner.run(plan, options[plan.id], request.command)
        results.append(result)
        if result.outcome is None or not result.outcome.is_good:
            break
    refresh_reports(request.planned.made, runner.runs, callbacks.report)
    return SeedsResult(results=tuple(results), left=plans[len(results) :])


def report_turn(plan: "Plan", plans: "tuple[Plan, ...]", callbacks: RunCallbacks) -> None:
    """Say which of several plans comes now."""
    if len(plans) > 1:
        number = plans.index(plan) + 1
        callbacks.report(f"seed {plan.training.seed}, {number} of {len(plans)}: {plan.id}")


def refresh_reports(plan: "Plan", runs: "Runs", report: Callable[[str], None]) -> None:
    """Write the reports anew of those runs of the plan's seeds that were finished before another
    one was; those of a plan that is judged alone are left as they are."""
    from vtspec.pipelines.planning.seeds import name_seed_plans

    ids = name_seed_plans(plan.to_json()).values()
    found = [run for name in ids if (run := runs.find_last_finished(name)) is not None]
    last = max((_get_time(run, "metrics.json") for run in found), default=0.0)
    for run in found:
        if _get_time(run, "report.md") < last and not run.is_alive():
            write_run_report(run.path, report)


def _get_time(run: "Run", name: str) -> float:
    try:
        return (run.path / name).stat().st_mtime
    except OSError:
        return 0.0
