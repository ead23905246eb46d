"""Find the runs that a command line names."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vtspec.pipelines.argo import WorkflowState
    from vtspec.pipelines.runs import Run, Runs


def open_runs(folder: Path | None) -> "Runs":
    """Open the runs of the given folder, else of the repository that the command runs in."""
    from vtspec.pipelines.runs import Runs

    # Before a repository is looked for: these runs need no vtspec.yaml, and that may be wrong.
    if folder is not None:
        return Runs(folder)
    from vtspec.pipelines.project.repository import find_repository

    return Runs(find_repository(Path.cwd()).runs)


def look_at_cluster(runs: "Runs", which: Iterable["Run"]) -> Mapping[str, "WorkflowState"]:
    """Ask the cluster about those of the runs that are on it; say on stderr where it cannot be
    asked, or not about some of them, and that what follows is what the store knows."""
    from vtspec.pipelines.operations.cluster_workflows import look_at_runs

    look = look_at_runs(runs, which)
    if look.problem is not None:
        click.echo(
            f"the cluster was not asked, this is what the store knows: {look.problem}", err=True
        )
    for said in dict.fromkeys(map(str, look.problems.values())):
        names = [name for name, problem in look.problems.items() if str(problem) == said]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
        click.echo(f"of {shown} this is what the store knows: {said}", err=True)
    return look.found


def require_folder(file: Path | None) -> None:
    """Raise `Refused` where a file that is to be written would lie in no folder.

    To be asked before the work whose result goes there.
    """
    if file is None or file.parent.is_dir():
        return
    from vtspec.adapters.shell_command import format_command
    from vtspec.pipelines.errors import Refused

    fix = format_command("mkdir", "-p", file.parent)
    raise Refused(f"{file}: there is no folder {file.parent}", fix=fix)


def tell_other_completion(run: "Run", word: str) -> None:
    """Say on stderr where `word` names a completion of the run that does not hold now: what is
    shown of the run is of the one that does."""
    from vtspec.pipelines.runs import is_completion_name

    name, state = Path(word).name, run.read_state()
    if not is_completion_name(name) or name == state.completion:
        return
    from vtspec.adapters.shell_command import format_command

    applies = format_command("vtspec", "run", "--plan", run.path / f"{name}.json")
    click.echo(
        f"warning: {name} is not what {run.name} is asked for now, which is "
        f"{state.completion or state.plan_file} and is shown; {applies} applies it again",
        err=True,
    )


def find_run(runs: "Runs", word: str | None, *folders: str) -> Path:
    """Find the folder of the run that is meant, or of the last one where none is named.

    A spec's name means the last run of it as it stands that finished; which others there are is
    told. Of a run in a store all is copied here but its checkpoints and model, unless they are
    among `folders`. Raises `Refused` where there is none.
    """
    if word is not None:
        from vtspec.pipelines.operations.runs import find_meant_run
        from vtspec.pipelines.project.repository import find_repository

        meant = find_meant_run(
            word, runs, lambda: find_repository(Path.cwd()).with_runs(runs.folder)
        )
        runs.fetch(meant.run, *folders)
        for note in meant.notes:
            click.echo(note, err=True)
        tell_other_completion(meant.run, word)
        return meant.run.path
    found = runs.list_runs()
    if not found:
        from vtspec.pipelines.errors import Refused

        raise Refused(f"there is no run in {runs.place}", fix="vtspec run SPEC")
    runs.fetch(found[-1], *folders)
    return found[-1].path
