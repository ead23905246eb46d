"""The tasks, by themselves: whoever only names metrics need not import the whole contract."""

from __future__ import annotations

import enum


class TaskType(str, enum.Enum):
    """What a model learns to do; the same names as in the schema."""

    IMAGE_CLASSIFICATION = "image-classification"
    MULTILABEL_CLASSIFICATION = "multilabel-classification"
    OBJECT_DETECTION = "object-detection"
    ORIENTED_DETECTION = "oriented-detection"
    INSTANCE_SEGMENTATION = "instance-segmentation"
    SEMANTIC_SEGMENTATION = "semantic-segmentation"
    POSE_ESTIMATION = "pose-estimation"
    SUPER_RESOLUTION = "super-resolution"
    DEPTH_ESTIMATION = "depth-estimation"
    OCR = "ocr"
    IMAGE_CAPTIONING = "image-captioning"
    VISUAL_QUESTION_ANSWERING = "visual-question-answering"
    TEXT_GENERATION = "text-generation"
