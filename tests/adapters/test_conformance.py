"""The toy adapter passes the conformance suite; each broken one fails the check meant for it."""

import dataclasses
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import broken_adapters
from toy_runs import ADAPTERS, a_plan, write_pictures
from vtspec.adapters.conformance import CHECKS, Check, Nonconformance, Subject, training
from vtspec.adapters.conformance.evaluation import details_are_what_a_report_needs
from vtspec.adapters.contract import Evaluation, TaskType
from vtspec.adapters.toy import adapter as toy


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def toy_subject(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return Subject(
        module=toy,
        plan=a_plan(),
        data_root=data,
        folder=tmp_path_factory.mktemp("toy"),
        environment={"PYTHONPATH": str(ADAPTERS)},
    )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_toy_adapter_conforms(check: Check, toy_subject: Subject) -> None:
    check(toy_subject)


@pytest.fixture(scope="module")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed distribution that names every broken adapter as an entry point."""
    site = tmp_path_factory.mktemp("site")
    folder = site / "broken_adapters-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-adapters\nVersion: 1\n")
    points = "".join(f"{name} = broken_adapters:{name}\n" for name in broken_adapters.BROKEN)
    (folder / "entry_points.txt").write_text(f"[vtspec.adapters]\n{points}")
    return site


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_broken_adapter_fails_the_check_that_is_meant_for_it(
    check: Check, data: Path, third_party: Path, tmp_path: Path
) -> None:
    broken = [name for name, meant in broken_adapters.BROKEN.items() if meant is check]
    assert broken, f"no adapter is broken so that {check.__name__} fails"
    for name in broken:
        paths = (ADAPTERS, third_party, Path(broken_adapters.__file__).parent)
        subject = Subject(
            module=getattr(broken_adapters, name),
            plan=a_plan(framework={"name": name, "adapter": name, "adapterVersion": "1"}),
            data_root=data,
            folder=tmp_path / name,
            environment={"PYTHONPATH": os.pathsep.join(map(str, paths))},
        )
        with pytest.raises(Nonconformance) as raised:
            check(subject)
        print(f"{name}: {raised.value}")


def a_subject(data: Path, folder: Path, name: str, **more: Any) -> Subject:
    return Subject(
        module=getattr(broken_adapters, name),
        plan=a_plan(framework={"name": name, "adapter": name, "adapterVersion": "1"}),
        data_root=data,
        folder=folder,
        **more,
    )


def test_another_value_is_found_for_params_of_every_type(data: Path, tmp_path: Path) -> None:
    subject = a_subject(data, tmp_path, "versatile", other_values={"text": "b"})
    training.every_param_changes_something(subject)
    tried = {path.name for path in tmp_path.iterdir()}
    assert "param-flag-after" in tried
    # Of another task than the plan's.
    assert "param-boxes-after" not in tried


def test_a_text_param_needs_its_other_value_said(data: Path, tmp_path: Path) -> None:
    subject = a_subject(data, tmp_path, "versatile")
    with pytest.raises(Nonconformance, match=r"other_values a second value for params.text"):
        training.every_param_changes_something(subject)


def test_a_param_may_need_another_to_have_an_effect(data: Path, tmp_path: Path) -> None:
    with pytest.raises(Nonconformance, match=r"params.strength: 1.0 and 1.5 give the same"):
        training.every_param_changes_something(a_subject(data, tmp_path / "a", "dependent"))
    companions = {"strength": {"on": True}}
    subject = a_subject(data, tmp_path / "b", "dependent", companions=companions)
    training.every_param_changes_something(subject)


def test_a_refusal_shows_that_a_param_is_looked_at(data: Path, tmp_path: Path) -> None:
    training.every_param_changes_something(a_subject(data, tmp_path, "refusing"))


def test_a_plan_that_is_too_small_to_check_with_is_said_so(data: Path, tmp_path: Path) -> None:
    short = dataclasses.replace(
        a_subject(data, tmp_path / "a", "versatile"), plan=a_plan(training={"epochs": 2})
    )
    with pytest.raises(Nonconformance, match="3 epochs or more"):
        training.it_trains(short)
    wide = dataclasses.replace(
        short, folder=tmp_path / "b", plan=a_plan(training={"batchSize": 99})
    )
    with pytest.raises(Nonconformance, match="two steps an epoch or more"):
        training.it_trains(wide)
    two = dataclasses.replace(short, plan=a_plan(classes=("circle", "cross")))
    with pytest.raises(Nonconformance, match="three classes"):
        training.chosen_classes_are_the_ones_it_learns(two)


def of_another_task(evaluation: Evaluation) -> Subject:
    """A subject that detects objects, of which nothing is asked but to evaluate."""
    job = SimpleNamespace(
        task=TaskType.OBJECT_DETECTION, dataset=SimpleNamespace(final_split="test")
    )
    evaluator = SimpleNamespace(evaluate=lambda split: evaluation)
    subject = SimpleNamespace(
        unbroken=SimpleNamespace(job=job), load_evaluator=lambda run: evaluator
    )
    return cast(Subject, subject)


def test_the_records_of_any_task_have_to_average_to_its_metrics() -> None:
    samples = {"images": ["a.png", "b.png"], "values": {"mAP50": [0.5, 1.0]}}
    good = Evaluation(split="test", metrics={"mAP50": 0.75}, details={"samples": samples})
    details_are_what_a_report_needs(of_another_task(good))
    details_are_what_a_report_needs(of_another_task(dataclasses.replace(good, details={})))
    for values, why in (
        ({"mAP50": [0.5, 0.5]}, "does not average"),
        ({"mAP50": [0.75]}, "not one for each"),
        ({"mAP": [0.75, 0.75]}, "no metric"),
    ):
        bad = {"samples": {**samples, "values": values}}
        with pytest.raises(Nonconformance, match=why):
            details_are_what_a_report_needs(
                of_another_task(dataclasses.replace(good, details=bad))
            )
