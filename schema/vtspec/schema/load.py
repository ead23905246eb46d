"""A spec file into a model, or into every problem that is in it at once."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from vtspec.schema.json_schema.fast_check import load_validator
from vtspec.schema.kinds.index import KINDS, get_model_class, guess_kind
from vtspec.schema.kinds.rules import DECIDED, iter_violations
from vtspec.schema.yaml_source.document import Document, Path, parse_document

from .files import read_file
from .problem import Problem
from .suggestions import suggest_fix

if TYPE_CHECKING:
    from pydantic import ValidationError

    from vtspec.schema.kinds.field_types import Part

MOST_PROBLEMS: Final = 100
"""Problems that one file is told at once; a file with more is something else than a spec."""


@dataclass(frozen=True, kw_only=True)
class LoadedSpec:
    """What a file says: its kind, as far as it can be told, and what is wrong with it."""

    document: Document
    kind: str | None
    problems: tuple[Problem, ...]

    @cached_property
    def model(self) -> "Part | None":
        """The spec as its kind's model, built when it is first asked for; None where something
        stands in `problems`."""
        if self.kind is None or self.problems:
            return None
        return get_model_class(self.kind).model_validate(
            self.document.data, by_alias=True, by_name=False, context=DECIDED
        )

    @property
    def file(self) -> str:
        """The name that problems carry."""
        return self.document.file

    @property
    def name(self) -> str | None:
        """`metadata.name`, also where the rest of the spec is wrong."""
        metadata = self.document.data.get("metadata") if self.kind else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else None


def load(source: bytes | str, file: str) -> LoadedSpec:
    """The spec in `source`; never raises for anything that it holds.

    The problems are those of the file alone, in the order of its lines, at most `MOST_PROBLEMS`
    of them. `file` is the name that they carry.
    """
    document = parse_document(source, file)
    if document.broken:
        return LoadedSpec(document=document, kind=None, problems=document.problems)
    kind, found = _check_document(document)
    # One more than is shown, so that `_sort_problems` can tell that there are more.
    problems = (*document.problems, *islice(found, MOST_PROBLEMS + 1))
    return LoadedSpec(document=document, kind=kind, problems=_sort_problems(document, problems))


def load_file(path: str | os.PathLike[str], file: str | None = None) -> LoadedSpec:
    """The spec in a file; a file that cannot be read is a problem too. `file` is what is shown."""
    name = os.fspath(path) if file is None else file
    source = read_file(os.fspath(path), name)
    if isinstance(source, Problem):
        return make_unread_spec(source)
    return load(source, name)


def make_unread_spec(problem: Problem) -> LoadedSpec:
    """What is known of a file that could not be read."""
    document = Document(file=problem.file, text="", data=None, problems=(problem,), broken=True)
    return LoadedSpec(document=document, kind=None, problems=(problem,))


def _check_document(document: Document) -> tuple[str | None, Iterator[Problem]]:
    """The kind, and what is wrong by its shape and by its rules."""
    if () in document.unknown:
        return None, iter(())
    data = document.data
    if not isinstance(data, dict):
        return None, iter((_make_mapping_problem(document),))
    kind = guess_kind(data)
    if kind is None:
        return None, iter((_make_kind_problem(document),))
    return kind, chain(_iter_shape_problems(document, kind), _iter_rule_problems(document, kind))


def _iter_shape_problems(document: Document, kind: str) -> Iterator[Problem]:
    if load_validator(kind)(document.data):
        return
    from pydantic import ValidationError

    try:
        get_model_class(kind).model_validate(
            document.data, by_alias=True, by_name=False, context=DECIDED
        )
    except ValidationError as error:
        yield from _iter_model_problems(document, kind, error)


def _iter_rule_problems(document: Document, kind: str) -> Iterator[Problem]:
    if document.unknown:
        # A rule would take the value that was refused for one that is not there.
        return
    for broken in iter_violations(kind, document.data):
        yield document.make_problem(broken.path, broken.message, broken.fix, at_key=broken.at_key)


def _iter_model_problems(
    document: Document, kind: str, error: "ValidationError"
) -> Iterator[Problem]:
    from .error_messages import describe_fault
    from .pydantic_errors import collect_faults

    for fault in collect_faults(kind, document.data, error.errors(include_url=False)):
        if _is_unknown(document, fault.path):
            continue
        words = describe_fault(fault)
        yield document.make_problem(fault.path, words.message, words.fix, at_key=words.at_key)


def _is_unknown(document: Document, path: Path) -> bool:
    return any(path[:length] in document.unknown for length in range(len(path) + 1))


def _sort_problems(document: Document, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """By line and column; of too many the first, and one that says so."""
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    if len(ordered) <= MOST_PROBLEMS:
        return tuple(ordered)
    more = document.make_problem((), "has more problems than are shown", "mend these first")
    return (*ordered[:MOST_PROBLEMS], more)


def _make_mapping_problem(document: Document) -> Problem:
    said = "is empty" if document.data is None else "must be a mapping"
    message = f"{said}; a spec has apiVersion, kind, metadata and spec"
    return document.make_problem((), message, "start with 'apiVersion: vtspec.dev/v1alpha1'")


def _make_kind_problem(document: Document) -> Problem:
    kind = document.data.get("kind")
    if kind is None:
        message = "is no spec: it has no kind"
        return document.make_problem((), message, f"add 'kind: Experiment' ({', '.join(KINDS)})")
    from .error_messages import format_value

    return document.make_problem(
        ("kind",), f"there is no kind {format_value(kind)}", suggest_fix(kind, KINDS)
    )
