"""The tasks that the adapter trains, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from vtspec.adapters.contract import Job, TaskType

from .classification import Classification
from .depth_estimation import DepthEstimation
from .detection import Detection
from .instance_segmentation import InstanceSegmentation
from .oriented_detection import OrientedDetection
from .pose import Pose
from .semantic_segmentation import SemanticSegmentation
from .task import VisionTask

_BY_TYPE: Final[Mapping[TaskType, Callable[[Job], VisionTask]]] = {
    TaskType.IMAGE_CLASSIFICATION: Classification,
    TaskType.OBJECT_DETECTION: Detection,
    TaskType.ORIENTED_DETECTION: OrientedDetection,
    TaskType.INSTANCE_SEGMENTATION: InstanceSegmentation,
    TaskType.SEMANTIC_SEGMENTATION: SemanticSegmentation,
    TaskType.POSE_ESTIMATION: Pose,
    TaskType.DEPTH_ESTIMATION: DepthEstimation,
}

TASKS: Final = tuple(_BY_TYPE)


def build_task(job: Job) -> VisionTask:
    """That of the job, whose params are complete. Raises `AdapterError` where its data lack
    something."""
    return _BY_TYPE[job.task](job)
