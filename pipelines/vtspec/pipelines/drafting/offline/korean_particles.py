"""Korean particles, which follow the sound that a word ends in. Pure."""

from typing import Final

_FORMS: Final = {"은": ("은", "는"), "이": ("이", "가"), "을": ("을", "를"), "과": ("과", "와"),
                 "으로": ("으로", "로"), "이라는": ("이라는", "라는"), }  # fmt: skip

# How the last letter is read: 0 영, 1 일, 3 삼, 6 육, 7 칠, 8 팔; l, m, n end in a consonant too.
_CLOSED: Final = frozenset("013678lmn")
_IN_RIEUL: Final = frozenset("178l")


def append_particle(word: str, particle: str) -> str:
    """The word and its particle, which is given as after a consonant: 은, 이, 을, 과, 으로."""
    closed, in_rieul = _analyze_ending(word)
    after_consonant, after_vowel = _FORMS[particle]
    if particle == "으로" and in_rieul:
        return word + after_vowel
    return word + (after_consonant if closed else after_vowel)


def _analyze_ending(word: str) -> tuple[bool, bool]:
    """Whether the word ends in a consonant, and whether that is ㄹ."""
    last = next((letter for letter in reversed(word.lower()) if letter.isalnum()), "")
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return final != 0, final == 8
    return last in _CLOSED, last in _IN_RIEUL
