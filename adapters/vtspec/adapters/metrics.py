"""The standard names of metrics, task by task: what an adapter reports and a gate may name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .task_types import TaskType


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number that a task is judged by. `higher_is_better` decides best epochs and colours;
    a share lies between 0 and 1."""

    name: str
    help: str
    higher_is_better: bool = True
    unit: str = ""
    is_share: bool = False


LOSS = Metric(name="loss", help="Mean loss over the split.", higher_is_better=False)

_CLASSIFICATION = (
    Metric(
        name="accuracy",
        help="Share of images whose most likely class is right (0 to 1).",
        is_share=True,
    ),
    Metric(
        name="top5_accuracy",
        help="Share whose class is among the five most likely (0 to 1).",
        is_share=True,
    ),
    Metric(
        name="macro_f1",
        help="F1 averaged over classes, each counting the same (0 to 1).",
        is_share=True,
    ),
    Metric(
        name="macro_precision", help="Precision averaged over classes (0 to 1).", is_share=True
    ),
    Metric(name="macro_recall", help="Recall averaged over classes (0 to 1).", is_share=True),
    Metric(
        name="ece",
        help="Expected calibration error, 15 equal-width bins (0 to 1).",
        higher_is_better=False,
        is_share=True,
    ),
    LOSS,
)

# Named as Ultralytics prints them, so that figures can be held against its own.
_BOX_PRECISION = (
    Metric(name="mAP50-95", help="COCO mean average precision over IoU 0.50:0.95.", is_share=True),
    Metric(name="mAP50", help="COCO mean average precision at IoU 0.50.", is_share=True),
    Metric(name="mAP75", help="COCO mean average precision at IoU 0.75.", is_share=True),
)

_BOX_SIZES = tuple(
    Metric(
        name=f"mAP_{size}",
        help=f"COCO mean average precision over IoU 0.50:0.95 of objects {area} pixels.",
        is_share=True,
    )
    for size, area in (
        ("small", "below 32²"),
        ("medium", "from 32² to 96²"),
        ("large", "above 96²"),
    )
)

_BEST_F1 = (
    Metric(name="precision", help="Precision at the best F1 (0 to 1).", is_share=True),
    Metric(name="recall", help="Recall at the best F1 (0 to 1).", is_share=True),
)


def _prefix(prefix: str, how: str, metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    return tuple(
        replace(one, name=prefix + one.name, help=one.help.replace("IoU", how)) for one in metrics
    )


_DETECTION = (*_BOX_PRECISION, *_BEST_F1, *_BOX_SIZES, LOSS)

METRICS: dict[TaskType, tuple[Metric, ...]] = {
    TaskType.IMAGE_CLASSIFICATION: _CLASSIFICATION,
    TaskType.MULTILABEL_CLASSIFICATION: (
        Metric(
            name="mAP", help="Average precision averaged over classes (0 to 1).", is_share=True
        ),
        Metric(name="micro_f1", help="F1 over all labels together (0 to 1).", is_share=True),
        Metric(name="macro_f1", help="F1 averaged over classes (0 to 1).", is_share=True),
        Metric(
            name="subset_accuracy",
            help="Share of images with every label right (0 to 1).",
            is_share=True,
        ),
        LOSS,
    ),
    TaskType.OBJECT_DETECTION: _DETECTION,
    TaskType.ORIENTED_DETECTION: _DETECTION,
    TaskType.INSTANCE_SEGMENTATION: (
        # Prefixed: boxes are reported as well, under the plain names.
        *_prefix("mask_", "mask IoU", (*_BOX_PRECISION, *_BOX_SIZES)),
        Metric(name="mask_iou", help="Mean IoU of masks that are right.", is_share=True),
        *_DETECTION,
    ),
    TaskType.SEMANTIC_SEGMENTATION: (
        Metric(name="mIoU", help="IoU averaged over classes (0 to 1).", is_share=True),
        Metric(
            name="pixel_accuracy",
            help="Share of pixels with the right class (0 to 1).",
            is_share=True,
        ),
        Metric(name="mean_dice", help="Dice averaged over classes (0 to 1).", is_share=True),
        LOSS,
    ),
    TaskType.POSE_ESTIMATION: (
        *_prefix("pose_", "OKS", (*_BOX_PRECISION, *_BOX_SIZES[1:])),
        Metric(
            name="pck",
            help="PCK@0.2: share of points within 0.2 of their box's longer side (0 to 1).",
            is_share=True,
        ),
        *_DETECTION,
    ),
    TaskType.SUPER_RESOLUTION: (
        Metric(name="psnr", help="Peak signal-to-noise ratio.", unit="dB"),
        Metric(name="ssim", help="Structural similarity (0 to 1).", is_share=True),
        LOSS,
    ),
    TaskType.DEPTH_ESTIMATION: (
        Metric(name="abs_rel", help="Mean relative error of depth.", higher_is_better=False),
        Metric(
            name="rmse", help="Root mean square error of depth.", higher_is_better=False, unit="m"
        ),
        Metric(
            name="delta1", help="Share of pixels within a factor of 1.25 (0 to 1).", is_share=True
        ),
        Metric(
            name="delta2", help="Share of pixels within a factor of 1.25² (0 to 1).", is_share=True
        ),
        Metric(
            name="delta3", help="Share of pixels within a factor of 1.25³ (0 to 1).", is_share=True
        ),
        LOSS,
    ),
    TaskType.OCR: (
        Metric(name="cer", help="Character error rate.", higher_is_better=False),
        Metric(name="wer", help="Word error rate.", higher_is_better=False),
        Metric(
            name="exact_match",
            help="Share of lines read without an error (0 to 1).",
            is_share=True,
        ),
        LOSS,
    ),
    TaskType.IMAGE_CAPTIONING: (
        Metric(name="cider", help="CIDEr-D."),
        Metric(name="bleu4", help="BLEU with 4-grams (0 to 1).", is_share=True),
        Metric(name="rouge_l", help="ROUGE-L (0 to 1).", is_share=True),
        LOSS,
    ),
    TaskType.VISUAL_QUESTION_ANSWERING: (
        Metric(name="vqa_accuracy", help="Agreement with ten annotators (0 to 1).", is_share=True),
        Metric(
            name="exact_match",
            help="Share of answers that are right to the letter (0 to 1).",
            is_share=True,
        ),
        LOSS,
    ),
    TaskType.TEXT_GENERATION: (
        Metric(name="perplexity", help="exp of the mean token loss.", higher_is_better=False),
        LOSS,
    ),
}
"""The metrics of a task, its main one first."""


def is_constant(metric: str, classes: int) -> bool:
    """Whether a metric is 1 whatever a model says, as one of so few classes always is among the
    five most likely; unknown where `classes` is 0."""
    return metric == "top5_accuracy" and 0 < classes <= 5


def get_main_metric(task: TaskType) -> Metric:
    """The metric that decides which epoch is best where a spec does not say."""
    return METRICS[task][0]


def find_metric(task: TaskType, name: str) -> Metric | None:
    """The task's metric of that name, or None."""
    return next((metric for metric in METRICS[task] if metric.name == name), None)
