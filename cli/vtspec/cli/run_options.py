"""The options that `run` and `apply` share, and the command that repeats them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.adapters.shell_command import format_command
from vtspec.cli.completion import complete_override
from vtspec.cli.runs_place import RunsPlace
from vtspec.pipelines.cache_folder import find_store

if TYPE_CHECKING:
    from vtspec.pipelines.execution.environment import EnvironmentMode
    from vtspec.pipelines.operations.frameworks import Backend

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
    backend: "Backend | None" = None
    environment: "EnvironmentMode" = "auto"
    queue: bool = False
    plan: Path | None = None
    metrics: str | None = None

    def format_command(self, spec: str | None) -> str:
        """Join the command that carries the plan out again, without `--resume` and `--again`."""
        more = [] if self.tracking else ["--no-tracking"]
        more += ["--queue"] if self.queue else []
        more += [] if self.backend is None else ["--backend", self.backend]
        words = [spec] if spec is not None else ["--plan", str(self.plan)]
        return join_command(["vtspec", "run", *words], self.sets, self.runs, more)


def join_command(
    words: Sequence[str], sets: Sequence[str], runs: Path | None, more: Sequence[str] = ()
) -> str:
    """Join a command with the options that decide its plan, quoted for a shell."""
    overrides = [part for one in sets for part in ("--set", one)]
    folder = [] if runs is None else ["--runs", find_store(runs) or str(runs)]
    return format_command(*words, *overrides, *folder, *more)


def add_run_options(function: Function) -> Function:
    """Give a command the options that `run` and `apply` share."""
    options = (
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="PATH=VALUE",
            shell_complete=complete_override,
            help="Run with another value, as in --set training.epochs=1; may be repeated.",
        ),
        click.option(
            "--plan",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Run the plan in this file, such as a run's plan.json, instead of a SPEC's.",
        ),
        click.option("--resume", is_flag=True, help="Go on where the last attempt was cut short."),
        click.option("--again", is_flag=True, help="Make a new attempt, whatever there is."),
        click.option(
            "--smoke", is_flag=True, help="One batch through every step; nothing is kept."
        ),
        click.option(
            "--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX."
        ),
        click.option(
            "--results",
            type=click.Path(path_type=Path),
            help="Also write metrics and plot data there, as DVC compares them.",
        ),
        click.option(
            "--queue",
            is_flag=True,
            help="Wait for GPUs of this machine, without GPUs for its CPU, after your runs that "
            "came before.",
        ),
        click.option(
            "--no-tracking",
            "tracking",
            is_flag=True,
            default=True,
            flag_value=False,
            help="Send nothing to MLflow; `vtspec sync` can later.",
        ),
        click.option(
            "--metrics",
            metavar="HOST:PORT",
            help="Where a Prometheus reads figures while the command goes on; else nowhere.",
        ),
        click.option("--fail-on-gate", is_flag=True, help="Exit with 3 where a gate is missed."),
        click.option(
            "--backend",
            type=click.Choice(["process", "container", "argo"]),
            help="By what it is carried out: a process or a container on this machine, or argo, "
            "the cluster; else as VTSPEC_BACKEND or vtspec.yaml says, else here in what fits.",
        ),
        click.option(
            "--environment",
            type=click.Choice(["auto", "current", "made"]),
            default="auto",
            show_default=True,
            help="The framework's Python: this one, one that uv makes, or whichever fits.",
        ),
    )
    # As decorators do, the last one applied comes first in `--help`.
    for option in reversed(options):
        function = option(function)
    return function
