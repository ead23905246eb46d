"""The markdown report: what stands first, what is left out, and that nothing breaks out of it."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile_text import CORPUS, code_in, shape, texts, unhurried
from report_data import (
    a_baseline,
    a_baseline_that_says,
    a_plan,
    a_run,
    a_run_that_says,
    an_evaluation,
    expect_golden,
    some_facts,
    told,
    write_markdown,
)
from vtspec.pipelines.reporting.facts import build_facts
from vtspec.pipelines.reporting.render.markdown import (
    BUDGETS,
    LIMIT,
    get_max_length,
    render_section,
)
from vtspec.pipelines.reporting.render.markdown_budget import (
    fit_section,
    render_bullets,
    render_table,
)
from vtspec.pipelines.reporting.sections import build_report_document
from vtspec.schema.visible_text import make_visible


def _titles(text: str) -> list[str]:
    # A comment among commands begins as a title does.
    plain = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [line for line in plain.splitlines() if line.startswith("#")]


def test_golden_report_against_a_baseline() -> None:
    plan = a_plan(report={"baseline": "digits-resnet10t", "gates": ["accuracy >= 0.95"]})
    plan["warnings"] = ["the weights' licence is cc-by-nc-4.0: not for commercial use"]
    expect_golden("against-a-baseline.md", write_markdown(build_facts(a_run(plan), a_baseline())))


def test_a_run_that_trains_has_not_stopped() -> None:
    events = [one for one in told(epochs=1, final={}, ending=None) if "finished" not in one[0]]
    text = write_markdown(some_facts(evaluation={}, events=events))
    assert "Trained 1 of 3 epochs so far" in text and "Stopped" not in text


def test_golden_report_of_a_run_that_failed() -> None:
    failed = told(epochs=1, final={}, ending=None)
    message = "the loss is not finite in epoch 2\nlast finite loss: 1.5"
    end = {"ending": "failed", "exit_code": 3, "message": message, "fix": "lower learningRate"}
    facts = some_facts(evaluation={}, events=[*failed, ("run.finished", end)])
    expect_golden("failed.md", write_markdown(facts, link="https://ci.example/run/1?a=(b) c"))


def test_the_verdict_comes_before_everything_else() -> None:
    doubtful = write_markdown(some_facts()).splitlines()[0]
    assert doubtful == "# ⚠️ Gate passed, not certain: `digits-resnet18`"
    sure = a_plan(report={"gates": ["accuracy >= 0.9"]})
    assert write_markdown(some_facts(plan=sure)).splitlines()[0] == (
        "# ✅ Gate passed: `digits-resnet18`"
    )
    missed = a_plan(report={"gates": ["accuracy >= 0.99", "loss <= 1"]})
    assert write_markdown(some_facts(plan=missed)).splitlines()[0] == (
        "# ❌ 1 of 2 gates missed: `digits-resnet18`"
    )


def test_each_gate_stands_with_its_value() -> None:
    plan = a_plan(
        report={"gates": ["accuracy >= 0.9", "accuracy >= 0.96", "loss <= 0.1", "mAP > 0"]}
    )
    text = write_markdown(some_facts(plan=plan))
    assert "| `accuracy >= 0.9` | 0.9667 | ✅ passed |" in text
    assert "| `accuracy >= 0.96` | 0.9667 | ⚠️ passed, not certain: the 95 % " in text
    assert "| `loss <= 0.1` | 0.1200 | ❌ missed by 0.0200 |" in text
    assert "| `mAP > 0` | not measured | ❌ missed |" in text


def test_a_run_without_anything_is_a_short_report() -> None:
    text = write_markdown(some_facts(evaluation={}, events=[]))
    assert _titles(text) == [
        "# ⏳ Not finished, nothing measured yet: `digits-resnet18`",
        "## What was run",
        "## Run it again",
    ]


def test_a_baseline_that_never_ran_is_asked_for() -> None:
    plan = a_plan(report={"baseline": "digits-resnet10t", "gates": []})
    assert "baseline yet: `vtspec run digits-resnet10t`" in write_markdown(some_facts(plan=plan))


def test_a_comparison_that_is_not_like_with_like_says_so() -> None:
    plan: dict[str, Any] = dict(a_baseline().plan)
    other = {**plan, "dataset": {**plan["dataset"], "hash": "md5:x"}}
    facts = build_facts(a_run(), a_run(other))
    assert "> ⚠️ The baseline was measured on other data." in write_markdown(facts)


def test_a_run_equal_to_its_baseline_differs_in_nothing() -> None:
    assert "Nothing: the plans are the same." in write_markdown(build_facts(a_run(), a_run()))


def test_a_large_matrix_becomes_its_most_frequent_mistakes() -> None:
    small = write_markdown(some_facts(evaluation=an_evaluation([f"c{n}" for n in range(12)])))
    large = write_markdown(some_facts(evaluation=an_evaluation([f"c{n}" for n in range(13)])))
    assert "true ↓ called →" in small
    assert "true ↓ called →" not in large
    assert "| `c0` | `c1` | 1 | 2.4 % |" in large


def test_a_perfect_run_has_no_mistakes_to_list() -> None:
    perfect = an_evaluation(["a", "b"], confusion=[[3, 0], [0, 3]])
    assert "No image was called wrong." in write_markdown(some_facts(evaluation=perfect))


def test_the_baselines_curve_is_drawn_where_it_is_as_long() -> None:
    longer = write_markdown(build_facts(a_run(), a_baseline()))
    shorter = write_markdown(build_facts(a_run(), a_run(events=told(epochs=2))))
    assert "orange: `accuracy` of the baseline" in longer
    assert "of the baseline\n" not in shorter


def test_the_rest_is_linked_or_said_to_lie_beside() -> None:
    facts = some_facts()
    assert write_markdown(facts).endswith("`vtspec report digits-resnet18-0123456789 --open`\n")
    linked = write_markdown(facts, link="https://ci.example/a(b)/c d?x=1#y")
    assert linked.endswith("(https://ci.example/a%28b%29/c%20d?x=1#y)\n")
    assert "https://" not in write_markdown(facts, link="https://x/" + "y" * 800)


@settings(max_examples=40, deadline=None)
@given(texts(20).filter(lambda text: bool(make_visible(text).strip())))
def test_nothing_that_others_wrote_changes_the_structure(words: str) -> None:
    hostile = write_markdown(build_facts(a_run_that_says(words), a_baseline_that_says(words)))
    harmless = write_markdown(build_facts(a_run_that_says("word"), a_baseline_that_says("word")))
    assert shape(hostile) == shape(harmless)


@pytest.mark.parametrize("words", CORPUS)
def test_what_others_wrote_stands_only_in_code(words: str) -> None:
    text = write_markdown(
        build_facts(a_run_that_says("Zq" + words), a_baseline_that_says("Zq" + words))
    )
    told_in_code = sum(part.count("Zq") for part in code_in(text))
    assert told_in_code == text.count("Zq") > 30


def _long(count: int, length: int, words: str) -> list[str]:
    return [f"{n}{words * (length // max(len(words), 1))}" for n in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("words", ["x", "`", "|", "\u200b", "한", "&lt;", "{{"])
def test_the_longest_run_stays_under_the_limit(words: str) -> None:
    names = _long(1000, 400, words)
    evaluation = an_evaluation(names)
    evaluation["errors"] *= 30
    kinds = ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss", "FP", "FN")
    evaluation["errorTypes"] = {
        name: {"count": 10**12, "deltaAp": -0.123456789} for name in (*kinds, *names)
    }
    plan = a_plan(
        description="\n".join(names[:100]),
        warnings=names,
        params=dict.fromkeys(names[:300], words * 2000),
        report={"baseline": None, "gates": [f"m{n}{'x' * 70} >= 0" for n in range(500)]},
    )
    final = dict.fromkeys((*names[:400], "accuracy"), 0.5)
    events = told(epochs=300, final=final, ending=None)
    for _, data in events[2:302]:
        data["metrics"] = {**data["metrics"], **dict.fromkeys(names[:20], 0.123456789)}
    end = {"ending": "failed", "message": words * 5000, "fix": words * 5000}
    run = a_run(plan, evaluation, [*events, ("run.finished", end)])
    facts = build_facts(replace(run, seeds=dict.fromkeys(range(20), run)), a_baseline())
    text = write_markdown(facts)
    assert len(text) <= LIMIT
    assert "did not fit" not in text
    sections = {one.name: one for one in build_report_document(facts).sections}
    assert BUDGETS.keys() <= sections.keys()
    sizes = [(len(render_section(sections[name], most)), most) for name, most in BUDGETS.items()]
    assert [(size, budget) for size, budget in sizes if size > budget] == []


def test_the_budgets_add_up_to_less_than_the_limit() -> None:
    assert get_max_length() <= LIMIT


def test_ten_thousand_epochs_are_thinned() -> None:
    text = write_markdown(some_facts(events=told(epochs=10_000)))
    assert len(text) <= LIMIT
    assert text.count("\n| 10000 |") == 1


@unhurried
@given(
    st.lists(st.tuples(st.text("ab", max_size=30), st.text("ab", max_size=30)), max_size=30),
    st.integers(0, 600),
)
def test_a_table_fits_its_budget_and_counts_what_it_left_out(
    rows: list[tuple[str, str]], budget: int
) -> None:
    made = render_table(("One", "Two"), rows, budget)
    assert len(made) <= budget
    if made:
        shown = made.count("\n| ") - 1
        left = len(rows) - shown
        assert (f"… and {left} more row" in made) == (left > 0)


def test_a_list_counts_what_it_left_out() -> None:
    assert render_bullets(["a" * 50] * 3, 150) == f"- {'a' * 50}\n\n*… and 2 more lines*"
    assert render_bullets(["a"], 10) == "- a"


def test_a_section_that_does_not_fit_is_pointed_at() -> None:
    assert (fit_section("12345", 5, "-"), fit_section("123456", 5, "-")) == ("12345", "-")
