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
    from vtspec.cli.views.progress import Progress
    from vtspec.pipelines.execution.local import Choice, Local
    from vtspec.pipelines.execution.steps import Stop
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.project.workspace import Workspace

Function = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Options:
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

    def command(self, spec: str) -> str:
        """The command that carries the same plan out again, without `--resume` and `--again`."""
        words = ["vtspec", "run", spec]
        words += [part for one in self.sets for part in ("--set", one)]
        words += ["--runs", str(self.runs)] if self.runs is not None else []
        words += [] if self.tracking else ["--no-tracking"]
        return shlex.join(words)


def carrying_options(function: Function) -> Function:
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
class Planned:
    """A plan as data, and the repository that it is carried out in."""

    plan: Mapping[str, Any]
    made: "Plan"
    workspace: "Workspace"
    runs: Path


def planned(spec: str, options: Options) -> Planned:
    """Plan the spec; with `--resume` the name of a run stands for the plan that it has.

    Raises `SpecError`, `Refused`, `Permanent` or `Temporary` as planning does.
    """
    from vtspec.pipelines.planning.plan import plan
    from vtspec.pipelines.planning.plan_model import plan_from_json
    from vtspec.pipelines.planning.resolve import World, resolve
    from vtspec.pipelines.project.overrides import overrides_of
    from vtspec.pipelines.project.workspace import find_workspace, open_spec
    from vtspec.pipelines.runs import Runs

    if options.resume:
        workspace = find_workspace(Path.cwd())
        runs = options.runs or workspace.runs
        named = [run for run in Runs(runs).all() if run.name == spec]
        if named:
            raw = named[0].plan()
            made = plan_from_json(raw)
            return Planned(plan=raw, made=made, workspace=workspace, runs=runs)
    workspace, path = open_spec(spec, Path.cwd())
    runs = options.runs or workspace.runs
    made = plan(*resolve(path, workspace, overrides_of(options.sets), World(runs=options.runs)))
    return Planned(plan=made.to_json(), made=made, workspace=workspace, runs=runs)


def carry_plan_out(
    spec: str,
    options: Options,
    found: Planned,
    may_go_on: Callable[["Local", "Choice"], None] = lambda local, choice: None,
) -> int:
    """Carry the plan out on this machine, show it, and return the exit code.

    `may_go_on` is asked before anything is done, and raises where it may not.
    """
    from vtspec.cli.views.progress import progress_on
    from vtspec.cli.views.run_result import show_result
    from vtspec.pipelines.execution.local import Choice
    from vtspec.pipelines.execution.steps import Stop

    _refuse_other_backends(options)
    stop = Stop()
    progress = progress_on(sys.stderr)
    local = _local(options, found, stop, progress)
    choice = Choice(resume=options.resume, again=options.again)
    may_go_on(local, choice)
    with stop.on_signals():
        if options.smoke:
            return _smoke(found, local, progress)
        with progress:
            result = local.run(found.plan, choice, options.command(spec))
    return show_result(result, found, options)


def _refuse_other_backends(options: Options) -> None:
    from vtspec.pipelines.errors import Permanent

    if options.backend not in (None, "process"):
        raise Permanent(
            f"backend {options.backend} is not there yet", fix="leave --backend out: process"
        )


def _local(options: Options, found: Planned, stop: "Stop", progress: "Progress") -> "Local":
    from vtspec.pipelines.data.fetch import cache_folder
    from vtspec.pipelines.execution.environment import Environments
    from vtspec.pipelines.execution.local import Local, Place
    from vtspec.pipelines.runs import Runs

    cache = cache_folder(os.environ)
    environments = Environments(cache=cache, report=progress.say)
    return Local(
        runs=Runs(found.runs),
        place=Place(
            root=found.workspace.root,
            cache=cache,
            stop=stop,
            report=progress.say,
            write_report=write_report_of,
            track=_track(options, found),
            told=progress.told,
        ),
        choose=lambda: environments.choose(
            framework_of(found.made.framework.name), options.environment
        ),
        ready=lambda: _ready(options, found),
    )


def framework_of(name: str) -> Any:
    """The framework of that name. Raises `Permanent` where this vtspec has none to run it with."""
    from vtspec.pipelines.catalog import adapter_available, frameworks
    from vtspec.pipelines.errors import Permanent

    known = frameworks()
    if name not in known:
        raise Permanent(
            f"this vtspec has no framework '{name}'",
            fix=f"install the package that brings it; there are: {', '.join(known)}",
        )
    framework = known[name]
    if not adapter_available(framework):
        raise Permanent(
            f"the adapter for {name} is not there yet: its plans can be read, and not run",
            fix="vtspec models search --task TASK shows models of other frameworks",
        )
    return framework


def write_report_of(folder: Path) -> str:
    """Write the report of the run in a folder, held against its baseline beside it."""
    from vtspec.pipelines.reporting import baseline_of, write_report

    return write_report(folder, baseline_of(folder)).verdict


def _ready(options: Options, found: Planned) -> None:
    """Raises where something that a run needs is missing, before hours are spent and not after.

    `Permanent` for an adapter or an extra; as `refuse_unpinned` says for weights.
    """
    import importlib.util

    from vtspec.pipelines.errors import Permanent
    from vtspec.pipelines.planning.plan import refuse_unpinned

    framework_of(found.made.framework.name)
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


def tracking_uri(found: Planned) -> str:
    """The MLflow that the run is sent to."""
    from vtspec.pipelines.tracking import default_uri

    return default_uri(found.runs, found.workspace.project.spec.tracking.uri, os.environ)


def _track(options: Options, found: Planned) -> Callable[[Path], Any]:
    def track(folder: Path) -> Any:
        if not options.tracking:
            return None
        from vtspec.pipelines.tracking import start

        return start(folder, tracking_uri(found))

    return track


def _smoke(found: Planned, local: "Local", progress: "Progress") -> int:
    from vtspec.pipelines.execution.local import smoke
    from vtspec.pipelines.reporting.figures import duration

    with progress:
        with local.place.stop.interrupting():
            environment = local.choose()
        smoked = smoke(found.plan, local.place, environment)
    outcome = smoked.outcome
    if outcome.is_good:
        click.echo(
            f"every step works on one batch, in {duration(smoked.seconds)}; nothing is kept"
        )
        return 0
    click.echo(f"{outcome.message}", err=True)
    if outcome.fix:
        click.echo(f"  fix: {outcome.fix}", err=True)
    click.echo(f"what it left is in {smoked.folder}", err=True)
    return outcome.exit_code
