"""What a model may not make up: places, hashes, hub ids and notes that nobody named. Pure.

Such values lead a run to data and weights, so each must stand in the words, in the draft that is
being changed, or in a spec that exists.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from vtspec.pipelines.drafting.context import DRAFT
from vtspec.schema.problem import Problem

from .field_paths import value_in, without
from .request import Turn

NAMED: Final = (
    "spec.model.weights",
    "spec.source.path",
    "spec.source.dvc.path",
    "spec.source.dvc.repo",
    "spec.source.dvc.rev",
    "spec.source.dvc.remote",
    "spec.contentHash",
    "spec.license",
    "spec.tracking.registerAs",
)
"""The fields whose value somebody must have named."""


def made_up(draft: Mapping[str, Any], turn: Turn) -> list[Problem]:
    """A problem for each value of the draft that nobody named."""
    found = [
        _problem(field, value, "was not named by anybody", "leave it out, or ask for it")
        for field in NAMED
        if isinstance(value := value_in(draft, field), str) and not _is_known(field, value, turn)
    ]
    return [*found, *_model(draft, turn)]


def _model(draft: Mapping[str, Any], turn: Turn) -> Iterator[Problem]:
    """Any ORG/NAME is a hub id: one that no catalog lists must have been typed."""
    field = "spec.model.name"
    name = value_in(draft, field)
    if not isinstance(name, str) or "/" not in name or _is_known(field, name, turn):
        return
    if all(name not in each.model_names for each in turn.surroundings.frameworks.values()):
        fix = "use a name that search_models gives, or ask which model is meant"
        yield _problem(field, name, "is in no catalog, and nobody typed it", fix)


def named_notes(draft: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """The draft with those labels and annotations only that somebody named; a copy.

    Nobody but vtspec itself writes a note under `vtspec.dev/`.
    """
    made = dict(draft)
    for kept in ("labels", "annotations"):
        field = f"metadata.{kept}"
        notes = value_in(made, field)
        if notes is None:
            continue
        named = {
            key: note
            for key, note in (notes.items() if isinstance(notes, Mapping) else ())
            if isinstance(note, str) and _is_named(str(key), note, kept, turn)
        }
        made = without(made, field)
        if named:
            made["metadata"] = {**made["metadata"], kept: named}
    return made


def _is_named(key: str, note: str, kept: str, turn: Turn) -> bool:
    if key.partition("/")[0] == "vtspec.dev" or key.endswith(".vtspec.dev"):
        return False
    typed = note.casefold() in turn.said and key.casefold() in turn.said
    return typed or any(
        (value_in(one, f"metadata.{kept}") or {}).get(key) == note for one in _specs(turn)
    )


def _is_known(field: str, value: str, turn: Turn) -> bool:
    plain = value.casefold().strip().removeprefix("./").rstrip("/")
    if plain and plain in turn.said:
        return True
    return any(value_in(one, field) == value for one in _specs(turn))


def _specs(turn: Turn) -> Iterator[Mapping[str, Any]]:
    if turn.base is not None:
        yield turn.base
    yield from turn.surroundings.experiments.values()


def _problem(path: str, value: str, message: str, fix: str) -> Problem:
    return Problem(file=DRAFT, line=1, column=1, path=path, value=value, message=message, fix=fix)
