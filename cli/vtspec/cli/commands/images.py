"""`vtspec images`: build the container images, push them, and pin what the registry has."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.completion import complete_image, complete_pinned_image

if TYPE_CHECKING:
    from vtspec.pipelines.images import ContainerEngine, EngineName

Function = Callable[..., Any]

_names = click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_image
)
_tag = click.option("--tag", help="Of the images; vtspec's version if left out.")
_engine = click.option(
    "--engine",
    type=click.Choice(["docker", "podman"]),
    help="What builds; whichever is here if left out, Docker first.",
)
_registry = click.option(
    "--registry", help="Where images are kept, as in ghcr.io/my-team; vtspec.yaml's if left out."
)


@click.group()
def command() -> None:
    """Build the images that steps run in, push them, and pin what the registry has."""


@command.command()
@_names
@_engine
@_tag
@click.option(
    "--python-image",
    metavar="REF",
    help="What all stands on, if not Docker Hub's: a Debian with python3 3.11 and python3-venv.",
)
def build(
    names: Sequence[str],
    engine: "EngineName | None",
    tag: str | None,
    python_image: str | None,
) -> None:
    """Build images, and first the one that they stand on: base, toy, timm, vtspec."""
    from vtspec.pipelines.operations.images import build_images, find_sources, get_default_tag

    sources = find_sources(names)
    found = _find_engine(engine)
    for name in build_images(sources, found, tag or get_default_tag(), python_image, _tell):
        click.echo(f"built {name}")


@command.command()
@_names
@_registry
@_engine
@_tag
def push(
    names: Sequence[str], registry: str | None, engine: "EngineName | None", tag: str | None
) -> None:
    """Push images that were built from the files as they are."""
    from vtspec.pipelines.operations.images import (
        choose_registry,
        find_sources,
        get_default_tag,
        push_images,
    )

    sources, place = find_sources(names), choose_registry(registry, Path.cwd())
    found = _find_engine(engine)
    for reference in push_images(sources, found, place, tag or get_default_tag(), _tell):
        click.echo(f"pushed {reference}")


@command.command()
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_pinned_image
)
@_registry
@_tag
def lock(names: Sequence[str], registry: str | None, tag: str | None) -> None:
    """Write the digest that the registry answers into image.yaml: plans pin it from then on.

    Needs no Docker. The login is the one that `docker login` or `podman login` keeps.
    """
    from vtspec.pipelines.operations.images import (
        choose_registry,
        find_sources,
        get_default_tag,
        lock_images,
    )

    sources, place = find_sources(names), choose_registry(registry, Path.cwd())
    for locked in lock_images(sources, place, tag or get_default_tag(), os.environ):
        told = "locked" if locked.changed else "was locked already"
        click.echo(f"{locked.reference} {told}: {locked.digest} in {locked.file}")


@command.command("list")
@_engine
@_tag
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_(engine: "EngineName | None", tag: str | None, output: str) -> None:
    """List the images: what is in each, whether it is here, and what plans pin."""
    from vtspec.cli.views.images import format_images, format_json
    from vtspec.cli.views.styled_text import get_table_width, print_lines
    from vtspec.pipelines.errors import Permanent
    from vtspec.pipelines.operations.images import get_default_tag, list_images

    found: ContainerEngine | None = None
    try:
        found = _find_engine(engine)
    except Permanent as error:
        # What plans pin can be told all the same, unless one engine was insisted on.
        if engine is not None:
            raise
        _tell(f"{error.message}: whether an image is here is not known")
    states = list(list_images(found, tag or get_default_tag()))
    if output == "json":
        click.echo(format_json(states))
    else:
        print_lines(format_images(states, get_table_width(sys.stdout)))


def _find_engine(wanted: "EngineName | None") -> "ContainerEngine":
    from vtspec.pipelines.images import find_engine

    return find_engine(wanted)


def _tell(message: str) -> None:
    click.echo(message, err=True)
