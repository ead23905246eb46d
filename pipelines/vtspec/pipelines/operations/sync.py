"""Runs sent to MLflow that have not arrived there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .run import get_tracking_uri

if TYPE_CHECKING:
    from vtspec.pipelines.project.repository import Repository
    from vtspec.pipelines.runs import Run
    from vtspec.pipelines.tracking import SyncResult


@dataclass(frozen=True, kw_only=True)
class SyncTarget:
    """The runs that are to be sent, the folder they are in, and the MLflow they are sent to."""

    folder: Path
    runs: "tuple[Run, ...]"
    uri: str


def choose_target(
    repository: "Repository", run: str | None, uri: str | None, environ: Mapping[str, str]
) -> SyncTarget:
    """The run that is named, or all; and the MLflow that is named, or the configured one."""
    from vtspec.pipelines.runs import Runs

    known = Runs(repository.runs)
    return SyncTarget(
        folder=known.folder,
        runs=(known.find(run),) if run else tuple(known.list_runs()),
        uri=uri or get_tracking_uri(repository, environ),
    )


def sync_runs(target: SyncTarget) -> "Iterator[tuple[Run, SyncResult]]":
    """Send each run, and say what of it has arrived."""
    from vtspec.pipelines.tracking import sync_run

    for run in target.runs:
        yield run, sync_run(run.path, target.uri)
