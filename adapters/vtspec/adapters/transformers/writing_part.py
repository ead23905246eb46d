"""What the parts of tasks have in common whose answer is a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vtspec.adapters.contract import AdapterError, Job, SettingConflict
from vtspec.adapters.json_types import JsonObject

from .shared_params import find_idle_augmentation
from .task_part import TaskPart
from .text_writing import WRITING_FAMILIES
from .writing_params import find_writing_conflicts

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.image_texts import ImageTexts


class WritingPart(TaskPart["ImageTexts"]):
    """A part whose networks write; none of them has classes."""

    has_classes = False

    column: ClassVar[Literal["text", "caption"]]
    """Where a dataset has the texts of its images."""

    augmenting: ClassVar[tuple[str, ...]]
    """The params that change one part of the augmentation each."""

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """What changes nothing without augmentation, and what concerns no text."""
        yield from find_idle_augmentation(settings, self.augmenting)
        yield from find_writing_conflicts(settings)

    def list_images(
        self, job: Job, split: str, warn: Callable[[str], None]
    ) -> Sequence[ImageTexts]:
        """Images, each with its texts."""
        from vtspec.adapters.data.image_texts import list_image_texts

        return list_image_texts(job.dataset, split, self.column)

    def fit_size(self, config: Any, size: tuple[int, int]) -> None:
        """Have a configuration take images of this size."""
        WRITING_FAMILIES[config.model_type].fit_size(config, size)

    def configure(self, config: Any, job: Job) -> None:
        """Images of the job's size, where no weights were trained for another one.

        Raises:
            AdapterError: a hub's were, or the size is none for the network.
        """
        size, before = job.training.image_size, self._describe_image(config)
        try:
            self.fit_size(config, size)
        except ValueError as error:
            raise AdapterError(
                f"{job.model.name} does not take images of {size[0]} by {size[1]} pixels: {error}",
                f"set training.imageSize to multiples of that, such as {before}",
            ) from error
        now = self._describe_image(config)
        if job.model.hub_id is not None and before != now:
            raise AdapterError(
                f"{job.model.hub_id} was trained on images of {before}, which its weights know "
                "the places of",
                f"set training.imageSize: {before}, or model.pretrained: false",
            )

    def run_once(self, network: torch.nn.Module, pixels: torch.Tensor) -> object:
        """What a network says of pixels with a short text."""
        config: Any = network.config
        return WRITING_FAMILIES[config.model_type].run_once(network, pixels)

    @staticmethod
    def _describe_image(config: Any) -> str:
        size = WRITING_FAMILIES[config.model_type].get_image_part(config).image_size
        return str(size if isinstance(size, int) else list(size))
