"""`vtspec version`: as `--version`, for who types it as a command."""

import click


@click.command()
def command() -> None:
    """Print the version."""
    show_version()


def show_version() -> None:
    """Print what `--version` prints."""
    from importlib.metadata import version

    click.echo(f"vtspec {version('vtspec')}")
