"""Decides dataset, task, model and classes in turn, as each narrows the next."""

from vtspec.pipelines.drafting.offline.draft_builder import DraftBuilder, QuestionPriority
from vtspec.pipelines.drafting.offline.mentions import ParsedText

from .classes import resolve_classes
from .dataset import has_task_labels, resolve_dataset
from .model import NamedModel, identify_model, resolve_model


def resolve_subject(sheet: DraftBuilder, reading: ParsedText) -> None:
    """Decides dataset, task, model and classes, or notes what has to be asked of them."""
    tasks = collect_tasks(reading)
    resolve_dataset(sheet, reading, tasks)
    model = identify_model(sheet, reading, tasks)
    # `cats 찾는`: nobody who says so insists on boxes
    vague = all(each.assumed == "vague" for each in reading.get_mentions("task"))
    resolve_task(sheet, () if vague and not _has_any_task(sheet, tasks) else tasks, model)
    resolve_model(sheet, reading, model)
    resolve_classes(sheet, reading)


def collect_tasks(reading: ParsedText) -> tuple[str, ...]:
    """The tasks that the words leave, the likeliest first; empty where they say none."""
    found: tuple[str, ...] = ()
    for each in reading.get_mentions("task"):
        both = tuple(task for task in each.value if task in found)
        if not found or both:
            # `object detection, bounding boxes`: two words narrow each other
            found = both or each.value
        else:
            found = (*found, *each.value)
    return found


def _has_any_task(sheet: DraftBuilder, tasks: tuple[str, ...]) -> bool:
    ref = sheet.get("dataset.ref")
    return (
        not isinstance(ref, str)
        or ref not in sheet.known.terms
        or has_task_labels(sheet, ref, tasks)
    )


def resolve_task(sheet: DraftBuilder, tasks: tuple[str, ...], model: "NamedModel") -> None:
    """The task that words, dataset and model have in common."""
    ref = sheet.get("dataset.ref")
    terms = sheet.known.terms.get(ref) if isinstance(ref, str) else None
    if terms is None:
        # Until the dataset is known, only what is beyond doubt is noted.
        if len(tasks) == 1:
            sheet.set("task", tasks[0])
        return
    has = terms.dataset.tasks
    before = sheet.get("task")
    wanted = tasks or ((before,) if isinstance(before, str) and before in has else ())
    fits = [task for task in (wanted or has) if task in has]
    if not fits:
        _ask_other_dataset(sheet, terms.dataset.name, tasks, has)
        return
    able = [task for task in fits if model.tasks is None or task in model.tasks]
    if len(able) == 1 or (len(fits) == 1 and not able):
        chosen = (able or fits)[0]
        if not tasks and chosen != before:
            sheet.assume("spec.task", chosen, "said-by-data" if len(has) == 1 else "only-task")
        sheet.set("task", chosen)
        return
    # left to the question about the model, which fits none of them
    if not able and model.tasks is not None:
        sheet.drop("task")
        return
    sheet.drop("task")
    sheet.ask(QuestionPriority.TASK, "task", "spec.task", able or fits)


def _ask_other_dataset(
    sheet: DraftBuilder, name: str, tasks: tuple[str, ...], has: tuple[str, ...]
) -> None:
    others = [each for each in sheet.known.terms if has_task_labels(sheet, each, tasks)]
    if others:
        sheet.drop("dataset.ref")
        if len(tasks) == 1:
            sheet.set("task", tasks[0])
        sheet.ask(
            QuestionPriority.CONTRADICTION,
            "no-labels",
            "spec.dataset.ref",
            others,
            dataset=name,
            task=tasks[0],
        )
    else:
        sheet.drop("task")
        sheet.ask(
            QuestionPriority.CONTRADICTION,
            "no-labels-at-all",
            "spec.task",
            has,
            dataset=name,
            task=tasks[0],
        )
