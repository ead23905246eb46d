"""What is wrong at one place of a dataset, told instead of raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from .annotations import Sample

DefectKind: TypeAlias = Literal[
    "unreadable-file",
    "malformed-file",
    "no-path",
    "path-outside",
    "missing-image",
    "missing-target",
    "unknown-class",
    "lost-annotation",
    "malformed-label",
    "no-label",
    "repeated",
    "orphan-label",
]

FIXES: Final[Mapping[DefectKind, str]] = {
    "unreadable-file": "write it anew as UTF-8 text, or delete it",
    "malformed-file": "correct that in it, or write it anew with the tool that made it",
    "no-path": "give every image its path",
    "path-outside": "give the path of an image below the folder of the split",
    "missing-image": "put it there, or take it out of the label file",
    "missing-target": "add what is missing, or take the images out",
    "unknown-class": "add it to spec.classes of the dataset, or take it out of the data",
    "lost-annotation": "take it out, or add the image or category",
    "malformed-label": "correct it, or take it out",
    "no-label": "give every image its label, or take it out",
    "repeated": "keep one of them",
    "orphan-label": "add its image, rename it as its image is named, or delete it",
}
"""What a person can do about each kind."""


class UndecodableText(ValueError):
    """A file whose bytes are no text at all; of other bad files the text is wrong."""


@dataclass(frozen=True, kw_only=True)
class Defect:
    """Something wrong at one place of a dataset: who inspects counts them, who trains stops at
    the first.

    `file` is from the dataset's root, `line` is that of a table or of labels (the first is 1);
    `detail` is the path, name or class that is wrong, or says what is. `sample` is what could be
    read of the image nevertheless.
    """

    kind: DefectKind
    file: str
    detail: str
    line: int | None = None
    sample: Sample | None = None

    @property
    def place(self) -> str:
        """`file`, or `file:line`."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    @property
    def message(self) -> str:
        """What is wrong, as it stands after the place and a colon."""
        match self.kind:
            case "unreadable-file" | "malformed-file":
                return f"cannot be read: {self.detail}"
            case "path-outside":
                return f"'{self.detail}' leads out of the dataset"
            case "missing-image":
                return f"'{self.detail}' does not exist"
            case "missing-target":
                return f"has no namesake in {self.detail}/"
            case "unknown-class":
                return f"'{self.detail}' is none of the dataset's classes"
            case _:
                return self.detail

    @property
    def fix(self) -> str:
        """What a person can do about it."""
        return FIXES[self.kind]


def make_file_defect(file: str, error: Exception, line: int | None = None) -> Defect:
    """The defect of a file, or of a line of it, that could not be read as its format wants it."""
    is_text = not isinstance(error, UndecodableText)
    kind: DefectKind = "malformed-file" if is_text else "unreadable-file"
    return Defect(kind=kind, file=file, line=line, detail=str(error))
