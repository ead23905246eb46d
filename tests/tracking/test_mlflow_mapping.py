"""What MLflow is told of a run, decided without MLflow."""

import math
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_folders import (
    ADAPTED,
    EVALUATED,
    IN_WORDS,
    STARTED,
    SUCCEEDED,
    Told,
    a_plan,
    an_epoch,
    events_of,
)
from vtspec.pipelines.runs.events import KINDS, Event
from vtspec.pipelines.tracking.mlflow_mapping import (
    MetricPoint,
    build_run_tags,
    flatten_params,
    make_folder_name,
    parse_plan,
    sanitize_key,
    translate_event,
    translate_events,
)

RESUMED: Told = ("run.resumed", {"from_epoch": 1})


def _entry(kind: str, data: dict[str, object]) -> Event:
    return events_of([(kind, data)])[0]


def test_what_was_adapted_is_a_tag_until_a_resume_from_before_it() -> None:
    started: Told = ("train.started", {"config": {"epochs": 3, "fromEpoch": 0}})
    kept: Told = ("train.started", {"config": {"epochs": 3, "adaptations": [ADAPTED[1]]}})
    told = [STARTED, started, ADAPTED, RESUMED, kept, RESUMED, started]
    entries = list(translate_events(events_of(told)))
    assert [one.tags.get("vtspec.adapted") for one in entries] == [
        *(None, None, IN_WORDS, None, None, None, None)
    ]
    assert ["vtspec.adapted" in one.removed_tags for one in entries] == [*6 * [False], True]


def test_an_epoch_becomes_metrics_at_its_step_and_time() -> None:
    entry = translate_event(events_of([an_epoch(2, lr=0.5)])[0])
    assert [
        ("train_loss", 0.5, 2),
        ("val_loss", 0.55, 2),
        ("learning_rate", 0.5, 2),
        ("epoch_seconds", 1.5, 2),
        ("accuracy", 0.75, 2),
    ] == [(m.key, m.value, m.step) for m in entry.metrics]
    assert {1767225600000} == {m.time_ms for m in entry.metrics}


def test_figures_of_classes_stay_apart_whatever_mlflow_makes_of_their_names() -> None:
    told = {"f1/cat": 0.5, "f1/\uace0\uc591\uc774": 0.6, "f1/\uac15\uc544\uc9c0": 0.7}
    kind, data = an_epoch(1, metrics={}, class_metrics=told)
    points = {m.key: m.value for m in translate_event(_entry(kind, dict(data))).metrics}
    assert [points[key] for key in ("f1/cat", "f1/___", "f1/___-2")] == [0.5, 0.6, 0.7]


def test_a_metric_that_was_not_measured_is_not_sent() -> None:
    kind, data = an_epoch(1, val_loss=None, metrics={"accuracy": None, "ok": True})
    names = [m.key for m in translate_event(_entry(kind, dict(data))).metrics]
    assert ["train_loss", "learning_rate", "epoch_seconds"] == names


def test_the_final_figures_have_names_of_their_own() -> None:
    entry = translate_event(events_of([EVALUATED])[0])
    assert [MetricPoint(key="final_accuracy", value=0.9, step=3, time_ms=1767225600000)] == list(
        entry.metrics
    )
    assert {"vtspec.final.split": "val"} == entry.tags


def test_the_ending_decides_the_status() -> None:
    endings = ("succeeded", "failed", "refused", "crashed", "interrupted", "stopped", "new word")
    found = [translate_event(_entry("run.finished", {"ending": e})).status for e in endings]
    expected = ["FINISHED", "FAILED", "FAILED", "FAILED", "KILLED", "KILLED", "FAILED"]
    assert expected == found
    assert "FINISHED" == translate_event(events_of([SUCCEEDED])[0]).status


def test_an_end_of_what_never_began_leaves_the_run_finished() -> None:
    refused: Told = ("run.finished", {"ending": "refused", "message": "the disk is full"})
    last = list(translate_events(events_of([STARTED, EVALUATED, SUCCEEDED, refused])))[-1]
    assert last.status == "FINISHED"
    assert last.tags == {"vtspec.update.message": "the disk is full"}


def test_a_failure_is_said_in_a_tag() -> None:
    entry = translate_event(_entry("run.finished", {"ending": "failed", "message": "no GPU"}))
    assert {"vtspec.ending": "failed", "vtspec.message": "no GPU"} == entry.tags


def test_machine_versions_and_commit_become_tags() -> None:
    assert {
        "vtspec.machine.cpus": "2",
        "vtspec.git.commit": "c0ffee",
        "mlflow.source.git.commit": "c0ffee",
    } == translate_event(events_of([STARTED])[0]).tags


def test_params_are_the_resolved_values_without_long_lists() -> None:
    params = flatten_params(a_plan())
    assert "8, 8" == params["training.imageSize"]
    assert "2" == params["dataset.numClasses"]
    assert "0.1" == params["params.dropRate"]
    assert not [name for name in params if name.startswith(("dataset.classes", "dataset.splits"))]
    assert "training.ema" not in params


def test_tags_name_the_plan_and_the_data() -> None:
    tags = build_run_tags(a_plan(description="why"), "cats-0123456789-2")
    assert "cats-0123456789-2" == tags["vtspec.run"]
    assert "cats-0123456789" == tags["vtspec.plan.id"]
    assert "md5:" + "a" * 32 + ".dir" == tags["vtspec.dataset.hash"]
    assert tags["mlflow.note.content"].startswith("why\n\nsoftmax-regression (toy) on cats")


def test_what_mlflow_is_told_of_a_plan_is_read_from_its_file() -> None:
    raw = a_plan(tracking={"experiment": "pets", "registerAs": "cats-model"})
    plan = parse_plan(raw, "cats-0123456789-2")
    assert ("pets", "cats-model") == (plan.experiment, plan.register_as)
    assert ("cats", "md5:" + "a" * 32 + ".dir") == (plan.dataset, plan.data_hash)
    assert {"type": "dvc", "path": "data/cats"} == plan.source
    assert "cats-0123456789-2" == plan.tags["vtspec.run"]


@given(st.text())
def test_every_key_is_one_that_mlflow_takes(name: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. :/")
    assert set(sanitize_key(name)) <= allowed
    assert len(sanitize_key(name)) <= 250


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    kind=st.sampled_from(sorted(KINDS)),
    data=st.dictionaries(
        st.sampled_from(["ending", "train_loss", "split", "message", "machine", "x"]), _JSON
    ),
)
def test_no_field_of_an_event_can_stop_the_mirror(kind: str, data: dict[str, object]) -> None:
    assert all(math.isfinite(m.value) for m in translate_event(_entry(kind, data)).metrics)


def _points(told: Sequence[Told]) -> list[tuple[str, int, float]]:
    return [
        (point.key, point.step, point.value)
        for entry in translate_events(events_of(told))
        for point in entry.metrics
    ]


def test_what_is_done_again_tells_each_point_once() -> None:
    once = [STARTED, an_epoch(1), an_epoch(2), an_epoch(3), EVALUATED]
    again = [STARTED, an_epoch(1), an_epoch(2), RESUMED, an_epoch(2, seconds=9), an_epoch(3)]
    assert _points(once) == _points([*again, EVALUATED, RESUMED, EVALUATED])


def test_another_value_the_second_time_is_told() -> None:
    told = [STARTED, an_epoch(1), RESUMED, an_epoch(1, train_loss=7.0)]
    assert ("train_loss", 1, 7.0) == _points(told)[-1]
    assert 1 + len(_points(told[:2])) == len(_points(told))


def test_a_run_that_goes_on_takes_its_ending_back() -> None:
    stopped = ("run.finished", {"ending": "stopped", "message": "train was stopped"})
    entries = list(translate_events(events_of([STARTED, stopped, RESUMED, SUCCEEDED])))
    assert [None, "KILLED", "RUNNING", "FINISHED"] == [each.status for each in entries]
    assert ("vtspec.ending", "vtspec.message") == entries[2].removed_tags
    assert ("vtspec.message",) == entries[3].removed_tags


def test_the_versions_of_packages_are_one_tag() -> None:
    kind, data = STARTED
    versions = {"torch": "2.9.0", **{f"nvidia-{n}": "12" for n in range(40)}}
    tags = translate_event(_entry(kind, {**data, "versions": versions})).tags
    assert tags["vtspec.versions"].startswith("torch 2.9.0, nvidia-0 12, ")
    assert not [name for name in tags if "nvidia" in name]


@pytest.mark.parametrize(
    "name",
    ["../../outside", "/etc/cron.d", "..", ".", "a/b", "a\\b", "~", "%2e%2e", "가" * 200, "x\0y"],
)
def test_an_experiments_name_is_one_folder_and_never_a_path(name: str) -> None:
    folder = make_folder_name(name)
    assert re.fullmatch(r"[\w.-]+", folder) and not folder.startswith(".")
    assert len(folder.encode()) < 255
    assert folder != make_folder_name(name + "x")


def test_a_plain_name_is_its_own_folder() -> None:
    assert ["shapes", "cats_2", "도형"] == list(
        map(make_folder_name, ["shapes", "cats_2", "도형"])
    )
