"""Which plans a digest in a comment means, and the lines that name them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from posixpath import commonprefix
from typing import Final, Literal

from vtspec.pipelines.operations.pull_request import combine_digests
from vtspec.pipelines.planning.plan_model import Plan

from .commands import LONGEST_LINE, USAGE
from .view import PlannedSpec

SHORTEST: Final = 7
"""Digits of a digest that a line to paste has at least."""

RunVerb = Literal["apply", "rerun"]
"""What carries plans out: for the first time, or again."""

_MOST_DIGESTS: Final = 300
_NEXT_BLOCK: Final = "\n```\n\n```\n"
_NO_DIGEST: Final = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Target:
    """A plan of a spec in a pull request."""

    spec: PlannedSpec
    plan: Plan


def list_targets(specs: Iterable[PlannedSpec]) -> list[Target]:
    """Each plan of the specs."""
    return [Target(spec=spec, plan=plan) for spec in specs for plan in spec.plans]


def list_changed(specs: Iterable[PlannedSpec]) -> list[Target]:
    """The plans of specs that the pull request itself changes, which one digest is of: those that
    only become another, or that somebody asked to see, are never carried out unless each is named.
    """
    return list_targets(spec for spec in specs if spec.cause == "changed")


def strip_digest(digest: str) -> str:
    """The hex digits of a plan's digest."""
    return digest.removeprefix("sha256:")


def compute_all_digest(targets: Sequence[Target]) -> str:
    """The digest over plans, in hex digits; of none, zeros, which no plan has."""
    combined = combine_digests([target.plan.digest for target in targets])
    return _NO_DIGEST if combined is None else strip_digest(combined)


def find_meant(word: str, specs: Sequence[PlannedSpec]) -> list[list[Target]]:
    """What a digest's first digits may mean: groups of plans, of which there is one if it is
    clear. A group is one plan, all seeds of a spec, or all plans that the pull request changes."""
    groups = _group_targets(specs)
    return [group for digest, group in groups.items() if digest.startswith(word)]


def _group_targets(specs: Sequence[PlannedSpec]) -> dict[str, list[Target]]:
    groups: dict[str, list[Target]] = {}
    for target in list_targets(specs):
        groups.setdefault(strip_digest(target.plan.digest), [target])
    for spec in specs:
        # Of one plan alone there is no other digest to type.
        if len(spec.plans) > 1:
            seeds = list_targets([spec])
            groups.setdefault(compute_all_digest(seeds), seeds)
    asked = list_changed(specs)
    if asked:
        groups.setdefault(compute_all_digest(asked), asked)
    return groups


def shorten_digests(specs: Sequence[PlannedSpec]) -> dict[str, str]:
    """Each digest that means something in a pull request, and as few of its digits as mean nothing
    else there."""
    known = sorted(_group_targets(specs))
    found = {}
    for at, digest in enumerate(known):
        # Sorted, the one that has most digits in common with it stands beside it.
        beside = (*known[at - 1 : at], *known[at + 1 : at + 2])
        shared = max((len(commonprefix([digest, one])) for one in beside), default=0)
        found[digest] = digest[: max(SHORTEST, shared + 1)]
    return found


def name_targets(targets: Sequence[Target], specs: Sequence[PlannedSpec]) -> str:
    """The digits that mean these plans: of the one, of all, or of each."""
    short, digests = shorten_digests(specs), {target.plan.digest for target in targets}
    for group in (list_changed(specs), *(list_targets([spec]) for spec in specs)):
        if len(digests) > 1 and digests == {target.plan.digest for target in group}:
            return short[compute_all_digest(group)]
    return " ".join(short[strip_digest(digest)] for digest in sorted(digests))


def write_lines(
    targets: Sequence[Target], specs: Sequence[PlannedSpec], verb: RunVerb = "apply"
) -> list[str]:
    """The lines that carry out plans that no one digest is of: as many as a command's length asks
    for, each to be pasted as a comment of its own."""
    parts = [targets[at : at + _MOST_DIGESTS] for at in range(0, len(targets), _MOST_DIGESTS)]
    return [_write_one(part, specs, verb) for part in parts]


def write_line(
    targets: Sequence[Target], specs: Sequence[PlannedSpec], verb: RunVerb = "apply"
) -> str:
    """The line to paste that carries these plans out, to stand in a block of code; where that is
    longer than a command may be, several, each in a block of its own."""
    if not targets:
        return USAGE[verb]
    whole = _write_one(targets, specs, verb)
    if len(whole) <= LONGEST_LINE:
        return whole
    return _NEXT_BLOCK.join(write_lines(targets, specs, verb))


def _write_one(targets: Sequence[Target], specs: Sequence[PlannedSpec], verb: RunVerb) -> str:
    return f"/vtspec {verb} {name_targets(targets, specs)}"
