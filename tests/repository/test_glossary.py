"""`docs/glossary.md` has every word that a module's name is made of."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PORTIONS = ("schema", "adapters", "pipelines", "cli")


def _words_of_modules() -> dict[str, Path]:
    """Each word of the modules' and packages' names, with one that has it."""
    found: dict[str, Path] = {}
    for portion in PORTIONS:
        top = ROOT / portion / "vtspec" / portion
        for path in sorted(top.rglob("*.py")):
            for part in path.relative_to(top).with_suffix("").parts:
                if not part.startswith("__"):
                    found |= dict.fromkeys(part.split("_"), path)
    assert len(found) > 200, "a glob has gone quiet"
    return found


def _terms() -> set[str]:
    rows = re.findall(r"^\| (`[^|]+`) \|", (ROOT / "docs" / "glossary.md").read_text(), re.M)
    return {_singular(term) for row in rows for term in re.findall(r"`(\w+)`", row)}


def _singular(word: str) -> str:
    for plural, single in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("s", "")):
        if word.endswith(plural) and not word.endswith("ss"):
            return word.removesuffix(plural) + single
    return word


def test_every_word_of_a_modules_name_is_in_the_glossary() -> None:
    terms = _terms()
    words = _words_of_modules()
    missing = {word: str(words[word]) for word in words if _singular(word) not in terms}
    assert missing == {}
