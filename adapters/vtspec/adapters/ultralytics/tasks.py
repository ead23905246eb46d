"""The tasks that the adapter trains, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from vtspec.adapters.contract import Job, TaskType

from .classification import Classification
from .detection import Detection
from .instance_segmentation import InstanceSegmentation
from .oriented_detection import OrientedDetection
from .pose import Pose
from .task import VisionTask

_BY_TYPE: Final[Mapping[TaskType, Callable[[Job], VisionTask]]] = {
    TaskType.OBJECT_DETECTION: Detection,
    TaskType.INSTANCE_SEGMENTATION: InstanceSegmentation,
    TaskType.IMAGE_CLASSIFICATION: Classification,
    TaskType.POSE_ESTIMATION: Pose,
    TaskType.ORIENTED_DETECTION: OrientedDetection,
}

TASKS: Final = tuple(_BY_TYPE)


def build_task(job: Job) -> VisionTask:
    """That of the job, whose params are complete. Raises `AdapterError` where its data lack
    something."""
    return _BY_TYPE[job.task](job)
