"""What makes two plans the same: the id of a run, and the digest of what is approved. Pure.

Both hash canonical JSON: keys sorted, no spaces, UTF-8, a whole number without a point, so that
5 and 5.0, 1e-3 and 0.001, 30m and 1800s, and any order of keys are one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from vtspec.schema.kinds.patterns import parse_duration, parse_memory

PlanJson: TypeAlias = Mapping[str, Any]
"""A plan, or the material of a digest, as JSON: what is hashed is what is on file, whichever
vtspec wrote it, and not what this one makes of it."""

ADAPTATIONS: Final = ("onOutOfMemory", "onNan", "onTimeLimit")
"""The fields of `training` that let it go on otherwise than planned, and what they were before
there were any."""
STOP: Final = "stop"

INTRODUCED: Final[Mapping[str, object]] = {f"training.{name}": STOP for name in ADAPTATIONS}
"""Fields that came to the schema after its first release: dotted path in `build_result_material`,
and the value that means what a plan meant before the field was there. While a field has that value
it stays out of the id, so that ids on file keep their meaning. A framework's own parameter is
`params.<framework>.<name>`. Entries are never removed. A field whose first value is null needs no
entry: what is null is not set, and stays out anyway."""

_ATOMS: Final = frozenset({str, int, bool, type(None)})

_ID_DIGITS: Final = 10
_COMPLETION_DIGITS: Final = 6

COMPLETABLE: Final = ("export", "tracking", "report", "description")
"""What of a plan can still be done, or said otherwise, once its run is over."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Both names of a plan: `id` is of what decides the result, `digest` of what is approved."""

    id: str
    digest: str


def identify(plan: PlanJson) -> Identity:
    """The names that the content of a plan has, whatever names stand in it.

    Raises `KeyError`, `TypeError` or another error of its kind where it lacks what they are of.
    """
    name, material = plan["name"], build_result_material(plan)
    return Identity(
        id=compute_id(name, material),
        digest=compute_digest(name, material, build_policy_material(plan)),
    )


def find_edit(plan: PlanJson, plan_id: str, digest: str | None) -> str | None:
    """The name of what stands in a plan, where that is not what was run as `plan_id` and approved
    as `digest` (None where nobody told); None where it is.

    Raises as `identify` does.
    """
    names = identify(plan)
    if names.id != plan_id:
        return names.id
    return None if digest in (None, names.digest) else names.digest


def compute_id(name: str, material: Mapping[str, object]) -> str:
    """`name-0123456789`: the spec's name and ten hex digits of what decides the result.

    With a name of at most 40 characters it is a DNS label of at most 51, which leaves room for
    the number of an attempt.
    """
    return f"{name}-{_compute_sha256(material)[:_ID_DIGITS]}"


def compute_digest(name: str, material: Mapping[str, object], policy: Mapping[str, object]) -> str:
    """`sha256:…`: what is approved, which is the result's material and the policy together."""
    return f"sha256:{_compute_sha256({'name': name, 'result': material, 'policy': policy})}"


def name_completion(run: str, plan: PlanJson) -> str:
    """`run-c012345`: the run, and six hex digits of what is asked of its result; one policy has
    one name, whoever asks, however often.

    Of a run of at most 999 attempts it is a DNS label of at most 63.
    """
    # A licence of the data that is told anew makes another report and card.
    policy = {key: plan[key] for key in COMPLETABLE} | {"licence": plan["dataset"].get("licence")}
    return f"{run}-c{_compute_sha256(_drop_nulls(policy))[:_COMPLETION_DIGITS]}"


def build_result_material(
    plan: PlanJson, introduced: Mapping[str, object] = INTRODUCED
) -> dict[str, object]:
    """What decides the result, out of a plan as `docs/plan.md` writes it.

    Weights count by content: where they were found does not matter.
    """
    framework, dataset = plan["framework"], plan["dataset"]
    # A framework's adapter has its name, unless its image says another one.
    other = {"adapter"} if framework["adapter"] != framework["name"] else set()
    material = {
        "task": plan["task"],
        "framework": {
            key: framework[key] for key in ("name", "adapterVersion", "requirementsHash", *other)
        },
        "model": {
            "name": plan["model"]["name"],
            "weights": _build_weights_material(plan["model"]["weights"]),
            "configuration": _build_weights_material(plan["model"].get("configuration")),
        },
        "dataset": {
            **{key: dataset[key] for key in ("hash", "format", "classes", "allClasses", "splits")},
            "keypoints": dataset.get("keypoints"),
        },
        "training": plan["training"],
        # Named by framework, as INTRODUCED names them: two may have a parameter of one name.
        "params": {framework["name"]: plan["params"]},
        "resources": {
            "gpus": plan["resources"]["gpus"],
            # A shorter limit may cut training off, and so decides the result.
            "maxDurationSeconds": parse_duration(plan["resources"]["maxDuration"]),
        },
    }
    return _drop_defaults(_drop_nulls(canonicalize(material)), introduced)


def build_policy_material(plan: PlanJson) -> dict[str, object]:
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
        # The plan that a baseline has is looked up, and nobody's wish: its spec's name is.
        "report": {key: plan["report"][key] for key in plan["report"] if key != "baselinePlan"},
    }
    plain = _drop_nulls(canonicalize(policy))
    assert isinstance(plain, dict)
    return plain


def canonicalize(value: object) -> object:
    """The value with whole floats as whole numbers and tuples as lists, whatever its depth."""
    # Most of a plan, at a glance: asking an abstract class takes ten times as long.
    if type(value) in _ATOMS:
        return value
    if isinstance(value, dict):
        return {str(key): canonicalize(item) for key, item in value.items()}
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {str(key): canonicalize(item) for key, item in value.items()}
        case list() | tuple():
            return [canonicalize(item) for item in value]
        case _:
            return value


def _compute_sha256(value: object) -> str:
    return hashlib.sha256(_serialize(value).encode("utf-8", "surrogatepass")).hexdigest()


def _serialize(value: object) -> str:
    return json.dumps(
        canonicalize(value),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        # NaN has no canonical form, and no field of a plan may be one.
        allow_nan=False,
    )


def _build_weights_material(weights: Mapping[str, object] | None) -> dict[str, object] | None:
    if weights is None:
        return None
    # The same file in another place gives the same result.
    if "sha256" in weights:
        return {"sha256": weights["sha256"]}
    # A licence says what one may do with weights, not which they are.
    return {key: weights[key] for key in weights if key != "licence"}


def _drop_nulls(value: object) -> object:
    """The value without what is null in its mappings."""
    # A null inside a list has a place there, and stays.
    if not isinstance(value, dict):
        return value
    return {key: _drop_nulls(item) for key, item in value.items() if item is not None}


def _drop_defaults(material: object, introduced: Mapping[str, object]) -> dict[str, object]:
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
