"""Ultralytics' networks pass the suite that any adapter must pass, in each of their tasks."""

import dataclasses
import functools
from types import SimpleNamespace
from typing import Any

import pytest

from detector_jobs import SHAPES, write_shapes, write_squares
from pair_jobs import write_depths
from segmentation_jobs import write_grounds
from toy_runs import ADAPTERS
from vtspec.adapters import ultralytics
from vtspec.adapters.conformance import CHECKS, Check, Subject, resuming
from vtspec.adapters.conformance.training import every_param_changes_something, every_param_is_read
from vtspec.adapters.ultralytics.params import PARAMS
from yolo_jobs import a_yolo_plan, on_depths, on_folders, on_masks, on_task

pytestmark = pytest.mark.framework

TASKS = {
    "object-detection": "yolo26n",
    "instance-segmentation": "yolo26n-seg",
    "pose-estimation": "yolo26n-pose",
    "oriented-detection": "yolo11n-obb",
    "image-classification": "yolo26n-cls",
    "semantic-segmentation": "yolo26n-sem",
    "depth-estimation": "yolo26n-depth",
}

OTHER_VALUES = {
    # Probabilities that could spare a whole batch are tried as certainties.
    **dict.fromkeys(("mixup", "cutmix", "hflip", "vflip", "bgr", "copyPaste", "erasing"), 1.0),
    **dict.fromkeys(("hsvSaturation", "hsvValue"), 0.9),
    "hsvHue": 0.5,
    "mosaic": 0.0,
    "degrees": 90.0,
    "shear": 30.0,
    "translate": 0.3,
    "scale": 0.9,
    "perspective": 0.001,
    "nominalBatchSize": 64,
    "confidenceThreshold": 0.9,
    "maxDetections": 3,
    "autoAugment": "augmix",
    "depthScale": 500.0,
    "maxDepth": 3,
}

SHARING = tuple(task for task in TASKS if task not in ("object-detection", "image-classification"))

SHARED: tuple[Check, ...] = (
    # What changes something was read; it would export once more.
    every_param_is_read,
    # Dear, and the same loop in every task.
    resuming.it_leaves_a_checkpoint_on_sigterm,
    resuming.it_survives_kill_9,
)
"""Checks of what those share with detection, which is held to them."""

OWN_PARAMS = {name: param for name, param in PARAMS.items() if len(param.tasks or ()) == 1}
"""Those of one task alone. What others share is the same code in each, and checked of boxes."""


def make_plan(task: str) -> dict[str, Any]:
    training = {
        "epochs": 3,
        "augmentation": "standard",
        "learningRate": 0.005,
        "gradientClipping": 10.0,
    }
    export = {"formats": ["safetensors", "onnx"]}
    if task == "image-classification":
        short = {
            "imageSize": [32, 32],
            "batchSize": 12,
            "learningRate": 0.002,
            "augmentation": "light",
        }
        return a_yolo_plan(
            model=TASKS[task], **on_folders(SHAPES, {**training, **short}), export=export
        )
    if task == "depth-estimation":
        # What it is told is one number, which a large rate throws about.
        small = {**training, "imageSize": [32, 32], "learningRate": 0.002}
        return a_yolo_plan(model=TASKS[task], **on_depths(small), export=export)
    on = on_masks if task == "semantic-segmentation" else functools.partial(on_task, task)
    # Images are mixed in all epochs but the last.
    return a_yolo_plan(model=TASKS[task], **on(training), params={"closeMosaic": 1}, export=export)


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    folder = tmp_path_factory.mktemp("data")
    data = {
        "image-classification": write_squares(folder / "squares"),
        "object-detection": write_shapes(folder / "shapes"),
        "semantic-segmentation": write_grounds(folder / "grounds"),
        "depth-estimation": write_depths(folder / "depths"),
    }
    outlined = write_shapes(folder / "outlined", outlined=True)
    return {
        task: Subject(
            module=ultralytics,
            plan=make_plan(task),
            data_root=data.get(task, outlined),
            folder=tmp_path_factory.mktemp(task),
            environment={"PYTHONPATH": str(ADAPTERS)},
            other_values=OTHER_VALUES,
        )
        for task in TASKS
    }


PAIRS = [
    pytest.param(check, task, id=f"{check.__name__}-{task}")
    for check in CHECKS
    for task in TASKS
    if check not in SHARED or task not in SHARING
]


@pytest.mark.parametrize(("check", "task"), PAIRS)
def test_every_task_conforms(check: Check, task: str, subjects: dict[str, Subject]) -> None:
    subject = subjects[task]
    if check is every_param_changes_something and task in SHARING:
        own: Any = SimpleNamespace(**{**vars(ultralytics), "PARAMS": OWN_PARAMS})
        subject = dataclasses.replace(subject, module=own, plan={**subject.plan, "params": {}})
    check(subject)


def test_every_task_that_has_params_of_its_own_is_checked() -> None:
    told = {task.value for param in PARAMS.values() for task in param.tasks or ()}
    assert told <= set(TASKS) and {task.value for task in ultralytics.TASKS} == set(TASKS)
