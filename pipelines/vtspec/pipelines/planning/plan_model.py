"""A plan as data: what `plan.json` holds, into JSON and back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.estimation.estimate import Estimate
from vtspec.pipelines.weights.model import (
    WEIGHTS,
    Configuration,
    FileWeights,
    HubWeights,
    MlflowWeights,
    RunWeights,
    UnpinnedWeights,
    Weights,
)

VERSION: Final = 1


@dataclass(frozen=True, kw_only=True)
class PlannedFramework:
    """What trains. `requirements_hash` and `adapter_version` are its build inputs, and decide the
    result; `image_digest` is None where no image is published."""

    name: str
    adapter: str
    adapter_version: str
    requirements_hash: str
    image_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    """The network; `parameters` counts them with the head of this dataset where that is known.

    `configuration` is that of a model that is named by a hub id, where `weights` do not pin it.
    """

    name: str
    parameters: int | None
    weights: Weights | None
    configuration: Configuration | None = None

    @property
    def unpinned(self) -> UnpinnedWeights | None:
        """What of it is not pinned, so that the plan cannot be run; or None."""
        parts = (self.weights, self.configuration)
        return next((part for part in parts if isinstance(part, UnpinnedWeights)), None)


@dataclass(frozen=True, kw_only=True)
class PlannedDataset:
    """The data, pinned. `classes` are those to use, in index order; `all_classes` all of them."""

    name: str
    format: str
    hash: str
    source: Mapping[str, Any]
    classes: tuple[str, ...]
    all_classes: tuple[str, ...]
    splits: Mapping[str, Mapping[str, Any]]
    final_split: Literal["test", "val"]
    statistics: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """One step: the command to run, the steps it waits for, and what it may use."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...]
    resources: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything decided about a run before it starts. `docs/plan.md` describes each field.

    The mappings are plain JSON data in camelCase and are not to be changed.
    """

    name: str
    id: str
    digest: str
    spec_path: str
    task: str
    framework: PlannedFramework
    model: PlannedModel
    dataset: PlannedDataset
    training: Mapping[str, Any]
    params: Mapping[str, Any]
    resources: Mapping[str, Any]
    export: Mapping[str, Any]
    tracking: Mapping[str, Any]
    report: Mapping[str, Any]
    description: str | None
    origins: Mapping[str, str]
    steps: tuple[PlanStep, ...]
    estimate: Estimate
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The plan as `docs/plan.md` writes it: plain data that `json.dumps` takes."""
        whole = _to_plain(self)
        assert isinstance(whole, dict)
        if self.model.configuration is None:
            # So that a plan of before there was such a field is written as it was.
            del whole["model"]["configuration"]
        return {"v": VERSION, "kind": "Plan", **whole}


def plan_from_json(raw: Mapping[str, Any]) -> Plan:
    """The plan that `to_json` wrote.

    Raises `Permanent` where `raw` is no plan, or a plan of another version. A field that this
    version does not know is refused too: it may decide something.
    """
    if raw.get("kind") != "Plan":
        raise Permanent("this is not a plan", fix="make one: vtspec plan SPEC --output json")
    if raw.get("v") != VERSION:
        raise Permanent(
            f"the plan is of version {raw.get('v')!r}, this vtspec reads version {VERSION}",
            fix="plan again with this vtspec: vtspec plan SPEC --output json",
        )
    try:
        return _parse_plan(raw)
    except (TypeError, KeyError, AttributeError) as error:
        raise Permanent(
            f"the plan is damaged: {error}",
            fix="plan again: vtspec plan SPEC --output json",
        ) from error


def _parse_plan(raw: Mapping[str, Any]) -> Plan:
    rest = {_to_snake(key): value for key, value in raw.items() if key not in ("v", "kind")}
    model = dict(rest.pop("model"))
    dataset = _parse_fields(PlannedDataset, rest.pop("dataset"), tuples=("classes", "all_classes"))
    steps = tuple(
        _parse_fields(PlanStep, step, tuples=("command", "needs")) for step in rest.pop("steps")
    )
    return Plan(
        framework=_parse_fields(PlannedFramework, rest.pop("framework")),
        model=PlannedModel(
            weights=_parse_weights(model.pop("weights")),
            # Plans of before there were models of hubs have none.
            configuration=_parse_configuration(model.pop("configuration", None)),
            **model,
        ),
        dataset=dataset,
        steps=steps,
        estimate=_parse_fields(Estimate, rest.pop("estimate")),
        warnings=tuple(rest.pop("warnings")),
        **rest,
    )


def _parse_weights(raw: Mapping[str, Any] | None) -> Weights | None:
    if raw is None:
        return None
    weights: Weights = WEIGHTS[raw["type"]](
        **{key: value for key, value in raw.items() if key != "type"}
    )
    return weights


def _parse_configuration(raw: Mapping[str, Any] | None) -> Configuration | None:
    found = _parse_weights(raw)
    if found is not None and not isinstance(found, HubWeights | UnpinnedWeights):
        raise TypeError(f"model.configuration is of type {type(found).__name__}")
    return found


def _parse_fields(cls: type[Any], raw: Mapping[str, Any], tuples: tuple[str, ...] = ()) -> Any:
    known = {_to_snake(key): value for key, value in raw.items()}
    return cls(**{key: tuple(item) if key in tuples else item for key, item in known.items()})


def _to_plain(value: Any) -> Any:
    match value:
        case HubWeights() | FileWeights() | RunWeights() | MlflowWeights() | UnpinnedWeights():
            kind = next(name for name, cls in WEIGHTS.items() if cls is type(value))
            return {"type": kind, **_dump_fields(value)}
        case (
            Plan()
            | PlannedFramework()
            | PlannedModel()
            | PlannedDataset()
            | PlanStep()
            | Estimate()
        ):
            return _dump_fields(value)
        case Mapping():
            return {key: _to_plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_to_plain(item) for item in value]
        case _:
            return value


def _dump_fields(value: Any) -> dict[str, Any]:
    return {_to_camel(one.name): _to_plain(getattr(value, one.name)) for one in fields(value)}


def _to_camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _to_snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
