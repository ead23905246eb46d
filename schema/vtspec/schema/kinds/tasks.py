"""The tasks a spec may name, and the dataset formats that can carry their labels."""

from typing import Final, Literal, get_args

TaskName = Literal[
    "image-classification",
    "multilabel-classification",
    "object-detection",
    "oriented-detection",
    "instance-segmentation",
    "semantic-segmentation",
    "pose-estimation",
    "super-resolution",
    "depth-estimation",
    "ocr",
    "image-captioning",
    "visual-question-answering",
    "text-generation",
]

FormatName = Literal["imagefolder", "csv", "coco", "yolo", "voc", "masks", "pairs", "jsonl"]

TASKS: Final[tuple[str, ...]] = get_args(TaskName)

FORMATS: Final[tuple[str, ...]] = get_args(FormatName)

FORMATS_OF_TASK: Final[dict[str, tuple[str, ...]]] = {
    "image-classification": ("imagefolder", "csv", "jsonl"),
    "multilabel-classification": ("csv", "jsonl", "coco"),
    "object-detection": ("coco", "yolo", "voc"),
    "oriented-detection": ("yolo", "coco"),
    "instance-segmentation": ("coco", "yolo"),
    "semantic-segmentation": ("masks", "coco"),
    "pose-estimation": ("coco", "yolo"),
    "super-resolution": ("pairs",),
    "depth-estimation": ("pairs",),
    "ocr": ("jsonl", "csv"),
    "image-captioning": ("jsonl", "csv", "coco"),
    "visual-question-answering": ("jsonl",),
    "text-generation": ("jsonl",),
}
"""Which formats can carry the labels of a task; the usual one first."""

CLASSLESS_TASKS: Final[frozenset[str]] = frozenset(
    {
        "super-resolution",
        "depth-estimation",
        "ocr",
        "image-captioning",
        "visual-question-answering",
        "text-generation",
    }
)
"""Tasks whose labels are not classes: `classes` means nothing to them."""

FORMAT_NEEDS: Final[dict[str, str]] = {
    "csv": "annotations",
    "coco": "annotations",
    "jsonl": "annotations",
    "masks": "targets",
    "pairs": "targets",
}
"""What a split of a format needs beside its `path`; the other formats need nothing more."""
