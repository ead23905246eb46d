"""The kinds there are, each imported when it is met."""

import importlib
from typing import TYPE_CHECKING, Final

from vtspec.schema.suggestions import find_nearest

if TYPE_CHECKING:
    from .field_types import Part

KINDS: Final[dict[str, str]] = {
    "Dataset": "dataset",
    "Experiment": "experiment",
    "Project": "project",
}
"""Kind: the module beside this one that holds the model of that name."""

_TELLTALES: Final = {
    "Experiment": ("training", "model", "task"),
    "Dataset": ("splits", "format", "source"),
    "Project": ("gpuTypes", "prices", "runs"),
}


def get_model_class(kind: str) -> "type[Part]":
    """The pydantic model of a kind. Raises `KeyError` where there is no such kind."""
    module = importlib.import_module(f".{KINDS[kind]}", __package__)
    model: type[Part] = getattr(module, kind)
    return model


def guess_kind(data: dict[str, object]) -> str | None:
    """The kind that a spec is probably meant to be, from its `kind` or from what it holds."""
    kind = data.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return kind
    # A file with `kind: Experimnt` is read as one: what else is wrong in it is told as well.
    close = find_nearest(kind, KINDS)
    if close is not None:
        return close
    spec = data.get("spec")
    if kind is None and isinstance(spec, dict):
        for name, keys in _TELLTALES.items():
            if any(key in spec for key in keys):
                return name
    return None
