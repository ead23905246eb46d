"""Who sees a comment pass by reads what a forge shows of it, and later what is new."""

from comment_digest import find_news, fold_comment
from helm_chart import ROOT

COMMENTS = sorted((ROOT / "tests" / "golden" / "comments").glob("*.md"))


def test_nothing_of_a_comment_is_markup_of_a_forge() -> None:
    assert len(COMMENTS) > 5
    texts = [path.read_text() for path in COMMENTS]
    assert any("<details>" in text for text in texts)
    assert any("```mermaid" in text for text in texts)
    for text in map(fold_comment, texts):
        assert text
        assert not [word for word in ("<!--", "details>", "mermaid", "summary>") if word in text]


def test_what_is_folded_is_its_outermost_summary() -> None:
    inner = "<details>\n<summary>inner</summary>\n\nb\n\n</details>"
    body = f"a\n\n<details>\n<summary>outer</summary>\n\n{inner}\n\n</details>\n\nc"
    assert fold_comment(body) == "a\n\n▸ *outer*\n\nc"


def test_what_is_new_is_told_in_plain_words() -> None:
    table = "| name | state |\n| --- | --- |\n| `a` | **new** |"
    before = f"<!-- vtspec:plan 1 -->\n## Plan\n\n{table}"
    assert find_news(before, before.replace("plan 1", "plan 2")) == []
    assert find_news(before, before.replace("**new**", "`ended`")) == ["a · ended"]
