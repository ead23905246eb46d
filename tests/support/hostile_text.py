"""Text that tries to be more than text, and readers of markdown and HTML that see it through."""

from html.parser import HTMLParser
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

CORPUS = (
    "a|b",
    "a\\|b",
    "a\\\\|b",
    "`code`",
    "``two``",
    "```",
    "~~~",
    "\n```\n# out\n",
    "</details>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)",
    "<!-- comment",
    "-->",
    "<!-- vtspec:state -->",
    "@octocat",
    "#1",
    "fixes #1",
    "owner/repo#1",
    "GH-1",
    "https://evil.example/x",
    "www.evil.example",
    "me@evil.example",
    "[text](javascript:alert(1))",
    "![image](https://evil.example/x.png)",
    "[ref]: https://evil.example",
    "<https://evil.example>",
    "&lt;b&gt; &amp; &#64;",
    "**bold** _em_ ~~gone~~",
    "# heading",
    "- list",
    "> quote",
    "| --- | --- |",
    "$x^2$ $$y$$",
    "{{ workflow.parameters.x }}",
    "{{{{",
    "{% raw %}",
    ":tada:",
    "left\u202eright",
    "zero\u200bwidth",
    "\ufeffbom",
    "\u2066isolate\u2069",
    "tag\U000e0041",
    "line\u2028end",
    "tab\tnul\x00bell\x07esc\x1b[31m",
    "\ud800 lone",
    "\r\nSet-Cookie: x",
    "고양이",
    "قطة",
    "👩\u200d👩\u200d👧",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "",
    " ",
    "  two  ",
    "\\",
    "end\\",
    "`",
    " ` ",
    "x" * 500,
    "_hidden",
    "%%{init: {}}%%",
    "</style><script>",
    "]]>",
    "\u3164",
)
"""What has been used against renderers, and what real names look like."""

SPICE = list("|`\\<>&\"'@#[](){}!*_~$:/-=+.\n\r\t \u200b\u202e\ud800")


def texts(longest: int = 40) -> st.SearchStrategy[str]:
    """The corpus, text rich in special characters, and any text at all."""
    spiced = st.lists(st.sampled_from([*SPICE, "a", "www.", "1", "한"]), max_size=longest)
    return st.one_of(
        st.sampled_from(CORPUS),
        spiced.map("".join),
        st.text(max_size=longest, alphabet=st.characters()),
    )


def shape(markdown: str) -> list[tuple[str, Any]]:
    """The structure of a document for CommonMark with tables, without the text of code: block and
    inline tokens in order, HTML and links with their content."""
    from markdown_it import MarkdownIt

    found: list[tuple[str, Any]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        for part in token.children or [token]:
            is_code = part.type in ("code_inline", "fence")
            told = part.attrs if part.type in ("link_open", "image") else part.content
            found.append((part.type, None if is_code else told))
    return found


def code_in(markdown: str) -> list[str]:
    """What stands in code spans and fences, in order."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    parts = [part for token in tokens for part in (token.children or [token])]
    return [part.content for part in parts if part.type in ("code_inline", "fence")]


class Page(HTMLParser):
    """What a browser would see of a page: tags with their attributes' names, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.others: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", ()))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)
