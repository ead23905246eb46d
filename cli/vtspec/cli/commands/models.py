"""`vtspec models`: search the catalogs, and show one model with its published weights."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from vtspec.pipelines.formatting import format_count, format_gmacs
from vtspec.schema.kinds.tasks import TASKS

if TYPE_CHECKING:
    from vtspec.pipelines.catalog import CatalogModel, Framework, Weights

Output = Literal["table", "json"]

HEADINGS: Final = (
    "name",
    "framework",
    "task",
    "parameters",
    "GMACs",
    "size",
    "weights",
    "licence",
)

NOT_TOLD: Final = "not known"

FOOTNOTE: Final = "! not clearly permissive: read the licence before you use the weights"


@click.group()
def command() -> None:
    """Search the catalogs of models, and show what is known of one."""


@command.command()
@click.argument("words", nargs=-1)
@click.option("--task", type=click.Choice(TASKS), help="Only models that do this.")
@click.option("--framework", help="Only models of this framework.")
@click.option("--pretrained", is_flag=True, help="Only models with published weights.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Show at most so many; the rest is counted.",
)
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def search(words: Sequence[str], **options: Any) -> None:
    """List the models that fit all WORDS, the best first.

    A word is part of a name, of a tag of weights, or of their licence: `resnet 50 apache`. Without
    WORDS all models are listed. Exit codes: 0 something was found, 2 nothing was.
    """
    from vtspec.pipelines.catalog import search_models as find

    limit, output = options.pop("limit"), options.pop("output")
    _require_framework(options["framework"])
    found = find([part for word in words for part in word.split()], **options)
    if output == "json":
        models = [_serialize_model(framework, model) for framework, model in found[:limit]]
        click.echo(json.dumps({"total": len(found), "models": models}, indent=2))
    elif found:
        _print_table(
            HEADINGS, [_format_row(framework, model) for framework, model in found[:limit]]
        )
        _print_footer(found, limit)
    if not found:
        click.echo(f"no model fits {_format_query(words, options)}", err=True)
        click.echo(f"  fix: {_suggest_fix(words, options)}", err=True)
        raise click.exceptions.Exit(2)


@command.command()
@click.argument("name")
@click.option("--framework", help="The framework, where several have a model of that name.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def show(name: str, framework: str | None, output: Output) -> None:
    """Show what is known of model NAME, with or without a tag: resnet18, resnet18.a1_in1k.

    Exit codes: 0 it was found, 2 there is no such model.
    """
    from vtspec.pipelines.catalog import find_model, suggest_model

    _require_framework(framework)
    found = [(each, model) for each, model in find_model(name) if framework in (None, each.name)]
    if not found:
        meant = suggest_model(name, framework)
        fix = f"vtspec models show {meant}" if meant else "vtspec models search"
        raise click.UsageError(f"there is no model '{name}'\n  fix: {fix}")
    if output == "json":
        click.echo(json.dumps([_serialize_model(each, model) for each, model in found], indent=2))
        return
    for number, (each, model) in enumerate(found):
        if number:
            click.echo()
        _print_model(each, model)


def _require_framework(name: str | None) -> None:
    import difflib

    from vtspec.pipelines.catalog import load_frameworks

    known = load_frameworks()
    if name is None or name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    fix = f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(known)}"
    raise click.UsageError(f"there is no framework '{name}'\n  fix: {fix}")


def _format_query(words: Sequence[str], options: Mapping[str, Any]) -> str:
    asked = [f"'{' '.join(words)}'"] if words else []
    asked += [f"--{name} {options[name]}" for name in ("task", "framework") if options[name]]
    return " ".join([*asked, "--pretrained"] if options["pretrained"] else asked)


def _suggest_fix(words: Sequence[str], options: Mapping[str, Any]) -> str:
    """What to type after a search without a hit."""
    from vtspec.pipelines.catalog import search_models as find
    from vtspec.pipelines.catalog import suggest_model

    if find(words):
        return f"vtspec models search {' '.join(words)}"
    meant = suggest_model("".join(words), options["framework"])
    return f"did you mean '{meant}'?" if meant else "use fewer words, or shorter ones"


def _format_row(framework: "Framework", model: "CatalogModel") -> tuple[str, ...]:
    weights = model.chosen_weights
    others = f" +{len(model.weights) - 1}" if len(model.weights) > 1 else ""
    return (
        model.name,
        framework.name,
        ", ".join(model.tasks) or "features only",
        "-" if model.parameters is None else format_count(model.parameters, is_narrow=True),
        "-" if model.gmacs is None else format_gmacs(model.gmacs),
        _format_size(model.image_size),
        f"{weights.tag}{others}" if weights else "-",
        _format_license(weights) if weights else "-",
    )


def _print_footer(found: "Sequence[tuple[Framework, CatalogModel]]", limit: int) -> None:
    shown = [model.chosen_weights for _, model in found[:limit]]
    if any(weights is not None and not weights.permissive for weights in shown):
        click.echo(FOOTNOTE)
    if len(found) > limit:
        click.echo(f"{len(found) - limit} more; --limit {len(found)} shows all")


def _print_model(framework: "Framework", model: "CatalogModel") -> None:
    facts = {
        "framework": f"{framework.name} {framework.versions.get(framework.name, '')}".strip(),
        "task": _format_tasks(model),
        "family": model.family,
        "parameters": _format_parameters(model),
        "image size": f"{_format_size(model.image_size)} pixels (height x width)"
        if model.image_size
        else NOT_TOLD,
        "other sizes": _format_other_sizes(model),
        "GMACs": "not measured"
        if model.gmacs is None
        else f"{format_gmacs(model.gmacs)} an image",
        "activations": _format_activations(model.activations),
        "weights": str(len(model.weights)) if model.weights else "none are published",
        "in a spec": _format_spec_snippet(model),
    }
    click.echo(model.name)
    for name, fact in facts.items():
        if fact is not None:
            click.echo(f"  {name:<12} {fact}")
    if not model.weights:
        return
    shown = model.weights if model.tag is None else (model.chosen_weights,)
    click.echo()
    headings = ("tag", "licence", "size", "classes", "from")
    _print_table(headings, [_format_weights_row(each) for each in shown if each is not None])
    if any(each is not None and not each.permissive for each in shown):
        click.echo(FOOTNOTE)


def _format_weights_row(weights: "Weights") -> tuple[str, ...]:
    return (
        weights.tag,
        _format_license(weights),
        _format_size(weights.image_size),
        "-" if weights.classes is None else str(weights.classes or "none"),
        f"hf-hub:{weights.hub_id}" if weights.hub_id else weights.url or "-",
    )


def _format_tasks(model: "CatalogModel") -> str:
    if not model.listed:
        return "not known: no catalog lists it"
    return ", ".join(model.tasks) or "none: it has no classifier"


def _format_parameters(model: "CatalogModel") -> str:
    count, per_class = model.parameters, model.parameters_per_class
    if count is None:
        return NOT_TOLD
    if per_class is None:
        return f"{count:,} with its own head"
    return f"{count:,} with 1,000 classes; each class has {per_class:,}"


def _format_other_sizes(model: "CatalogModel") -> str:
    if not model.sizes_are_known:
        return NOT_TOLD
    if model.size_step is None:
        return "none"
    smallest = f"from {_format_size(model.min_image_size or (1, 1))}"
    return smallest if model.size_step == 1 else f"{smallest} in steps of {model.size_step}"


def _format_activations(millions: float | None) -> str:
    if millions is None:
        return "not measured"
    return f"{millions * 4e6 / 2**20:,.0f} MiB an image while training, in 32 bits"


def _format_spec_snippet(model: "CatalogModel") -> str:
    name = model.name if model.tag is None else f"{model.name}.{model.tag}"
    return f"model: {{name: {name}, pretrained: {'true' if model.pretrained else 'false'}}}"


def _format_license(weights: "Weights") -> str:
    return weights.licence if weights.permissive else f"{weights.licence} !"


def _format_size(size: tuple[int, int] | None) -> str:
    return "-" if size is None else f"{size[0]}x{size[1]}"


def _serialize_model(framework: "Framework", model: "CatalogModel") -> dict[str, Any]:
    """One model as JSON; the keys are those of catalog.json, in whole words."""
    weights = model.weights if model.tag is None else (model.chosen_weights,)
    return {
        "framework": framework.name,
        "name": model.name,
        "family": model.family,
        "listed": model.listed,
        "tasks": list(model.tasks),
        "parameters": model.parameters,
        "parametersPerClass": model.parameters_per_class,
        "imageSize": list(model.image_size) if model.image_size else None,
        "imageSizeStep": model.size_step,
        "minImageSize": list(model.min_image_size) if model.min_image_size else None,
        "gmacs": model.gmacs,
        "activations": model.activations,
        "pretrained": model.pretrained,
        "weights": [_serialize_weights(each) for each in weights if each is not None],
    }


def _serialize_weights(weights: "Weights") -> dict[str, Any]:
    return {
        "tag": weights.tag,
        "licence": weights.licence,
        "permissive": weights.permissive,
        "imageSize": list(weights.image_size) if weights.image_size else None,
        "classes": weights.classes,
        "hubId": weights.hub_id,
        "url": weights.url,
    }


def _print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns, the headings bold where a terminal shows them; no column is ever cut."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for number, line in enumerate(lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(click.style("  ".join(cells).rstrip(), bold=number == 0))
