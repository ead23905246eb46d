"""`vtspec init`: a repository of your own in one command."""

from pathlib import Path

import click

from vtspec.adapters.shell_command import format_command


@click.command()
@click.argument("directory", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="Name of the project; the folder's if left out.")
def command(directory: Path, name: str | None) -> None:
    """Make a repository in DIRECTORY (here, if left out): configuration, an example, a README.

    The example validates and trains in a second, without a download. Nothing that is there is
    changed, so that it may be called again; a .gitignore that lets runs in gets a line more.
    """
    from vtspec.cli.views.run_result import format_path
    from vtspec.pipelines.project.scaffold import scaffold

    chosen = _choose_name(name, directory)
    steps = scaffold(directory, chosen, lambda line: click.echo(line, err=True))
    for step in steps:
        click.echo(f"  {step.done:<9}  {step.path}")
    where = (
        ""
        if directory.resolve() == Path.cwd()
        else f"{format_command('cd', format_path(directory))}\n  "
    )
    click.echo(f"\nready; next:\n  {where}vtspec run shapes-short\n  vtspec run shapes")


def _choose_name(given: str | None, directory: Path) -> str:
    """The name as a DNS label. Raises `UsageError` where a given one is none."""
    from vtspec.pipelines.project.spec_names import is_name, make_name

    if given is not None:
        if not is_name(given):
            raise click.UsageError(
                f"'{given}' cannot be the project's name\n"
                "  fix: use at most 40 small letters, digits and hyphens"
            )
        return given
    return make_name(directory.resolve().name, otherwise="project")
