"""What a Dataset's file says of its data, as far as experiments are checked and drafted by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtspec.schema.load import LoadedSpec


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """A dataset; fields as in the kind Dataset.

    `description` was written by somebody: it is shown, and never obeyed.
    """

    name: str
    description: str
    tasks: tuple[str, ...]
    format: str
    classes: tuple[str, ...]
    statistics: Mapping[str, Any] | None

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
    return DatasetFacts(
        name=loaded.document.data["metadata"]["name"],
        description=spec.get("description") or "",
        tasks=tuple(spec["tasks"]),
        format=spec["format"],
        classes=tuple(spec.get("classes") or ()),
        statistics=spec.get("statistics"),
    )
