"""What people write: the kinds, read with every problem at once and written back.

The names are imported on first use, so that `vtspec.schema.problem` costs no pydantic. Functions
are taken from their modules: `from vtspec.schema.load import load`.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vtspec.schema.kinds.dataset import Dataset
    from vtspec.schema.kinds.experiment import Experiment
    from vtspec.schema.kinds.project import Project
    from vtspec.schema.yaml_source.document import Document

    from .load import LoadedSpec
    from .problem import Problem, SpecError

API_VERSION: Final = "vtspec.dev/v1alpha1"
"""What a spec's `apiVersion` has to be."""

_MODULES: Final = {
    "Dataset": "kinds.dataset",
    "Document": "yaml_source.document",
    "Experiment": "kinds.experiment",
    "LoadedSpec": "load",
    "Problem": "problem",
    "Project": "kinds.project",
    "SpecError": "problem",
}

__all__ = [
    "Dataset",
    "Document",
    "Experiment",
    "LoadedSpec",
    "Problem",
    "Project",
    "SpecError",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
