"""Pose estimation: the points of each body, by the names that its dataset has for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.annotations import Annotation, Size
from vtspec.adapters.evaluation.objects import Objects
from vtspec.adapters.evaluation.pose import PoseMetrics
from vtspec.adapters.json_types import JsonObject

from .augmentation import choose_augmentation
from .detection import Detection, to_table
from .images import Item

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.image_objects import ImageObjects
    from vtspec.adapters.data.yolo import RowForm

_SIDES: Final = (("left", "right"), ("right", "left"))


class Pose(Detection):
    """Boxes and points."""

    word = "pose"
    network_class = "PoseModel"
    label_layers: str | None = r"model\.\d+\.(one2one_)?cv4"
    outputs: tuple[str, ...] = ("boxes", "scores", "keypoints")
    """After boxes and scores `(n, 3 * points, places)`: x, y in pixels of what it was shown, and
    how sure it is to be seen."""

    columns: tuple[str, ...] = (*Detection.columns, "keypoints")
    rows: RowForm = "keypoints"
    class_figure = "pose_ap50_95"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.points = job.dataset.keypoints
        if not self.points:
            raise AdapterError(
                "the dataset does not name its keypoints, which a network has a place for each",
                "add spec.keypoints to the dataset: their names, in the order of its labels",
            )
        self.traits = {
            "use_keypoints": True,
            "data": {"flip_idx": self._pair_sides(), "kpt_shape": [len(self.points), 3]},
        }

    def _pair_sides(self) -> list[int]:
        """The point that each becomes in a mirror: left and right change places in its name."""
        augmented = choose_augmentation(self.job)
        is_mirrored = self.job.training.augmentation != "none" and (
            augmented["hflip"] or augmented["vflip"]
        )
        pairs = []
        for place, name in enumerate(self.points):
            other = _mirror(name)
            if is_mirrored and other not in self.points:
                raise AdapterError(
                    f"keypoint '{name}' has no '{other}' that it would become in a mirror",
                    "set params.hflip: 0.0 and params.vflip: 0.0, or name both",
                )
            pairs.append(self.points.index(other) if other in self.points else place)
        return pairs

    def list_arguments(self) -> Mapping[str, Any]:
        """The number of points."""
        return {"data_kpt_shape": [len(self.points), 3]}

    def set_up(self, network: Any) -> None:
        """Choose the head that answers, and see that its loss has what is set."""
        super().set_up(network)
        given = self.job.params["likelihoodLossWeight"]
        if given is not None and not hasattr(network.model[-1], "flow_model"):
            raise AdapterError(
                f"params.likelihoodLossWeight changes nothing: the loss of {self.job.model.name} "
                "has no such part",
                "leave it out, or take one of yolo26",
            )

    def read_shape(self, each: Annotation) -> list[tuple[float, float, float]]:
        """Its points; those of a body without any are not labelled."""
        if not each.keypoints:
            return [(0.0, 0.0, 0.0)] * len(self.points)
        if len(each.keypoints) != len(self.points):
            raise ValueError(
                f"has {len(each.keypoints)} keypoints, and the dataset names {len(self.points)}"
            )
        return [(x, y, float(seen)) for x, y, seen in each.keypoints]

    def build_shapes(self, shapes: Sequence[Any], size: Size) -> dict[str, Any]:
        """Points as shares, with their visibility."""
        import numpy as np

        points = np.array(shapes, np.float32).reshape(-1, len(self.points), 3)
        return {"keypoints": points / np.array([*size, 1], np.float32)}

    def list_form(self) -> dict[str, Any]:
        """Points."""
        return {"return_keypoint": True}

    def build_metrics(self) -> Any:
        """COCO's, of points and boxes, and PCK."""
        return PoseMetrics(self.job.dataset.classes, self.points)

    def get_class_rows(self, metrics: Any) -> list[JsonObject]:
        """The figures of each class by its points."""
        return super().get_class_rows(metrics.bodies)

    def make_truth(self, image: ImageObjects, size: Size) -> Objects:
        """The bodies that are there, with their points."""
        import numpy as np

        points = np.array(
            [self.read_shape(each) for each in image.annotations], np.float64
        ).reshape(-1, len(self.points), 3)
        return replace(super().make_truth(image, size), keypoints=points)

    def make_found(self, rows: torch.Tensor, item: Item, prototypes: Any) -> Objects:
        """The bodies of an image with points in its own pixels, inside of it."""
        import numpy as np

        placement = item.place()
        points = to_table(rows)[:, 6:].reshape(-1, len(self.points), 3)
        places = np.clip(placement.restore_points(points[..., :2]), 0, np.array(placement.size))
        return replace(
            super().make_found(rows, item, None),
            keypoints=np.concatenate([places, points[..., 2:]], axis=2),
        )

    def tell_shapes(self, answer: Objects) -> Sequence[JsonObject]:
        """Each point by its name: x, y, and how sure it is to be seen."""
        assert answer.keypoints is not None
        return [
            {"keypoints": dict(zip(self.points, body.tolist(), strict=True))}
            for body in answer.keypoints
        ]

    def give_shapes(self, head: Any, told: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
        """The points of every place."""
        return (head.kpts_decode(told["kpts"]),)

    def describe(self) -> Mapping[str, str]:
        """The names of the points, too."""
        return {**super().describe(), "keypoints": json.dumps(self.points, ensure_ascii=False)}


def _mirror(name: str) -> str:
    for side, other in _SIDES:
        for spelt in (str.lower, str.upper, str.capitalize):
            if spelt(side) in name:
                return name.replace(spelt(side), spelt(other))
    return name
