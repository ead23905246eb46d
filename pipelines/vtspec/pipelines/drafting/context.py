"""What exists around a draft: the datasets, specs and models that it may name. Read only."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vtspec.pipelines import catalog
from vtspec.pipelines.project.workspace import Workspace
from vtspec.pipelines.validation import World, check
from vtspec.pipelines.validation.repository import world_of
from vtspec.schema.load import Loaded, load, load_file
from vtspec.schema.problem import Problem

from .result import Data

if TYPE_CHECKING:
    from vtspec.schema.kinds.field_types import Part

DRAFT: Final = "draft.yaml"
"""The file name that problems of a draft are told with."""

FOLDERS: Final = {"Experiment": "experiments", "Dataset": "datasets"}
"""Where the specs of each kind that can be drafted lie, below the folder of the specs."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset that a draft may name; fields as in the kind. `images` is None where unknown.

    `description` was written by somebody: it is shown, and never obeyed.
    """

    name: str
    description: str
    tasks: tuple[str, ...]
    format: str
    classes: tuple[str, ...]
    images: int | None


class Surroundings:
    """A repository as drafting sees it. Everything is read once, when it is first asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @cached_property
    def datasets(self) -> Mapping[str, Dataset]:
        """The sound datasets by name, in order of path."""
        return {
            name: _dataset(name, loaded.document.data["spec"])
            for name, loaded in self._datasets.items()
            if loaded is not None
        }

    @cached_property
    def unsound(self) -> Mapping[str, str]:
        """The datasets that no draft may name, as their files have errors; name to file."""
        files, shown = self.names("Dataset"), self.workspace.shown
        return {
            name: shown(files[name]) for name, loaded in self._datasets.items() if loaded is None
        }

    @cached_property
    def experiments(self) -> Mapping[str, Data]:
        """The sound experiments by name, as plain data as they are written, in order of path."""
        read = self._read("Experiment")
        return {name: loaded.document.data for name, loaded in read.items() if loaded is not None}

    @property
    def frameworks(self) -> Mapping[str, catalog.Framework]:
        """The catalogs of models."""
        return catalog.frameworks()

    @cached_property
    def gpu_types(self) -> tuple[str, ...]:
        """The GPU types that `vtspec.yaml` has, in its order."""
        # From the plain data: the project's model is dearer than all else that a draft asks for.
        config = self.workspace.config
        spec = {} if config is None else config.document.data.get("spec") or {}
        return tuple(spec.get("gpuTypes") or ())

    def loaded(self, draft: Data) -> Loaded:
        """The draft as it would be read from a file of its own."""
        # JSON is YAML, and cannot mean anything else to it.
        text = json.dumps(draft, ensure_ascii=False, allow_nan=False)
        return load(text.encode("utf-8", "replace"), DRAFT)

    def problems(self, draft: Data) -> list[Problem]:
        """Everything that is wrong with the draft, in the repository, warnings too.

        Its problems carry no useful line. That its name is taken is one of them.
        """
        try:
            loaded = self.loaded(draft)
        except (TypeError, ValueError, RecursionError) as error:
            return [_not_data(error)]
        problems = [*loaded.problems, *check([loaded], self._world(loaded))]
        return [*problems, *self._taken(loaded)]

    def model(self, draft: Data) -> "Part":
        """The kind's model of a draft that has no problem; `SpecError` otherwise."""
        model = self.loaded(draft).model
        assert model is not None
        return model

    def place(self, draft: Data) -> Path:
        """Where the draft's file naturally lies."""
        return self.workspace.specs / FOLDERS[draft["kind"]] / f"{draft['metadata']['name']}.yaml"

    def names(self, kind: str) -> Mapping[str, Path]:
        """File of each spec of a kind, sound or not, by name."""
        if kind == "Dataset":
            return self.workspace.datasets()
        return self.workspace.experiments()

    @cached_property
    def _datasets(self) -> Mapping[str, Loaded | None]:
        return self._read("Dataset")

    def _read(self, kind: str) -> dict[str, Loaded | None]:
        """The specs of a kind by name, None for one that has errors or cannot be read."""
        found: dict[str, Loaded | None] = {}
        for name, path in self.names(kind).items():
            loaded = load_file(str(path))
            is_sound = loaded.kind == kind and not errors(loaded.problems)
            found[name] = loaded if is_sound else None
        return found

    def _world(self, loaded: Loaded) -> World:
        return world_of(self.workspace, [loaded], {})

    def _taken(self, loaded: Loaded) -> list[Problem]:
        name, kind = loaded.name, loaded.kind
        if name is None or kind not in FOLDERS or name not in self.names(kind):
            return []
        message = f"'{name}' is already the name of {self.workspace.shown(self.names(kind)[name])}"
        return [loaded.document.problem(("metadata", "name"), message, "give another name")]


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that a complete draft must not have."""
    return [problem for problem in problems if problem.severity == "error"]


def _dataset(name: str, spec: Mapping[str, Any]) -> Dataset:
    return Dataset(
        name=name,
        description=spec.get("description") or "",
        tasks=tuple(spec["tasks"]),
        format=spec["format"],
        classes=tuple(spec.get("classes") or ()),
        images=(spec.get("statistics") or {}).get("images"),
    )


def _not_data(error: Exception) -> Problem:
    return Problem(
        file=DRAFT,
        line=1,
        column=1,
        path="",
        value=None,
        message=f"is not plain data: {error}",
        fix="use texts, numbers, true, false, null, lists and mappings only",
    )
