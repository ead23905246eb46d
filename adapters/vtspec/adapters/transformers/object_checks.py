"""Whether a job's images have objects to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from vtspec.adapters.contract import AdapterError, Job

if TYPE_CHECKING:
    from vtspec.adapters.data.image_objects import ImageObjects


def check_objects(
    images: Mapping[str, Sequence[ImageObjects]], job: Job, warn: Callable[[str], None]
) -> None:
    """Tell of the classes that a split has no object of.

    Raises:
        AdapterError: the train split has none at all.
    """
    for split, listed in images.items():
        seen = {index for image in listed for index in image.classes}
        empty = [name for index, name in enumerate(job.dataset.classes) if index not in seen]
        if empty:
            warn(f"split {split} has no objects of {', '.join(empty)}")
    if not any(image.classes for image in images["train"]):
        raise AdapterError(
            "the train split has no object of the classes that are to be learnt",
            "vtspec datasets inspect shows which there are",
        )
