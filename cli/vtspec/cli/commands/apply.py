"""`vtspec apply`: show the plan, ask, and carry it out."""

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.completion import complete_plan
from vtspec.cli.run_options import CommandOptions, add_run_options
from vtspec.cli.run_session import carry_out, plan_named_spec, settle_backend

if TYPE_CHECKING:
    from vtspec.pipelines.operations.plan import PlannedRun


@click.command()
@click.argument("spec", required=False, shell_complete=complete_plan)
@add_run_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(spec: str | None, *, yes: bool, **options: Any) -> None:
    """Plan SPEC (a path, or the name of an experiment), ask, and carry it out.

    What is asked for is the plan that is shown, and nothing else. A plan that was carried out
    before, or is being carried out now, is shown without a question. Exit codes as for `run`.
    """
    raise click.exceptions.Exit(apply_spec(spec, CommandOptions(**options), yes=yes))


def apply_spec(spec: str | None, chosen: CommandOptions, *, yes: bool) -> int:
    """Show the plan of a spec or of `--plan`, ask unless `yes`, carry it out; the exit code."""
    # Planned once: what was shown is carried out, whatever is edited while the question waits.
    found = plan_named_spec(spec, chosen)
    chosen = settle_backend(chosen, found)
    is_here = chosen.backend != "argo"
    _print_plan(found, chosen, is_here=is_here)
    where = "on this machine" if is_here else "on the cluster"
    confirm = None if yes else lambda: _confirm_plan(found, where)
    return carry_out(spec, chosen, found, confirm)


def _print_plan(found: "PlannedRun", chosen: CommandOptions, *, is_here: bool) -> None:
    from vtspec.cli.views.plan import PlaceNotes, format_plan
    from vtspec.cli.views.styled_text import get_terminal_width, print_lines
    from vtspec.pipelines.operations.frameworks import Wish, describe_environment
    from vtspec.pipelines.operations.render import find_renewal_caution
    from vtspec.pipelines.planning.prior_runs import find_prior_runs

    next_to = find_prior_runs(found.made, found.repository, others=found.others)
    # In a pod it is the image's.
    wish = Wish.of(found.repository, chosen.backend, chosen.environment)
    environment = (
        describe_environment(found.made.framework.name, os.environ, wish) if is_here else None
    )
    caution = None if is_here else find_renewal_caution(found.made, found.repository)
    place = PlaceNotes(environment=environment, caution=caution)
    print_lines(format_plan(found.made, next_to, get_terminal_width(sys.stdout), place=place))


def _confirm_plan(found: "PlannedRun", where: str) -> None:
    from vtspec.pipelines.errors import Refused

    # What comes through a pipe is not a person's yes.
    if not sys.stdin.isatty():
        raise Refused("nobody is there to be asked", fix="add --yes to carry the plan out")
    click.echo()
    more = f" and {len(found.others)} more for the other seeds" if found.others else ""
    if not click.confirm(f"Carry {found.made.id}{more} out {where}?"):
        # A no is an answer and no failure; `click.confirm(abort=True)` would make it one.
        raise click.exceptions.Exit(0)
