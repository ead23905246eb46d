"""Schedules on the cluster that begin a plan again, told to who stops or removes a run of it."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.runs import Run, Runs, UnknownRun
from vtspec.pipelines.runs.workflow_file import read_workflow_file

from .cluster_workflows import find_cluster, open_cluster

if TYPE_CHECKING:
    from vtspec.pipelines.cluster.schedules import ScheduledPlan


def describe_schedule(
    run: Run, word: str = "", environ: Mapping[str, str] = os.environ
) -> str | None:
    """That a CronWorkflow begins the plan of a run again, or one of the spec that `word` names,
    and what to type where nobody wants that; None where there is none, or neither the run nor
    `vtspec.yaml` knows of a cluster."""
    file, store = run.read_workflow() or read_workflow_file(run.path), find_store(run.path.parent)
    cluster = find_cluster(Path.cwd()) if store and word == run.spec_name else None
    space = file.namespace if file is not None else cluster.namespace if cluster else None
    if space is None:
        return None
    try:
        _, found = _find(
            space, store, lambda one: one.plan_id == run.plan_id or one.spec_name == word, environ
        )
    except (Permanent, Refused, Temporary) as error:
        return f"a CronWorkflow may begin {run.plan_id} again, which could not be asked: {error}"
    told = [
        f"CronWorkflow {one.name} begins {one.plan_id} again at its next time\n"
        f"  fix: {_format_removal(one, space)}"
        for one in found
    ]
    return "\n".join(told) or None


def explain_unknown(unknown: UnknownRun, word: str, runs: Runs) -> Refused:
    """Why no run is what a word means: a CronWorkflow may be, of its spec or its plan, which is
    told with what to type against it; or the cluster cannot be asked about that."""
    cluster, store = find_cluster(Path.cwd()), find_store(runs.folder)
    name = word.rstrip("/").rpartition("/")[2]
    # Runs of a cluster are a store's.
    if not name or store is None:
        return unknown
    try:
        space, found = _find(
            None if cluster is None else cluster.namespace,
            store,
            lambda one: one.spec_name == name or one.plan_id.startswith(name),
            os.environ,
        )
    except (Permanent, Refused, Temporary) as error:
        why = "whether a CronWorkflow is to begin one could not be asked"
        return Refused(f"{unknown.message}; {why}: {error.message}", fix=unknown.fix)
    if not found:
        return unknown
    named = ", ".join(f"CronWorkflow {one.name} begins {one.plan_id}" for one in found)
    return Refused(
        f"{unknown.message} yet; {named} at its next time",
        fix="; ".join(_format_removal(one, space) for one in found),
    )


def _find(
    space: str | None,
    store: str | None,
    is_meant: "Callable[[ScheduledPlan], bool]",
    environ: Mapping[str, str],
) -> "tuple[str, list[ScheduledPlan]]":
    from vtspec.pipelines.cluster.schedules import find_schedules

    client = open_cluster(environ)
    space = space or client.namespace
    return space, find_schedules(client, space, store, is_meant)


def _format_removal(found: "ScheduledPlan", space: str) -> str:
    kubectl = ("kubectl", "-n", space)
    change = ("--type", "merge", "-p", '{"spec":{"suspend":true}}')
    return (
        f"{format_command(*kubectl, 'patch', 'cronworkflow', found.name, *change)}, or for good: "
        f"{format_command(*kubectl, 'delete', 'cronworkflow', found.name)}"
    )
