"""A comment's text as a forge takes it: its marker first, and cut where it may be cut. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.reporting.escape import render_code

LIMIT: Final = 60_000
"""Characters of a comment as UTF-16 counts them; GitHub takes 65,536."""

_POINTER: Final = 700
_MORE: Final = Sentence(en="more of it", ko="나머지 보기")
_CUT: Final = Sentence(
    en="This comment was too long and is cut here", ko="댓글이 너무 길어 여기서 잘랐습니다"
)
_FENCE: Final = re.compile(r"^ {0,3}(`{3,}(?=[^`]*$)|~{3,})")


def cut_text(
    text: str,
    link: str | None = None,
    limit: int = LIMIT,
    *,
    hint: str = "",
    tongue: Tongue = "en",
) -> str:
    """The text where it is short enough; else its beginning, up to a line outside of any fence,
    and where there is more of it: at the link, else by what the `hint` says to type."""
    kept, _ = split_text(text, link, limit, hint=hint, tongue=tongue)
    return kept


def split_text(
    text: str,
    link: str | None = None,
    limit: int = LIMIT,
    *,
    hint: str = "",
    tongue: Tongue = "en",
) -> tuple[str, str]:
    """As `cut_text`, with what that leaves out, "" where it leaves nothing out."""
    if count_characters(text) <= limit:
        return text, ""
    pointer = _render_pointer(link, hint, tongue)
    end, closing = _find_cut(text, limit - count_characters(pointer))
    kept = text[:end].rstrip("\n")
    return f"{kept}{closing}{pointer}", text[end:].strip("\n")


def count_characters(text: str) -> int:
    """Its length in UTF-16, by which a character beyond the first 65,536 is two."""
    return len(text) + sum(letter > "\uffff" for letter in text)


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line's end in the text, whether a fence is open behind it, and the folds that are."""

    end: int
    size: int
    is_fenced: bool
    folds: int


def _find_cut(text: str, room: int) -> tuple[int, str]:
    """Where to cut a text, and what ends the folds that are open there."""
    end, closing = 0, ""
    for line in _walk(text):
        tail = "\n\n</details>" * line.folds
        if line.size + len(tail) > room:
            break
        if not line.is_fenced:
            end, closing = line.end, tail
    # Of one line alone, or one fence, that is too long nothing can be shown whole: `end` is 0.
    return end, closing


def _walk(text: str) -> Iterator[_Line]:
    mark: str | None = None
    end = size = folds = 0
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if mark is None and fence is not None:
            mark = fence[1]
        elif mark is not None and _closes(line, mark):
            mark = None
        elif mark is None:
            folds += (line == "<details>") - (line == "</details>")
        end += len(line) + 1
        size += count_characters(line) + 1
        yield _Line(end=end, size=size, is_fenced=mark is not None, folds=max(0, folds))


def _closes(line: str, mark: str) -> bool:
    plain = line.strip(" \t")
    indent = len(line) - len(line.lstrip(" "))
    return indent <= 3 and len(plain) >= len(mark) and set(plain) == {mark[0]}


def _render_pointer(link: str | None, hint: str, tongue: Tongue) -> str:
    where = f": {hint}" if hint else ""
    where = where if link is None else f": [{_MORE.say(tongue)}]({encode_link(link)})"
    cut = f"\n\n---\n\n*{_CUT.say(tongue)}*"
    told = f"{cut}{where}\n"
    return told if len(told) <= _POINTER else f"{cut}\n"


def encode_link(link: str) -> str:
    """An address that nothing in it can end early (RFC 3986, 2.1)."""
    return re.sub(r"[^A-Za-z0-9:/?#&=%+,;@~!._-]", _percent_encode, link)


def _percent_encode(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))


def render_link(words: str, link: str | None) -> str:
    """Our words, as a link where there is an address that a browser opens."""
    if link is None or not link.startswith(("https://", "http://")):
        return words
    return f"[{words}]({encode_link(link)})"


def capitalize(text: str) -> str:
    """A sentence as it begins a paragraph; what it begins with in code stays as it is."""
    return text[:1].upper() + text[1:]


def render_sha(sha: str) -> str:
    """A commit, or a plan's digest, by its first digits."""
    return render_code(sha[:7])
