"""The first and the last event of a run: what it is carried out on, and what it left behind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.runs import Runs
from vtspec.pipelines.runs.events import RunFinished, RunStarted, Warned
from vtspec.pipelines.runs.run import EVALUATION_FILE, METRICS_FILE, hash_file
from vtspec.pipelines.runs.state import MODEL_FOLDER

from .exit_status import Outcome
from .host_info import collect_versions, describe_machine, find_git_state
from .plan_files import list_plan_files, list_plan_folders
from .step import StepContext

ARTIFACTS: Final = (METRICS_FILE, EVALUATION_FILE, "report.md", "report.html", MODEL_FOLDER)
"""What a run leaves for others, whose sums its terminal event holds."""


def log_run_start(work: StepContext, environment: Environment, backend: str | None = None) -> None:
    """Tell that the run starts, and on what: by the environment's backend, unless by another. What
    of it is not as locked is a warning."""
    plan, root = work.target.plan, work.place.root
    work.log.append(
        RunStarted(
            plan_id=plan.id,
            plan_digest=plan.digest,
            backend=backend or environment.backend,
            environment=str(environment),
            machine=describe_machine(),
            versions=collect_versions(environment),
            git=find_git_state(root, list_plan_files(plan, root), list_plan_folders(plan)),
            epochs=plan.training.epochs,
            monitor=plan.training.checkpoint.monitor,
            order=Runs(work.target.folder.absolute().parent).count_order(),
        )
    )
    # Only this Python can differ: one that was made has what is locked.
    for line in environment.differs if environment.kind == "current" else ():
        work.log.append(Warned(message=f"the framework's environment differs: {line}"))


def log_run_end(work: StepContext, outcome: Outcome) -> None:
    """Tell that the run is over, how, and the sums of what it left: the terminal event."""
    work.log.append(
        RunFinished(
            ending=outcome.ending,
            exit_code=outcome.exit_code,
            message=outcome.message,
            fix=outcome.fix,
            artifacts=hash_artifacts(work.target.folder),
            seconds=round(work.log.state.clock.seconds, 3),
        )
    )


def hash_artifacts(folder: Path) -> Mapping[str, str]:
    """The SHA-256 of every artefact that is there, by its path in the run's folder."""
    found: dict[str, str] = {}
    for name in ARTIFACTS:
        path = folder / name
        # Sorted, so that equal runs leave equal events.
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found[file.relative_to(folder).as_posix()] = hash_file(file)
    return found
