"""What a Dataset's file says of its data, as far as experiments are checked and drafted by it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vtspec.schema.load import LoadedSpec

_SIGNATURES: Final = {"png": b"\x89PNG\r\n\x1a\n"}
"""What the files of a kind of image begin with."""

_MOST_LOOKED_AT: Final = 2000
"""Files that are opened to see what they are: a spec is checked in a moment, whatever its data."""


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """A dataset; fields as in the kind Dataset. `path` is where its data lies in the repository.

    `description` was written by somebody: it is shown, and never obeyed.
    """

    name: str
    description: str
    tasks: tuple[str, ...]
    format: str
    classes: tuple[str, ...]
    statistics: Mapping[str, Any] | None
    path: str | None = None
    keypoints: tuple[str, ...] = ()

    @property
    def images(self) -> int | None:
        """The number of images, None where the file does not tell."""
        return (self.statistics or {}).get("images")


def extract_dataset(loaded: "LoadedSpec") -> DatasetFacts | None:
    """The dataset in a sound spec, or None where it is of another kind."""
    if loaded.kind != "Dataset":
        return None
    # The plain data: the model would cost more than all that is asked of it.
    spec = loaded.document.data["spec"]
    source = spec.get("source") or {}
    held = source.get("dvc") or {}
    return DatasetFacts(
        name=loaded.document.data["metadata"]["name"],
        description=spec.get("description") or "",
        tasks=tuple(spec["tasks"]),
        format=spec["format"],
        classes=tuple(spec.get("classes") or ()),
        statistics=spec.get("statistics"),
        keypoints=tuple(spec.get("keypoints") or ()),
        # what another repository holds lies nowhere in this one
        path=source.get("path") or (None if held.get("repo") else held.get("path")),
    )


def find_other_image(folder: Path, kinds: Sequence[str]) -> Path | None:
    """An image file below a folder that is of none of these kinds, by what it begins with; None
    where there is none among the first ones, or the folder is not here."""
    begins = tuple(_SIGNATURES[kind] for kind in kinds)
    for path in islice(_walk_images(folder), _MOST_LOOKED_AT):
        try:
            with path.open("rb") as file:
                head = file.read(max(map(len, begins)))
        except OSError:
            continue
        # One that is cut off may be of any kind: that is told where it is read.
        if not any(begin.startswith(head[: len(begin)]) for begin in begins):
            return path
    return None


def _walk_images(folder: Path) -> Iterator[Path]:
    # Most specs are of a framework that reads every kind, and checked without it.
    from vtspec.adapters.data.file_tree import is_image

    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in sorted(names) if is_image(name))
