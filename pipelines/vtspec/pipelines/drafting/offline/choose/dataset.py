"""Which dataset is meant, or which have to be offered."""

from collections.abc import Iterable, Sequence

from vtspec.pipelines.drafting.offline.dataset_index import Level
from vtspec.pipelines.drafting.offline.draft_builder import Rank, Sheet
from vtspec.pipelines.drafting.offline.mentions import Mention, Reading


def settle_dataset(sheet: Sheet, reading: Reading, tasks: tuple[str, ...]) -> None:
    """The dataset that is named or described, or the only one that fits."""
    negated = {
        name
        for each in reading.negated("dataset")
        for name, level in each.value.items()
        if level >= Level.NOUN
    }
    named = _named(sheet, reading, tasks, negated)
    unknown = reading.of("unknown-dataset")
    if len(named) > 1:
        sheet.drop("dataset.ref")
        sheet.ask(Rank.CONTRADICTION, "dataset-of", "spec.dataset.ref", named)
    elif named:
        _set_dataset(sheet, named[0])
    elif unknown:
        sheet.drop("dataset.ref")
        _ask_unknown(sheet, unknown[0].value, tasks)
    else:
        _without_exact_name(sheet, reading, tasks, negated)


def _named(sheet: Sheet, reading: Reading, tasks: tuple[str, ...], negated: set[str]) -> list[str]:
    """The datasets that are named; of several the only one that fits the task."""
    named = distinct(
        name
        for each in reading.of("dataset")
        for name, level in each.value.items()
        if level == Level.NAME and name not in negated
    )
    fitting = [name for name in named if does(sheet, name, tasks)]
    return fitting if len(fitting) == 1 else named


def _without_exact_name(
    sheet: Sheet, reading: Reading, tasks: tuple[str, ...], negated: set[str]
) -> None:
    held = sheet.get("dataset.ref")
    if held is not None and not _redirects(reading):
        if held not in negated:
            return
        sheet.drop("dataset.ref")
    mentions = reading.of("dataset")
    best = _likeliest(sheet, mentions, tasks, negated)
    if len(best) == 1:
        said = next(each.said for each in mentions if best[0] in each.value)
        _set_dataset(sheet, best[0])
        sheet.assume("spec.dataset.ref", best[0], "meant-dataset", said=said)
    elif best:
        sheet.ask(Rank.DATASET, "dataset-of", "spec.dataset.ref", best)
    else:
        _without_name(sheet, reading, tasks, negated)


def _redirects(reading: Reading) -> bool:
    return any(
        level >= Level.NOUN for each in reading.of("dataset") for level in each.value.values()
    )


def _set_dataset(sheet: Sheet, name: str) -> None:
    if sheet.get("dataset.ref") not in (None, name):
        sheet.drop("dataset.classes")
        sheet.drop("training.classWeights") if isinstance(
            sheet.get("training.classWeights"), dict
        ) else None
    sheet.set("dataset.ref", name)


def _likeliest(
    sheet: Sheet, mentions: Sequence[Mention], tasks: tuple[str, ...], negated: set[str]
) -> list[str]:
    scores: dict[str, int] = {}
    weight = {Level.NAME: 9, Level.NOUN: 4, Level.CLASS: 2, Level.DESCRIBED: 1}
    for each in mentions:
        for name, level in each.value.items():
            if name not in negated:
                scores[name] = scores.get(name, 0) + weight[level]
    fits = {name: score for name, score in scores.items() if does(sheet, name, tasks)} or scores
    if not fits:
        return []
    most = max(fits.values())
    return [name for name, score in fits.items() if score == most]


def does(sheet: Sheet, name: str, tasks: Iterable[str]) -> bool:
    """Whether a dataset has labels for one of the tasks; for any where none are given."""
    wanted = set(tasks)
    return not wanted or bool(wanted & set(sheet.known.terms[name].dataset.tasks))


def _without_name(
    sheet: Sheet, reading: Reading, tasks: tuple[str, ...], negated: set[str]
) -> None:
    things = [each for each in reading.of("thing")]
    if things:
        _ask_unknown(sheet, things[0].said, tasks)
        return
    wanted = tasks or _tasks_of_model(sheet, reading)
    fitting = [
        name for name in sheet.known.terms if name not in negated and does(sheet, name, wanted)
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
        Rank.DATASET, "dataset-of" if choices else "no-datasets", "spec.dataset.ref", choices
    )


def _tasks_of_model(sheet: Sheet, reading: Reading) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in reading.of("model"):
        if isinstance(each.value, str):
            found.update(dict.fromkeys(sheet.known.models.tasks_of(each.value) or ()))
        elif isinstance(each.value, tuple):
            resolved = sheet.known.models.resolve(each.value[1], each.value[2], frozenset())
            if resolved is not None and not resolved.name.startswith("yolo"):
                found.update(dict.fromkeys(sheet.known.models.tasks_of(resolved.name) or ()))
    model = sheet.get("model.name")
    if not found and isinstance(model, str):
        found.update(dict.fromkeys(sheet.known.models.tasks_of(model) or ()))
    return tuple(found)


def _ask_unknown(sheet: Sheet, said: str, tasks: tuple[str, ...]) -> None:
    fitting = [name for name in sheet.known.terms if does(sheet, name, tasks)] or list(
        sheet.known.terms
    )
    near = _nearest_first(said, fitting)
    sheet.ask(
        Rank.DATASET, "no-dataset" if near else "no-datasets", "spec.dataset.ref", near, said=said
    )


def _nearest_first(said: str, names: list[str]) -> list[str]:
    from rapidfuzz.fuzz import ratio

    return sorted(
        names,
        key=lambda name: -ratio(said.lower(), name) if ratio(said.lower(), name) >= 60 else 0,
    )


def distinct(names: Iterable[str]) -> list[str]:
    """The names, each once, in order."""
    return list(dict.fromkeys(names))
