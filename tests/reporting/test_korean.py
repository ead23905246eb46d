"""The report in a Korean pull request: no word of ours is left in English."""

import ast
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from report_data import (
    ADAPTED,
    FINAL,
    a_baseline,
    a_plan,
    a_run,
    an_evaluation,
    some_facts,
    told,
    write_run,
)
from run_folders import append
from vtspec.pipelines import reporting
from vtspec.pipelines.planning.digest import identify
from vtspec.pipelines.reporting import read_facts
from vtspec.pipelines.reporting.facts import Facts, RunData, build_facts
from vtspec.pipelines.reporting.render.markdown import render_sections
from vtspec.pipelines.reporting.sections import build_comment_document
from vtspec.pipelines.runs import Run

FOLDER = Path(reporting.__file__).parent

IDENTIFIERS = {*FINAL, "test", "Welch", "Holm"}
"""What is no word of either language: metrics, splits, and whom a test is named after."""

NAMES = ("digits-resnet10t-aaaaaaaaaa", "digits-resnet10t", "digits-1", "'framework'")
"""Of runs, specs and fields, within sentences that quote nobody."""


def say(facts: Facts, room: int = 10_000) -> str:
    sections = build_comment_document(facts, "ko").sections
    budgets = {section.name: room for section in sections}
    return render_sections(sections, budgets, "ko")


def find_latin(markdown: str) -> set[str]:
    """The words in Latin letters of what is ours: outside of code spans, fences and names."""
    found: set[str] = set()
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        for part in token.children or [token]:
            if part.type in ("text", "html_block", "html_inline"):
                words = re.sub("|".join((*NAMES, "<[^>]*>")), " ", part.content)
                found |= {*re.findall("[A-Za-z][A-Za-z0-9_]*", words)}
    return found


def with_seeds(run: RunData, figures: tuple[float | None, ...]) -> RunData:
    """The run judged together with others that measured these accuracies, None for none yet."""
    others = [
        None if figure is None else replace(a_measurement(run.plan, figure), name=f"seed-{figure}")
        for figure in figures
    ]
    return replace(run, seeds={42: run, **dict(enumerate(others, start=43))})


def a_measurement(plan: Mapping[str, Any], accuracy: float) -> RunData:
    return a_run(
        plan, events=told(final=FINAL | dict.fromkeys(("accuracy", "macro_f1", "zeal"), accuracy))
    )


def a_plan_of_seeds(**report: Any) -> dict[str, Any]:
    plan = a_plan(report={"seeds": [42, 43, 44], "gates": ["accuracy >= 0.9"]} | report)
    plan["training"]["seed"] = 42
    return plan


def some_reports() -> dict[str, Facts]:
    gates = ["accuracy >= 0.99", "zeal > 0.5", "mAP > 1"]
    planned = a_plan(report={"baseline": "digits-resnet10t", "gates": gates})
    pinned = {"baseline": "digits-resnet10t", "baselinePlan": "digits-resnet10t-aaaaaaaaaa"}
    unlike = a_plan("other", task="object-detection")
    unlike["dataset"].update(hash="md5:" + "f" * 32, classes=["x"], finalSplit="val")
    many = [f"class {n}" for n in range(60)]
    trains = [one for one in told(epochs=1, final={}, ending=None) if "finished" not in one[0]]
    broken = [*told(epochs=1, final={}, ending=None)]
    end = {"ending": "failed", "exit_code": 3, "message": "not finite", "fix": "lower it"}
    lost = [*told(epochs=4)]
    lost[3][1]["metrics"]["accuracy"] = lost[4][1]["val_loss"] = None
    seeds = a_plan_of_seeds()
    one_by_one = a_plan_of_seeds(gates=["zeal > 0.5"])
    odd = a_plan()
    del odd["framework"]
    unjudged = an_evaluation(perClass=[{"class": "0", "f1": 0.1}])
    uncounted = replace(
        a_run(), evaluation={**a_run().evaluation, "perClass": [{"class": "1", "f1": 0.9}]}
    )
    return {
        "against a baseline": build_facts(a_run(), a_baseline()),
        "worse": build_facts(a_baseline(), a_run()),
        "classes that nobody judged": build_facts(
            a_run(evaluation=unjudged), a_run(a_plan("old"), an_evaluation())
        ),
        "classes without a count": build_facts(uncounted, a_baseline()),
        "adapted": build_facts(
            a_run(events=[*told(), ("train.adapted", ADAPTED)]),
            a_run(a_plan("old"), events=[*told(), ("train.adapted", ADAPTED)]),
        ),
        "no record": build_facts(a_run(evaluation={}), a_run(a_plan("old"), {})),
        "no baseline yet": some_facts(plan=planned),
        "a gate that is missed": some_facts(plan=a_plan(report={"gates": ["accuracy > 0.99"]})),
        "many fields that differ": build_facts(
            a_run(a_plan(params={f"p{n}": n for n in range(12)})), a_run(a_plan("old", params={}))
        ),
        "gates that all hold": some_facts(
            plan=a_plan(report={"gates": ["accuracy >= 0.95", "loss < 1"]})
        ),
        "no gates": some_facts(plan=a_plan(report={"gates": []})),
        "on other data": build_facts(a_run(), a_run(unlike, an_evaluation(), told(final={}))),
        "another plan of the baseline": build_facts(a_run(a_plan(report=pinned)), a_baseline()),
        "the baseline's own plan": build_facts(
            replace(a_run(a_plan(report=pinned)), planned_baseline="digits-1"), a_baseline()
        ),
        "a damaged plan": build_facts(a_run(), a_run(odd)),
        "typed values": some_facts(plan=a_plan(overrides=["training.epochs=2"])),
        "warnings": some_facts(plan=a_plan(warnings=[f"class {n} is small" for n in range(90)])),
        "seeds": build_facts(
            with_seeds(a_run(seeds), (0.95, None)), with_seeds(a_baseline(), (0.91, 0.92))
        ),
        "all seeds": build_facts(with_seeds(a_run(seeds), (0.95, 0.99))),
        "a gate of another's metric": build_facts(
            with_seeds(a_measurement(one_by_one, 0.96), (0.95, 0.97)),
            with_seeds(a_measurement(a_baseline().plan, 0.5), (0.4, 0.45)),
        ),
        "one seed": build_facts(with_seeds(a_run(seeds), (None, None))),
        "no seed": build_facts(with_seeds(a_run(seeds, {}, told(final={})), (None, None))),
        "many classes": some_facts(evaluation=an_evaluation(many)),
        "trains": some_facts(evaluation={}, events=trains),
        "stopped early": some_facts(events=told(epochs=2)),
        "failed": some_facts(evaluation={}, events=[*broken, ("run.finished", end)]),
        **{
            ending: some_facts(evaluation={}, events=told(final={}, ending=ending))
            for ending in ("crashed", "refused", "interrupted", "stopped")
        },
        "values that are no numbers": some_facts(events=lost),
    }


REPORTS = some_reports()


@pytest.mark.parametrize("room", [10_000, 1_200, 300])
@pytest.mark.parametrize("facts", REPORTS.values(), ids=REPORTS)
def test_every_word_of_a_report_is_korean(facts: Facts, room: int) -> None:
    text = say(facts, room)
    assert find_latin(text) - IDENTIFIERS == set()
    assert re.search("[가-힣]", text)


def test_a_seed_that_is_not_finished_is_called_so_in_code() -> None:
    assert "-0857af9c13, 미완료` |" in say(REPORTS["one seed"])


def test_each_korean_sentence_of_the_report_is_said_in_one_of_these_reports() -> None:
    """Without that the test above would not see the English that stands in its place."""
    said = "\n".join(
        say(facts, room) for facts in REPORTS.values() for room in (10_000, 1_200, 300)
    )
    # What a run's own folder tells is the test's below.
    files = [path for path in FOLDER.rglob("*.py") if path.name != "writer.py"]
    found = [
        word.value.strip()
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "ko"
        for word in ast.walk(node.value)
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    ]
    assert len(found) > 80
    # No report has three lines in one chart.
    assert {one for one in found if one not in said} == {"초록"}


def test_vtspecs_own_warnings_are_korean_and_those_that_a_run_keeps_stay(tmp_path: Path) -> None:
    run = write_run(a_run(a_plan(warnings=["the licence is unclear"])), tmp_path)
    file, events = run / "evaluation.json", Run(run).read_events()
    sums = {"evaluation.json": f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"}
    finished = ("run.finished", {"ending": "succeeded", "artifacts": sums})
    failed = ("run.finished", {"ending": "failed", "exit_code": 3, "message": "no room"})
    append(run, [finished, failed], events[-1].seq + 1)
    file.write_text(file.read_text() + " ")
    lines = [line for line in say(read_facts(run)).splitlines() if line.startswith("- ")]
    assert lines == [
        f"- `{run.name}의 plan.json 파일이 계획된 뒤에 바뀌었습니다: 지금 내용은 "
        f"{identify(a_plan()).id}이며 실행된 계획이 아닙니다`",
        f"- `{run.name}의 evaluation.json 파일이 실행이 끝난 뒤에 바뀌었습니다: 클래스, 오류, "
        "신뢰구간이 측정된 것과 다를 수 있습니다`",
        "- `the licence is unclear`",
        "- `마지막 정책 변경 실패, 결과는 그대로입니다: no room`",
    ]
