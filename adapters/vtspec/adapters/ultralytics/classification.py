"""Image classification."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import Job
from vtspec.adapters.data.image_labels import LabeledImage, list_labeled_images
from vtspec.adapters.evaluation.classification_metrics import (
    ClassificationMetrics,
    build_label_record,
)
from vtspec.adapters.pytorch.batches import derive_seed, draw_everything_from
from vtspec.adapters.pytorch.loading import UnreadableImage, decode_image

from .augmentation import choose_augmentation, choose_policy
from .images import Item

if TYPE_CHECKING:
    import torch

    from .images import Batch


class Classification:
    """One class for each image."""

    word = "classify"
    network_class = "ClassificationModel"
    averages = True
    class_layers = r"model\.\d+\.linear\."
    label_layers: str | None = None
    outputs: tuple[str, ...] = ("probabilities",)
    """What an exported network gives, `(n, classes)`, as the package's own exports do."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def list_arguments(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def set_up(self, network: Any) -> None:
        """Set how much is dropped before the last layer."""
        network.model[-1].drop.p = self.job.params["dropout"]

    def list_told(self) -> tuple[str, ...]:
        """What keeps it from learning by heart."""
        return ("dropout",)

    def list_images(self, split: str, warn: Callable[[str], None]) -> Sequence[LabeledImage]:
        """The images of a split with their classes."""
        return list_labeled_images(self.job.dataset, split)

    def list_absent(self, images: Sequence[LabeledImage]) -> Sequence[str]:
        """The classes without an image."""
        seen = {image.target for image in images}
        classes = self.job.dataset.classes
        return [name for index, name in enumerate(classes) if index not in seen]

    def make_unlabelled(self, paths: Iterable[Path]) -> Sequence[LabeledImage]:
        """Images of no class that matters."""
        return [LabeledImage(path, 0) for path in paths]

    def build_dataset(
        self, images: Sequence[LabeledImage], epoch: int | None = None
    ) -> ClassifiedDataset:
        """The images as the network sees them."""
        return ClassifiedDataset(images, self.job, epoch)

    def join(self, items: Sequence[Item]) -> Batch:
        """A batch as the package's loss reads it."""
        import torch

        return {
            "img": torch.stack([item.content["img"] for item in items]),
            "cls": torch.tensor([item.content["cls"] for item in items]),
        }

    def build_metrics(self) -> ClassificationMetrics:
        """Those of scikit-learn."""
        return ClassificationMetrics(self.job.dataset, self.job.workdir)

    def decode(self, outputs: Any, items: Sequence[Item]) -> Sequence[torch.Tensor]:
        """The logits of each image."""
        return list(outputs[1].float().cpu())

    def measure(
        self, metrics: ClassificationMetrics, image: LabeledImage, item: Item, answer: Any
    ) -> None:
        """Hold logits against the class."""
        import numpy as np

        metrics.update([image.path], np.array([image.target]), answer[None].numpy())

    def pick_class_metrics(self, metrics: ClassificationMetrics) -> dict[str, float]:
        """F1."""
        return metrics.pick_class_metrics()

    def tell(self, answer: torch.Tensor) -> Mapping[str, Any]:
        """The likeliest class, and the scores of all."""
        scores = answer.double().softmax(dim=0).tolist()
        return build_label_record(scores, self.job.dataset.classes)

    def give_outputs(self, network: Any, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Probabilities."""
        return (network(images)[0],)

    def describe(self) -> Mapping[str, str]:
        """How images are shown to it, and what its outputs are."""
        return {"resize": "shortest side, then the middle", "scores": "softmax"}


class ClassifiedDataset:
    """A map-style dataset of labelled images; with `epoch` augmented by what follows from (seed,
    epoch, index) alone."""

    def __init__(self, images: Sequence[LabeledImage], job: Job, epoch: int | None) -> None:
        self.images, self.job, self.epoch = images, job, epoch
        augmented = epoch is not None and job.training.augmentation != "none"
        self.transforms = _build_augmentation(job) if augmented else _build_transforms(job)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Item | UnreadableImage:
        image = self.images[index]
        pixels = decode_image(image.path)
        if isinstance(pixels, UnreadableImage):
            return pixels
        if self.epoch is None:
            shown = self.transforms(pixels)
        else:
            with draw_everything_from(derive_seed(self.job.training.seed, self.epoch, index)):
                shown = self.transforms(pixels)
        return Item({"img": shown, "cls": image.target}, index, None)


def _build_transforms(job: Job) -> Any:
    from ultralytics.data.augment import classify_transforms

    return classify_transforms(size=job.training.image_size[0])


def _build_augmentation(job: Job) -> Any:
    from ultralytics.data.augment import classify_augmentations

    chosen = choose_augmentation(job)
    return classify_augmentations(
        size=job.training.image_size[0],
        scale=(1.0 - chosen["scale"], 1.0),
        hflip=chosen["hflip"],
        vflip=chosen["vflip"],
        erasing=chosen["erasing"],
        auto_augment=choose_policy(job),
        hsv_h=chosen["hsvHue"],
        hsv_s=chosen["hsvSaturation"],
        hsv_v=chosen["hsvValue"],
    )
