"""The repository that specs are validated in, read as far as a check asks for it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.pipelines import catalog
from vtspec.pipelines.project.spec_index import SUFFIXES, read_spec_file
from vtspec.schema.load import LoadedSpec, load_file

from .context import DatasetFacts, ValidationContext, extract_dataset, find_params

if TYPE_CHECKING:
    from vtspec.pipelines.project.workspace import Workspace


def build_context(
    workspace: "Workspace", loaded: Sequence[LoadedSpec], paths: Mapping[str, str]
) -> ValidationContext:
    """The world of a workspace, with the specs that are being checked in it.

    `paths` maps the file names of `loaded` to real paths, for those that are files. Names are
    looked up in the workspace only when something asks for one.
    """
    beside = _SpecIndex(workspace, loaded, paths)
    return ValidationContext(
        datasets=_LazyDatasets(beside),
        experiments=_SpecNames(beside, "Experiment"),
        project=lambda: workspace.project,
        frameworks=catalog.load_frameworks(),
        params_of=cache(find_params),
        doubles=beside.doubles,
    )


class _SpecIndex:
    """The specs that are checked, and those of the workspace beside them."""

    def __init__(
        self, workspace: "Workspace", loaded: Sequence[LoadedSpec], paths: Mapping[str, str]
    ) -> None:
        self._workspace = workspace
        self._paths = paths
        self._loaded = loaded
        self.given: dict[tuple[str | None, str], LoadedSpec] = {}
        for spec in loaded:
            if spec.name is not None:
                self.given.setdefault((spec.kind, spec.name), spec)

    @cached_property
    def files(self) -> Mapping[tuple[str, str], Path]:
        """The workspace's files that are not given, by kind and name; the first of several."""
        found: dict[tuple[str, str], Path] = {}
        given = set(self._paths.values())
        for kind, folder in (("Dataset", "datasets"), ("Experiment", "experiments")):
            for path in _list_specs(self._workspace.specs / folder):
                if os.path.realpath(path) not in given:
                    file = read_spec_file(path)
                    if file.kind in (kind, None):
                        found.setdefault((kind, file.name), path)
        return found

    @cached_property
    def doubles(self) -> Mapping[str, str]:
        """File of a spec in the workspace to the other file that claims its name."""
        specs = os.path.realpath(self._workspace.specs) + os.sep
        found = {}
        for spec in self._loaded:
            if spec.kind is None or not self._paths.get(spec.file, "").startswith(specs):
                continue
            other = self.files.get((spec.kind, spec.name or ""))
            if other is not None:
                found[spec.file] = self._workspace.format_path(other)
        return found


def _list_specs(folder: Path) -> list[Path]:
    found = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        found += [Path(place, name) for name in sorted(names) if name.endswith(SUFFIXES)]
    return found


class _SpecNames(Mapping[str, object]):
    """The names of a kind: first those of the specs given, then the workspace's."""

    def __init__(self, beside: _SpecIndex, kind: str) -> None:
        self._beside = beside
        self._kind = kind

    def __getitem__(self, name: str) -> object:
        given = self._beside.given.get((self._kind, name))
        return self._beside.files[self._kind, name] if given is None else given

    def __iter__(self) -> Iterator[str]:
        every = (*self._beside.given, *self._beside.files)
        return iter(dict.fromkeys(name for kind, name in every if kind == self._kind))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _LazyDatasets(Mapping[str, DatasetFacts | None]):
    """The datasets by name, each read when it is first asked for."""

    def __init__(self, beside: _SpecIndex) -> None:
        self._names = _SpecNames(beside, "Dataset")
        self._read: dict[str, DatasetFacts | None] = {}

    def __getitem__(self, name: str) -> DatasetFacts | None:
        if name not in self._read:
            found = self._names[name]
            loaded = found if isinstance(found, LoadedSpec) else load_file(str(found))
            self._read[name] = extract_dataset(loaded)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
