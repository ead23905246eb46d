"""`vtspec validate`: every problem of every file at once, each with its place and its fix."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

if TYPE_CHECKING:
    from vtspec.schema.problem import Problem

Output = Literal["text", "json", "github"]


@click.command()
@click.argument("paths", metavar="[PATH…]", nargs=-1, type=click.Path())
@click.option(
    "--output",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Lines for people, one JSON object, or GitHub's annotations.",
)
def command(paths: Sequence[str], output: Output) -> None:
    """Check specs: every problem of every file at once, each with a fix.

    A PATH is a file, a folder (its *.yaml and *.yml and those below, hidden folders left out) or
    - for standard input; without one the repository's specs and its vtspec.yaml are checked.
    Nothing is run, fetched or written.

    Exit codes: 0 no errors (there may be warnings), 2 errors.
    """
    from vtspec.pipelines.operations.validate import find_problems, list_spec_paths, load_specs

    specs = load_specs(paths or list_spec_paths(Path.cwd()), sys.stdin.buffer)
    problems = find_problems(specs, Path.cwd())
    _SHOW[output](problems)
    errors = sum(problem.severity == "error" for problem in problems)
    if output == "text":
        read = sum(not spec.unread for spec in specs)
        click.echo(_format_summary(read, errors, len(problems) - errors), err=True)
    if errors:
        raise click.exceptions.Exit(2)


def _format_summary(specs: int, errors: int, warnings: int) -> str:
    counts = ((specs, "spec"), (errors, "error"), (warnings, "warning"))
    return ", ".join(f"{count} {noun}{'s' * (count != 1)}" for count, noun in counts)


def _show_text(problems: "Sequence[Problem]") -> None:
    for problem in problems:
        click.echo(str(problem))


def _show_json(problems: "Sequence[Problem]") -> None:
    import json
    from dataclasses import asdict

    click.echo(json.dumps({"problems": [asdict(problem) for problem in problems]}, indent=2))


def _show_github(problems: "Sequence[Problem]") -> None:
    from vtspec.cli.views.annotations import format_annotation

    for problem in problems:
        click.echo(format_annotation(problem))


_SHOW: Final[dict[Output, Callable[[Sequence[Any]], None]]] = {
    "text": _show_text,
    "json": _show_json,
    "github": _show_github,
}
