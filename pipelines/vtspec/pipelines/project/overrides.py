"""`--set PATH=VALUE`: a spec with some values set from the command line, checked like the file."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.shell_command import format_command
from vtspec.schema.problem import Problem, SpecError

from .spec_problems import make_problem

if TYPE_CHECKING:
    from vtspec.schema.load import LoadedSpec


@dataclass(frozen=True, kw_only=True)
class Override:
    """One `--set`. `path` is dotted from the spec's root (`spec.training.epochs`)."""

    option: str
    path: str
    value: Any


def parse_overrides(options: Sequence[str]) -> tuple[Override, ...]:
    """The overrides of every `--set`, in order. Raises `SpecError` with every problem of all."""
    found: list[Override] = []
    problems: list[Problem] = []
    for words in options:
        try:
            found.append(parse_override(words))
        except SpecError as error:
            problems += error.problems
    problems += _find_contradictions(found)
    if problems:
        raise SpecError(problems)
    return tuple(found)


def _find_contradictions(overrides: Sequence[Override]) -> Iterator[Problem]:
    """Values that a later one would take the place of: a file has no key twice, nor has this."""
    for index, later in enumerate(overrides):
        for earlier in overrides[:index]:
            below = later.path.removeprefix(f"{earlier.path}.")
            if later.path == earlier.path:
                is_lost = later.value != earlier.value
            elif below != later.path:
                is_lost = _has_value(earlier.value, below.split("."))
            else:
                is_lost = earlier.path.startswith(f"{later.path}.")
            if is_lost:
                message = f"takes the place of {format_command(*earlier.option.split(' ', 1))}"
                yield make_problem(later.option, message, "leave one of them out", path=later.path)


def _has_value(value: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def parse_override(words: str) -> Override:
    """The override that a person typed after `--set`.

    The value is read as a YAML 1.2 value, as in a file: `1e-3` is a number, `no` a word,
    `[224, 224]` a list; but '#' begins no comment. A path begins below `spec` unless it says
    otherwise. Raises `SpecError`.
    """
    from vtspec.schema.yaml_source.document import parse_document

    option = f"--set {words}"
    path, equals, text = words.partition("=")
    path = path.strip()
    if not equals or not path or not all(path.split(".")):
        raise SpecError(
            [make_problem(option, "is not PATH=VALUE", "--set training.epochs=10", path=path)]
        )
    if path.split(".")[0] not in ("spec", "metadata", "apiVersion", "kind"):
        path = f"spec.{path}"
    # As in a file, where a key without a value is null.
    if not text.strip():
        return Override(option=option, path=path, value=None)
    # Marks between documents, which an option has no use for: YAML would drop what they mark.
    if text.lstrip().startswith(("---", "...")):
        return Override(option=option, path=path, value=text)
    document = parse_document(text.replace("#", _HASH), option)
    if document.problems:
        raise SpecError(
            [
                replace(one, path=path, message=_unhide(one.message), fix=_unhide(one.fix))
                for one in document.problems
            ]
        )
    return Override(option=option, path=path, value=_unhide(document.data))


_HASH: Final = "\ue000"
"""In place of '#' while a value is read: nobody comments an option, and `issue #12` is a text."""


def _unhide(value: Any) -> Any:
    match value:
        case str():
            return value.replace(_HASH, "#")
        case list():
            return [_unhide(item) for item in value]
        case dict():
            return {_unhide(key): _unhide(item) for key, item in value.items()}
        case _:
            return value


def apply_overrides(loaded: "LoadedSpec", overrides: Sequence[Override]) -> "LoadedSpec":
    """The spec with the values set, checked anew. `loaded` must be free of errors.

    Raises `SpecError` with every problem that the new values cause, each naming its option.
    """
    from vtspec.schema.load import load

    if not overrides:
        return loaded
    data: Any = copy.deepcopy(loaded.document.data)
    for override in overrides:
        _set_value(data, override)
    # JSON is YAML, so that the new values pass through every rule that the file's passed.
    changed = load(json.dumps(data, ensure_ascii=False), loaded.document.file)
    problems = [_attribute_new_problem(problem, overrides) for problem in changed.problems]
    if any(problem.severity == "error" for problem in problems):
        raise SpecError(problems)
    # What else is found wrong is told where it stands in the file.
    document = replace(changed.document, text=loaded.document.text)
    return replace(changed, document=document)


def attribute_problem(problem: Problem, overrides: Sequence[Override]) -> Problem:
    """The problem, told of the option that caused it where one did."""
    causes = [one for one in overrides if _concerns(one.path, problem.path)]
    if not causes:
        return problem
    # The last one, as of several that concern a section it is the most likely to be the cause.
    return replace(problem, file=causes[-1].option, line=0, column=0)


def _attribute_new_problem(problem: Problem, overrides: Sequence[Override]) -> Problem:
    told = attribute_problem(problem, overrides)
    if told is not problem or len(overrides) != 1:
        return told
    # The file was sound before: whatever is wrong now, the only option made it so.
    return replace(problem, file=overrides[0].option, line=0, column=0)


def _concerns(path: str, problem: str) -> bool:
    # A rule between fields is told at the section that holds them, above what was set.
    inside = problem == path or problem.startswith((f"{path}.", f"{path}["))
    return inside or path.startswith(f"{problem}.")


def _set_value(data: Any, override: Override) -> None:
    *above, last = override.path.split(".")
    place = data
    for depth, key in enumerate(above):
        if place.get(key) is None:
            place[key] = {}
        place = place[key]
        if not isinstance(place, dict):
            path = ".".join(above[: depth + 1])
            message, fix = f"'{path}' holds a value, not fields", f"--set {path}=VALUE"
            raise SpecError([make_problem(override.option, message, fix, path=path)])
    place[last] = override.value


def map_spec_paths(overrides: Sequence[Override]) -> Mapping[str, Any]:
    """Map the path below `spec` to its value, for showing which values were set."""
    return {one.path.removeprefix("spec."): one.value for one in overrides}
