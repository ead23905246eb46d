"""One step of a plan by itself: what a container runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.errors import Refused

from .frameworks import choose_environment
from .run import RunCallbacks, get_tracking_uri, write_run_report

if TYPE_CHECKING:
    from vtspec.pipelines.execution.steps import Outcome
    from vtspec.pipelines.execution.steps.run_context import OnLine
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.runs import Run
    from vtspec.pipelines.runs.workflow_file import WorkflowFile


PATIENCE_S: Final = 120.0
"""How long a step whose work is done waits for a store that is away."""


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """Where a step works: `folder` is the run's, or that of a store's `runs`; `root` is the
    repository's, `data` verified data.

    `remote` is the address of the DVC remote that step data fetches from, by hash alone. `on_line`
    hears what is written into events.jsonl.
    """

    root: Path
    folder: Path | None = None
    runs: Path | None = None
    attempt: int = 1
    resume: bool = False
    data: Path | None = None
    remote: str | None = None
    on_line: "OnLine | None" = None
    patience_s: float = PATIENCE_S


def run_step(
    name: str,
    plan: "Plan",
    options: StepOptions,
    callbacks: RunCallbacks,
    environ: Mapping[str, str],
) -> "Outcome":
    """Carry out one step of a plan, and tell what happens in its events.jsonl.

    Of a run in a store what the step needs is copied here first, wherever the step before it was,
    and what it makes is sent meanwhile and before this returns. Raises `Temporary` where the
    store is away, or another process has gone on with the run: try again.
    """
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.execution.steps import (
        ADAPTER_STEPS,
        RunContext,
        StepRequest,
        execute_single_step,
    )
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.pipelines.runs import Run, Runs, make_run_name
    from vtspec.pipelines.runs.state import CHECKPOINTS_FOLDER, MODEL_FOLDER
    from vtspec.pipelines.weights.model_versions import make_model_download

    folder = options.folder
    if options.runs is not None:
        folder = options.runs / make_run_name(plan.id, options.attempt)
    assert folder is not None
    task = StepRequest(
        folder=folder,
        plan=plan,
        attempt=options.attempt,
        data=options.data,
        resume=options.resume,
        choose=lambda: choose_environment(plan.framework.name, environ, callbacks.report),
        workflow=None if options.runs is None else _find_own_workflow(plan, environ),
    )
    place = RunContext(
        root=options.root,
        cache=get_cache_folder(environ),
        stop=callbacks.stop,
        report=callbacks.report,
        write_report=write_run_report,
        download=make_model_download(
            lambda: get_tracking_uri(find_repository(options.root), environ)
        ),
        told=callbacks.on_event,
        remote=options.remote,
        on_line=options.on_line,
    )
    if options.runs is None:
        return execute_single_step(name, task, place)
    runs, run = Runs(options.runs), Run(folder)
    runs.refresh(run)
    _refuse_other_backend(run)
    # Taken over before it is copied: who worked on it until now sends nothing more.
    lost = partial(callbacks.stop.request, "interrupted")
    with runs.keep_stored(run, lost, options.patience_s):
        # The model for the sums of a run's end, which any step may bring about.
        runs.fetch(run, MODEL_FOLDER, *([CHECKPOINTS_FOLDER] if name in ADAPTER_STEPS else []))
        return execute_single_step(name, task, place)


def _find_own_workflow(plan: "Plan", environ: Mapping[str, str]) -> "WorkflowFile | None":
    """The Workflow that this process is a pod of, as the pod was told; None outside of one."""
    from vtspec.pipelines.runs.workflow_file import OWN_NAMESPACE, OWN_WORKFLOW, WorkflowFile

    name, namespace = environ.get(OWN_WORKFLOW), environ.get(OWN_NAMESPACE)
    if not name or not namespace:
        return None
    return WorkflowFile(namespace=namespace, name=name, digest=plan.digest, created_at="")


def _refuse_other_backend(run: "Run") -> None:
    """Raise `Refused` for a run that is no run of steps: another carries it out. Of a result that
    is there the policy may be another's to apply."""
    state = run.read_state()
    backend = state.provenance.backend
    if backend not in (None, "step") and not state.has_result:
        raise Refused(
            f"{run.name} was begun by 'vtspec run', and is not gone on with step by step",
            fix="make it another attempt: --attempt 2, or the first number that is free",
        )


def load_plan(path: Path) -> "Plan":
    """The plan in a file. Raises `Refused` where there is none that can be run."""
    from vtspec.pipelines.planning.plan import refuse_unpinned
    from vtspec.pipelines.planning.plan_model import plan_from_json

    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused(
            f"{path}: there is no such file",
            fix="name the file of a plan: a run has plan.json in its folder, and "
            "vtspec plan SPEC --output json > plan.json makes one",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(
            f"{path} is not a plan: {error}", fix="make one: vtspec plan SPEC --output json"
        ) from error
    made = plan_from_json(raw)
    # `vtspec plan` prints such a plan with a warning, for people; it is none to be carried out.
    refuse_unpinned(made)
    return made
