"""The specs that a command is given, and every problem that is in them."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from vtspec.schema.problem import Problem, SpecError

if TYPE_CHECKING:
    from vtspec.pipelines.project.repository import Repository
    from vtspec.schema.load import LoadedSpec

STDIN: Final = "<stdin>"


@dataclass(frozen=True, kw_only=True)
class SpecInput:
    """One spec, and the real path of its file, None for standard input and what is no file.

    `unread` says that there was nothing to read: an empty folder, one that may not be searched.
    """

    loaded: "LoadedSpec"
    real: str | None
    unread: bool = False


def list_spec_paths(here: Path) -> list[str]:
    """What is checked where nothing is named: the repository's `vtspec.yaml` and its specs.

    Raises `SpecError` where there are none, or the `vtspec.yaml` is wrong.
    """
    from vtspec.pipelines.project.repository import PROJECT_FILE, find_repository
    from vtspec.pipelines.project.spec_problems import make_problem

    repository = find_repository(here)
    project, specs = repository.root / PROJECT_FILE, repository.specs
    found = [*([project] if repository.config else []), *([specs] if specs.is_dir() else [])]
    if not found:
        shown = repository.format_path(specs)
        raise SpecError([make_problem(shown, "there are no specs here", "vtspec validate PATH")])
    return [repository.format_path(path) for path in found]


def load_specs(words: Sequence[str], stdin: IO[bytes]) -> list[SpecInput]:
    """The specs in the files and folders that `words` name, each once; `-` is `stdin`."""
    from vtspec.schema.files import iter_spec_files
    from vtspec.schema.load import load_file, make_unread_spec

    found: list[SpecInput] = []
    # Once, however often it is named: a pipe is empty after the first reading.
    if "-" in words:
        found.append(SpecInput(loaded=_load_stdin(stdin), real=None))
    for file in iter_spec_files(word for word in words if word != "-"):
        if isinstance(file, Problem):
            found.append(SpecInput(loaded=make_unread_spec(file), real=None, unread=True))
        else:
            found.append(SpecInput(loaded=load_file(file.path), real=file.real))
    return found


def _load_stdin(stdin: IO[bytes]) -> "LoadedSpec":
    from vtspec.pipelines.project.spec_problems import make_problem
    from vtspec.schema.load import load, make_unread_spec
    from vtspec.schema.yaml_source.decoding import LONGEST

    try:
        # A byte more than a spec may have shows that it is too long; a stream may never end.
        return load(stdin.read(LONGEST + 1), STDIN)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        fix = "pipe a spec in: … | vtspec validate -"
        return make_unread_spec(make_problem(STDIN, f"cannot be read: {why}", fix))


def find_problems(specs: Sequence[SpecInput], here: Path) -> list[Problem]:
    """Every problem in the specs, in their order and each one's by line.

    A spec is checked in the repository that its file lies in; one that lies in none (standard
    input, a folder by itself) in the repository of the folder `here`.
    """
    problems = [problem for spec in specs for problem in _find_own_problems(spec.loaded)]
    for repository, members in _group_by_repository(specs, here):
        if isinstance(repository, SpecError):
            # A vtspec.yaml that is wrong; where it was named itself, this is told already.
            known = {(os.path.realpath(one.file), one.line, one.column) for one in problems}
            problems += [one for one in repository.problems if _get_location(one) not in known]
            continue
        problems += _check_specs(repository, members)
    # What is wrong in a vtspec.yaml that nobody named comes after what was named.
    order = {spec.loaded.file: index for index, spec in enumerate(specs)}
    return sorted(
        problems, key=lambda one: (order.get(one.file, len(order)), one.line, one.column)
    )


def _find_own_problems(loaded: "LoadedSpec") -> Sequence[Problem]:
    if loaded.kind != "Experiment" or not loaded.problems:
        return loaded.problems
    from vtspec.pipelines.validation import Catalogs, point_to_params

    catalogs = Catalogs()
    return [point_to_params(problem, catalogs) for problem in loaded.problems]


def _check_specs(repository: "Repository", specs: Sequence[SpecInput]) -> list[Problem]:
    from vtspec.pipelines.validation import check_specs, check_teams

    loaded = [spec.loaded for spec in specs]
    paths = {spec.loaded.file: spec.real for spec in specs if spec.real is not None}
    found = check_specs(loaded, repository, paths)
    seen = repository.with_specs(loaded, paths)
    config = next((spec for spec in loaded if spec.kind == "Project"), None)
    if config is None and repository.limits_teams:
        config = repository.config
    teams = () if config is None else check_teams(config.document, seen)
    return [*found, *teams, *_find_named_problems(loaded, seen)]


def _find_named_problems(
    loaded: "Sequence[LoadedSpec]", repository: "Repository"
) -> Iterator[Problem]:
    """What is wrong in the files of specs that these name and that were not given themselves."""
    from vtspec.schema.load import load_file

    given = {os.path.realpath(repository.here / spec.file) for spec in loaded}
    for kind, name in dict.fromkeys(pair for spec in loaded for pair in _list_named(spec)):
        path = repository.find_spec_files(kind).get(name)
        if path is not None and os.path.realpath(path) not in given:
            problems = load_file(path, repository.format_path(path)).problems
            yield from (one for one in problems if one.severity == "error")


def _list_named(spec: "LoadedSpec") -> Iterator[tuple[str, str]]:
    """Kind and name of every other spec that an experiment names."""
    if spec.kind != "Experiment":
        return
    for kind, path in (("Dataset", ("dataset", "ref")), ("Experiment", ("report", "baseline"))):
        value: Any = spec.document.data.get("spec")
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            yield kind, value


def _get_location(problem: Problem) -> tuple[str, int, int]:
    return os.path.realpath(problem.file), problem.line, problem.column


def _group_by_repository(
    specs: Iterable[SpecInput], here: Path
) -> "Iterator[tuple[Repository | SpecError, list[SpecInput]]]":
    """The specs grouped by the repository they lie in; where that is wrong, what is wrong."""
    # By folder first: for specs that lie together the way up to the root is walked once.
    folders: dict[str, list[SpecInput]] = {}
    for spec in specs:
        folder = str(here) if spec.real is None else os.path.dirname(spec.real)
        folders.setdefault(folder, []).append(spec)
    repositories: dict[Path, Repository] = {}
    members: dict[Path, list[SpecInput]] = {}
    for folder, group in folders.items():
        repository = _find_repository(Path(folder), here)
        if isinstance(repository, SpecError):
            yield repository, group
            continue
        repositories.setdefault(repository.root, repository)
        members.setdefault(repository.root, []).extend(group)
    yield from ((repositories[root], group) for root, group in members.items())


def _find_repository(folder: Path, here: Path) -> "Repository | SpecError":
    from vtspec.pipelines.project.repository import find_repository

    try:
        found = find_repository(folder)
        # Files are shown as a person would type them who stands in `here`.
        return find_repository(here) if found.anchor == "start" else replace(found, here=here)
    except SpecError as error:
        return SpecError([_relocate_problem(here, folder, problem) for problem in error.problems])


def _relocate_problem(here: Path, folder: Path, problem: Problem) -> Problem:
    """The problem with its file, which is told from `folder`, as it is seen from `here`."""
    return replace(problem, file=os.path.relpath(folder / problem.file, here))
