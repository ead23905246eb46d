"""Object detection, and what the other tasks that find objects share with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.annotations import Annotation, Size
from vtspec.adapters.data.image_objects import ImageObjects, list_image_objects
from vtspec.adapters.evaluation.class_metrics import pick_class_metrics
from vtspec.adapters.evaluation.detection import DetectionMetrics
from vtspec.adapters.evaluation.objects import Objects, list_object_records, make_truth
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.schedule import get_or_default

from .images import Fitting, ImageDataset, Item, join_items

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from vtspec.adapters.data.yolo import RowForm

    from .images import Batch

_NO_LIMIT_S: Final = 1e9
"""The package gives up on the images of a batch that takes it long, and says nothing."""

_CORNERS: Final = 1000
"""Points of an outline in the package's own form, where there is none."""


class Detection:
    """Boxes. Tasks that find more of an object say what by the methods below `join`."""

    word = "detect"
    network_class = "DetectionModel"
    averages = False
    class_layers = r"model\.\d+\.(one2one_)?cv3\.|model\.\d+\.proto\.semseg\.2\."
    label_layers: str | None = None
    outputs: tuple[str, ...] = ("boxes", "scores")
    """What an exported network gives: `(n, 4, places)`, by centre and size in pixels of what it
    was shown, and `(n, classes, places)`."""

    columns: tuple[str, ...] = ("cls", "bboxes", "batch_idx")
    fitting: Fitting = "pad"
    rows: RowForm = "boxes"
    rotated = False
    class_figure = "ap50_95"

    def __init__(self, job: Job) -> None:
        self.job = job
        self.traits: Mapping[str, Any] = {}

    def list_arguments(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def set_up(self, network: Any) -> None:
        """Choose the head that answers, and what it may say."""
        head, params = network.model[-1], self.job.params
        if params["endToEnd"] and getattr(head, "one2one_cv2", None) is None:
            raise AdapterError(
                f"params.endToEnd: {self.job.model.name} has no head that finds each object once",
                "leave it out, or take one of yolo26 or yolov10",
            )
        head.end2end = params["endToEnd"]
        head.max_det = params["maxDetections"]
        head.agnostic_nms = params["agnosticNms"]

    def list_told(self) -> tuple[str, ...]:
        """How detections are chosen, and when mixing ends."""
        return (
            *("confidenceThreshold", "iouThreshold", "agnosticNms", "endToEnd", "maxDetections"),
            "closeMosaic",
        )

    def list_images(self, split: str, warn: Callable[[str], None]) -> Sequence[ImageObjects]:
        """The images of a split with their objects."""
        return list_image_objects(
            self.job.dataset, split, warn, rows=self.rows, clipped=True, check=self.read_shape
        )

    def list_absent(self, images: Sequence[ImageObjects]) -> Sequence[str]:
        """The classes without an object."""
        seen = {index for image in images for index in image.classes}
        classes = self.job.dataset.classes
        return [name for index, name in enumerate(classes) if index not in seen]

    def make_unlabelled(self, paths: Iterable[Path]) -> Sequence[ImageObjects]:
        """Images without any objects."""
        return [ImageObjects(path, path.name) for path in paths]

    def build_dataset(
        self, images: Sequence[ImageObjects], epoch: int | None = None
    ) -> ImageDataset:
        """The images as the network sees them."""
        return ImageDataset(images, self, epoch=epoch)

    def build_labels(self, image: ImageObjects, size: Size, shown: Size) -> dict[str, Any]:
        """Classes and boxes of the objects that are learnt, with what else is known of them."""
        import numpy as np
        from ultralytics.utils.instance import Instances

        rows = image.list_learnt()
        boxes = np.array([image.boxes[place] for place in rows], np.float32).reshape(-1, 4)
        classes = np.array([image.classes[place] for place in rows], np.float32)
        shapes = [self.read_shape(image.annotations[place]) for place in rows]
        shares = boxes / np.array(size * 2, np.float32)
        known = {"segments": np.zeros((0, _CORNERS, 2), np.float32), "keypoints": None}
        return {
            "cls": classes.reshape(-1, 1),
            "instances": Instances(
                shares,
                **(known | self.build_shapes(shapes, size)),
                bbox_format="xyxy",
                normalized=True,
            ),
        }

    def build_format(self, bgr: float) -> Any:
        """The package's own."""
        from ultralytics.data.augment import Format

        return Format(
            bbox_format="xywh", normalize=True, batch_idx=True, bgr=bgr, **self.list_form()
        )

    def join(self, items: Sequence[Item]) -> Batch:
        """A batch as the package's loss reads it."""
        return join_items(items)

    def read_shape(self, each: Annotation) -> Any:
        """What is known of an object beside its box. Raises `ValueError` where it lacks that."""
        return None

    def build_shapes(self, shapes: Sequence[Any], size: Size) -> dict[str, Any]:
        """That of all objects of an image, as the package's `Instances` has it, in shares."""
        return {}

    def list_form(self) -> dict[str, Any]:
        """What the last transform gives beside boxes."""
        return {}

    def build_metrics(self) -> Any:
        """COCO's."""
        return DetectionMetrics(self.job.dataset.classes)

    def get_class_rows(self, metrics: Any) -> list[JsonObject]:
        """The figures of each class."""
        rows: list[JsonObject] = metrics.list_class_rows()
        return rows

    def pick_class_metrics(self, metrics: Any) -> dict[str, float]:
        """Average precision."""
        return pick_class_metrics(self.get_class_rows(metrics), self.class_figure)

    def decode(self, outputs: Any, items: Sequence[Item]) -> Sequence[Objects]:
        """The objects of each image, the surest first."""
        rows = self.suppress(outputs[0])
        return [self.make_found(each, item, None) for each, item in zip(rows, items, strict=True)]

    def measure(self, metrics: Any, image: ImageObjects, item: Item, answer: Objects) -> None:
        """Hold what was found against what is there."""
        metrics.update(image.name, self.make_truth(image, item.place().size), answer)

    def tell(self, answer: Objects) -> Mapping[str, Any]:
        """`predicted_boxes`."""
        records = list_object_records(answer, self.job.dataset.classes)
        shapes = self.tell_shapes(answer)
        return {
            "predicted_boxes": [{**one, **more} for one, more in zip(records, shapes, strict=True)]
        }

    def tell_shapes(self, answer: Objects) -> Sequence[JsonObject]:
        """What is said of each object beside its box and mask."""
        return [{} for _ in answer.boxes]

    def suppress(self, told: torch.Tensor) -> list[torch.Tensor]:
        """Rows of each image: a box in the network's pixels, its confidence and class, and what
        the head says beside them."""
        from ultralytics.utils.nms import non_max_suppression

        params = self.job.params
        rows: list[torch.Tensor] = non_max_suppression(
            told.float(),
            params["confidenceThreshold"],
            get_or_default(params["iouThreshold"], 0.7),
            nc=len(self.job.dataset.classes),
            agnostic=params["agnosticNms"],
            # A place may be of several classes, as average precision is of each class.
            multi_label=True,
            max_det=params["maxDetections"],
            max_time_img=_NO_LIMIT_S,
            end2end=params["endToEnd"],
            rotated=self.rotated,
        )
        return rows

    def make_truth(self, image: ImageObjects, size: Size) -> Objects:
        """The objects that are there, in an image of this size."""
        return make_truth(image)

    def make_found(self, rows: torch.Tensor, item: Item, prototypes: Any) -> Objects:
        """The objects that a head's rows are, in the image's own pixels."""
        table = to_table(rows)
        return Objects(
            boxes=item.place().restore_boxes(table[:, :4]),
            classes=table[:, 5].astype("int64"),
            scores=table[:, 4],
        )

    def give_outputs(self, network: Any, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Boxes and scores of every place, before anything is dropped, and what else it says."""
        import torch

        head = network.model[-1]
        # Else it keeps the places of the last batch, and with them the number of images.
        head.dynamic = True
        _, heads = network(images)
        told = (heads["one2one" if head.end2end else "one2many"]) if "one2one" in heads else heads
        boxes = head._get_decode_boxes(told)
        if head.end2end and not self.rotated:
            low, high = boxes[:, :2], boxes[:, 2:]
            boxes = torch.cat([(low + high) / 2, high - low], dim=1)
        return boxes, told["scores"].sigmoid(), *self.give_shapes(head, told)

    def give_shapes(self, head: Any, told: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
        """What an export gives beside boxes and scores."""
        return ()

    def describe(self) -> Mapping[str, str]:
        """How images are shown to it, and what its outputs are."""
        return {
            "resize": "letterbox",
            "scores": "sigmoid",
            "suppression": json.dumps(not self.job.params["endToEnd"]),
        }


def to_table(rows: torch.Tensor) -> NDArray[np.float64]:
    """Rows of a head as an array on the CPU."""
    table: NDArray[np.float64] = rows.double().cpu().numpy()
    return table
