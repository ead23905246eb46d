"""The edge of the report: what is read from a run's folder and what is written into it."""

import hashlib
import json
from pathlib import Path

import pytest

from report_data import (
    ADAPTED,
    a_baseline,
    a_plan,
    a_png,
    a_run,
    a_run_that_says,
    an_evaluation,
    told,
    write_run,
)
from run_folders import append
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.reporting import find_baseline, read_facts, write_report
from vtspec.pipelines.reporting.writer import MOST_THUMBNAIL_BYTES
from vtspec.pipelines.runs import Run

pytestmark = pytest.mark.slow

AGAINST = {"baseline": "digits-resnet10t", "gates": ["accuracy >= 0.95"]}


def _written(run: Path) -> dict[str, int]:
    names = ("report.md", "report.html", "plots/*.png")
    return {
        str(path.relative_to(run)): path.stat().st_size
        for name in names
        for path in run.glob(name)
    }


def test_a_report_is_two_texts_and_a_picture_of_each_kind(tmp_path: Path) -> None:
    run = write_run(a_run(), tmp_path)
    report = write_report(run)
    assert report.verdict == "uncertain"
    assert report.html == run / "report.html"
    assert {str(path.relative_to(run)) for path in report.paths} == set(_written(run))
    assert set(_written(run)) == {
        "report.md",
        "report.html",
        "plots/loss.png",
        "plots/metric.png",
        "plots/rate.png",
        "plots/confusion.png",
        "plots/precision-recall.png",
        "plots/calibration.png",
    }
    assert all(size > 1000 for size in _written(run).values())


def test_an_evaluation_that_was_edited_after_the_run_is_told(tmp_path: Path) -> None:
    run = write_run(a_run(), tmp_path)
    file, events = run / "evaluation.json", Run(run).read_events()
    sums = {"evaluation.json": f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"}
    finished = ("run.finished", {"ending": "succeeded", "artifacts": sums})
    append(run, [finished], events[-1].seq + 1)
    assert not any("the evaluation.json of" in line for line in _read_warnings(run))
    file.write_text(file.read_text() + " ")
    words = f"the evaluation.json of {run.name} was changed after the run"
    assert any(line.startswith(words) for line in _read_warnings(run))
    # It is told of what it is held against, too.
    other = write_run(a_run(), tmp_path / "other")
    assert any(line.startswith(words) for line in _read_warnings(other, run))


def _read_warnings(run: Path, baseline: Path | None = None) -> list[str]:
    return [one.en for one in read_facts(run, baseline).warnings]


def test_nothing_but_the_report_is_left_behind(tmp_path: Path) -> None:
    run = write_run(a_run(), tmp_path)
    before = {path for path in run.rglob("*") if path.is_file()}
    report = write_report(run)
    after = {path for path in run.rglob("*") if path.is_file()}
    assert after - before == set(report.paths)


def test_writing_it_again_changes_no_byte(tmp_path: Path) -> None:
    run = write_run(a_run(), tmp_path)
    first = {path: path.read_bytes() for path in write_report(run).paths}
    second = {path: path.read_bytes() for path in write_report(run).paths}
    assert first == second


def test_a_picture_of_an_earlier_report_that_is_no_longer_true_goes(tmp_path: Path) -> None:
    run = write_run(a_run(), tmp_path)
    write_report(run)
    (run / "plots" / "mine.png").write_bytes(a_png())
    (run / "evaluation.json").write_text("{}", encoding="utf-8")
    write_report(run)
    assert not (run / "plots" / "confusion.png").exists()
    assert (run / "plots" / "mine.png").exists()


def test_the_baseline_is_the_last_run_of_that_name_that_succeeded(tmp_path: Path) -> None:
    baseline = a_baseline()
    first = write_run(baseline, tmp_path)
    other = a_run({**baseline.plan, "id": f"{first.name}-2"}, events=told(ending="failed"))
    write_run(other, tmp_path)
    run = write_run(a_run(a_plan(report=AGAINST)), tmp_path)
    assert find_baseline(run) == first
    facts = write_report(run, find_baseline(run)).facts
    assert facts.baseline == first.name
    assert "Baseline: `digits-resnet10t-0123456789`" in (run / "report.md").read_text()


def test_an_adapted_run_is_a_baseline_only_where_the_report_allows_it(tmp_path: Path) -> None:
    baseline = a_baseline()
    first = write_run(baseline, tmp_path)
    events = [*told(), ("train.adapted", ADAPTED)]
    other = a_run({**baseline.plan, "id": f"{first.name}-2"}, events=events)
    later = write_run(other, tmp_path)
    run = write_run(a_run(a_plan(report=AGAINST)), tmp_path)
    assert find_baseline(run) == first
    words = f"{later.name}: adapted, and so no baseline without report.allowAdapted: true"
    assert words in _read_warnings(run, first)
    allowed = {**AGAINST, "allowAdapted": True}
    run = write_run(a_run(a_plan("digits-other", report=allowed)), tmp_path)
    assert find_baseline(run) == later
    assert words not in _read_warnings(run, later)
    assert "The baseline was adapted: its training went otherwise than planned" in [
        one.en for one in read_facts(run, later).caveats
    ]


def test_a_report_says_of_its_run_that_it_was_adapted(tmp_path: Path) -> None:
    run = write_run(a_run(events=[*told(), ("train.adapted", ADAPTED)]), tmp_path)
    write_report(run)
    assert "`Adapted: epochs 9 → 3`. Training went on otherwise" in (run / "report.md").read_text()


PINNED = {**AGAINST, "baselinePlan": "digits-resnet10t-0123456789"}


def test_a_later_try_of_the_baseline_with_other_values_is_not_the_baseline(tmp_path: Path) -> None:
    baseline = a_baseline()
    first = write_run(baseline, tmp_path)
    tried = a_run({**baseline.plan, "id": "digits-resnet10t-aaaaaaaaaa"})
    write_run(tried, tmp_path)
    run = write_run(a_run(a_plan(report=PINNED)), tmp_path)
    assert find_baseline(run) == first
    assert read_facts(run, first).caveats == ()


def test_a_baseline_of_another_plan_than_its_spec_had_is_told(tmp_path: Path) -> None:
    tried = a_run({**a_baseline().plan, "id": "digits-resnet10t-aaaaaaaaaa"})
    taken = write_run(tried, tmp_path)
    run = write_run(a_run(a_plan(report=PINNED)), tmp_path)
    assert find_baseline(run) == taken
    (caveat,) = read_facts(run, taken).caveats
    words = "not digits-resnet10t as its spec stood, which is digits-resnet10t-0123456789"
    assert words in caveat.en
    assert caveat.en.endswith("and has no finished run")
    # Of a person who names the try, the one that the plan means is not denied.
    meant = write_run(a_baseline(), tmp_path)
    (caveat,) = read_facts(run, taken).caveats
    assert caveat.en.endswith(f"and has the finished run {meant.name}")
    assert read_facts(run, meant).caveats == ()


def test_the_baseline_may_lie_in_another_folder_of_runs(tmp_path: Path) -> None:
    baseline = write_run(a_baseline(), tmp_path / "runs")
    run = write_run(a_run(a_plan(report=AGAINST)), tmp_path / "elsewhere")
    assert find_baseline(run) is None
    assert find_baseline(run, tmp_path / "runs") == baseline


def test_there_is_no_baseline_where_none_is_named_and_a_run_is_not_its_own(tmp_path: Path) -> None:
    named = a_plan(report={"baseline": "digits-resnet18", "gates": []})
    assert find_baseline(write_run(a_run(named), tmp_path / "a")) is None
    assert find_baseline(write_run(a_run(), tmp_path / "b")) is None


def test_a_run_that_has_just_begun_has_a_report(tmp_path: Path) -> None:
    run = write_run(a_run(evaluation={}, events=[]), tmp_path)
    report = write_report(run)
    assert report.verdict == "unfinished"
    assert set(_written(run)) == {"report.md", "report.html"}


def test_the_link_to_the_rest_stands_in_the_markdown(tmp_path: Path) -> None:
    run = write_run(a_run(evaluation={}, events=[]), tmp_path)
    write_report(run, link="https://ci.example/42")
    assert "(https://ci.example/42)" in (run / "report.md").read_text(encoding="utf-8")


def test_text_that_cannot_be_encoded_is_written_visibly(tmp_path: Path) -> None:
    run = write_run(a_run(), tmp_path)
    hostile = a_run_that_says("\ud800 고양이")
    for name, data in (("plan.json", hostile.plan), ("evaluation.json", hostile.evaluation)):
        (run / name).write_text(json.dumps(data), encoding="utf-8")
    write_report(run)
    assert "⟨U+D800⟩ 고양이" in (run / "report.md").read_text(encoding="utf-8")
    assert "⟨U+D800⟩ 고양이" in (run / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["{", "[1]", '"text"'])
def test_a_damaged_evaluation_is_named(tmp_path: Path, content: str) -> None:
    run = write_run(a_run(), tmp_path)
    (run / "evaluation.json").write_text(content, encoding="utf-8")
    with pytest.raises(Permanent, match=r"evaluation\.json") as caught:
        read_facts(run)
    assert caught.value.fix is not None


def test_a_folder_without_a_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"plan\.json"):
        write_report(tmp_path)


def _shows_a_picture(run: Path, thumbnail: str) -> bool:
    evaluation = {"errors": [{**an_evaluation()["errors"][0], "thumbnail": thumbnail}]}
    (run / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")
    write_report(run)
    return "no picture" not in (run / "report.html").read_text(encoding="utf-8")


def test_only_pictures_of_the_runs_own_folder_are_shown(tmp_path: Path) -> None:
    run = write_run(a_run(events=[]), tmp_path)
    (tmp_path / "secret.png").write_bytes(a_png())
    (run / "plots" / "link.png").symlink_to(tmp_path / "secret.png")
    (run / "plots" / "text.png").write_text("secret", encoding="utf-8")
    (run / "plots" / "large.png").write_bytes(a_png() + b"\0" * MOST_THUMBNAIL_BYTES)
    assert _shows_a_picture(run, "plots/errors/00.png")
    for name in (
        "../secret.png",
        str(tmp_path / "secret.png"),
        "plots/link.png",
        "plots/text.png",
        "plots/large.png",
        "plots/none.png",
        "nul\x00.png",
        ".",
    ):
        assert not _shows_a_picture(run, name), name
