"""A draft as a spec: read, checked in the repository, and made into its kind's model."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.project.spec_index import FOLDERS
from vtspec.pipelines.validation import check_specs
from vtspec.schema.load import LoadedSpec, load
from vtspec.schema.problem import Problem

from .result import Data

if TYPE_CHECKING:
    from vtspec.schema.kinds.field_types import Part

_FILE: Final = "draft.yaml"
"""The file name that problems of a draft are told with."""


def load_draft(draft: Data) -> LoadedSpec:
    """The draft as it would be read from a file of its own."""
    # JSON is YAML, and means the same to it, save NaN, which YAML writes otherwise: that is
    # refused. A lone surrogate, which UTF-8 has no form for, becomes a question mark.
    text = json.dumps(draft, ensure_ascii=False, allow_nan=False)
    return load(text.encode("utf-8", "replace"), _FILE)


def find_problems(draft: Data, repository: Repository) -> list[Problem]:
    """Everything that is wrong with the draft, in the repository, warnings too.

    Its problems carry no useful line. That its name is taken is one of them.
    """
    try:
        loaded = load_draft(draft)
    except (TypeError, ValueError, RecursionError) as error:
        fix = "use texts, numbers, true, false, null, lists and mappings only"
        return [make_problem("", f"is not plain data: {error}", fix)]
    problems = [*loaded.problems, *check_specs([loaded], repository)]
    return [*problems, *_check_name(loaded, repository)]


def make_problem(path: str, message: str, fix: str, value: str | None = None) -> Problem:
    """A problem at a dotted path of a draft, which has no lines to tell."""
    return Problem(file=_FILE, line=1, column=1, path=path, value=value, message=message, fix=fix)


def build_spec(draft: Data) -> "Part":
    """The kind's model of a draft, which must have no problem."""
    model = load_draft(draft).model
    assert model is not None
    return model


def filter_errors(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that a complete draft must not have."""
    return [problem for problem in problems if problem.severity == "error"]


def _check_name(loaded: LoadedSpec, repository: Repository) -> list[Problem]:
    # `check_specs` has the draft in hand, and without a path its name is taken from no file: that
    # a file has it already is seen by whoever looks without the draft.
    other = repository.find_other_bearer(loaded) if loaded.kind in FOLDERS else None
    if other is None:
        return []
    message = f"'{loaded.name}' is already the name of {other}"
    return [loaded.document.make_problem(("metadata", "name"), message, "give another name")]
