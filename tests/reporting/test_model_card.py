"""The card beside an exported model: what someone who is handed the files reads."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from hostile_text import CORPUS
from report_data import (
    ADAPTED,
    a_baseline,
    a_plan,
    a_run,
    a_run_that_says,
    an_evaluation,
    expect_golden,
    told,
    write_run,
)
from vtspec.pipelines.reporting.facts import RunData, build_facts
from vtspec.pipelines.reporting.model_card import render_model_card
from vtspec.pipelines.reporting.writer import write_report


def card(run: RunData) -> str:
    return render_model_card(run, build_facts(run))


def front_matter(run: RunData) -> Any:
    begin, front, _ = card(run).split("---\n", 2)
    assert begin == ""
    return yaml.safe_load(front)


def with_licences(data: str | None, weights: str | None, framework: str | None) -> RunData:
    plan = a_plan()
    plan["dataset"]["licence"] = data
    plan["framework"]["licence"] = framework
    plan["model"]["weights"] = None if weights is None else {"type": "hub", "licence": weights}
    return a_run(plan)


def test_a_card_says_what_the_model_is_and_how_to_make_it_again() -> None:
    plan = a_plan(report={"baseline": None, "gates": ["accuracy >= 0.95", "loss <= 0.1"]})
    plan["dataset"]["licence"] = "CC-BY-4.0"
    plan["framework"]["licence"] = "Apache-2.0"
    expect_golden("model-card.md", card(a_run(plan)))


def test_a_card_of_an_adapted_run_says_what_was() -> None:
    run = a_run(events=[*told(), ("train.adapted", ADAPTED)])
    assert "otherwise than planned: `adapted: epochs 9 → 3`" in card(run)
    assert "adapted" not in card(a_run())


def test_the_front_matter_is_the_hubs_and_leaves_the_models_licence_open() -> None:
    front = front_matter(a_run())
    assert front["pipeline_tag"] == "image-classification"
    assert front["base_model"] == "timm/resnet18.a1_in1k"
    assert front["tags"] == ["vtspec", "timm", "resnet18"]
    (result,) = front["model-index"][0]["results"]
    assert result["dataset"]["split"] == "test"
    figures = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert figures["accuracy"] == pytest.approx(0.9667, abs=1e-4)
    assert "license" not in front


@pytest.mark.parametrize(
    ("task", "limit"),
    [
        ("image-classification", "alone, and calls any other image one of them."),
        (
            "multilabel-classification",
            "alone, and says each whose score, the sigmoid of its output, is 0.5 or more; of an "
            "image it may say none or all.",
        ),
    ],
)
def test_a_card_says_what_becomes_of_images_that_show_something_else(
    task: str, limit: str
) -> None:
    text = card(a_run(a_plan(task=task)))
    assert f"classes {limit}" in text
    assert text.count("It knows") == 1


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("object-detection", "object-detection"),
        ("semantic-segmentation", "image-segmentation"),
        ("pose-estimation", "keypoint-detection"),
    ],
)
def test_a_task_has_the_hubs_name(task: str, name: str) -> None:
    assert front_matter(a_run(a_plan(task=task)))["pipeline_tag"] == name


@pytest.mark.parametrize(
    ("licences", "words"),
    [
        (("CC-BY-4.0", None, "MIT"), None),
        ((None, None, "MIT"), None),
        (("CC-BY-NC-4.0", None, "MIT"), "That of data is not clearly permissive"),
        (("MIT", "cc-by-nc-4.0", "MIT"), "That of weights is not clearly permissive"),
        (
            ("CC-BY-NC-4.0", None, "AGPL-3.0"),
            "Those of data and framework are not clearly permissive",
        ),
    ],
)
def test_a_licence_that_is_not_clearly_permissive_is_pointed_out(
    licences: tuple[str | None, str | None, str | None], words: str | None
) -> None:
    text = card(with_licences(*licences))
    assert "Nobody has chosen one for the model itself yet" in text
    assert (words or "clearly permissive") in text if words else "clearly permissive" not in text


def test_limits_name_the_weakest_classes_the_missed_gates_and_a_split_that_flatters() -> None:
    rows = [{"class": name, "f1": f1} for name, f1 in (("0", 0.9), ("1", 0.4), ("2", 0.6))]
    plan = a_plan(report={"baseline": None, "gates": ["accuracy >= 0.99"]})
    plan["dataset"]["finalSplit"] = "val"
    text = card(a_run(plan, an_evaluation(perClass=rows)))
    assert "Its weakest classes, by `f1`: `1` 0.4000, `2` 0.6000, `0` 0.9000." in text
    assert "It misses the gate `accuracy >= 0.99`." in text
    assert "the best epoch was chosen, and flatter the model" in text


def test_two_runs_of_one_plan_on_two_days_have_one_card() -> None:
    first, events = a_run(), told()
    events[0][1].update(machine={"processor": "another"}, environment="elsewhere")
    events[-1][1]["seconds"] = 999.0
    second = a_run(events=[("warning", {"message": "slow disk"}), *events])
    again = RunData(
        name=second.name,
        plan={**second.plan, "estimate": {"seconds": 7.0}, "warnings": ["it takes long"]},
        events=second.events,
        evaluation=second.evaluation,
    )
    assert card(again) == card(first)


def test_the_card_names_the_run_whose_model_it_lies_beside() -> None:
    # By the spec's name, or its plan's, another run might answer.
    run = replace(a_run(), name="digits-resnet18-0123456789-2", folder="runs/a b")
    assert "vtspec predict digits-resnet18-0123456789-2 IMAGE" in card(run)
    assert "vtspec run --plan 'runs/a b/plan.json' --again" in card(run)


@pytest.mark.parametrize("words", CORPUS)
def test_whatever_others_wrote_the_front_matter_ends_where_it_should(words: str) -> None:
    front = front_matter(a_run_that_says(words))
    assert set(front) <= {
        *("pipeline_tag", "tags", "base_model", "base_model_relation", "model-index")
    }


def test_a_thousand_classes_are_counted_beyond_what_a_reader_takes() -> None:
    plan = a_plan()
    plan["dataset"]["classes"] = [f"a class of a longer name, number {n}" for n in range(1000)]
    text = card(a_run(plan))
    assert "more rows*" in text and len(text) < 40_000


@pytest.mark.slow
def test_the_card_lies_beside_an_exported_model_and_is_none_of_a_report_elsewhere(
    tmp_path: Path,
) -> None:
    runs, baseline = tmp_path / "runs", a_baseline()
    folder, before = write_run(a_run(), runs), write_run(baseline, runs)
    write_report(folder, before)
    assert not (folder / "model").exists()
    (folder / "model").mkdir()
    write_report(folder, before, into=tmp_path / "elsewhere")
    assert list((folder / "model").iterdir()) == []
    write_report(folder, before)
    text = (folder / "model" / "README.md").read_text(encoding="utf-8")
    # What it is held against is of the report.
    assert text == card(a_run())
