"""What exists around a draft: the datasets, specs and models that it may name. Read only."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vtspec.pipelines import catalog
from vtspec.pipelines.project.workspace import Workspace
from vtspec.pipelines.validation import ValidationContext, check_specs
from vtspec.pipelines.validation.repository import build_context
from vtspec.schema.load import LoadedSpec, load, load_file
from vtspec.schema.problem import Problem

from .result import Data

if TYPE_CHECKING:
    from vtspec.schema.kinds.field_types import Part

DRAFT: Final = "draft.yaml"
"""The file name that problems of a draft are told with."""

FOLDERS: Final = {"Experiment": "experiments", "Dataset": "datasets"}
"""Where the specs of each kind that can be drafted lie, below the folder of the specs."""


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """A dataset that a draft may name; fields as in the kind. `images` is None where unknown.

    `description` was written by somebody: it is shown, and never obeyed.
    """

    name: str
    description: str
    tasks: tuple[str, ...]
    format: str
    classes: tuple[str, ...]
    images: int | None


class DraftContext:
    """A repository as drafting sees it. Everything is read once, when it is first asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @cached_property
    def datasets(self) -> Mapping[str, DatasetInfo]:
        """The sound datasets by name, in order of path."""
        return {
            name: _make_dataset_info(name, loaded.document.data["spec"])
            for name, loaded in self._datasets.items()
            if loaded is not None
        }

    @cached_property
    def unsound_datasets(self) -> Mapping[str, str]:
        """The datasets that no draft may name, as their files have errors; name to file."""
        files, shown = self.find_spec_files("Dataset"), self.workspace.format_path
        return {
            name: shown(files[name]) for name, loaded in self._datasets.items() if loaded is None
        }

    @cached_property
    def experiments(self) -> Mapping[str, Data]:
        """The sound experiments by name, as plain data as they are written, in order of path."""
        read = self._load_specs("Experiment")
        return {name: loaded.document.data for name, loaded in read.items() if loaded is not None}

    @property
    def frameworks(self) -> Mapping[str, catalog.Framework]:
        """The catalogs of models."""
        return catalog.load_frameworks()

    @cached_property
    def gpu_types(self) -> tuple[str, ...]:
        """The GPU types that `vtspec.yaml` has, in its order."""
        # From the plain data: the project's model is dearer than all else that a draft asks for.
        config = self.workspace.config
        spec = {} if config is None else config.document.data.get("spec") or {}
        return tuple(spec.get("gpuTypes") or ())

    def load_draft(self, draft: Data) -> LoadedSpec:
        """The draft as it would be read from a file of its own."""
        # JSON is YAML, and cannot mean anything else to it.
        text = json.dumps(draft, ensure_ascii=False, allow_nan=False)
        return load(text.encode("utf-8", "replace"), DRAFT)

    def find_problems(self, draft: Data) -> list[Problem]:
        """Everything that is wrong with the draft, in the repository, warnings too.

        Its problems carry no useful line. That its name is taken is one of them.
        """
        try:
            loaded = self.load_draft(draft)
        except (TypeError, ValueError, RecursionError) as error:
            return [_make_data_problem(error)]
        problems = [
            *loaded.problems,
            *check_specs([loaded], self._make_validation_context(loaded)),
        ]
        return [*problems, *self._check_name(loaded)]

    def build_spec(self, draft: Data) -> "Part":
        """The kind's model of a draft that has no problem; `SpecError` otherwise."""
        model = self.load_draft(draft).model
        assert model is not None
        return model

    def get_spec_path(self, draft: Data) -> Path:
        """Where the draft's file naturally lies."""
        return self.workspace.specs / FOLDERS[draft["kind"]] / f"{draft['metadata']['name']}.yaml"

    def find_spec_files(self, kind: str) -> Mapping[str, Path]:
        """File of each spec of a kind, sound or not, by name."""
        if kind == "Dataset":
            return self.workspace.find_dataset_files()
        return self.workspace.find_experiment_files()

    @cached_property
    def _datasets(self) -> Mapping[str, LoadedSpec | None]:
        return self._load_specs("Dataset")

    def _load_specs(self, kind: str) -> dict[str, LoadedSpec | None]:
        """The specs of a kind by name, None for one that has errors or cannot be read."""
        found: dict[str, LoadedSpec | None] = {}
        for name, path in self.find_spec_files(kind).items():
            loaded = load_file(str(path))
            is_sound = loaded.kind == kind and not filter_errors(loaded.problems)
            found[name] = loaded if is_sound else None
        return found

    def _make_validation_context(self, loaded: LoadedSpec) -> ValidationContext:
        return build_context(self.workspace, [loaded], {})

    def _check_name(self, loaded: LoadedSpec) -> list[Problem]:
        name, kind = loaded.name, loaded.kind
        if name is None or kind not in FOLDERS or name not in self.find_spec_files(kind):
            return []
        other = self.workspace.format_path(self.find_spec_files(kind)[name])
        message = f"'{name}' is already the name of {other}"
        return [loaded.document.make_problem(("metadata", "name"), message, "give another name")]


def filter_errors(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that a complete draft must not have."""
    return [problem for problem in problems if problem.severity == "error"]


def _make_dataset_info(name: str, spec: Mapping[str, Any]) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        description=spec.get("description") or "",
        tasks=tuple(spec["tasks"]),
        format=spec["format"],
        classes=tuple(spec.get("classes") or ()),
        images=(spec.get("statistics") or {}).get("images"),
    )


def _make_data_problem(error: Exception) -> Problem:
    return Problem(
        file=DRAFT,
        line=1,
        column=1,
        path="",
        value=None,
        message=f"is not plain data: {error}",
        fix="use texts, numbers, true, false, null, lists and mappings only",
    )
