"""Figures of many judgements, and the table that they are printed as. All are pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from judging import Judgement


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Shares are from 0 to 1, None where there is nothing to take a share of; CPU times are
    milliseconds per draft. What each means stands in README.md."""

    requests: int
    crashed: int
    valid_drafts: float | None
    exact_specs: float | None
    field_accuracy: float | None
    right_questions: float | None
    false_questions: float | None
    right_refusals: float | None
    false_refusals: float | None
    lossy_drafts: float | None
    told_losses: float | None
    cpu_ms_mean: float | None
    cpu_ms_p95: float | None


def figures_of(judged: Sequence[Judgement]) -> Figures:
    """The figures of some judgements."""
    fields = [each for each in judged if each.request.expects == "fields"]
    questions = [each for each in judged if each.request.expects == "question"]
    refusals = [each for each in judged if each.request.expects == "refusal"]
    drafts = [each for each in judged if each.valid is not None]
    complete = [each for each in judged if each.status == "complete"]
    lossy = [each for each in complete if each.lost]
    times = sorted(each.cpu_s * 1000 for each in judged if each.status != "crashed")
    return Figures(
        requests=len(judged),
        crashed=sum(each.status == "crashed" for each in judged),
        valid_drafts=_share(each.valid is True for each in drafts),
        exact_specs=_share(each.exact for each in fields),
        field_accuracy=_ratio(
            sum(each.right for each in fields), sum(each.expected for each in fields)
        ),
        right_questions=_share(each.as_asked for each in questions),
        false_questions=_share(each.status == "question" and not each.exact for each in fields),
        right_refusals=_share(each.as_asked for each in refusals),
        false_refusals=_share(
            each.status == "refused" and not each.exact for each in (*fields, *questions)
        ),
        lossy_drafts=_ratio(len(lossy), len(complete)),
        told_losses=_share(each.told for each in lossy),
        cpu_ms_mean=_ratio(sum(times), len(times)),
        cpu_ms_p95=times[int(0.95 * (len(times) - 1))] if times else None,
    )


def figures_by(
    judged: Sequence[Judgement], groups: Callable[[Judgement], Iterable[str]]
) -> dict[str, Figures]:
    """The figures of every group, in alphabetical order; a judgement may be in several."""
    members: dict[str, list[Judgement]] = {}
    for each in judged:
        for group in groups(each):
            members.setdefault(group, []).append(each)
    return {group: figures_of(members[group]) for group in sorted(members)}


def languages(judged: Judgement) -> Iterable[str]:
    """The group of its main language."""
    return [judged.request.language]


def tasks(judged: Judgement) -> Iterable[str]:
    """The group of its task; `no task` where the words leave it open."""
    return [judged.request.task or "no task"]


def tags(judged: Judgement) -> Iterable[str]:
    """A group for each tag; `plain` where there is none."""
    return judged.request.kinds or ["plain"]


_COLUMNS: Final = {
    "n": "requests",
    "valid": "valid_drafts",
    "exact": "exact_specs",
    "fields": "field_accuracy",
    "right q": "right_questions",
    "false q": "false_questions",
    "right ref": "right_refusals",
    "false ref": "false_refusals",
    "lossy": "lossy_drafts",
    "told": "told_losses",
    "ms": "cpu_ms_mean",
    "ms p95": "cpu_ms_p95",
}

_WIDTH: Final = 10


def table(groups: Mapping[str, Figures]) -> list[str]:
    """The groups as lines of text under a head; shares in percent, `-` where there is none."""
    first = max(len("group"), *(len(group) for group in groups)) + 2
    head = "group".ljust(first) + "".join(name.rjust(_WIDTH) for name in _COLUMNS)
    return [head, *(group.ljust(first) + _cells(each) for group, each in groups.items())]


def _cells(figures: Figures) -> str:
    values = asdict(figures)
    return "".join(_cell(name, values[name]).rjust(_WIDTH) for name in _COLUMNS.values())


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name == "requests":
        return str(value)
    return f"{value:.1f}" if name.startswith("cpu") else f"{100 * value:.1f} %"


def _share(claims: Iterable[bool]) -> float | None:
    known = list(claims)
    return _ratio(sum(known), len(known))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
