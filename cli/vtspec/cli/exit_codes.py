"""Turn errors into words and exit codes, in one place."""

import re
import sys
import traceback

import click

from vtspec.pipelines.errors import (
    Permanent,
    Refused,
    RunFailed,
    Temporary,
    refuse_system_error,
)
from vtspec.schema.problem import SpecError
from vtspec.schema.suggestions import find_nearest


def explain_failure(error: Exception) -> int:
    """Print what a person should read of `error` and return the exit code.

    What is not foreseen is a bug of ours: its traceback is printed, and the code is 1.
    """
    match refuse_system_error(error) or error:
        case SpecError(problems=problems):
            for problem in problems:
                click.echo(str(problem), err=True)
            return 2
        case Permanent() | Refused() | RunFailed() | Temporary() as foreseen:
            click.echo(str(foreseen), err=True)
            return foreseen.exit_code
        # Code 1 is this alone: a script has to tell a bug of ours from a spec to correct.
        case _:
            traceback.print_exception(error, file=sys.stderr)
            click.echo("this is a bug in vtspec; please report it with the lines above", err=True)
            return 1


def explain_usage(error: click.ClickException) -> int:
    """Print what is wrong with a command line, with something to type; return the exit code."""
    error.show()
    if not isinstance(error, click.exceptions.NoArgsIsHelpError):
        fix = suggest_usage(error)
        if "\n  fix: " not in error.format_message():
            click.echo(f"  fix: {fix}", err=True)
    # Not the error's own code: click's for a file that cannot be opened is 1.
    return 2


def suggest_usage(error: click.ClickException) -> str:
    """What to type in place of what click refused."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        # click's parser does not say of which command the option is.
        named = getattr(error, "option_name", None)
        return f"{named} VALUE" if named else "vtspec --help"
    match error:
        case click.NoSuchOption(option_name=word):
            known = [name for one in context.command.get_params(context) for name in one.opts]
            near = find_nearest(word, [name for name in known if name.startswith("--")])
            if near is not None:
                return f"did you mean '{context.command_path} {near}'?"
        case click.MissingParameter(param=click.Argument()):
            return context.get_usage().partition(": ")[2]
        case click.BadOptionUsage() | click.BadParameter():
            option = _find_option(error, context)
            if option is not None:
                return f"{option.opts[0]} {_suggest_value(error, option, context)}"
        case click.UsageError(message=message) if found := re.match(r"--[a-z-]+", message):
            return f"leave {found[0]} out"
        case _:
            pass
    return f"{context.command_path} --help"


def _find_option(error: click.UsageError, context: click.Context) -> click.Option | None:
    named = getattr(error, "option_name", None)
    for one in context.command.get_params(context):
        is_meant = one is getattr(error, "param", None) or named in one.opts
        if isinstance(one, click.Option) and is_meant:
            return one
    return None


def _suggest_value(error: click.UsageError, option: click.Option, context: click.Context) -> str:
    if not isinstance(option.type, click.Choice):
        least, most = (getattr(option.type, edge, None) for edge in ("min", "max"))
        if most is not None and (
            given := re.match(r"([0-9.]+) is not in the range", error.message)
        ):
            return str(most if float(given[1]) > most else least)
        return option.make_metavar(context) if least is None else str(least)
    given = re.match(r"'(.*)' is not", error.message)
    choices = [str(one) for one in option.type.choices]
    return (given and find_nearest(given[1], choices)) or choices[0]
