"""The hidden lines that our comments begin with: by these they are found again. Pure.

A marker counts in a comment of our own login alone; anybody can type one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from vtspec.pipelines.forge.comment_text import has_text, list_marked, make_plain
from vtspec.pipelines.forge.forge import Comment

Outcome = Literal["done", "refused"]

WordId: TypeAlias = int | str
"""What an answer is to: a comment by its id, `review-ID`, or `merge-NUMBER` of a pull request."""

_REPLY: Final = re.compile(
    r"<!-- vtspec:reply ((?:review-|merge-)?[0-9]{1,20}) -->\n<!-- vtspec:(done|refused) -->"
)
_SHOWN: Final = re.compile(
    r"<!-- vtspec:of ([0-9a-f]{7,64}) ([0-9]{1,12}) ([0-9a-f]{64})(?: [0-9]{1,12})? -->"
)
_PLAN: Final = re.compile(
    r"<!-- vtspec:digest ([a-z0-9-]{1,40}) ([0-9a-f]{64}) ([0-9a-f]{7,64}) -->"
)
_POLICY: Final = re.compile(r"<!-- vtspec:policy ([a-z]{1,20} [0-9a-f]{16}) -->")
_MOST_DIGESTS: Final = 60
"""Digests that a plan comment remembers of its commit, and as many of earlier ones."""


@dataclass(frozen=True, kw_only=True)
class ShownDigest:
    """A digest that a plan comment has shown, for which spec, at which commit."""

    spec: str
    digest: str
    head_sha: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Of which commit a plan comment is and since when it says so under one policy (seconds of the
    epoch), and the digest over the plans that the pull request changes; `policy` is what then said
    who approves them and how, as `name_policy` has it, "" where it is not noted; `digests`, the
    newest first."""

    head_sha: str
    head_since: int
    all_digest: str
    policy: str = ""
    digests: tuple[ShownDigest, ...] = ()

    def is_seen(self, head_sha: str, at: datetime | None) -> bool:
        """Whether the comment was of that commit at that time."""
        return at is not None and head_sha == self.head_sha and at.timestamp() >= self.head_since


def make_marker(kind: str) -> str:
    """The first line of the comment of a kind."""
    return f"<!-- vtspec:{kind} -->"


def make_reply_marker(word: WordId, outcome: Outcome) -> str:
    """The first lines of the answer to a command, a review or a merge."""
    return f"{make_marker(f'reply {word}')}\n{make_marker(outcome)}"


CONCLUDED: Final = frozenset({"rocket", "-1"})
"""Our reactions to a command of which nothing is left to be done."""

DUPLICATE: Final = f"{make_marker('duplicate')}\n*This is told in another comment above.*\n"
"""What stands in place of a comment that two controllers have written at once."""


def find_comments(comments: Sequence[Comment], login: str, kind: str) -> list[Comment]:
    """Our own comments of a kind, the oldest first."""
    return list_marked(comments, make_marker(kind), login)


def find_replies(comments: Sequence[Comment], login: str) -> dict[WordId, Outcome]:
    """Which commands, reviews and merges we have answered, and how: the first answer counts, and
    another one becomes a word that points at it."""
    found: dict[WordId, Outcome] = {}
    for one in comments:
        marker = _REPLY.match(make_plain(one.body)) if one.author == login else None
        if marker is not None:
            word = int(marker[1]) if marker[1].isdigit() else marker[1]
            found.setdefault(word, "done" if marker[2] == "done" else "refused")
    return found


def read_shown(body: str) -> Shown | None:
    """What a plan comment says that it is of; None where it does not."""
    found = _SHOWN.search(body)
    if found is None:
        return None
    policy = _POLICY.search(body)
    return Shown(
        head_sha=found[1],
        head_since=int(found[2]),
        all_digest=found[3],
        policy="" if policy is None else policy[1],
        digests=tuple(
            ShownDigest(spec=one[1], digest=one[2], head_sha=one[3])
            for one in _PLAN.finditer(body)
        ),
    )


def update_shown(before: Shown | None, new: Shown) -> Shown:
    """The same for what is shown from now on; what is shown already keeps its time."""
    older = () if before is None else before.digests
    # What is still the plan is no news; but of which heads there were one stands for each.
    planned, heads = {one.digest for one in new.digests}, {new.head_sha}
    earlier: list[ShownDigest] = []
    for one in older:
        if one.digest not in planned or one.head_sha not in heads:
            earlier.append(one)
            heads.add(one.head_sha)
    is_same = before is not None and (before.head_sha, before.policy) == (new.head_sha, new.policy)
    return replace(
        new,
        head_since=before.head_since if before is not None and is_same else new.head_since,
        digests=(*new.digests[:_MOST_DIGESTS], *earlier[:_MOST_DIGESTS]),
    )


@dataclass(frozen=True, kw_only=True)
class VisiblePlans:
    """Since when a plan comment of ours has shown the plans that a pull request changes, under one
    policy, as who wrote it remembers: who may edit it may write whatever there. `updated_at` and
    `body` are the comment's, as they wrote it last."""

    all_digest: str
    policy: str
    since: str
    updated_at: str
    body: str = field(repr=False)

    def is_of(self, comment: Comment) -> bool:
        """Whether nobody has written the comment since."""
        return comment.updated_at == self.updated_at and has_text(comment, self.body)


def note_visible(before: VisiblePlans | None, written: Comment) -> VisiblePlans:
    """What is to be remembered of a plan comment that was just written."""
    made = read_visible_plans(written)
    is_same = before is not None and (before.all_digest, before.policy) == (
        made.all_digest,
        made.policy,
    )
    return replace(made, since=before.since) if before is not None and is_same else made


def find_visible(comment: Comment, known: VisiblePlans | None) -> VisiblePlans | None:
    """What people see in a plan comment, and since when; None where another process, or somebody
    else, wrote it last: it says who knows what before it is held to what it ought to say."""
    is_ours = known is not None and (known.is_of(comment) or comment.updated_at < known.updated_at)
    return known if is_ours else None


def read_visible_plans(comment: Comment) -> VisiblePlans:
    """What a plan comment says that it shows, since it was written."""
    shown, at = read_shown(comment.body), comment.updated_at
    return VisiblePlans(
        all_digest="" if shown is None else shown.all_digest,
        policy="" if shown is None else shown.policy,
        since=at,
        updated_at=at,
        body=comment.body,
    )


def render_shown(shown: Shown) -> str:
    """The hidden lines of it."""
    return "\n".join(_render_lines(shown))


def _render_lines(shown: Shown) -> Iterator[str]:
    words = (shown.head_sha, shown.head_since, shown.all_digest)
    yield make_marker(" ".join(map(str, ("of", *words))))
    if shown.policy:
        yield make_marker(f"policy {shown.policy}")
    for one in shown.digests:
        yield make_marker(f"digest {one.spec} {one.digest} {one.head_sha}")


def parse_time(text: str) -> datetime | None:
    """A time of a forge; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
