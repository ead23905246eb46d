"""What a draft comes to: its values by path with the schema's defaults, and when two are equal.

All are pure.
"""

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from vtspec.schema import API_VERSION
from vtspec.schema.kinds.experiment import (
    DatasetRef,
    EarlyStopping,
    Ema,
    Experiment,
    ExperimentSpec,
    Model,
    Training,
)
from vtspec.schema.kinds.field_types import Metadata, Part
from vtspec.schema.kinds.patterns import parse_duration, parse_memory

_OPTIONAL: Final[dict[str, type[Part]]] = {"ema": Ema, "earlyStopping": EarlyStopping}
"""Parts of `training` that are off where left out, and have defaults of their own where not."""


@cache
def _defaults() -> Mapping[str, Any]:
    spec = ExperimentSpec(
        task="image-classification",
        model=Model(name="resnet18"),
        dataset=DatasetRef(ref="digits"),
        training=Training(epochs=1),
    )
    whole = Experiment(
        api_version=API_VERSION, kind="Experiment", metadata=Metadata(name="any"), spec=spec
    ).model_dump(mode="json", by_alias=True)
    kept: dict[str, Any] = whole["spec"]
    del kept["task"], kept["model"]["name"], kept["dataset"]["ref"], kept["training"]["epochs"]
    return kept


def effective(data: Mapping[str, Any]) -> dict[str, Any]:
    """The draft with every default of the schema filled in, as plain data; no copy of it is
    changed. A kind other than Experiment stays as it is."""
    if data.get("kind", "Experiment") != "Experiment":
        return dict(data)
    spec = _over(_defaults(), data.get("spec") or {})
    training = spec.get("training")
    for key, part in _OPTIONAL.items():
        given = training.get(key) if isinstance(training, dict) else None
        if isinstance(given, dict) and isinstance(training, dict):
            training[key] = _over(part().model_dump(mode="json", by_alias=True), given)
    return {**data, "spec": spec}


def _over(below: Mapping[str, Any], above: Any) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items() if isinstance(above, Mapping) else ():
        under = below.get(key)
        if isinstance(value, Mapping):
            merged[key] = _over(under if isinstance(under, Mapping) else {}, value)
        elif value is not None or not isinstance(under, Mapping):
            merged[key] = value
    return merged


def value_at(data: Any, path: str) -> Any:
    """What stands at the dotted path, None where nothing does."""
    for key in path.split("."):
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data


def is_right(path: str, expected: Any, got: Any) -> bool:
    """Whether a value is the expected one, or one of `{"any": […]}`."""
    if isinstance(expected, Mapping) and expected.keys() == {"any"}:
        return any(is_same(path, each, got) for each in expected["any"])
    return is_same(path, expected, got)


def is_same(path: str, one: Any, other: Any) -> bool:
    """Whether two values of a field mean the same: 16Gi is 16384Mi, 24h is 1d, 640 is [640, 640],
    and `accuracy>=0.90` is `accuracy >= 0.9`. Numbers are compared to 1e-9 of their size."""
    try:
        return _equal(_meaning(path, one), _meaning(path, other))
    except (ValueError, TypeError, KeyError, AttributeError):
        # What is no size, duration or gate at all means nothing, and is equal to nothing right.
        return False


def _meaning(path: str, value: Any) -> Any:
    if value is None:
        return None
    match path.rpartition(".")[2]:
        case "memory":
            return parse_memory(value)
        case "maxDuration":
            return parse_duration(value)
        case "imageSize":
            return [value, value] if isinstance(value, int | float) else list(value)
        case "gates":
            return sorted(_gate(each) for each in value)
        case "formats":
            return sorted({*value, "safetensors"})
    return value


_GATE: Final = re.compile(r"(.+?)\s*(>=|<=|>|<)\s*(\S+)")


def _gate(text: str) -> tuple[str, str, float]:
    found = _GATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no gate")
    return found[1], found[2], float(found[3])


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return bool(one == other)
