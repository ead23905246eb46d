"""Whether what `teams` in `vtspec.yaml` lists gives a team any run: folders of specs, people."""

import posixpath
import re
from collections.abc import Iterator

from vtspec.adapters.shell_command import quote_word
from vtspec.pipelines.project.repository import Repository
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import find_nearest
from vtspec.schema.yaml_source.document import Document

from .teams import list_folders


def check_teams(document: Document, repository: Repository) -> Iterator[Problem]:
    """What of the `teams` in a `vtspec.yaml` is no folder with specs, and no address that git has:
    a team's limits and its queue hold for nothing by it."""
    teams = (document.data.get("spec") or {}).get("teams")
    for name, team in teams.items() if isinstance(teams, dict) else ():
        if not isinstance(team, dict):
            continue
        for index, folder in enumerate(team.get("specs") or ()):
            place = ("spec", "teams", name, "specs", index)
            if isinstance(folder, str):
                yield from _check_folder(folder, place, document, repository)
        for index, person in enumerate(team.get("people") or ()):
            if isinstance(person, str) and not re.fullmatch(r"[^@\s]+@[^@\s]+", person):
                yield document.make_problem(
                    ("spec", "teams", name, "people", index),
                    f"'{person}' is no e-mail address, and who works here is known by git's: only "
                    f"--author {quote_word(person)} would name them",
                    "write the address that they have there: git config user.email",
                    severity="warning",
                )


def _check_folder(
    folder: str, place: tuple[str | int, ...], document: Document, repository: Repository
) -> Iterator[Problem]:
    tree, path = repository.tree, repository.root / folder
    if tree.is_file(path):
        above = posixpath.dirname(posixpath.normpath(folder)) or "."
        told = f"'{folder}' is a file, and a team has folders"
        yield document.make_problem(place, told, f"did you mean '{above}'?")
    elif not tree.list_specs(path):
        files = map(repository.make_relative, repository.find_spec_files("Experiment").values())
        folders = {above for file in files for above in list_folders(file)}
        # A folder of which the first spec is in hand.
        if posixpath.normpath(folder) in folders:
            return
        near = find_nearest(folder, folders, 0.8)
        yield document.make_problem(
            place,
            f"there is no spec in '{folder}', so that it gives no run to the team",
            f"did you mean '{near}'?"
            if near
            else "put a spec there, or name a folder that has any",
            # Before a team's first spec is there, it is no mistake.
            severity="warning",
        )
