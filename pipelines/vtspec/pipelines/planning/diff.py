"""What differs between two plans, field by field, and what each difference means. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from .digest import PlanJson, build_policy_material, build_result_material, canonicalize

Effect = Literal["new run", "same run", "cosmetic"]
"""`new run`: it decides the result, and so the id; `same run`: the result stays, what is approved
does not (machine, gates, export, tracking); `cosmetic`: neither id nor digest knows it."""

EFFECTS: Final[tuple[Effect, ...]] = ("new run", "same run", "cosmetic")
"""The gravest first."""

ABSENT: Final = None
"""What stands for a field that one of the plans does not have."""

_LEFT_OUT: Final = frozenset(
    {"v", "kind", "name", "id", "digest", "specPath"}
    | {"origins", "overrides", "steps", "estimate", "warnings"}
)

_DERIVED: Final = frozenset(
    {"model.parameters", "dataset.finalSplit", "dataset.statistics", "report.baselinePlan"}
    | {"framework.licence"}
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field that differs; `path` is dotted, as in the plan. A missing field is None."""

    path: str
    before: object
    after: object
    effect: Effect


def compare_plans(before: PlanJson, after: PlanJson) -> tuple[Change, ...]:
    """What differs from `before` to `after`, two plans as JSON; the gravest first, then by path.

    A change is `new run` exactly where the material of the ids differs, so that two plans of one
    name have one id if and only if none of their changes is. Names, estimates, warnings and what
    follows from other fields are left out.
    """
    deciding = _find_differing_paths(build_result_material(before), build_result_material(after))
    approved = _find_differing_paths(build_policy_material(before), build_policy_material(after))
    # The materials of the ids decide what a change means, so that diff and id cannot disagree.
    new = {_to_plan_path(path, before, after) for path in deciding}
    same = {_to_plan_path(path, before, after) for path in approved}
    first, second = _flatten(_select_fields(before)), _flatten(_select_fields(after))
    found = []
    for path in {**first, **second}:
        one, other = first.get(path, ABSENT), second.get(path, ABSENT)
        # 5 and 5.0 are one value, as they are in the ids.
        if path in _DERIVED or canonicalize(one) == canonicalize(other):
            continue
        effect: Effect = "new run" if path in new else "same run" if path in same else "cosmetic"
        found.append(Change(path=path, before=one, after=other, effect=effect))
    return tuple(sorted(found, key=lambda one: (EFFECTS.index(one.effect), one.path)))


def find_worst_effect(found: Iterable[Change]) -> Effect | None:
    """What the changes amount to together; None where there are none."""
    effects = {change.effect for change in found}
    return next((effect for effect in EFFECTS if effect in effects), None)


def _find_differing_paths(one: Mapping[str, object], other: Mapping[str, object]) -> set[str]:
    first, second = _flatten(one), _flatten(other)
    # A field that is null and one that is absent differ here: material has no nulls left.
    missing = object()
    return {
        path
        for path in {**first, **second}
        if first.get(path, missing) != second.get(path, missing)
    }


def _to_plan_path(path: str, *plans: PlanJson) -> str:
    """The plan's own path of a path in the material of a digest."""
    for plan in plans:
        namespace = f"params.{plan['framework']['name']}."
        if path.startswith(namespace):
            return f"params.{path.removeprefix(namespace)}"
    return {
        "resources.maxDurationSeconds": "resources.maxDuration",
        "resources.memoryBytes": "resources.memory",
    }.get(path, path)


def _select_fields(plan: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in plan.items() if key not in _LEFT_OUT}


def _flatten(value: Mapping[str, object], above: str = "") -> dict[str, object]:
    """Dotted path to leaf; a list is a leaf, an empty mapping too, and so are statistics."""
    found: dict[str, object] = {}
    for key, item in value.items():
        path = f"{above}.{key}" if above else str(key)
        # What was counted in the data is one fact to a reader, not twenty.
        if isinstance(item, Mapping) and item and path not in _DERIVED:
            found |= _flatten(item, path)
        else:
            found[path] = item
    return found
