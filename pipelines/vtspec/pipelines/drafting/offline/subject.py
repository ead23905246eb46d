"""Dataset, task, model and classes: what an experiment is about, decided together."""

from vtspec.schema.tasks import CLASSLESS_TASKS

from .choose_dataset import distinct, does, settle_dataset
from .choose_model import Named, named_model, settle_model
from .datasets import Level
from .mentions import Mention, Reading
from .sheet import Rank, Sheet
from .things import class_of


def settle_subject(sheet: Sheet, reading: Reading) -> None:
    """Decides dataset, task, model and classes, or notes what has to be asked of them."""
    tasks = said_tasks(reading)
    settle_dataset(sheet, reading, tasks)
    model = named_model(sheet, reading, tasks)
    settle_task(sheet, tasks, model)
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


# --- dataset


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


# --- model


def settle_classes(sheet: Sheet, reading: Reading) -> None:
    """The classes that are wanted of the dataset; a number of them has to agree with it."""
    terms = sheet.known.terms.get(sheet.get("dataset.ref") or "")
    if terms is None or set(terms.dataset.tasks) <= CLASSLESS_TASKS:
        return
    dataset = terms.dataset
    # The name of the dataset itself is no class, unless it is said that only it is wanted.
    own = {each.start for each in reading.of("dataset") if _names_it(each, dataset.name)}
    things = [each for each in reading.of("thing") if each.assumed or each.start not in own]
    # Classes may be numbers: `digits에서 0이랑 1만`.
    numbers = [
        each for each in reading.of("bare") if each.assumed and each.said in dataset.classes
    ]
    if len(numbers) > 1:
        things = sorted([*things, *numbers], key=lambda each: each.start)
    others = [each for each in things if each.start not in own]
    things = others if any(each.assumed for each in others) else things
    named = [(each, class_of(_class_words(each), dataset.classes)) for each in things]
    restricts = any(each.assumed for each in things)
    wanted = distinct(
        name for each, name in named if name is not None and (each.assumed or not restricts)
    )
    missing = [
        each
        for each, name in named
        if name is None and each.assumed and not _explained(terms, each)
    ]
    if missing:
        sheet.ask(
            Rank.CONTRADICTION,
            "no-class",
            "spec.dataset.classes",
            dataset.classes,
            dataset=dataset.name,
            said=missing[0].said,
        )
        return
    left_out = {class_of(each.value, dataset.classes) for each in reading.negated("thing")} - {
        None
    }
    if left_out and not wanted:
        wanted = [name for name in dataset.classes if name not in left_out]
    if (
        wanted
        and (restricts or left_out or len(wanted) > 1)
        and set(wanted) != set(dataset.classes)
    ):
        sheet.set("dataset.classes", wanted)
        if not restricts:
            sheet.assume("spec.dataset.classes", wanted, "classes")
    _check_count(sheet, reading, dataset.name, dataset.classes)


def _names_it(mention: Mention, name: str) -> bool:
    return bool(mention.value.get(name, 0) >= Level.NOUN)


def _class_words(mention: Mention) -> str:
    return mention.value if isinstance(mention.value, str) else mention.said


def _explained(terms: object, each: Mention) -> bool:
    from .datasets import Terms

    assert isinstance(terms, Terms)
    return terms.level(tuple(each.value.split())) is not None


def _check_count(sheet: Sheet, reading: Reading, name: str, classes: tuple[str, ...]) -> None:
    counts = reading.of("count")
    if not counts:
        return
    chosen = sheet.get("dataset.classes") or classes
    if all(each.value not in (len(chosen), len(classes)) for each in counts):
        shown = f"{counts[-1].value:g}"
        sheet.ask(
            Rank.CONTRADICTION,
            "count",
            "spec.dataset.classes",
            classes,
            dataset=name,
            have=len(chosen),
            said=shown,
        )
