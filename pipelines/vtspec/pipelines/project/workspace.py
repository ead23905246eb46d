"""A repository as vtspec sees it: its `vtspec.yaml`, its specs by name, its runs folder."""

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from vtspec.schema.problem import Problem, SpecError

from .spec_index import SUFFIXES, SpecFile, index_by_name, list_spec_files

if TYPE_CHECKING:
    from vtspec.schema.kinds.dataset import Dataset
    from vtspec.schema.kinds.experiment import Experiment
    from vtspec.schema.kinds.project import Project
    from vtspec.schema.load import LoadedSpec

PROJECT_FILE: Final = "vtspec.yaml"

Anchor = Literal["vtspec.yaml", "git", "start"]
"""What made a folder the root: its `vtspec.yaml`, its `.git`, or that a command ran there."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A repository's root and its configuration.

    `config` is its `vtspec.yaml`, None where there is none. `anchor` says how the root was found,
    `here` is the folder that file names are shown relative to. Names are read once and kept; a
    process that outlives an edit looks anew with `find_workspace`.
    """

    root: Path
    config: "LoadedSpec | None"
    anchor: Anchor
    here: Path

    @cached_property
    def project(self) -> "Project":
        """The configuration; every default where there is no `vtspec.yaml`."""
        from vtspec.schema.kinds.project import Project

        model = _make_default_project() if self.config is None else self.config.model
        assert isinstance(model, Project)
        return model

    @property
    def runs(self) -> Path:
        """The folder of the runs; it may not exist yet."""
        return self.root / self._get_folder("runs")

    @property
    def specs(self) -> Path:
        """The folder of the specs; it may not exist."""
        return self.root / self._get_folder("specs")

    def find_dataset_files(self) -> Mapping[str, Path]:
        """File of each Dataset by name, in order of path."""
        return {name: file.path for name, file in index_by_name(self._datasets).items()}

    def find_experiment_files(self) -> Mapping[str, Path]:
        """File of each Experiment by name, in order of path."""
        return {name: file.path for name, file in index_by_name(self._experiments).items()}

    def find_problems(self) -> tuple[Problem, ...]:
        """Names that two files of one kind claim: one problem for each file after the first."""
        return (*self._find_duplicates(self._datasets), *self._find_duplicates(self._experiments))

    def load_dataset(self, name: str) -> "Dataset":
        """The Dataset of that name. Raises `SpecError` where there is none, two, or a bad one."""
        from vtspec.schema.kinds.dataset import Dataset

        self._refuse_duplicate(self._datasets, name)
        path = self.find_dataset_files().get(name)
        if path is None:
            raise SpecError(
                [
                    self._make_missing_problem(
                        "dataset", name, self.find_dataset_files(), self.specs
                    )
                ]
            )
        model = self.load(path).model
        if not isinstance(model, Dataset):
            raise SpecError([self._make_kind_problem(path, "Dataset")])
        return model

    def load_experiment(self, name_or_path: str | Path) -> "Experiment":
        """The Experiment of that name or in that file; `SpecError` as for `load_dataset`."""
        from vtspec.schema.kinds.experiment import Experiment

        path = self.find_spec(name_or_path)
        model = self.load(path).model
        if not isinstance(model, Experiment):
            raise SpecError([self._make_kind_problem(path, "Experiment")])
        return model

    def load(self, path: Path) -> "LoadedSpec":
        """The spec in `path`, checked by itself. Raises `SpecError` with every error in it."""
        from vtspec.schema.load import load

        loaded = load(self.read(path), self.format_path(path))
        errors = [problem for problem in loaded.problems if problem.severity == "error"]
        if errors:
            raise SpecError(errors)
        return loaded

    def read(self, path: Path) -> bytes:
        """The bytes of a file. Raises `SpecError` where it cannot be read."""
        try:
            return path.read_bytes()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise SpecError(
                [
                    _make_problem(
                        self.format_path(path),
                        f"cannot be read: {why}",
                        "name a file that is there",
                    )
                ]
            ) from error

    def find_spec(self, word: str | Path) -> Path:
        """The file that a person means by a path or by a bare experiment or dataset name.

        A path is taken from `here`. Raises `SpecError`, with a "did you mean", where nothing fits.
        """
        path = self.here / word
        if path.is_file():
            return path
        if isinstance(word, Path) or _looks_like_path(word):
            near = [
                str(self.format_path(file.path)) for file in self._experiments + self._datasets
            ]
            raise SpecError([_make_no_file_problem(str(word), near)])
        self._refuse_duplicate(self._experiments, word)
        names = {**self.find_dataset_files(), **self.find_experiment_files()}
        if word not in names:
            raise SpecError([self._make_missing_problem("spec", word, names, self.specs)])
        return names[word]

    def format_path(self, path: Path) -> str:
        """`path` as a person who stands in `here` would type it."""
        if not path.is_absolute():
            return path.as_posix()
        if path.is_relative_to(self.here):
            return path.relative_to(self.here).as_posix()
        if path.is_relative_to(self.root) and self.here.is_relative_to(self.root):
            return Path(os.path.relpath(path, self.here)).as_posix()
        return path.as_posix()

    def make_relative(self, path: Path) -> str:
        """`path` from the root, with forward slashes; a file elsewhere keeps only its name.

        It goes into plans, where no absolute path may stand.
        """
        whole = (self.here / path).resolve()
        root = self.root.resolve()
        return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else whole.name

    def _get_folder(self, name: str) -> str:
        # From the plain data: building the model costs more than most commands need. The names
        # are their own defaults.
        spec = {} if self.config is None else self.config.document.data["spec"]
        return str(spec.get(name, name))

    @cached_property
    def _datasets(self) -> list[SpecFile]:
        return _filter_kind(list_spec_files(self.specs / "datasets"), "Dataset")

    @cached_property
    def _experiments(self) -> list[SpecFile]:
        return _filter_kind(list_spec_files(self.specs / "experiments"), "Experiment")

    def _find_duplicates(self, files: Iterable[SpecFile]) -> list[Problem]:
        first: dict[str, SpecFile] = {}
        found = []
        for file in files:
            earlier = first.setdefault(file.name, file)
            if earlier is not file:
                found.append(
                    Problem(
                        file=self.format_path(file.path),
                        line=file.line,
                        column=file.column,
                        path="metadata.name",
                        value=file.name,
                        message=f"'{file.name}' is already the name of "
                        f"{self.format_path(earlier.path)}",
                        fix="give one of the two another name",
                    )
                )
        return found

    def _refuse_duplicate(self, files: Iterable[SpecFile], name: str) -> None:
        doubles = [problem for problem in self._find_duplicates(files) if problem.value == name]
        if doubles:
            raise SpecError(doubles)

    def _make_missing_problem(
        self, what: str, name: str, names: Iterable[str], where: Path
    ) -> Problem:
        known = sorted(names)
        close = difflib.get_close_matches(name, known, n=1)
        if close:
            fix = f"did you mean '{close[0]}'?"
        elif known:
            fix = f"use one of: {', '.join(known[:10])}"
        else:
            folder = self.format_path(where)
            fix = f"there is no spec under {folder} yet: write one, or 'vtspec init'"
        return _make_problem(
            self.format_path(where), f"there is no {what} '{name}'", fix, value=name
        )

    def _make_kind_problem(self, path: Path, wanted: str) -> Problem:
        message = f"is not of kind {wanted}"
        return _make_problem(
            self.format_path(path), message, f"name a file of kind {wanted}", path="kind"
        )


def find_workspace(start: Path) -> Workspace:
    """The workspace that `start` (a folder, or a file in it) lies in.

    The root is the nearest folder upwards with a `vtspec.yaml`, not beyond the git repository;
    without one it is the git repository's root, and outside git it is `start`; the
    configuration is then every default. Raises `SpecError` where `vtspec.yaml` is wrong.
    """
    here = start.absolute()
    here = here if here.is_dir() else here.parent
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file():
            return _load_workspace(folder, here, "vtspec.yaml")
        if (folder / ".git").exists():
            return _load_workspace(folder, here, "git")
    return _load_workspace(here, here, "start")


def open_spec(word: str, here: Path) -> tuple[Workspace, Path]:
    """The file that a person in the folder `here` means by `word`, and the workspace it is in.

    A path decides the workspace by where the file lies, so that a spec of another repository is
    read with that repository's own configuration. Raises `SpecError` as `find_spec` does.
    """
    path = here / word
    if path.is_file():
        found = find_workspace(path)
        workspace = Workspace(
            root=found.root, config=found.config, anchor=found.anchor, here=here.absolute()
        )
        return workspace, path.absolute()
    workspace = find_workspace(here)
    return workspace, workspace.find_spec(word)


def _load_workspace(root: Path, here: Path, anchor: Anchor) -> Workspace:
    bare = Workspace(root=root, config=None, anchor=anchor, here=here)
    if anchor != "vtspec.yaml":
        return bare
    loaded = bare.load(root / PROJECT_FILE)
    if loaded.kind != "Project":
        raise SpecError([bare._make_kind_problem(root / PROJECT_FILE, "Project")])
    return Workspace(root=root, config=loaded, anchor=anchor, here=here)


def _make_default_project() -> "Project":
    from vtspec.schema.kinds.field_types import API_VERSION, Metadata
    from vtspec.schema.kinds.project import Project, ProjectSpec

    return Project(
        api_version=API_VERSION,
        kind="Project",
        metadata=Metadata(name="project"),
        spec=ProjectSpec(),
    )


def _filter_kind(files: Iterable[SpecFile], kind: str) -> list[SpecFile]:
    # A file that does not say its kind is kept, so that loading it tells what is wrong with it.
    return [file for file in files if file.kind in (kind, None)]


def _looks_like_path(word: str) -> bool:
    return "/" in word or word.endswith(SUFFIXES)


def _make_no_file_problem(word: str, near: list[str]) -> Problem:
    close = difflib.get_close_matches(word, near, n=1)
    fix = f"did you mean '{close[0]}'?" if close else "name a file that is there"
    return _make_problem(word, "there is no such file", fix)


def _make_problem(
    file: str, message: str, fix: str, *, path: str = "", value: object = None
) -> Problem:
    return Problem(file=file, line=1, column=1, path=path, value=value, message=message, fix=fix)
