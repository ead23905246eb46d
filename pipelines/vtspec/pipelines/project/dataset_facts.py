"""What a Dataset's file says of its data, as far as experiments are checked and drafted by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtspec.schema.load import LoadedSpec


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
        # what another repository holds lies nowhere in this one
        path=source.get("path") or (None if held.get("repo") else held.get("path")),
    )
