"""The draft in the making: what is set, what is assumed, what has to be asked."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, TypeAlias

from vtspec.pipelines.drafting.result import Assumption, Data, Question
from vtspec.pipelines.language import Tongue
from vtspec.schema import API_VERSION

from . import messages
from .name_index import NameIndex

MutableData: TypeAlias = dict[str, Any]
"""A kind as plain data, as `Data` is, while it is being written."""

OPEN: Final = "vtspec.dev/open-questions"
"""The annotation of an unfinished draft that holds its other questions, as JSON."""


class QuestionPriority(IntEnum):
    """The order in which questions are asked."""

    BASE = 0
    CONTRADICTION = 1
    DATASET = 2
    TASK = 3
    MODEL = 4
    REST = 5


@dataclass
class DraftBuilder:
    """A draft that is being filled in. `before` is the draft or spec that it began from."""

    known: NameIndex
    tongue: Tongue
    before: Data | None
    data: MutableData = field(default_factory=dict)
    assumptions: list[Assumption] = field(default_factory=list)
    questions: list[tuple[QuestionPriority, int, Question]] = field(default_factory=list)
    edits: bool = False

    def get(self, path: str) -> Any:
        """What stands at a dotted path below `spec`, or None."""
        return find_value(self.data.get("spec"), path)

    def set(self, path: str, value: object) -> None:
        """Puts a value at a dotted path below `spec`."""
        node = self.data.setdefault("spec", {})
        *above, last = path.split(".")
        for key in above:
            held = node.get(key)
            if not isinstance(held, dict):
                held = node[key] = {}
            node = held
        node[last] = value

    def drop(self, path: str) -> None:
        """Takes out what stands at a dotted path, and mappings that are empty then."""
        keys = path.split(".")
        nodes: list[MutableData] = [self.data.get("spec", {})]
        for key in keys[:-1]:
            held = nodes[-1].get(key)
            if not isinstance(held, dict):
                return
            nodes.append(held)
        nodes[-1].pop(keys[-1], None)
        for node, key in zip(reversed(nodes[:-1]), reversed(keys[:-1]), strict=True):
            if node.get(key) == {}:
                del node[key]

    def assume(self, path: str, value: object, why: str, **said: object) -> None:
        """Notes what nobody said; `path` is whole, as `spec.task`."""
        self.assumptions.append(messages.build_assumption(path, value, why, self.tongue, **said))

    def ask(
        self,
        rank: QuestionPriority,
        key: str,
        path: str,
        choices: Sequence[str] = (),
        **said: object,
    ) -> None:
        """Notes a question; the first of the lowest rank is asked."""
        made = messages.build_question(key, path, self.tongue, choices, **said)
        self.questions.append((rank, len(self.questions), made))

    @property
    def first_question(self) -> Question | None:
        """The question to ask: of those of the lowest rank the first; None where none waits."""
        return min(self.questions, key=lambda each: each[:2])[2] if self.questions else None


def find_value(node: object, path: str) -> object:
    """What stands at a dotted path of plain data, or None."""
    for key in path.split("."):
        if not isinstance(node, Mapping):
            return None
        node = node.get(key)
    return node


def make_builder(known: NameIndex, tongue: Tongue, before: Data | None) -> DraftBuilder:
    """A builder that begins with a copy of a draft or spec, or with an empty Experiment.

    The notes that drafting left in its annotations are not copied.
    """
    if before is None:
        data: MutableData = {
            "apiVersion": API_VERSION,
            "kind": "Experiment",
            "metadata": {},
            "spec": {},
        }
        return DraftBuilder(known=known, tongue=tongue, before=None, data=data)
    copied = copy.deepcopy(dict(before))
    copied = {"apiVersion": API_VERSION, "kind": "Experiment", **copied}
    copied.setdefault("metadata", {})
    copied.setdefault("spec", {})
    annotations = copied["metadata"].get("annotations")
    if isinstance(annotations, dict):
        kept = {
            key: value
            for key, value in annotations.items()
            if not key.startswith(("vtspec.dev/draft-", OPEN))
        }
        copied["metadata"] = {**copied["metadata"], "annotations": kept}
        if not kept:
            del copied["metadata"]["annotations"]
    return DraftBuilder(known=known, tongue=tongue, before=before, data=copied)
