"""The sample datasets by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import stage_folder

from .cards import write_cards
from .coins import write_coins
from .numbers import write_numbers
from .photographs import write_motorcycle, write_photographs, write_tissue
from .scenes import write_captions, write_labels, write_questions

WRITERS: Final[Mapping[str, Callable[[Path], None]]] = {
    "coins": write_coins,
    "cards": write_cards,
    "tissue": write_tissue,
    "motorcycle": write_motorcycle,
    "photographs": write_photographs,
    "numbers": write_numbers,
    "scene-labels": write_labels,
    "scene-captions": write_captions,
    "scene-questions": write_questions,
}


def write_sample(name: str, folder: Path) -> None:
    """Write a dataset to `folder`, in place of what is there; nothing half-written is ever seen.

    Raises `KeyError` for a name that is not in `WRITERS`, and `ImportError` without
    scikit-image, scikit-learn and Pillow.
    """
    write = WRITERS[name]
    with stage_folder(folder, replace=True) as fresh:
        write(fresh)
