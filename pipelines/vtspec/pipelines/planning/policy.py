"""A plan's policy asked for anew, of a run that has its result or goes on to one. Pure.

What decides the result is in the plan's id; of the rest, this says what becomes of it where the
plan was carried out before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.errors import Refused
from vtspec.pipelines.runs.events import RunUpdated
from vtspec.pipelines.runs.json_values import to_text, to_words

from .diff import Change, compare_plans
from .digest import COMPLETABLE, identify
from .plan_model import Plan, PlanJson, plan_from_json

OPEN: Final = (*COMPLETABLE, "resources", "framework", "steps")
"""What of a plan is still to come where its run goes on."""


_TOLD: Final = ("description", "dataset.licence")


@dataclass(frozen=True, kw_only=True)
class PlanUpdate:
    """Another policy for a plan of one id. `steps` are done anew; `sections` take the place of
    the plan's own, and make `plan` of it."""

    changes: tuple[Change, ...]
    steps: tuple[str, ...]
    sections: Mapping[str, object]
    plan: Plan

    @property
    def paths(self) -> tuple[str, ...]:
        """The dotted paths of what differs."""
        return tuple(change.path for change in self.changes)

    def make_event(
        self, stored: Plan, completion: str | None, workflow: Mapping[str, str] | None = None
    ) -> RunUpdated:
        """What is told of it: `stored` is the plan as it was, `workflow` what carries it out where
        a cluster does."""
        return RunUpdated(
            plan_digest=self.plan.digest,
            previous_digest=stored.digest,
            changed=self.paths,
            steps=self.steps,
            sections=self.sections,
            completion=completion,
            workflow=workflow or {},
        )


def find_update(stored: Plan, asked: Plan, *, is_over: bool) -> PlanUpdate | None:
    """What `asked` wants otherwise than the run of `stored`, a plan of the same id; or None.

    Raises `Refused` where the run is over and something could only have had its effect before.
    """
    before, after = stored.to_json(), asked.to_json()
    changes = (
        # Neither id nor digest knows them, and the report shows them.
        *(
            change
            for change in compare_plans(before, after)
            if change.effect == "same run" or change.path in _TOLD
        ),
        *_compare_baselines(stored, asked),
    )
    if is_over:
        # Another image of the same build inputs is nobody's wish, and what ran is what ran.
        changes = tuple(one for one in changes if one.path != "framework.imageDigest")
        _refuse_late(stored, [one for one in changes if one.path.startswith("resources.")])
    if not changes:
        return None
    sections = {name: after[name] for name in (COMPLETABLE if is_over else OPEN)}
    told = {change.path for change in changes}
    if "dataset.licence" in told:
        # Alone: where its data was found then is where it was.
        sections["dataset"] = {**before["dataset"], "licence": asked.dataset.licence}
    origins = {
        path: origin
        for path, origin in asked.origins.items()
        if any(path == one or path.startswith(f"{one}.") for one in sections)
    }
    sections |= {
        "origins": {**stored.origins, **origins},
        "overrides": _merge_overrides(stored.overrides, asked.overrides, tuple(sections)),
    }
    return PlanUpdate(
        changes=changes,
        steps=("export", "report") if "export.formats" in told else ("report",),
        sections=sections,
        plan=apply_sections(stored, sections),
    )


def apply_sections(plan: Plan, sections: Mapping[str, object]) -> Plan:
    """The plan with some of its sections replaced, and the digest of that. Its id stays."""
    raw: PlanJson = {**plan.to_json(), **sections}
    return plan_from_json({**raw, "digest": identify(raw).digest})


def describe_update(changes: Sequence[Change]) -> str:
    """What is to be done anew, in words: `gates to be judged anew, onnx to be exported`."""
    return ", ".join(dict.fromkeys(_describe_change(change) for change in changes))


def _compare_baselines(stored: Plan, asked: Plan) -> tuple[Change, ...]:
    before, after = stored.report.baseline_plan, asked.report.baseline_plan
    # Another baseline has another plan, and is told by its name.
    same_name = stored.report.baseline == asked.report.baseline
    if before == after or after is None or not same_name:
        return ()
    path = "report.baselinePlan"
    return (Change(path=path, before=before, after=after, effect="same run"),)


_ALWAYS: Final = {
    "report.gates": "gates to be judged anew",
    "report.baselinePlan": "to be compared with the baseline as its spec stands",
    "description": "to be described anew",
    "dataset.licence": "licence of the data to be told anew",
}


def _describe_change(change: Change) -> str:
    match change.path, change.after:
        case path, _ if path in _ALWAYS:
            return _ALWAYS[path]
        case "report.seeds", None:
            return "to be judged by this seed alone"
        case "report.seeds", seeds:
            return f"to be judged over seeds {', '.join(to_words(seeds))}"
        case "report.baseline", name:
            return f"to be compared with {name or 'no baseline'}"
        case "export.formats", formats:
            return _describe_formats(to_words(change.before), to_words(formats))
        case "tracking.registerAs", None:
            return "no longer to be registered (a version that was made stays)"
        case "tracking.registerAs", name:
            return f"to be registered as {name}"
        case "tracking.experiment", name:
            return f"to be sent to experiment {name} of MLflow too"
        case path, after:
            return f"{path} is {after}"


def _describe_formats(before: Sequence[str], after: Sequence[str]) -> str:
    made = [name for name in after if name not in before]
    gone = [name for name in before if name not in after]
    words = [f"{' and '.join(made)} to be exported"] if made else []
    return ", ".join([*words, *([f"{' and '.join(gone)} to be removed"] if gone else [])])


def _refuse_late(stored: Plan, late: Sequence[Change]) -> None:
    if not late:
        return
    told = ", ".join(f"{one.path} {one.before} → {one.after}" for one in late)
    back = ", ".join(f"{one.path}: {to_text(one.before) or one.before}" for one in late)
    raise Refused(
        f"{told}: {stored.id} is done, and what it may use can no longer be changed",
        fix=f"set it back ({back}), or carry the plan out anew with --again",
    )


def _merge_overrides(
    stored: Sequence[str], asked: Sequence[str], replaced: Sequence[str]
) -> list[str]:
    """What was typed for the result as it was, what was typed for the policy as it is now."""

    def is_policy(words: str) -> bool:
        path = words.partition("=")[0].strip().removeprefix("spec.")
        return path.partition(".")[0] in replaced

    return [
        *(one for one in stored if not is_policy(one)),
        *(one for one in asked if is_policy(one)),
    ]
