"""What makes two plans the same: the id of a run, and the digest of what is approved. Pure.

Both hash canonical JSON: keys sorted, no spaces, UTF-8, a whole number without a point, so that
5 and 5.0, 1e-3 and 0.001, 30m and 1800s, and any order of keys are one.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from vtspec.schema.kinds.field_types import parse_duration, parse_memory

INTRODUCED: Final[Mapping[str, Any]] = {}
"""Fields that came to the schema after its first release: dotted path in `build_result_material`,
and the value that means what a plan meant before the field was there. While a field has that value
it stays out of the id, so that ids on file keep their meaning. A framework's own parameter is
`params.<framework>.<name>`. Entries are never removed. A field whose first value is null needs no
entry: what is null is not set, and stays out anyway."""

_ID_DIGITS: Final = 10


def compute_id(name: str, material: Mapping[str, Any]) -> str:
    """`name-0123456789`: the spec's name and ten hex digits of what decides the result.

    With a name of at most 40 characters it is a DNS label of at most 51, which leaves room for
    the number of an attempt.
    """
    return f"{name}-{_compute_sha256(material)[:_ID_DIGITS]}"


def compute_digest(name: str, material: Mapping[str, Any], policy: Mapping[str, Any]) -> str:
    """`sha256:…`: what is approved, which is the result's material and the policy together."""
    return f"sha256:{_compute_sha256({'name': name, 'result': material, 'policy': policy})}"


def build_result_material(
    plan: Mapping[str, Any], introduced: Mapping[str, Any] = INTRODUCED
) -> dict[str, Any]:
    """What decides the result, out of a plan as `docs/plan.md` writes it.

    Weights count by content: where they were found does not matter.
    """
    framework, dataset = plan["framework"], plan["dataset"]
    material = {
        "task": plan["task"],
        "framework": {
            key: framework[key] for key in ("name", "adapterVersion", "requirementsHash")
        },
        "model": {
            "name": plan["model"]["name"],
            "weights": _build_weights_material(plan["model"]["weights"]),
            "configuration": _build_weights_material(plan["model"].get("configuration")),
        },
        "dataset": {
            key: dataset[key] for key in ("hash", "format", "classes", "allClasses", "splits")
        },
        "training": plan["training"],
        "params": {framework["name"]: plan["params"]},
        "resources": {
            "gpus": plan["resources"]["gpus"],
            "maxDurationSeconds": parse_duration(plan["resources"]["maxDuration"]),
        },
    }
    return _drop_defaults(_drop_nulls(canonicalize(material)), introduced)


def build_policy_material(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What is approved beside the result: the image, the machine, and what is done with it."""
    resources = plan["resources"]
    policy = {
        "framework": {"imageDigest": plan["framework"]["imageDigest"]},
        "resources": {
            "gpuType": resources["gpuType"],
            "cpus": resources["cpus"],
            "memoryBytes": parse_memory(resources["memory"]),
        },
        "export": plan["export"],
        "tracking": plan["tracking"],
        "report": plan["report"],
    }
    plain = _drop_nulls(canonicalize(policy))
    assert isinstance(plain, dict)
    return plain


def canonicalize(value: Any) -> Any:
    """The value with whole floats as whole numbers and tuples as lists, whatever its depth."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {str(key): canonicalize(item) for key, item in value.items()}
        case list() | tuple():
            return [canonicalize(item) for item in value]
        case _:
            return value


def _compute_sha256(value: Any) -> str:
    return hashlib.sha256(_serialize(value).encode("utf-8", "surrogatepass")).hexdigest()


def _serialize(value: Any) -> str:
    return json.dumps(
        canonicalize(value),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def _build_weights_material(weights: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if weights is None:
        return None
    if "sha256" in weights:
        return {"sha256": weights["sha256"]}
    return {key: weights[key] for key in weights if key != "licence"}


def _drop_nulls(value: Any) -> Any:
    """The value without what is null in its mappings."""
    if not isinstance(value, dict):
        return value
    return {key: _drop_nulls(item) for key, item in value.items() if item is not None}


def _drop_defaults(material: Any, introduced: Mapping[str, Any]) -> dict[str, Any]:
    for path, value in introduced.items():
        *above, last = path.split(".")
        place = material
        for key in above:
            place = place.get(key) if isinstance(place, dict) else None
        if (
            isinstance(place, dict)
            and last in place
            and _serialize(place[last]) == _serialize(value)
        ):
            del place[last]
    assert isinstance(material, dict)
    return material
