"""Why a run and its baseline are not like with like. Pure."""

from collections.abc import Mapping
from typing import Final

from vtspec.pipelines.language import Sentence
from vtspec.pipelines.runs.json_values import to_mapping, to_text

from .seeds import SeedGroup

_OTHER_DATA: Final = Sentence(
    en="The baseline was measured on other data", ko="베이스라인은 다른 데이터로 측정했습니다"
)
_OTHER_CLASSES: Final = Sentence(
    en="The baseline knows other classes", ko="베이스라인의 클래스가 다릅니다"
)
_OTHER_SPLIT: Final = Sentence(
    en="The baseline was measured on another split",
    ko="베이스라인은 다른 데이터 분할에서 측정했습니다",
)
_OTHER_TASK: Final = Sentence(
    en="The baseline has another task", ko="베이스라인의 작업이 다릅니다"
)
_NO_JUDGEMENT: Final = Sentence(
    en="No difference is called better or worse",
    ko="차이를 개선이나 악화로 판정하지 않습니다",
)
ADAPTED_BASELINE: Final = Sentence(
    en="The baseline was adapted: its training went otherwise than planned",
    ko="베이스라인은 계획과 다르게 학습되었습니다",
)
_NO_FIGURES: Final = Sentence(
    en="The baseline has no final figures", ko="베이스라인에 최종 수치가 없습니다"
)


def list_unlike(plan: Mapping[str, object], other: Mapping[str, object]) -> tuple[Sentence, ...]:
    """Why figures of the two do not measure one thing, so that none is better than another."""
    new, old = to_mapping(plan.get("dataset")), to_mapping(other.get("dataset"))
    checks = (
        (new.get("hash") != old.get("hash"), _OTHER_DATA),
        (new.get("classes") != old.get("classes"), _OTHER_CLASSES),
        (new.get("finalSplit") != old.get("finalSplit"), _OTHER_SPLIT),
        (plan.get("task") != other.get("task"), _OTHER_TASK),
    )
    return tuple(sentence for holds, sentence in checks if holds)


def collect_caveats(
    plan: Mapping[str, object],
    other: Mapping[str, object],
    figures: Mapping[str, float],
    seeds: SeedGroup,
    planned_run: str | None,
) -> tuple[Sentence, ...]:
    """What to know of a comparison with a run of the `other` plan, which has these final `figures`
    and is judged together with its `seeds`. `planned_run` is the last finished run of the plan
    that the baseline's spec had, None where there is none."""
    unlike = list_unlike(plan, other)
    report = to_mapping(plan.get("report"))
    name, planned = to_text(report.get("baseline")), to_text(report.get("baselinePlan"))
    checks = (
        (bool(unlike), _NO_JUDGEMENT),
        (not figures, _NO_FIGURES),
        (
            name == other.get("name")
            # Of several seeds any is the baseline: they are judged together.
            and planned not in (None, other.get("id"), *(one.plan_id for one in seeds.finished)),
            _explain_other_plan(name, planned, planned_run),
        ),
    )
    return (*unlike, *(sentence for holds, sentence in checks if holds))


def _explain_other_plan(name: str | None, planned: str | None, run: str | None) -> Sentence:
    has_run = "has no finished run" if run is None else f"has the finished run {run}"
    its_run = "에는 완료된 실행이 없습니다" if run is None else f"의 완료된 실행은 {run}입니다"
    return Sentence(
        en=f"The baseline is not {name} as its spec stood, which is {planned} and {has_run}",
        ko=f"베이스라인은 {name} 스펙의 당시 계획({planned})을 실행한 것이 아닙니다. "
        f"그 계획{its_run}",
    )
