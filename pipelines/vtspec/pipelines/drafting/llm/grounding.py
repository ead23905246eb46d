"""What a model may not make up: places, hashes, hub ids and notes that nobody named. Pure.

Such values lead a run to data and weights, so each must stand in the words, in the draft that is
being changed, or in a spec that exists.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.drafting.checks import make_problem
from vtspec.pipelines.drafting.result import Data
from vtspec.schema.problem import Problem

from .field_paths import find_value, remove_value
from .request import DraftRequest

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


def find_ungrounded(draft: Data, turn: DraftRequest) -> list[Problem]:
    """A problem for each value of the draft that nobody named."""
    found = [
        make_problem(field, "was not named by anybody", "leave it out, or ask for it", value)
        for field in NAMED
        if isinstance(value := find_value(draft, field), str) and not _is_known(field, value, turn)
    ]
    return [*found, *_check_model_name(draft, turn)]


def _check_model_name(draft: Data, turn: DraftRequest) -> Iterator[Problem]:
    """Any ORG/NAME is a hub id: one that no catalog lists must have been typed."""
    field = "spec.model.name"
    name = find_value(draft, field)
    if not isinstance(name, str) or "/" not in name or _is_known(field, name, turn):
        return
    if all(name not in each.model_names for each in load_frameworks().values()):
        fix = "use a name that search_models gives, or ask which model is meant"
        yield make_problem(field, "is in no catalog, and nobody typed it", fix, name)


def filter_notes(draft: Data, turn: DraftRequest) -> Data:
    """The draft with those labels and annotations only that somebody named; a copy.

    Nobody but vtspec itself writes a note under `vtspec.dev/`.
    """
    made = dict(draft)
    for kept in ("labels", "annotations"):
        field = f"metadata.{kept}"
        notes = find_value(made, field)
        if notes is None:
            continue
        named = {
            key: note
            for key, note in (notes.items() if isinstance(notes, Mapping) else ())
            if isinstance(note, str) and _is_named(str(key), note, kept, turn)
        }
        made = remove_value(made, field)
        if named:
            made["metadata"] = {**made["metadata"], kept: named}
    return made


def _is_named(key: str, note: str, kept: str, turn: DraftRequest) -> bool:
    if key.partition("/")[0] == "vtspec.dev" or key.endswith(".vtspec.dev"):
        return False
    typed = note.casefold() in turn.user_text and key.casefold() in turn.user_text
    return typed or any(
        (find_value(one, f"metadata.{kept}") or {}).get(key) == note for one in _iter_specs(turn)
    )


def _is_known(field: str, value: str, turn: DraftRequest) -> bool:
    plain = value.casefold().strip().removeprefix("./").rstrip("/")
    # Anywhere in the words, and not as one: Korean writes its particles onto a name.
    if plain and plain in turn.user_text:
        return True
    return any(find_value(one, field) == value for one in _iter_specs(turn))


def _iter_specs(turn: DraftRequest) -> Iterator[Data]:
    if turn.base is not None:
        yield turn.base
    yield from turn.repository.sound_experiments.values()
