"""What MLflow is told of a run: pure, from the plan and its events.

Keys are MLflow's own limits away from refusal: at most 250 characters, only characters it takes;
values at most 6,000 (params) and 8,000 (tags).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from vtspec.pipelines.runs.events import (
    Ending,
    Evaluated,
    Event,
    RunFinished,
    RunResumed,
    RunStarted,
    RunUpdated,
    TrainEpoch,
)
from vtspec.pipelines.runs.json_values import to_mapping, to_text, to_words
from vtspec.pipelines.runs.state import RunState, apply_event
from vtspec.pipelines.runs.state_phrases import describe_adaptations

Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]

_STATUS: Final[Mapping[Ending, Status]] = {
    "succeeded": "FINISHED",
    "failed": "FAILED",
    "refused": "FAILED",
    "crashed": "FAILED",
    "interrupted": "KILLED",
    "stopped": "KILLED",
}

_DURATION: Final = "epoch_seconds"

ENDING_TAG: Final = "vtspec.ending"
_ENDING_TAGS: Final = (ENDING_TAG, "vtspec.message")
ADAPTED_TAG: Final = "vtspec.adapted"
_UPDATE_TAG: Final = "vtspec.update.message"

_PARAM_SECTIONS: Final = (
    "task",
    "framework",
    "model",
    "dataset",
    "training",
    "params",
    "resources",
)

# Long lists and the plan's own bookkeeping: the plan itself is an artefact of the run.
_NOT_PARAMS: Final = (
    "dataset.classes",
    "dataset.allClasses",
    "dataset.keypoints",
    "dataset.splits",
    "dataset.statistics",
)


@dataclass(frozen=True, kw_only=True)
class MetricPoint:
    """One number: MLflow's key, the value, its step (the epoch), and the time in ms since 1970."""

    key: str
    value: float
    step: int
    time_ms: int


@dataclass(frozen=True, kw_only=True)
class TrackingEntry:
    """What one event adds to a run in MLflow, and the tags that it takes away.

    `status` is set by the terminal event, and by what goes on after one;
    `changed` are the paths of the plan that an update changed.
    """

    seq: int
    metrics: Sequence[MetricPoint] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    removed_tags: Sequence[str] = ()
    status: Status | None = None
    time_ms: int = 0
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrackedPlan:
    """What of a plan MLflow is told, beside its `params` and the `tags` of the run.

    `source` is where the data comes from, `register_as` the registered model that a version of is
    made; None for none. With `allow_adapted` that of an adapted run is `challenger`, too.
    """

    id: str
    experiment: str
    register_as: str | None
    allow_adapted: bool
    dataset: str
    data_hash: str
    source: Mapping[str, object]
    params: Mapping[str, str]
    tags: Mapping[str, str]


def parse_plan(raw: Mapping[str, object], run: str) -> TrackedPlan:
    """The plan of a run as `plan.json` has it, whichever vtspec wrote it."""
    dataset, tracking = to_mapping(raw["dataset"]), to_mapping(raw["tracking"])
    # Read from the file, not from a plan's class: a run of an older vtspec is sent too.
    return TrackedPlan(
        id=str(raw["id"]),
        experiment=str(tracking["experiment"]),
        register_as=to_text(tracking.get("registerAs")),
        allow_adapted=to_mapping(raw.get("report")).get("allowAdapted") is True,
        dataset=str(dataset["name"]),
        data_hash=str(dataset["hash"]),
        source=to_mapping(dataset["source"]),
        params=flatten_params(raw),
        tags=build_run_tags(raw, run),
    )


def make_folder_name(name: str) -> str:
    """A name as one folder, wherever it points: `shapes` stays, `../x` cannot leave."""
    safe = re.sub(r"[^\w.-]", "_", name).lstrip(".")[:60]
    if safe == name:
        return name
    # Two names must not become one folder.
    return f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def sanitize_key(name: str) -> str:
    """`name` as MLflow takes it: what it refuses becomes `_`, the rest stays."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)[:250]


def parse_time_ms(time: str) -> int:
    """Milliseconds since 1970 of an event's RFC 3339 time."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def flatten_params(plan: Mapping[str, object]) -> dict[str, str]:
    """The plan's resolved values, flattened: `training.optimizer` → `adamw`."""
    flat: dict[str, str] = {}
    for section in _PARAM_SECTIONS:
        flat.update(_flatten(section, plan.get(section)))
    kept = {k: v for k, v in flat.items() if not k.startswith(_NOT_PARAMS)}
    kept["dataset.numClasses"] = str(len(to_words(to_mapping(plan["dataset"]).get("classes"))))
    return {sanitize_key(k): v[:6000] for k, v in kept.items()}


def _flatten(prefix: str, value: object) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flatten(f"{prefix}.{name}", item)
    elif isinstance(value, list | tuple):
        yield prefix, ", ".join(str(item) for item in value)
    # MLflow has no null; a param that is absent says the same.
    elif value is not None:
        yield prefix, str(value).lower() if isinstance(value, bool) else str(value)


def build_run_tags(plan: Mapping[str, object], run: str) -> dict[str, str]:
    """What marks the run in MLflow from its first moment; `vtspec.run` finds it again."""
    return {
        "vtspec.run": run,
        "vtspec.plan.id": str(plan["id"]),
        "vtspec.plan.digest": str(plan["digest"]),
        "vtspec.spec": str(plan["name"]),
        "vtspec.spec.path": str(plan.get("specPath") or ""),
        "vtspec.dataset.hash": str(to_mapping(plan["dataset"])["hash"]),
        "mlflow.source.type": "JOB",
        "mlflow.source.name": str(plan.get("specPath") or plan["name"]),
        "mlflow.note.content": _describe_plan(plan)[:8000],
    }


def _describe_plan(plan: Mapping[str, object]) -> str:
    """What MLflow shows above a run: the person's own words, and what was trained on what."""
    framework, model = to_mapping(plan["framework"]), to_mapping(plan["model"])
    epochs = to_mapping(plan["training"]).get("epochs")
    trained = f"{model['name']} ({framework['name']}) on {to_mapping(plan['dataset'])['name']}"
    own = [str(plan["description"])] if plan.get("description") else []
    return "\n\n".join(
        [*own, f"{trained}, {epochs} epoch{'s' * (epochs != 1)}; plan {plan['id']}"]
    )


def translate_events(events: Iterable[Event]) -> Iterator[TrackingEntry]:
    """What the events of a run add, in their order, each point of a curve once.

    A step that was cut short is done again, and tells its points again. MLflow takes none back:
    the same value is not sent twice, nor how long it took this time; another one is what MLflow
    shows from then on, being the later. An update of a result is told once it is made, and one
    that is not does not make a failed run of one that has its result.
    """
    known: dict[tuple[str, int], float] = {}
    state, update = RunState(), TrackingEntry(seq=-1)
    for event in events:
        was_done, before = state.has_result, describe_adaptations(state)
        state = apply_event(state, event)
        entry = translate_event(event)
        adapted = describe_adaptations(state)
        if adapted is not None and adapted != before:
            entry = replace(entry, tags={**entry.tags, ADAPTED_TAG: adapted.en[:8000]})
        elif adapted is None and before is not None:
            entry = replace(entry, removed_tags=(*entry.removed_tags, ADAPTED_TAG))
        if isinstance(event.body, RunUpdated) and state.before is not None:
            update = replace(entry, changed=(*update.changed, *entry.changed))
            entry = TrackingEntry(seq=entry.seq, time_ms=entry.time_ms)
        elif was_done and entry.status in ("FAILED", "KILLED"):
            tags = _name_failed_update(event)
            entry = replace(entry, status="FINISHED", tags=tags, removed_tags=())
        elif was_done and entry.status == "FINISHED":
            entry = _apply_update(entry, update)
        if was_done and state.before is None:
            update = TrackingEntry(seq=-1)
        fresh = [one for one in entry.metrics if _is_fresh(one, known)]
        known |= {(one.key, one.step): one.value for one in fresh}
        yield replace(entry, metrics=fresh)


def _is_fresh(point: MetricPoint, known: Mapping[tuple[str, int], float]) -> bool:
    before = known.get((point.key, point.step))
    return before is None or (point.value != before and point.key != _DURATION)


def _name_failed_update(event: Event) -> Mapping[str, str]:
    message = event.body.message if isinstance(event.body, RunFinished) else None
    return {_UPDATE_TAG: (message or "an update failed")[:8000]}


def _apply_update(end: TrackingEntry, update: TrackingEntry) -> TrackingEntry:
    return replace(
        end,
        tags={**update.tags, **end.tags},
        removed_tags=(*end.removed_tags, _UPDATE_TAG),
        changed=update.changed,
    )


def translate_event(event: Event) -> TrackingEntry:
    """What `event` adds; kinds that MLflow is not told of add nothing but their place in order."""
    at = parse_time_ms(event.time)
    entry = TrackingEntry(seq=event.seq, time_ms=at)
    match event.body:
        # A resume tells nothing of the machine: the first start's tags stand.
        case RunResumed():
            return replace(entry, removed_tags=_ENDING_TAGS, status="RUNNING")
        case RunStarted() as told:
            return replace(entry, tags=_build_start_tags(told))
        case RunUpdated() as told:
            tags = {"vtspec.plan.digest": str(told.plan_digest)}
            if told.completion is not None:
                tags["vtspec.completion"] = told.completion
            if "description" in told.changed:
                tags["mlflow.note.content"] = str(told.sections.get("description") or "")[:8000]
            return replace(entry, tags=tags, changed=told.changed)
        case TrainEpoch() as told:
            values = {
                "train_loss": told.train_loss,
                "val_loss": told.val_loss,
                "learning_rate": told.lr,
                _DURATION: told.seconds,
                **told.metrics,
                **_name_class_metrics(told.class_metrics),
            }
            return replace(entry, metrics=_build_metrics(values, told.epoch, at))
        case Evaluated() as told:
            final = {f"final_{name}": value for name, value in told.metrics.items()}
            return replace(
                entry,
                metrics=_build_metrics(final, told.checkpoint_epoch, at),
                tags={"vtspec.final.split": str(told.split)},
            )
        case RunFinished() as told:
            # MLflow knows three endings, vtspec six; the tag keeps the difference.
            tags = {ENDING_TAG: str(told.ending)}
            if told.message:
                tags["vtspec.message"] = told.message[:8000]
            gone = tuple(name for name in _ENDING_TAGS if name not in tags)
            return replace(entry, tags=tags, removed_tags=gone, status=_STATUS[told.ending])
        case _:
            return entry


def _name_class_metrics(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures by keys that stay apart where MLflow takes none of the letters of two names."""
    found: dict[str, float] = {}
    for place, (name, value) in enumerate(figures.items()):
        key = sanitize_key(name)
        found[key if key not in found else f"{key[:240]}-{place}"] = value
    return found


def _build_metrics(
    values: Mapping[str, float | None], epoch: float | None, at: int
) -> tuple[MetricPoint, ...]:
    return tuple(
        MetricPoint(key=sanitize_key(name), value=value, step=round(epoch or 0), time_ms=at)
        for name, value in values.items()
        if value is not None
    )


def _build_start_tags(told: RunStarted) -> dict[str, str]:
    sections = {
        "machine": told.machine,
        # One tag: a row for each of some fifty packages would bury all others.
        "versions": ", ".join(f"{name} {one}" for name, one in told.versions.items()) or None,
        "environment": told.environment,
        "backend": told.backend,
        "git": None if told.git is None else asdict(told.git),
    }
    found: dict[str, str] = {}
    for section, value in sections.items():
        for name, text in _flatten(section, value):
            found[sanitize_key(f"vtspec.{name}")] = text[:8000]
    # MLflow's own name for it, which its page links.
    if "vtspec.git.commit" in found:
        found["mlflow.source.git.commit"] = found["vtspec.git.commit"]
    return found
