"""A repository as vtspec sees it: its configuration, its specs by name, where its runs lie.

One view for all: specs are validated, planned and drafted in it. It shows the working tree or a
commit, and may hold specs that are not saved. Each file is read once, when it is asked for.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from vtspec.adapters.shell_command import quote_word
from vtspec.pipelines.cache_folder import find_store, get_mirror_folder, is_store
from vtspec.pipelines.errors import Refused
from vtspec.schema.files import SUFFIXES
from vtspec.schema.problem import Problem, SpecError

from .dataset_facts import DatasetFacts, extract_dataset, find_other_image
from .git_command import find_user_email
from .source_tree import WORKING_TREE, SourceTree, WorkingTree
from .spec_index import FOLDERS, SpecFile, SpecIndex
from .spec_lookup import SpecLookup
from .spec_problems import (
    make_hidden_problem,
    make_homeless_problem,
    make_kind_problem,
    make_missing_problem,
    make_no_file_problem,
    make_problem,
)

if TYPE_CHECKING:
    from vtspec.schema.kinds.dataset import Dataset
    from vtspec.schema.kinds.experiment import Experiment
    from vtspec.schema.kinds.project import Project
    from vtspec.schema.load import LoadedSpec

PROJECT_FILE: Final = "vtspec.yaml"

Anchor = Literal["vtspec.yaml", "git", "start"]
"""What made a folder the root: its `vtspec.yaml`, its `.git`, or that a command ran there."""

SpecData: TypeAlias = Mapping[str, Any]
"""A spec as the plain data that its file holds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Repository:
    """A repository's root, its configuration and its specs.

    `config` is its `vtspec.yaml`, None where there is none. `anchor` says how the root was found,
    `here` is the folder that file names are shown relative to. `given` are specs in hand, each
    with the path that its file has or will have (None where it has none): they go before what is
    on file. `runs_folder` is where the runs lie if not where `vtspec.yaml` says; `asked_by` is who
    asks, if not who works here. Names are read once and kept; a process that outlives an edit
    looks anew with `find_repository`.
    """

    root: Path
    config: "LoadedSpec | None"
    anchor: Anchor
    here: Path
    index: SpecIndex
    given: "tuple[tuple[LoadedSpec, str | None], ...]" = ()
    runs_folder: Path | None = None
    asked_by: str | None = None

    def with_specs(
        self, specs: "Sequence[LoadedSpec]", paths: Mapping[str, str] | None = None
    ) -> "Repository":
        """The repository with these specs in it, saved or not, before its own files.

        `paths` maps the file names that they carry to resolved paths. One without a path is met
        by its name, and takes that from no file. Specs that were in hand before stay so, save
        earlier versions of these.
        """
        fresh = [(spec, (paths or {}).get(spec.file)) for spec in specs]
        known = {spec.file for spec in specs}
        kept = [(spec, path) for spec, path in self.given if spec.file not in known]
        return replace(self, given=(*fresh, *kept))

    def with_tree(self, tree: SourceTree) -> "Repository":
        """The specs as another tree has them, under this one's own `vtspec.yaml`."""
        return replace(self, index=SpecIndex(tree, self.specs), given=())

    def with_runs(self, folder: Path | None) -> "Repository":
        """The repository with its runs in another folder; None leaves them where they are.

        Raises `Refused` for a folder that `vtspec.yaml` could not name for them either.
        """
        if folder is None:
            return self
        if find_store(folder) is not None:
            return replace(self, runs_folder=folder)
        from vtspec.schema.kinds.rules import find_runs_fault

        whole, root = (Path(self.tree.resolve(one)) for one in (self.here / folder, self.root))
        below = whole.relative_to(root) if whole.is_relative_to(root) else whole
        fault = find_runs_fault(below.as_posix(), os.path.relpath(self.specs, self.root))
        if fault is not None:
            raise Refused(f"--runs {quote_word(str(folder))} {fault}", fix="--runs runs")
        return replace(self, runs_folder=folder)

    def with_author(self, author: str | None) -> "Repository":
        """The repository as that person asks for it; None leaves it to git who works here."""
        return self if author is None else replace(self, asked_by=author)

    @cached_property
    def author(self) -> str | None:
        """Who asks, as `teams` has them: by git's e-mail address where nobody said so."""
        return self.asked_by or find_user_email(self.root, os.environ)

    @cached_property
    def project(self) -> "Project":
        """The configuration; every default where there is no `vtspec.yaml`."""
        from vtspec.schema.kinds.project import Project

        model = _make_default_project() if self.config is None else self.config.model
        assert isinstance(model, Project)
        return model

    @cached_property
    def gpu_types(self) -> tuple[str, ...]:
        """The names of the GPU types that `vtspec.yaml` has, in its order."""
        # From the plain data: the project's model is dearer than all else that a draft asks for.
        spec = {} if self.config is None else self.config.document.data.get("spec") or {}
        return tuple(spec.get("gpuTypes") or ())

    @cached_property
    def limits_teams(self) -> bool:
        """Whether any team of `vtspec.yaml` has limits."""
        spec = {} if self.config is None else self.config.document.data.get("spec") or {}
        return any((team or {}).get("limits") for team in (spec.get("teams") or {}).values())

    @property
    def tree(self) -> SourceTree:
        """Where the files are read from."""
        return self.index.tree

    @property
    def runs(self) -> Path:
        """The folder of the runs, on disk, which may not exist yet; of a store its mirror."""
        if self.runs_folder is not None:
            return self.runs_folder
        place = _get_folder(self.config, "runs")
        if is_store(place):
            return get_mirror_folder(place, os.environ)
        return self.root / place

    @property
    def specs(self) -> Path:
        """The folder of the specs; it may not exist."""
        return self.index.folder

    @cached_property
    def datasets(self) -> Mapping[str, DatasetFacts | None]:
        """The datasets by name, read when they are asked for; None for one that is not sound."""
        return SpecLookup(self._bearers["Dataset"], self._load_bearer, extract_dataset)

    @cached_property
    def sound_datasets(self) -> Mapping[str, DatasetFacts]:
        """The datasets that can be used, by name, in order of path."""
        return {name: facts for name, facts in self.datasets.items() if facts is not None}

    @cached_property
    def unsound_datasets(self) -> Mapping[str, str]:
        """The datasets whose files have errors; name to the file, as it is shown."""
        files = self.find_spec_files("Dataset")
        unsound = (name for name, facts in self.datasets.items() if facts is None)
        return {name: self.format_path(files[name]) for name in unsound if name in files}

    @cached_property
    def experiments(self) -> Mapping[str, SpecData | None]:
        """The experiments by name, as plain data as they are written; None for an unsound one."""
        names = self._bearers["Experiment"]
        return SpecLookup(names, self._load_bearer, lambda spec: spec.document.data)

    @cached_property
    def sound_experiments(self) -> Mapping[str, SpecData]:
        """The experiments without errors, by name, in order of path."""
        return {name: data for name, data in self.experiments.items() if data is not None}

    def find_spec_files(self, kind: str) -> Mapping[str, Path]:
        """File of each spec of a kind, sound or not, by name, in order of path."""
        named = [
            (file.path, name)
            for name, files in self._bearers[kind].items()
            for file in files
            if file.path is not None
        ]
        found: dict[str, Path] = {}
        for path, name in sorted(named):
            found.setdefault(name, path)
        return found

    def find_claims(self, kind: str, name: str) -> Sequence[SpecFile]:
        """Who bears a name: the specs in hand in their order, then the files by path.

        A name that nobody bears is free; of several bearers the first has it.
        """
        return self._bearers.get(kind, {}).get(name, ())

    def find_other_bearer(self, spec: "LoadedSpec") -> str | None:
        """The file of another spec that had the name of `spec` first; None where it is free."""
        if spec.kind is None or spec.name is None:
            return None
        first, *others = self.find_claims(spec.kind, spec.name) or (None,)
        if first is None or first.given is not spec:
            return None if first is None else self._show_file(first)
        # What is read from elsewhere is no part of the repository: it only looks at its names.
        if first.path is None or not str(first.path).startswith(self._specs_prefix):
            return None
        return next((self._show_file(one) for one in others if one.given is None), None)

    def get_spec_path(self, kind: str, name: str) -> Path:
        """Where the file of a new spec naturally lies."""
        return self.specs / FOLDERS[kind] / f"{name}.yaml"

    def find_other_image(self, dataset: DatasetFacts, kinds: Sequence[str]) -> str | None:
        """An image of a dataset whose file is of none of these kinds, shown as a person would name
        it; None where there is none, its data is not here, or a commit is looked at."""
        if dataset.path is None or not isinstance(self.tree, WorkingTree):
            return None
        found = find_other_image(self.root / dataset.path, kinds)
        return None if found is None else self.format_path(found)

    def load_dataset(self, name: str) -> "Dataset":
        """The Dataset of that name. Raises `SpecError` where there is none, two, or a bad one."""
        from vtspec.schema.kinds.dataset import Dataset

        loaded = self.load_dataset_file(name)
        model = loaded.model
        if not isinstance(model, Dataset):
            raise SpecError([make_kind_problem(loaded.file, "Dataset")])
        return model

    def load_dataset_file(self, name: str) -> "LoadedSpec":
        """The file of the Dataset of that name; `SpecError` as for `load_dataset`."""
        self._refuse_duplicate("Dataset", name)
        files = self.find_spec_files("Dataset")
        if name not in files:
            raise SpecError([self._make_missing_problem("dataset", name, files)])
        return self.load(files[name])

    def load_experiment(self, name_or_path: str | Path) -> "Experiment":
        """The Experiment of that name or in that file; `SpecError` as for `load_dataset`."""
        from vtspec.schema.kinds.experiment import Experiment

        loaded = self.load(self.find_spec(name_or_path))
        if not isinstance(loaded.model, Experiment):
            raise SpecError([make_kind_problem(loaded.file, "Experiment")])
        return loaded.model

    def load(self, path: Path) -> "LoadedSpec":
        """The spec in `path`, checked by itself. Raises `SpecError` with every error in it."""
        loaded = self.read(path)
        errors = [problem for problem in loaded.problems if problem.severity == "error"]
        if errors:
            raise SpecError(errors)
        return loaded

    def read(self, path: Path) -> "LoadedSpec":
        """As `load`, with the errors in what is returned; `SpecError` for no file at all."""
        return self._find_given(path) or _load_file(self.tree, path, self.format_path(path))

    def find_spec(self, word: str | Path) -> Path:
        """The file that a person means by a path or by a bare experiment or dataset name.

        A path is taken from `here`. Raises `SpecError`, with a "did you mean", where nothing fits.
        """
        path = self.here / word
        if self.tree.is_file(path):
            return path
        datasets, experiments = map(self.find_spec_files, ("Dataset", "Experiment"))
        if isinstance(word, Path) or "/" in word or word.endswith(SUFFIXES):
            near = [self.format_path(path) for path in (*experiments.values(), *datasets.values())]
            raise SpecError([make_no_file_problem(str(word), near)])
        self._refuse_duplicate("Experiment", word)
        if word in experiments:
            return experiments[word]
        # By its file's name too, which people know as well: it goes before a dataset of that name,
        # since an experiment is what can be planned and run.
        filed = [path for path in experiments.values() if path.stem == word]
        if len(filed) == 1 or word in datasets:
            return filed[0] if len(filed) == 1 else datasets[word]
        hidden = self._find_hidden_spec(word)
        if hidden is not None:
            raise SpecError([make_hidden_problem(self.format_path(hidden), word)])
        raise SpecError([self._make_missing_problem("spec", word, experiments or datasets)])

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
        whole, root = (Path(self.tree.resolve(one)) for one in (self.here / path, self.root))
        return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else whole.name

    @cached_property
    def _specs_prefix(self) -> str:
        return self.tree.resolve(self.specs) + os.sep

    @cached_property
    def _given_paths(self) -> "Mapping[str, LoadedSpec]":
        return {path: spec for spec, path in self.given if path is not None}

    def _find_given(self, path: Path) -> "LoadedSpec | None":
        return self._given_paths.get(self.tree.resolve(path)) if self._given_paths else None

    @cached_property
    def _bearers(self) -> Mapping[str, Mapping[str, list[SpecFile]]]:
        """The specs by kind and name: of each name those in hand, then the files by path."""
        found: dict[str, dict[str, list[SpecFile]]] = {kind: {} for kind in FOLDERS}
        for spec, written in self.given:
            if spec.kind is not None and spec.name is not None:
                place = None if written is None else Path(written)
                file = SpecFile(path=place, kind=spec.kind, name=spec.name, given=spec)
                found.setdefault(spec.kind, {}).setdefault(spec.name, []).append(file)
        for kind in FOLDERS:
            for path in self.index.list_paths(kind):
                # What is given is not read once more: a thousand files would cost as much again.
                if self._find_given(path) is None and self.tree.is_file(path):
                    file = self.index.get_file(path)
                    # A file that does not say its kind is kept: loading it tells what is wrong.
                    if file.kind in (kind, None):
                        found[kind].setdefault(file.name, []).append(file)
        return found

    def _load_bearer(self, file: SpecFile) -> "LoadedSpec":
        if file.given is not None:
            return file.given
        assert file.path is not None
        return self.load(file.path)

    def _show_file(self, file: SpecFile) -> str:
        if file.given is not None:
            return file.given.file
        assert file.path is not None
        return self.format_path(file.path)

    def _find_hidden_spec(self, name: str) -> Path | None:
        """The file of that name in a hidden folder, where specs are not looked up."""
        if self.tree is not WORKING_TREE:
            return None
        for folder in sorted(self.specs.glob("**/.*/")):
            for path in sorted(folder.rglob("*.y*ml")):
                if path.suffix in SUFFIXES and self.index.get_file(path).name == name:
                    return path
        return None

    def _make_missing_problem(self, what: str, name: str, names: Iterable[str]) -> Problem:
        if self.anchor == "start" and not self.specs.is_dir():
            return make_homeless_problem(what, name, str(self.here))
        return make_missing_problem(what, name, names, self.format_path(self.specs))

    def _refuse_duplicate(self, kind: str, name: str) -> None:
        """Raises `SpecError` where several claim the name: a problem for each after the first."""
        first, *others = self.find_claims(kind, name) or (None,)
        if first is not None and others:
            message = f"'{name}' is already the name of {self._show_file(first)}"
            fix = "give one of the two another name"
            raise SpecError(
                [
                    Problem(
                        file=self._show_file(other),
                        line=other.line,
                        column=other.column,
                        path="metadata.name",
                        value=name,
                        message=message,
                        fix=fix,
                    )
                    for other in others
                ]
            )


def find_repository(start: Path, tree: SourceTree = WORKING_TREE) -> Repository:
    """The repository that `start` (a folder, or a file in it) lies in, as `tree` has it.

    Without a `vtspec.yaml` (see `find_root`) the configuration is every default. Raises
    `SpecError` where that file is wrong.
    """
    # Not resolved: where a person came through a link, files are shown by the names they typed.
    here = start.absolute()
    here = here.parent if tree.is_file(here) else here
    root, anchor = find_root(here, tree)
    return _load_repository(root, here, anchor, tree)


def find_root(here: Path, tree: SourceTree = WORKING_TREE) -> tuple[Path, Anchor]:
    """The root of the repository that the folder `here` lies in, and what says so: the nearest
    folder upwards with a `vtspec.yaml`, not beyond the git repository; without one the git
    repository's root, and outside git `here` itself."""
    for folder in (here, *here.parents):
        if tree.is_file(folder / PROJECT_FILE):
            return folder, "vtspec.yaml"
        # A vtspec.yaml above belongs to something else, as to a folder of many repositories.
        if tree.is_top(folder):
            return folder, "git"
    return here, "start"


def open_spec(word: str, here: Path, tree: SourceTree = WORKING_TREE) -> tuple[Repository, Path]:
    """The file that a person in the folder `here` means by `word`, and the repository it is in.

    A path decides the repository by where the file lies, so that a spec of another one is read
    with that one's own configuration. Raises `SpecError` as `find_spec` does.
    """
    path = here / word
    if tree.is_file(path):
        return replace(find_repository(path, tree), here=here.absolute()), path.absolute()
    repository = find_repository(here, tree)
    return repository, repository.find_spec(word)


def _load_repository(root: Path, here: Path, anchor: Anchor, tree: SourceTree) -> Repository:
    config = None
    if anchor == "vtspec.yaml":
        # Loading takes a repository, and only the file says where this one's specs lie.
        bare = Repository(
            root=root, config=None, anchor=anchor, here=here, index=SpecIndex(tree, root)
        )
        config = bare.load(root / PROJECT_FILE)
        if config.kind != "Project":
            raise SpecError([make_kind_problem(config.file, "Project")])
    index = SpecIndex(tree, root / _get_folder(config, "specs"))
    return Repository(root=root, config=config, anchor=anchor, here=here, index=index)


def _get_folder(config: "LoadedSpec | None", name: str) -> str:
    # From the plain data: building the model costs more than most commands need. The names
    # are their own defaults.
    spec = {} if config is None else config.document.data["spec"]
    return str(spec.get(name, name))


def _load_file(tree: SourceTree, path: Path, shown: str) -> "LoadedSpec":
    from vtspec.schema.load import load
    from vtspec.schema.yaml_source.decoding import LONGEST

    try:
        with tree.open(path) as file:
            return load(file.read(LONGEST + 1), shown)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SpecError(
            [make_problem(shown, f"cannot be read: {why}", "name a file that is there")]
        ) from error


def _make_default_project() -> "Project":
    from vtspec.schema import API_VERSION
    from vtspec.schema.kinds.field_types import Metadata
    from vtspec.schema.kinds.project import Project, ProjectSpec

    return Project(
        api_version=API_VERSION,
        kind="Project",
        metadata=Metadata(name="project"),
        spec=ProjectSpec(),
    )
