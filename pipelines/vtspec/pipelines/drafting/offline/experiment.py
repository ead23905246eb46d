"""What was read, on top of what there is, as a draft, a question, or both."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from vtspec.pipelines.drafting.context import errors
from vtspec.pipelines.drafting.language import Tongue
from vtspec.pipelines.drafting.offline.choose.experiment_target import settle_subject
from vtspec.pipelines.drafting.result import Assumption, Data, Question, Sketch, State

from . import messages
from .coverage import things_beside, unsettled
from .draft_builder import Rank, Sheet, started, value_at
from .gate_slots import settle_judging
from .gpu_slots import settle_gpus
from .mentions import Reading
from .name_index import Known
from .open_questions import keep_open, with_open
from .slot_filling import pretrained_said, settle_values, shown, shown_range
from .spec_naming import free, label_of, made_of
from .value_ranges import Range

EPOCHS: Final = 50
_FEW: Final = 3
_FEW_EPOCHS: Final = frozenset(
    {"text-generation", "image-captioning", "visual-question-answering"}
)


def assembled(known: Known, tongue: Tongue, reading: Reading, state: State) -> Sketch:
    """The sketch of an experiment on top of the draft that the words change, if any."""
    before = state.draft
    base, base_name = _base(known, reading)
    sheet = started(known, tongue, base if base is not None else before)
    sheet.edits = sheet.before is not None and sheet.get("model.name") is not None
    if base is not None and before is not None:
        _on_top(sheet.data.setdefault("spec", {}), before.get("spec") or {})
    if any(each.value is None for each in reading.of("base")):
        said = next(each.said for each in reading.of("base") if each.value is None)
        sheet.ask(Rank.BASE, "no-base", "metadata.name", _like(said, known), said=said)
    _ask_which_base(sheet, reading)
    settle_values(sheet, reading)
    settle_gpus(sheet, reading)
    settle_subject(sheet, reading)
    _ask_of_others(sheet, reading)
    settle_judging(sheet, reading)
    _settle_run(sheet, reading)
    _settle_start(sheet, reading)
    keep_open(sheet, reading, state)
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


def _ask_which_base(sheet: Sheet, reading: Reading) -> None:
    """Asks where two specs are to be changed at once: `cats-resnet50 and flowers-vit both …`."""
    found = [each for each in reading.of("base") if isinstance(each.value, str)]
    names = list(dict.fromkeys(str(each.value) for each in found))
    joined = any(0 < later.start - earlier.end <= 1 for earlier, later in pairwise(found))
    if len(names) > 1 and joined:
        sheet.ask(Rank.BASE, "bases", "metadata.name", names)


def _ask_of_others(sheet: Sheet, reading: Reading) -> None:
    """Asks where the dataset was chosen by one of several classes and lacks another."""
    others = things_beside(sheet, reading)
    if others:
        ref = sheet.get("dataset.ref")
        classes = list(sheet.known.terms[ref].dataset.classes)
        path = "spec.dataset.classes"
        sheet.ask(Rank.DATASET, "no-class", path, classes, dataset=ref, said=others[0])


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
    wishes = [each for each in rest if " " in each][:_MOST_WISHES]
    told = [each for each in rest if not any(each != wish and each in wish for wish in wishes)]
    if told:
        sheet.assume("", " ".join(told)[:1000], "rest")
    for each in reading.mentions:
        if each.assumed == "any":
            field = "spec." + {"dataset": "dataset.ref", "model": "model.name"}.get(
                each.field, each.field
            )
            value = sheet.get(field.removeprefix("spec."))
            if value is not None:
                sheet.assume(field, value, "any")


_MOST_WISHES: Final = 20


def _asked(sheet: Sheet, question: Question) -> Sketch:
    return Sketch(
        status="question",
        data=with_open(sheet, question),
        question=question,
        assumptions=_lasting(sheet),
    )


def _lasting(sheet: Sheet) -> tuple[Assumption, ...]:
    """The assumptions that the draft still holds."""
    return tuple(
        each for each in sheet.assumptions
        if not each.field or each.why in _PENDING or value_at(sheet.data, each.field) == each.value
    )  # fmt: skip


_PENDING: Final = frozenset(messages.texts_of("pending"))


def _warms_up_too_long(sheet: Sheet) -> bool:
    """Asks for a shorter warm-up where it would be all of the epochs."""
    epochs, warmup = sheet.get("training.epochs"), sheet.get("training.warmupEpochs")
    if not isinstance(epochs, int) or not isinstance(warmup, int | float) or warmup < epochs:
        return False
    allowed = shown_range(Range(False, 0, epochs, open_high=True), sheet.tongue)
    sheet.drop("training.warmupEpochs")
    path = "spec.training.warmupEpochs"
    sheet.ask(Rank.CONTRADICTION, "out", path, (), said=shown(warmup), range=allowed)
    return True


def _checked(sheet: Sheet) -> Sketch:
    """The draft with its defaults, if nothing is wrong with it; else a question where it is."""
    if sheet.get("training.epochs") is None:
        epochs = _FEW if sheet.get("task") in _FEW_EPOCHS else EPOCHS
        sheet.set("training.epochs", epochs)
        sheet.assume("spec.training.epochs", epochs, "epochs")
    if _warms_up_too_long(sheet):
        question = sheet.first_question
        assert question is not None
        return _asked(sheet, question)
    found = errors(sheet.known.surroundings.problems(sheet.data))
    if not found:
        return Sketch(status="complete", data=sheet.data, assumptions=_lasting(sheet))
    problem = found[0]
    path = problem.path.partition("[")[0]
    message = problem.message if sheet.tongue == "ko" else f"{problem.path} {problem.message}"
    asked = messages.question("problem", path, sheet.tongue, (), message=message, fix=problem.fix)
    sheet.drop(path.removeprefix("spec."))
    return _asked(sheet, asked)
