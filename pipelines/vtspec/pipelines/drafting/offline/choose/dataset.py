"""Decides which dataset is meant, or which have to be offered."""

from collections.abc import Iterable, Sequence
from posixpath import normpath

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.drafting.offline.dataset_index import MatchLevel
from vtspec.pipelines.drafting.offline.draft_builder import DraftBuilder, QuestionPriority
from vtspec.pipelines.drafting.offline.mentions import Mention, ParsedText
from vtspec.pipelines.drafting.offline.rules.dataset_mentions import find_class
from vtspec.pipelines.drafting.offline.spec_naming import make_dns_label


def resolve_dataset(sheet: DraftBuilder, reading: ParsedText, tasks: tuple[str, ...]) -> None:
    """The dataset that is named or described, or the only one that fits."""
    negated = {
        name
        for each in reading.get_negated("dataset")
        for name, level in each.value.items()
        if level >= MatchLevel.NOUN
    }
    named = _find_named_datasets(sheet, reading, tasks, negated)
    unknown = reading.get_mentions("unknown-dataset")
    folder = _find_data_folder(reading, named=bool(named))
    if folder is not None or unknown:
        path = str(folder.value) if folder is not None else str(unknown[0].value)
        lies_there = _find_at_path(sheet, path)
        named = deduplicate([*named, *lies_there])
        if folder is not None and not lies_there:
            _ask_to_register(sheet, folder, named)
            return
    if len(named) > 1:  # an experiment has one dataset
        sheet.drop("dataset.ref")
        sheet.ask(QuestionPriority.CONTRADICTION, "dataset-of", "spec.dataset.ref", named)
    elif named:
        _set_dataset(sheet, named[0])
    elif unknown:  # before descriptions: `strawberry dataset` is none of those that are here
        sheet.drop("dataset.ref")
        wanted = tasks or _get_model_tasks(sheet, reading)
        _ask_unknown_dataset(sheet, unknown[0].value, wanted)
    else:
        _resolve_described_dataset(sheet, reading, tasks, negated)


def _find_data_folder(reading: ParsedText, *, named: bool) -> Mention | None:
    """The folder that is said to hold the data; where a dataset is named, only by that word."""
    for each in reversed(reading.get_mentions("path")):
        if each.assumed == "data" or not named or reading.asked == "spec.dataset.ref":
            each.assumed = "data"
            return each
    return None


def _find_at_path(sheet: DraftBuilder, path: str) -> list[str]:
    """The datasets whose data lies there."""
    wanted = normpath(path)
    facts = ((name, terms.dataset.path) for name, terms in sheet.known.terms.items())
    return [name for name, held in facts if held is not None and normpath(held) == wanted]


def _ask_to_register(sheet: DraftBuilder, folder: Mention, others: list[str]) -> None:
    name = make_dns_label(normpath(folder.value).rpartition("/")[2])
    command = ["vtspec", "datasets", "add", folder.said, *(["--name", name] if name else [])]
    said = {"said": folder.said, "command": format_command(*command)}
    key = "folder-or" if others else "folder-new"
    sheet.drop("dataset.ref")
    sheet.ask(QuestionPriority.DATASET, key, "spec.dataset.ref", others, **said)


def _find_named_datasets(
    sheet: DraftBuilder, reading: ParsedText, tasks: tuple[str, ...], negated: set[str]
) -> list[str]:
    """The datasets that are named; of several the only one that fits the task."""
    named = deduplicate(
        name
        for each in reading.get_mentions("dataset")
        for name, level in each.value.items()
        if level == MatchLevel.NAME and name not in negated
    )
    # `cats랑 street 탐지`: only one of them has boxes
    fitting = [name for name in named if has_task_labels(sheet, name, tasks)]
    return fitting if len(fitting) == 1 else named


def _resolve_described_dataset(
    sheet: DraftBuilder, reading: ParsedText, tasks: tuple[str, ...], negated: set[str]
) -> None:
    held = sheet.get("dataset.ref")
    # a class or a word of a description does not change the dataset of a draft
    if held is not None and not _has_strong_mention(reading):
        if held not in negated:
            return
        sheet.drop("dataset.ref")
    if reading.classes and held is None:
        wanted = tasks or _get_model_tasks(sheet, reading)
        _resolve_by_classes(sheet, reading.classes, wanted)
        return
    mentions = reading.get_mentions("dataset")
    best = _select_best_datasets(sheet, mentions, tasks, negated)
    if len(best) == 1:
        said = next(each.said for each in mentions if best[0] in each.value)
        _set_dataset(sheet, best[0])
        sheet.assume("spec.dataset.ref", best[0], "meant-dataset", said=said)
    elif best:
        sheet.ask(QuestionPriority.DATASET, "dataset-of", "spec.dataset.ref", best)
    else:
        _resolve_unnamed_dataset(sheet, reading, tasks, negated)


def _resolve_by_classes(
    sheet: DraftBuilder, classes: Sequence[str], tasks: tuple[str, ...]
) -> None:
    """The dataset that has all of the classes that were listed; else it is asked for."""
    fitting = [name for name in sheet.known.terms if has_task_labels(sheet, name, tasks)]
    able = [
        name
        for name in fitting
        if all(find_class(each, sheet.known.terms[name].dataset.classes) for each in classes)
    ]
    if len(able) == 1:
        _set_dataset(sheet, able[0])
        sheet.assume("spec.dataset.ref", able[0], "meant-dataset", said=", ".join(classes))
        return
    # kept until the dataset is known
    sheet.set("dataset.classes", list(classes))
    key = "dataset-of" if able else "no-dataset" if fitting else "no-datasets"
    choices, said = able or fitting, ", ".join(classes)
    sheet.ask(QuestionPriority.DATASET, key, "spec.dataset.ref", choices, said=said)


def _has_strong_mention(reading: ParsedText) -> bool:
    return any(
        level >= MatchLevel.NOUN
        for each in reading.get_mentions("dataset")
        for level in each.value.values()
    )


def _set_dataset(sheet: DraftBuilder, name: str) -> None:
    if sheet.get("dataset.ref") not in (None, name):
        sheet.drop("dataset.classes")
        if isinstance(sheet.get("training.classWeights"), dict):  # weights by the old classes
            sheet.drop("training.classWeights")
    sheet.set("dataset.ref", name)


def _select_best_datasets(
    sheet: DraftBuilder, mentions: Sequence[Mention], tasks: tuple[str, ...], negated: set[str]
) -> list[str]:
    scores: dict[str, int] = {}
    # a name outweighs two nouns, a noun a class and a description
    weight = {MatchLevel.NAME: 9, MatchLevel.NOUN: 4, MatchLevel.CLASS: 2, MatchLevel.DESCRIBED: 1}
    for each in mentions:
        for name, level in each.value.items():
            if name not in negated:
                scores[name] = scores.get(name, 0) + weight[level]
    fits = {
        name: score for name, score in scores.items() if has_task_labels(sheet, name, tasks)
    } or scores
    if not fits:
        return []
    most = max(fits.values())
    return [name for name, score in fits.items() if score == most]


def has_task_labels(sheet: DraftBuilder, name: str, tasks: Iterable[str]) -> bool:
    """Whether a dataset has labels for one of the tasks; for any where none are given."""
    wanted = set(tasks)
    return not wanted or bool(wanted & set(sheet.known.terms[name].dataset.tasks))


def _resolve_unnamed_dataset(
    sheet: DraftBuilder, reading: ParsedText, tasks: tuple[str, ...], negated: set[str]
) -> None:
    if reading.leaves_open("spec.dataset.ref"):
        return  # it is asked again: what fits none of the choices chooses none
    things = reading.get_mentions("thing")
    if things:  # `강아지 데이터로`: a dataset of dogs is asked about
        _ask_unknown_dataset(sheet, things[0].said, tasks)
        return
    wanted = tasks or _get_model_tasks(sheet, reading)
    fitting = [
        name
        for name in sheet.known.terms
        if name not in negated and has_task_labels(sheet, name, wanted)
    ]
    if tasks and len(tasks) > 1:
        # A broad word means its usual task first.
        usual = [name for name in fitting if tasks[0] in sheet.known.terms[name].dataset.tasks]
        fitting = usual or fitting
    if wanted and len(fitting) == 1:
        sheet.set("dataset.ref", fitting[0])
        sheet.assume("spec.dataset.ref", fitting[0], "only-dataset")
        return
    choices = fitting or [name for name in sheet.known.terms if name not in negated]
    sheet.ask(
        QuestionPriority.DATASET,
        "dataset-of" if choices else "no-datasets",
        "spec.dataset.ref",
        choices,
    )


def _get_model_tasks(sheet: DraftBuilder, reading: ParsedText) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in reading.get_mentions("model"):
        if isinstance(each.value, str):
            found.update(dict.fromkeys(sheet.known.models.find_tasks(each.value) or ()))
        elif isinstance(each.value, tuple):
            resolved = sheet.known.models.resolve(each.value[1], each.value[2], frozenset())
            # a YOLO has a variant for every task
            if resolved is not None and not resolved.name.startswith("yolo"):
                found.update(dict.fromkeys(sheet.known.models.find_tasks(resolved.name) or ()))
    model = sheet.get("model.name")
    if not found and isinstance(model, str):
        found.update(dict.fromkeys(sheet.known.models.find_tasks(model) or ()))
    return tuple(found)


def _ask_unknown_dataset(sheet: DraftBuilder, said: str, tasks: tuple[str, ...]) -> None:
    fitting = [name for name in sheet.known.terms if has_task_labels(sheet, name, tasks)] or list(
        sheet.known.terms
    )
    near = _sort_by_similarity(said, fitting)
    sheet.ask(
        QuestionPriority.DATASET,
        "no-dataset" if near else "no-datasets",
        "spec.dataset.ref",
        near,
        said=said,
    )


def _sort_by_similarity(said: str, names: list[str]) -> list[str]:
    from rapidfuzz.fuzz import ratio

    return sorted(
        names,
        key=lambda name: -ratio(said.lower(), name) if ratio(said.lower(), name) >= 60 else 0,
    )


def deduplicate(names: Iterable[str]) -> list[str]:
    """The names, each once, in order."""
    return list(dict.fromkeys(names))
