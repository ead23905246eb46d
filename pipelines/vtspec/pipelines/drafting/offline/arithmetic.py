"""Numbers that are reckoned or written in parts, as the one number they come to. Pure.

`5x10^-4` becomes `0.0005`, `0.001 times 3` `0.003`, `1 over 1000` `1/1000`,
`천분의 일` `1000분의 1`, `스물 다섯` `스물다섯`, `two dozen` `24`, `half an epoch` `0.5 epochs`.
"""

import re
import unicodedata
from typing import Final

from .numbers import normalize_number, parse_english_number, parse_korean_number

_RAISED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_EXPONENT: Final = re.compile(r"(?<=\d)([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})")
_VULGAR: Final = re.compile(r"(?:(?<![\w.])(\d{1,4}) ?)?([½⅓⅔¼¾⅕⅛])")
_HANJA: Final = re.compile(r"(?<![㐀-鿿])[一二三四五六七八九十百千]{1,6}(?![㐀-鿿])")
_HANJA_OF: Final = str.maketrans("一二三四五六七八九十百千", "일이삼사오육칠팔구십백천")

_N: Final = r"\d{1,12}(?:\.\d{1,12})?(?:e[-+]?\d{1,3})?"
# only small numbers are reckoned: `640 x 480` are sides, `8 x 4` may be anything
_SMALL: Final = r"\d{0,6}\.\d{1,12}(?:e[-+]?\d{1,3})?|\d{1,6}e-\d{1,3}"
# `0.1 times 3 epochs` is no product: nothing may follow
_END: Final = r"(?= ?(?:$|[,;\n)]|\.(?!\d)))"
_TEN_TO: Final = re.compile(
    rf"(?<![\w.])({_N}) ?[x*·] ?10 ?(?:\^|\*\*) ?([-+]?\d{{1,2}})(?![\d.])", re.IGNORECASE
)
_PRODUCT: Final = re.compile(
    rf"(?<![\w.])({_SMALL}) ?(?:x|\*|times|곱하기) ?({_N}){_END}", re.IGNORECASE
)
_QUOTIENT: Final = re.compile(
    rf"(?<![\w.])({_SMALL}) ?(?:/|나누기|divided by) ?(\d{{1,6}}){_END}", re.IGNORECASE
)
_PER_MILLE: Final = re.compile(r"(?<![\w.])(\d{1,6}(?:\.\d{1,6})?) ?(?:‰|퍼밀|per ?mille)")
_OVER: Final = re.compile(r"(?<![\w.])(\d{1,4}|one) over (\d{1,6})" + _END, re.IGNORECASE)
_PARTS: Final = {"hundredth": 100, "thousandth": 1000, "millionth": 1_000_000}
_PART: Final = re.compile(
    r"\b(one|an?|two|three|four|five|six|seven|eight|nine|\d{1,3})[ -](ten[ -])?"
    r"(hundredth|thousandth|millionth)s?\b(?! of\b)",
    re.IGNORECASE,
)
_KO_PART: Final = re.compile(
    r"(?<![가-힣\d])([일이삼사오육칠팔구]?[십백천만]{1,2}) ?분의 ?(\d{1,4}|[일이삼사오육칠팔구])"
)
_DOZENS: Final = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|\d{1,3}) dozen\b", re.IGNORECASE
)
_HALF: Final = re.compile(r"\bhalf an? (?=epochs?\b)|(?<![가-힣])반 (?=에폭|에포크)")
_ONES: Final = "하나|한|둘|두|셋|세|넷|네|다섯|여섯|일곱|여덟|아홉"
_DIGIT: Final = "일이삼사오육칠팔구"
_COUNTED: Final = r"(?= ?(?:에폭|에포크|이포크|배치|번|회|개|장|$|[^가-힣 ]|으?로(?![가-힣])))"
_NATIVE: Final = re.compile(
    rf"(?<![가-힣])((?:[{_DIGIT}]?백 ?)?(?:열|스물|서른|마흔|쉰|예순|일흔|여든|아흔|"
    rf"[{_DIGIT}]?십))"
    rf" ({_ONES}){_COUNTED}"
)
_SINO: Final = re.compile(
    rf"(?<![가-힣])([{_DIGIT}]?[백천](?: ?[{_DIGIT}]?십)?|[{_DIGIT}]?십) "
    rf"([{_DIGIT}]?십[{_DIGIT}]?|[{_DIGIT}]){_COUNTED}"
)
_MIXED: Final = re.compile(r"(?<![\d.])([1-9])십([일이삼사오육칠팔구1-9])?(?!\d)")
_MINUS: Final = re.compile(
    r"(?<=[a-z=:] )(?:minus|negative) (?=(?:one|two|three|four|five|six|seven|eight|nine|ten)\b)"
    r"([a-z]+)",
    re.IGNORECASE,
)
# `Learning rate? 0.003`: people who dictate a form
_ASKED: Final = re.compile(r"(?<=[a-z가-힣])\? (?=-?\.?\d)", re.IGNORECASE)
_ALL: Final = re.compile(r"(?<![가-힣])(?:둘|셋|넷) ?다(?![가-힣])")
# `ignore the previous 50 epochs, use 30` negates a value
_OLD: Final = re.compile(r"\bignore (?:the |my )?previous (?=\d)", re.IGNORECASE)
_GLUED: Final = re.compile(  # `cats-baseline20 에폭`: the number is not of the name
    r"\b([a-z]{2,20}-[a-z]{4,20})(\d{1,4})(?= ?(?:에폭|에포크|epochs?\b))", re.IGNORECASE
)
_PLUS: Final = re.compile(r"(?<![\w.+])(\d{1,5}) ?\+ ?(\d{1,5})(?= ?(?:epochs?\b|에폭|에포크))")
# `epochs ~50` is about 50, and no range
_ROUGHLY: Final = re.compile(r"(?<=[a-z가-힣=:] )~ ?(?=\d)|(?<=[=:])~ ?(?=\d)", re.IGNORECASE)
# `lr 0,1`: in fields of fractions a comma is the decimal point of half of Europe
_COMMA: Final = re.compile(
    r"(?<![a-z])(lr|learning rate|학습률|weight decay|momentum|label smoothing)([ :=]{1,3})"
    r"0,(\d{1,6})(?![\d,.])",
    re.IGNORECASE,
)
_FROM_TO: Final = re.compile(r"(?<=\d) ?내지 ?(?=\d)")
_MAP: Final = re.compile(r"\b(map) ?@ ?0?\.50?(?![\d:-])", re.IGNORECASE)


def expand_numerals(text: str) -> str:
    """The text as it was typed, with exponents, fractions and numerals that are one letter each
    in plain ones; to be called before its letters are made plain."""
    text = _EXPONENT.sub(lambda match: f"^{match[1].translate(_RAISED)}", text)
    text = _VULGAR.sub(
        lambda match: _format_number(int(match[1] or 0) + unicodedata.numeric(match[2])), text
    )
    return _HANJA.sub(lambda match: str(_parse_integer(match[0].translate(_HANJA_OF))), text)


def evaluate_arithmetic(text: str) -> str:
    """The text with sums as their results, and numbers that were parted by spaces as one."""
    text = _MAP.sub(r"\g<1>50", _FROM_TO.sub("~", _ASKED.sub(": ", text)))
    text = _OLD.sub("not ", _ALL.sub("모두", text))
    text = _GLUED.sub(r"\1 \2", text)
    text = _COMMA.sub(r"\1\g<2>0.\3", _ROUGHLY.sub("", text))
    text = _PLUS.sub(lambda match: str(int(match[1]) + int(match[2])), text)
    text = _TEN_TO.sub(lambda match: _format_number(float(f"{float(match[1])}e{match[2]}")), text)
    text = _PRODUCT.sub(lambda match: _format_number(float(match[1]) * float(match[2])), text)
    text = _QUOTIENT.sub(_compute_quotient, text)
    text = _PER_MILLE.sub(lambda match: _format_number(float(match[1]) / 1000), text)
    text = _OVER.sub(lambda match: f"{_parse_integer(match[1])}/{match[2]}", text)
    text = _PART.sub(_compute_fraction, text)
    text = _KO_PART.sub(_convert_korean_fraction, text)
    text = _DOZENS.sub(lambda match: str(12 * _parse_integer(match[1])), text)
    text = _MINUS.sub(lambda match: f"-{_parse_integer(match[1])}", _HALF.sub("0.5 ", text))
    text = _SINO.sub(_sum_parts, _NATIVE.sub(_sum_parts, text))
    return _MIXED.sub(
        lambda match: str(10 * int(match[1]) + _parse_integer(match[2] or "영")), text
    )


def _sum_parts(match: re.Match[str]) -> str:
    """`이백 오십` as 250; `스물 다섯` as 25."""
    parts = [*match[1].split(" "), match[2]]
    return str(sum(map(_parse_integer, parts)))


def _compute_quotient(match: re.Match[str]) -> str:
    below = float(match[2])
    return _format_number(float(match[1]) / below) if below else match[0]


def _compute_fraction(match: re.Match[str]) -> str:
    below = _PARTS[match[3].lower()] * (10 if match[2] else 1)
    return _format_number(_parse_integer(match[1]) / below)


def _convert_korean_fraction(match: re.Match[str]) -> str:
    return f"{_parse_integer(match[1])}분의 {_parse_integer(match[2])}"


def _parse_integer(word: str) -> int:
    """A whole number in digits or words of either language."""
    low = word.lower()
    if low.isdigit():
        return int(low)
    number = parse_english_number(low, 0) or parse_korean_number(low, 0)
    return 1 if number is None else int(number.value)


def _format_number(value: float) -> str:
    return f"{normalize_number(value):.12g}"
