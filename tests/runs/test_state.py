"""Events add up to one state, in whatever order, however often, and whatever is in them."""

import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_folders import EVALUATED, STARTED, SUCCEEDED, Told, an_epoch, events_of
from vtspec.pipelines.runs import frozen_copy
from vtspec.pipelines.runs.events import KINDS, Event, decode_event, encode_event, read_body
from vtspec.pipelines.runs.metrics import build_metrics
from vtspec.pipelines.runs.state import (
    ExportedModel,
    RunState,
    Status,
    apply_event,
    find_standing,
    fold_events,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "events"

WORKFLOW = {
    "namespace": "vision",
    "name": "digits-0123456789-c0a1b2c",
    "digest": "sha256:" + "2" * 64,
    "createdAt": "2026-01-02T03:04:05.678Z",
}

TOLD: dict[str, dict[str, Any]] = {
    "run.started": {
        "plan_id": "digits-0123456789",
        "plan_digest": "sha256:" + "0" * 64,
        "backend": "process",
        "environment": "this Python (it has the locked versions)",
        "machine": {"host": "box", "cpus": 2, "memoryBytes": 8589934592},
        "versions": {"vtspec": "0.1.0", "python": "3.12.1"},
        "git": {"commit": "0" * 40, "dirty": False},
        "epochs": 3,
        "monitor": "accuracy",
        "order": 4,
    },
    "run.resumed": {"from_epoch": 2, "from_step": 17, "workflow": WORKFLOW},
    "run.updated": {
        "plan_digest": "sha256:" + "2" * 64,
        "previous_digest": "sha256:" + "0" * 64,
        "changed": ["export.formats"],
        "steps": ["export", "report"],
        "sections": {"export": {"formats": ["safetensors", "onnx"]}},
        "completion": "digits-0123456789-c0a1b2c",
        "workflow": WORKFLOW,
    },
    "run.finished": {
        "ending": "succeeded",
        "exit_code": 0,
        "message": None,
        "fix": None,
        "artifacts": {"metrics.json": "sha256:" + "1" * 64},
        "seconds": 12.5,
    },
    "step.started": {"command": ["vtspec", "step", "train"]},
    "step.finished": {"ending": "succeeded", "exit_code": 0, "seconds": 8.25},
    "train.started": {"config": {"device": "cpu", "epochs": 3, "fromEpoch": 0, "fromStep": 0}},
    "train.progress": {
        "epoch": 2,
        "step_in_epoch": 5,
        "steps_per_epoch": 10,
        "loss": 0.5,
        "images_per_s": 320.0,
        "data_wait": 0.125,
        "gpu_memory_bytes": 2147483648,
    },
    "train.epoch": {
        "epoch": 2,
        "epochs": 3,
        "train_loss": 0.5,
        "val_loss": float("nan"),
        "metrics": {"accuracy": 0.875},
        "seconds": 4.0,
        "lr": 0.001,
        "class_metrics": {"f1/cat": 0.5},
    },
    "train.checkpoint": {
        "path": "checkpoints/epoch-0002",
        "epoch": 2,
        "step_in_epoch": 0,
        "best": True,
    },
    "train.adapted": {
        "cause": "out-of-memory",
        "epoch": 1,
        "step_in_epoch": 4,
        "changes": {"training.batchSize": [32, 16], "training.gradientAccumulation": [1, 2]},
        "message": "the GPU's memory is full: on with batches of 16, 2 to a step",
    },
    "train.finished": {
        "metrics": {"accuracy": 0.875},
        "best_epoch": 2,
        "stopped_early": False,
        "own_seconds": 0.01,
        "step_seconds": 8.0,
    },
    "evaluated": {
        "split": "test",
        "metrics": {"accuracy": 0.9},
        "details_path": "evaluation.json",
        "checkpoint_epoch": 2,
    },
    "exported": {"format": "onnx", "path": "model/model.onnx", "max_difference": 1e-6},
    "prediction": {"result": {"image_path": "a.png", "predicted_label": "cat"}},
    "data.verified": {"hash": "md5:" + "a" * 32 + ".dir", "files": 3, "bytes": 9, "path": "/d"},
    "report.written": {"path": "report.md", "verdict": "passed"},
    "warning": {"message": "고양이 사진이 적습니다"},
    "failed": {
        "message": "no memory",
        "fix": "lower training.batchSize",
        "traceback": None,
        "cause": "out-of-memory",
    },
    "output": {"stream": "stdout", "line": "[METRICS] epoch=2/3"},
}

STEP_OF = {"train": "train", "evaluated": "evaluate", "exported": "export", "step": "train"}


def an_event(kind: str, data: dict[str, Any], seq: int = 7) -> Event:
    return Event(
        run="digits-0123456789",
        attempt=1,
        seq=seq,
        time="2026-01-02T03:04:05.678Z",
        step=STEP_OF.get(kind.partition(".")[0]),
        body=read_body(kind, data),
    )


def states_are_equal(one: RunState, other: RunState) -> bool:
    return vars(one) == vars(other)


def test_every_kind_has_an_example() -> None:
    assert sorted(TOLD) == sorted(KINDS)


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_an_event_is_written_as_its_golden_line(kind: str) -> None:
    path = GOLDEN / f"{kind}.json"
    line = encode_event(an_event(kind, TOLD[kind]), TOLD[kind]) + "\n"
    if os.environ.get("VTSPEC_REGENERATE") == "1":
        path.write_text(line, encoding="utf-8")
    assert line == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_a_golden_line_has_exactly_the_fields_of_its_kind(kind: str) -> None:
    line = (GOLDEN / f"{kind}.json").read_text(encoding="utf-8")
    event = decode_event(line)
    assert event is not None
    envelope = {"v", "run", "attempt", "seq", "time", "kind", "step"}
    assert sorted(json.loads(line).keys() - envelope) == sorted(KINDS[kind])
    apply_event(RunState(), event)


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_an_event_that_was_read_is_written_as_it_was(kind: str) -> None:
    line = (GOLDEN / f"{kind}.json").read_text(encoding="utf-8")
    event = decode_event(line)
    assert event is not None
    # Numbers are read as floats, so that 2 is written as 2.0; the keys and their order stay.
    assert json.loads(encode_event(event), object_pairs_hook=list) == json.loads(
        line, object_pairs_hook=list
    )


def test_what_an_adapter_tells_beyond_the_known_fields_is_kept() -> None:
    told = {"new": [1, float("inf")], "message": "few images", "n": 3}
    line = encode_event(an_event("warning", told), told)
    assert line.endswith(
        '"kind":"warning","step":null,"new":[1,null],"message":"few images","n":3}'
    )


def test_a_whole_run_adds_up() -> None:
    told: list[Told] = [
        ("run.started", TOLD["run.started"]),
        ("train.started", {"config": {"device": "cpu", "epochs": 3}}),
        an_epoch(1),
        ("train.checkpoint", {"path": "checkpoints/epoch-0001", "epoch": 1, "best": True}),
        an_epoch(2),
        ("train.checkpoint", {"path": "checkpoints/epoch-0002", "epoch": 2, "best": True}),
        an_epoch(3),
        ("train.checkpoint", {"path": "checkpoints/epoch-0003", "epoch": 3, "best": False}),
        ("train.finished", {"best_epoch": 2}),
        ("evaluated", {"split": "test", "metrics": {"accuracy": 0.9}, "checkpoint_epoch": 2}),
        ("exported", {"format": "safetensors", "path": "model/model.safetensors"}),
        ("warning", {"message": "few images"}),
        ("warning", {"message": "few images"}),
        ("report.written", {"path": "report.md", "verdict": "missed"}),
        ("run.finished", TOLD["run.finished"]),
    ]
    state = fold_events(events_of(told))
    assert state.status == "succeeded"
    training, best = state.training, state.training.best
    assert [one.epoch for one in training.history] == [1, 2, 3]
    assert best is not None and best.epoch == 2
    assert (state.final.metrics, state.final.split) == ({"accuracy": 0.9}, "test")
    model = ExportedModel(path="model/model.safetensors", max_difference=None)
    assert state.exports == {"safetensors": model}
    assert state.warnings == ("few images",)
    assert state.report.verdict == "missed"
    assert state.training.progress == 1.0
    assert state.clock.seconds == 14.0
    assert state.artifacts == {"metrics.json": "sha256:" + "1" * 64}


def test_metrics_json_is_what_the_documentation_shows() -> None:
    started = ("run.started", {"monitor": "accuracy", "epochs": 3})
    checkpoint = ("train.checkpoint", {"path": "c", "epoch": 1, "best": True})
    state = fold_events(events_of([started, an_epoch(1), checkpoint, EVALUATED]))
    assert build_metrics(state) == {
        "final": {"split": "val", "accuracy": 0.9},
        # The evaluation measured the checkpoint of epoch 3, which this run does not have.
        "best": {},
        "epochs": [
            {
                "epoch": 1,
                "train_loss": 1.0,
                "val_loss": 1.1,
                "lr": 0.001,
                "seconds": 1.5,
                "accuracy": 0.5,
            }
        ],
    }
    best = build_metrics(fold_events(events_of([started, an_epoch(1), checkpoint])))["best"]
    assert best == {
        "epoch": 1,
        "monitor": "accuracy",
        "value": 0.5,
        "train_loss": 1.0,
        "val_loss": 1.1,
        "accuracy": 0.5,
    }


def test_a_monitored_loss_is_that_of_val() -> None:
    told: list[Told] = [
        ("run.started", {"monitor": "loss"}),
        an_epoch(1),
        ("train.checkpoint", {"epoch": 1, "best": True}),
    ]
    assert build_metrics(fold_events(events_of(told)))["best"]["value"] == 1.1


def test_a_run_that_told_nothing_has_empty_metrics() -> None:
    assert build_metrics(fold_events([])) == {"final": {}, "best": {}, "epochs": []}
    assert fold_events([]).status == "queued"


def test_the_later_of_two_epochs_of_the_same_number_wins() -> None:
    told = [STARTED, an_epoch(1), an_epoch(2), an_epoch(2, train_loss=9.0), an_epoch(3)]
    state = fold_events(events_of(told))
    assert [(one.epoch, one.train_loss) for one in state.training.history] == [
        (1, 1.0),
        (2, 9.0),
        (3, 1.0 / 3),
    ]


def test_epochs_after_the_checkpoint_that_training_goes_on_from_are_forgotten() -> None:
    told: list[Told] = [
        STARTED,
        an_epoch(1),
        ("train.checkpoint", {"epoch": 1, "best": True}),
        an_epoch(2),
        ("train.checkpoint", {"epoch": 2, "best": True}),
        ("run.resumed", {"from_epoch": 2, "from_step": 0}),
        ("train.started", {"config": {"fromEpoch": 1, "fromStep": 0, "epochs": 3}}),
    ]
    state = fold_events(events_of(told))
    assert [one.epoch for one in state.training.history] == [1]
    assert state.training.best_epoch is None
    assert state.training.progress == pytest.approx(1 / 3)


def test_the_time_between_two_parts_of_a_run_does_not_count() -> None:
    first = events_of([STARTED, an_epoch(1)])
    second = events_of([("run.resumed", {}), an_epoch(2)], first=100)
    assert fold_events([*first, *second]).clock.seconds == 2.0


Timed = tuple[float, str | None, str, dict[str, Any]]


def timed(*told: Timed) -> list[Event]:
    """Events by the seconds that the run had worked, their step, kind and fields."""
    return [
        replace(one, elapsed=elapsed, step=step)
        for (elapsed, step, *_), one in zip(
            told, events_of([(kind, data) for _, _, kind, data in told]), strict=True
        )
    ]


INTERRUPTED: tuple[Timed, ...] = (
    (0.0, None, "run.started", {}),
    (1.0, "train", "step.started", {}),
    (35.0, "train", "train.checkpoint", {"epoch": 1}),
    # Nobody saw the end of it.
    (35.0, None, "run.resumed", {"from_epoch": 1}),
    (35.0, "data", "step.started", {}),
    (36.0, "data", "step.finished", {"ending": "succeeded", "seconds": 1.0}),
    (36.0, "train", "step.started", {}),
    (100.0, "train", "step.finished", {"ending": "succeeded", "seconds": 64.0}),
    (100.0, "report", "step.started", {}),
)


def test_a_resumed_run_counts_all_tries_of_its_steps_and_says_that_it_was_interrupted() -> None:
    state = fold_events(timed(*INTERRUPTED))
    assert state.steps["train"].seconds == 98.0
    assert (state.clock.result_s, state.clock.pauses) == (100.0, 1)


def test_a_step_that_was_stopped_adds_its_time_to_its_next_try() -> None:
    stopped: Timed = (7.0, "train", "step.finished", {"ending": "interrupted", "seconds": 6.0})
    state = fold_events(
        timed(*INTERRUPTED[:2], stopped, (7.0, None, "run.resumed", {}), *INTERRUPTED[6:])
    )
    assert state.steps["train"].seconds == 70.0


def test_the_report_is_no_part_of_what_the_result_took_however_often_it_is_begun() -> None:
    killed: tuple[Timed, ...] = (
        (103.0, None, "run.resumed", {}),
        (103.0, "report", "step.started", {}),
        (107.0, "report", "step.finished", {"ending": "succeeded", "seconds": 4.0}),
        (107.0, None, "run.finished", {"ending": "succeeded"}),
    )
    state = fold_events(timed(*INTERRUPTED, (103.0, None, "warning", {}), *killed))
    assert (state.clock.seconds, state.clock.result_s) == (107.0, 100.0)
    assert state.steps["report"].seconds == 7.0


def test_a_break_in_what_is_made_anew_of_a_result_is_none_of_its_own() -> None:
    ended: Timed = (104.0, None, "run.finished", {"ending": "succeeded"})
    anew: Timed = (104.0, None, "run.updated", {"steps": ["report"]})
    again: Timed = (104.0, None, "run.resumed", {})
    state = fold_events(timed(*INTERRUPTED, ended, anew, again))
    assert (state.clock.result_s, state.clock.pauses) == (100.0, 1)


def test_a_clock_that_is_set_takes_no_time_away_from_a_run() -> None:
    events = events_of([STARTED, an_epoch(1), ("run.resumed", {}), an_epoch(2)])
    times = ("10:00:00", "12:00:01", "09:00:00", "09:00:05")
    jumping = [
        replace(event, time=f"2026-01-01T{time}.000Z", elapsed=elapsed)
        for event, time, elapsed in zip(events, times, (0.0, 1.0, 1.0, 6.0), strict=True)
    ]
    assert fold_events(jumping).clock.seconds == 6.0


def test_the_remaining_time_follows_from_the_rate_of_the_present_part() -> None:
    told: list[Told] = [
        STARTED,
        ("train.started", {"config": {"epochs": 4}}),
        *(
            ("train.progress", {"epoch": 1, "step_in_epoch": step, "steps_per_epoch": 10})
            for step in (1, 2, 3)
        ),
    ]
    # A step a second, and 37 of the 40 steps are left.
    assert fold_events(events_of(told)).training.remaining_s == pytest.approx(37.0)


@pytest.mark.parametrize("ending", ["refused", "crashed", "failed", "interrupted", "stopped"])
def test_an_end_of_what_never_began_takes_no_result_away(ending: str) -> None:
    done = fold_events(events_of([STARTED, an_epoch(1), EVALUATED, SUCCEEDED]))
    # As an earlier vtspec wrote it, where the disk was full as a completion was to begin.
    late: list[Told] = [
        ("failed", {"message": "the disk is full", "traceback": "…"}),
        ("run.finished", {"ending": ending, "exit_code": 2, "message": "the disk is full"}),
    ]
    state = fold_events(events_of([STARTED, an_epoch(1), EVALUATED, SUCCEEDED, *late]))
    same = replace(state, seq=done.seq, clock=done.clock, undone_update=None)
    assert same == done
    assert state.undone_update is not None
    assert state.undone_update.en == (
        f"its last change of policy {'' if ending in ('failed', 'crashed') else 'was '}{ending}, "
        "and the result stays as it was: the disk is full"
    )
    # One that was begun anew does end so.
    resumed: list[Told] = [("run.resumed", {}), late[1]]
    begun = fold_events(events_of([STARTED, EVALUATED, SUCCEEDED, *resumed]))
    assert begun.status == ending


def test_a_failure_keeps_the_traceback_and_the_last_words() -> None:
    told: list[Told] = [
        STARTED,
        ("failed", {"message": "KeyError: 'a'", "fix": None, "traceback": "Traceback …"}),
        ("run.finished", {"ending": "failed", "exit_code": 3, "message": "train failed"}),
    ]
    state = fold_events(events_of(told))
    assert state.failure is not None
    assert (state.failure.message, state.failure.traceback) == ("train failed", "Traceback …")
    assert (state.status, state.ending, state.exit_code) == ("failed", "failed", 3)


def test_a_run_that_succeeds_after_a_failure_has_none() -> None:
    told: list[Told] = [STARTED, ("failed", {"message": "x"}), SUCCEEDED]
    assert fold_events(events_of(told)).failure is None


def test_a_resumed_run_is_running_again() -> None:
    told: list[Told] = [STARTED, ("run.finished", {"ending": "stopped", "exit_code": 75})]
    assert fold_events(events_of(told)).status == "stopped"
    state = fold_events(events_of([*told, ("run.resumed", {})]))
    assert (state.status, state.exit_code, state.ending) == ("running", None, None)


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("succeeded", "done"),
        ("failed", "failed"),
        ("crashed", "failed"),
        ("refused", "failed"),
        ("interrupted", "cut short"),
        ("stopped", "cut short"),
        ("running", "cut short"),
        ("queued", "cut short"),
    ],
)
def test_an_attempt_stands_where_its_status_says_unless_somebody_works_on_it(
    status: Status, standing: str
) -> None:
    assert find_standing(status, is_worked_on=False) == standing
    assert find_standing(status, is_worked_on=True) == "running"


def test_steps_are_told_apart() -> None:
    begun, ended = (
        Event(run="r", attempt=1, seq=n, time="", step="train", body=read_body(kind, data))
        for n, (kind, data) in enumerate(
            [("step.started", {}), ("step.finished", {"ending": "succeeded", "seconds": 2.0})]
        )
    )
    assert fold_events([begun]).step == "train"
    assert not fold_events([begun]).has_done("train")
    state = fold_events([begun, ended])
    assert state.step is None
    assert state.has_done("train")
    assert not state.has_done("export")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=3,
)

FIELDS = sorted({name for fields in KINDS.values() for name in fields} | {"n"})


TIMES = ["2026-01-02T03:04:05Z", "0001-01-01T00:00:00", "9999-12-31", ""]


@st.composite
def any_event(draw: st.DrawFn) -> Event:
    """An event whose every field may hold anything that JSON can."""
    told = draw(st.dictionaries(st.sampled_from(FIELDS), ANYTHING | st.floats(0, 9)))
    line = {
        **told,
        "run": draw(st.text(max_size=5)),
        "attempt": draw(st.integers()),
        "seq": draw(st.integers(0, 30)),
        "time": draw(st.sampled_from(TIMES) | st.text(max_size=5)),
        "kind": draw(st.sampled_from([*KINDS, "of.tomorrow"])),
        "step": draw(st.sampled_from(["data", "train", None])),
    }
    event = decode_event(json.dumps(line))
    assert event is not None
    return event


@given(st.fixed_dictionaries(dict.fromkeys(("run", "attempt", "seq", "time", "step"), ANYTHING)))
def test_no_envelope_makes_a_reader_raise(envelope: dict[str, object]) -> None:
    event = decode_event(json.dumps({"kind": "warning", **envelope}))
    assert event is None or fold_events([event]).seq == max(event.seq, -1)


@given(st.lists(any_event(), max_size=6))
def test_no_event_makes_fold_raise(events: list[Event]) -> None:
    state = fold_events(events)
    json.dumps(build_metrics(state), allow_nan=False)
    assert 0 <= state.training.progress <= 1
    assert state.clock.seconds >= 0


@given(st.lists(any_event(), max_size=5, unique_by=lambda event: event.seq), st.data())
def test_order_and_repeats_change_nothing(events: list[Event], data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(events))) if events else []
    shuffled = data.draw(st.permutations([*events, *repeats]))
    assert states_are_equal(fold_events(shuffled), fold_events(events))


@given(st.lists(any_event(), max_size=5, unique_by=lambda event: event.seq))
def test_an_event_told_once_more_changes_nothing(events: list[Event]) -> None:
    state = fold_events(events)
    for event in events:
        assert apply_event(state, event) is state


@pytest.mark.parametrize(
    "line",
    [
        '{"run":"r","attempt":1,"seq":3,"time":"t","ki',
        '{"run":"r","attempt":1,"seq":"3","time":"t","kind":"warning"}',
        '{"run":"r","attempt":true,"seq":3,"time":"t","kind":"warning"}',
        '{"run":"r","attempt":1,"seq":3,"time":"t","kind":["warning"]}',
        "[]",
        "3",
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_event_is_passed_over(line: str) -> None:
    assert decode_event(line) is None


def test_an_unknown_kind_only_moves_the_clock() -> None:
    known = events_of([STARTED, an_epoch(1)])
    later = an_event("of.tomorrow", {"what": "ever"}, seq=2)
    before, after = fold_events(known), fold_events([*known, later])
    assert after.clock.updated == later.time
    assert (after.training, after.status) == (before.training, before.status)


def test_a_changed_copy_is_what_the_standard_library_makes() -> None:
    found = fold_events(events_of([STARTED, *(an_epoch(epoch) for epoch in (1, 2)), EVALUATED]))
    for whole, changes in (
        (found, {"seq": 40, "step": "report"}),
        (found.training, {"epochs": 7}),
        (found.clock, {"seconds": 8.5}),
        (found.provenance, {"plan_digest": "sha256:" + "1" * 64}),
    ):
        copied = frozen_copy.replace(whole, **changes)
        assert copied == replace(whole, **changes) != whole
        # What a copy without `__init__` would leave out.
        assert all(one.init for one in fields(whole))
        assert not hasattr(whole, "__post_init__")
        assert not hasattr(whole, "__slots__")
