"""Decides which classes of the dataset are wanted, or asks where one is not there."""

from collections.abc import Sequence

from vtspec.pipelines.drafting.offline.dataset_index import DatasetTerms, MatchLevel
from vtspec.pipelines.drafting.offline.draft_builder import DraftBuilder, QuestionPriority
from vtspec.pipelines.drafting.offline.mentions import Mention, ParsedText
from vtspec.pipelines.drafting.offline.rules.dataset_mentions import find_class
from vtspec.schema.kinds.tasks import CLASSLESS_TASKS

from .dataset import deduplicate


def resolve_classes(sheet: DraftBuilder, reading: ParsedText) -> None:
    """The classes that are wanted of the dataset; a number of them has to agree with it."""
    terms = sheet.known.terms.get(sheet.get("dataset.ref") or "")
    if terms is None or set(terms.dataset.tasks) <= CLASSLESS_TASKS:
        return
    things = _select_class_mentions(reading, terms)
    missing = _find_missing_class(things, terms)
    missing_name = missing.said if missing is not None else _find_missing_kept(sheet, terms)
    if missing_name is not None:
        if missing is None:
            sheet.drop("dataset.classes")
        sheet.ask(
            QuestionPriority.CONTRADICTION,
            "no-class",
            "spec.dataset.classes",
            terms.dataset.classes,
            dataset=terms.dataset.name,
            said=missing_name,
        )
        return
    _restrict_classes(sheet, reading, things, terms.dataset.classes)
    _check_count(sheet, reading, terms.dataset.name, terms.dataset.classes)


def _find_missing_kept(sheet: DraftBuilder, terms: DatasetTerms) -> str | None:
    """The first class that was said before the dataset was known, and that it has not."""
    kept = sheet.get("dataset.classes") or ()
    meant = {name: find_class(name, terms.dataset.classes) for name in kept}
    missing = next((name for name, found in meant.items() if found is None), None)
    if kept and missing is None:
        sheet.set("dataset.classes", list(meant.values()))
    return missing


def _select_class_mentions(reading: ParsedText, terms: DatasetTerms) -> list[Mention]:
    """What may name classes. The name of the dataset itself is none, unless it is said that only
    it is wanted."""
    own = {
        each.start
        for each in reading.get_mentions("dataset")
        if _names_dataset(each, terms.dataset.name)
    }
    things = [
        each for each in reading.get_mentions("thing") if _is_wanted(each) or each.start not in own
    ]
    # Classes may be numbers: `digits에서 0이랑 1만`.
    numbers = [
        each
        for each in reading.get_mentions("bare")
        if _is_wanted(each) and each.said in terms.dataset.classes
    ]
    if len(numbers) > 1:  # one number may be anything
        things = sorted([*things, *numbers], key=lambda each: each.start)
    # `parts, just the nut class`: of the dataset and a class only the class
    others = [each for each in things if each.start not in own]
    return others if any(_is_wanted(each) for each in others) else things


def _is_wanted(mention: Mention) -> bool:
    """Whether it is said that only it is wanted."""
    return mention.assumed == "only"


def _names_dataset(mention: Mention, name: str) -> bool:
    return bool(mention.value.get(name, 0) >= MatchLevel.NOUN)


def find_mentioned_class(mention: Mention, classes: Sequence[str]) -> str | None:
    """The class that a mention names, by what is meant or as it is typed; or None."""
    meant = find_class(mention.value, classes) if isinstance(mention.value, str) else None
    return meant or find_class(mention.said, classes)


def _find_missing_class(things: Sequence[Mention], terms: DatasetTerms) -> Mention | None:
    """The first thing that should be a class and is none."""
    classes = terms.dataset.classes
    named = {each.start: find_mentioned_class(each, classes) for each in things}
    lists = {each.listed for each in things if each.listed and named[each.start]}
    for each in things:
        # `car, bus and unicorn`: in a list with classes the unicorn should be one
        asked_for = _is_wanted(each) or each.listed in lists
        if named[each.start] is None and asked_for and not _is_explained(terms, each, things):
            return each
    return None


def _is_explained(terms: DatasetTerms, each: Mention, things: Sequence[Mention]) -> bool:
    """Whether it describes the data, or a class stands in parentheses after it."""
    if isinstance(each.value, str) and terms.match_words(tuple(each.value.split())) is not None:
        return True
    return any(
        0 < other.start - each.end <= 1 and find_mentioned_class(other, terms.dataset.classes)
        for other in things
    )


def _restrict_classes(
    sheet: DraftBuilder, reading: ParsedText, things: Sequence[Mention], classes: Sequence[str]
) -> None:
    restricts = any(_is_wanted(each) for each in things)
    told = [each for each in things if each.assumed != "talk"]
    wanted = deduplicate(
        name
        for each in told
        if (name := find_mentioned_class(each, classes)) is not None
        and (_is_wanted(each) or not restricts)
    )
    left_out = {find_mentioned_class(each, classes) for each in reading.get_negated("thing")} - {
        None
    }
    if left_out and not wanted:  # `flowers except daisy`: all of the others
        wanted = [name for name in classes if name not in left_out]
    # one class that is only mentioned restricts nothing: `rose pictures`
    some = restricts or left_out or len(wanted) > 1
    if wanted and some and set(wanted) != set(classes):
        sheet.set("dataset.classes", wanted)
        if not restricts:
            sheet.assume("spec.dataset.classes", wanted, "classes")


def _check_count(
    sheet: DraftBuilder, reading: ParsedText, name: str, classes: tuple[str, ...]
) -> None:
    counts = reading.get_mentions("count")
    if not counts:
        return
    chosen = sheet.get("dataset.classes") or classes
    if all(each.value not in (len(chosen), len(classes)) for each in counts):
        sheet.ask(
            QuestionPriority.CONTRADICTION,
            "count",
            "spec.dataset.classes",
            classes,
            dataset=name,
            have=len(chosen),
            said=f"{counts[-1].value:g}",
        )
