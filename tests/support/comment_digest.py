"""A comment as one reads it who sees it pass by: what a forge hides or draws is folded."""

import difflib
import re
from typing import Final

_HIDDEN: Final = re.compile(r"^<!--.*?-->\n?", re.M)
# A chart, and the line above it that says which colour is what.
_DRAWN: Final = re.compile(r"^(?:blue: [^\n]*\n\n)?```mermaid\n.*?^```$", re.M | re.S)
_FOLDED: Final = re.compile(r"<details>\s*<summary>(.*?)</summary>.*</details>", re.S)
_OPENED: Final = re.compile(r"^</?details>$", re.M)
_CELLS: Final = re.compile(r"^\|(.*)\|$")
_RULE: Final = re.compile(r"^[|\s:-]*$")


def fold_comment(body: str) -> str:
    """Its Markdown without hidden lines, with charts and what is folded as one line each."""
    text = _DRAWN.sub("*(a chart)*", _HIDDEN.sub("", body))
    return re.sub(r"\n{3,}", "\n\n", _fold_details(text)).strip()


def find_news(before: str, body: str) -> list[str]:
    """The lines that are new to who has read what stood there before, as plain text."""
    old, new = fold_comment(before).splitlines(), fold_comment(body).splitlines()
    found = [one[2:] for one in difflib.ndiff(old, new) if one.startswith("+ ")]
    return [_make_plain(line) for line in found if not _RULE.match(line)]


def _fold_details(text: str) -> str:
    """Each outermost `<details>` as its summary."""
    folded, depth, begun, end = "", 0, 0, 0
    for match in _OPENED.finditer(text):
        if match[0] == "<details>":
            depth += 1
            if depth == 1:
                begun = match.start()
            continue
        depth -= 1
        if depth == 0:
            whole = _FOLDED.match(text[begun : match.end()])
            assert whole is not None, text[begun : match.end()]
            folded += f"{text[end:begun]}▸ *{whole[1]}*"
            end = match.end()
    return folded + text[end:]


def _make_plain(line: str) -> str:
    cells = _CELLS.match(line)
    if cells is not None:
        line = " · ".join(cell.strip() for cell in cells[1].split("|"))
    return re.sub(r"^#+ |[`*]", "", line)
