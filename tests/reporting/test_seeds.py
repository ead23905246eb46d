"""A run judged over the seeds that are finished: means, intervals, gates, differences."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from run_folders import STARTED, SUCCEEDED, a_run_folder
from toy_runs import a_plan
from vtspec.pipelines.planning.digest import identify
from vtspec.pipelines.planning.seeds import name_seed_plans
from vtspec.pipelines.reporting import read_facts, write_report
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.run_comparison import build_comparison

GATE = "accuracy >= 0.9"


def a_seed_plan(
    name: str, seed: int, seeds: Sequence[int], gates: Sequence[str] = (GATE,)
) -> dict[str, Any]:
    report = {"baseline": None, "gates": list(gates)} | ({"seeds": list(seeds)} if seeds else {})
    plan = a_plan(name=name, report=report)
    plan["training"]["seed"] = seed
    names = identify(plan)
    return {**plan, "id": names.id, "digest": names.digest}


def some_runs(
    root: Path,
    figures: Sequence[float | None],
    *,
    name: str = "shapes",
    images: int = 10_000,
    seeds: Sequence[int] | None = None,
) -> list[Path]:
    """A run a seed, from 42 on, with that accuracy; None is one that broke down."""
    found = []
    wanted = range(42, 42 + len(figures)) if seeds is None else seeds
    for seed, accuracy in enumerate(figures, start=42):
        measured = {"split": "test", "metrics": {"accuracy": accuracy}, "checkpoint_epoch": 3}
        failed = ("run.finished", {"ending": "failed", "exit_code": 3})
        told = [STARTED, *([("evaluated", measured), SUCCEEDED] if accuracy else [failed])]
        folder = a_run_folder(root, told, a_seed_plan(name, seed, wanted))
        evaluation = {"task": "image-classification", "split": "test", "images": images}
        (folder / "evaluation.json").write_text(json.dumps(evaluation))
        found.append(folder)
    return found


def judgement_of(facts: Facts) -> str | None:
    row = facts.find_metric("accuracy")
    assert row is not None
    return row.judgement


def test_every_report_of_a_group_judges_the_mean_of_what_is_finished(tmp_path: Path) -> None:
    runs = some_runs(tmp_path, [0.95, 0.96, 0.97])
    for run in runs:
        facts = read_facts(run)
        assert facts.verdict.name == "passed"
        assert facts.verdict.headline.en == "Gate passed, mean of 3 seeds"
        (gate,) = facts.verdict.gates
        assert gate.value == pytest.approx(0.96)
        (spread,) = facts.seeds.spreads
        assert (spread.mean, spread.deviation) == pytest.approx((0.96, 0.01))
        # Student's 4.303 standard errors of 0.01 / sqrt(3).
        assert spread.interval == pytest.approx((0.93516, 0.98484), abs=1e-5)


def test_a_gate_that_another_seed_could_miss_is_passed_and_not_certain(tmp_path: Path) -> None:
    run, *_ = some_runs(tmp_path, [0.88, 0.95, 0.95])
    assert read_facts(run).verdict.name == "uncertain"


def test_seeds_that_agree_do_not_make_few_images_more(tmp_path: Path) -> None:
    run, *_ = some_runs(tmp_path, [0.95, 0.95, 0.95], images=60)
    assert read_facts(run).verdict.name == "uncertain"


def test_one_seed_of_several_is_judged_alone_and_says_so(tmp_path: Path) -> None:
    run, broken = some_runs(tmp_path, [0.95, None], seeds=(42, 43, 44))
    facts = read_facts(run)
    assert facts.verdict.headline.en == "Gate passed, 1 of 3 seeds"
    assert not facts.is_over_seeds
    assert [one.seed for one in facts.seeds.missing] == [43, 44]
    # What broke down has no figures, whatever others have.
    assert read_facts(broken).verdict.headline.en == "Run failed"


def test_a_run_without_seeds_is_judged_as_ever(tmp_path: Path) -> None:
    run, _ = some_runs(tmp_path, [0.95, 0.8], seeds=())
    facts = read_facts(run)
    assert facts.verdict.headline.en == "Gate passed"
    assert facts.seeds.runs == ()


@pytest.mark.parametrize(
    ("ours", "theirs", "judgement"),
    [
        ([0.95, 0.96, 0.97], [0.90, 0.91, 0.92], "better"),
        ([0.90, 0.91, 0.92], [0.95, 0.96, 0.97], "worse"),
        ([0.90, 0.96, 0.99], [0.89, 0.93, 0.97], "not shown"),
        # One run alone is taken to spread as the other side does.
        ([0.95, 0.96, 0.97], [0.80], "better"),
        ([0.95, 0.96, 0.97], [0.93], "not shown"),
        # Without any spread, the images decide.
        ([0.95, 0.95], [0.50, 0.50], "better"),
        ([0.9501, 0.9501], [0.95, 0.95], "not shown"),
    ],
)
def test_sides_with_seeds_are_held_against_each_other_by_their_spread(
    tmp_path: Path, ours: list[float], theirs: list[float], judgement: str
) -> None:
    new, *_ = some_runs(tmp_path, ours)
    old, *_ = some_runs(tmp_path, theirs, name="older")
    facts = read_facts(new, old)
    assert judgement_of(facts) == judgement
    told = build_comparison(facts)
    after = told["afterSeeds"]
    assert isinstance(after, dict) and len(after["runs"]) == len(ours)
    assert ("beforeSeeds" in told) == (len(theirs) > 1)


def test_two_seeds_of_one_group_are_compared_as_two_runs(tmp_path: Path) -> None:
    first, second, _ = some_runs(tmp_path, [0.95, 0.90, 0.97])
    facts = read_facts(second, first)
    row = facts.find_metric("accuracy")
    assert row is not None
    assert (row.value, row.baseline) == (0.90, 0.95)
    assert facts.deciding == ("training.seed",)


def test_any_seed_of_the_baseline_is_the_baseline_as_its_spec_stands(tmp_path: Path) -> None:
    *_, last = some_runs(tmp_path, [0.9, 0.91], name="older")
    run, _ = some_runs(tmp_path, [0.95, 0.96])
    plan = json.loads((run / "plan.json").read_text())
    first = name_seed_plans(json.loads((last / "plan.json").read_text()))[42]
    plan["report"] |= {"baseline": "older", "baselinePlan": first}
    (run / "plan.json").write_text(json.dumps(plan))
    assert read_facts(run, last).caveats == ()


def test_the_report_names_every_seed_and_the_card_its_own_figures(tmp_path: Path) -> None:
    run, other = some_runs(tmp_path, [0.95, 0.97])
    (run / "model").mkdir()
    write_report(run)
    text = (run / "report.md").read_text()
    assert "| `accuracy` | 0.9600 |" in text
    assert f"| 43 | `{other.name}` | 0.9700 |" in text
    assert "value: 0.95\n" in (run / "model" / "README.md").read_text()
