"""Ordinary words of both languages, which are no misspelt words of the vocabulary.

English ones come from SCOWL, sizes 10 to 35, without what `_ENDINGS` derives; its notice lies
beside the list.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from .lexicon import PARTICLES, build_lexicon
from .text import is_hangul, normalize_name

_ENDINGS: Final = (
    ("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("ed", "e"), ("d", ""), ("ied", "y"),
    ("ing", ""), ("ing", "e"), ("ings", ""), ("ings", "e"), ("ly", ""), ("ily", "y"),
    ("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"), ("est", ""), ("ness", ""), ("'s", ""),
)  # fmt: skip
"""How a word is inflected: what its end is, and what stands there in the word itself."""

_KOREAN: Final = frozenset(
    """
    가방 가격 가게 가족 거리감 계단 계획 고민 고장 공장 공부 과장 교실 구경 국수 기분 기억 기차
    기차표
    나라 나중 날짜 내년 노력 다리 다행 단어 대화 도시 동네 동안 때문 마음 마음에 마지막 머리 모두
    모임
    모습 문제 물건 바람 바다 밥값 방송 배달 배송 배추 배치도 버릇 번호 변화 보통 부모 부탁 비용
    사람 사이
    사장 산책 상자 생각 생일 서울 선물 설명 소리 소문 손님 수업 시간 시간표 시계 시장 시작 식당
    신문 실력
    씨앗 아침 안녕 약속 어른 얼굴 엄마 여름 여행 연락 영화 예매 오전 오후 올해 완료 요즘 요일
    운동 월급
    월요일 위치 음식 음악 의견 의사 이름 이야기 이유 일정 자리 작년 작업 잠깐 장소 저녁 전화 점심
    정리
    제목 주말 주문 주소 준비 지하철 직원 질문 집안 차례 창가 책임 처음 청소 추천 출근 친구
    크리스마스 택배
    토요일 통화 퇴근 특히 편지 평소 표정 하늘 하루 학교 학년 학번 학점 할머니 할인 행사 형님 호텔
    화면
    화요일 회식 휴가 휴일 희망
    """.split()
)
"""Common Korean words that are a key or two away from words of the vocabulary."""

_EVERYDAY: Final = frozenset(
    """
    again another bad base better big case day demo different early easy end even example few final
    first free full hard here high idea just kind last late later left line lot low main many maybe
    month most much name near next night nothing now only open other own part people place point
    project public real right room sample second simple since small still team test then there
    thing today toy two under usual way week where while work worse worst year yet
    거기 것 결과 그것 그거 나중 내일 다른 다음 뭐 많은 새 새로운 오늘 우리 이거 이것 이번 저거 저것
    좋은 큰 테스트 팀 프로젝트
    """.split()
)
"""Of the hundreds of words that every text has, those that mean nothing to the grammar."""

_NAMELIKE: Final = frozenset({"noun", "generic", "family", "gpu", "metric", "choice", "format"})
"""What the grammar knows of a word that may be a name all the same."""


def is_grammatical(word: str) -> bool:
    """Whether a word holds sentences together or is one of a spec: `on`, `train`."""
    senses = build_lexicon().senses.get(normalize_name(word), ())
    kinds = {sense.kind for sense in senses} - _NAMELIKE
    return bool(kinds) or word.lower() in PARTICLES or len(word) == 1


def is_everyday(word: str) -> bool:
    """Whether every text may have the word, whatever bears it as a name."""
    return word.lower() in _EVERYDAY or is_grammatical(word)


def is_ordinary(word: str) -> bool:
    """Whether a word is a common one of English or Korean, in any usual form."""
    low = word.lower()
    if any(map(is_hangul, low)):
        return low in _KOREAN
    words = _load_english_words()
    return low in words or any(each in words for each in _iter_stems(low))


def _iter_stems(word: str) -> Iterator[str]:
    """What a word may be a form of: `running` of `run`, `tries` of `try`."""
    for ending, instead in _ENDINGS:
        stem = word[: -len(ending)]
        # `class` is no plural, `bed` no past
        if word.endswith(ending) and len(stem) >= 3 and not word.endswith("ss"):
            yield stem + instead
            if stem[-1] == stem[-2]:
                yield stem[:-1]


@cache
def _load_english_words() -> frozenset[str]:
    listed = Path(__file__).with_name("words") / "english.txt"
    return frozenset(listed.read_text(encoding="ascii").split())
