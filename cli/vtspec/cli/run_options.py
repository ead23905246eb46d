"""What `run` and `apply` share: options, a plan, what it takes to carry it out, and its result."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from vtspec.cli.views.progress import RunProgress
    from vtspec.pipelines.execution.local import LocalRunner, RunOptions
    from vtspec.pipelines.execution.steps import StopSignal
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.project.workspace import Workspace

Function = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class CommandOptions:
    """What a person may say beside the spec."""

    sets: tuple[str, ...] = ()
    resume: bool = False
    again: bool = False
    smoke: bool = False
    runs: Path | None = None
    results: Path | None = None
    tracking: bool = True
    fail_on_gate: bool = False
    backend: Literal["process", "container", "argo"] | None = None
    environment: Literal["auto", "current", "made"] = "auto"

    def format_command(self, spec: str) -> str:
        """The command that carries the same plan out again, without `--resume` and `--again`."""
        words = ["vtspec", "run", spec]
        words += [part for one in self.sets for part in ("--set", one)]
        words += ["--runs", str(self.runs)] if self.runs is not None else []
        words += [] if self.tracking else ["--no-tracking"]
        return shlex.join(words)


def add_run_options(function: Function) -> Function:
    """The options of `run` and `apply`."""
    options = (
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="PATH=VALUE",
            help="Run with another value, as in --set training.epochs=1; may be repeated.",
        ),
        click.option("--resume", is_flag=True, help="Go on where the last attempt was cut short."),
        click.option("--again", is_flag=True, help="Make a new attempt, whatever there is."),
        click.option(
            "--smoke", is_flag=True, help="One batch through every step; nothing is kept."
        ),
        click.option("--runs", type=click.Path(path_type=Path), help="Folder of the runs."),
        click.option(
            "--results",
            type=click.Path(path_type=Path),
            help="Also write metrics and plot data there, as DVC compares them.",
        ),
        click.option("--no-tracking", "tracking", is_flag=True, default=True, flag_value=False),
        click.option("--fail-on-gate", is_flag=True, help="Exit with 3 where a gate is missed."),
        click.option(
            "--backend",
            type=click.Choice(["process", "container", "argo"]),
            help="Where it is carried out; process, which is this machine, if left out.",
        ),
        click.option(
            "--environment",
            type=click.Choice(["auto", "current", "made"]),
            default="auto",
            show_default=True,
            help="The framework's Python: this one, one that uv makes, or whichever fits.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A plan as data, and the repository that it is carried out in."""

    plan: Mapping[str, Any]
    made: "Plan"
    workspace: "Workspace"
    runs: Path


def plan_spec(spec: str, options: CommandOptions) -> PlannedRun:
    """Plan the spec; with `--resume` the name of a run stands for the plan that it has.

    Raises `SpecError`, `Refused`, `Permanent` or `Temporary` as planning does.
    """
    from vtspec.pipelines.planning.plan import build_plan
    from vtspec.pipelines.planning.plan_model import plan_from_json
    from vtspec.pipelines.planning.resolve import ResolveSources, resolve_spec
    from vtspec.pipelines.project.overrides import parse_overrides
    from vtspec.pipelines.project.workspace import find_workspace, open_spec
    from vtspec.pipelines.runs import Runs

    if options.resume:
        workspace = find_workspace(Path.cwd())
        runs = options.runs or workspace.runs
        named = [run for run in Runs(runs).list_runs() if run.name == spec]
        if named:
            raw = named[0].read_plan()
            made = plan_from_json(raw)
            return PlannedRun(plan=raw, made=made, workspace=workspace, runs=runs)
    workspace, path = open_spec(spec, Path.cwd())
    runs = options.runs or workspace.runs
    made = build_plan(
        *resolve_spec(
            path, workspace, parse_overrides(options.sets), ResolveSources(runs=options.runs)
        )
    )
    return PlannedRun(plan=made.to_json(), made=made, workspace=workspace, runs=runs)


def run_plan(
    spec: str,
    options: CommandOptions,
    found: PlannedRun,
    may_go_on: Callable[["LocalRunner", "RunOptions"], None] = lambda local, choice: None,
) -> int:
    """Carry the plan out on this machine, show it, and return the exit code.

    `may_go_on` is asked before anything is done, and raises where it may not.
    """
    from vtspec.cli.views.progress import make_progress
    from vtspec.cli.views.run_result import show_result
    from vtspec.pipelines.execution.local import RunOptions
    from vtspec.pipelines.execution.steps import StopSignal

    _refuse_other_backends(options)
    stop = StopSignal()
    progress = make_progress(sys.stderr)
    local = _build_runner(options, found, stop, progress)
    choice = RunOptions(resume=options.resume, again=options.again)
    may_go_on(local, choice)
    with stop.handle_signals():
        if options.smoke:
            return _run_smoke(found, local, progress)
        with progress:
            result = local.run(found.plan, choice, options.format_command(spec))
    return show_result(result, found, options)


def _refuse_other_backends(options: CommandOptions) -> None:
    from vtspec.pipelines.errors import Permanent

    if options.backend not in (None, "process"):
        raise Permanent(
            f"backend {options.backend} is not there yet", fix="leave --backend out: process"
        )


def _build_runner(
    options: CommandOptions, found: PlannedRun, stop: "StopSignal", progress: "RunProgress"
) -> "LocalRunner":
    from vtspec.pipelines.data.fetch import get_cache_folder
    from vtspec.pipelines.execution.environment import Environments
    from vtspec.pipelines.execution.local import LocalRunner, RunContext
    from vtspec.pipelines.runs import Runs

    cache = get_cache_folder(os.environ)
    environments = Environments(cache=cache, report=progress.show_line)
    return LocalRunner(
        runs=Runs(found.runs),
        place=RunContext(
            root=found.workspace.root,
            cache=cache,
            stop=stop,
            report=progress.show_line,
            write_report=write_run_report,
            track=_make_tracker_factory(options, found),
            told=progress.show_event,
        ),
        choose=lambda: environments.choose(
            get_framework(found.made.framework.name), options.environment
        ),
        ready=lambda: _check_requirements(options, found),
    )


def get_framework(name: str) -> Any:
    """The framework of that name. Raises `Permanent` where this vtspec has none to run it with."""
    from vtspec.pipelines.catalog import is_adapter_available, load_frameworks
    from vtspec.pipelines.errors import Permanent

    known = load_frameworks()
    if name not in known:
        raise Permanent(
            f"this vtspec has no framework '{name}'",
            fix=f"install the package that brings it; there are: {', '.join(known)}",
        )
    framework = known[name]
    if not is_adapter_available(framework):
        raise Permanent(
            f"the adapter for {name} is not there yet: its plans can be read, and not run",
            fix="vtspec models search --task TASK shows models of other frameworks",
        )
    return framework


def write_run_report(folder: Path) -> str:
    """Write the report of the run in a folder, held against its baseline beside it."""
    from vtspec.pipelines.reporting import find_baseline, write_report

    return write_report(folder, find_baseline(folder)).verdict


def _check_requirements(options: CommandOptions, found: PlannedRun) -> None:
    """Raises where something that a run needs is missing, before hours are spent and not after.

    `Permanent` for an adapter or an extra; as `refuse_unpinned` says for weights.
    """
    import importlib.util

    from vtspec.pipelines.errors import Permanent
    from vtspec.pipelines.planning.plan import refuse_unpinned

    get_framework(found.made.framework.name)
    refuse_unpinned(found.made)

    needed = {"report": "matplotlib"}
    if options.tracking and not options.smoke:
        needed["tracking"] = "mlflow"
    missing = [extra for extra, name in needed.items() if not importlib.util.find_spec(name)]
    if missing:
        names = " and ".join(needed[extra] for extra in missing)
        untracked = ", or run it with --no-tracking" if missing == ["tracking"] else ""
        raise Permanent(
            f"{names} is not installed here",
            fix=f"pip install 'vtspec[{','.join(missing)}]'{untracked}",
        )


def get_tracking_uri(found: PlannedRun) -> str:
    """The MLflow that the run is sent to."""
    from vtspec.pipelines.tracking import choose_tracking_uri

    return choose_tracking_uri(found.runs, found.workspace.project.spec.tracking.uri, os.environ)


def _make_tracker_factory(options: CommandOptions, found: PlannedRun) -> Callable[[Path], Any]:
    def track(folder: Path) -> Any:
        if not options.tracking:
            return None
        from vtspec.pipelines.tracking import start_follower

        return start_follower(folder, get_tracking_uri(found))

    return track


def _run_smoke(found: PlannedRun, local: "LocalRunner", progress: "RunProgress") -> int:
    from vtspec.pipelines.execution.local import run_smoke_test
    from vtspec.pipelines.formatting import format_duration

    with progress:
        with local.place.stop.raise_on_request():
            environment = local.choose()
        smoked = run_smoke_test(found.plan, local.place, environment)
    outcome = smoked.outcome
    if outcome.is_good:
        click.echo(
            f"every step works on one batch, in {format_duration(smoked.seconds)}; nothing is kept"
        )
        return 0
    click.echo(f"{outcome.message}", err=True)
    if outcome.fix:
        click.echo(f"  fix: {outcome.fix}", err=True)
    click.echo(f"what it left is in {smoked.folder}", err=True)
    return outcome.exit_code
