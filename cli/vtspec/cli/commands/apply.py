"""`vtspec apply`: show the plan, ask, and carry it out."""

import sys
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.run_options import Options, Planned, carry_plan_out, carrying_options, planned

if TYPE_CHECKING:
    from vtspec.pipelines.execution.local import Choice, Local


@click.command()
@click.argument("spec")
@carrying_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(spec: str, *, yes: bool, **options: Any) -> None:
    """Plan SPEC (a path, or the name of an experiment), ask, and carry it out.

    What is asked for is the plan that is shown, and nothing else. A plan that was carried out
    before, or is being carried out now, is shown without a question. Exit codes as for `run`.
    """
    chosen = Options(**options)
    found = planned(spec, chosen)
    _show(found)

    def ask(local: "Local", choice: "Choice") -> None:
        if yes or (not chosen.smoke and not local.would_begin(found.plan, choice)):
            return
        _ask(found)

    raise click.exceptions.Exit(carry_plan_out(spec, chosen, found, ask))


def _show(found: Planned) -> None:
    from vtspec.cli.views.plan import plan_lines
    from vtspec.cli.views.styled_text import print_lines, width_of
    from vtspec.pipelines.planning.prior_runs import beside
    from vtspec.pipelines.planning.resolve import World

    next_to = beside(found.made, found.workspace, World(runs=found.runs))
    print_lines(plan_lines(found.made, next_to, width_of(sys.stdout)))


def _ask(found: Planned) -> None:
    from vtspec.pipelines.errors import Refused

    if not sys.stdin.isatty():
        raise Refused("nobody is there to be asked", fix="add --yes to carry the plan out")
    click.echo()
    if not click.confirm(f"Carry {found.made.id} out on this machine?"):
        raise click.exceptions.Exit(0)
