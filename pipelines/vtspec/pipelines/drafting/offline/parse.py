"""Reads a text: mentions of fields and things, and the words that were not understood."""

import re
from typing import Final

from vtspec.pipelines.drafting.offline.rules.dataset_mentions import (
    find_dataset_mentions,
    find_tasks,
)
from vtspec.pipelines.drafting.offline.rules.enumerations import assign_list_ids, mark_wanted
from vtspec.pipelines.drafting.offline.rules.gpu_mentions import find_gpus
from vtspec.pipelines.drafting.offline.rules.model_mentions import find_models
from vtspec.pipelines.drafting.offline.rules.references import find_names, find_paths, find_specs
from vtspec.pipelines.drafting.offline.rules.scopes import apply_scopes
from vtspec.pipelines.drafting.offline.rules.settings import find_settings
from vtspec.pipelines.drafting.offline.rules.shared_changes import share_changes
from vtspec.pipelines.drafting.offline.rules.unknown_words import find_unknown_names
from vtspec.pipelines.drafting.offline.rules.vague_requests import find_wishes, is_command

from .arithmetic import evaluate_arithmetic, expand_numerals
from .class_names import parse_named_classes
from .coverage import list_unexplained
from .mentions import Mention, ParsedText
from .name_context import keep_meant_names
from .name_index import NameIndex
from .pasted_config import flatten_configs
from .sentence import TokenizedText
from .spoken_numbers import replace_spoken_numbers
from .text import LONGEST, normalize_text
from .tokens import Token, tokenize
from .typos import correct_spelling

_PARTED: Final = re.compile(
    r"\b(?:leave|take|keep) ((?:[\w-]+ ){1,6}?)(?:out|away|off)\b(?: (?:of|from)\b)?",
    re.IGNORECASE,
)
"""Verbs in two parts: what stands between them is left out."""

_ELLIPSIS: Final = re.compile(r"\.{3,}")
_FILE: Final = re.compile(r"(?<![/\w.-])([A-Za-z0-9][\w-]*)\.(?:pt|pth|ya?ml|ckpt|onnx)\b(?!/)")
_ENDS_AT: Final = re.compile(
    r"\b(?:ends?|ending|finish(?:es|ing)?|anneal(?:s|ed|ing)?|decay(?:s|ed|ing)?|drops?|falls?|"
    r"goes|settl(?:es|ing)|bottom(?:s|ing)? out)(?: down)? (?:at|to|on|with) (?:a |the )?"
    r"(?:learning rate|lr)(?: of| at)?\b",
    re.IGNORECASE,
)

_FALLS_TO: Final = re.compile(
    r"((?:learning rate|"
    r"\blr)\b[^,.;\n]{0,12}? [0-9.e-]+),?(?: and| then| that)? (?:decay|anneal|dropp?|"
    r"fall|going)(?:ing|ed|s)?(?: down)? to (?=[0-9.])",
    re.IGNORECASE,
)
_KO_FALLS_TO: Final = re.compile(
    r"(학습률[^,.;\n]{0,8}?[0-9.e-]+)에서 ?(?:시작해서? |출발해서? )?([0-9.e-]+)까지"
    r"(?=[^,.\n]{0,16}(?:떨어|감소|줄어|내려가|코사인|스케줄|선형))"
)

_COUNT: Final = (
    r"([0-9]+|two|three|four|five|six|seven|eight|nine|ten|두|세|네|다섯|여섯|일곱|여덟|아홉|열)"
)
_RUNS: Final = r"(?:runs?|times|repeats|repetitions|trials|trainings)"
_FEW: Final = r"([2-9]|두|세|네|다섯|여섯|일곱|여덟|아홉)"
_REPEAT: Final = (
    r"(?:repeat|run|train|do)(?:ed)?"
    r"(?: it| this| that| the (?:whole )?(?:run|training|experiment|plan|thing))?"
)
_NO_FACTOR: Final = (
    r"(?! ?(?:more|less|longer|as|the|slower|faster|larger|bigger|smaller|per|an?)\b)"
)
_TIMES: Final = {"twice": "2", "thrice": "3"}
_SEEDS: Final = re.compile(
    rf"\b(?:(?:with|over|across|using|for|on) )?{_COUNT} (?:different |random |distinct )*seeds\b"
    # `batch 32 seeds 5` has the 32 for the batch
    r"(?! ?[:=]? ?[0-9])|"
    rf"\b(?:random )?seeds(?: ?[:=]| of| are| is)? ?{_COUNT}\b(?! ?(?:,|and|&|/|-|~|to) ?[0-9])|"
    rf"\b(?:averag(?:e|ed|ing)|mean)(?: [a-z]+){{0,2}} (?:over|of|across) {_COUNT} {_RUNS}\b|"
    rf"\b(?:repeat|run|train)(?:ed)?(?: it| this| the [a-z]+)? {_COUNT} {_RUNS}"
    r"(?:,? and|,|,? then)? (?:take |report |use )?(?:the )?(?:average|mean|averaging)\w*"
    r"(?: it| them)?|"
    rf"\b{_REPEAT} (?:{_COUNT} times|(twice|thrice))\b{_NO_FACTOR}|"
    rf"\b(?:with |in |over |for |do |make )?{_COUNT} (?:independent |separate |identical )*"
    r"(?:repeats|repetitions|trials)\b|"
    rf"(?:랜덤 |난수 )?시드(?:는|를|을|로)? ?:? ?{_COUNT} ?(?:개|가지)(?:로|씩|를|을)?|"
    rf"{_COUNT} ?(?:개|가지)(?:의)? ?(?:서로 |다른 |랜덤 )*시드(?:로|를)?|"
    rf"{_COUNT} ?(?:번|회|차례)(?:을|를|씩)? ?(?:반복|돌려|돌린|학습|훈련|실행)\S*"
    r"(?: \S+){0,2}? ?평균\S*|"
    # to go through the data so often, or ten times and more, is an epoch each
    rf"(?<!데이터를 )(?<!데이터셋을 )(?<!이미지를 )(?<![0-9]){_FEW} ?(?:번|회|차례)(?:을|를|씩)? ?"
    r"(?:반복|실행)(?:해서|해줘|해 줘|해|하고|하는|하기|으로)?(?: ?(?:학습|훈련|실험|실행)\S*)?|"
    rf"반복 ?(?:횟수|회수)?(?:는|를)? ?:? ?{_FEW} ?(?:번|회|차례)(?:로)?",
    re.IGNORECASE,
)
"""How many seeds a plan is carried out with, which is no seed itself."""

_MINUS: Final = re.compile(r"(?:마이너스|\bminus|\bnegative) ?(?=[0-9.])", re.IGNORECASE)


def parse_text(text: str, known: NameIndex) -> ParsedText:
    """Reads all that one text says; no text raises."""
    if is_command(text):
        return ParsedText(rest=[text.strip()])
    plain, mended = correct_spelling(_preprocess_text(text), known)
    tokens = keep_meant_names(plain, tokenize(plain, known.words), known)
    sentence = TokenizedText(plain, tokens, known, mended=mended)
    mentions: list[Mention] = []
    for find in (
        find_names,
        find_specs,  # before models: `like birds-resnet50` names none
        find_paths,
        find_models,
        find_gpus,  # before settings: the 80 of `H100 80GB` is no memory of the pod
        find_settings,
        find_tasks,
        find_dataset_mentions,  # last, as any strange word may describe a dataset
    ):
        mentions.extend(find(sentence))
    # with the others known, a strange word has only some roles left
    mentions.extend(find_unknown_names(sentence, mentions))
    # negations before the rest, which looks at what still stands
    apply_scopes(sentence.tokens, mentions)
    _inherit_fields(sentence, mentions)
    share_changes(sentence, mentions)
    assign_list_ids(sentence, mentions)
    mark_wanted(sentence, mentions)
    reading = ParsedText(mentions=mentions, mended=sentence.mended)
    reading.kinds = _collect_kinds(sentence)
    reading.classes = parse_named_classes(plain)
    reading.topical = sum(_is_topical(token) for token in sentence.tokens)
    wishes = find_wishes(sentence, mentions)
    reading.wishes = [each for each in wishes if each.field]
    asked = {each.field for each in wishes}
    reading.mentions = [
        each for each in mentions if each.operation != "remove" or each.field not in asked
    ]
    reading.rest = [
        each
        for each in list_unexplained(sentence, mentions)
        if not any(each in wish.said for wish in wishes)
    ] + [each.said for each in wishes if not each.field]
    return reading


def _inherit_fields(sentence: TokenizedText, mentions: list[Mention]) -> None:
    """A bare number beside one that was taken back is of the same field: `100, not 50 epochs`."""
    taken_back = [one for one in mentions if _is_taken_back(one)]
    models = [one for one in mentions if one.field == "model" and one.negated]
    for each in [one for one in mentions if one.field == "bare"]:
        # `resnet34 말고 50으로`: a member, and no number of epochs
        if _resolve_other_member(sentence, models, each):
            continue
        near = [one for one in taken_back if _is_near(one, each)]
        if near and each.is_active:
            each.field, each.value = near[0].field, each.value.value
            sentence.consume(each.start, each.end)
            continue
        later = any(
            token.has("correct") for token in sentence.tokens[each.end : each.end + 2]
        ) or (
            [token.text.lower() for token in sentence.tokens[each.end : each.end + 2]]
            == [",", "no"]
        )
        if later:
            each.corrected = True
            sentence.consume(each.start, each.end)


def _resolve_other_member(sentence: TokenizedText, negated: list[Mention], bare: Mention) -> bool:
    """Makes `50` a model in `resnet34 말고 50으로`."""
    for one in negated:
        if isinstance(one.value, str) and 0 <= bare.start - one.end <= 3:
            name = sentence.known.models.find_name(
                re.sub(r"[0-9]+", bare.said, one.value, count=1)
            )
            if name is not None and bare.said.isdigit():
                bare.field, bare.value = "model", name
                sentence.consume(bare.start, bare.end)
                return True
    return False


def _is_taken_back(one: Mention) -> bool:
    return one.field != "bare" and not one.is_active and isinstance(one.value, int | float)


def _is_near(one: Mention, bare: Mention) -> bool:
    return 0 <= one.start - bare.end <= 3 or 0 <= bare.start - one.end <= 4


def _preprocess_text(text: str) -> str:
    """The text with minus signs for their words, and `leave X out` as `without X`."""
    # numerals first: NFKC would make `10⁻⁴` 10-4, and `½` three signs
    lines = evaluate_arithmetic(normalize_text(flatten_configs(expand_numerals(text[:LONGEST]))))
    lines = _FILE.sub(r"\1", _ELLIPSIS.sub(", ", lines))
    # dictated numbers first: these rules look for digits
    lines = _KO_FALLS_TO.sub(r"\1, 최소 학습률 \2", replace_spoken_numbers(lines))
    lines = _SEEDS.sub(_write_seed_count, lines)
    lines = _FALLS_TO.sub(r"\1, min learning rate ", lines)
    lines = _ENDS_AT.sub("min learning rate", lines)
    return _PARTED.sub(r"without \1, on ", _MINUS.sub("-", lines))


def _write_seed_count(found: re.Match[str]) -> str:
    count = found[found.lastindex or 1].lower()
    return f" seed count {_TIMES.get(count, count)} "


def _collect_kinds(sentence: TokenizedText) -> set[str]:
    """The function words that there are, by kind."""
    found: set[str] = set()
    for token in sentence.tokens:
        found.update(sense.kind for sense in token.senses)
    return found


_TOPICAL: Final = (
    "train", "dataset-word", "model-word", "field", "choice", "flag", "metric", "family", "model",
    "task", "dataset", "spec", "gpu", "register", "greet", "dataset-like",
)  # fmt: skip


def _is_topical(token: Token) -> bool:
    """Whether a word is about training, and hardly about anything else."""
    if token.text.lower() in _RELEVANT:
        return True
    small = token.has("filler") or token.has("particle") or token.has("count")
    return not small and any(token.has(kind) for kind in _TOPICAL)


_RELEVANT: Final = frozenset(
    "ai ml cv vision camera cameras image images picture "
    "pictures photo photos gpu label labels labelled "
    "labeled annotate annotations annotated classes detector "
    "classifier accuracy predict prediction "
    "딥러닝 머신러닝 인공지능 비전 카메라 이미지 사진 영상 라벨 라벨링 예측 인식 자동으로 "
    "정확도 컴퓨터비전 "
    "defect defects 불량 불량품 결함".split()
) | {"computer vision", "deep learning", "machine learning", "컴퓨터 비전"}
