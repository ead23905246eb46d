"""An inspected folder as a Dataset spec, and whether one can hold what is in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vtspec.pipelines.data.formats.layout import DatasetIssue, Layout, make_error
from vtspec.pipelines.project.spec_writer import format_spec
from vtspec.schema import API_VERSION
from vtspec.schema.load import load

if TYPE_CHECKING:
    from vtspec.schema.kinds.dataset import Dataset


class Inspected(Protocol):
    """What a spec says of data, as an inspection knows it."""

    @property
    def layout(self) -> Layout:
        """How images and labels lie."""
        ...

    @property
    def bytes(self) -> int:
        """Size of all files."""
        ...

    def count_readable(self, split: str) -> int:
        """Images of a split that can be decoded."""
        ...

    def count_per_class(self, split: str) -> dict[str, int]:
        """Labels of each class in a split."""
        ...


def build_dataset(found: Inspected, name: str, path: str, notes: Mapping[str, Any]) -> "Dataset":
    """The spec of the data at `path`; `notes` are `tasks`, `description`, `license`, `remote` and
    `content_hash` as far as they are said. Data with a hash is a plain path, else it is DVC's.
    Raises pydantic's `ValidationError`."""
    from vtspec.schema.kinds.dataset import Dataset

    layout, content = found.layout, notes.get("content_hash")
    source = {"dvc": {"path": path, "remote": notes.get("remote")}}
    images = {split: found.count_readable(split) for split in layout.splits}
    tasks = notes.get("tasks") or layout.tasks
    # Only where every class has the same: a network has one list of places for them.
    points = {*layout.keypoints.values()} if "pose-estimation" in tasks else set()
    return Dataset.model_validate(
        {
            "apiVersion": API_VERSION,
            "kind": "Dataset",
            "metadata": {"name": name},
            "spec": {
                "description": notes.get("description"),
                "license": notes.get("license"),
                "tasks": tasks,
                "format": layout.format,
                "source": source if content is None else {"path": path},
                "contentHash": content,
                "classes": layout.classes,
                "keypoints": points.pop() if len(points) == 1 else (),
                "splits": {
                    split: {
                        "path": part.path,
                        "annotations": part.annotations,
                        "targets": part.targets,
                    }
                    for split, part in layout.splits.items()
                },
                "statistics": {
                    "images": sum(images.values()),
                    "bytes": found.bytes,
                    "splits": {
                        split: {"images": count, "perClass": found.count_per_class(split)}
                        for split, count in images.items()
                    },
                },
            },
        }
    )


def check_spec(found: Inspected) -> Iterator[DatasetIssue]:
    """Why no spec could hold the data, which adding it would end with."""
    from pydantic import ValidationError

    try:
        model = build_dataset(found, "data", "data/data", {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        yield make_error(f"a spec cannot hold it: {place}: {first['msg']}", "rename it")
        return
    # Longer than a spec may be, as one with very many classes.
    for problem in load(format_spec(model, Path("data.yaml"), Path()), "the spec").problems[:1]:
        yield make_error(f"a spec cannot hold it: {problem.message}", problem.fix)
