"""A plan as data: what `plan.json` holds, into JSON and back. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache, partial
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from vtspec.adapters.contract import Split
from vtspec.pipelines.data.source import DvcSource, PathSource
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.estimation.estimate import Estimate
from vtspec.pipelines.weights.model import WEIGHTS, Configuration, UnpinnedWeights, Weights

from .digest import identify
from .plan_sections import (
    ParamValue,
    PlannedExport,
    PlannedReport,
    PlannedResources,
    PlannedStatistics,
    PlannedTracking,
    PlannedTraining,
    StepResources,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_RESTORE: Final = "put the file back as it was, or plan again: vtspec plan SPEC --output json"

VERSION: Final = 1

PlanJson: TypeAlias = dict[str, Any]
"""A plan as `plan.json` has it."""

_Section = TypeVar("_Section", bound="DataclassInstance")

_TAGGED: Final = {**WEIGHTS, "dvc": DvcSource, "path": PathSource}
"""The `type` in plan.json of each section that is one of several."""


@dataclass(frozen=True, kw_only=True)
class PlannedFramework:
    """What trains. `requirements_hash` and `adapter_version` are its build inputs, and decide the
    result; `image_digest` is None where no image is published, `licence` in plans of before."""

    name: str
    adapter: str
    adapter_version: str
    requirements_hash: str
    image_digest: str | None = None
    licence: str | None = None


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    """The network; `parameters` counts them with the head of this dataset where that is known.

    `configuration` is that of a model that is named by a hub id, where `weights` do not pin it.
    """

    name: str
    parameters: int | None
    weights: Weights | None
    # Plans of before there were models of hubs have none.
    configuration: Configuration | None = None

    @property
    def unpinned(self) -> UnpinnedWeights | None:
        """What of it is not pinned, so that the plan cannot be run; or None."""
        parts = (self.weights, self.configuration)
        return next((part for part in parts if isinstance(part, UnpinnedWeights)), None)


@dataclass(frozen=True, kw_only=True)
class PlannedDataset:
    """The data, pinned. `classes` are those to use, in index order; `all_classes` all of them.

    `licence` is as its spec has it, None where nobody told.
    """

    name: str
    format: str
    hash: str
    source: DvcSource | PathSource
    classes: tuple[str, ...]
    all_classes: tuple[str, ...]
    splits: Mapping[str, Split]
    final_split: Literal["test", "val"]
    statistics: PlannedStatistics | None
    licence: str | None = None


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """One step: the command to run, the steps it waits for, and what it may use."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...]
    resources: StepResources


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything decided about a run before it starts. `docs/plan.md` describes each field."""

    name: str
    id: str
    digest: str
    spec_path: str
    task: str
    framework: PlannedFramework
    model: PlannedModel
    dataset: PlannedDataset
    training: PlannedTraining
    params: Mapping[str, ParamValue]
    resources: PlannedResources
    export: PlannedExport
    tracking: PlannedTracking
    report: PlannedReport
    description: str | None
    origins: Mapping[str, str]
    steps: tuple[PlanStep, ...]
    estimate: Estimate
    warnings: tuple[str, ...]
    # What was typed behind `--set`, so that a report can say it again.
    overrides: tuple[str, ...] = ()

    def to_json(self) -> PlanJson:
        """The plan as `docs/plan.md` writes it: plain data that `json.dumps` takes."""
        whole = _to_plain(self)
        assert isinstance(whole, dict)
        # So that a plan of before there was such a field is written as it was.
        if self.model.configuration is None:
            del whole["model"]["configuration"]
        if self.report.baseline_plan is None:
            del whole["report"]["baselinePlan"]
        if not self.report.seeds:
            del whole["report"]["seeds"]
        if not self.overrides:
            del whole["overrides"]
        guess = whole["estimate"]
        for name in [name for name in _LATER if guess[name] is None]:
            del guess[name]
        for section in ("framework", "dataset"):
            if whole[section]["licence"] is None:
                del whole[section]["licence"]
        return {"v": VERSION, "kind": "Plan", **whole}


_LATER: Final = (
    "secondsLow", "secondsHigh", "reportSeconds", "reportSecondsLow", "reportSecondsHigh",
)  # fmt: skip
"""Figures of an estimate that plans of before have not."""


def plan_from_json(raw: Mapping[str, object]) -> Plan:
    """The plan that `to_json` wrote.

    Raises `Permanent` where `raw` is no plan, a plan of another version, or not the one that its
    id and digest are of. A field that this version does not know is refused too: it may decide
    something.
    """
    # JSON may hold anything, whatever its type says.
    if not isinstance(raw, dict) or raw.get("kind") != "Plan":
        raise Permanent("this is not a plan", fix="make one: vtspec plan SPEC --output json")
    if raw.get("v") != VERSION or isinstance(raw["v"], bool):
        raise Permanent(
            f"the plan is of version {raw.get('v')!r}, this vtspec reads version {VERSION}",
            fix="plan again with this vtspec: vtspec plan SPEC --output json",
        )
    try:
        plan = parse_section(
            Plan, {key: value for key, value in raw.items() if key not in ("v", "kind")}
        )
        names = identify(plan.to_json())
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise Permanent(
            f"the plan is damaged: {error}",
            fix="plan again: vtspec plan SPEC --output json",
        ) from error
    # Whoever edits a plan makes another one; under the old name it would pass for what was asked.
    if (names.id, names.digest) != (plan.id, plan.digest):
        raise Permanent(
            f"the plan was changed after it was made: it calls itself {plan.id} ({plan.digest}), "
            f"and what stands in it is {names.id} ({names.digest})",
            fix=_RESTORE,
        )
    # What follows from the rest is in neither name.
    derived: dict[str, tuple[object, object]] = {
        "dataset.finalSplit": (plan.dataset.final_split, choose_final_split(plan.dataset.splits)),
        "steps": (plan.steps, build_steps(plan.resources)),
    }
    for field, (found, expected) in derived.items():
        if found != expected:
            raise Permanent(
                f"the plan was changed after it was made: it calls itself {plan.id}, and its "
                f"{field} does not follow from the rest of it",
                fix=_RESTORE,
            )
    return plan


def choose_final_split(splits: Mapping[str, object]) -> Literal["test", "val"]:
    """The split that the model is judged by in the end."""
    return "test" if "test" in splits else "val"


def build_steps(resources: PlannedResources) -> tuple[PlanStep, ...]:
    """The steps of every plan, in their order, and what of `resources` each may use."""
    gpus, cpus = resources.gpus, resources.cpus

    def step(name: str, needs: tuple[str, ...], gpus: int, cpus: int) -> PlanStep:
        may_use = StepResources(gpus=gpus, cpus=cpus, memory=resources.memory)
        return PlanStep(
            name=name, command=("vtspec", "step", name), needs=needs, resources=may_use
        )

    return (
        step("data", (), 0, 1),
        step("train", ("data",), gpus, cpus),
        # One image after another needs no more than one GPU.
        step("evaluate", ("train",), min(1, gpus), cpus),
        step("export", ("train",), 0, cpus),
        step("report", ("evaluate", "export"), 0, 1),
    )


def parse_section(section: type[_Section], raw: Mapping[str, object], where: str = "") -> _Section:
    """A part of a plan out of JSON. Raises `TypeError` for a field that it lacks or has not."""
    asked = _list_fields(section)
    # By their names in the file, which the words of Python do not tell.
    for key in raw.keys() - asked.keys():
        raise TypeError(f"'{f'{where}.{key}'.lstrip('.')}' is no part of a plan")
    for key, one in asked.items():
        if key not in raw and one.default is MISSING:
            raise TypeError(f"'{f'{where}.{key}'.lstrip('.')}' is missing")
    return section(
        **{
            asked[key].name: _parse(asked[key].type, value, f"{where}.{key}".lstrip("."))
            for key, value in raw.items()
        }
    )


@cache
def _list_fields(section: type) -> Mapping[str, "Field[Any]"]:
    """The fields of a section, by their names in the file."""
    return {_to_camel(one.name): one for one in fields(section)}


_Parse: TypeAlias = Callable[[object, str], object]
"""Makes a value of what stands in the file, at a place that an error names."""


def _parse(asked: object, value: object, where: str) -> object:
    """The value as an annotation asks for it."""
    return _find_parser(asked)(value, where)


@cache
def _find_parser(asked: object) -> _Parse:
    """What makes a value as an annotation asks for it; found once for each annotation."""
    origin, inner = get_origin(asked), get_args(asked)
    if origin in (Union, UnionType):
        return _find_union_parser(inner)
    if isinstance(asked, type) and is_dataclass(asked):
        return lambda value, where: parse_section(asked, _expect_mapping(value, where), where)
    if origin is Mapping:
        parse_item = _find_parser(inner[1])
        return lambda value, where: {
            key: parse_item(item, f"{where}.{key}")
            for key, item in _expect_mapping(value, where).items()
        }
    if origin is tuple:
        return partial(_parse_list, _find_parser(inner[0]))
    if is_typeddict(asked):
        return partial(_check_items, get_type_hints(asked))
    return partial(_expect_plain, (asked,))


def _parse_list(parse_item: _Parse, value: object, where: str) -> object:
    if not isinstance(value, list):
        raise TypeError(f"{where} is no list")
    return tuple(parse_item(item, where) for item in value)


def _check_items(asked: Mapping[str, object], value: object, where: str) -> object:
    given = _expect_mapping(value, where)
    for key in asked.keys() & given.keys():
        _parse(asked[key], given[key], f"{where}.{key}")
    return value


def _expect_plain(choices: tuple[object, ...], value: object, where: str) -> object:
    # What no id is of is shown and reckoned with all the same.
    if not any(_is_plain(one, value) for one in choices):
        raise TypeError(f"{where} cannot be {value!r}")
    return value


def _is_plain(asked: object, value: object) -> bool:
    if asked in (int, float) and not isinstance(value, bool):
        whole = asked is float or (isinstance(value, float) and value.is_integer())
        return isinstance(value, int) or (isinstance(value, float) and whole)
    if asked in (int, float, bool, str, NoneType) and isinstance(asked, type):
        return isinstance(value, asked) and (asked is bool or not isinstance(value, bool))
    if get_origin(asked) is Literal:
        return value in get_args(asked)
    # Sections of adapters have their annotations as text; an id is of all that is in them.
    return True


def _find_union_parser(choices: tuple[object, ...]) -> _Parse:
    counted = next((one for one in choices if is_typeddict(one)), None)
    sections = [one for one in choices if isinstance(one, type) and is_dataclass(one)]

    def parse(value: object, where: str) -> object:
        # Frozen like the rest: nobody may change a plan that was approved.
        if isinstance(value, list):
            return tuple(value)
        if counted is not None and value is not None:
            return _parse(counted, value, where)
        if not sections or (value is None and NoneType in choices):
            return _expect_plain(choices, value, where)
        raw = _expect_mapping(value, where)
        if sections[0] not in _TAGGED.values():
            return parse_section(sections[0], raw, where)
        # Which of several it is, its `type` says.
        tagged = _TAGGED[str(raw["type"])]
        if tagged not in sections:
            raise TypeError(f"{where} is of type {tagged.__name__}")
        rest = {key: item for key, item in raw.items() if key != "type"}
        return parse_section(tagged, rest, where)

    return parse


def _expect_mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{where} is no section")
    return value


def _to_plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        kind = next((name for name, cls in _TAGGED.items() if cls is type(value)), None)
        names = _list_fields(type(value)).items()
        plain = {key: _to_plain(getattr(value, one.name)) for key, one in names}
        return plain if kind is None else {"type": kind, **plain}
    match value:
        case Mapping():
            return {key: _to_plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_to_plain(item) for item in value]
        case _:
            return value


def _to_camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
