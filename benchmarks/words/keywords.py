"""The peer of offline drafting: a plain keyword matcher, as somebody writes it in an hour.

It knows `<number> epochs`, and the names of datasets and models where they stand in the words to
the letter. It has no grammar, no typing errors, no negation and no edits.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.drafting.conversation import get_state
from vtspec.pipelines.drafting.result import Draft, Message, Question
from vtspec.pipelines.project.repository import Repository

_EPOCHS: Final = re.compile(r"(\d+)\s*(?:epochs?|ep|에폭|에포크)")


class Keywords:
    """A drafter that looks for keywords."""

    def make_draft(self, conversation: Sequence[Message], repository: Repository) -> Draft:
        """A draft of the dataset, the model and the number that stand in the words."""
        state = get_state(conversation)
        text = " ".join(state.texts).lower()
        epochs = _EPOCHS.search(text)
        dataset = _longest(repository.sound_datasets, text)
        catalogs = [each.model_names for each in load_frameworks().values()]
        model = _longest((name for names in catalogs for name in names), text)
        if not (state.draft or epochs or dataset or model):
            return Draft(status="refused", reason="no dataset, model or epochs in the words")
        spec: dict[str, Any] = dict((state.draft or {}).get("spec") or {})
        if dataset:
            spec["dataset"] = {"ref": dataset}
            spec["task"] = repository.sound_datasets[dataset].tasks[0]
        if model:
            spec["model"] = {"name": model}
        training = spec.get("training") or {}
        number = int(epochs[1]) if epochs else training.get("epochs", 50)
        spec["training"] = {**training, "epochs": number}
        return _sketch_of(spec, tuple(repository.sound_datasets))


def _sketch_of(spec: dict[str, Any], datasets: tuple[str, ...]) -> Draft:
    if "dataset" not in spec or "model" not in spec:
        missing = "spec.model.name" if "dataset" in spec else "spec.dataset.ref"
        choices = () if "dataset" in spec else datasets
        question = Question(field=missing, text=f"{missing}?", choices=choices)
        return Draft(status="question", data=_data(spec, "words"), question=question)
    name = re.sub("[^a-z0-9]+", "-", f"{spec['dataset']['ref']}-{spec['model']['name']}".lower())
    return Draft(status="complete", data=_data(spec, f"kw-{name}"[:40].strip("-")))


def _data(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        "apiVersion": "vtspec.dev/v1alpha1",
        "kind": "Experiment",
        "metadata": {"name": name},
        "spec": spec,
    }


def _longest(names: Iterable[str], text: str) -> str | None:
    found = [name for name in names if name.lower() in text]
    return max(found, key=len, default=None)
