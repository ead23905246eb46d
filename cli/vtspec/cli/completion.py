"""What a shell offers where a word of a command is being typed: the names that there are.

A shell waits for each of these at every press of Tab, so that they read names and nothing more:
no spec is checked, and neither pydantic nor a framework is imported.
"""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from vtspec.pipelines.project.repository import Repository

Items: TypeAlias = list[CompletionItem]

Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], Items]


def _never_raise(function: Complete) -> Complete:
    @functools.wraps(function)
    def complete(ctx: click.Context, param: click.Parameter, typed: str) -> Items:
        # A traceback at a prompt helps nobody; the command itself says what is wrong.
        try:
            return function(ctx, param, typed)
        except Exception:
            return []

    return complete


@_never_raise
def complete_spec(_ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer the names of experiments, else files."""
    return _offer(_find_repository().find_spec_files("Experiment"), typed) or _offer_files(typed)


@_never_raise
def complete_plan(ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer what has a plan: the names of experiments and of runs, else files."""
    names = [*_find_repository().find_spec_files("Experiment"), *_list_run_names(ctx)]
    return _offer(names, typed) or _offer_files(typed)


@_never_raise
def complete_experiment(_ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer the names of experiments."""
    return _offer(_find_repository().find_spec_files("Experiment"), typed)


@_never_raise
def complete_dataset(_ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer the names of datasets, else folders."""
    names = _offer(_find_repository().find_spec_files("Dataset"), typed)
    return names or [CompletionItem(typed, type="dir")]


@_never_raise
def complete_run(ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer the names of runs, and of the specs that they are of."""
    from vtspec.pipelines.runs import Run

    names = list(_list_run_names(ctx))
    return _offer([*(Run(Path(name)).spec_name for name in names), *names], typed)


@_never_raise
def complete_field(_ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer kinds, and fields by their path below `spec`."""
    from vtspec.schema.json_schema.fast_check import list_fields

    kinds = ("Experiment", "Dataset", "Project")
    head, dot, below = typed.partition(".")
    fields: list[tuple[str, str]] = []
    for kind in kinds:
        found = list_fields(kind).items()
        fields += [(path.removeprefix("spec."), what) for path, what in found]
        # A path may also begin as in the file, or with its kind.
        if head == "spec":
            fields += found
        if dot and head.casefold() == kind.casefold():
            fields += [(f"{head}.{path.removeprefix('spec.')}", what) for path, what in found]
            fields += [
                (f"{head}.{path}", what) for path, what in found if below.startswith("spec.")
            ]
    # The frameworks are asked only for what one of them may have.
    params = _list_params() if head == "params" else [("params", "")]
    return _offer_described([*fields, *((kind, "") for kind in kinds), *params], typed)


@_never_raise
def complete_override(_ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer `PATH=`, and behind it the values that a field may have."""
    from vtspec.schema.json_schema.fast_check import find_property, list_fields

    path, equals, value = typed.partition("=")
    if not equals:
        below = list_fields("Experiment").items()
        fields = [(one, what) for one, what in below if one.startswith("spec.")]
        # A path may also begin as in the file.
        paths = fields if path.startswith("spec") else [(one[5:], what) for one, what in fields]
        params = _list_params() if path.startswith("params.") else []
        return _offer_described([(f"{one}=", what) for one, what in (*paths, *params)], typed)
    full = path if path.startswith("spec.") else f"spec.{path}"
    match full:
        case "spec.model.name":
            values: Iterable[str] = _list_model_names(value)
        case "spec.dataset.ref":
            values = _find_repository().find_spec_files("Dataset")
        case "spec.report.baseline":
            values = _find_repository().find_spec_files("Experiment")
        case _:
            found = find_property("Experiment", full)
            values = found.get("enum") or (
                ["true", "false"] if found.get("type") == "boolean" else []
            )
    return _offer([f"{path}={one}" for one in values], typed)


@_never_raise
def complete_model(_ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer the models of the catalogs."""
    return _offer(_list_model_names(typed), typed)


@_never_raise
def complete_framework(_ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer the frameworks that there are."""
    from vtspec.pipelines.catalog import load_frameworks

    return _offer(load_frameworks(), typed)


@_never_raise
def complete_image(_ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer the container images that can be built."""
    from vtspec.pipelines.operations.images import find_sources

    return _offer((source.name for source in find_sources(())), typed)


@_never_raise
def complete_pinned_image(_ctx: click.Context, _: click.Parameter, typed: str) -> Items:
    """Offer the container images that plans pin: those of frameworks."""
    from vtspec.pipelines.operations.images import find_sources

    return _offer((each.name for each in find_sources(()) if each.framework), typed)


def _find_repository() -> "Repository":
    from vtspec.pipelines.project.repository import find_repository

    return find_repository(Path.cwd())


def _list_run_names(ctx: click.Context) -> Iterator[str]:
    """The runs of `--runs`, else of the repository: the folders' names alone, the last first."""
    from vtspec.pipelines.runs import is_run_name

    given: Any = ctx.params.get("runs") or ctx.params.get("folder")
    folder = Path(given) if given else _find_repository().runs
    if folder.is_dir():
        entries = [entry for entry in os.scandir(folder) if is_run_name(entry.name)]
        yield from (one.name for one in sorted(entries, key=lambda one: -one.stat().st_mtime))


def _list_params() -> list[tuple[str, str]]:
    from vtspec.pipelines.catalog import load_frameworks
    from vtspec.pipelines.validation.catalogs import find_params

    declared = [find_params(each) or {} for each in load_frameworks().values()]
    return [(f"params.{name}", one.help) for params in declared for name, one in params.items()]


def _list_model_names(typed: str) -> Iterator[str]:
    from vtspec.pipelines.catalog import load_frameworks

    for framework in load_frameworks().values():
        # Hub ids have an organisation before them; without one, a thousand names would come first.
        if not framework.hub_ids or "/" in typed or typed:
            yield from framework.model_names


def _offer(names: Iterable[str], typed: str) -> Items:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(typed)]


def _offer_described(names: Iterable[tuple[str, str]], typed: str) -> Items:
    # The first of two that bear one name: an experiment's fields come before a dataset's.
    told = {name: what for name, what in reversed(list(names)) if name.startswith(typed)}
    return [CompletionItem(name, help=what or None) for name, what in reversed(told.items())]


def _offer_files(typed: str) -> Items:
    return [CompletionItem(typed, type="file")]
