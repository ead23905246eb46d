"""A conversation becomes an answer: a drafter sketches it, and it is checked and signed here."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Protocol

from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.language import Tongue
from vtspec.pipelines.project.repository import Repository
from vtspec.schema.problem import Problem

from .conversation import get_state, hash_words
from .result import (
    NOTE_PREFIX,
    Assumption,
    Data,
    Draft,
    DraftResult,
    Message,
    Provenance,
    Question,
    Unavailable,
)


class Drafter(Protocol):
    """What makes a sketch of a conversation.

    `prompt_hash` is `sha256:…` over what a model is instructed with; the last three are None
    where there is no model.
    """

    @property
    def name(self) -> str:
        """`offline` or `model`."""
        ...

    @property
    def provider(self) -> str | None:
        """Who answers, such as `anthropic`."""
        ...

    @property
    def model(self) -> str | None:
        """The model's name at the provider."""
        ...

    @property
    def prompt_hash(self) -> str | None:
        """The hash of its instructions."""
        ...

    def make_draft(self, conversation: Sequence[Message], repository: Repository) -> Draft:
        """The sketch. Raises `Unavailable` where it cannot be made for now."""
        ...


class OfflineDrafter:
    """The drafter that needs nothing: a grammar of Korean and English. Never unavailable."""

    name = "offline"
    provider = None
    model = None
    prompt_hash = None

    def make_draft(self, conversation: Sequence[Message], repository: Repository) -> Draft:
        """What the words say of themselves."""
        from .offline import draft_offline

        return draft_offline(get_state(conversation), repository)


def draft(
    conversation: Sequence[Message], repository: Repository, drafter: Drafter
) -> DraftResult:
    """The answer to a conversation. Reads the repository, and changes nothing.

    Where `drafter` is unavailable, `OfflineDrafter` answers in its stead and the provenance says
    so. A draft beside "complete" has no problem, whatever the drafter made of it.
    """
    signed = Provenance(
        drafter=drafter.name,
        version=version("vtspec"),
        provider=drafter.provider,
        model=drafter.model,
        prompt=drafter.prompt_hash,
        words=hash_words(conversation),
    )
    try:
        sketch = drafter.make_draft(conversation, repository)
    except Unavailable as error:
        offline = OfflineDrafter()
        sketch = offline.make_draft(conversation, repository)
        # Signed anew: what the model was is not to be said of a draft that it had no part in.
        signed = Provenance(
            drafter=offline.name,
            version=signed.version,
            words=signed.words,
            instead_of=drafter.provider or drafter.name,
            because=str(error),
        )
    checked = _check_draft(sketch, conversation, repository)
    return _sign_draft(_add_unsound_datasets(checked, conversation, repository), signed)


def strip_provenance(data: Data) -> Data:
    """The spec without the annotations of the drafting that it came from; a copy."""
    # A copy, as the draft may be one that the conversation keeps.
    copied: Data = copy.deepcopy(dict(data))
    metadata = copied.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(notes, Mapping):
        kept = {key: note for key, note in notes.items() if not str(key).startswith(NOTE_PREFIX)}
        metadata.pop("annotations")
        if kept:
            metadata["annotations"] = kept
    return copied


def _check_draft(sketch: Draft, conversation: Sequence[Message], repository: Repository) -> Draft:
    """The sketch; one that says it is complete and is not becomes a question."""
    if sketch.status != "complete":
        return sketch
    wrong = filter_errors(find_problems(sketch.data or {}, repository))
    if not wrong:
        return sketch
    # The first alone: a person is asked one thing at a time.
    language = get_state(conversation).language
    return replace(sketch, status="question", question=_make_question(wrong[0], language))


def _add_unsound_datasets(
    sketch: Draft, conversation: Sequence[Message], repository: Repository
) -> Draft:
    """Beside a question for the dataset it is told which datasets cannot be had, and why."""
    if sketch.question is None or sketch.question.field != "spec.dataset.ref":
        return sketch
    # They are not among the choices, and whoever knows one by name would wonder why.
    in_korean = get_state(conversation).language == "ko"
    told = tuple(
        Assumption(
            field="",
            value=name,
            why=f"이 데이터셋의 파일에 오류가 있어 쓸 수 없습니다: vtspec validate {file}"
            if in_korean
            else f"this dataset's file has errors, so it cannot be used: vtspec validate {file}",
        )
        for name, file in repository.unsound_datasets.items()
    )
    return replace(sketch, assumptions=(*sketch.assumptions, *told))


def _make_question(problem: Problem, language: Tongue) -> Question:
    """What to ask of a person where a draft has a problem that drafting could not mend."""
    field = problem.path or "spec"
    if language == "ko":
        text = f"{field}에 문제가 있습니다: {problem.message}. 어떤 값으로 할까요? ({problem.fix})"
    else:
        text = f"There is a problem with {field}: {problem.message}. Which value shall it have? "
        text += f"({problem.fix})"
    return Question(field=field, text=text)


def _sign_draft(sketch: Draft, provenance: Provenance) -> DraftResult:
    signed = replace(provenance, repairs=sketch.repairs)
    # What an earlier drafting signed, of the base or of a message before, is no longer true.
    data = None if sketch.data is None else strip_provenance(sketch.data)
    if data is not None and sketch.status == "complete":
        metadata = data["metadata"]
        notes = metadata.get("annotations", {})
        metadata["annotations"] = {**notes, **signed.to_annotations()}
    return DraftResult(
        status=sketch.status,
        draft=data,
        question=sketch.question,
        reason=sketch.reason,
        assumptions=sketch.assumptions,
        provenance=signed,
    )
