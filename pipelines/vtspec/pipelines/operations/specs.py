"""The specs that a repository has, listed: experiments with what came of them, and datasets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.pipelines.project.dataset_facts import DatasetFacts
from vtspec.pipelines.runs import Runs
from vtspec.schema.yaml_source.document import find_value

from .runs import RunSummary, read_runs

if TYPE_CHECKING:
    from vtspec.pipelines.project.repository import Repository


@dataclass(frozen=True, kw_only=True)
class ListedExperiment:
    """An experiment, its file, and the last of its `runs`; `data` is None where it has errors."""

    name: str
    file: Path
    data: Mapping[str, object] | None
    runs: int = 0
    last: RunSummary | None = None

    def get_text(self, *path: str) -> str | None:
        """What its file says at a path below `spec`, where that is a text."""
        found = find_value(self.data, ("spec", *path))
        return found if isinstance(found, str) else None


@dataclass(frozen=True, kw_only=True)
class ListedDataset:
    """A dataset, its file, and the experiments on it; `facts` are None where it has errors.

    `is_here` says whether its data lies in the workspace.
    """

    name: str
    file: Path
    facts: DatasetFacts | None
    experiments: tuple[str, ...] = ()
    is_here: bool = False


def list_experiments(repository: "Repository") -> list[ListedExperiment]:
    """The experiments in order of path, sound or not."""
    by_spec: dict[str, list[RunSummary]] = {}
    for found in read_runs(Runs(repository.runs)):
        by_spec.setdefault(found.run.spec_name, []).append(found)
    return [
        ListedExperiment(
            name=name,
            file=file,
            data=repository.experiments.get(name),
            runs=len(by_spec.get(name, ())),
            last=next(reversed(by_spec.get(name, [])), None),
        )
        for name, file in repository.find_spec_files("Experiment").items()
    ]


def list_datasets(repository: "Repository") -> list[ListedDataset]:
    """The datasets in order of path, sound or not."""
    used: dict[object, list[str]] = {}
    for name, data in repository.sound_experiments.items():
        used.setdefault(find_value(data, ("spec", "dataset", "ref")), []).append(name)
    return [
        _list_dataset(repository, name, file, tuple(used.get(name, ())))
        for name, file in repository.find_spec_files("Dataset").items()
    ]


def _list_dataset(
    repository: "Repository", name: str, file: Path, experiments: tuple[str, ...]
) -> ListedDataset:
    facts = repository.datasets.get(name)
    path = None if facts is None else facts.path
    return ListedDataset(
        name=name,
        file=file,
        facts=facts,
        experiments=experiments,
        is_here=path is not None and (repository.root / path).exists(),
    )
