"""Runs sent to MLflow that have not arrived there.

`python -m vtspec.pipelines.operations.sync RUN_DIR URI` follows one run, and sends the others.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Temporary

from .run import get_tracking_uri

if TYPE_CHECKING:
    from vtspec.pipelines.address import Address
    from vtspec.pipelines.project.repository import Repository
    from vtspec.pipelines.runs import Run
    from vtspec.pipelines.tracking import SyncResult


@dataclass(frozen=True, kw_only=True)
class SyncTarget:
    """The runs that are to be sent, the folder they are in, and the MLflow they are sent to."""

    folder: Path
    runs: "tuple[Run, ...]"
    address: "Address"
    fetch: "Callable[[Run], None]"


def choose_target(
    repository: "Repository", run: str | None, uri: str | None, environ: Mapping[str, str]
) -> SyncTarget:
    """The run that is named, or all; and the MLflow that is named, or the configured one."""
    from vtspec.pipelines.runs import Runs
    from vtspec.pipelines.runs.state import MODEL_FOLDER

    known = Runs(repository.runs)
    return SyncTarget(
        folder=known.folder,
        runs=(known.find(run),) if run else tuple(known.list_runs()),
        address=get_tracking_uri(repository, environ, uri),
        fetch=lambda one: known.fetch(one, MODEL_FOLDER),
    )


def sync_runs(target: SyncTarget) -> "Iterator[tuple[Run, SyncResult | Permanent | Temporary]]":
    """Send each run, and say what of it has arrived, or why nothing more did.

    What is wrong with one run keeps no other from arriving; what is wrong with MLflow is raised.
    """
    from vtspec.pipelines.tracking import check_store, has_waiting_events, sync_run

    # Once: MLflow itself tries for minutes, and with each run anew.
    check_store(target.address)
    for run in target.runs:
        try:
            # Of a run in a store what is sent has to be here first.
            if has_waiting_events(run.path, target.address):
                refuse_edited_plan(run)
                target.fetch(run)
            yield run, sync_run(run.path, target.address)
        except (Permanent, Temporary) as error:
            yield run, error


def refuse_edited_plan(run: "Run") -> None:
    """Raise `Permanent` where the plan on file is not the one that the run is called by: MLflow
    would show its values beside figures that they did not bring about."""
    from vtspec.pipelines.planning.digest import find_edit

    state = run.read_state()
    fix = f"put the file back as it was, or: {format_command('vtspec', 'rm', run.name)}"
    try:
        content = find_edit(run.read_plan(), run.plan_id, state.provenance.plan_digest)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Permanent(
            f"the {run.plan_file.name} of {run.name} is not a whole plan: {error!r}", fix=fix
        ) from error
    if content is not None:
        raise Permanent(
            f"the {run.plan_file.name} of {run.name} was changed after it was planned: what "
            f"stands in it is {content}; nothing of it is sent",
            fix=fix,
        )


if __name__ == "__main__":
    from vtspec.pipelines.tracking.follower import main

    sys.exit(main(sys.argv[1:], refuse_edited_plan))
