"""`vtspec models`: search the catalogs, and show one model with its published weights."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from vtspec.cli.completion import complete_framework, complete_model
from vtspec.cli.views.styled_text import get_table_width, print_lines
from vtspec.cli.views.table import format_table
from vtspec.pipelines.formatting import format_count, format_gmacs
from vtspec.schema.kinds.tasks import TASKS

if TYPE_CHECKING:
    from vtspec.pipelines.catalog import CatalogModel, Framework, Weights
    from vtspec.pipelines.operations.models import HubModelData, ModelData, ModelFilter

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
    "trains here",
)

HUB_HEADINGS: Final = (
    "name",
    "hub's task",
    "family",
    "parameters",
    "licence",
    "downloads",
    "trains here",
)

NOT_TOLD: Final = "not known"

FOOTNOTE: Final = "! not clearly permissive: read the licence before you use the weights"


@click.group()
def command() -> None:
    """Search the catalogs of models, and show what is known of one."""


@command.command()
@click.argument("words", nargs=-1, shell_complete=complete_model)
@click.option("--task", type=click.Choice(TASKS), help="Only models that do this.")
@click.option(
    "--framework", shell_complete=complete_framework, help="Only models of this framework."
)
@click.option("--pretrained", is_flag=True, help="Only models with published weights.")
@click.option(
    "--hub",
    is_flag=True,
    help="Ask the hub (HF_ENDPOINT, else huggingface.co) and not the catalogs: a spec may name "
    "any of its models that trains here.",
)
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

    `trains here` says whether an adapter is installed that trains the model; `from scratch`, that
    one does, and its published weights cannot be pinned. The others can be planned, and not run.

    A word is part of a name, of a tag of weights, or of their licence: `resnet 50 apache`. Without
    WORDS all models are listed. Exit codes: 0 something was found, 2 nothing was.
    """
    from vtspec.pipelines.operations.models import ModelFilter, search_models, suggest_search

    limit, output, hub = (options.pop(name) for name in ("limit", "output", "hub"))
    wanted = ModelFilter(**options)
    if hub:
        _search_hub(words, wanted, limit, output)
        return
    with _show_refusal():
        found = search_models(words, wanted)
    if output == "json":
        click.echo(
            json.dumps({"total": len(found), "models": _serialize(found[:limit])}, indent=2)
        )
    elif found:
        _print_table(
            HEADINGS,
            [_format_row(framework, model, wanted.task) for framework, model in found[:limit]],
        )
        _print_footer(found, limit)
    # Beside the JSON, which is printed with no models: a program reads it whatever was found.
    if not found:
        click.echo(f"no model fits {_format_query(words, wanted)}", err=True)
        click.echo(f"  fix: {suggest_search(words, wanted)}", err=True)
        raise click.exceptions.Exit(2)


def _search_hub(words: Sequence[str], wanted: "ModelFilter", limit: int, output: Output) -> None:
    from vtspec.pipelines.operations.models import search_hub
    from vtspec.pipelines.weights.hub import make_hub

    if wanted.pretrained:
        raise click.UsageError("--pretrained is of the catalogs: all of a hub's have weights")
    hub = make_hub()
    with _show_refusal():
        found = search_hub(words, wanted, limit, hub)
    if output == "json":
        click.echo(json.dumps({"models": found}, indent=2))
    elif found:
        _print_table(HUB_HEADINGS, [_format_hit(one) for one in found])
        if any(not one["permissive"] for one in found):
            click.echo(FOOTNOTE)
    if not found:
        click.echo(f"{hub.endpoint} has nothing for {_format_query(words, wanted)}", err=True)
        click.echo("  fix: use fewer words; without --hub the catalogs are searched", err=True)
        raise click.exceptions.Exit(2)


def _format_hit(one: "HubModelData") -> tuple[str, ...]:
    licence = one["licence"] or "not told"
    return (
        one["name"],
        one["pipeline"] or "-",
        one["family"] or "-",
        "-" if one["parameters"] is None else format_count(one["parameters"], is_narrow=True),
        (licence if one["permissive"] else f"{licence} !") + (", gated" if one["gated"] else ""),
        "-" if one["downloads"] is None else format_count(one["downloads"], is_narrow=True),
        "yes" if one["trainsHere"] else "no",
    )


@command.command()
@click.argument("name", shell_complete=complete_model)
@click.option(
    "--framework",
    shell_complete=complete_framework,
    help="The framework, where several have a model of that name.",
)
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def show(name: str, framework: str | None, output: Output) -> None:
    """Show what is known of model NAME, with or without a tag: resnet18, resnet18.a1_in1k.

    Exit codes: 0 it was found, 2 there is no such model.
    """
    from vtspec.pipelines.operations.models import find_models

    with _show_refusal():
        found = find_models(name, framework)
    if output == "json":
        click.echo(json.dumps(_serialize(found), indent=2))
        return
    for number, (each, model) in enumerate(found):
        if number:
            click.echo()
        _print_model(each, model)


@contextmanager
def _show_refusal() -> Iterator[None]:
    """Shows how the command is used where what was typed is refused."""
    from vtspec.pipelines.errors import Refused

    try:
        yield
    except Refused as error:
        raise click.UsageError(str(error)) from error


def _serialize(found: "Sequence[tuple[Framework, CatalogModel]]") -> "list[ModelData]":
    from vtspec.pipelines.operations.models import serialize_model

    return [serialize_model(framework, model) for framework, model in found]


def _format_query(words: Sequence[str], wanted: "ModelFilter") -> str:
    asked = [f"'{' '.join(words)}'"] if words else []
    asked += [f"--task {wanted.task}"] if wanted.task else []
    asked += [f"--framework {wanted.framework}"] if wanted.framework else []
    return " ".join([*asked, "--pretrained"] if wanted.pretrained else asked)


def _format_row(
    framework: "Framework", model: "CatalogModel", task: str | None
) -> tuple[str, ...]:
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
        _format_training(framework, model, task),
    )


def _format_training(framework: "Framework", model: "CatalogModel", task: str | None) -> str:
    from vtspec.pipelines.catalog import find_training_problem

    if find_training_problem(framework, model, task) is not None:
        return "no"
    doubtful = find_training_problem(framework, model, task, from_weights=True)
    return "yes" if doubtful is None else "from scratch"


def _print_footer(found: "Sequence[tuple[Framework, CatalogModel]]", limit: int) -> None:
    shown = [model.chosen_weights for _, model in found[:limit]]
    if any(weights is not None and not weights.permissive for weights in shown):
        click.echo(FOOTNOTE)
    if len(found) > limit:
        click.echo(f"{len(found) - limit} more; --limit {len(found)} shows all")


def _print_model(framework: "Framework", model: "CatalogModel") -> None:
    from vtspec.pipelines.operations.models import select_weights

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
        "trains here": _explain_training(framework, model),
        "in a spec": _format_spec_snippet(framework, model),
    }
    click.echo(model.name)
    for name, fact in facts.items():
        if fact is not None:
            click.echo(f"  {name:<12} {fact}")
    if not model.weights:
        return
    shown = select_weights(model)
    click.echo()
    headings = ("tag", "licence", "size", "classes", "from")
    _print_table(headings, [_format_weights_row(each) for each in shown])
    if any(not each.permissive for each in shown):
        click.echo(FOOTNOTE)


def _explain_training(framework: "Framework", model: "CatalogModel") -> str:
    from vtspec.pipelines.catalog import find_training_problem

    problem = find_training_problem(framework, model, from_weights=True)
    answer = _format_training(framework, model, None)
    return answer if problem is None else f"{answer}: {problem.message}"


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


def _format_spec_snippet(framework: "Framework", model: "CatalogModel") -> str:
    name = model.name if model.tag is None else f"{model.name}.{model.tag}"
    pretrained = model.pretrained and _format_training(framework, model, None) != "from scratch"
    return f"model: {{name: {name}, pretrained: {'true' if pretrained else 'false'}}}"


def _format_license(weights: "Weights") -> str:
    return weights.licence if weights.permissive else f"{weights.licence} !"


def _format_size(size: tuple[int, int] | None) -> str:
    return "-" if size is None else f"{size[0]}x{size[1]}"


def _print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print_lines(format_table(headings, rows, width=get_table_width(sys.stdout)))
