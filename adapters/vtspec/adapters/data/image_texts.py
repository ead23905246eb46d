"""A split's images with texts: what is written in them, or what people say about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vtspec.adapters.contract import AdapterError, DatasetJob

from .annotations import Sample
from .defects import Defect
from .split_reader import make_defect_error, read_split


@dataclass(frozen=True)
class ImageTexts:
    """An image, by its path from the dataset's root too, and one text or more."""

    path: Path
    name: str
    texts: tuple[str, ...]


def list_image_texts(
    data: DatasetJob, split: str, kind: Literal["text", "caption"]
) -> list[ImageTexts]:
    """The images of a split in the order of its format: each row with the one `text` written
    there, or each image with all its captions, in how many rows they may stand.

    Raises:
        AdapterError: something in the split cannot be used, an image has no such text, or there
            are no images.
    """
    found: dict[object, ImageTexts] = {}
    for sample in _iter_samples(data, split):
        texts = _get_texts(sample, kind)
        if not texts:
            file = sample.place or sample.image
            what = "text" if kind == "text" else "caption"
            raise AdapterError(
                f"{data.root / file}: {sample.image} has no {what}",
                f"add one as '{what}', or remove it; vtspec datasets inspect shows all",
            )
        # A line may stand in two rows; captions of one image belong together.
        key = len(found) if kind == "text" else sample.image
        known = found[key].texts if key in found else ()
        found[key] = ImageTexts(data.root / sample.image, sample.image, (*known, *texts))
    if not found:
        raise AdapterError(f"split {split} has no images", "vtspec datasets inspect shows why")
    return list(found.values())


def _iter_samples(data: DatasetJob, split: str) -> Iterator[Sample]:
    for item in read_split(data, split):
        if isinstance(item, Defect):
            raise make_defect_error(item, data)
        yield item


def _get_texts(sample: Sample, kind: Literal["text", "caption"]) -> tuple[str, ...]:
    if kind == "caption":
        return sample.captions
    return () if sample.text is None or not sample.text.strip() else (sample.text,)
