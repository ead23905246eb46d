"""What has changed since somebody read a plan: between plans of an earlier head and those of now.
Pure.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from vtspec.pipelines.language import Sentence
from vtspec.pipelines.planning.diff import Change, compare_plans
from vtspec.pipelines.planning.plan_phrases import shorten_value

from .comment_text import render_sha
from .digests import Target, find_meant, list_changed, list_targets, strip_digest
from .markers import Shown, ShownDigest
from .phrases import quote
from .replies import explain_line
from .view import EarlierPlans, PullRequestView

_MOST_CHANGES: Final = 8
_MOST_NAMES: Final = 5


def explain_unknown_digest(
    word: str, seen: PullRequestView, shown: Shown | None, line: str | None
) -> Sentence:
    """A digest means nothing here (any more): what it meant, what differs now, and the line to
    paste."""
    paste = explain_line(line)
    head = seen.pull.head_sha
    if head.startswith(word):
        return Sentence(
            en=f"{quote(word)} is a commit, and a plan is named by its digest; {paste.en}",
            ko=f"{quote(word)}은(는) 커밋입니다. 계획은 다이제스트로 씁니다. {paste.ko}",
        )
    for earlier in seen.earlier:
        meant = find_meant(word, earlier.specs)
        if meant:
            return _explain_earlier(word, meant[0], earlier, seen, paste)
    remembered = [one for one in (shown.digests if shown else ()) if one.digest.startswith(word)]
    if remembered:
        return _explain_remembered(word, remembered[0], seen, paste)
    return Sentence(
        en=f"{quote(word)} is no plan of this pull request; {paste.en}",
        ko=f"{quote(word)}: 이 풀 리퀘스트의 계획이 아닙니다. {paste.ko}",
    )


def tell_changes_since(seen: PullRequestView, shown: Shown | None) -> Sentence | None:
    """What of the plans differs from those of the head before; None where there was no other."""
    head = seen.pull.head_sha
    older = [one.head_sha for one in (shown.digests if shown else ()) if one.head_sha != head]
    if not older:
        return None
    old = render_sha(older[0])
    found = next((one for one in seen.earlier if one.head_sha == older[0]), None)
    if found is None:
        return Sentence(
            en=f"the plans of {old}, the head before, cannot be made again now, so what differs "
            "is not told",
            ko=f"이전 커밋 {old}의 계획을 지금 다시 만들 수 없어 달라진 점을 알릴 수 없습니다",
        )
    lines = list(_list_differences(list_changed(found.specs), list_changed(seen.specs)))
    if not lines:
        return Sentence(
            en=f"nothing in the plans differs from those of {old}, the head before",
            ko=f"이전 커밋 {old}의 계획과 달라진 점이 없습니다",
        )
    listed = _join(lines)
    return Sentence(
        en=f"since {old}, the head before, in the plans:\n\n{listed.en}",
        ko=f"이전 커밋 {old}의 계획과 다른 점:\n\n{listed.ko}",
    )


def _explain_earlier(
    word: str,
    meant: Sequence[Target],
    earlier: EarlierPlans,
    seen: PullRequestView,
    paste: Sentence,
) -> Sentence:
    names = list(dict.fromkeys(target.spec.name for target in meant))
    shown = ", ".join(f"`{name}`" for name in names[:_MOST_NAMES])
    shown += "" if len(names) <= _MOST_NAMES else ", …"
    of = "the plan of" if len(meant) == 1 else "the plans of"
    at, head = render_sha(earlier.head_sha), render_sha(seen.pull.head_sha)
    was_all = {one.plan.digest for one in meant} == {
        one.plan.digest for one in list_changed(earlier.specs)
    }
    paths = {target.spec.path for target in meant}
    now = [
        one
        for one in list_targets(seen.specs)
        if one.spec.path in paths or (was_all and one.spec.cause == "changed")
    ]
    told = _name_now(now, meant, head)
    listed = _join(list(_list_differences(meant, now)))
    return Sentence(
        en=f"{quote(word)} was {of} {shown} at {at}; {told.en}:\n\n{listed.en}\n\n{paste.en}",
        ko=f"{quote(word)}은(는) {at}에서 {shown}의 계획이었습니다. {told.ko}:\n\n{listed.ko}"
        f"\n\n{paste.ko}",
    )


def _name_now(now: Sequence[Target], meant: Sequence[Target], head: str) -> Sentence:
    if len(now) == len(meant) == 1:
        digest = render_sha(strip_digest(now[0].plan.digest))
        return Sentence(
            en=f"now, at {head}, that is {digest}, and what differs is",
            ko=f"지금은 ({head}) {digest}이며, 다른 점은 다음과 같습니다",
        )
    return Sentence(
        en=f"what differs now, at {head}, is",
        ko=f"지금 ({head}) 다른 점은 다음과 같습니다",
    )


def _explain_remembered(
    word: str, was: ShownDigest, seen: PullRequestView, paste: Sentence
) -> Sentence:
    head, at = render_sha(seen.pull.head_sha), render_sha(was.head_sha)
    now = [plan for spec in seen.specs if spec.name == was.spec for plan in spec.plans]
    lost = Sentence(en="it is not planned here any more", ko="이제 여기에 없습니다")
    if now:
        digest = render_sha(strip_digest(now[0].digest))
        lost = Sentence(
            en=f"now, at {head}, that is {digest}, and that plan cannot be made again now, so "
            "what differs is not told",
            ko=f"지금은 ({head}) {digest}입니다. 그때의 계획을 지금 다시 만들 수 없어 달라진 "
            "점을 알릴 수 없습니다",
        )
    return Sentence(
        en=f"{quote(word)} was the plan of `{was.spec}` at {at}; {lost.en}; {paste.en}",
        ko=f"{quote(word)}은(는) {at}에서 `{was.spec}`의 계획이었습니다. {lost.ko}. {paste.ko}",
    )


def _list_differences(before: Sequence[Target], after: Sequence[Target]) -> Iterator[Sentence]:
    """A line for each field that differs in what is approved, spec by spec, and for each plan that
    is gone or new."""
    pairs, fresh = _pair(before, after)
    for target, now in pairs:
        name = f"`{target.plan.name}`"
        if now is None:
            yield Sentence(en=f"{name}: not planned any more", ko=f"{name}: 이제 계획에 없음")
            continue
        changes = compare_plans(target.plan.to_json(), now.plan.to_json())
        # What is cosmetic is part of no digest.
        for change in (one for one in changes if one.effect != "cosmetic"):
            text = f"{name}: {_tell_change(change)}"
            yield Sentence(en=text, ko=text)
    for target in fresh:
        name = f"`{target.plan.name}`"
        yield Sentence(en=f"{name}: a plan that was not there", ko=f"{name}: 새로 생긴 계획")


def _pair(
    before: Sequence[Target], after: Sequence[Target]
) -> tuple[list[tuple[Target, Target | None]], list[Target]]:
    """Each plan with what it is now, None where it is gone: that of the same file and seed, else
    one of the file whose seed is new. And what is new beside these."""
    old, new = ({_identify(one): one for one in some} for some in (before, after))
    fresh = [one for key, one in new.items() if key not in old]
    pairs: list[tuple[Target, Target | None]] = []
    for key, target in old.items():
        now = new.get(key)
        if now is None:
            now = next((one for one in fresh if one.spec.path == target.spec.path), None)
            fresh = [one for one in fresh if one is not now]
        pairs.append((target, now))
    return pairs, fresh


def _identify(target: Target) -> tuple[str, int]:
    """Which plan it is where neither its file nor its seed changes."""
    return target.spec.path, target.plan.training.seed


def _tell_change(change: Change) -> str:
    before, after = (quote(shorten_value(one)) for one in (change.before, change.after))
    return f"{quote(change.path)} {before} → {after}"


def _join(lines: Sequence[Sentence]) -> Sentence:
    more = len(lines) - _MOST_CHANGES
    shown = [*lines[:_MOST_CHANGES]]
    if more > 0:
        shown.append(Sentence(en=f"… and {more} more", ko=f"… 외 {more}개"))
    return Sentence(
        en="\n".join(f"- {one.en}" for one in shown), ko="\n".join(f"- {one.ko}" for one in shown)
    )
