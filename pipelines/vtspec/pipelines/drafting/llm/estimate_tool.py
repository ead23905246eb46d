"""What a draft would take in time and money, as `vtspec plan` says it. Asks no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.pipelines.drafting.context import DraftContext
from vtspec.pipelines.drafting.result import Data
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.project.workspace import Workspace
from vtspec.pipelines.weights.hub import Hub, HubModel
from vtspec.schema.problem import SpecError

if TYPE_CHECKING:
    from vtspec.pipelines.estimation.estimate import Estimate
    from vtspec.schema.load import LoadedSpec


def estimate_draft(draft: Data, surroundings: DraftContext) -> Mapping[str, Any]:
    """Seconds, cost and memory of the draft's run; or `unknown`, and why.

    The weights do not change the figures, so that no hub, no MLflow and no file of weights is
    looked at.
    """
    from vtspec.pipelines.planning.plan import build_plan
    from vtspec.pipelines.planning.resolve import ResolveSources, resolve_spec

    spec = draft.get("spec")
    if draft.get("kind") != "Experiment" or not isinstance(spec, Mapping):
        return {"unknown": "only an Experiment takes time and money"}
    loaded = surroundings.load_draft(_drop_weights(draft))
    if loaded.name is None:
        return {"unknown": "the draft has no name"}
    place = surroundings.workspace.specs / "experiments" / "draft.yaml"
    world = ResolveSources(hub=_OfflineHub(endpoint="", cache=Path()), version_of=lambda *_: "0")
    try:
        workspace = _add_draft(surroundings.workspace, place, loaded)
        guess = build_plan(*resolve_spec(place, workspace, world=world)).estimate
    except SpecError as error:
        return {"unknown": "; ".join(f"{one.path}: {one.message}" for one in error.problems[:5])}
    except (Refused, Permanent, Temporary) as error:
        return {"unknown": error.message}
    return _serialize_estimate(guess)


def _serialize_estimate(guess: "Estimate") -> Mapping[str, Any]:
    return {
        "seconds": guess.seconds,
        "cost": guess.cost,
        "currency": guess.currency,
        "memoryBytes": guess.memory_bytes,
        "gpuMemoryBytes": guess.gpu_memory_bytes,
        "basis": guess.basis,
    }


def _drop_weights(draft: Data) -> Data:
    model = draft["spec"].get("model")
    if not isinstance(model, Mapping):
        return draft
    kept = {key: value for key, value in model.items() if key != "weights"}
    return {**draft, "spec": {**draft["spec"], "model": kept}}


class _OfflineHub(Hub):
    """A hub that knows every model at one revision, and asks nobody."""

    def resolve_revision(self, model: str, revision: str = "main") -> HubModel:
        return HubModel(id=model, revision="0" * 40)


@dataclass(frozen=True, kw_only=True)
class _DraftWorkspace(Workspace):
    """The workspace as if the draft lay in it."""

    place: Path
    loaded: "LoadedSpec"

    def load(self, path: Path) -> "LoadedSpec":
        return self.loaded if path == self.place else super().load(path)


def _add_draft(workspace: Workspace, place: Path, loaded: "LoadedSpec") -> Workspace:
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    if errors:
        raise SpecError(errors)
    return _DraftWorkspace(
        root=workspace.root,
        config=workspace.config,
        anchor=workspace.anchor,
        here=workspace.here,
        place=place,
        loaded=loaded,
    )
