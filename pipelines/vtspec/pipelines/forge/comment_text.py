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
    return first if first.startswith("<!--") and first.endswith("-->") else make_plain(body)


def list_marked(comments: Iterable[Comment], marker: str, author: str) -> list[Comment]:
    """The author's comments with that marker, in their order."""
    return [one for one in comments if one.author == author and find_marker(one.body) == marker]


def has_text(comment: Comment, body: str) -> bool:
    """Whether the comment says just this."""
    return make_plain(comment.body) == make_plain(body)


def make_plain(text: str) -> str:
    """A text by which two are one to a forge: it trims ends, and may turn ends of lines."""
    return text.replace("\r\n", "\n").strip()
