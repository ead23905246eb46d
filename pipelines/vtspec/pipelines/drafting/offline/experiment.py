"""Assembles what was read, on top of what there is, into a draft, a question, or both."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.drafting.offline.choose.experiment_target import resolve_subject
from vtspec.pipelines.drafting.result import Assumption, ConversationState, Data, Draft, Question
from vtspec.pipelines.language import Tongue
from vtspec.pipelines.project.spec_names import find_free_name

from . import messages
from .coverage import list_missing_classes, list_unresolved
from .draft_builder import DraftBuilder, MutableData, QuestionPriority, find_value, make_builder
from .gate_slots import resolve_evaluation
from .gpu_slots import resolve_gpus
from .mentions import ParsedText
from .name_index import NameIndex
from .open_questions import attach_open_questions, repeat_open_questions
from .slot_filling import (
    detect_pretrained,
    format_held,
    format_number,
    format_range,
    resolve_values,
)
from .spec_naming import make_dns_label, make_draft_name
from .value_ranges import CHOICES_OF_FIELDS, NUMBERS, Range

EPOCHS: Final = 50
_FEW: Final = 3
_FEW_EPOCHS: Final = frozenset(
    {"text-generation", "image-captioning", "visual-question-answering"}
)


def assemble_draft(
    known: NameIndex, tongue: Tongue, reading: ParsedText, state: ConversationState
) -> Draft:
    """Drafts an experiment on top of the draft or the spec that the words change, if any."""
    before = state.draft
    base, base_name = _find_base_spec(known, reading)
    sheet = make_builder(known, tongue, base if base is not None else before)
    sheet.edits = sheet.before is not None and sheet.get("model.name") is not None
    # a base that answers a question keeps what was said before it
    if base is not None and before is not None:
        _merge_changes(sheet.data.setdefault("spec", {}), before.get("spec") or {})
    if any(each.value is None for each in reading.get_mentions("base")):
        said = next(each.said for each in reading.get_mentions("base") if each.value is None)
        sheet.ask(
            QuestionPriority.BASE,
            "no-base",
            "metadata.name",
            _rank_similar_specs(said, known),
            said=said,
        )
    _ask_which_base(sheet, reading)
    resolve_values(sheet, reading)
    resolve_gpus(sheet, reading)
    resolve_subject(sheet, reading)
    _ask_missing_class(sheet, reading)
    resolve_evaluation(sheet, reading)  # after the task, whose metrics the gates are on
    _ask_about_wishes(sheet, reading)
    _resolve_run_weights(sheet, reading)
    _resolve_framework_weights(sheet, reading)
    repeat_open_questions(sheet, reading, state)
    _resolve_name(sheet, reading, base_name)
    _report_interpretation(sheet, reading)
    question = sheet.first_question
    if question is not None:
        return _build_question_draft(sheet, question)
    return _finish_draft(sheet)


def _find_base_spec(known: NameIndex, reading: ParsedText) -> tuple[Data | None, str | None]:
    names = [each.value for each in reading.get_mentions("base") if isinstance(each.value, str)]
    for name in names[-1:]:
        data = known.repository.sound_experiments.get(name)
        if data is not None:
            return data, name
    return None, None


def _ask_which_base(sheet: DraftBuilder, reading: ParsedText) -> None:
    """Asks where two specs are to be changed at once: `cats-resnet50 and flowers-vit both …`."""
    found = [each for each in reading.get_mentions("base") if isinstance(each.value, str)]
    names = list(dict.fromkeys(str(each.value) for each in found))
    joined = any(0 < later.start - earlier.end <= 1 for earlier, later in pairwise(found))
    if len(names) > 1 and joined:
        sheet.ask(QuestionPriority.BASE, "bases", "metadata.name", names)


def _ask_missing_class(sheet: DraftBuilder, reading: ParsedText) -> None:
    """Asks where the dataset was chosen by one of several classes and lacks another."""
    others = list_missing_classes(sheet, reading)
    if others:
        ref = sheet.get("dataset.ref")
        classes = list(sheet.known.terms[ref].dataset.classes)
        path = "spec.dataset.classes"
        sheet.ask(QuestionPriority.DATASET, "no-class", path, classes, dataset=ref, said=others[0])


def _ask_about_wishes(sheet: DraftBuilder, reading: ParsedText) -> None:
    """Asks how much is meant where a field is to change, and no value was said."""
    for each in reading.wishes:
        held = sheet.get(each.field)
        if held is None and each.field in NUMBERS:
            held = NUMBERS[each.field].default
        choices = CHOICES_OF_FIELDS.get(each.field, ())
        key = "how-much" if held is None else "how-much-now"
        path = f"spec.{each.field}"
        rank = QuestionPriority.CONTRADICTION
        sheet.ask(rank, key, path, choices, said=each.said, held=format_held(held))


def _merge_changes(data: MutableData, changes: Data) -> None:
    for key, value in changes.items():
        held = data.get(key)
        if isinstance(held, dict) and isinstance(value, Mapping):
            _merge_changes(held, value)
        else:
            data[key] = value


def _rank_similar_specs(said: str, known: NameIndex) -> list[str]:
    from rapidfuzz.fuzz import ratio

    names = list(known.repository.sound_experiments)
    return sorted(names, key=lambda name: -ratio(said.lower(), name))


def _resolve_run_weights(sheet: DraftBuilder, reading: ParsedText) -> None:
    for each in reading.get_mentions("run"):
        if isinstance(each.value, str):
            sheet.set("model.weights", f"run:{each.value}")


def _resolve_framework_weights(sheet: DraftBuilder, reading: ParsedText) -> None:
    """Decides the framework, and the weights to start from."""
    name = sheet.get("model.name")
    if not isinstance(name, str):
        said = detect_pretrained(reading)
        if said is not None:
            sheet.set("model.pretrained", said)
        return
    models = sheet.known.models
    frameworks = models.list_frameworks(name)
    if len(frameworks) > 1 and sheet.get("framework") is None:
        sheet.set("framework", frameworks[0])
        sheet.assume("spec.framework", frameworks[0], "framework")
    said = detect_pretrained(reading)
    if sheet.get("model.weights") is not None:
        sheet.drop("model.pretrained")
    elif said is not None:
        sheet.set("model.pretrained", said)
    # an edit leaves the weights of its base alone
    elif sheet.get("model.pretrained") is None and not sheet.edits:
        if models.has_pretrained_weights(name):
            sheet.set("model.pretrained", True)
            sheet.assume("spec.model.pretrained", True, "pretrained")
    elif (
        sheet.get("model.pretrained") is True
        and frameworks
        and not models.has_pretrained_weights(name)
    ):
        sheet.set("model.pretrained", False)
        sheet.assume("spec.model.pretrained", False, "no-weights")


def _resolve_name(sheet: DraftBuilder, reading: ParsedText, base_name: str | None) -> None:
    taken = sheet.known.repository.find_spec_files("Experiment")
    metadata = sheet.data["metadata"]
    said = reading.get_mentions("name")
    if said:
        _set_given_name(sheet, str(said[-1].value))
        return
    subject = _find_subject(sheet.data)
    before = None if sheet.before is None else _find_subject(sheet.before)
    held = metadata.get("name")
    if isinstance(held, str):
        changed = before is not None and before != subject and subject is not None
        made = before is not None and find_free_name(
            make_draft_name(*before), ()
        ) == _strip_number_suffix(held, before)
        if base_name is None and not (changed and made and held not in taken):
            return
        name = make_draft_name(*subject) if changed and subject is not None else held
        metadata["name"] = find_free_name(name, taken)
        if metadata["name"] != held:
            sheet.assume("metadata.name", metadata["name"], "name" if changed else "name-taken")
    elif subject is not None and sheet.first_question is None:
        metadata["name"] = find_free_name(make_draft_name(*subject), taken)
        sheet.assume("metadata.name", metadata["name"], "name")


def _strip_number_suffix(name: str, subject: tuple[str, str]) -> str:
    made = make_draft_name(*subject)
    return made if name.startswith(made) and name[len(made) :].lstrip("-").isdigit() else name


def _set_given_name(sheet: DraftBuilder, said: str) -> None:
    taken = sheet.known.repository.find_spec_files("Experiment")
    label = make_dns_label(said)
    if not label:
        sheet.ask(QuestionPriority.REST, "bad-name", "metadata.name", (), said=said)
        return
    name = find_free_name(label, taken)
    sheet.data["metadata"]["name"] = name
    if name != said:
        sheet.assume("metadata.name", name, "name-taken" if name != label else "name-shaped")


def _find_subject(data: Data) -> tuple[str, str] | None:
    ref, model = find_value(data, "spec.dataset.ref"), find_value(data, "spec.model.name")
    return (ref, model) if isinstance(ref, str) and isinstance(model, str) else None


def _report_interpretation(sheet: DraftBuilder, reading: ParsedText) -> None:
    """Says what was read otherwise than it was typed, and what was not understood."""
    for typed, meant in reading.mended:
        sheet.assume("", typed, "mended", meant=meant)
    rest = dict.fromkeys([*reading.rest, *list_unresolved(sheet, reading)])
    # Classes may be numbers, which nothing else explains.
    chosen = sheet.get("dataset.classes") or ()
    for each in reading.get_mentions("bare"):
        if each.assumed == "only" and each.said in chosen:
            rest.pop(each.said, None)
    for name in reading.classes if chosen else ():
        rest.pop(name, None)
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


def _build_question_draft(sheet: DraftBuilder, question: Question) -> Draft:
    return Draft(
        status="question",
        data=attach_open_questions(sheet, question),
        question=question,
        assumptions=_keep_valid_assumptions(sheet),
    )


def _keep_valid_assumptions(sheet: DraftBuilder) -> tuple[Assumption, ...]:
    """The assumptions that the draft still holds."""
    return tuple(
        each
        for each in sheet.assumptions
        if not each.field
        or each.why in _PENDING
        or find_value(sheet.data, each.field) == each.value
    )


_PENDING: Final = frozenset(messages.get_reason_texts("pending"))


def _ask_shorter_warmup(sheet: DraftBuilder) -> bool:
    """Asks for a shorter warm-up where it would be all of the epochs."""
    epochs, warmup = sheet.get("training.epochs"), sheet.get("training.warmupEpochs")
    if not isinstance(epochs, int) or not isinstance(warmup, int | float) or warmup < epochs:
        return False
    allowed = format_range(Range(False, 0, epochs, open_high=True), sheet.tongue)
    sheet.drop("training.warmupEpochs")
    path = "spec.training.warmupEpochs"
    sheet.ask(
        QuestionPriority.CONTRADICTION, "out", path, (), said=format_number(warmup), range=allowed
    )
    return True


def _finish_draft(sheet: DraftBuilder) -> Draft:
    """The draft with its defaults, if nothing is wrong with it; else a question where it is."""
    if sheet.get("training.epochs") is None:
        epochs = _FEW if sheet.get("task") in _FEW_EPOCHS else EPOCHS
        sheet.set("training.epochs", epochs)
        sheet.assume("spec.training.epochs", epochs, "epochs")
    if _ask_shorter_warmup(sheet):
        question = sheet.first_question
        assert question is not None
        return _build_question_draft(sheet, question)
    found = filter_errors(find_problems(sheet.data, sheet.known.repository))
    if not found:
        return Draft(
            status="complete", data=sheet.data, assumptions=_keep_valid_assumptions(sheet)
        )
    problem = found[0]
    path = problem.path.partition("[")[0]
    message = problem.message if sheet.tongue == "ko" else f"{problem.path} {problem.message}"
    asked = messages.build_question(
        "problem", path, sheet.tongue, (), message=message, fix=problem.fix
    )
    sheet.drop(path.removeprefix("spec."))  # beside a question stands only what is sound
    return _build_question_draft(sheet, asked)
