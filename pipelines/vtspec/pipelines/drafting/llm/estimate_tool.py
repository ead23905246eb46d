"""What a draft would take in time and money, as `vtspec plan` says it. Asks no network."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vtspec.pipelines.drafting.checks import load_draft
from vtspec.pipelines.drafting.result import Data
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.weights.hub import HubModel
from vtspec.schema.problem import SpecError

from .field_paths import remove_value

if TYPE_CHECKING:
    from vtspec.pipelines.estimation.estimate import Estimate


class OfflineHub:
    """A hub that knows every model at one revision, and asks nobody."""

    def resolve_revision(self, model: str, revision: str = "main") -> HubModel:
        """The same commit for all: an estimate does not depend on it."""
        return HubModel(id=model, revision="0" * 40)


def estimate_draft(draft: Data, repository: Repository) -> Mapping[str, object]:
    """Seconds, cost and memory of the draft's run; or `unknown`, and why.

    The weights do not change the figures, so that no hub, no MLflow and no file of weights is
    looked at.
    """
    from vtspec.pipelines.planning.plan import build_plan
    from vtspec.pipelines.planning.resolve import ModelSources, resolve_spec

    spec = draft.get("spec")
    if draft.get("kind") != "Experiment" or not isinstance(spec, Mapping):
        return {"unknown": "only an Experiment takes time and money"}
    loaded = load_draft(remove_value(draft, "spec.model.weights"))
    if loaded.name is None:
        return {"unknown": "the draft has no name"}
    # A spec is resolved by its path. At this one it is the draft in hand, and no file is written.
    place = repository.get_spec_path("Experiment", "draft")
    holding = repository.with_specs([loaded], {loaded.file: repository.tree.resolve(place)})
    sources = ModelSources(hub=OfflineHub(), version_of=lambda *_: "0")
    try:
        guess = build_plan(*resolve_spec(place, holding, sources=sources)).estimate
    except SpecError as error:
        return {"unknown": "; ".join(f"{one.path}: {one.message}" for one in error.problems[:5])}
    except (Refused, Permanent, Temporary) as error:
        return {"unknown": error.message}
    return _serialize_estimate(guess)


def _serialize_estimate(guess: "Estimate") -> Mapping[str, object]:
    return {
        "seconds": guess.whole_seconds,
        "secondsLow": None if guess.whole_range is None else guess.whole_range[0],
        "secondsHigh": None if guess.whole_range is None else guess.whole_range[1],
        "cost": guess.cost,
        "currency": guess.currency,
        "memoryBytes": guess.memory_bytes,
        "gpuMemoryBytes": guess.gpu_memory_bytes,
        "basis": guess.basis,
    }
