"""The experiment that is being checked: its plain data, read without trusting any of it."""

from dataclasses import dataclass
from typing import Any

from vtspec.pipelines.project.dataset_facts import DatasetFacts
from vtspec.pipelines.project.repository import Repository
from vtspec.schema.kinds.tasks import TASKS
from vtspec.schema.problem import Problem, Severity
from vtspec.schema.suggestions import find_nearest
from vtspec.schema.yaml_source.document import Document, Path

from .catalogs import Catalogs


@dataclass(frozen=True, kw_only=True)
class SpecView:
    """One experiment and what it refers to. Values of the wrong type read as None: `load` told.

    `path` is the resolved one of its file, None where it has none.
    """

    document: Document
    repository: Repository
    catalogs: Catalogs
    path: str | None = None

    def get_value(self, *path: str) -> Any:
        """What stands below `spec`."""
        node = self.document.data.get("spec")
        for key in path:
            if type(node) is not dict:
                return None
            node = node.get(key)
        return node

    def get_text(self, *path: str) -> str | None:
        """The text there, or None."""
        value = self.get_value(*path)
        return value if isinstance(value, str) else None

    def get_number(self, *path: str, otherwise: float) -> float | None:
        """The number there, `otherwise` where nothing is written, None where it is no number."""
        value = self.get_value(*path)
        # A value that the reader refused reads as None, too, and was not left out. The default is
        # told by who asks, as the kind that has it is a model of pydantic: to import that takes
        # longer than to check a sound spec, which needs none of it.
        if value is None and ("spec", *path) not in self.document.unknown:
            return otherwise
        return value if _is_number(value) else None

    def get_mapping(self, *path: str) -> dict[str, object]:
        """The mapping there, or an empty one."""
        value = self.get_value(*path)
        return value if isinstance(value, dict) else {}

    def get_texts(self, *path: str) -> list[tuple[int, str]]:
        """The texts of the list there, each with its index."""
        value = self.get_value(*path)
        items = value if isinstance(value, list) else []
        return [(index, item) for index, item in enumerate(items) if isinstance(item, str)]

    @property
    def task(self) -> str | None:
        """The task, or None where it is not one that there is."""
        task = self.get_text("task")
        return task if task in TASKS else None

    @property
    def likely_task(self) -> str | None:
        """The task, or the one that a misspelt word most likely means.

        What else is wrong is told with it, and not only once it is mended.
        """
        named = self.get_text("task")
        if named is not None:
            return self.task or find_nearest(named, TASKS)
        tasks = () if self.dataset is None else self.dataset.tasks
        return tasks[0] if len(tasks) == 1 and tasks[0] in TASKS else None

    @property
    def batch_size(self) -> float | None:
        """`training.batchSize` as it is written, 32 where it is left out."""
        return self.get_number("training", "batchSize", otherwise=32)

    @property
    def dataset(self) -> DatasetFacts | None:
        """The dataset referred to, or None where there is no sound one."""
        ref = self.get_text("dataset", "ref")
        return None if ref is None else self.repository.datasets.get(ref)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes to be used, empty where they are not known."""
        if self.get_value("dataset", "classes") is not None:
            return tuple(name for _, name in self.get_texts("dataset", "classes"))
        return () if self.dataset is None else self.dataset.classes

    @property
    def image_size(self) -> tuple[int, int] | None:
        """`training.imageSize` as (height, width) in pixels, or None."""
        size = self.get_value("training", "imageSize")
        # One number is a square, as the kind has it.
        sides = size if isinstance(size, list) else [size, size]
        whole = [int(side) for side in sides if _is_side(side)]
        return (whole[0], whole[1]) if len(sides) == len(whole) == 2 else None

    def make_problem(
        self,
        path: Path,
        message: str,
        fix: str,
        *,
        at_key: bool = False,
        severity: Severity = "error",
    ) -> Problem:
        """A problem at `path` below `spec`."""
        return self.document.make_problem(
            ("spec", *path), message, fix, at_key=at_key, severity=severity
        )


def _is_side(side: Any) -> bool:
    # As the schema has it: 224.0 is a whole number.
    return _is_number(side) and 1 <= side <= 8192 and side == int(side)


def _is_number(value: object) -> bool:
    # To Python true is the number 1, to YAML it is none.
    return isinstance(value, int | float) and not isinstance(value, bool)
