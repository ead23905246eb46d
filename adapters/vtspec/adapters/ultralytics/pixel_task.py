"""What the tasks share that tell something of each pixel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from vtspec.adapters.contract import Job
from vtspec.adapters.data.annotations import Size

from .images import Fitting, ImageDataset, Item, KnownImage, join_items

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .images import Batch


class PixelTask(ABC):
    """A value for each pixel. `column` is the package's name for what is known of them, and
    `format_class` that of its last transform."""

    averages = False
    label_layers: str | None = None
    traits: Mapping[str, Any] = {}
    column: ClassVar[str]
    format_class: ClassVar[str]
    fitting: Fitting

    def __init__(self, job: Job) -> None:
        self.job = job
        self.columns: tuple[str, ...] = (self.column,)

    @abstractmethod
    def read_truth(self, image: Any, size: Size) -> NDArray[Any]:
        """What is known of each pixel `(height, width)` of an image of this size.

        Raises:
            UnreadableError: the file that tells it cannot be used.
        """

    def limit_learnt(self, truth: NDArray[Any]) -> NDArray[Any]:
        """What of it is learnt."""
        return truth

    def list_arguments(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def list_absent(self, images: Sequence[Any]) -> Sequence[str]:
        """None: to know it every file would have to be read."""
        return ()

    def build_dataset(
        self, images: Sequence[KnownImage], epoch: int | None = None
    ) -> ImageDataset:
        """The images as the network sees them."""
        return ImageDataset(images, self, epoch=epoch)

    def build_labels(self, image: Any, size: Size, shown: Size) -> dict[str, Any]:
        """What is known of each pixel, by the nearest one, and no object."""
        import cv2
        import numpy as np
        from ultralytics.utils.instance import Instances

        truth = self.read_truth(image, size)
        learnt = self.limit_learnt(truth)
        if shown != size:
            learnt = cv2.resize(learnt, shown, interpolation=cv2.INTER_NEAREST_EXACT)
        return {
            "cls": np.zeros((0, 1), np.float32),
            "instances": Instances(np.zeros((0, 4), np.float32), bbox_format="xyxy"),
            self.column: learnt,
            "truth": truth,
        }

    def build_format(self, bgr: float) -> Any:
        """The package's own."""
        from ultralytics.data import augment

        return getattr(augment, self.format_class)(bgr=bgr)

    def join(self, items: Sequence[Item]) -> Batch:
        """A batch as the package's loss reads it."""
        return join_items(items)
