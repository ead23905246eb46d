"""Numbers as they are dictated, rewritten in digits: decimals, exponents, numbers of models. Pure.

`zero point zero two` becomes `0.02`, `two e minus five` `2e-5`, `영 점 영영이` `0.002`,
`욜로 십일 엠` `욜로11m`, `by a factor of ten` `by 10 times`.
"""

import re
from functools import cache
from typing import Final

from vtspec.pipelines.drafting.offline.vocabulary.models import FAMILIES

from .lexicon import iter_rows
from .numbers import Number, parse_english_number, parse_korean_number
from .text import is_hangul, lowercase

_ONES: Final = "zero|oh|one|two|three|four|five|six|seven|eight|nine"
_SMALL: Final = (
    rf"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[ -](?:{_ONES}))?|{_ONES}|"
    r"ten|eleven|twelve|\d+(?:\.\d+)?)"
)
_DIGIT_OF: Final[dict[str, str]] = {
    word: str(max(0, place - 1)) for place, word in enumerate(_ONES.split("|"))
}
_SINO: Final = {"영": "0", "공": "0", "일": "1", "이": "2", "삼": "3", "사": "4", "오": "5",
                "육": "6", "칠": "7", "팔": "8", "구": "9"}  # fmt: skip
_S: Final = "영공일이삼사오육칠팔구"

_POINT: Final = re.compile(
    rf"(?<![\w.])(?:(?P<whole>{_SMALL}) (?:point|dot)|(?<!the )(?<!that )(?<!this )(?<!some )"
    rf"(?<!at )point) (?P<part>(?:(?:{_ONES}|\d)[ -]?)*(?:{_ONES}|\d+))\b",
    re.IGNORECASE,
)
_EXPONENT: Final = re.compile(
    rf"(?<![\w.])(?P<base>{_SMALL}) ?e[ -]?(?:(?P<minus>minus|negative|마이너스|-) ?)"
    rf"(?P<power>{_SMALL})\b",
    re.IGNORECASE,
)
_POWER: Final = re.compile(
    rf"(?:(?P<base>{_SMALL}) (?:times|x|\*) )?(?:\bten|\b10) to the (?:power (?:of )?)?"
    rf"(?P<minus>minus |negative |-)?(?P<power>{_SMALL})\b",
    re.IGNORECASE,
)
_KO_POINT: Final = re.compile(
    rf"(?<![가-힣\d.])(?:(?P<whole>[{_S}]|제로|십[{_S}]?|0) ?[점쩜] ?(?P<part>[{_S}]+|\d+)|"
    rf"(?P<digits>\d+)[점쩜](?P<after>\d+|[{_S}]+))(?! ?(?:만점|점 만점))"
)
_KO_EXPONENT: Final = re.compile(
    rf"(?<![가-힣\w.])(?P<base>[{_S}]|\d+(?:\.\d+)?) ?(?:이|"
    rf"e) ?(?:마이너스|-) ?(?P<power>[{_S}]|\d+)",
    re.IGNORECASE,
)
_KO_POWER: Final = re.compile(
    rf"(?<![가-힣\d])(?:십|10)의 ?(?:마이너스 ?|-)(?P<power>[{_S}]|\d+) ?(?:제곱|승)"
)
_COPULA: Final = re.compile(  # what follows the 이 of `영 점 일이고`
    r"고|며|야|다|에요|예요|면|인|라|니|네|었|랑| (?:좋|나을|적당|되|됩|돼|아니)"
)
_FACTOR: Final = re.compile(
    rf"\bby (?:a |the )?factors? of (?P<number>{_SMALL}|a hundred|a thousand)\b", re.IGNORECASE
)
_DIVIDED: Final = re.compile(rf"\b(?:divided?|dividing) by (?P<number>{_SMALL})\b", re.IGNORECASE)
_MULTIPLIED: Final = re.compile(
    rf"\b(?:multipl(?:y|ied|ying)) by (?P<number>{_SMALL})\b", re.IGNORECASE
)
_KO_DIVIDED: Final = re.compile(r"(?P<number>\d+)(?:으로|로) ?나(?:눠|누|눈)(?:줘|고|서|어)?")
_LETTERS: Final = {
    "엔": "n", "에스": "s", "엠": "m", "엘": "l", "엑스": "x", "티": "t", "씨": "c", "en": "n",
    "es": "s", "em": "m", "el": "l", "ex": "x",
}  # fmt: skip


def replace_spoken_numbers(text: str) -> str:
    """The text with every dictated number in digits."""
    text = _KO_POINT.sub(_convert_korean_decimal, _POINT.sub(_convert_decimal, text))
    for pattern in (_EXPONENT, _POWER, _KO_EXPONENT, _KO_POWER):
        text = pattern.sub(_convert_scientific, text)
    text = _DECIMAL_COMMA.sub(r"0.\1", _OF_THE.sub(r"\1 ", text))
    text = _PLUS_MINUS.sub(_expand_plus_minus, _POWER_OF.sub(_expand_power, text))
    text = _FACTOR.sub(lambda match: f"by {_convert_to_digits(match['number'])} times", text)
    text = _DIVIDED.sub(
        lambda match: f"reduced by {_convert_to_digits(match['number'])} times", text
    )
    text = _KO_DIVIDED.sub(lambda match: f"{match['number']}배 줄여", text)
    text = _MULTIPLIED.sub(lambda match: f"{_convert_to_digits(match['number'])} times", text)
    return _convert_model_numbers(text)


_DECIMAL_COMMA: Final = re.compile(r"(?<![\d.,])0,(\d{2,})(?![\d,])")
_OF_THE: Final = re.compile(
    rf"\b(\d+|{_ONES}) of (?:the|our|my) (?:\d+|{_ONES}) (?=[a-z])", re.IGNORECASE
)
_PLUS_MINUS: Final = re.compile(r"(?<![\d.])(\d{1,6}) ?(?:±|\+/-|\+-) ?(\d{1,6})(?![\d.])")
_POWER_OF: Final = re.compile(r"(?<![\d.^])(\d{1,3})(?:\^|\*\*)(\d{1,2})(?![\d.])")


def _expand_plus_minus(match: re.Match[str]) -> str:
    """`50 ± 10` as the range that it is."""
    middle, most = int(match[1]), int(match[2])
    return f"{middle - most}~{middle + most}" if most < middle else match[0]


def _expand_power(match: re.Match[str]) -> str:
    """`2^5` as 32."""
    base, exponent = int(match[1]), int(match[2])
    return match[0] if base in (1, 10) or exponent > 16 else str(base**exponent)


def _convert_to_digits(words: str) -> str:
    """One number, in digits as it is or in words of either language."""
    low = words.lower()
    if low == "oh":
        return "0"
    if not low[:1].isdigit():
        number = parse_english_number(low, 0) or parse_korean_number(low, 0)
        if number is not None:
            return str(number.value)
    return words


def _convert_decimal(match: re.Match[str]) -> str:
    words = re.findall(rf"{_ONES}|\d", match["part"].lower())
    part = "".join(_DIGIT_OF.get(str(word), str(word)) for word in words)
    return f"{_convert_to_digits(match['whole'] or '0')}.{part}"


def _convert_korean_decimal(match: re.Match[str]) -> str:
    whole, part = match["whole"] or match["digits"], match["part"] or match["after"]
    rest = ""
    # The last 이 may be an ending: `영 점 일이고`.
    if len(part) > 1 and part.endswith("이") and _COPULA.match(match.string, match.end()):
        part, rest = part[:-1], "이"
    digits = "".join(_SINO.get(letter, letter) for letter in part)
    return f"{'0' if whole in ('제로', '공') else _convert_to_digits(whole)}.{digits}{rest}"


def _convert_scientific(match: re.Match[str]) -> str:
    groups = match.groupdict()
    sign = "" if "minus" in groups and groups["minus"] is None else "-"
    base = _convert_to_digits(groups.get("base") or "1")
    return f"{base}e{sign}{_convert_to_digits(groups['power'])}"


def _convert_model_numbers(text: str) -> str:
    """The text with numbers that tell a model in digits: `resnet fifty`, `욜로 십일 엠`."""
    low = lowercase(text)
    parts, end = [], 0
    for match in _compile_family_pattern().finditer(low):
        if match.start() < end:
            continue
        # `비투`: only behind a letter, as 원, 투 and 포 are words
        loan = _LOAN.match(low, match.end()) if match["prefix"] else None
        number = _parse_model_number(low, match.end()) if loan is None else _parse_loanword(loan)
        if number is None:
            continue
        letter = _LETTER.match(low, number.end)
        if letter is None and _is_unrelated_number(low, match.end(), number.end):
            continue
        prefix = _PREFIXES.get(match["prefix"] or "", "")
        size = "" if letter is None else _LETTERS[letter[1]]
        name = _build_family_names()[match["family"]]
        parts += [text[end : match.start()], f"{name}{prefix}{number.value}{size}"]
        end = number.end if letter is None else letter.end()
    return "".join([*parts, text[end:]])


def _is_unrelated_number(low: str, start: int, end: int) -> bool:
    """Whether a number is in digits already, or counts something else: `yolo fifty epochs`."""
    goes_on = low[end : end + 1].isalpha() and not _PARTICLE.match(low, end)
    return low[start].isdigit() or bool(_COUNTED.match(low, end)) or goes_on


def _parse_loanword(match: re.Match[str]) -> Number:
    return Number(value=_LOANS.index(match[0]), end=match.end())


def _parse_model_number(low: str, at: int) -> Number | None:
    """The number of a model: `fifty`, `one oh one`, `one fifty two`, `백일`, or digits."""
    digits = re.compile(r"\d+(?![\d.])").match(low, at)
    if digits is not None:
        return Number(value=int(digits[0]), end=digits.end())
    number = parse_english_number(low, at) or parse_korean_number(low, at)
    if number is None or not 1 <= number.value <= 9:
        return number
    oh = re.compile(r" (?:oh|o|zero)(?= )").match(low, number.end)
    rest = parse_english_number(low, (number.end if oh is None else oh.end()) + 1)
    # `one fifty two` and `one oh one`, but not `one five`
    if rest is None or (rest.value > 9) != (oh is None) or rest.value > 99:
        return number
    return Number(value=100 * number.value + rest.value, end=rest.end)


@cache
def _build_family_names() -> dict[str, str]:
    """What each name of a family is written as: Hangul ones by the family's own name."""
    return {
        phrase: key if is_hangul(phrase[0]) and " " not in key else phrase
        for key, phrases in iter_rows(FAMILIES)
        for phrase in phrases
        if len(phrase) > 1
    }


_LOANS: Final = ("제로", "원", "투", "쓰리", "포", "파이브", "식스", "세븐", "에잇", "나인")
_LOAN: Final = re.compile("|".join(_LOANS))

_PREFIXES: Final = {"v": "v", "브이": "v", "b": "_b", "비": "_b"}


@cache
def _compile_family_pattern() -> re.Pattern[str]:
    """A family's name before something else."""
    longest_first = sorted(_build_family_names(), key=lambda phrase: (-len(phrase), phrase))
    number = rf"(?=[{_S}]|{'|'.join(_LOANS)}|{_ONES}|ten|eleven|\d)"
    return re.compile(
        rf"(?<![\w-])(?P<family>{'|'.join(map(re.escape, longest_first))})"
        rf"(?: ?(?P<prefix>v|브이|b|비) ?{number})? ?(?![ ])"
    )


_PARTICLE: Final = re.compile(
    r"(?:으로|로|은|는|을|를|이랑|랑|하고|이요|요|으루|루|의|에|가|도)(?![가-힣])"
)
_LETTER: Final = re.compile(
    rf" ?({'|'.join(sorted(_LETTERS, key=lambda word: -len(word)))})"
    r"(?=$|[^a-z가-힣]|(?:으로|로|은|는|을|를|이랑|랑|하고|포즈|세그|이요|요|가|도)(?:$|"
    r"[^a-z가-힣]))"
)
_COUNTED: Final = re.compile(
    r" ?(?:에폭|에포크|이포크|epochs?\b|ep\b|passes\b|번|회|장|개|대|배|시간|분|일|gpus?\b|%|"
    r"퍼센트|times|more|hours?|days?|minutes?|x\b)"
)
