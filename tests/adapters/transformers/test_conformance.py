"""Each task of Transformers' adapter passes the suite that any adapter must pass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from detector_jobs import a_detector_plan, write_shapes, write_squares
from label_jobs import a_label_plan
from outline_jobs import an_outline_plan, write_outlines
from pair_jobs import DEPTH, ENLARGE
from segmentation_jobs import a_segmentation_plan, write_grounds
from text_jobs import CAPTION, READ
from toy_runs import ADAPTERS
from vtspec.adapters import transformers
from vtspec.adapters.conformance import CHECKS, Check, Subject, resuming

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Task:
    """A plan and data for a task; `other_values` and `companions` are those of a `Subject`."""

    make_plan: Callable[..., dict[str, Any]]
    write_data: Callable[[Path], Path]
    learning_rate: float = 0.003
    params: Mapping[str, Any] = field(default_factory=dict)
    other_values: Mapping[str, Any] = field(default_factory=dict)


# Probabilities that could spare a whole batch are tried as certainties.
CERTAIN = dict.fromkeys(("hflip", "vflip", "photometricDistort", "zoomOut", "iouCrop"), 1.0)

TASKS = {
    "image-classification": Task(
        a_label_plan,
        partial(write_squares, per_class=8),
        other_values={
            "normalize": "none",
            "dropout": 0.5,
            "cropPct": 0.5,
            "cropScaleMin": 0.3,
            "colorJitter": 1.0,
            "randAugment": 30,
            "reProb": 1.0,
        },
    ),
    "object-detection": Task(
        a_detector_plan,
        write_shapes,
        other_values={
            "normalize": "imagenet",
            "queries": 30,
            "denoisingQueries": 0,
            "classLossWeight": 3.0,
            "boxLossWeight": 1.0,
            "giouLossWeight": 1.0,
            "maxDetections": 3,
            "confidenceThreshold": 0.99,
        },
    ),
    "instance-segmentation": Task(
        an_outline_plan,
        write_outlines,
        # So little trained it is sure of no pixel, and would say nothing that could be compared.
        params={"maskThreshold": 0.1},
        other_values={
            "normalize": "none",
            "queries": 12,
            "scaleMin": 1.5,
            "scaleMax": 3.0,
            "classLossWeight": 3.0,
            "maskLossWeight": 1.0,
            "diceLossWeight": 1.0,
            "noObjectWeight": 0.5,
            "lossPoints": 100,
            "maxDetections": 3,
            "confidenceThreshold": 0.99,
        },
    ),
    "semantic-segmentation": Task(
        a_segmentation_plan,
        write_grounds,
        other_values={
            "normalize": "none",
            "dropPathRate": 0.5,
            "headDropout": 0.5,
            "scaleMin": 1.5,
            "scaleMax": 3.0,
        },
    ),
}


COSTLY = ("instance-segmentation",)
"""Tasks whose networks take long to train; each has tests of its own beside these."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(task, marks=[pytest.mark.exhaustive] if task in COSTLY else [])
        for task in TASKS
    ],
)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    task = TASKS[request.param]
    plan = task.make_plan(
        training={"epochs": 3, "augmentation": "standard", "learningRate": task.learning_rate},
        params=task.params,
        export={"formats": ["safetensors", "onnx"]},
    )
    return Subject(
        module=transformers,
        plan=plan,
        data_root=task.write_data(tmp_path_factory.mktemp("data")),
        folder=tmp_path_factory.mktemp("runs"),
        environment={"PYTHONPATH": str(ADAPTERS)},
        other_values={**CERTAIN, **task.other_values},
    )


DEAR: tuple[Check, ...] = (resuming.it_survives_kill_9,)
"""The toy adapter is killed alike, and this one is sent SIGTERM."""


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(
            check, id=check.__name__, marks=[pytest.mark.exhaustive] if check in DEAR else []
        )
        for check in CHECKS
    ],
)
def test_each_task_conforms(check: Check, subject: Subject) -> None:
    check(subject)


def test_each_task_is_held_to_the_suite() -> None:
    # What makes pictures of pictures is held to it in `test_pair_conformance`, and what writes in
    # `test_text_conformance`.
    assert {*TASKS, ENLARGE, DEPTH, CAPTION, READ} == {task.value for task in transformers.TASKS}
