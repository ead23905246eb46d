"""Classes that a text lists by their names: `classes are crow and jay`. Pure."""

import re
from typing import Final

from vtspec.schema.kinds.tasks import FORMATS_OF_TASK

from .lexicon import build_lexicon
from .text import lowercase, normalize_name

_FORMATS: Final = frozenset(form for forms in FORMATS_OF_TASK.values() for form in forms)

_CLASSES: Final = re.compile(
    r"(?:\bclasses\b|\bclass\b|class names|\blabels\b|\bcategories\b|클래스들?|카테고리|"
    r"범주)(?: names?)?(?: ?(?:are|is|of|being|include|includes|for|[:=]|은|는|이|가|로|"
    r"으로|에는|도))* ?(?P<list>[^\n.;()]+)"
)
_NAMED: Final = re.compile(
    r"\b(?:classes|categories)(?: are| be|:|=)|(?:클래스|카테고리|범주)(?:들)?(?:은|는|:|=)"
)
_OF: Final = re.compile(
    r"(?:detection|classification|segmentation|recognition) (?:of|between) (?P<list>[^\n.;()]+)"
)
_BEFORE: Final = re.compile(
    r"(?P<list>[^\n.;()]+?)(?: ?(?:두|세|네|2|3|4|5)? ?(?:개의?)? )클래스(?:로|$|입니다|야|"
    r"예요|에요|,)"
)
_APART: Final = re.compile(
    r" ?(?:,|、|/|·|\band\b|&|그리고|및| 와 | 과 |(?<=[가-힣a-z])(?:와|과|이랑|랑|하고) ) ?"
)
_END: Final = re.compile(
    r"(?: ?(?:이고|이며|이야|이에요|예요|입니다|이요|요|으로|로|야|고|임|이다|해줘|등록.*|"
    r"추가.*|형식.*|포맷.*|format.*|please.*|for (?:object|image|instance|semantic|pose).*|"
    r"as .*|in .* format.*|(?:한|두|세|네|다섯|[0-9]+) ?(?:개|가지|종|"
    r"종류)(?:의|뿐)?|총 .*|데이터셋.*|객체.*|탐지.*|분류.*))+$"
)


LONGEST_LIST: Final = 500
"""Letters of a list of classes that are read."""


def parse_named_classes(text: str) -> list[str]:
    """The classes behind the word for them, if several: `클래스는 person, car, dog`."""
    match = _NAMED.search(lowercase(text))
    # a list is short, and a page of text would be looked through once for each word
    start = match.start() if match is not None else len(text)
    names = parse_class_names(text[start : start + LONGEST_LIST])
    words = [word for name in names for word in name.split()]
    return names if len(names) > 1 and not any(map(_is_filler, words)) else []


def _is_filler(word: str) -> bool:
    # `the classes are quite unbalanced, so balance them` lists none
    senses = build_lexicon().senses.get(normalize_name(word), ())
    return any(sense.kind == "filler" for sense in senses)


def _is_class_list(listed: str) -> bool:
    """Whether it is a list of classes, and no format: `labels: yolo`."""
    return bool(listed.strip()) and listed.strip(" :=") not in _FORMATS


def parse_class_names(text: str, *, bare: bool = False) -> list[str]:
    """The classes that a text lists, as they are written; `bare` where it may be nothing else."""
    low = lowercase(text)
    match = (
        next((found for found in _CLASSES.finditer(low) if _is_class_list(found["list"])), None)
        or _OF.search(low)
        or _BEFORE.search(low)
    )
    if match is not None:
        listed = text[match.start("list") : match.end("list")]
    elif bare:
        listed = text
    else:
        return []
    names: list[str] = []
    for part in _APART.split(listed):
        plain = part.strip(" '\"`")
        name = _END.sub("", re.sub(r" ?(?:하나|뿐|한 개|한개|only|alone)$", "", plain)).strip(
            " '\"`"
        ) or (plain if not names else "")
        if not name or len(name) > 40 or len(name.split()) > 3 or "{{" in name:
            break
        names.append(name)
        # `crow, magpie야.`: the copula ends the list
        if name != plain and _END.search(plain) and not re.search(r"(?:로|요|고)$", plain):
            break
    if len(names) == 1 and len(names[0].split()) > 1:  # `classes oak maple birch`
        names = names[0].split()
    return list(dict.fromkeys(names))
