"""One step of a plan by itself: what a container runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .frameworks import choose_environment
from .run import RunCallbacks, get_tracking_uri, write_run_report

if TYPE_CHECKING:
    from vtspec.pipelines.execution.steps import Outcome
    from vtspec.pipelines.planning.plan_model import Plan


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """Where a step works: `folder` is the run's, `root` the repository's, `data` verified data.

    `remote` is the address of the DVC remote that step data fetches from, by hash alone.
    """

    folder: Path
    root: Path
    attempt: int = 1
    resume: bool = False
    data: Path | None = None
    remote: str | None = None


def run_step(
    name: str,
    plan: "Plan",
    options: StepOptions,
    callbacks: RunCallbacks,
    environ: Mapping[str, str],
) -> "Outcome":
    """Carry out one step of a plan, and tell what happens in its events.jsonl."""
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.execution.steps import RunContext, StepRequest, execute_single_step
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.pipelines.weights.model_versions import make_model_download

    task = StepRequest(
        folder=options.folder,
        plan=plan,
        attempt=options.attempt,
        data=options.data,
        resume=options.resume,
        choose=lambda: choose_environment(plan.framework.name, environ, callbacks.report),
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
    )
    return execute_single_step(name, task, place)


def load_plan(path: Path) -> "Plan":
    """The plan in a file. Raises `Refused` where it is none that can be run."""
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.planning.plan import refuse_unpinned
    from vtspec.pipelines.planning.plan_model import plan_from_json

    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(
            f"{path} is not a plan: {error}", fix="make one: vtspec plan SPEC --output json"
        ) from error
    made = plan_from_json(raw)
    # `vtspec plan` prints such a plan with a warning, for people; it is none to be carried out.
    refuse_unpinned(made)
    return made
