"""Which formats data can be written in, and what of its objects. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from vtspec.adapters.data.yolo import RowForm
from vtspec.pipelines.data.formats.layout import Layout
from vtspec.pipelines.errors import Refused
from vtspec.schema.kinds.tasks import FORMATS_OF_TASK

from .object_forms import ObjectForm

TARGETS: Final = ("coco", "yolo", "voc", "masks", "imagefolder", "csv", "jsonl")
"""The formats that are written, by what `--to` calls them."""

_WITH_LOSS: Final[Mapping[str, tuple[str, ...]]] = {
    "oriented-detection": ("voc",),
    "instance-segmentation": ("voc", "masks"),
    "pose-estimation": ("voc",),
}
"""What else can be written of a task's labels, though not all of them."""

_FORMS: Final[Mapping[str, ObjectForm]] = {
    "object-detection": "yolo-boxes",
    "oriented-detection": "yolo-corners",
    "instance-segmentation": "yolo-polygons",
    "pose-estimation": "yolo-keypoints",
}
"""What a row of YOLO has, by task."""

_OTHER_FORMS: Final[Mapping[str, ObjectForm]] = {"coco": "coco", "voc": "voc", "masks": "masks"}

ROW_FORMS: Final[Mapping[ObjectForm, RowForm]] = {
    "yolo-boxes": "boxes",
    "yolo-corners": "corners",
    "yolo-polygons": "polygons",
    "yolo-keypoints": "keypoints",
}


def choose_form(layout: Layout, target: str, task: str | None) -> ObjectForm | None:
    """What of each object is written; None where the target has none.

    Of YOLO's four it is that of `task`, or of the task that needs most of what the data has.
    Raises `Refused` where the target has no place for what the labels mean.
    """
    possible = [name for name in TARGETS if _can_carry(layout.tasks, name)]
    if target not in possible:
        choices = " or ".join(f"--to {name}" for name in possible)
        raise Refused(
            f"{target} has no place for the labels of {', '.join(layout.tasks)}",
            fix=choices or f"leave it in the format {layout.format}: no other one has",
        )
    if target != "yolo":
        if task is not None:
            raise Refused(
                "--task says what a row of yolo has, and no other format asks",
                fix="leave out --task",
            )
        return _OTHER_FORMS.get(target)
    known = [name for name in _FORMS if name in layout.tasks]
    if task is not None and task not in known and task != "object-detection":
        raise Refused(
            f"the labels are of {', '.join(layout.tasks)}, not of {task}",
            fix=" or ".join(
                f"--task {name}" for name in dict.fromkeys(["object-detection", *known])
            ),
        )
    return _FORMS[task or known[-1]]


def find_task(form: ObjectForm | None) -> str | None:
    """The task that rows of YOLO are of; None for what is no row of it."""
    return next((task for task, other in _FORMS.items() if other == form), None)


def _can_carry(tasks: Sequence[str], target: str) -> bool:
    return any(
        target in FORMATS_OF_TASK[task] or target in _WITH_LOSS.get(task, ()) for task in tasks
    )
