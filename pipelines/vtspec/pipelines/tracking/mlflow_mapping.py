"""What MLflow is told of a run: pure, from the plan and its events.

Keys are MLflow's own limits away from refusal: at most 250 characters, only characters it takes;
values at most 6,000 (params) and 8,000 (tags).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from vtspec.pipelines.runs.events import Event

Status = Literal["FINISHED", "FAILED", "KILLED"]

_STATUS: Final[dict[str, Status]] = {
    "succeeded": "FINISHED",
    "failed": "FAILED",
    "refused": "FAILED",
    "crashed": "FAILED",
    "interrupted": "KILLED",
    "stopped": "KILLED",
}

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
    """What one event adds to a run in MLflow; `status` is set by the terminal event alone."""

    seq: int
    metrics: Sequence[MetricPoint] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    status: Status | None = None
    time_ms: int = 0


def sanitize_key(name: str) -> str:
    """`name` as MLflow takes it: what it refuses becomes `_`, the rest stays."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)[:250]


def parse_time_ms(time: str) -> int:
    """Milliseconds since 1970 of an event's RFC 3339 time."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def flatten_params(plan: Mapping[str, Any]) -> dict[str, str]:
    """The plan's resolved values, flattened: `training.optimizer` → `adamw`."""
    flat: dict[str, str] = {}
    for section in _PARAM_SECTIONS:
        flat.update(_flatten(section, plan.get(section)))
    kept = {k: v for k, v in flat.items() if not k.startswith(_NOT_PARAMS)}
    kept["dataset.numClasses"] = str(len(plan["dataset"].get("classes") or ()))
    return {sanitize_key(k): v[:6000] for k, v in kept.items()}


def _flatten(prefix: str, value: Any) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flatten(f"{prefix}.{name}", item)
    elif isinstance(value, list | tuple):
        yield prefix, ", ".join(str(item) for item in value)
    elif value is not None:
        yield prefix, str(value).lower() if isinstance(value, bool) else str(value)


def build_run_tags(plan: Mapping[str, Any], run: str) -> dict[str, str]:
    """What marks the run in MLflow from its first moment; `vtspec.run` finds it again."""
    return {
        "vtspec.run": run,
        "vtspec.plan.id": str(plan["id"]),
        "vtspec.plan.digest": str(plan["digest"]),
        "vtspec.spec": str(plan["name"]),
        "vtspec.spec.path": str(plan.get("specPath") or ""),
        "vtspec.dataset.hash": str(plan["dataset"]["hash"]),
        "mlflow.source.type": "JOB",
        "mlflow.source.name": str(plan.get("specPath") or plan["name"]),
        **(
            {"mlflow.note.content": str(plan["description"])[:8000]}
            if plan.get("description")
            else {}
        ),
    }


def translate_event(event: Event) -> TrackingEntry:
    """What `event` adds; kinds that MLflow is not told of add nothing but their place in order."""
    data, at = event.data, parse_time_ms(event.time)
    match event.kind:
        case "run.started" | "run.resumed":
            return TrackingEntry(seq=event.seq, tags=_build_tags(data), time_ms=at)
        case "train.epoch":
            step = round(data.get("epoch") or 0)
            values = {
                "train_loss": data.get("train_loss"),
                "val_loss": data.get("val_loss"),
                "learning_rate": data.get("lr"),
                "epoch_seconds": data.get("seconds"),
                **(data.get("metrics") or {}),
            }
            return TrackingEntry(
                seq=event.seq, metrics=_build_metrics(values, step, at), time_ms=at
            )
        case "evaluated":
            final = {f"final_{name}": v for name, v in (data.get("metrics") or {}).items()}
            step = round(data.get("checkpoint_epoch") or 0)
            tags = {"vtspec.final.split": str(data.get("split"))}
            return TrackingEntry(
                seq=event.seq, metrics=_build_metrics(final, step, at), tags=tags, time_ms=at
            )
        case "run.finished":
            ending = str(data.get("ending"))
            tags = {"vtspec.ending": ending}
            if data.get("message"):
                tags["vtspec.message"] = str(data["message"])[:8000]
            return TrackingEntry(
                seq=event.seq, tags=tags, status=_STATUS.get(ending, "FAILED"), time_ms=at
            )
        case _:
            return TrackingEntry(seq=event.seq, time_ms=at)


def _build_metrics(values: Mapping[str, Any], step: int, at: int) -> tuple[MetricPoint, ...]:
    return tuple(
        MetricPoint(key=sanitize_key(name), value=float(value), step=step, time_ms=at)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )


def _build_tags(data: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for section in ("machine", "versions", "environment", "backend", "git"):
        for name, value in _flatten(section, data.get(section)):
            found[sanitize_key(f"vtspec.{name}")] = value[:8000]
    if "vtspec.git.commit" in found:
        found["mlflow.source.git.commit"] = found["vtspec.git.commit"]
    return found
