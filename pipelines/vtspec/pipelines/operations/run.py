"""A plan carried out on this machine, or one batch of it tried: what belongs together for that."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import Permanent, Refused, Temporary

from .frameworks import (
    Backend,
    Wish,
    check_environment,
    choose_environment,
    find_framework,
    resolve_backend,
)

if TYPE_CHECKING:
    from vtspec.pipelines.address import Address
    from vtspec.pipelines.execution.environment import EnvironmentMode
    from vtspec.pipelines.execution.local import LocalRunner, RunOptions, SmokeResult
    from vtspec.pipelines.execution.steps import OnEvent, StopSignal, Tracker
    from vtspec.pipelines.project.repository import Repository
    from vtspec.pipelines.runs import Runs

    from .plan import PlannedRun
    from .queue import GpuGrant


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A plan, and how it is to be carried out.

    `command` is what a person types to carry the same plan out again; it stands in what is told.
    With `queue` what would begin waits for its turn on this machine. `run` is the run by whose
    name the plan was asked for.
    """

    planned: "PlannedRun"
    command: str
    run: str | None = None
    resume: bool = False
    again: bool = False
    tracking: bool = True
    backend: Backend | None = None
    environment: "EnvironmentMode" = "auto"
    queue: bool = False

    @property
    def wish(self) -> Wish:
        """In what it is to be carried out on this machine."""
        return Wish.of(self.planned.repository, self.backend, self.environment)


@dataclass(frozen=True, kw_only=True)
class RunCallbacks:
    """Who hears of a run while it goes on, and what asks it to stop."""

    report: Callable[[str], None]
    on_event: "OnEvent"
    stop: "StopSignal"


def would_begin_run(
    request: RunRequest, callbacks: RunCallbacks, environ: Mapping[str, str]
) -> bool:
    """Whether carrying the plans out would begin or resume anything now; raises where that would
    be refused."""
    runner = build_runner(request, callbacks, environ)
    options = build_options(request, runner.runs)
    if len(request.planned.plans) > 1:
        # Nobody should say yes to the first of several seeds where another cannot go on.
        refuse_cut_short(request, runner, options)
    begins = [runner.would_begin(plan, options[plan.id]) for plan in request.planned.plans]
    if any(begins):
        runner.ready()
    return any(begins)


def refuse_cut_short(
    request: RunRequest, runner: "LocalRunner", options: "Mapping[str, RunOptions]"
) -> None:
    """Raise `Refused` where any of the plans was cut short and nobody said what to do about it."""
    for plan in request.planned.plans:
        runner.refuse_cut_short(plan, options[plan.id], request.command)


def find_refusal(planned: "PlannedRun", environ: Mapping[str, str]) -> Exception | None:
    """Why this machine would refuse to begin the plan; None where it would not."""
    try:
        backend = resolve_backend(None, environ, planned.repository)
        _check_requirements(RunRequest(planned=planned, command="", backend=backend), environ)
    except (Permanent, Refused, Temporary) as error:
        return error
    return None


def try_plan(
    request: RunRequest, callbacks: RunCallbacks, environ: Mapping[str, str]
) -> "SmokeResult":
    """Carry every step of the plan out with one batch; nothing is kept, nothing is tracked."""
    from vtspec.pipelines.execution.local import run_smoke_test

    with join_queue(request, callbacks, environ) as granted:
        runner = build_runner(request, callbacks, environ, granted)
        # uv may take minutes to make an environment, and looks at no stop signal.
        with callbacks.stop.raise_on_request():
            environment = runner.choose()
        return run_smoke_test(request.planned.made, runner.place, environment)


@contextmanager
def join_queue(
    request: RunRequest, callbacks: RunCallbacks, environ: Mapping[str, str]
) -> "Iterator[GpuGrant | None]":
    """Keep what the queue of this machine has given the request, once its turn has come; None
    where it was not to wait."""
    if not request.queue:
        yield None
        return
    from .queue import wait_for_turn

    planned = request.planned
    with wait_for_turn(planned.made, planned.repository.root, callbacks, environ) as granted:
        yield granted


def get_tracking_uri(
    repository: "Repository", environ: Mapping[str, str], given: str | None = None
) -> "Address":
    """The MLflow that the repository's runs are sent to, or the `given` one."""
    from vtspec.pipelines.tracking import choose_tracking_uri

    configured = repository.project.spec.tracking.uri
    return choose_tracking_uri(repository.runs, configured, environ, given)


def find_tracking_problem(
    repository: "Repository", environ: Mapping[str, str]
) -> Permanent | None:
    """Why no run could ever arrive in the MLflow that is configured; None where it may."""
    from vtspec.pipelines.tracking import find_scheme_problem

    return find_scheme_problem(get_tracking_uri(repository, environ))


def write_run_report(folder: Path, report: Callable[[str], None]) -> str:
    """Write the report of the run in a folder, held against its baseline; the verdict in it.
    `report` is told what keeps the pictures from being as they should."""
    from vtspec.pipelines.reporting import find_baseline, write_report

    written = write_report(folder, find_baseline(folder))
    if written.lacking_letters is not None:
        report(f"warning: {written.lacking_letters}")
    return written.verdict


def build_options(request: RunRequest, runs: "Runs") -> "Mapping[str, RunOptions]":
    """What was asked for beside each plan, by the plan's id.

    Of several, who goes on means what was begun last, and all that has no result, begun or not: an
    older attempt beside a result is gone on with by its name.
    """
    from vtspec.pipelines.execution.local import RunOptions

    ids = [plan.id for plan in request.planned.plans]
    attempts = [run for run in runs.list_runs() if run.plan_id in ids] if len(ids) > 1 else []
    settled = {run.plan_id for run in attempts if run.has_result} - {
        run.plan_id for run in attempts[-1:]
    }
    begun = {run.plan_id for run in attempts} or {*ids}
    return {
        name: RunOptions(
            resume=request.resume and name in begun - settled, again=request.again, run=request.run
        )
        for name in ids
    }


def build_runner(
    request: RunRequest,
    callbacks: RunCallbacks,
    environ: Mapping[str, str],
    granted: "GpuGrant | None" = None,
    ready: Callable[[], None] | None = None,
) -> "LocalRunner":
    """What carries plans out on this machine as they were asked for, on what was `granted`;
    `ready` raises where something is missing that is needed, else all that a run needs is."""
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.execution.local import LocalRunner
    from vtspec.pipelines.execution.steps import RunContext
    from vtspec.pipelines.runs import Runs
    from vtspec.pipelines.weights.model_versions import make_model_download

    from .cluster_workflows import look_on

    repository, framework = request.planned.repository, request.planned.made.framework.name
    runs = Runs(repository.runs)

    def track(folder: Path) -> "Tracker | None":
        if not request.tracking:
            return None
        from vtspec.pipelines.tracking import is_store_missing, start_follower

        address = get_tracking_uri(repository, environ)
        if is_store_missing(address):
            callbacks.report(f"MLflow makes its database first, which takes a while: {address}")
        return start_follower(folder, address)

    return LocalRunner(
        runs=runs,
        place=RunContext(
            root=repository.root,
            cache=get_cache_folder(environ),
            stop=callbacks.stop,
            report=callbacks.report,
            write_report=write_run_report,
            download=make_model_download(lambda: get_tracking_uri(repository, environ)),
            track=track,
            told=callbacks.on_event,
            variables={} if granted is None else granted.variables,
            heirs=() if granted is None else (granted.fd,),
        ),
        # Later, or never: a plan that was carried out is shown without any environment.
        choose=lambda: choose_environment(framework, environ, callbacks.report, request.wish),
        ready=ready or (lambda: _check_requirements(request, environ)),
        follow=lambda run: look_on(run, runs, callbacks, environ),
    )


def _check_requirements(request: RunRequest, environ: Mapping[str, str]) -> None:
    """Raises where something that a run needs is missing, before hours are spent and not after.

    `Permanent` for an adapter, its environment or an extra; as `refuse_unpinned` says for weights.
    """
    from vtspec.pipelines.planning.plan import refuse_unpinned, refuse_unsupported

    _check_tracking(request, environ)
    made = request.planned.made
    framework = find_framework(made.framework.name, made.task)
    check_environment(framework, environ, request.wish)
    refuse_unsupported(made, framework)
    refuse_unpinned(made)
    _check_extras(request)


def check_reporting(request: RunRequest, environ: Mapping[str, str]) -> None:
    """Raises `Permanent` where something is missing that a report needs, or the tracking of it."""
    _check_tracking(request, environ)
    _check_extras(request)


def _check_tracking(request: RunRequest, environ: Mapping[str, str]) -> None:
    problem = (
        find_tracking_problem(request.planned.repository, environ) if request.tracking else None
    )
    if problem is not None:
        raise problem


def _check_extras(request: RunRequest) -> None:
    import importlib.util

    needed = {"report": "matplotlib"} | ({"tracking": "mlflow"} if request.tracking else {})
    # Looked for and not imported: `import mlflow` alone takes seconds.
    missing = [extra for extra, name in needed.items() if not importlib.util.find_spec(name)]
    if missing:
        names = " and ".join(needed[extra] for extra in missing)
        untracked = ", or run it with --no-tracking" if missing == ["tracking"] else ""
        raise Permanent(
            f"{names} is not installed here",
            fix=f"pip install 'vtspec[{','.join(missing)}]'{untracked}",
        )
