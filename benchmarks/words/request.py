"""One request of the benchmark: what somebody says, and what has to come of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from vtspec.pipelines.drafting.conversation import from_json
from vtspec.pipelines.drafting.result import Message

HERE: Final = Path(__file__).resolve().parent

WORLD: Final = HERE / "world"
"""The repository that every request is about."""

Half = Literal["train", "test", "fresh", "cases"]
"""A file of requests: the two halves, and what came after them."""

Expectation = Literal["fields", "question", "refusal"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A conversation and the one thing that is expected of it.

    `fields` holds expected values by dotted path; `{"any": […]}` lists equally right ones.
    `absent` are paths that must not be set. `base` names the spec that is edited: what the words
    do not change has to stay as it is there. `told` holds, by the path of an expected field, texts
    of which any may instead be told as not understood; by the empty path those of words that no
    field holds, which have to be told. `question` are the fields of which any may be asked,
    `choices` what must be among the choices. `kinds` are tags.
    """

    id: str
    language: Literal["ko", "en"]
    task: str | None
    kinds: tuple[str, ...]
    conversation: tuple[Message, ...]
    expects: Expectation
    fields: Mapping[str, Any]
    absent: tuple[str, ...]
    base: str | None
    told: Mapping[str, tuple[str, ...]]
    question: tuple[str, ...]
    choices: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """What the person typed, in order."""
        return tuple(each.text for each in self.conversation if each.author == "person")


def read_requests(file: Path) -> list[Request]:
    """The requests of a file, in its order. Raises `ValueError` with the line for a bad one."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [_request(line, f"{file.name}:{number}") for number, line in enumerate(lines, start=1)]


def half_of(half: Half) -> list[Request]:
    """The requests of a half."""
    return read_requests(HERE / f"{half}.jsonl")


_EXPECTATIONS: Final[dict[str, Expectation]] = {
    "fields": "fields",
    "question": "question",
    "refused": "refusal",
}

_BESIDE: Final = {
    "fields": {"absent", "base", "told"},
    "question": {"choices"},
    "refused": set[str](),
}
"""What else a line may say beside its expectation."""

_ALWAYS: Final = {"id", "language", "task", "kinds", "conversation"}


def _request(line: str, where: str) -> Request:
    row = json.loads(line)
    found = [key for key in _EXPECTATIONS if row.get(key)]
    if len(found) != 1:
        raise ValueError(f"{where}: must have one of fields, question and refused, has {found}")
    if unknown := row.keys() - _ALWAYS - {found[0]} - _BESIDE[found[0]]:
        raise ValueError(f"{where}: {sorted(unknown)} cannot stand beside {found[0]}")
    told = {path: tuple(texts) for path, texts in row.get("told", {}).items()}
    if unknown := told.keys() - row.get("fields", {}).keys() - {""}:
        raise ValueError(f"{where}: told has {sorted(unknown)}, which fields lacks")
    return Request(
        id=row["id"],
        language=row["language"],
        task=row["task"],
        kinds=tuple(row["kinds"]),
        conversation=tuple(from_json(row["conversation"])),
        expects=_EXPECTATIONS[found[0]],
        fields=row.get("fields", {}),
        absent=tuple(row.get("absent", ())),
        base=row.get("base"),
        told=told,
        question=tuple(row.get("question", ())),
        choices=tuple(row.get("choices", ())),
    )
