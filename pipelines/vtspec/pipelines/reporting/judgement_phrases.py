"""What of a comparison is more than chance, in words that outputs share; none holds another's text
unescaped."""

from collections.abc import Mapping
from typing import Final, Literal

from vtspec.pipelines.formatting import MISSING, format_signed, pluralize
from vtspec.pipelines.language import Sentence, Tongue

from .comparison import ClassRow, Judgement, MetricRow, get_known_metrics
from .facts import Facts


def format_difference(row: MetricRow, tongue: Tongue = "en") -> str:
    """Such as `▲ +0.0112 better`: the arrow says where the number went, the words whether that
    is good, or that chance makes such differences."""
    # The spread of seeds has judged it, or the images where there is none.
    shown_by = _THESE_SEEDS if row.seeds else _count_images(row.images)
    return _format_judged(row.difference, row.judgement, shown_by, tongue)


def format_change(row: ClassRow, tongue: Tongue = "en") -> str:
    """A class's change against the baseline, judged with the number of classes in view."""
    support = row.values.get("support")
    shown_by = _count_images(None if support is None else int(support))
    return _format_judged(row.change, row.judgement, shown_by, tongue)


_THESE_SEEDS: Final = Sentence(en="these seeds", ko="이 시드들로는")
_THESE_IMAGES: Final = Sentence(en="these images", ko="이 이미지들로는")


def _count_images(images: int | None) -> Sentence:
    if images is None:
        return _THESE_IMAGES
    return Sentence(en=pluralize(images, "image"), ko=f"이미지 {images:,}장으로는")


def _format_judged(
    difference: float | None, judgement: Judgement | None, shown_by: Sentence, tongue: Tongue
) -> str:
    if difference is None:
        return MISSING
    if difference == 0:
        return f"±0 {_JUDGED['same'].say(tongue)}"
    moved = f"{'▲' if difference > 0 else '▼'} {format_signed(difference)}"
    # Nobody should ship a model for a difference that the next split takes back.
    if judgement == "not shown":
        told = Sentence(
            en=f"no difference that {shown_by.en} can show",
            ko=f"{shown_by.ko} 유의하지 않음",
        )
        return f"{moved}, {told.say(tongue)}"
    if judgement == "not judged":
        return f"{moved}, {_JUDGED[judgement].say(tongue)}"
    return f"{moved} {_JUDGED[judgement].say(tongue)}" if judgement else moved


_JUDGED: Final[Mapping[Judgement, Sentence]] = {
    "better": Sentence(en="better", ko="개선"),
    "worse": Sentence(en="worse", ko="악화"),
    "same": Sentence(en="same", ko="동일"),
    "not judged": Sentence(en="not judged", ko="판정 안 함"),
}


def choose_kind(judgement: Judgement | None) -> Literal["better", "worse", "same"] | None:
    """The colour of a judgement: what chance makes is neither better nor worse, and green would
    say that it is."""
    return "same" if judgement == "not shown" or judgement == "not judged" else judgement


def describe_order(facts: Facts, tongue: Tongue = "en") -> str:
    """How the classes are ordered, and what that says."""
    # Two runs may have no class in common, and then nothing regressed.
    if facts.baseline is None or all(row.change is None for row in facts.classes):
        return Sentence(en="weakest first", ko="성능이 낮은 순").say(tongue)
    judgements = [row.judgement for row in facts.classes]
    worse = judgements.count("worse")
    if worse:
        return Sentence(
            en=f"{worse:,} worse, worst first", ko=f"{worse:,}개 악화, 많이 나빠진 순"
        ).say(tongue)
    # What nobody could judge must not pass for what was judged and found good.
    if "not judged" in judgements:
        told = Sentence(en="not judged, largest loss first", ko="판정 안 함, 많이 떨어진 순")
        return told.say(tongue)
    return Sentence(en="none shown to be worse", ko="악화가 확인된 클래스 없음").say(tongue)


def describe_class_judging(facts: Facts, tongue: Tongue = "en") -> str:
    """How classes were judged; "" where none was."""
    judged = any(row.judgement in ("better", "worse", "not shown") for row in facts.classes)
    if not judged:
        return ""
    many = len(facts.classes)
    return Sentence(
        en=f"Judged with {pluralize(many, 'class', 'classes')} in view (Holm): one alone would "
        "need less.",
        ko=f"클래스 {many:,}개를 한꺼번에 판정하므로 보정했습니다 (Holm). 하나만 볼 때보다 더 큰 "
        "차이가 필요합니다.",
    ).say(tongue)


def describe_judging(facts: Facts, tongue: Tongue = "en") -> str:
    """What a reader should know of the judgements in a comparison; "" where there are none."""
    judgements = {row.judgement for row in facts.metrics}
    judgements |= {row.judgement for row in facts.classes}
    sentences = []
    # On other data the caveats say why.
    if "not judged" in judgements and not facts.is_unlike:
        sentences.append(_NO_RECORD)
    over_seeds = facts.is_over_seeds or facts.is_baseline_over_seeds
    if judgements & {"better", "worse", "not shown"} and over_seeds:
        sentences.append(_BY_SEEDS)
    elif judgements & {"better", "worse", "not shown"}:
        sentences.append(_BY_IMAGES)
    judged = sum(row.judgement in ("better", "worse", "not shown") for row in facts.metrics)
    if facts.primary is not None and judged > 1:
        # A metric of an adapter's own has a name that is not ours to print.
        known = facts.primary in get_known_metrics(facts.task)
        name = Sentence(en=facts.primary, ko=facts.primary) if known else _FIRST_GATED
        sentences.append(
            Sentence(
                en=f"Judged alone: {name.en}; the others by their number too (Holm).",
                ko=f"{name.ko}만 단독으로 판정하고, 나머지는 지표 수를 고려해 보정했습니다 "
                "(Holm).",
            )
        )
    return " ".join(one.say(tongue) for one in sentences)


_NO_RECORD: Final = Sentence(
    en="Not judged: no record of single images tells it from chance.",
    ko="이미지별 기록이 없어 우연과 구분할 수 없는 차이는 판정하지 않았습니다.",
)
_BY_SEEDS: Final = Sentence(
    en="Judged over the seeds (Welch's test), classes by one run's images.",
    ko="시드들의 결과로 판정하고 (Welch 검정), 클래스는 실행 하나의 이미지로 판정했습니다.",
)
_BY_IMAGES: Final = Sentence(
    en="Judged by these images alone: another seed moves the figures too.",
    ko="이 이미지들만으로 판정했습니다. 시드를 바꿔도 수치는 달라집니다.",
)


_FIRST_GATED: Final = Sentence(en="the first gate's metric", ko="첫 게이트의 지표")


def describe_seed_judging(facts: Facts, tongue: Tongue = "en") -> str:
    """What the figures and the gates are of, where the run is judged together with others."""
    done, missing = len(facts.seeds.finished), len(facts.seeds.missing)
    told = []
    if facts.seeds.is_judged and facts.verdict.name not in _NO_RESULTS:
        mean = Sentence(
            en=f"Gates and figures are of the mean of {pluralize(done, 'seed')}; pictures, "
            "classes and all else are of this run.",
            ko=f"게이트와 수치는 시드 {done}개의 평균이며, 그림과 클래스를 비롯한 나머지는 이번 "
            "실행의 것입니다.",
        )
        told.append(mean)
    elif done:
        told.append(_ONE_SEED)
    if missing:
        left = Sentence(
            en=f"Not finished yet: {pluralize(missing, 'seed')}.",
            ko=f"시드 {missing}개는 아직 끝나지 않았습니다.",
        )
        told.append(left)
    return " ".join(one.say(tongue) for one in told)


_NO_RESULTS: Final = ("failed", "interrupted", "unfinished")
_ONE_SEED: Final = Sentence(
    en="Judged by this run alone: one seed has no spread.",
    ko="이번 실행만으로 판정했습니다. 시드 하나로는 편차를 알 수 없습니다.",
)
