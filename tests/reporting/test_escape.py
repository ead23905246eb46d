"""What others wrote stays text: in markdown on a CommonMark parser, in HTML on the library's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile_text import CORPUS, Page, code_in, shape, texts, unhurried
from vtspec.pipelines.reporting.escape import (
    escape_html,
    make_one_line,
    render_cell,
    render_code,
    render_fence,
    shorten,
    split_lines,
)
from vtspec.pipelines.reporting.render.html_elements import isolate_text, render_element
from vtspec.schema.visible_text import make_visible


@unhurried
@given(texts())
def test_a_code_span_is_one_code_span_whatever_is_in_it(text: str) -> None:
    written = f"before {render_code(text)} after"
    types = [kind for kind, _ in shape(written)]
    inner = "code_inline" if make_visible(text).strip() else "em"
    assert types[:3] == ["paragraph_open", "text", "em_open" if inner == "em" else inner]
    assert ("html_inline" in types, "link_open" in types, "image" in types) == (False,) * 3
    assert len([kind for kind, _ in shape(written) if kind == "paragraph_open"]) == 1


@unhurried
@given(texts())
def test_a_table_cell_never_leaves_its_cell(text: str) -> None:
    written = f"| a | b |\n| --- | --- |\n| {render_cell(text)} | x |\n"
    harmless = "| a | b |\n| --- | --- |\n| `y` | x |\n"
    if make_visible(text).strip():
        assert shape(written) == shape(harmless)
    else:
        assert [kind for kind, _ in shape(written)].count("td_open") == 2


@pytest.mark.parametrize("text", CORPUS)
def test_a_fence_holds_what_is_known_to_break_out(text: str) -> None:
    _check_fence(text)


@unhurried
@given(texts(200))
def test_a_fence_holds_everything_until_it_ends(text: str) -> None:
    _check_fence(text)


def _check_fence(text: str) -> None:
    written = f"{render_fence(text, 300)}\n\nafter\n"
    assert [kind for kind, _ in shape(written)] == [
        "fence",
        "paragraph_open",
        "text",
        "paragraph_close",
    ]


def test_code_shows_the_text_itself_where_nothing_is_special() -> None:
    for text in (
        "고양이",
        "a|b",
        "`code`",
        "<b>",
        "@octocat",
        "fixes #1",
        "$x$",
        "a\\b",
        "قطة",
    ):
        assert code_in(f"x {render_code(text)}") == [text]
        assert code_in(f"| a |\n| --- |\n| {render_cell(text)} |") == [text]


def test_a_backslash_before_a_pipe_is_kept_harmless_in_a_cell() -> None:
    assert render_cell("a\\|b") == "`a\\\\\\|b`"


def test_template_and_comment_markers_are_broken_up() -> None:
    for text in CORPUS:
        written = render_code(text, 600) + render_cell(text, 600) + render_fence(text)
        for marker in ("{{", "}}", "{%", "<!--"):
            assert marker not in written


@unhurried
@given(texts())
def test_visible_text_has_nothing_hidden_and_can_be_written(text: str) -> None:
    shown = make_visible(text)
    shown.encode("utf-8")
    for hidden in "\n\r\t\x00\x1b\u200b\u202e\u2066\ufeff\u2028\ud800\U000e0041\u3164":
        assert hidden not in shown
    assert make_visible(shown) == shown


def test_names_that_differ_in_what_is_hidden_look_different() -> None:
    assert make_visible("cat") == "cat"
    assert make_visible("c\u200bat") == "c⟨U+200B⟩at"
    assert make_visible("cat\u202e") == "cat⟨U+202E⟩"
    assert make_visible("c\u200dat") == "c⟨U+200D⟩at"
    assert make_visible("\ud800") == "⟨U+D800⟩"


def test_scripts_and_emoji_keep_the_joiners_that_they_need() -> None:
    assert make_visible("👩\u200d👧") == "👩\u200d👧"
    assert (
        make_visible("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645")
        == "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    )


def test_white_space_of_every_kind_is_a_space() -> None:
    assert make_visible("a\nb\tc\u00a0d\u3000e\u2028f") == "a b c d e f"


@unhurried
@given(st.text(max_size=60), st.integers(3, 40))
def test_shortened_text_has_at_most_the_limit_and_keeps_both_ends(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) == min(len(text), limit)
    if len(text) > limit:
        assert short[0] == text[0]
        assert "…" in short
        assert limit < 4 or short[-1] == text[-1]


@unhurried
@given(texts(300), st.integers(3, 60))
def test_a_long_text_is_shortened_as_if_all_of_it_had_been_looked_at(
    text: str, limit: int
) -> None:
    joiners = text.replace("\u200c", "").replace("\u200d", "")
    assert make_one_line(joiners, limit) == shorten(make_visible(joiners), limit)


def test_lines_are_kept_but_not_what_is_hidden_in_them() -> None:
    assert split_lines("one\ntwo\u200b", 100) == ["one", "two⟨U+200B⟩"]


def test_an_empty_name_is_said_to_be_empty() -> None:
    assert (render_code(""), render_cell(" ")) == ("*(empty)*", "*(blank)*")


@unhurried
@given(texts(), texts())
def test_html_has_no_tag_and_no_attribute_of_others(text: str, name: str) -> None:
    page = Page(render_element("p", isolate_text(text), render_element("img", alt=name)))
    assert page.tags == [
        ("p", ()),
        ("bdi", ()),
        ("/bdi", ()),
        ("img", ("alt",)),
        ("/p", ()),
    ]
    assert page.others == []
    assert "".join(page.texts) == shorten(make_visible(text), 600)
    assert page.attributes == [("img", "alt", shorten(make_visible(name), 2000))]


@pytest.mark.parametrize("text", CORPUS)
def test_html_text_has_none_of_the_characters_that_mean_something(text: str) -> None:
    assert not set("<>\"'{}`") & set(escape_html(text))
