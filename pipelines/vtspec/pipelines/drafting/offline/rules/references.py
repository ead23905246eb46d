"""Finds names that are given, specs and paths that are referred to. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.text import is_hangul

from .settings import find_registration, is_model, parse_name

_SPEC_LIKE: Final = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)+")


def find_names(sentence: TokenizedText) -> Iterator[Mention]:
    """Names that are given: `call it X`, `이름은 X`, `X라고 불러줘`."""
    registered = find_registration(sentence)
    taken = range(*registered.span()) if registered is not None else range(0)
    for at, token in enumerate(sentence.tokens):
        if at in sentence.used or token.start in taken:
            continue
        # a name that MLflow gives has its own field
        if token.has("name") and not token.has("field"):
            value, end = _parse_given_name(sentence, at)
            if len(value) > 1:  # a letter alone is rather a typing error
                sentence.consume(at, end)
                yield Mention("name", value, at, end, sentence.get_span_text(at, end))
        elif token.has("name-after") and at > 0:
            found = _find_name_before(sentence, at)
            if found is not None:
                near = sentence.tokens[at + 1 : at + 5]
                if any(each.get("field") == "tracking.registerAs" for each in near):
                    found.field = "tracking.registerAs"
                sentence.consume(found.start, found.end)
                yield found


def _parse_given_name(sentence: TokenizedText, at: int) -> tuple[str, int]:
    """The name that follows a word for one, and the token after it; empty where none does."""
    place = _skip_linking_words(sentence, at + 1)
    # `이름은 똑같이`, `name 3 classes`
    is_other = sentence.is_kind(place, "like", "number", "not-after")
    if is_other and not sentence.is_kind(place, "quoted", "spec"):
        return "", place
    value, end = parse_name(sentence, place)
    # `model name is resnet-18`, `모델 이름은 resnet18`: the network
    if sentence.is_kind(at - 1, "model-word") and is_model(sentence, value):
        return "", place
    if not value and sentence.get_token(place) is not None:
        return _parse_hangul_name(sentence, place)
    return value, end


def _skip_linking_words(sentence: TokenizedText, place: int) -> int:
    while sentence.is_kind(place, "particle", "link", "to", "train", "run") or (
        sentence.is_kind(place, "filler")
        and sentence.tokens[place].text.lower() in ("is", "it", "as", "the", "should", "be")
    ):
        place += 1
    return place


_IN_HANGUL: Final = re.compile(  # `이름은 알아서 지어줘` gives none
    r"(?!알아서|그대로|아무|자동|적당|상관|나중|같은|똑같|기존|원래|그냥|마음|데이터|모델|학습|"
    r"정해|지어|바꿔|바꾸|없)"
    r"([가-힣][가-힣0-9_-]{1,38}?)(?:으로|로|이라고|라고)?(?:요|해 ?줘|하자)?(?=$|[,.;\n!])"
)


def _parse_hangul_name(sentence: TokenizedText, place: int) -> tuple[str, int]:
    """A name of Hangul letters, which has to be asked about, and the token after it."""
    start = sentence.tokens[place].start
    match = _IN_HANGUL.match(sentence.text, start)
    if match is None:
        return "", place
    end = place
    while end < len(sentence.tokens) and sentence.tokens[end].start < match.end(1):
        end += 1
    return match[1], end


def _find_name_before(sentence: TokenizedText, at: int) -> Mention | None:
    end = sentence.tokens[at - 1].end
    if sentence.tokens[at].start != end and not sentence.is_kind(at - 1, "quoted"):
        return None
    if sentence.is_kind(at - 1, "quoted"):
        value, _ = parse_name(sentence, at - 1)
        return Mention("name", value, at - 1, at + 1, value)
    match = re.search(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,60}$", sentence.text[max(0, end - 62) : end])
    if match is None:
        return None
    start = at - 1
    while start > 0 and sentence.tokens[start].start > end - len(match[0]):
        start -= 1
    return Mention("name", match[0], start, at + 1, match[0])


_BASELINE: Final = "report.baseline"


def find_specs(sentence: TokenizedText) -> Iterator[Mention]:
    """Existing specs that are named: as a base to edit, or to be compared with."""
    for at, token in enumerate(sentence.tokens):
        if at in sentence.used:
            continue
        name = token.get("spec")
        whole = _find_whole_word(sentence, at)
        if isinstance(name, str):
            exact = whole is None or whole.lower() in (name, f"{name}s") or is_hangul(whole[-1])
            # `cats resnet50` is a dataset and a model; `like cats resnet50` is a spec
            if " " in token.text and not _has_base_word(sentence, at, at + 1):
                continue
            if exact:
                sentence.consume(at, at + 1)
                yield _assign_role(sentence, Mention("base", name, at, at + 1, token.text))
        elif whole is not None and _SPEC_LIKE.fullmatch(whole.lower()):
            yield from _iter_unknown_spec(sentence, at, whole)


def _find_whole_word(sentence: TokenizedText, at: int) -> str | None:
    """The word of Latin letters and hyphens that begins with a token."""
    token = sentence.tokens[at]
    if token.start and re.match(r"[A-Za-z0-9_-]", sentence.text[token.start - 1]):
        return None
    match = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)+").match(sentence.text, token.start)
    return None if match is None else match[0]


def _iter_unknown_spec(sentence: TokenizedText, at: int, whole: str) -> Iterator[Mention]:
    """A word that looks like a spec's name where one is expected, and is none."""
    end = at
    while end < len(sentence.tokens) and sentence.tokens[end].start < sentence.tokens[
        at
    ].start + len(whole):
        end += 1
    role = _assign_role(sentence, Mention("base", None, at, end, whole))
    known = sentence.known
    if (
        known.models.find_name(whole) is not None
        or whole.lower() in known.terms
        or sentence.is_kind(at, "gpu", "metric")
    ):
        return
    first = sentence.tokens[at]
    # `zebra-baseline에서`: `baseline` is a field, but the zebra is not
    of_a_thing = (first.is_unknown or first.has("noun")) and _has_base_word(sentence, at, end)
    if not of_a_thing and any(
        sentence.tokens[place].has("field")
        or sentence.tokens[place].has("flag")
        or sentence.tokens[place].has("task")
        for place in range(at, end)
    ):
        return
    near = known.spellings.find_nearest(whole)  # `like cats-resnte50`
    if near is not None and any(
        sense.kind == "spec" for sense in known.words.senses.get(near, ())
    ):
        role.value = next(
            sense.value for sense in known.words.senses[near] if sense.kind == "spec"
        )
        sentence.mended.append((whole, str(role.value)))
    elif not (_has_base_word(sentence, at, end) or role.field == _BASELINE) or (
        len(sentence.tokens[at:end]) < 2 and not sentence.tokens[at].is_unknown
    ):
        return
    sentence.consume(at, end)
    yield role


def _has_base_word(sentence: TokenizedText, at: int, end: int) -> bool:
    before = sentence.tokens[max(0, at - 3) : at]
    after = sentence.tokens[end : end + 4]
    return any(token.has("like") for token in (*before, *after)) or any(
        token.text in ("에서", "에서는", "에서만", "기준") for token in after[:1]
    )


_COMPARED_BEFORE: Final = re.compile(
    r"(?:(?:비교 ?)?기준(?:은|이|:)|목표(?:는|가|:)|이겨야 할 (?:건|것은)|"
    r"\b(?:reference|benchmark|target)(?: run| experiment| model)?(?: is|:| =)?|"
    r"\b(?:beats?|outperforms?|surpass(?:es)?|exceeds?|improves? (?:on|over|upon))|"
    r"\b(?:better|higher accuracy|more accurate|lower loss) than|"
    r"\b(?:be )?(?:not|no|never|isn't|nor) (?:be )?(?:any )?(?:worse|less accurate|lower) than|"
    r"\b(?:at least )?as (?:good|accurate|well) as|\bon (?:a )?par with|"
    r"\b(?:must |should |has to |to )?(?:match(?:es|ing)?|keeps? up with))(?: the| our| my)?\s*$",
    re.IGNORECASE,
)
_COMPARED_AFTER: Final = re.compile(
    r"\s*(?:보다(?:는|도)? ?(?:더 )?"
    r"(?:좋|나은|나아|나으|낫|잘|뛰어|우수|높은 정확|정확도가 높)\S*(?: 나와야)?"
    r"(?: (?:해|한다|함|해야 해))?|(?:를|을) (?:이기|이겨|넘어|넘는|능가)\S*(?: (?:해|한다|함))?|"
    r"보다(?:는|도)? ?(?:더 )?(?:나쁘|못하|뒤지|떨어지|처지|낮)지(?:는|만)? ?(?:않|말)\S*|"
    r"(?:에|에게)? ?(?:뒤지지|못지) ?않\S*|만큼(?:은|만)? ?(?:좋|나오|나와|잘|정확)\S*|"
    r"(?: 성능)? ?이상(?:으로|이어야|이여야|은|이면)?(?: (?:해|한다|함|나와야 해))?(?=$|[\s,.])|"
    r"(?:이|가) (?:비교 ?)?기준(?:이야|임|입니다|이다)?(?=$|[\s,.])|"
    r"(?:와|과|이랑|랑|하고) 비교\S*|"
    r"(?:is|as) (?:the |a |our )?(?:reference|baseline|benchmark)\b)",
    re.IGNORECASE,
)
"""What holds a new run against another one, and takes nothing from it."""

_SHOWN_BESIDE: Final = re.compile(r"기준|비교|\b(?:reference|baseline|benchmark)\b", re.IGNORECASE)

_OF_A_RUN: Final = re.compile(r"weight|checkpoint|resume|initial|run|가중치|웨이트|실행")


def _assign_role(sentence: TokenizedText, mention: Mention) -> Mention:
    """The mention as what its neighbours make of it: a base, a baseline, or a run's weights."""
    before = range(max(0, mention.start - 4), mention.start)
    after = range(mention.end, min(mention.end + 6, len(sentence.tokens)))
    for place in (*before, *after):
        token = sentence.tokens[place]
        # what comes after a comma says nothing of the name before it
        if place >= mention.end and (token.has("break") or token.has("comma")):
            break
        # `compare with cats-resnet50`
        if token.get("field") == _BASELINE and not token.has("like"):
            sentence.consume(place, place + 1)
            mention.field = _BASELINE
        if token.has("weights") and _OF_A_RUN.search(token.text.lower()):
            mention.field = "run"
    if mention.field == "base" and mention.value and not _is_copied(sentence, mention):
        _take_comparison(sentence, mention)
    return mention


def _is_copied(sentence: TokenizedText, mention: Mention) -> bool:
    before = sentence.tokens[max(0, mention.start - 3) : mention.start]
    return any(token.has("like") for token in before)


def _take_comparison(sentence: TokenizedText, mention: Mention) -> None:
    """Make the mention a baseline where the words around it hold the new run against it."""
    start = sentence.tokens[mention.start].start
    end = start + len(mention.said)
    before = _COMPARED_BEFORE.search(sentence.text[max(0, start - 60) : start])
    after = _COMPARED_AFTER.match(sentence.text, end)
    if before is None and after is None:
        return
    mention.field = _BASELINE
    first = start if before is None else start - len(before[0])
    last = end if after is None else after.end()
    said = sentence.text[first:last]
    # What has to be reached is more than what is shown beside it, and no gate can say so.
    mention.assumed = None if _SHOWN_BESIDE.search(said) else "bound"
    for place, token in enumerate(sentence.tokens):
        if first <= token.start < last:
            if place not in sentence.used:
                sentence.consume(place, place + 1)
            # With its own words, of which a `not` negates nothing else.
            mention.start, mention.end = min(mention.start, place), max(mention.end, place + 1)


def find_paths(sentence: TokenizedText) -> Iterator[Mention]:
    """Paths, weights and hub ids; which of them follows from how they look."""
    for at, token in enumerate(sentence.tokens):
        if not token.has("path") or at in sentence.used:
            continue
        text = token.text.rstrip("/")
        if re.match(r"(?:run:|models:/|hf-hub:)|.*\.safetensors$", text):
            sentence.consume(at, at + 1)
            yield Mention("model.weights", text, at, at + 1, text)
        elif _is_folder(sentence, at, text):
            sentence.consume(at, at + 1)
            near = range(at - 3, at + 3)
            of_data = any(sentence.is_kind(place, "dataset-word") for place in near)
            place = text.removeprefix("./")
            yield Mention("path", place, at, at + 1, text, assumed="data" if of_data else None)


def _is_folder(sentence: TokenizedText, at: int, text: str) -> bool:
    if (
        # `acme/net` may be an organisation and its model: one slash is no folder
        text.startswith((".", "/"))
        or text.count("/") != 1
        or text.startswith(("data/", "datasets/", "dataset/"))
    ):
        return True
    near = [*sentence.tokens[max(0, at - 3) : at], *sentence.tokens[at + 1 : at + 4]]
    return any(token.has("folder") or token.has("register") for token in near)
