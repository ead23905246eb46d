"""The HTML report: whole in itself, the same content, accessible, and nothing breaks out of it."""

import re
from importlib.resources import files

import pytest
from hypothesis import given, settings

from hostile_text import CORPUS, Page, texts
from report_data import (
    a_baseline,
    a_baseline_that_says,
    a_plan,
    a_png,
    a_run,
    a_run_that_says,
    an_evaluation,
    expect_golden,
    some_facts,
    told,
    write_markdown,
    write_page,
)
from vtspec.pipelines.reporting.facts import Facts, build_facts
from vtspec.pipelines.reporting.plots.charts import NAMES, ThemedPlot
from vtspec.schema.visible_text import make_visible

PICTURES = {name: ThemedPlot(light=a_png(40, 20), dark=a_png(40, 20)) for name in NAMES}
FEW_TAGS = {"script", "iframe", "object", "embed", "link", "base", "form", "svg", "a"}


def _page(facts: Facts, style: str = "") -> str:
    return write_page(facts, PICTURES, [a_png(8, 8)] * len(facts.results.errors), style)


def _text(facts: Facts) -> str:
    return " ".join(" ".join(Page(_page(facts)).texts).split())


def test_golden_page_against_a_baseline() -> None:
    plan = a_plan(report={"baseline": "digits-resnet10t", "gates": ["accuracy >= 0.95"]})
    plan["warnings"] = ["the weights' licence is cc-by-nc-4.0: not for commercial use"]
    page = _page(build_facts(a_run(plan), a_baseline()), "/* style */\n")
    expect_golden("against-a-baseline.html", page.replace("><", ">\n<"))


def test_the_verdict_is_the_heading_and_the_title() -> None:
    plan = a_plan(report={"gates": ["accuracy >= 0.9"]})
    page = Page(_page(some_facts(plan=plan)))
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert "Gate passed: digits-resnet18" in page.texts
    assert "Gate passed" in page.texts


def test_a_gate_that_passed_by_chance_perhaps_has_a_colour_of_its_own() -> None:
    page = Page(_page(some_facts()))
    classes = [value for _, name, value in page.attributes if name == "class"]
    assert "top uncertain" in classes and "uncertain" in classes
    assert not {"top passed", "passed"} & set(classes)
    style = files("vtspec.pipelines.reporting").joinpath("style.css").read_text(encoding="utf-8")
    for part in (".uncertain .dot", ".gates li.uncertain", ".gates .uncertain span"):
        assert part in style


def test_the_page_needs_no_other_host_and_runs_nothing() -> None:
    page = Page(_page(build_facts(a_run(), a_baseline())))
    assert FEW_TAGS & {tag for tag, _ in page.tags} == set()
    addresses = [value for _, name, value in page.attributes if name in ("src", "srcset", "href")]
    assert len(addresses) == 13
    assert all(value.startswith("data:image/png;base64,") for value in addresses)
    assert [value for _, name, value in page.attributes if name.startswith("on")] == []
    policy = [value for _, name, value in page.attributes if value.startswith("default-src")]
    assert policy[0].startswith("default-src 'none'; img-src data:;")


def test_every_picture_says_in_words_what_it_shows() -> None:
    page = Page(_page(build_facts(a_run(), a_baseline())))
    pictures = [tag for tag, _ in page.tags].count("img")
    said = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert len(said) == pictures == 7
    assert said[0] == (
        "Loss over epochs: train falls from 1.500 to 0.5000; val falls from 1.600 to 0.5333."
    )
    assert all(said)


def test_every_table_has_a_caption_and_headings_with_a_scope() -> None:
    page = Page(_page(build_facts(a_run(), a_baseline())))
    names = [tag for tag, _ in page.tags]
    assert names.count("table") == names.count("caption") > 4
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_every_section_is_named_by_its_heading() -> None:
    page = Page(_page(build_facts(a_run(), a_baseline())))
    named = [value for _, name, value in page.attributes if name == "aria-labelledby"]
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert named == ids
    assert len(set(ids)) == len(ids) > 6


def test_tags_are_closed_in_order() -> None:
    open_tags: list[str] = []
    for tag, _ in Page(_page(build_facts(a_run(), a_baseline()))).tags:
        if tag.startswith("/"):
            assert open_tags.pop() == tag[1:]
        elif tag not in ("meta", "img", "source"):
            open_tags.append(tag)
    assert open_tags == []


@settings(max_examples=40, deadline=None)
@given(texts(20).filter(lambda text: bool(make_visible(text).strip())))
def test_nothing_that_others_wrote_changes_the_structure(words: str) -> None:
    hostile = Page(_page(build_facts(a_run_that_says(words), a_baseline_that_says(words))))
    harmless = Page(_page(build_facts(a_run_that_says("word"), a_baseline_that_says("word"))))
    assert hostile.tags == harmless.tags
    assert hostile.others == harmless.others == []


@pytest.mark.parametrize("words", [words for words in CORPUS if words.strip()])
def test_what_others_wrote_is_shown_as_they_wrote_it(words: str) -> None:
    page = Page(_page(build_facts(a_run_that_says(words), a_baseline_that_says(words))))
    assert page.texts.count(make_visible(words)) > 5 or len(words) > 60


def test_a_run_that_failed_says_why_and_what_to_do() -> None:
    end = {"ending": "failed", "message": "no room\nleft", "fix": "free 3 GiB"}
    events = [*told(epochs=1, final={}, ending=None), ("run.finished", end)]
    text = _text(some_facts(evaluation={}, events=events))
    assert "Run failed digits-resnet18-0123456789" in text
    assert "no room left Fix: free 3 GiB" in text


def test_a_run_without_anything_has_a_page() -> None:
    page = Page(write_page(some_facts(evaluation={}, events=[]), {}, [], ""))
    headings = [text for text in page.texts if text in ("What was run", "Run it again")]
    assert headings == ["What was run", "Run it again"]


def test_a_picture_that_is_missing_is_said_to_be() -> None:
    facts = some_facts()
    assert "no picture" in write_page(facts, PICTURES, [None], "")
    assert "no picture" in write_page(facts, PICTURES, [b"not a PNG"], "")
    assert "no picture" not in write_page(facts, PICTURES, [a_png()], "")


def test_small_pictures_keep_their_pixels_and_photographs_do_not() -> None:
    facts = some_facts()
    assert 'class="pixels"' in write_page(facts, PICTURES, [a_png(8, 8)], "")
    assert 'class="photo"' in write_page(facts, PICTURES, [a_png(96, 64)], "")


def test_many_classes_are_folded_and_too_many_counted() -> None:
    names = [f"class-{n}" for n in range(2100)]
    evaluation = an_evaluation(names, confusion=None, prCurves={})
    text = _text(some_facts(evaluation=evaluation))
    assert "1,980 more classes" in text
    assert "100 more are in evaluation.json." in text


def test_ten_thousand_epochs_are_five_hundred_rows() -> None:
    page = write_page(some_facts(events=told(epochs=10_000)), PICTURES, [None], "")
    table = page[page.index("Every epoch in figures") :]
    assert table[: table.index("</table>")].count("<tr>") == 501


def test_a_perfect_run_and_a_baseline_without_differences_say_so() -> None:
    perfect = an_evaluation(["a", "b"], confusion=[[3, 0], [0, 3]])
    run = a_run(evaluation=perfect)
    text = _text(build_facts(run, run))
    assert "No image was called wrong." in text
    assert "Nothing: the plans are the same." in text


def test_a_baseline_that_never_ran_is_asked_for() -> None:
    plan = a_plan(report={"baseline": "digits-resnet10t", "gates": []})
    assert "make one: vtspec run digits-resnet10t" in _text(some_facts(plan=plan))


def test_markdown_and_page_tell_the_same_figures() -> None:
    facts = build_facts(a_run(), a_baseline())
    shown = set(re.findall(r"\d\.\d{3,}", _text(facts)))
    told_in_markdown = re.sub(r"```mermaid.*?```", "", write_markdown(facts), flags=re.DOTALL)
    assert set(re.findall(r"\d\.\d{3,}", told_in_markdown)) <= shown
    assert len(shown) > 15
