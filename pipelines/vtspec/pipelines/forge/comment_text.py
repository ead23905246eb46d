"""Which text of a comment a forge takes, and by what a comment is found again. Pure."""

from collections.abc import Iterable

from vtspec.pipelines.errors import Refused

from .forge import LONGEST_COMMENT, Comment


def check_body(body: str) -> None:
    """Refuse what GitHub would not take, before it is sent.

    Raises:
        Refused: the body is empty or has more than `LONGEST_COMMENT` characters.
    """
    if not body.strip():
        raise Refused("a comment: the text is empty", fix="write a text")
    if len(body) > LONGEST_COMMENT:
        raise Refused(
            f"a comment: at most {LONGEST_COMMENT} characters, got {len(body)}",
            fix="cut it, and link to the whole",
        )


def find_marker(body: str) -> str:
    """What a comment is found by: its first line if that is a comment of HTML, else all of it."""
    first = body.partition("\n")[0].strip()
    return first if first.startswith("<!--") and first.endswith("-->") else _plain(body)


def find_marked(comments: Iterable[Comment], marker: str, author: str) -> Comment | None:
    """The first comment of the author's with that marker, or None."""
    found = (one for one in comments if one.author == author and find_marker(one.body) == marker)
    return next(found, None)


def has_text(comment: Comment, body: str) -> bool:
    """Whether the comment says just this; forges trim ends, and may turn ends of lines."""
    return _plain(comment.body) == _plain(body)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
