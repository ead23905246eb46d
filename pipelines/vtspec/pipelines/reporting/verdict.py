"""Whether a run did what its spec asked: the gates, held against what was measured."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from vtspec.pipelines.language import Sentence

from .resampling import Interval

FindInterval: TypeAlias = Callable[[str], Interval | None]
"""The 95 % interval of a metric by its name, or None where none is known."""

VerdictName = Literal[
    "passed", "uncertain", "missed", "none", "failed", "interrupted", "unfinished"
]
"""`passed`, `uncertain` and `missed` speak of the gates: all hold where it is `uncertain` too, but
the interval of a figure crosses its limit. `none` is a finished run without any; `failed` and
`interrupted` speak of a run that did not get so far; `unfinished` has measured nothing yet."""

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_GATE: Final = re.compile(r"\s*(\S+?)\s*(>=|<=|>|<)\s*(\S+)\s*")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One line of `report.gates` and how it came out; `value` is None where it was not measured,
    and then the gate is missed. `interval` is the value's, of 95 %, where one is known."""

    metric: str
    operator: str
    threshold: float
    value: float | None
    passed: bool
    interval: Interval | None = None

    @property
    def is_certain(self) -> bool:
        """Whether the whole interval is on the side of the limit that the value is on."""
        holds = _COMPARE[self.operator]
        ends = self.interval or ()
        return all(holds(end, self.threshold) == self.passed for end in ends)

    @property
    def rule(self) -> str:
        """The gate as a person wrote it, evenly spaced."""
        return f"{self.metric} {self.operator} {self.threshold:.15g}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What stands at the top of a report. `name` is for machines, `headline` for people."""

    name: VerdictName
    headline: Sentence
    gates: tuple[Gate, ...]

    @property
    def missed(self) -> tuple[Gate, ...]:
        """The gates that do not hold."""
        return tuple(gate for gate in self.gates if not gate.passed)


def judge_gates(
    rules: Sequence[str],
    measured: Mapping[str, float | None],
    find_interval: FindInterval = lambda _: None,
) -> tuple[Gate, ...]:
    """Every gate held against the final figures, in the order of the spec.

    Raises `ValueError` for a rule that the schema would have refused.
    """
    return tuple(_judge_gate(rule, measured, find_interval) for rule in rules)


def _judge_gate(
    rule: str,
    measured: Mapping[str, float | None],
    find_interval: FindInterval,
) -> Gate:
    match = _GATE.fullmatch(rule)
    if match is None:
        raise ValueError(f"not a gate: {rule!r}")
    metric, sign, threshold = match[1], match[2], float(match[3])
    value = measured.get(metric)
    return Gate(
        metric=metric,
        operator=sign,
        threshold=threshold,
        value=value,
        # What was not measured was not reached: a gate is a promise.
        passed=value is not None and _COMPARE[sign](value, threshold),
        interval=None if value is None else find_interval(metric),
    )


def judge_run(
    rules: Sequence[str],
    measured: Mapping[str, float | None],
    ending: str | None,
    find_interval: FindInterval = lambda _: None,
) -> Verdict:
    """The verdict on a run that ended as `ending` (None while it runs or writes its report).

    A run that failed is a failure whatever its gates say.
    """
    gates = judge_gates(rules, measured, find_interval)
    # Before the gates: figures of a run that broke down are not its result.
    if ending in {"failed", "crashed", "refused"}:
        return Verdict(name="failed", headline=_FAILURES[ending], gates=gates)
    if ending in {"interrupted", "stopped"}:
        return Verdict(name="interrupted", headline=_FAILURES[ending], gates=gates)
    # No gate can be missed by what was not measured yet.
    if not measured:
        return Verdict(name="unfinished", headline=_UNFINISHED, gates=gates)
    if not gates:
        return Verdict(name="none", headline=_NO_GATES, gates=gates)
    missed = sum(not gate.passed for gate in gates)
    if missed:
        return Verdict(name="missed", headline=_format_missed(missed, len(gates)), gates=gates)
    doubtful = sum(not gate.is_certain for gate in gates)
    name: VerdictName = "uncertain" if doubtful else "passed"
    return Verdict(name=name, headline=_format_passed(len(gates), doubtful), gates=gates)


_UNFINISHED: Final = Sentence(
    en="Not finished, nothing measured yet", ko="미완료, 아직 측정된 값 없음"
)
_NO_GATES: Final = Sentence(en="Finished, no gates set", ko="완료, 설정된 게이트 없음")
_FAILURES: Final = {
    "failed": Sentence(en="Run failed", ko="실행 실패"),
    "crashed": Sentence(en="Run crashed", ko="실행 비정상 종료"),
    "refused": Sentence(en="Run refused", ko="실행 거부됨"),
    "interrupted": Sentence(en="Run interrupted", ko="실행 중단됨"),
    "stopped": Sentence(en="Run stopped", ko="실행 중지됨"),
}


def _format_missed(missed: int, gates: int) -> Sentence:
    if gates == 1:
        return Sentence(en="Gate missed", ko="게이트 미통과")
    return Sentence(
        en=f"{missed} of {gates} gates missed", ko=f"게이트 {gates}개 중 {missed}개 미통과"
    )


def _format_passed(gates: int, doubtful: int) -> Sentence:
    english = "Gate passed" if gates == 1 else f"All {gates} gates passed"
    korean = "게이트 통과" if gates == 1 else f"게이트 {gates}개 모두 통과"
    if doubtful:
        is_all = doubtful == gates
        english += ", not certain" if is_all else f", {doubtful} not certain"
        korean += " (불확실)" if is_all else f" ({doubtful}개 불확실)"
    return Sentence(en=english, ko=korean)
