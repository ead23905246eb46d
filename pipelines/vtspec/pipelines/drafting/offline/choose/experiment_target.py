"""Dataset, task, model and classes: what an experiment is about, decided together."""

from vtspec.pipelines.drafting.offline.draft_builder import Rank, Sheet
from vtspec.pipelines.drafting.offline.mentions import Reading

from .classes import settle_classes
from .dataset import does, settle_dataset
from .model import Named, named_model, settle_model


def settle_subject(sheet: Sheet, reading: Reading) -> None:
    """Decides dataset, task, model and classes, or notes what has to be asked of them."""
    tasks = said_tasks(reading)
    settle_dataset(sheet, reading, tasks)
    model = named_model(sheet, reading, tasks)
    vague = all(each.assumed == "vague" for each in reading.of("task"))
    settle_task(sheet, () if vague and not _has_one(sheet, tasks) else tasks, model)
    settle_model(sheet, reading, model)
    settle_classes(sheet, reading)


def said_tasks(reading: Reading) -> tuple[str, ...]:
    """The tasks that the words leave, the likeliest first; empty where they say none."""
    found: tuple[str, ...] = ()
    for each in reading.of("task"):
        both = tuple(task for task in each.value if task in found)
        if not found or both:
            found = both or each.value
        else:
            found = (*found, *each.value)
    return found


def _has_one(sheet: Sheet, tasks: tuple[str, ...]) -> bool:
    ref = sheet.get("dataset.ref")
    return not isinstance(ref, str) or ref not in sheet.known.terms or does(sheet, ref, tasks)


def settle_task(sheet: Sheet, tasks: tuple[str, ...], model: "Named") -> None:
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
    if not able and model.tasks is not None:
        sheet.drop("task")
        return
    sheet.drop("task")
    sheet.ask(Rank.TASK, "task", "spec.task", able or fits)


def _ask_other_dataset(
    sheet: Sheet, name: str, tasks: tuple[str, ...], has: tuple[str, ...]
) -> None:
    others = [each for each in sheet.known.terms if does(sheet, each, tasks)]
    if others:
        sheet.drop("dataset.ref")
        if len(tasks) == 1:
            sheet.set("task", tasks[0])
        sheet.ask(
            Rank.CONTRADICTION,
            "no-labels",
            "spec.dataset.ref",
            others,
            dataset=name,
            task=tasks[0],
        )
    else:
        sheet.drop("task")
        sheet.ask(
            Rank.CONTRADICTION, "no-labels-at-all", "spec.task", has, dataset=name, task=tasks[0]
        )
