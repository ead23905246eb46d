"""Decides which model is meant: the named one, the usual one, or one of those offered."""

from collections.abc import Sequence

from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.drafting.offline.draft_builder import DraftBuilder, QuestionPriority
from vtspec.pipelines.drafting.offline.mentions import Mention, ParsedText

from .dataset import deduplicate


class NamedModel:
    """The model that words or the base name; `tasks` None where nothing is known of them."""

    def __init__(self, said: str | None, value: object, tasks: tuple[str, ...] | None) -> None:
        self.said = said
        self.value = value
        self.tasks = tasks


def identify_model(sheet: DraftBuilder, reading: ParsedText, tasks: tuple[str, ...]) -> NamedModel:
    """The one model that is named; what is wrong with the naming is noted as a question."""
    mentions = _merge_mentions(reading.get_mentions("model"))  # `ResNet: resnet50` names one model
    before = sheet.get("model.name")
    if not mentions:
        if isinstance(before, str) and _is_negated(sheet, before, reading.get_negated("model")):
            sheet.drop("model")
            before = None
        tasks_before = sheet.known.models.find_tasks(before) if isinstance(before, str) else None
        return NamedModel(None, before, tasks_before)
    if len(mentions) > 1:
        names = deduplicate(_get_model_name(sheet, each, tasks) for each in mentions)
        if len(names) > 1:
            sheet.drop("model.name")
            sheet.ask(QuestionPriority.CONTRADICTION, "models", "spec.model.name", names)
            return NamedModel(None, "asked", None)
    mention = mentions[0]
    if mention.value is None:
        _ask_unknown_model(sheet, mention.said, tasks)
        return NamedModel(mention.said, "asked", None)
    if isinstance(mention.value, tuple):
        return NamedModel(mention.said, mention.value, _find_family_tasks(sheet, mention.value))
    return NamedModel(mention.said, mention.value, sheet.known.models.find_tasks(mention.value))


def _is_negated(sheet: DraftBuilder, name: str, negated: Sequence[Mention]) -> bool:
    return any(
        name == _get_model_name(sheet, each, ()) for each in negated if each.value is not None
    )


def _merge_mentions(mentions: Sequence[Mention]) -> list[Mention]:
    """Mentions of one model once: a bare family beside its member says nothing more."""
    exact = [each for each in mentions if isinstance(each.value, str)]
    starts = [str(one.value).rpartition("/")[2].lower() for one in exact]
    bare = [each for each in mentions if isinstance(each.value, tuple) and not each.value[2]]
    told = [each for each in bare if any(start.startswith(each.value[1]) for start in starts)]
    return [each for each in mentions if each not in told]


def _get_model_name(sheet: DraftBuilder, mention: Mention, tasks: tuple[str, ...]) -> str:
    if isinstance(mention.value, tuple):
        found = sheet.known.models.resolve(mention.value[1], mention.value[2], frozenset(tasks))
        return found.name if found is not None else mention.said
    return str(mention.value or mention.said)


def _find_family_tasks(
    sheet: DraftBuilder, value: tuple[str, str, tuple[str, ...]]
) -> tuple[str, ...] | None:
    """What members of the family do, those that fit the words where they pin one."""
    models = sheet.known.models
    found = models.resolve(value[1], value[2], frozenset())
    if found is not None and not found.usual:
        return models.find_tasks(found.name)
    tasks: dict[str, None] = {}
    # families of `vit` have hundreds of members
    for name in models.list_members(value[1], frozenset())[:400]:
        tasks.update(dict.fromkeys(models.entries[name].tasks))
    return tuple(tasks) or None


def _ask_unknown_model(sheet: DraftBuilder, said: str, tasks: tuple[str, ...]) -> None:
    from rapidfuzz.fuzz import ratio
    from rapidfuzz.process import extract

    from vtspec.pipelines.drafting.offline.text import normalize_name

    models = sheet.known.models
    wanted = frozenset(tasks) or frozenset(_get_dataset_tasks(sheet))
    able = {
        short: name
        for short, name in models.by_short.items()
        if not wanted or wanted & set(models.find_tasks(name) or ())
    }
    near = extract(normalize_name(said), list(able), scorer=ratio, limit=8, score_cutoff=60)
    sheet.drop("model.name")
    choices = deduplicate(able[short] for short, _, _ in near)[:5]
    if not choices and len(wanted) == 1:
        choices = _list_task_models(sheet, *wanted)[:5]
    sheet.ask(QuestionPriority.MODEL, "no-model", "spec.model.name", choices, said=said)


def _list_task_models(sheet: DraftBuilder, task: str) -> list[str]:
    """Models that do a task and read the dataset, the usual one first."""
    allowed, models = get_framework_support(sheet), sheet.known.models
    usual = models.find_default_model(task, allowed)
    if usual is None:
        return []
    near = models.list_siblings(usual, frozenset({task}))
    fitting = [each for each in near if allowed.get(models.entries[each].framework, True)]
    return deduplicate([usual, *fitting])


def _get_dataset_tasks(sheet: DraftBuilder) -> tuple[str, ...]:
    terms = sheet.known.terms.get(sheet.get("dataset.ref") or "")
    return terms.dataset.tasks if terms is not None else ()


def resolve_model(sheet: DraftBuilder, reading: ParsedText, model: NamedModel) -> None:
    """The model by its catalog name, the usual one where none is named, or a question."""
    if model.value == "asked":
        return
    task = sheet.get("task")
    if model.value is None:
        if reading.leaves_open("spec.model.name"):
            return  # it is asked again: an answer that names no model chooses none
        _set_default_model(sheet, task, [each.value for each in reading.get_negated("model")])
        return
    name = _resolve_model_name(sheet, model, task)
    changed = name != sheet.get("model.name")
    if changed:
        _drop_stale_fields(sheet, name)
    # without a word about it the model of the base stays as it is written
    if model.said is not None:
        sheet.set("model.name", name)
    _check_fit(sheet, name, task)


def _resolve_model_name(sheet: DraftBuilder, model: NamedModel, task: object) -> str:
    if not isinstance(model.value, tuple):
        return str(model.value)
    _, family, words = model.value
    wanted = frozenset({task}) if isinstance(task, str) else frozenset[str]()
    found = sheet.known.models.resolve(family, words, wanted)
    assert found is not None  # a mention of a family holds words that some member fits
    if found.usual:
        sheet.assume("spec.model.name", found.name, "usual-member", said=model.said)
    return found.name


def _drop_stale_fields(sheet: DraftBuilder, name: str) -> None:
    frameworks = sheet.known.models.list_frameworks(name)
    if sheet.get("framework") is not None and sheet.get("framework") not in frameworks:
        sheet.drop("framework")
    # the weights of a run fit no other model
    if sheet.get("model.weights") is not None and sheet.edits:
        sheet.drop("model.weights")


def _set_default_model(sheet: DraftBuilder, task: object, unwanted: Sequence[object]) -> None:
    if not isinstance(task, str) or sheet.get("dataset.ref") is None:
        return
    name = sheet.known.models.find_default_model(task, get_framework_support(sheet))
    if name is None:
        sheet.ask(QuestionPriority.MODEL, "no-model-for", "spec.model.name", (), task=task)
        return
    if name in unwanted:  # `resnet50 말고 다른 거`, and resnet50 is the usual one
        others = [each for each in _list_task_models(sheet, task) if each not in unwanted]
        sheet.ask(QuestionPriority.MODEL, "models", "spec.model.name", others[:5])
        return
    sheet.set("model.name", name)
    sheet.assume("spec.model.name", name, "usual-model", task=task)


def get_framework_support(sheet: DraftBuilder) -> dict[str, bool]:
    """Whether each framework reads the format of the dataset."""
    terms = sheet.known.terms.get(sheet.get("dataset.ref") or "")
    frameworks = load_frameworks()
    said = sheet.get("framework")
    return {
        name: (terms is None or terms.dataset.format in each.formats) and said in (None, name)
        for name, each in frameworks.items()
    }


def _check_fit(sheet: DraftBuilder, name: str, task: object) -> None:
    """Asks for another model where this one does not do the task of the dataset."""
    tasks = sheet.known.models.find_tasks(name)
    ref = sheet.get("dataset.ref")
    if tasks is None or not isinstance(ref, str) or ref not in sheet.known.terms:
        return
    has = sheet.known.terms[ref].dataset.tasks
    wanted = [task] if isinstance(task, str) else list(has)
    if set(wanted) & set(tasks):
        return
    allowed = get_framework_support(sheet)
    siblings = sheet.known.models.list_siblings(name, frozenset(wanted))
    choices = [
        each for each in siblings if allowed.get(sheet.known.models.entries[each].framework, True)
    ]
    sheet.drop("model.name")
    if any(
        # the task is asked already, and its answer may make the model fit
        each[0] == QuestionPriority.CONTRADICTION and each[2].field == "spec.task"
        for each in sheet.questions
    ):
        return
    sheet.ask(
        QuestionPriority.MODEL,
        "misfit",
        "spec.model.name",
        choices or siblings,
        model=name,
        task=wanted[0],
        dataset=ref,
    )
