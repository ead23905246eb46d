"""The plans that differ from one in their seed alone, and are judged together. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from vtspec.pipelines.runs.json_values import to_int, to_mapping

from .digest import PlanJson, identify
from .plan_model import Plan


def list_seeds(first: int, count: int | None) -> tuple[int, ...]:
    """The seeds that `report.seeds: count` means, from `training.seed` on; none without it."""
    return () if count is None else tuple(range(first, first + count))


def build_seed_plans(plan: Plan) -> tuple[Plan, ...]:
    """The plans of all seeds that a plan is judged with, its own among them, in their order; the
    plan alone where it is judged alone.

    Only the first seed's model is registered: one name has one model, and nobody chose a better.
    """
    seeds = plan.report.seeds
    return tuple(_replace_seed(plan, seed, is_first=seed == seeds[0]) for seed in seeds) or (plan,)


def name_seed_plans(plan: PlanJson) -> Mapping[int, str]:
    """The ids of those plans by seed, out of a plan as it is on file; none where it is judged
    alone, or where an older vtspec's plan does not tell."""
    report, training = to_mapping(plan.get("report")), to_mapping(plan.get("training"))
    seeds = report.get("seeds")
    found = [to_int(seed) for seed in seeds] if isinstance(seeds, list | tuple) else []
    try:
        return {
            seed: identify({**plan, "training": {**training, "seed": seed}}).id
            for seed in found
            if seed is not None
        }
    except (KeyError, TypeError, AttributeError, ValueError):
        return {}


def _replace_seed(plan: Plan, seed: int, *, is_first: bool) -> Plan:
    if seed == plan.training.seed:
        return plan
    made = replace(
        plan,
        training=replace(plan.training, seed=seed),
        tracking=plan.tracking if is_first else replace(plan.tracking, register_as=None),
        origins={**plan.origins, "training.seed": "report.seeds"},
    )
    names = identify(made.to_json())
    return replace(made, id=names.id, digest=names.digest)
