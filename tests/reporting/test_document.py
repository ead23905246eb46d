"""One document, shown by several outputs: what each gets, and what another one would need."""

from dataclasses import replace

import pytest

from report_data import a_baseline, a_plan, a_run, an_evaluation, some_facts, told
from vtspec.pipelines.reporting.document import Section, select_blocks, show_only, write
from vtspec.pipelines.reporting.facts import build_facts
from vtspec.pipelines.reporting.render.markdown import BUDGETS, render_section, render_sections
from vtspec.pipelines.reporting.sections import build_report_document


def test_each_output_gets_the_blocks_that_are_meant_for_it() -> None:
    one, two, three = (write(word) for word in ("one", "two", "three"))
    blocks = (one, None, show_only("pages", two, show_only("html", three)))
    assert list(select_blocks(blocks, "terminal")) == [one]
    assert list(select_blocks(blocks, "markdown")) == [one, two]
    assert list(select_blocks(blocks, "html")) == [one, two, three]


def test_markdown_has_every_section_of_a_report_but_those_of_pictures_alone() -> None:
    plan = a_plan(warnings=["the licence is unclear"])
    evaluation = an_evaluation(errorTypes={"Miss": {"count": 3, "deltaAp": 0.1}})
    run = a_run(plan, evaluation)
    judged_together = replace(run, seeds={42: run, 43: run})
    document = build_report_document(build_facts(judged_together, a_baseline()))
    names = {section.name for section in document.sections}
    assert names - set(BUDGETS) == {"summary", "confidence"}
    assert set(BUDGETS) <= names


def test_sections_come_in_the_order_that_an_output_asks_for() -> None:
    document = build_report_document(some_facts(evaluation={}))
    picked = document.pick_sections(("metrics", "confusion", "verdict"))
    assert [section.name for section in picked] == ["metrics", "verdict"]


@pytest.mark.parametrize("room", [400, 1_000, 3_000])
def test_a_comment_is_a_few_sections_within_small_budgets(room: int) -> None:
    plan = a_plan(report={"gates": [f"metric{n} >= 0.5" for n in range(200)]})
    document = build_report_document(some_facts(plan=plan, events=told(epochs=200)))
    budgets = {"verdict": room, "classes": room}
    text = render_sections(document.pick_sections(budgets), budgets)
    assert len(text) <= 2 * room + 2
    assert text.startswith("# ❌ 200 of 200 gates missed")
    assert "more rows" in text


def test_a_section_of_which_nothing_is_for_markdown_is_left_out_with_its_heading() -> None:
    section = Section("pictures", "Pictures", (show_only("html", write("seen")),))
    assert render_section(section, 100) == ""
