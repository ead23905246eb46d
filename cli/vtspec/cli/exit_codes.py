"""Turn errors into words and exit codes, in one place."""

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
