"""What is told where a spec that somebody means is not there, or is not what it should be."""

from collections.abc import Iterable
from dataclasses import replace

from vtspec.adapters.shell_command import quote_word
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import suggest_fix


def make_missing_problem(what: str, name: str, names: Iterable[str], folder: str) -> Problem:
    """That no `what` (dataset, spec) under `folder` has this name; `names` are those that do."""
    known = sorted(names)
    choices = f"use one of: {', '.join(known[:10])}"
    make = "vtspec datasets add FOLDER --name NAME" if what == "dataset" else "'vtspec init'"
    none = f"there is no {what} under {folder} yet: write one, or {make}"
    fix = suggest_fix(name, known, choices if known else none)
    return _make_placeless(folder, f"there is no {what} '{name}'", fix, name)


def make_homeless_problem(what: str, name: str, folder: str) -> Problem:
    """That a name is looked up in a folder that lies in no repository."""
    message = f"there is no {what} '{name}', and no repository: no vtspec.yaml or .git upwards"
    return _make_placeless(folder, message, "go into one, or make one: vtspec init", name)


def make_hidden_problem(file: str, name: str) -> Problem:
    """That the spec of this name lies in a hidden folder."""
    message = f"'{name}' lies in a hidden folder, where specs are not looked up by name"
    return make_problem(file, message, f"name the file: {quote_word(file)}", value=name)


def make_kind_problem(file: str, wanted: str) -> Problem:
    """That the file holds a spec of another kind."""
    message = f"is not of kind {wanted}"
    return make_problem(file, message, f"name a file of kind {wanted}", path="kind")


def make_no_file_problem(word: str, near: list[str]) -> Problem:
    """That there is no such file; `near` are those that there are."""
    fix = suggest_fix(word, near, "name a file that is there")
    return _make_placeless(word, "there is no such file", fix)


def _make_placeless(where: str, message: str, fix: str, value: object = None) -> Problem:
    # What is not there has no first line.
    return replace(make_problem(where, message, fix, value=value), line=0, column=0)


def make_problem(
    file: str, message: str, fix: str, *, path: str = "", value: object = None
) -> Problem:
    """A problem of a file as a whole."""
    return Problem(file=file, line=1, column=1, path=path, value=value, message=message, fix=fix)
