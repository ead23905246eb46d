"""Start `vtspec`: a group that imports a command only when it is called."""

import importlib
import signal
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import click

from .output_streams import close_streams, open_streams
from .terminal import show_visibly

COMMANDS: Final = {
    "init": "Make a repository of your own, ready to run.",
    "draft": "Say what to train, in Korean or English; get a checked spec.",
    "validate": "Check specs: every problem at once, with a fix each.",
    "explain": "Say what a field means, its range and its default.",
    "plan": "Show what would run, on what, for how long, and what differs.",
    "apply": "Plan, ask, and carry the plan out.",
    "run": "Carry a spec out, on this machine or on the cluster.",
    "status": "List the runs, or show one.",
    "logs": "Print what a run's framework printed; -f follows.",
    "stop": "Stop a run; it writes a checkpoint first.",
    "rm": "Remove runs, with their checkpoints and models.",
    "prune": "Remove runs that failed, or that nobody needs any more.",
    "report": "Write and show the report of a run.",
    "compare": "Hold two runs against each other.",
    "predict": "Ask a run's model about images.",
    "sync": "Send to MLflow what has not arrived there yet.",
    "specs": "List the experiments and datasets that there are.",
    "datasets": "List datasets; inspect data, add it, keep it up to date.",
    "models": "Search the catalogs of models.",
    "images": "Build, push and pin the images that steps run in.",
    "render": "Print the Kubernetes objects that carry a spec out.",
    "step": "Run one step of a plan; what a container runs.",
    "controller": "Look after repositories: do what their pull requests ask for.",
    "ci": "Do the same in a job of GitHub Actions.",
    "version": "Print the version.",
}
"""Command: its line in --help. `vtspec.cli.commands.<name>` holds it, called `command`."""

_ELSEWHERE: Final = {
    "train": "run",
    "start": "run",
    "list": "status",
    "ls": "status",
    "ps": "status",
    "kill": "stop",
    "diff": "compare",
    "check": "validate",
    "lint": "validate",
    "show": "status",
    "eval": "report",
    "infer": "predict",
    "inspect": "datasets inspect",
    "search": "models search",
    "help": "--help",
}
"""What other tools call it."""


class LazyGroup(click.Group):
    """A group whose --help imports no command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order in which they are met."""
        # click's own order is the alphabet's, in which `apply` comes before `init`.
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and take its `command`."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"vtspec.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a "did you mean" for a word that is no command."""
        # What looks like an option is click's to refuse: it knows which options there are.
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from vtspec.schema.suggestions import find_nearest

            close = _ELSEWHERE.get(args[0]) or find_nearest(args[0], COMMANDS)
            hint = f"did you mean 'vtspec {close}'?" if close else "see 'vtspec --help'"
            raise click.UsageError(f"there is no command '{args[0]}'\n  fix: {hint}", ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        # click's own takes each help line from its command, and so imports them all.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    # `resilient_parsing` is a shell that completes a word: it would read the version as one.
    if not wanted or ctx.resilient_parsing:
        return
    from .commands.version import show_version

    show_version()
    ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version and exit.",
)
def cli() -> None:
    """Say what to train in a YAML file; see the plan; get a model and a report.

    Exit codes: 0 done, 1 a bug, 2 something to correct in a file or on the command line, 3 the
    run failed, 4 the world refused, 74 done, but standard output could not be written, 75
    interrupted or not now: try again.
    """


def main() -> None:
    """Run the command line; every foreseen error becomes words and an exit code."""
    open_streams()
    warnings.showwarning = partial(_show_warning, warnings.showwarning)
    with show_visibly():
        sys.exit(close_streams(_run()))


def _show_warning(
    otherwise: Callable[..., None],
    message: Warning | str,
    category: type[Warning],
    *rest: Any,
    **more: Any,
) -> None:
    from vtspec.pipelines.errors import RunsWarning

    if issubclass(category, RunsWarning):
        # For people, to whom the line of the code is nothing.
        click.echo(f"warning: {message}", err=True)
    else:
        otherwise(message, category, *rest, **more)


def _run() -> int:
    try:
        # By itself click ends an abort with 1, which means a bug of ours here. In this mode it
        # raises instead, and returns what a command's `Exit` carries.
        code = cli(standalone_mode=False)
    except click.ClickException as error:
        from .exit_codes import explain_usage

        code = explain_usage(error)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        # As a shell says it of a process that SIGINT ended: 128 and the signal's number.
        code = 130
    except Exception as error:
        from .exit_codes import explain_failure

        code = explain_failure(error)
    # All is said and done: a Ctrl-C that comes while Python shuts down changes nothing.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code if isinstance(code, int) else 0
