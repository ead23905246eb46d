"""What a model says to a person, made harmless. Pure.

The text may come to stand in a comment on a pull request, in a page or in a terminal: nothing in
it may load, link, call, colour or ask for a secret.
"""

import re
import unicodedata
from typing import Final

from vtspec.pipelines.redaction import Redactor

_MARKDOWN: Final = re.compile(r"!?\[([^\]\[]*)\]\s*(?:\([^)]*\)?|\[[^\]]*\]|:\s*\S+)")
_TAG: Final = re.compile(r"<[/!?a-zA-Z][^>]*>|&(?:[a-zA-Z]+|#\w+);")
_HALF_TAG: Final = re.compile(r"<(?=[/!?a-zA-Z])")
_ADDRESS: Final = re.compile(
    r"[a-zA-Z][a-zA-Z0-9+.-]*:/+\S*"  # https://…
    r"|\b(?:javascript|data|vbscript|mailto|file):\S+"
    r"|\bwww\.\S+"
    r"|(?<![\w/.-])[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/\S*"  # example.com/…
    r"|\b[\w.+-]+@[\w-]+\.[\w.-]+",
    re.IGNORECASE,
)
_CALL: Final = re.compile(r"(?<![\w.])@(?=\w)")
_PHISH: Final = re.compile(
    r"api[\s_-]*key|\bpass\s?(?:word|phrase|wd)|\bsecrets?\b|credential|private key|ssh key"
    r"|access[\s_-]*token|auth\w*[\s_-]*token|bearer|\btoken\b.{0,20}\b(?:paste|enter|send|type)"
    r"|\b(?:paste|enter|send|type|share)\b.{0,30}\btoken|\blog ?in\b|\bsign ?in\b"
    r"|credit card|curl\b|wget\b|\bsudo\b|\bpip install\b"
    r"|비밀번호|패스워드|암호|API\s?키|비밀\s?키|인증\s?키|액세스\s?토큰|인증\s?토큰|토큰을|로그인|자격\s?증명",
    re.IGNORECASE,
)


def sanitize_text(text: object, longest: int, hidden: Redactor) -> str:
    """The text as one line without control characters, markup, addresses, mentions or secrets.

    Cut to `longest` characters; empty where nothing is left, or where it was no text.
    """
    if not isinstance(text, str):
        return ""
    # Cut only when it is clean: half a secret is not known for one.
    line = hidden.redact_text(_strip_controls(unicodedata.normalize("NFC", text)))
    # Far more than can be kept is looked at no longer.
    line = line[: 8 * longest + 400]
    for _ in range(3):
        # What is left when a mark is taken out may form another one.
        line = _ADDRESS.sub(" ", _TAG.sub(" ", _MARKDOWN.sub(r"\1", line)))
    # Argo would fill in what stands in double braces, wherever a text ends up in a workflow.
    # Half a tag is none with a blank in it, and "loss<best" stays readable.
    line = _HALF_TAG.sub("< ", re.sub(r"\{{2,}|\}{2,}", " ", _CALL.sub("", line)))
    # Once more, as a mark that is taken out may have stood in the middle of a secret.
    line = hidden.redact_text(line)
    # At its start a line may be a command to a bot (/approve), or Markdown's heading or list.
    line = " ".join(line.split()).lstrip("/#>|-*+=~ ")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def is_phishing(text: str) -> bool:
    """Whether the text asks for, or speaks of, what a draft has no need of: keys, passwords."""
    return _PHISH.search(text) is not None


def _strip_controls(text: str) -> str:
    # Escape sequences of terminals, before their first character is gone.
    text = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", " ", text)
    return "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
        # Directions, joiners and what only looks like nothing: Cf, Co, Cs, Cn.
        if unicodedata.category(char) not in ("Cf", "Co", "Cs", "Cn")
    )
