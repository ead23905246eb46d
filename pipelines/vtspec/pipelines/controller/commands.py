"""The first line of a comment as a command, or why it is none. Pure.

The grammar is closed: a verb and words of one form. Whatever else stands there is refused with
what to type, and a comment that does not begin with `/vtspec` is nobody's command.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeGuard

from vtspec.schema.kinds.patterns import NAME
from vtspec.schema.suggestions import find_nearest

PREFIX: Final = "/vtspec"

LONGEST_LINE: Final = 4_000
"""Characters of a command; digests of fifty plans have as many."""

SpecVerb: TypeAlias = Literal["plan", "stop", "rerun", "report"]

VERBS: Final = ("apply", "plan", "stop", "rerun", "report", "allow", "help")

USAGE: Final[dict[str, str]] = {
    "apply": "/vtspec apply DIGEST…",
    "plan": "/vtspec plan [SPEC…]",
    "stop": "/vtspec stop [SPEC…]",
    "rerun": "/vtspec rerun [SPEC…] [DIGEST…]",
    "report": "/vtspec report [SPEC…]",
    "allow": "/vtspec allow HEAD_SHA",
    "help": "/vtspec help",
}
"""Each command as it is typed."""

_BEGINNING: Final = re.compile(
    # Four blanks, or a tab, make a block of code. What goes on as a word or a path is other's.
    rf"(?P<lead> {{0,3}}(?![ \t])[\s\ufeff\u200b-\u200f\u2060]*)"
    rf"(?P<name>{PREFIX})(?![\w./-])(?P<odd>[^ \t]?)",
    re.I,
)
_ODD: Final = re.compile(r"[\s\ufeff\u200b-\u200f\u2060:,]+")
"""What stands between words where somebody means a blank."""

_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{7,64})")
_SHA: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""Whole: who chooses what stands in a commit can make two whose hashes begin alike."""
_NAME: Final = re.compile(NAME.pattern)
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, kw_only=True)
class ApplyCommand:
    """Carry out the plans that these begin the digests of; hex digits alone, at least seven."""

    digests: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SpecCommand:
    """Something about the experiments of these names; about all of the pull request if none. What
    is to run again may be named by digests, too."""

    verb: SpecVerb
    specs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AllowCommand:
    """Let a fork's commit be treated like one of the repository."""

    head_sha: str


@dataclass(frozen=True, kw_only=True)
class HelpCommand:
    """Tell the commands."""


Command: TypeAlias = ApplyCommand | SpecCommand | AllowCommand | HelpCommand

Fault: TypeAlias = Literal[
    "blank",
    "too long",
    "no verb",
    "verb",
    "option",
    "no digest",
    "digest",
    "spec",
    "sha",
    "too many",
]
"""What is wrong with a line: `verb` that there is none such, `digest` that a word is none, `blank`
that it begins otherwise than it looks."""


@dataclass(frozen=True, kw_only=True)
class BadCommand:
    """A line that is meant for us and is no command. `word` is what is wrong in it, as it was
    typed, and of a `blank` the command that it looks like, "" where that is none; `verb` what it
    was said to, `nearest` the verb that was meant, where one is near."""

    fault: Fault
    word: str = ""
    verb: str | None = None
    nearest: str | None = None


def is_stop(command: Command | BadCommand | None) -> TypeGuard[SpecCommand]:
    """Whether it says stop."""
    return isinstance(command, SpecCommand) and command.verb == "stop"


def parse_command(body: str) -> Command | BadCommand | None:
    """The command in a comment's first line; None where the comment does not speak to us."""
    # Not `splitlines`, which takes more for the end of a line than a forge shows as one.
    line = re.split(r"\r\n|\n|\r", body[: LONGEST_LINE + 2], maxsplit=1)[0]
    begun = _BEGINNING.match(line)
    if begun is None:
        return None
    if len(line) > LONGEST_LINE:
        return BadCommand(fault="too long")
    if begun["odd"] or not line.startswith("/"):
        return BadCommand(fault="blank", word=_find_likeness(line[begun.end("name") :]))
    words = _split_words(line)[1:]
    if not words:
        return BadCommand(fault="no verb")
    verb, rest = words[0].casefold(), tuple(dict.fromkeys(words[1:]))
    if verb not in VERBS:
        return BadCommand(fault="verb", word=words[0], nearest=find_nearest(words[0], VERBS))
    option = next((word for word in rest if word.startswith("-")), None)
    if option is not None:
        return BadCommand(fault="option", word=option, verb=verb)
    return _parse_words(verb, rest)


def _find_likeness(rest: str) -> str:
    """The command that a line looks like, by what follows our name; "" where that is none."""
    line = " ".join((PREFIX, *(word for word in _ODD.split(rest) if word)))
    return line if isinstance(parse_command(line), Command) else ""


def _split_words(line: str) -> list[str]:
    # Blanks that a person types; a wide or a hidden one is part of a word, which is then refused.
    return [word for word in re.split(r"[ \t]+", line) if word]


def _parse_words(verb: str, words: tuple[str, ...]) -> Command | BadCommand:
    match verb:
        case "apply":
            return _parse_digests(words)
        case "allow":
            return _parse_sha(words)
        case "help":
            # Whatever stands behind it, help is what was asked for.
            return HelpCommand()
        case "plan" | "stop" | "rerun" | "report":
            bad = next((word for word in words if not _is_name(word)), None)
            if bad is not None:
                return BadCommand(fault="spec", word=bad, verb=verb)
            return SpecCommand(verb=verb, specs=words)
        case _:
            raise AssertionError(f"{verb} is in VERBS and is not read")


def _is_name(word: str) -> bool:
    return len(word) <= _LONGEST_NAME and _NAME.fullmatch(word) is not None


def is_digest(word: str) -> bool:
    """Whether a word may be the beginning of a plan's digest."""
    return _DIGEST.fullmatch(word) is not None


def _parse_digests(words: tuple[str, ...]) -> ApplyCommand | BadCommand:
    if not words:
        return BadCommand(fault="no digest", verb="apply")
    found = []
    for word in words:
        digest = _DIGEST.fullmatch(word)
        if digest is None:
            return BadCommand(fault="digest", word=word, verb="apply")
        found.append(digest[1])
    return ApplyCommand(digests=tuple(dict.fromkeys(found)))


def _parse_sha(words: tuple[str, ...]) -> AllowCommand | BadCommand:
    if len(words) > 1:
        return BadCommand(fault="too many", word=words[1], verb="allow")
    if not words or not _SHA.fullmatch(words[0]):
        return BadCommand(fault="sha", word=words[0] if words else "", verb="allow")
    return AllowCommand(head_sha=words[0])
