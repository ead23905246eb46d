"""A plan as data: what `plan.json` holds, into JSON and back. Pure."""

from collections.abc import Callable, Mapping, Sequence
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
from vtspec.pipelines.weights.model import (
    WEIGHTS,
    Configuration,
    HubWeights,
    UnpinnedWeights,
    Weights,
)

from .digest import ADAPTATIONS, STOP, identify
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
    def hub_files(self) -> tuple[HubWeights, ...]:
        """What of it an adapter fetches from a hub by itself."""
        parts = (self.weights, self.configuration)
        return tuple(part for part in parts if isinstance(part, HubWeights))

    @property
    def unpinned(self) -> UnpinnedWeights | None:
        """What of it is not pinned, so that the plan cannot be run; or None."""
        parts = (self.weights, self.configuration)
        return next((part for part in parts if isinstance(part, UnpinnedWeights)), None)


@dataclass(frozen=True, kw_only=True)
class PlannedDataset:
    """The data, pinned. `classes` are those to use, in index order; `all_classes` all of them.

    `licence` is as its spec has it, None where nobody told; `keypoints` likewise.
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
    keypoints: tuple[str, ...] | None = None


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
        report, training = whole["report"], whole["training"]
        for name in [name for name in _LATER_OF_REPORT if not report[name]]:
            del report[name]
        for name in [name for name in ADAPTATIONS if training[name] == STOP]:
            del training[name]
        if not self.overrides:
            del whole["overrides"]
        guess = whole["estimate"]
        for name in [name for name in _LATER if guess[name] is None]:
            del guess[name]
        later = (("framework", "licence"), ("dataset", "licence"), ("dataset", "keypoints"))
        for section, field in later:
            if whole[section][field] is None:
                del whole[section][field]
        return {"v": VERSION, "kind": "Plan", **whole}


_LATER_OF_REPORT: Final = ("baselinePlan", "seeds", "allowAdapted")
"""Wishes for the report that plans of before have not."""

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
        _check_estimate(plan.estimate)
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


_MOST: Final = 1e300
"""Of seconds, bytes and money: what is beyond cannot be reckoned with."""


def _check_estimate(estimate: Estimate) -> None:
    """Raises `ValueError` for a figure that is none: no name is of it, and limits are."""
    for one in fields(estimate):
        value = getattr(estimate, one.name)
        if isinstance(value, int | float) and not 0 <= value <= _MOST:
            raise ValueError(f"estimate.{_to_camel(one.name)} cannot be {value!r}")


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


def parse_section(section: type[_Section], raw: Mapping[str, object]) -> _Section:
    """A part of a plan out of JSON. Raises `TypeError` for a field that it lacks or has not."""
    parse: Callable[[object], _Section] = _find_section_parser(section)
    try:
        return parse(raw)
    except _Misfit as error:
        raise TypeError(error.describe()) from None


class _Misfit(TypeError):
    """A value that does not fit its place: what is said of that, and the names on the way to it,
    the innermost first."""

    def __init__(self, said: str, *way: str) -> None:
        super().__init__(said)
        self.said, self.way = said, list(way)

    def describe(self) -> str:
        return self.said.replace("{}", ".".join(reversed(self.way)), 1)


_Parse: TypeAlias = Callable[[object], Any]
"""Makes a value of what stands in the file; raises `_Misfit`."""


@cache
def _find_section_parser(section: object) -> _Parse:
    assert isinstance(section, type)
    asked = _list_fields(section)
    types: Mapping[str, object] = {key: one.type for key, one in asked.items()}
    parsers = {key: (one.name, _find_parser(types[key])) for key, one in asked.items()}
    needed = [key for key, one in asked.items() if one.default is MISSING]

    def parse(value: object) -> object:
        raw = _expect_mapping(value)
        # By their names in the file, which the words of Python do not tell.
        for key in raw:
            if key not in parsers:
                raise _Misfit("'{}' is no part of a plan", key)
        for key in needed:
            if key not in raw:
                raise _Misfit("'{}' is missing", key)
        given: dict[str, object] = {}
        for key, item in raw.items():
            name, parse_item = parsers[key]
            try:
                given[name] = parse_item(item)
            except _Misfit as error:
                error.way.append(key)
                raise
        return section(**given)

    return parse


@cache
def _list_fields(section: type) -> Mapping[str, "Field[Any]"]:
    """The fields of a section, by their names in the file."""
    return {_to_camel(one.name): one for one in fields(section)}


@cache
def _find_parser(asked: object) -> _Parse:
    """What makes a value as an annotation asks for it; found once for each annotation."""
    origin, inner = get_origin(asked), get_args(asked)
    if origin in (Union, UnionType):
        return _find_union_parser(inner)
    if isinstance(asked, type) and is_dataclass(asked):
        return _find_section_parser(asked)
    if origin is Mapping:
        return partial(_parse_mapping, _find_parser(inner[1]))
    if origin is tuple:
        return partial(_parse_list, _find_parser(inner[0]))
    if is_typeddict(asked):
        parsers = {key: _find_parser(each) for key, each in get_type_hints(asked).items()}
        return partial(_check_items, parsers)
    return _find_plain_parser((asked,))


def _parse_mapping(parse_item: _Parse, value: object) -> object:
    made: dict[str, object] = {}
    for key, item in _expect_mapping(value).items():
        try:
            made[key] = parse_item(item)
        except _Misfit as error:
            error.way.append(key)
            raise
    return made


def _parse_list(parse_item: _Parse, value: object) -> object:
    if not isinstance(value, list):
        raise _Misfit("{} is no list")
    return tuple([parse_item(item) for item in value])


def _check_items(parsers: Mapping[str, _Parse], value: object) -> object:
    given = _expect_mapping(value)
    for key, parse_item in parsers.items():
        if key in given:
            try:
                parse_item(given[key])
            except _Misfit as error:
                error.way.append(key)
                raise
    return given


def _find_plain_parser(choices: tuple[object, ...]) -> _Parse:
    # What a value is of most often, which is seen at a glance.
    usual = frozenset(kind for one in choices for kind in _USUAL.get(one, ()))
    literals = [one for one in choices if get_origin(one) is Literal]
    words = frozenset(word for one in literals for word in get_args(one) if type(word) is str)

    def parse(value: object) -> object:
        if type(value) in usual or (type(value) is str and value in words):
            return value
        # What no id is of is shown and reckoned with all the same.
        if not any(_is_plain(one, value) for one in choices):
            raise _Misfit(f"{{}} cannot be {value!r}")
        return value

    return parse


_USUAL: Final[Mapping[object, tuple[type, ...]]] = {
    **{kind: (kind,) for kind in (int, bool, str, NoneType)},
    float: (float, int),
}
"""The types of JSON that an annotation takes whatever their value."""


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
    parse_counted = None if counted is None else _find_parser(counted)
    sections = [one for one in choices if isinstance(one, type) and is_dataclass(one)]
    is_tagged = bool(sections) and sections[0] in _TAGGED.values()
    has_list = any(get_origin(one) is tuple for one in choices)
    may_be_none, parse_plain = NoneType in choices, _find_plain_parser(choices)

    def parse(value: object) -> object:
        # Frozen like the rest: nobody may change a plan that was approved.
        if isinstance(value, list) and has_list:
            return tuple(value)
        if parse_counted is not None and value is not None:
            return parse_counted(value)
        if not sections or (value is None and may_be_none):
            return parse_plain(value)
        raw = _expect_mapping(value)
        if not is_tagged:
            return _find_section_parser(sections[0])(raw)
        # Which of several it is, its `type` says.
        tagged: type = _TAGGED[str(raw["type"])]
        if tagged not in sections:
            raise _Misfit(f"{{}} is of type {tagged.__name__}")
        return _find_section_parser(tagged)({key: raw[key] for key in raw if key != "type"})

    return parse


def _expect_mapping(value: object) -> Mapping[str, object]:
    # Asking an abstract class takes ten times as long.
    if type(value) is not dict and not isinstance(value, Mapping):
        raise _Misfit("{} is no section")
    return value


def _to_plain(value: object) -> object:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if isinstance(value, dict | Mapping):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_to_plain(item) for item in value]
    if not is_dataclass(kind):
        return value
    tag, names = _list_names(kind)
    plain = {key: _to_plain(getattr(value, name)) for key, name in names}
    return plain if tag is None else {"type": tag, **plain}


_ATOMS: Final = frozenset({str, int, float, bool, NoneType})


@cache
def _list_names(section: type) -> tuple[str | None, Sequence[tuple[str, str]]]:
    """The word of a section that is one of several, and its fields: in the file, and here."""
    tag = next((name for name, cls in _TAGGED.items() if cls is section), None)
    return tag, [(key, one.name) for key, one in _list_fields(section).items()]


def _to_camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
