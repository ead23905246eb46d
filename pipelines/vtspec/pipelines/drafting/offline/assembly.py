"""What was read, on top of what there is, as a draft, a question, or both."""

from collections.abc import Mapping
from typing import Any, Final

from vtspec.pipelines.drafting.outcome import Assumption, Data, Question, Sketch
from vtspec.pipelines.drafting.surroundings import errors
from vtspec.pipelines.drafting.tongue import Tongue

from . import wording
from .gpus import settle_gpus
from .judging import settle_judging
from .known import Known
from .mentions import Reading
from .naming import free, label_of, made_of
from .reckoning import unsettled
from .sheet import Rank, Sheet, started, value_at
from .subject import settle_subject
from .values import pretrained_said, settle_values

EPOCHS: Final = 50
_FEW: Final = 3
_FEW_EPOCHS: Final = frozenset(
    {"text-generation", "image-captioning", "visual-question-answering"}
)


def assembled(known: Known, tongue: Tongue, reading: Reading, before: Data | None) -> Sketch:
    """The sketch of an experiment; `before` is the draft that the words change, if any."""
    base, base_name = _base(known, reading)
    sheet = started(known, tongue, base if base is not None else before)
    sheet.edits = sheet.before is not None and sheet.get("model.name") is not None
    if base is not None and before is not None:
        _on_top(sheet.data.setdefault("spec", {}), before.get("spec") or {})
    if any(each.value is None for each in reading.of("base")):
        said = next(each.said for each in reading.of("base") if each.value is None)
        sheet.ask(Rank.BASE, "no-base", "metadata.name", _like(said, known), said=said)
    settle_values(sheet, reading)
    settle_gpus(sheet, reading)
    settle_subject(sheet, reading)
    settle_judging(sheet, reading)
    _settle_run(sheet, reading)
    _settle_start(sheet, reading)
    _settle_name(sheet, reading, base_name)
    _tell(sheet, reading)
    question = sheet.first_question
    if question is not None:
        return _asked(sheet, question)
    return _checked(sheet)


def _base(known: Known, reading: Reading) -> tuple[Data | None, str | None]:
    names = [each.value for each in reading.of("base") if isinstance(each.value, str)]
    for name in names[-1:]:
        data = known.surroundings.experiments.get(name)
        if data is not None:
            return data, name
    return None, None


def _on_top(data: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        held = data.get(key)
        if isinstance(held, dict) and isinstance(value, Mapping):
            _on_top(held, value)
        else:
            data[key] = value


def _like(said: str, known: Known) -> list[str]:
    from rapidfuzz.fuzz import ratio

    names = list(known.surroundings.experiments)
    return sorted(names, key=lambda name: -ratio(said.lower(), name))


def _settle_run(sheet: Sheet, reading: Reading) -> None:
    for each in reading.of("run"):
        if isinstance(each.value, str):
            sheet.set("model.weights", f"run:{each.value}")


def _settle_start(sheet: Sheet, reading: Reading) -> None:
    """Framework and the weights to start from."""
    name = sheet.get("model.name")
    if not isinstance(name, str):
        said = pretrained_said(reading)
        if said is not None:
            sheet.set("model.pretrained", said)
        return
    models = sheet.known.models
    frameworks = models.frameworks_of(name)
    if len(frameworks) > 1 and sheet.get("framework") is None:
        sheet.set("framework", frameworks[0])
        sheet.assume("spec.framework", frameworks[0], "framework")
    said = pretrained_said(reading)
    if sheet.get("model.weights") is not None:
        sheet.drop("model.pretrained")
    elif said is not None:
        sheet.set("model.pretrained", said)
    elif sheet.get("model.pretrained") is None and not sheet.edits:
        if models.pretrained(name):
            sheet.set("model.pretrained", True)
            sheet.assume("spec.model.pretrained", True, "pretrained")
    elif sheet.get("model.pretrained") is True and frameworks and not models.pretrained(name):
        sheet.set("model.pretrained", False)
        sheet.assume("spec.model.pretrained", False, "no-weights")


def _settle_name(sheet: Sheet, reading: Reading, base_name: str | None) -> None:
    taken = sheet.known.surroundings.names("Experiment")
    metadata = sheet.data["metadata"]
    said = reading.of("name")
    if said:
        _said_name(sheet, str(said[-1].value))
        return
    subject = _subject_of(sheet.data)
    before = None if sheet.before is None else _subject_of(sheet.before)
    held = metadata.get("name")
    if isinstance(held, str):
        changed = before is not None and before != subject and subject is not None
        made = before is not None and free(made_of(*before), ()) == _without_number(held, before)
        if base_name is None and not (changed and made and held not in taken):
            return
        name = made_of(*subject) if changed and subject is not None else held
        metadata["name"] = free(name, taken)
        if metadata["name"] != held:
            sheet.assume("metadata.name", metadata["name"], "name" if changed else "name-taken")
    elif subject is not None and sheet.first_question is None:
        metadata["name"] = free(made_of(*subject), taken)
        sheet.assume("metadata.name", metadata["name"], "name")


def _without_number(name: str, subject: tuple[str, str]) -> str:
    made = made_of(*subject)
    return made if name.startswith(made) and name[len(made) :].lstrip("-").isdigit() else name


def _said_name(sheet: Sheet, said: str) -> None:
    taken = sheet.known.surroundings.names("Experiment")
    label = label_of(said)
    if not label:
        sheet.ask(Rank.REST, "bad-name", "metadata.name", (), said=said)
        return
    name = free(label, taken)
    sheet.data["metadata"]["name"] = name
    if name != said:
        sheet.assume("metadata.name", name, "name-taken" if name != label else "name-shaped")


def _subject_of(data: Data) -> tuple[str, str] | None:
    ref, model = value_at(data, "spec.dataset.ref"), value_at(data, "spec.model.name")
    return (ref, model) if isinstance(ref, str) and isinstance(model, str) else None


def _tell(sheet: Sheet, reading: Reading) -> None:
    """Says what was read otherwise than it was typed, and what was not understood."""
    for typed, meant in reading.mended:
        sheet.assume("", typed, "mended", meant=meant)
    rest = dict.fromkeys([*reading.rest, *unsettled(sheet, reading)])
    # Classes may be numbers, which nothing else explains.
    chosen = sheet.get("dataset.classes") or ()
    for each in reading.of("bare"):
        if each.assumed == "only" and each.said in chosen:
            rest.pop(each.said, None)
    if rest:
        sheet.assume("", " ".join(rest)[:1000], "rest")


def _asked(sheet: Sheet, question: Question) -> Sketch:
    return Sketch(
        status="question",
        data=sheet.data,
        question=question,
        assumptions=_lasting(sheet),
    )


def _lasting(sheet: Sheet) -> tuple[Assumption, ...]:
    """The assumptions that the draft still holds."""
    return tuple(
        each for each in sheet.assumptions
        if not each.field or each.why in _PENDING or value_at(sheet.data, each.field) == each.value
    )  # fmt: skip


_PENDING: Final = frozenset(wording.texts_of("pending"))


def _checked(sheet: Sheet) -> Sketch:
    """The draft with its defaults, if nothing is wrong with it; else a question where it is."""
    if sheet.get("training.epochs") is None:
        epochs = _FEW if sheet.get("task") in _FEW_EPOCHS else EPOCHS
        sheet.set("training.epochs", epochs)
        sheet.assume("spec.training.epochs", epochs, "epochs")
    found = errors(sheet.known.surroundings.problems(sheet.data))
    if not found:
        return Sketch(status="complete", data=sheet.data, assumptions=_lasting(sheet))
    problem = found[0]
    path = problem.path.partition("[")[0]
    message = problem.message if sheet.tongue == "ko" else f"{problem.path} {problem.message}"
    asked = wording.question("problem", path, sheet.tongue, (), message=message, fix=problem.fix)
    sheet.drop(path.removeprefix("spec."))
    return _asked(sheet, asked)
