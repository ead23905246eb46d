"""Drafts a Dataset: data that is to be registered."""

import re
from typing import Final

from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.drafting.offline.choose.experiment_target import collect_tasks
from vtspec.pipelines.drafting.result import ConversationState, Data, Draft
from vtspec.pipelines.language import Tongue
from vtspec.pipelines.project.spec_names import find_free_name
from vtspec.schema import API_VERSION
from vtspec.schema.kinds.tasks import CLASSLESS_TASKS, FORMATS_OF_TASK

from . import messages
from .class_names import parse_class_names
from .draft_builder import DraftBuilder, MutableData, QuestionPriority
from .mentions import ParsedText
from .name_index import NameIndex
from .spec_naming import make_dns_label
from .text import lowercase, normalize_text
from .tokens import tokenize

_SPLITS: Final[dict[str, tuple[str, str | None, str | None]]] = {
    "imagefolder": ("{split}", None, None),
    "csv": ("{split}", "annotations", "annotations/{split}.csv"),
    "coco": ("{split}", "annotations", "annotations/{split}.json"),
    "jsonl": ("{split}", "annotations", "annotations/{split}.jsonl"),
    "yolo": ("images/{split}", None, None),
    "voc": ("{split}", None, None),
    "masks": ("{split}", "targets", "targets/{split}"),
    "pairs": ("{split}", "targets", "targets/{split}"),
}
"""Where a split's files lie by each format's habit: path, and what else the format needs."""

_NAME: Final = (
    re.compile(
        r"(?:call(?:ed)? it|name[d]? it|named|called|as(?: a| the)?(?: new)?(?: "
        r"dataset)?(?: called| named)?|dataset (?:named|called)|name(?: is|:)?) "
        r"['\"]?(?P<name>[a-z0-9][a-z0-9_-]*)"
    ),
    re.compile(
        r"(?:이름은|이름을|이름|명칭은|명칭을|명칭|"
        r"명은) ?[:=]? ?['\"]?(?P<name>[a-z0-9][a-z0-9_-]*)"
    ),
    re.compile(
        r"(?P<name>[a-z0-9][a-z0-9_-]*)['\"]?(?:이?라는| 이름의?)? ?(?:데이터셋|데이터 "
        r"?세트|데이터|데이타셋)(?:으로|로|이?라고)"
    ),
    re.compile(r"(?P<name>[a-z0-9][a-z0-9_-]*)['\"]?(?:이?라는 이름|이?라고)"),
    re.compile(r"(?:new|the|a) (?:dataset )?(?P<name>[a-z0-9][a-z0-9_-]*) dataset"),
    re.compile(r"dataset (?P<name>[a-z0-9][a-z0-9_-]*)"),
    re.compile(r"(?P<name>[a-z0-9][a-z0-9_-]*)(?:으로|로) (?:등록|추가)"),
    re.compile(r"새 데이터셋 (?P<name>[a-z0-9][a-z0-9_-]*)"),
)
_NO_NAMES: Final = frozenset(
    (
        "a an the new dataset data folder at from in is with for of coco yolo voc csv jsonl "
        "masks pairs imagefolder format and my our this it that as"
    ).split()
)


def is_registration(reading: ParsedText, draft: Data | None, text: str) -> bool:
    """Whether the words ask to register data rather than to train."""
    if draft is not None:  # an answer goes on with what was begun
        return draft.get("kind") == "Dataset"
    has_path = bool(reading.get_mentions("path"))
    # YOLO is a format too.
    models = [
        each for each in reading.get_mentions("model") if each.value != ("family", "yolo", ())
    ]
    about_training = bool(
        models or reading.get_mentions("training.epochs") or reading.get_mentions("base")
    )
    if about_training:  # `resnet50 on data/birds`: a path alone registers nothing
        return False
    low = lowercase(text)
    if has_path and reading.kinds & {"register", "add"}:
        return True
    if "register" in reading.kinds and (has_path or reading.kinds & {"dataset-word", "add"}):
        return True
    return bool(
        re.search(
            (
                r"(?:add|create|import|define|make) (?:a |an |the |my |our )?(?:new )?(?:\w+ "
                r")?(?:dataset|data set|data\b)|(?:새 ?|새로운 )?(?:데이터셋|데이터)(?:을|를|"
                r"으로)? ?(?:하나 )?(?:추가|등록|만들)"
            ),
            low,
        )
    )


def draft_dataset(
    known: NameIndex, tongue: Tongue, reading: ParsedText, text: str, state: ConversationState
) -> Draft:
    """Fills in path, name, tasks, format, classes and splits, or asks for the first that lacks."""
    before = state.draft or {}
    data: MutableData = {
        "apiVersion": API_VERSION,
        "kind": "Dataset",
        "metadata": dict(before.get("metadata") or {}),
        "spec": dict(before.get("spec") or {}),
    }
    sheet = DraftBuilder(known=known, tongue=tongue, before=state.draft, data=data)
    low = lowercase(normalize_text(text))
    asked = state.question.field if state.question is not None else None
    _resolve_path(sheet, reading, low, asked)
    _resolve_name(sheet, low, asked)
    _resolve_tasks_and_format(sheet, reading, low)
    _resolve_classes(sheet, normalize_text(text), asked)
    _assume_splits(sheet)
    question = sheet.first_question
    if question is None:
        return _finish_draft(sheet)
    return Draft(
        status="question", data=data, question=question, assumptions=tuple(sheet.assumptions)
    )


def _resolve_path(sheet: DraftBuilder, reading: ParsedText, low: str, asked: str | None) -> None:
    said = reading.get_mentions("path")
    path = str(said[-1].value) if said else None
    if path is None and asked == "spec.source.dvc.path":
        word = re.search(r"[a-z0-9._/-]+", low)
        path = word[0].strip("/") if word is not None else None
    if path is None:
        word = re.search(
            r"(?P<path>[a-z0-9][a-z0-9._-]*)(?: ?(?:폴더|디렉토리)| (?:folder|directory))", low
        )
        path = word["path"] if word is not None and word["path"] not in _NO_NAMES else None
    if path is not None:
        sheet.set("source.dvc.path", path.strip("/").removeprefix("./"))
        sheet.assume("spec.source.dvc.path", sheet.get("source.dvc.path"), "dvc")
    elif sheet.get("source.dvc.path") is None:
        sheet.ask(QuestionPriority.CONTRADICTION, "folder", "spec.source.dvc.path")


def _resolve_name(sheet: DraftBuilder, low: str, asked: str | None) -> None:
    if sheet.data["metadata"].get("name") and asked != "metadata.name":
        return
    plain = re.sub(r"\S*/\S*", " ", low)  # no part of a path is the name: `data/birds as birds`
    names = [
        match["name"]
        for pattern in _NAME
        for match in pattern.finditer(plain)
        if match["name"] not in _NO_NAMES
    ]
    if not names and asked == "metadata.name":
        names = re.findall(r"[a-z0-9][a-z0-9_-]*", low)
    label = make_dns_label(names[0]) if names else ""
    if not label and isinstance(path := sheet.get("source.dvc.path"), str):
        label = make_dns_label(path.rpartition("/")[2])
        sheet.assume("metadata.name", label, "folder-name")
    if not label:
        sheet.ask(QuestionPriority.DATASET, "data-name", "metadata.name")
        return
    name = find_free_name(label, sheet.known.repository.find_spec_files("Dataset"))
    sheet.data["metadata"]["name"] = name
    if name != label:
        sheet.assume("metadata.name", name, "name-taken")


def _resolve_tasks_and_format(sheet: DraftBuilder, reading: ParsedText, low: str) -> None:
    said = [each.value[0] for each in reading.get_mentions("task")]
    # `문자 인식(OCR)`: one task in two words
    if len(said) > 1 and not re.search(r"\band\b|,|및|과|와|랑|하고", low):
        said = list(collect_tasks(reading))[:1]
    tasks = list(dict.fromkeys(said)) or sheet.get("tasks")
    form = _find_format(sheet, low) or sheet.get("format")
    if form is not None:
        sheet.set("format", form)
    if not tasks:
        able = [task for task, forms in FORMATS_OF_TASK.items() if form is None or form in forms]
        if len(able) == 1:
            tasks = able
            sheet.assume("spec.tasks", tasks, "only-task")
        else:
            sheet.ask(QuestionPriority.TASK, "data-tasks", "spec.tasks", able)
            return
    sheet.set("tasks", tasks)
    if form is None:
        form = FORMATS_OF_TASK[tasks[0]][0]
        sheet.set("format", form)
        sheet.assume("spec.format", form, "format", task=tasks[0])
    wrong = [task for task in tasks if form not in FORMATS_OF_TASK[task]]
    if wrong:
        sheet.ask(
            QuestionPriority.CONTRADICTION,
            "data-format",
            "spec.format",
            FORMATS_OF_TASK[wrong[0]],
            said=form,
            task=wrong[0],
        )


def _find_format(sheet: DraftBuilder, low: str) -> str | None:
    for token in tokenize(re.sub(r"\S*/\S*", " ", low), sheet.known.words):
        form = token.get("format")
        if isinstance(form, str):
            return form
        if token.text.lower() in ("yolo", "욜로"):
            return "yolo"
    return None


def _resolve_classes(sheet: DraftBuilder, text: str, asked: str | None) -> None:
    tasks = sheet.get("tasks")
    if not isinstance(tasks, list) or all(task in CLASSLESS_TASKS for task in tasks):
        return
    found = parse_class_names(text, bare=asked == "spec.classes")
    if found:
        sheet.set("classes", found)
    elif not sheet.get("classes"):
        sheet.ask(QuestionPriority.REST, "data-classes", "spec.classes")


def _assume_splits(sheet: DraftBuilder) -> None:
    form = sheet.get("format")
    if form not in _SPLITS or sheet.get("splits") is not None:
        return
    path, key, where = _SPLITS[form]
    splits: dict[str, dict[str, str]] = {}
    for split in ("train", "val"):
        splits[split] = {"path": path.format(split=split)}
        if key is not None and where is not None:
            splits[split][key] = where.format(split=split)
    sheet.set("splits", splits)
    sheet.assume("spec.splits", splits, "split", said=form)


def _finish_draft(sheet: DraftBuilder) -> Draft:
    found = filter_errors(find_problems(sheet.data, sheet.known.repository))
    if not found:
        return Draft(status="complete", data=sheet.data, assumptions=tuple(sheet.assumptions))
    path = found[0].path.partition("[")[0]
    asked = messages.build_question(
        "problem", path, sheet.tongue, (), message=found[0].message, fix=found[0].fix
    )
    return Draft(
        status="question", data=sheet.data, question=asked, assumptions=tuple(sheet.assumptions)
    )
