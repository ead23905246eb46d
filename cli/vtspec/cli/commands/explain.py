"""`vtspec explain`: what a field means, its range and its default."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from vtspec.cli.completion import complete_field

if TYPE_CHECKING:
    from vtspec.adapters.contract import Param

PARAMS = "params"


@click.command()
@click.argument("field", required=False, shell_complete=complete_field)
def command(field: str | None) -> None:
    """Say what FIELD means: its type, range, unit and default, and what is below it.

    FIELD is a path or the end of one (training.batchSize, spec.training), with its kind before
    it or not (dataset.splits), a kind (Experiment), or params, the frameworks' own settings, one
    of which may be named alone (hflip).

    Exit codes: 0 it was found, 2 there is no such field.
    """
    from vtspec.schema.explain import explain, suggest_name
    from vtspec.schema.kinds.index import KINDS

    if field is None:
        click.echo("\n\n".join(explain(kind) or "" for kind in KINDS))
        return
    # What stands below params is each framework's own; the schema knows nothing of it.
    own = field.removeprefix("experiment.").removeprefix("spec.")
    if own == PARAMS or own.startswith(f"{PARAMS}."):
        _explain_params(own.removeprefix(PARAMS).removeprefix("."))
        return
    text = explain(field)
    if text is None and _declares_param(own):
        _explain_params(own)
        return
    if text is None:
        close = suggest_name(field) or _suggest_param(own)
        click.echo(f"there is no field '{field}'", err=True)
        fix = f"did you mean 'vtspec explain {close}'?" if close else "see 'vtspec explain'"
        click.echo(f"  fix: {fix}", err=True)
        raise click.exceptions.Exit(2)
    click.echo(text)


def _load_declared_params() -> "Mapping[str, Mapping[str, Param]]":
    from vtspec.pipelines.catalog import load_frameworks
    from vtspec.pipelines.validation.catalogs import find_params

    return {
        framework.name: find_params(framework) or {} for framework in load_frameworks().values()
    }


def _declares_param(name: str) -> bool:
    return any(name in params for params in _load_declared_params().values())


def _suggest_param(name: str) -> str | None:
    from vtspec.schema.suggestions import find_nearest

    names = {key for params in _load_declared_params().values() for key in params}
    close = find_nearest(name, sorted(names), cutoff=0.8)
    return f"{PARAMS}.{close}" if close else None


def _explain_params(name: str) -> None:
    from vtspec.schema.explain import explain

    declared = _load_declared_params()
    if not name:
        click.echo(explain("spec.params"))
        for framework, params in declared.items():
            click.echo(f"\n{framework}:" if params else f"\n{framework}: none")
            for key, param in params.items():
                click.echo(f"  {key}: {_format_type(param)}\n      {param.help}")
        return
    found = {framework: params[name] for framework, params in declared.items() if name in params}
    if not found:
        _exit_unknown_param(name, sorted({key for params in declared.values() for key in params}))
    for framework, param in found.items():
        click.echo(
            f"{framework} {PARAMS}.{name}\n\n  {param.help}\n\n  must be:  {_format_type(param)}"
        )
        click.echo(f"  default:  {_format_default(param)}")


def _exit_unknown_param(name: str, names: list[str]) -> None:
    from vtspec.schema.suggestions import suggest_fix

    click.echo(f"no framework has a setting '{name}'", err=True)
    click.echo(f"  fix: {suggest_fix(name, names, 'see vtspec explain params')}", err=True)
    raise click.exceptions.Exit(2)


def _format_type(param: "Param") -> str:
    if param.choices is not None:
        return f"one of {', '.join(param.choices)}"
    noun = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}
    low = "" if param.minimum is None else f" of at least {param.minimum:g}"
    high = "" if param.maximum is None else f" of at most {param.maximum:g}"
    if low and high:
        return f"{noun[param.type]} from {param.minimum:g} to {param.maximum:g}"
    return f"{noun[param.type]}{low}{high}"


def _format_default(param: "Param") -> str:
    import json

    return "left out" if param.default is None else json.dumps(param.default)
